package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"befree.example/tui/speech"
)

// A screen shows frames on a terminal, each at once and all at one time: only rows that changed are written. A terminal
// that takes nothing keeps nobody waiting but itself; it gets the newest frame when it takes something again. Bubble
// Tea's renderer shows frames at times of its own, and one stalled write stops all keys.
type screen struct {
	terminal *os.File

	mu     sync.Mutex // held by whoever writes to the terminal
	shown  []string
	titled string

	clipboard *time.Timer // runs while there is something of ours in the clipboard
	closed    bool        // nothing is copied any more

	next  sync.Mutex // guards frame, anew and title
	frame string
	title string
	anew  bool
	due   chan struct{}
	rests sync.Once
	done  chan struct{}
}

// What a console asks of a terminal: to keep the window's title (and give it back at the end), its own page, no cursor, pastes marked as such, and no row that runs over into the
// next because the terminal finds a character wider than we do.
const (
	begins = "\x1b[22;2t" + ansi.SetModeAltScreenSaveCursor + ansi.HideCursor + ansi.SetModeBracketedPaste + ansi.ResetModeAutoWrap + ansi.EraseEntireScreen
	whole  = ansi.ResetModeSynchronizedOutput + ansi.ResetModeBracketedPaste + ansi.ResetModeMouseButtonEvent +
		ansi.ResetModeMouseAnyEvent + ansi.ResetModeMouseExtSgr + ansi.ResetStyle + ansi.SetModeAutoWrap +
		ansi.ResetModeAltScreenSaveCursor + ansi.ShowCursor + "\x1b[23;2t"
)

// slowTerminal is how long the end of a console waits for a terminal that takes nothing.
const slowTerminal = time.Second

// newScreen takes a terminal over, or goes on with one that this process had before.
func newScreen(terminal *os.File, before bool) *screen {
	s := &screen{terminal: terminal, due: make(chan struct{}, 1), done: make(chan struct{})}
	if !before {
		s.write(begins)
	}
	go func() {
		defer close(s.done)
		for range s.due {
			s.paint()
		}
	}()
	return s
}

// Show has a frame shown, in place of one that was not yet; anew also has all of it written.
func (s *screen) Show(frame string, anew bool) {
	s.next.Lock()
	s.frame, s.anew = frame, s.anew || anew
	s.next.Unlock()
	s.wake()
}

// wake has what is new painted.
func (s *screen) wake() {
	select {
	case s.due <- struct{}{}:
	default: // it will be seen with what is due
	}
}

// Rest shows what is still to be shown, and tells whether the terminal took it. Nothing may be shown afterwards.
func (s *screen) Rest() bool {
	s.rests.Do(func() { close(s.due) })
	select {
	case <-s.done:
		s.Copy("")
		return true
	case <-time.After(slowTerminal):
		return false
	}
}

// Close gives the terminal back as it was. Nothing may be shown afterwards.
func (s *screen) Close() {
	if !s.Rest() {
		return // its warden tidies up
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.write(whole)
}

func (s *screen) paint() {
	s.next.Lock()
	frame, title, anew := s.frame, s.title, s.anew
	s.anew = false
	s.next.Unlock()
	rows := strings.Split(frame, "\n")
	var b strings.Builder
	if title != s.titled {
		s.titled = title
		b.WriteString(ansi.SetWindowTitle(title))
	}
	if anew || len(rows) != len(s.shown) {
		s.shown = make([]string, len(rows))
		b.WriteString(ansi.EraseEntireScreen)
	}
	for y, row := range rows {
		if row != s.shown[y] {
			fmt.Fprintf(&b, "\x1b[%dH%s", y+1, row)
		}
	}
	s.shown = rows
	if b.Len() > 0 {
		s.write(ansi.SetModeSynchronizedOutput + b.String() + ansi.ResetModeSynchronizedOutput)
	}
}

func (s *screen) write(b string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.terminal.WriteString(b) // a terminal that is gone shows nothing to anybody
}

// Watch tells p how large the terminal is, now and whenever that changes, until stop is closed.
func (s *screen) Watch(p *tea.Program, stop <-chan struct{}) {
	often := time.NewTicker(100 * time.Millisecond)
	defer often.Stop()
	var was tea.WindowSizeMsg
	for {
		if w, h, err := term.GetSize(int(s.terminal.Fd())); err == nil && was != (tea.WindowSizeMsg{Width: w, Height: h}) {
			was = tea.WindowSizeMsg{Width: w, Height: h}
			p.Send(was)
		}
		select {
		case <-often.C:
		case <-stop:
			return
		}
	}
}

// notices are what calls for a person, by the name of the setting. They say nothing of a text, a number or a name.
var notices = map[string]string{
	"bell": "\a", "osc9": "\x1b]9;%s\a", "osc777": "\x1b]777;notify;befree;%s\a", "osc99": "\x1b]99;;%s\x1b\\",
}

// calling calls for a person by the notice of that name, through tmux where there is one; nil where they want none.
func calling(write func(string), name string, in *speech.Speech) func(urgent bool) {
	notice := notices[name]
	if notice == "" {
		return nil
	}
	return func(urgent bool) {
		words := in.T("befree: somebody waits")
		if urgent {
			words = in.T("befree: URGENT")
		}
		said := notice
		if strings.Contains(said, "%s") {
			said = through(fmt.Sprintf(said, words))
		}
		write(said)
	}
}

// clipboardFor is how long what was copied stays in the clipboard.
const clipboardFor = 30 * time.Second

// Copy puts text into the terminal's clipboard, by OSC 52, and takes it out again after a while, or at the end; an empty
// one takes out at once what is there of ours.
func (s *screen) Copy(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ours := s.clipboard != nil && s.clipboard.Stop()
	s.clipboard = nil
	switch {
	case s.closed:
	case text != "":
		_, _ = s.terminal.WriteString(through(ansi.SetSystemClipboard(text)))
		s.clipboard = time.AfterFunc(clipboardFor, func() { s.write(through(ansi.ResetSystemClipboard)) })
	case ours:
		_, _ = s.terminal.WriteString(through(ansi.ResetSystemClipboard))
	}
}

// Title has the window say something. A terminal that takes nothing gets it later, or not at all.
func (s *screen) Title(text string) {
	s.next.Lock()
	s.title = text
	s.next.Unlock()
	s.wake()
}

// Mouse has the terminal tell of clicks and of the wheel, or no more.
func (s *screen) Mouse(on bool) {
	if on {
		s.write(ansi.SetModeMouseButtonEvent + ansi.SetModeMouseExtSgr)
		return
	}
	s.write(ansi.ResetModeMouseButtonEvent + ansi.ResetModeMouseExtSgr)
}

// through passes a sequence through tmux where there is one.
func through(sequence string) string {
	if os.Getenv("TMUX") != "" {
		return ansi.TmuxPassthrough(sequence)
	}
	return sequence
}
