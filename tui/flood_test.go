package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"befree.example/store/desk"
	"befree.example/store/triage"
)

// flooded is somebody whose number floods, and somebody else who waits.
func flooded(h *hand) {
	h.text("0122", "he locked me in")
	time.Sleep(10 * time.Second)
	for i := range 30 {
		h.text("0147", fmt.Sprintf("hello %d", i))
	}
	time.Sleep(10 * time.Second)
	h.pours("0147", 270)
	time.Sleep(5 * time.Second)
}

// pours has somebody send what would have everybody come at once, ten a second.
func (h *hand) pours(tail string, n int) {
	for i := range n {
		h.text(tail, fmt.Sprintf("he has a gun %d", i))
		time.Sleep(100 * time.Millisecond)
	}
}

// TestFloodCallsNobody: its texts ring at no console, whatever they say; what came before them rang, and a person rings.
func TestFloodCallsNobody(t *testing.T) {
	var calls []bool
	o := Options{Call: func(urgent bool) { calls = append(calls, urgent) }, CallFor: triage.Information}
	sit(t, o, 100, 30, mine, func(s *sitter) {
		calls = nil
		for range 30 {
			s.h.text("0131", "hello")
		}
		s.wait(5 * time.Second)
		if len(calls) != 1 {
			t.Fatalf("the first texts called %v", calls)
		}
		for range 270 {
			s.h.text("0131", "he has a gun")
			s.wait(50 * time.Millisecond)
		}
		if len(calls) != 1 {
			t.Errorf("a flood called %v", calls[1:])
		}
		s.h.text("0133", "he locked me in")
		s.wait(time.Second)
		if len(calls) != 2 {
			t.Errorf("somebody else called %v", calls[1:])
		}
		s.h.must(desk.Command{Kind: desk.FloodLifted, Conversation: "c0131", Actor: "ben", Role: desk.Specialist}, nil)
		s.wait(time.Second)
		if len(calls) != 3 || !calls[2] {
			t.Errorf("that it is a person called %v", calls[2:])
		}
	})
}

// TestFloodInTheList: it keeps its place and says what it is; its words there are the last that were not of it, and are not
// asked for again with each of its texts.
func TestFloodInTheList(t *testing.T) {
	sit(t, Options{}, 120, 30, flooded, func(s *sitter) {
		s.sees("● STANDARD  rapid bay", "≈ FLOOD", "hello 29")
		s.seesNot("a gun", "IMMINENT")
		if got := s.screen(); strings.Index(got, "0122") > strings.Index(got, "0147") {
			t.Errorf("it stands before whoever wrote first, and worse:\n%s", got)
		}
		s.press("down")
		s.sees("270 texts beyond 30")
		s.h.forget()
		s.wait(time.Second)
		s.h.pours("0147", 30)
		s.wait(time.Second)
		s.sees("hello 29")
		s.h.previewed, s.h.unheard = nil, true
		s.h.forget()
		for range 30 {
			s.h.text("0147", "he has a gun")
			s.wait(100 * time.Millisecond)
		}
		if n := len(s.h.previewed); n > 1 {
			t.Errorf("words were asked for %d times", n)
		}
		s.wait(11 * time.Minute)
		s.seesNot("FLOOD")
	})
}

// TestFloodIsOneLine: a run of its texts is one line, which a key opens; what is looked for is found in it.
func TestFloodIsOneLine(t *testing.T) {
	sit(t, Options{}, 120, 30, flooded, func(s *sitter) {
		s.press("down", "enter")
		s.sees("texter · 270 texts of a flood: v shows them", "hello 29", "B says that it is a person")
		s.h.pours("0147", 5)
		s.wait(time.Second)
		s.sees("texter · 275 texts of a flood")
		s.press("v")
		s.sees("he has a gun 4")
		s.seesNot("texts of a flood")
		s.press("v")
		s.sees("275 texts of a flood")
		s.press("ctrl+f", "gun 137", "enter")
		s.sees(">   he has a gun 137")
		s.press("esc", "esc", "n") // the other one
		s.press("esc", "esc", "up", "down", "enter")
		s.sees("275 texts of a flood")
	})
}

// TestFloodCanBeAnswered: it keeps nobody from writing to whose number it is, nor from reading them.
func TestFloodCanBeAnswered(t *testing.T) {
	sit(t, Options{}, 120, 30, flooded, func(s *sitter) {
		s.press("down", "c", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "end", "Are you safe?")
		s.h.text("0147", "he has a gun")
		s.wait(200 * time.Millisecond)
		s.press("enter")
		s.sent("c0147: Are you safe?")
	})
}

// TestFloodIsLiftedHere: one key says that it is a person: then its texts count, and each is shown.
func TestFloodIsLiftedHere(t *testing.T) {
	sit(t, Options{}, 120, 30, flooded, func(s *sitter) {
		s.press("B")
		s.sees("There is no flood in it")
		s.press("down", "B")
		s.wait(time.Second)
		s.sees("■ IMMINENT  rapid bay", "he has a gun 269")
		s.seesNot("FLOOD")
		s.press("enter")
		s.sees("he has a gun 269", "ada knows that it is a person, not a flood")
		s.seesNot("texts of a flood")
	})
}

// TestFloodByLines: who hears the line is not read a flood out, unless they ask.
func TestFloodByLines(t *testing.T) {
	sit(t, Options{}, 0, 0, flooded, func(s *sitter) {
		if got := s.said.String(); !strings.Contains(got, ", FLOOD, waits") {
			t.Fatalf("the list says %s", got)
		}
		from := s.said.Len()
		s.h.pours("0147", 20)
		s.wait(time.Second)
		if got := s.said.String()[from:]; got != "" {
			t.Errorf("of more of it is said: %s", got)
		}
		s.hears("2", "290 texts beyond 30 in a minute", ":B says that it is a person")
		from = s.said.Len()
		s.h.pours("0147", 20)
		s.wait(time.Second)
		if got := s.said.String()[from:]; strings.Contains(got, "gun") {
			t.Errorf("while it is open is said: %s", got)
		}
		s.hears(":v", "he has a gun 0", "he has a gun 269")
		s.hears(":B", "count like anybody's now")
	})
}
