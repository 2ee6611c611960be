package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/triage"
)

// TestSupervisorReassigns: a supervisor gives a conversation of somebody else's to a third, with the reason.
func TestSupervisorReassigns(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		conversation(h)
		h.status.Role = desk.Supervisor
	}, func(s *sitter) {
		s.press("G")
		s.sees("> ▲ HIGH", "held by ben")
		s.press("H")
		s.sees("Hand over teal cloud", "to whom?")
		s.press("eva", "f9")
		s.sees("What must they know")
		s.press("Ben has left.", "f9")
		s.wait(time.Second)
		if c := s.h.state.Conversation("c0131"); c.Owner != "eva" {
			s.Errorf("%s has it", c.Owner)
		}
	})
	sit(t, Options{}, 100, 30, conversation, func(s *sitter) {
		s.press("down", "down", "H")
		s.sees("That needs a conversation of yours")
	})
}

// TestDoNotDisturb: somebody who is not to be disturbed is called for imminent danger alone, and sees that.
func TestDoNotDisturb(t *testing.T) {
	var calls []bool
	call := func(urgent bool) { calls = append(calls, urgent) }
	sit(t, Options{Call: call}, 100, 30, mine, func(s *sitter) {
		calls = nil
		s.press("D")
		s.sees("not to be disturbed", "called for imminent danger alone")
		s.h.text("0133", "he locked me in")
		s.h.text("0147", "are you there")
		s.wait(10 * time.Second)
		if len(calls) > 1 || len(calls) == 1 && !calls[0] {
			s.Errorf("called %v", calls)
		}
		s.h.text("0199", "he has a gun")
		s.wait(time.Second)
		if len(calls) == 0 || !calls[len(calls)-1] {
			s.Errorf("imminent danger called %v", calls)
		}
		s.press("D")
		s.wait(5 * time.Second)
		calls = nil
		s.h.text("0188", "he locked me in")
		s.wait(time.Second)
		if len(calls) != 1 {
			s.Errorf("called %v", calls)
		}
	})
	sit(t, Options{Call: call, CallFor: triage.Information}, 100, 30, mine, func(s *sitter) {
		s.wait(5 * time.Second)
		calls = nil
		s.h.text("0188", "INFO")
		s.wait(time.Second)
		if len(calls) != 1 {
			s.Errorf("a question called %v", calls)
		}
	})
}

// TestHistory shows the conversations that the same person had, with how they ended.
func TestHistory(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		for _, c := range []string{"c0147"} {
			c := h.state.Conversation(c)
			h.delivered("0147")
			h.must(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist},
				desk.Closing{Disposition: "referred", Contact: "survivor, out of it", Safety: "safe for now", FollowUp: "2000-01-08"})
		}
		time.Sleep(4 * 24 * time.Hour)
		h.must(desk.Command{ID: "SMagain", Kind: desk.Received, Conversation: "cagain", Actor: "texter", Number: "+12025550147"},
			desk.Text{To: "233733", Text: "hello again", Earlier: "c0147", Triage: triage.Default().Judge("hello again")})
	}, func(s *sitter) {
		s.press("down", "down", "enter", "i")
		s.press("i")
		s.sees("History of this texter", "referred", "survivor, out of it", "to be looked after again on 2000-01-08", "Referral: made")
		s.press("esc")
		s.seesNot("History of this texter")
	})
}

// TestVersions shows a plan's versions side by side, the changed items marked, and who wrote what.
func TestVersions(t *testing.T) {
	sit(t, Options{}, 100, 30, conversation, func(s *sitter) {
		s.press("1", "alt+v")
		s.sees("There is no plan yet.")
		s.press("f6", "When he drinks", "pgdown", "My aunt", "ctrl+n")
		s.sees("Safe word and danger word", "questions have no answer yet")
		s.press("pgup", "pgup", "home", "Mostly: ", "ctrl+s")
		s.sees("by ada, 1 Jan")
		s.press("alt+v")
		view := s.screen()
		if !strings.Contains(view, "* Red flags") || !strings.Contains(view, "  Trusted person") {
			s.Errorf("what differs is not marked:\n%s", view)
		}
		s.press("left")
		s.sees("* Trusted person")
		s.press("esc", "esc")
		s.seesNot("Versions of the plan")
	})
}

