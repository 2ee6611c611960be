package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
)

// TestReadIsWhatWasOnTheScreen: a text counts as read once it is to be seen, and not before.
func TestReadIsWhatWasOnTheScreen(t *testing.T) {
	for name, do := range map[string][2]func(*sitter){
		"too small": {
			func(s *sitter) { s.update(tea.WindowSizeMsg{Width: 50, Height: 10}) },
			func(s *sitter) { s.update(tea.WindowSizeMsg{Width: 70, Height: 30}) },
		},
		"help":          {func(s *sitter) { s.press("f1") }, func(s *sitter) { s.press("esc") }},
		"list":          {func(s *sitter) { s.press("esc", "esc") }, func(s *sitter) { s.press("tab") }},
		"locked":        {func(s *sitter) { s.press("ctrl+l") }, func(s *sitter) { s.press("ctrl+l") }},
		"scrolled away": {func(s *sitter) { s.press("pgup") }, func(s *sitter) { s.press("end") }},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, 70, 30, func(h *hand) {
				for range 12 {
					h.text("0147", "please help me")
				}
				mine(h)
			}, func(s *sitter) {
				s.press("1", "pgup", "pgup", "pgup", "end")
				do[0](s)
				s.h.text("0147", "he has a knife")
				s.wait(2 * time.Second)
				unread := func() int { return s.m.read.unread(s.h.state.Conversation("c0147")) }
				if n := unread(); n != 1 {
					s.Errorf("%d unread; the screen:\n%s", n, s.screen())
				}
				do[1](s)
				s.wait(time.Second)
				if n := unread(); n != 0 || !strings.Contains(s.screen(), "knife") {
					s.Errorf("%d unread; the screen:\n%s", n, s.screen())
				}
			})
		})
	}
}

// TestWrapUpReadsFirst: what came in under the questions keeps the conversation open.
func TestWrapUpReadsFirst(t *testing.T) {
	for _, pause := range []time.Duration{50 * time.Millisecond, 5 * time.Second} {
		sit(t, Options{}, 70, 20, mine, func(s *sitter) {
			s.press("1", "esc", "x", "1", "1", "1", "1")
			s.h.text("0147", "he is back, help")
			s.wait(pause)
			s.press("y")
			s.sees("Nothing was closed: a text came in meanwhile")
			s.wait(time.Second)
			if s.h.state.Conversation("c0147").Phase == desk.ClosedNow {
				s.Errorf("closed %v after a text", pause)
			}
		})
	}
}

// TestALongTextIsReadFromItsBeginning: a text whose beginning was never on the screen is not read, and nothing goes out
// past it.
func TestALongTextIsReadFromItsBeginning(t *testing.T) {
	for _, language := range []string{"en", "es"} {
		sit(t, Options{Language: language}, 60, 20, mine, func(s *sitter) {
			unread := func() int { return s.m.read.unread(s.h.state.Conversation("c0147")) }
			s.press("1", "Ok")
			s.h.text("0147", "DO NOT ANSWER he has the phone "+strings.Repeat("and he reads what I get ", 28))
			s.wait(5 * time.Second)
			s.seesNot("DO NOT ANSWER")
			s.press("enter")
			s.wait(time.Second)
			if got := strings.Join(strings.Fields(s.screen()), " "); !strings.Contains(got, s.m.T("Not all that is new was on the screen yet: pgup goes to where it begins, then end.")) {
				t.Errorf("it is not said how to see it:\n%s", s.screen())
			}
			if n := unread(); n != 1 {
				t.Errorf("%d unread, and its beginning was not on the screen", n)
			}
			for range 9 {
				if s.press("pgup"); strings.Contains(s.screen(), "DO NOT ANSWER") {
					break
				}
			}
			s.sees("DO NOT ANSWER")
			s.press("enter")
			if n := unread(); n != 1 {
				t.Errorf("%d unread, and its end is not on the screen", n)
			}
			s.press("end")
			s.wait(50 * time.Millisecond)
			if n := unread(); n != 0 {
				t.Errorf("%d unread:\n%s", n, s.screen())
			}
			s.wait(time.Second)
			s.press("enter")
			s.sent("c0147: Ok")
		})
	}
}

// TestNoTextIsLeftOutByPages: by pages alone every text comes into view, in the smallest window with all that can stand
// above and below it.
func TestNoTextIsLeftOutByPages(t *testing.T) {
	yes := true
	record := desk.SafetyEdit{Watched: &yes, Hold: &yes, Hours: &desk.Hours{From: "08:00", Until: "22:00", Zone: "UTC"}}
	sit(t, Options{}, 60, 20, func(h *hand) {
		mine(h)
		c := h.state.Conversation("c0147")
		h.must(desk.Command{Kind: desk.ReplyQueued, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Reply{Text: "I am here", Now: true})
		h.doubtful("0147")
		h.must(desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Actor: "ada", Role: desk.Specialist}, record)
		for range 15 {
			h.text("0147", "please help me")
		}
	}, func(s *sitter) {
		s.press("1")
		s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("Stay there\n", 6)), Paste: true})
		s.wait(time.Second)
		s.press("enter") // what is said of it stays
		for range 99 {
			s.press("pgup")
		}
		for range 99 {
			s.press("pgdown")
		}
		if n := s.m.read.unread(s.h.state.Conversation("c0147")); n != 0 {
			t.Errorf("%d unread:\n%s", n, s.screen())
		}
	})
}

// TestNewIsTheTexters: what is new since one looked is what the texter wrote, never one's own, and nothing in a
// conversation that is closed.
func TestNewIsTheTexters(t *testing.T) {
	const mark = "new since you looked"
	sit(t, Options{}, 120, 36, queued, func(s *sitter) {
		s.press("alt+1", "I am here", "enter", "alt+2", "alt+1")
		s.wait(time.Second)
		s.sees("I am here")
		s.seesNot(mark)
		s.press("Are you safe", "enter", "alt+2")
		s.h.text("0147", "yes I am")
		s.wait(time.Second)
		s.press("alt+1")
		s.wait(time.Second)
		lines := strings.Split(s.screen(), "\n")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, mark) })
		if at < 0 || !strings.Contains(lines[at+1], "texter") || !strings.Contains(lines[at+2], "yes I am") {
			t.Errorf("the mark is not over the texter's:\n%s", s.screen())
		}
		s.wait(6 * time.Second)
		s.h.delivered("0147")
		s.press("esc", "x", "1", "1", "1", "1", "y")
		s.wait(time.Second)
		s.sees("yes I am", "Closed:")
		s.seesNot(mark)
	})
}
