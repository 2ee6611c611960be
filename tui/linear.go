package tui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"befree.example/store/desk"
	"befree.example/tui/text"
	"befree.example/tui/theme"
)

// A Linear is the console as lines that are only ever added: for screen readers, and for terminals that can do nothing
// else. It has the same commands, dialogs and rules; what it is told is a line at a time. Run it as a Model, without
// input and without a renderer, and send it a Typed for each line.
type Linear struct {
	*Model
	out     io.Writer
	pending string // ID and words of what was read back, which an empty line sends
	doubted string // ID and words of what may have been meant for befree
	told    told
	all     []command // those of the screen, too
	amid    bool      // what is said next may come while a line is being typed
}

// Typed is a line that its person wrote.
type Typed string

// told is what was said already.
type told struct {
	notice    notice
	state     string
	alarm     string
	dialog    *dialog
	wrapUp    string
	palette   string
	draft     string // ID and words
	tour      string
	locked    bool
	open      string
	banner    bool // of the open conversation
	beside    string
	turn      uint64            // Seq of the open conversation's last turn
	delivery  map[string]string // of the open conversation's texts, by ID
	arrivals  map[arrival]bool
	unstarted bool
	whole     bool // all of a conversation is to be read out
}

// tooLong stands for a text that was read back and cannot be sent: an empty line reads it back once more.
const tooLong = "\n"

// linearWidth is where lines are wrapped.
const linearWidth = 76

// NewLinear returns a console that writes lines to out.
func NewLinear(o Options, out io.Writer) *Linear {
	o.Theme, o.ASCII = theme.Theme{}, true
	m := New(o)
	m.rule, m.surge, m.marks, m.lines = "", "", [4]string{}, true
	m.width, m.chat.width = linearWidth, linearWidth
	all := m.commands
	m.commands = slices.DeleteFunc(slices.Clone(all), func(c command) bool { return c.do == nil || c.line() == "" })
	return &Linear{Model: m, out: out, all: all, told: told{unstarted: true, arrivals: map[arrival]bool{}}}
}

// Update routes.
func (l *Linear) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer l.guarded(&cmd)
	line, ok := msg.(Typed)
	if l.amid = !ok; ok {
		cmd = l.heard(string(line))
		l.begun()
		cmd = tea.Batch(cmd, l.looked())
	} else {
		_, cmd = l.Model.Update(msg)
	}
	l.chat.Scroll(-l.chat.up) // there is nothing to scroll, and from above the end nothing could be sent
	return l, tea.Batch(cmd, l.tell())
}

// View is empty: everything has been said.
func (l *Linear) View() string { return "" }

// draft is what an empty line would send now, and to whom.
func (l *Linear) draft() string { return l.open + "\n" + l.composer.Text(l.open) }

// write adds a line to the draft of the open conversation, and reads it back.
func (l *Linear) write(line string) tea.Cmd {
	l.addToDraft(line)
	return l.readBack()
}

func (l *Linear) addToDraft(line string) {
	if before := l.composer.Text(l.open); strings.TrimSpace(before) != "" {
		line = before + "\n" + line
	}
	if l.composer.Put(l.open, line); l.composer.Text(l.open) != line {
		l.print(l.T("Only the beginning of that could be kept."))
	}
}

// readBack says what would be sent to whom, and waits for an empty line; what is too long is no more than a draft.
func (l *Linear) readBack() tea.Cmd {
	words := l.composer.Text(l.open)
	l.told.draft = l.draft()
	l.print(l.T("To {{.Who}}", "Who", l.who(l.chat.conv)) + ": " + l.composer.count())
	l.print(strings.Split(text.Clean(words), "\n")...)
	if over := utf8.RuneCountInString(words) - desk.MaxReply; over > 0 {
		l.print(l.N(over, "It is {{.N}} characters too long.") + " " + l.T("Another text takes its place."))
		l.pending = tooLong
		return l.saveSoon()
	}
	l.pending = l.draft()
	l.print(l.T("An empty line sends it, a full stop alone keeps it as a draft, another text takes its place."))
	return l.saveSoon()
}

// clear takes what was said from the screen and from what can be scrolled back to.
func (l *Linear) clear() {
	l.amid = false
	fmt.Fprint(l.out, ansi.EraseEntireScreen+ansi.EraseEntireDisplay+ansi.CursorHomePosition)
}

// conversations are the rows of the list that can be opened, in its order.
func (l *Linear) conversations() []row {
	l.queue.Settle()
	return slices.Collect(l.queue.rows.conversations())
}

func (l *Linear) row(n int) tea.Cmd {
	rows := l.conversations()
	if n < 1 || n > len(rows) {
		l.say(l.T("There is no row {{.Number}}.", "Number", n))
		return nil
	}
	return l.show1(rows[n-1].id)
}

// list reads the list out, a conversation a line, with the numbers that open them.
func (l *Linear) list() {
	rows := l.conversations()
	for i, r := range rows {
		c := l.world.byID.get(r.id)
		l.print(fmt.Sprintf("%d. %s, %s, %s: %s", i+1, l.severity(c.Severity), l.who(c), l.queue.state(c, l.now), l.queue.said(c, 200)))
	}
	switch s := l.world.status; {
	case len(rows) > 0:
	case s.InStep(), l.Review && l.world.byID != nil:
		l.print(l.T("Nobody is waiting."))
	default: // which is not known yet
		l.print("befree: " + l.connection(s))
	}
}

// print says lines. The terminal shows what is being typed by itself, and it cannot be known how much that is: what comes
// amid it begins on a line of its own.
func (l *Linear) print(lines ...string) {
	if l.amid && len(lines) > 0 {
		fmt.Fprintln(l.out)
		l.amid = false
	}
	for _, line := range lines {
		fmt.Fprintln(l.out, strings.TrimSpace(ansi.Strip(line)))
	}
}
