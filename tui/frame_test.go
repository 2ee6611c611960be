package tui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
	"befree.example/tui/text"
	"befree.example/tui/theme"
)

// FuzzFrame draws lines of anything that has been cleaned into columns of any size: each row has exactly the width that
// was asked for, whatever stands in it.
func FuzzFrame(f *testing.F) {
	f.Add("hello\n漢字 👩‍👩‍👧\nא ב", 10, 5, 3)
	f.Add("\x1b[31mred", 1, 1, 0)
	f.Add(strings.Repeat("e\u0301\u0302", 30), 7, 200, 60)
	f.Fuzz(func(t *testing.T, words string, left, right, height int) {
		if left < 0 || right < 0 || height < 1 || left+right > 500 || height > 200 {
			return
		}
		ink := theme.Dark().Danger
		var lines []string
		for l := range strings.SplitSeq(text.Clean(words), "\n") {
			lines = append(lines, ink.Paint(l), cut(l, left-1, "…"))
			lines = append(lines, wrap(l, right)...)
		}
		rows := frame(height, "│", column{left, lines}, column{right, lines})
		exact(t, strings.Join(rows, "\n"), left+right+1, height)
	})
}

// TestEverySizeIsFilled draws every screen at every size: none is left out, overflows or ends the program.
func TestEverySizeIsFilled(t *testing.T) {
	sizes := [][2]int{{1, 1}, {5, 2}, {59, 20}, {60, 19}, {60, 20}, {61, 21}, {79, 24}, {80, 20}, {81, 25}, {109, 30}, {110, 20}, {111, 31}, {250, 70}}
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			sit(t, screen.o, 120, 36, screen.world, func(s *sitter) {
				s.press(screen.keys...)
				for _, size := range sizes {
					s.update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
					exact(t, s.m.View(), size[0], size[1])
					s.press("tab")
					exact(t, s.m.View(), size[0], size[1])
				}
				s.update(tea.WindowSizeMsg{Width: 120, Height: 36})
				exact(t, s.m.View(), 120, 36)
			})
		})
	}
}

func TestTooSmallSaysWhatIsNeeded(t *testing.T) {
	sit(t, Options{}, 40, 10, night, func(s *sitter) {
		s.sees("at least 60 by", "Nothing is lost")
		s.update(tea.WindowSizeMsg{Width: 60, Height: 20})
		s.sees("IMMINENT")
	})
}

// busy is a console with a long queue and a long conversation on the screen.
func busy(b testing.TB, rows, messages int) *Model {
	h := newHand(b)
	for i := range rows {
		h.events = nil
		h.text(fmt.Sprintf("%06d", i), []string{"HELP", "he locked me in", "hola qué es este número", "stop him he's here"}[i%4])
	}
	h.text("0147", "first")
	h.take("ada", "0147")
	for i := range messages {
		h.text("0147", fmt.Sprintf("text %d: %s", i, strings.Repeat("some words of a text ", i%5)))
	}
	m := New(Options{Line: h, Name: "ada", Theme: theme.Dark(), Zone: time.UTC})
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 36})
	m.Update(collect(h, "ada", "", false))
	m.show1("c0147")
	m.Update(collect(h, "ada", "c0147", false))
	m.focus = onChat
	m.View()
	return m
}

// BenchmarkFrame is a key and the frame after it, with 10,000 in the queue and a conversation of 5,000 texts.
func BenchmarkFrame(b *testing.B) {
	m := busy(b, 10_000, 5000)
	for name, keys := range map[string][]tea.KeyMsg{
		"scroll the conversation": {named["up"], named["down"]},
		"scroll the queue":        {{Type: tea.KeyRunes, Runes: []rune("j")}, {Type: tea.KeyRunes, Runes: []rune("k")}},
		"type":                    {{Type: tea.KeyRunes, Runes: []rune("a")}, named["backspace"]},
	} {
		b.Run(name, func(b *testing.B) {
			m.focus = map[string]pane{"scroll the conversation": onChat, "scroll the queue": onQueue, "type": onComposer}[name]
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Update(keys[i%2])
				m.View()
			}
		})
	}
	b.Run("a newer world", func(b *testing.B) {
		w := collect(m.Line, "ada", "c0147", false)
		b.ReportAllocs()
		for b.Loop() {
			m.Update(w)
			m.View()
		}
	})
}

