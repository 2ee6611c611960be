package tui

import (
	"fmt"
	"io"
	"math"
	"runtime"
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
	h.must(desk.Command{Kind: desk.FloodLifted, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, nil) // they are laid out one by one
	m := New(Options{
		Line: h, Name: "ada", Theme: theme.Dark(), Zone: time.UTC,
		Call: func(bool) {}, Title: func(string) {}, Show: func(string, bool) {},
	})
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 36})
	m.Update(collect(h, "ada", "", false, &world{}))
	m.show1("c0147")
	m.Update(collect(h, "ada", "c0147", false, &m.world))
	m.focus = onChat
	m.View()
	return m
}

// newer are so many worlds, each one event after the one before: a text of the conversation on the screen, of somebody who
// waits, of somebody new, in turn.
func newer(b testing.TB, m *Model, n int) (ws []worldMsg) {
	h, before := m.Line.(*hand), m.world
	for i := range n {
		h.events = nil
		h.text([]string{"0147", fmt.Sprintf("%06d", 2*i), fmt.Sprintf("1%05d", h.n%100_000)}[i%3], []string{"ok", "he locked me in", "HELP"}[i%3])
		w := collect(h, "ada", "c0147", false, &before)
		if len(w.news) != 1 {
			b.Fatalf("one event changes %q", w.news)
		}
		before = w.world
		ws = append(ws, w)
	}
	return ws
}

// strokes are two keys that undo each other, and where they are pressed.
var strokes = []struct {
	name  string
	focus pane
	keys  [2]tea.KeyMsg
}{
	{"a key in the conversation", onChat, [2]tea.KeyMsg{named["up"], named["down"]}},
	{"a key in the list", onQueue, [2]tea.KeyMsg{{Type: tea.KeyRunes, Runes: []rune("j")}, {Type: tea.KeyRunes, Runes: []rune("k")}}},
	{"a letter of a reply", onComposer, [2]tea.KeyMsg{{Type: tea.KeyRunes, Runes: []rune("a")}, named["backspace"]}},
}

// BenchmarkFrame10000Rows5000Messages is what one message to the console costs with the frame after it, at 120 by 36, with
// 10,000 rows in the list and 5,000 messages in the conversation on the screen: a key, or a world that is one event newer.
// Taking that world is no part of it: collect does that beside the screen.
func BenchmarkFrame10000Rows5000Messages(b *testing.B) {
	m := busy(b, 10_000, 5000)
	for _, s := range strokes {
		b.Run(s.name, func(b *testing.B) {
			m.focus = s.focus
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Update(s.keys[i%2])
				m.View()
			}
		})
	}
	ws := newer(b, m, 300)
	for name, touched := range map[string]time.Time{"a newer world": {}, "a newer world while somebody moves in the list": time.Now().Add(time.Hour)} {
		b.Run(name, func(b *testing.B) {
			m.focus, m.queue.touched = onQueue, touched
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Update(ws[i%len(ws)])
				m.View()
			}
		})
	}
}

// BenchmarkCollect10000Rows5000Messages is what a world costs that is one event newer, beside the screen.
func BenchmarkCollect10000Rows5000Messages(b *testing.B) {
	m := busy(b, 10_000, 5000)
	h, before := m.Line.(*hand), m.world
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.events = nil
		h.text(fmt.Sprintf("%06d", i%10_000), "he locked me in")
		before = collect(h, "ada", "c0147", false, &before).world
	}
}

// TestFrameAllocates holds that a frame costs what is in view, not what there is: twenty times the queue and the
// conversation must not cost more, neither a key nor a newer world, in allocations or in bytes.
func TestFrameAllocates(t *testing.T) {
	type cost struct{ allocs, bytes float64 }
	per := func(n int, f func(i int)) cost {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		f(0)
		least := cost{math.Inf(1), math.Inf(1)} // of three, since what else the process does is counted too
		for part := range 3 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for i := range n / 3 {
				f(part*(n/3) + i + 1)
			}
			runtime.ReadMemStats(&after)
			least.allocs = min(least.allocs, float64(after.Mallocs-before.Mallocs)/float64(n/3))
			least.bytes = min(least.bytes, float64(after.TotalAlloc-before.TotalAlloc)/float64(n/3))
		}
		return least
	}
	costs := func(m *Model) map[string]cost {
		all := map[string]cost{}
		for _, s := range strokes {
			m.focus = s.focus
			all[s.name] = per(60, func(i int) {
				m.Update(s.keys[i%2])
				m.View()
			})
		}
		for name, touched := range map[string]time.Time{"a newer world": {}, "a newer world while somebody moves": time.Now().Add(time.Hour)} {
			ws := newer(t, m, 61)
			m.focus, m.queue.touched = onQueue, touched
			all[name] = per(len(ws)-1, func(i int) {
				m.Update(ws[i])
				m.View()
			})
		}
		return all
	}
	few, many := costs(busy(t, 200, 60)), costs(busy(t, 4000, 1200))
	for name, much := range many {
		little := few[name]
		t.Logf("%s: %.0f allocations, %.0f bytes; with little on the line %.0f, %.0f", name, much.allocs, much.bytes, little.allocs, little.bytes)
		if much.allocs > little.allocs*1.1+20 || much.bytes > little.bytes*1.1+2000 || much.allocs > 2000 {
			t.Errorf("%s: %.0f allocations and %.0f bytes with much on the line, %.0f and %.0f with little", name, much.allocs, much.bytes, little.allocs, little.bytes)
		}
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
