package tui

import (
	"testing"
	"time"

	"befree.example/store/desk"
	"befree.example/store/plan"
)

// TestAskedDoesNotApply: one key checks what was asked and does not apply, which is missing no more, and unchecks it.
func TestAskedDoesNotApply(t *testing.T) {
	sit(t, Options{}, 80, 24, conversation, func(s *sitter) {
		s.press("1", "ctrl+x") // where one does not see of what
		s.sees("25 questions have no answer yet", "[ ] Red flags")
		s.press("ctrl+x")
		s.wait(time.Second)
		s.sees("24 questions have no answer yet", "> [-] Red flags", "asked, does not apply, by ada, 1")
		s.press("ctrl+n", "shift+tab", "tab")
		s.sees("> [ ] Trusted person")
		s.press("My aunt", "ctrl+x")
		s.sees("There is an answer here. Clear it first", "My aunt")
		s.press("ctrl+s", "shift+tab", "ctrl+x")
		s.wait(time.Second)
		s.sees("24 questions have no answer yet", "> [ ] Red flags", "[x] Trusted person")
		s.seesNot("asked, does not apply")
		s.press("ctrl+x")
		s.wait(time.Second)
		s.press("When he drinks", "ctrl+s")
		s.wait(time.Second)
		s.sees("> [x] Red flags", "When he drinks")
		s.seesNot("asked, does not apply")
		s.press("esc", "alt+v")
		s.sees("* Red flags", "asked, does not apply", "When he drinks")
	})
}

// TestChecksOffline: a check is kept like every answer, and is taken back where it could not be.
func TestChecksOffline(t *testing.T) {
	sit(t, Options{}, 80, 24, func(h *hand) {
		conversation(h)
		h.status.Connected = false
	}, func(s *sitter) {
		s.press("1", "f6", "ctrl+x")
		s.wait(time.Second)
		s.sees("[-] Red flags", "Plan kept on this machine")
		if n := len(s.h.outbox); n != 1 || written[desk.PlanEdit](s.h.outbox[0]).None[0] != "situation/red-flags" {
			t.Errorf("%d wait", n)
		}
		if got := s.m.asNote(s.h.outbox[0]); got != "Plan, Red flags: asked, does not apply" {
			t.Errorf("refused it is %q", got)
		}
	})
	sit(t, Options{}, 80, 24, func(h *hand) {
		conversation(h)
		h.fail = errDisk
	}, func(s *sitter) {
		s.press("1", "f6", "ctrl+x")
		s.wait(time.Second)
		s.sees("[ ] Red flags")
		s.h.fail = nil
	})
}

// TestCheckBesideAnAnswer: what a colleague wrote meanwhile stands beside the check until one of them is chosen.
func TestCheckBesideAnAnswer(t *testing.T) {
	sit(t, Options{}, 80, 24, func(h *hand) {
		conversation(h)
		h.plan(plan.Edit{Fields: map[string]string{"situation/red-flags": "his steps"}})
		h.plan(plan.Edit{Fields: map[string]string{"situation/red-flags": ""}, None: []string{"situation/red-flags"}})
	}, func(s *sitter) {
		s.press("1", "f6")
		s.sees("[2] Red flags", "his steps", "also, by ada: asked, does not apply")
		for range len("his steps") {
			s.press("backspace")
		}
		s.press("ctrl+x")
		s.wait(time.Second)
		s.sees("[-] Red flags")
		s.seesNot("also, by ada", "his steps")
	})
}

// TestChecksInLines: - is the check there.
func TestChecksInLines(t *testing.T) {
	sit(t, Options{}, 0, 0, conversation, func(s *sitter) {
		s.line("1")
		s.hears(":p", "Red flags", "- for asked, does not apply")
		s.hears("-", "Plan saved.", "Trusted person")
		for range 23 {
			s.line("")
		}
		s.hears("", "Red flags", "asked, does not apply, by ada")
		s.hears("-", "Plan saved.", "Trusted person")
		if f, ok := s.h.state.Conversation("c0147").Plan().Fields["situation/red-flags"]; ok {
			t.Errorf("once more, and it is still checked: %+v", f)
		}
	})
}