// TestFrameAllocates holds that a frame costs what is in view, not what there is: twenty times the queue and the
// conversation must not cost more.
func TestFrameAllocates(t *testing.T) {
	per := func(m *Model) float64 {
		i := 0
		return testing.AllocsPerRun(50, func() {
			m.Update([]tea.KeyMsg{named["up"], named["down"]}[i%2])
			m.View()
			i++
		})
	}
	few, many := per(busy(t, 100, 60)), per(busy(t, 2000, 1200))
	if many > few*1.1+20 || many > 2000 {
		t.Errorf("a frame makes %.0f allocations with much on the line, %.0f with little", many, few)
	}
}

// BenchmarkKey is a key on its way through a running program while the line changes 2,000 times a second: from the
// keyboard's bytes to the frame that shows it, which is handed to the terminal. There are 10,000 in the queue and 5,000
// texts in the conversation.
func BenchmarkKey(b *testing.B) {
	m := busy(b, 10_000, 5000)
	m.focus = onComposer
	shown := make(chan string, 1000)
	m.Show = func(frame string, _ bool) { shown <- frame }
	keyboard, hands := io.Pipe()
	p := tea.NewProgram(m, tea.WithInput(keyboard), tea.WithoutRenderer(), tea.WithFilter(Filter), tea.WithoutSignalHandler())
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	stop := make(chan struct{})
	var others sync.WaitGroup
	h := m.Line.(*hand)
	before := h.n
	others.Go(func() { change(b, h, stop) })
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := hands.Write([]byte{byte('a' + len(took)%26)}); err != nil {
			b.Fatal(err)
		}
		for want := fmt.Sprintf("m%d/1600", len(took)%1000+1); !strings.Contains(<-shown, want); {
		}
		took = append(took, time.Since(began))
		if len(took)%1000 == 0 {
			m.composer.Put("c0147", "")
		}
		time.Sleep(9 * time.Millisecond) // as fast as a key that is held down three times over
	}
	close(stop)
	others.Wait()
	p.Send(Leave{})
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(h.n-before)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
}

// change lets texters text 2,000 times a second.
func change(b *testing.B, h *hand, stop <-chan struct{}) {
	judged := triage.Default().Judge("he locked me in")
	often := time.NewTicker(4 * time.Millisecond) // with eight at a time: timers are coarse
	defer often.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-often.C:
		}
		for k := range 8 {
			from := fmt.Sprintf("%06d", (8*n+k)%10_000)
			h.must(desk.Command{
				ID: fmt.Sprintf("SM%d", h.n), Kind: desk.Received, Conversation: "c" + from, Actor: store.Texter, Number: sms.Number("+1202555" + from),
			}, desk.Text{To: "233733", Text: "he locked me in", Triage: judged})
		}
	}
}

// TestLettersFromRightToLeft: on a row with such letters they are isolated, so that nothing beside them moves, and the
// row is not a cell wider.
func TestLettersFromRightToLeft(t *testing.T) {
	for line, want := range map[string]bool{"שלום abc": true, "abc مرحبا": true, "abc 漢字 ─ é": false} {
		row := frame(1, "|", column{20, []string{line}}, column{10, []string{"beside"}})[0]
		left, right, _ := strings.Cut(row, "|")
		if got := strings.Contains(left, "\u2068"+line+"\u2069"); got != want || strings.ContainsAny(right, "\u2068\u2069") {
			t.Errorf("%q is isolated: %t", row, got)
		}
		if w := cells(left); w != 20 {
			t.Errorf("%q is %d wide", left, w)
		}
	}
}