// TestCopy: a text goes to the clipboard only when it was chosen, and holds nothing that a terminal could act on.
func TestCopy(t *testing.T) {
	var copied []string
	sit(t, Options{Copy: func(s string) { copied = append(copied, s) }}, 100, 30, func(h *hand) {
		mine(h)
		h.text("0147", "room 12\x1b]52;c;ZXZpbA==\a")
	}, func(s *sitter) {
		s.press("1", "esc", "y")
		s.sees("Copy", "room 12")
		if copied != nil {
			s.Error("it was copied before it was chosen")
		}
		s.press("enter")
		s.wait(time.Second)
		if want := "room 12‹ESC›]52;c;ZXZpbA==‹BEL›"; fmt.Sprint(copied) != "["+want+"]" {
			s.Errorf("copied %q", copied)
		}
	})
}

// TestMouse: clicks open and focus, the wheel scrolls, once somebody has asked for it; nothing is ever sent by it.
func TestMouse(t *testing.T) {
	asked := []bool{}
	sit(t, Options{Mouse: func(on bool) { asked = append(asked, on) }}, 80, 24, conversation, func(s *sitter) {
		click := func(x, y int, b tea.MouseButton) {
			s.update(tea.MouseMsg{X: x, Y: y, Button: b, Action: tea.MouseActionPress})
			s.wait(100 * time.Millisecond)
		}
		click(3, 4, tea.MouseButtonLeft)
		if s.m.open != "" {
			s.Error("a click did something before the mouse was asked for")
		}
		s.press("M")
		click(3, 4, tea.MouseButtonLeft)
		if s.m.open != "c0147" {
			s.Errorf("a click opened %q", s.m.open)
		}
		click(60, 22, tea.MouseButtonLeft)
		if s.m.focus != onComposer {
			s.Errorf("a click in the composer made %d the focus", s.m.focus)
		}
		click(60, 5, tea.MouseButtonWheelUp)
		click(60, 5, tea.MouseButtonLeft)
		if s.m.focus != onChat {
			s.Errorf("a click in the conversation made %d the focus", s.m.focus)
		}
		was := s.m.queue.selected
		click(3, 8, tea.MouseButtonWheelDown)
		if s.m.queue.selected == was {
			s.Error("the wheel does not scroll the list")
		}
		for x := range 82 {
			for y := range 26 {
				s.update(tea.MouseMsg{X: x, Y: y, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
			}
		}
		if len(s.h.asked) > 0 {
			s.Errorf("clicks asked for %v", s.h.asked)
		}
		s.press("esc", "esc", "esc", "M")
		if fmt.Sprint(asked) != "[true false]" {
			s.Errorf("the terminal was asked %v", asked)
		}
	})
}

// TestTour leads somebody from a text that waits to its end, a step at a time.
func TestTour(t *testing.T) {
	sit(t, Options{Tour: true}, 120, 36, night, func(s *sitter) {
		s.sees("Tour 1 of 6", "n takes the most urgent")
		s.press("n")
		s.wait(10 * time.Second)
		s.sees("Tour 2 of 6")
		s.press("Hello", "enter")
		s.wait(10 * time.Second)
		s.sees("Tour 3 of 6")
		s.press("f4", "down", "apples", "ctrl+s")
		s.wait(10 * time.Second)
		s.sees("Tour 4 of 6")
		s.press("f6", "When he drinks", "pgdown")
		s.wait(10 * time.Second)
		s.sees("Tour 5 of 6")
		s.press("f2", "esc", "esc", "esc")
		s.wait(10 * time.Second)
		s.sees("Tour 6 of 6")
		s.press("x", "esc")
		s.wait(10 * time.Second)
		s.seesNot("Tour")
	})
}