// TestReviewDate: the day on which a plan is looked at again stands in its form, as a date or in days.
func TestReviewDate(t *testing.T) {
	review := func(s *sitter) string { return s.h.state.Conversation("c0147").Plan().Review }
	sit(t, Options{}, 80, 24, conversation, func(s *sitter) {
		s.press("1", "f6", "shift+tab")
		s.sees("> [ ] Next review", "such as 14")
		for _, c := range []struct{ typed, want string }{{"14", "2000-01-15"}, {"2000-05-31", "2000-05-31"}} {
			s.press(c.typed, "ctrl+s")
			s.wait(time.Second)
			if s.sees("> [x] Next review", c.want, "Plan saved."); review(s) != c.want {
				t.Errorf("%s: review on %q", c.typed, review(s))
			}
			for range len(c.want) {
				s.press("backspace")
			}
		}
		for typed, why := range map[string]string{
			"2000-02-30": "such as 14 or a date such as", "soon": "such as 14 or a date such as", "0": "such as 14 or a date such as", "-3": "such as 14 or a date such as", "99999": "such as 14 or a date such as",
			"1999-12-31": "That day is past",
		} {
			s.press(typed, "tab")
			s.sees(why, "> [x] Next review", typed)
			if review(s) != "2000-05-31" {
				t.Errorf("%s: review on %q", typed, review(s))
			}
			for range len(typed) {
				s.press("backspace")
			}
		}
		s.press("soon", "esc")
		s.wait(time.Second)
		if got := s.h.draft("c0147plan/review"); got != "soon" {
			t.Errorf("the draft is %q", got)
		}
		s.press("f6")
		s.sees("> [x] Next review", "soon")
		for range "soon" {
			s.press("backspace")
		}
		s.press("enter")
		s.wait(time.Second)
		s.sees("> [ ] Red flags")
		if review(s) != "" {
			t.Errorf("emptied, and review on %q", review(s))
		}
		s.press("shift+tab", "7", "ctrl+s", "alt+v")
		s.wait(time.Second)
		s.sees("* Next review", "2000-01-08")
	})
	sit(t, Options{}, 0, 0, conversation, func(s *sitter) {
		s.line("1")
		s.line(":p")
		for range 23 {
			s.line("")
		}
		s.hears("", "Next review", "such as 14")
		s.hears("soon", "such as 14 or a date such as")
		s.hears("30", "Plan saved.", "Red flags")
		if got := review(s); got != "2000-01-31" {
			t.Errorf("review on %q", got)
		}
	})
	sit(t, Options{}, 80, 24, func(h *hand) {
		conversation(h)
		h.status.Connected = false
	}, func(s *sitter) {
		s.press("1", "f6", "shift+tab", "14", "tab")
		s.wait(time.Second)
		s.press("shift+tab")
		s.sees("Plan kept on this machine", "2000-01-15")
		if got := s.m.asNote(s.h.outbox[0]); got != "Plan, Next review: 2000-01-15" {
			t.Errorf("refused it is %q", got)
		}
	})
}

// plan lets ada have changed the plan of c0147.
func (h *hand) plan(e plan.Edit) {
	h.must(desk.Command{Kind: desk.PlanSaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, e)
}

// TestAnEmptyLineIsNoChange: a new line at the end of an answer makes no version of the plan, and is in none.
func TestAnEmptyLineIsNoChange(t *testing.T) {
	sit(t, Options{}, 80, 24, mine, func(s *sitter) {
		version := func() int { return s.h.state.Conversation("c0147").Plan().Version }
		s.press("1", "f6", "When he drinks", "enter", "ctrl+s")
		s.wait(time.Second)
		if got := s.h.state.Conversation("c0147").Plan().Fields["situation/red-flags"].Text; version() != 1 || got != "When he drinks" {
			t.Errorf("version %d, %q", version(), got)
		}
		for _, key := range []string{"ctrl+s", "tab", "shift+tab", "esc"} {
			s.press("enter", key)
			s.wait(time.Second)
			if got := version(); got != 1 {
				t.Errorf("%s: version %d:\n%s", key, got, s.screen())
			}
		}
		s.press("f6", "and on Fridays", "ctrl+s")
		s.wait(time.Second)
		if got := version(); got != 2 {
			t.Errorf("version %d:\n%s", got, s.screen())
		}
	})
}
