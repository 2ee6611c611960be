package tui

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/triage"
)

// passes has somebody else give a conversation a new owner: a colleague who hands it over to ada, or a supervisor who
// takes it over.
func (h *hand) passes(kind store.Kind, tail, actor string, role desk.Role, body any) {
	h.t.Helper()
	c := h.state.Conversation("c" + tail)
	h.must(desk.Command{Kind: kind, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: actor, Role: role}, body)
}

func (h *hand) takenOver(tail string) {
	h.t.Helper()
	h.passes(desk.TakenOver, tail, "eve", desk.Supervisor, desk.Because{Reason: "Ada has to rest"})
}

func (h *hand) handedToAda(tail string) {
	h.t.Helper()
	h.passes(desk.Transferred, tail, "ben", desk.Specialist, desk.Handoff{To: "ada", Reason: "no sirens"})
}

// shared is two conversations of ada's and one of ben's, the most urgent first.
func shared(h *hand) {
	mine(h)
	h.text("0131", "he has a gun")
	h.text("0133", "he locked me in")
	h.take("ben", "0131")
	h.take("ben", "0133")
	time.Sleep(time.Second)
}

// words are those of the screen, however its lines are broken.
func (s *sitter) words() string { return strings.Join(strings.Fields(s.screen()), " ") }

func (s *sitter) reads(words ...string) {
	s.Helper()
	for _, w := range words {
		if !strings.Contains(s.words(), w) {
			s.Fatalf("%q is not to be read:\n%s", w, s.screen())
		}
	}
}

// TestTakenOverBehindMyBack: whoever loses a conversation that is not on the screen is called and told by whom and why,
// keeps the draft, and goes on writing in another without losing a key.
func TestTakenOverBehindMyBack(t *testing.T) {
	for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 36}} {
		var calls []bool
		sit(t, Options{Call: func(urgent bool) { calls = append(calls, urgent) }}, size[0], size[1], shared, func(s *sitter) {
			s.press("1", "Are you", "alt+2", "I am")
			s.wait(5 * time.Second)
			calls = nil
			s.h.takenOver("0147")
			s.wait(50 * time.Millisecond)
			s.press(" here", "y")
			s.reads("rapid bay …0147 is no longer yours (esc)", "eve took it over: Ada has to rest")
			if len(s.m.dialogs) > 0 || s.m.composer.Text("c0122") != "I am herey" {
				s.Fatalf("it was asked while ada wrote, or a key was lost:\n%s", s.screen())
			}
			if !slices.Equal(calls, []bool{false}) {
				s.Errorf("called %v", calls)
			}
			s.press("enter")
			s.wait(10 * time.Second)
			s.reads("rapid bay …0147 is no longer yours")
			s.press("esc")
			s.reads("> rapid bay …0147 is no longer yours", "eve took it over: Ada has to rest", "stays here as a draft")
			s.wait(time.Second)
			s.press("enter", "y")
			s.seesNot("is no longer yours")
			if got := s.m.composer.Text("c0147"); got != "Are you" {
				s.Errorf("the draft is %q", got)
			}
			s.sent("c0122: I am herey")
		})
	}
}

// TestHandedOverToMe: whoever is given a conversation is called and told by whom and why, and opens it.
func TestHandedOverToMe(t *testing.T) {
	for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 36}} {
		var calls []bool
		o := Options{Call: func(urgent bool) { calls = append(calls, urgent) }}
		sit(t, o, size[0], size[1], shared, func(s *sitter) { // while she writes
			s.press("1", "Are")
			s.wait(5 * time.Second)
			calls = nil
			s.h.handedToAda("0133")
			s.wait(50 * time.Millisecond)
			s.press(" you")
			s.reads("…0133 is yours now (alt+3)", "ben handed it over to ada: no sirens")
			if len(s.m.dialogs) > 0 || s.m.composer.Text("c0147") != "Are you" || !slices.Equal(calls, []bool{false}) {
				s.Fatalf("called %v; the screen:\n%s", calls, s.screen())
			}
			s.press("alt+3")
			s.seesNot("is yours now")
			s.sees("To ", "0133", "ben handed it over")
			s.sent()
		})
		sit(t, o, size[0], size[1], shared, func(s *sitter) { // while she looks at the list
			s.wait(5 * time.Second)
			calls = nil
			s.h.handedToAda("0131")
			s.wait(time.Second)
			s.reads("IMMINENT", "…0131 is yours now", "ben handed it over to ada: no sirens")
			if !slices.Equal(calls, []bool{true}) {
				s.Errorf("called %v", calls)
			}
			s.press("enter")
			s.reads("is yours now")
			s.press("o", "Hello")
			s.sees("To ", "0131", "Hello")
			s.seesNot("is yours now")
			s.sent()
		})
		sit(t, o, size[0], size[1], shared, func(s *sitter) { // not to be disturbed, and locked
			s.press("D", "ctrl+l")
			s.wait(5 * time.Second)
			calls = nil
			s.h.handedToAda("0133")
			s.wait(time.Second)
			s.seesNot("is yours now", "0133")
			if len(calls) > 0 {
				s.Errorf("called %v", calls)
			}
			s.press("ctrl+l")
			s.wait(time.Second)
			s.reads("…0133 is yours now")
		})
	}
}

// TestToldAtTheNextStart: what somebody else gave or took while no console ran is told by the next, by whom and why, with
// what was being written kept; once somebody has answered to that, it is not told again.
func TestToldAtTheNextStart(t *testing.T) {
	at := func(disk map[string]bolt.Entry, more ...func(h *hand)) func(*hand) {
		return func(line *hand) {
			shared(line)
			for _, do := range more {
				do(line)
			}
			time.Sleep(time.Minute)
			line.drafts = maps.Clone(disk)
		}
	}
	taken := func(h *hand) { h.takenOver("0147") }
	given := func(h *hand) { h.handedToAda("0133") }
	lost := []string{"rapid bay …0147 is no longer yours", "eve took it over: Ada has to rest", "while you were away", "eve has it now", "stays here as a draft"}
	for _, lines := range []bool{false, true} {
		columns := map[bool]int{false: 80}[lines]
		disk := map[string]bolt.Entry{}
		session := func(do func(s *sitter), more ...func(h *hand)) {
			t.Helper()
			sit(t, Options{}, columns, 24, at(disk, more...), func(s *sitter) {
				s.wait(3 * time.Second)
				do(s)
				s.wait(3 * time.Second)
				disk = maps.Clone(s.h.drafts)
			})
		}
		says := func(s *sitter, yes bool, words ...string) {
			t.Helper()
			all := s.words()
			if lines {
				all = s.said.String()
			}
			for _, w := range words {
				if lines {
					w = strings.ReplaceAll(w, "…", "...")
				}
				if strings.Contains(all, w) != yes {
					t.Errorf("lines %v: %q is said: %v\n%s", lines, w, !yes, all)
				}
			}
		}
		session(func(s *sitter) { // nothing has happened
			says(s, false, "yours now", "no longer yours")
			if !lines {
				s.press("1", "Are you")
			}
		})
		seen := lost
		if lines {
			seen = lost[:2]
		}
		session(func(s *sitter) { says(s, true, seen...) }, taken) // and the console dies before anybody answers
		if !lines {
			session(func(s *sitter) {
				says(s, true, lost...)
				s.press("y")
				says(s, false, lost...)
				if got := s.m.composer.Text("c0147"); got != "Are you" {
					t.Errorf("the draft is %q", got)
				}
			}, taken)
		}
		session(func(s *sitter) { says(s, false, "yours") }, taken)
		session(func(s *sitter) {
			says(s, true, "…0133 is yours now", "ben handed it over to ada: no sirens")
			if !lines {
				says(s, true, "while you were away")
				s.press("o")
			}
		}, taken, given)
		session(func(s *sitter) { says(s, false, "yours now", "no longer yours") }, taken, given)
	}
}

// TestMyOwnActsAreNotTold: nobody is told what they did themselves, here or at another console.
func TestMyOwnActsAreNotTold(t *testing.T) {
	var calls []bool
	sit(t, Options{Call: func(urgent bool) { calls = append(calls, urgent) }}, 100, 30, func(h *hand) {
		shared(h)
		h.status.Role = desk.Supervisor
	}, func(s *sitter) {
		s.wait(5 * time.Second)
		calls = nil
		s.h.passes(desk.Transferred, "0133", "ada", desk.Supervisor, desk.Handoff{To: "ada", Reason: "mine"})
		s.h.passes(desk.TakenOver, "0131", "ada", desk.Supervisor, desk.Because{Reason: "mine"})
		s.h.passes(desk.Released, "0147", "ada", desk.Supervisor, desk.Because{})
		s.h.take("ben", "0147")
		s.h.passes(desk.Closed, "0122", "ada", desk.Supervisor, desk.Closing{Disposition: "referred"})
		s.wait(time.Second)
		s.seesNot("yours")
		if len(calls) > 0 {
			s.Errorf("called %v", calls)
		}
	})
}

// TestLinearTellsWhoseItIs: what the screen says of conversations that change hands is said in lines, once.
func TestLinearTellsWhoseItIs(t *testing.T) {
	sit(t, Options{}, 0, 0, shared, func(s *sitter) {
		s.hears("2", "0122")
		s.h.takenOver("0147")
		s.h.handedToAda("0133")
		s.wait(3 * time.Second)
		for _, w := range []string{"rapid bay ...0147 is no longer yours: ", "eve took it over: Ada has to rest", "...0133 is yours now: ", "ben handed it over to ada: no sirens"} {
			if n := strings.Count(s.said.String(), w); n != 1 {
				s.Errorf("%q is said %d times:\n%s", w, n, s.said.String())
			}
		}
		s.hears("Hello", "To ", "0122")
		s.hears("", "On its way")
	})
}

// TestWhatWaitsIsSeenWithoutTheList: where the list is hidden the top of the screen says how many others of one's own
// wait, and that somebody in imminent danger does.
func TestWhatWaitsIsSeenWithoutTheList(t *testing.T) {
	for name, test := range map[string]struct {
		columns, rows int
		keys          []string
		hidden        bool
	}{
		"narrow, in a conversation":        {60, 20, []string{"1"}, true},
		"narrow, at the notes":             {60, 20, []string{"1", "f3"}, true},
		"narrow, in the list":              {60, 20, nil, false},
		"medium, in a conversation":        {80, 24, []string{"1"}, false},
		"medium, at the plan":              {80, 24, []string{"1", "f6"}, true},
		"wide, at the plan":                {120, 36, []string{"1", "f6"}, false},
		"wide, at the help":                {120, 36, []string{"1", "f1"}, true},
		"wide, at a question":              {120, 36, []string{"1", "esc", "R"}, true},
		"medium, not to be disturbed, too": {80, 24, []string{"D", "1", "f4"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, test.columns, test.rows, mine, func(s *sitter) {
				s.press(test.keys...)
				s.wait(time.Second)
				top := func() string { return strings.Join(strings.Split(s.screen(), "\n")[:2], "\n") }
				if got := strings.Contains(top(), "1 of yours waits"); got != test.hidden {
					s.Errorf("%v:\n%s", got, s.screen())
				}
				s.h.text("0199", "he has a gun")
				s.h.text("0133", "he locked me in")
				s.h.take("ada", "0133")
				s.wait(time.Second)
				if got := strings.Contains(top(), "2 of yours wait · ■ IMMINENT 1"); got != test.hidden {
					s.Errorf("%v:\n%s", got, s.screen())
				}
				exact(t, s.m.View(), test.columns, test.rows)
				s.sees("in step", "00:00")
			})
		})
	}
}

// TestLinearTellsWhoTurnsImminent: of whoever waits, and of one's own, every new text is said with how urgent it is now,
// and what somebody else set; none twice.
func TestLinearTellsWhoTurnsImminent(t *testing.T) {
	sit(t, Options{}, 0, 0, func(h *hand) {
		mine(h)
		h.text("0131", "HELP")
	}, func(s *sitter) {
		says := func(once string, do func()) {
			s.Helper()
			from := s.said.Len()
			do()
			s.wait(3 * time.Second)
			if got := s.said.String()[from:]; strings.Count(got, once) != 1 || strings.Count(got, ": ") > 2 {
				s.Errorf("%q is not said, once and alone:\n%s", once, got)
			}
		}
		if got := s.said.String(); strings.Contains(got, "wrote again") {
			s.Errorf("what was read in the list is said again:\n%s", got)
		}
		s.line("1")
		says("IMMINENT: teal cloud ...0131 waits: he has a gun", func() { s.h.text("0131", "he has a gun") })
		says("IMMINENT: teal cloud ...0131 waits: hurry", func() { s.h.text("0131", "hurry") })
		says("IMMINENT: spring larch ...0122 wrote again: he has a gun", func() { s.h.text("0122", "he has a gun") })
		s.h.text("0133", "HELP")
		s.wait(time.Second)
		says("IMMINENT: frosty stone ...0133 waits: HELP", func() {
			s.h.passes(desk.SeveritySet, "0133", "ben", desk.Specialist, desk.Ruling{Severity: triage.Imminent, Reason: "a child is there"})
		})
		s.line(":4")
		says("he has a knife", func() { s.h.text("0133", "he has a knife") }) // which is read out
		from := s.said.Len()
		s.h.must(desk.Command{Kind: desk.NoteAdded, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.Note{Text: "x"})
		s.wait(3 * time.Second)
		if got := s.said.String()[from:]; got != "" {
			s.Errorf("it is said again:\n%s", got)
		}
	})
}

// TestTheKeysOfWhoDoesNotHoldIt: the foot offers nothing that only whoever holds a conversation can do.
func TestTheKeysOfWhoDoesNotHoldIt(t *testing.T) {
	for _, size := range sizes {
		for _, role := range []desk.Role{desk.Specialist, desk.Supervisor} {
			sit(t, Options{}, size[0], size[1], func(h *hand) {
				mine(h)
				h.status.Role = role
			}, func(s *sitter) {
				foot := func() string {
					lines := strings.Split(strings.TrimRight(s.screen(), "\n "), "\n")
					return strings.Join(lines[len(lines)-2:], "\n")
				}
				s.press("1", "esc")
				if got := foot(); !strings.Contains(got, "enter write  x close") {
					t.Errorf("one's own: %s", got)
				}
				s.press("H", "sue", "enter", "He is back at six", "f9")
				s.wait(time.Second)
				s.sees("sue holds this conversation.")
				for range 2 {
					for _, lie := range []string{"enter ", "close", "give back", "take back"} {
						if got := foot(); strings.Contains(got, lie) {
							t.Errorf("%v %s: %q is offered:\n%s", size, role, lie, s.screen())
						}
					}
					if got := foot(); !strings.Contains(got, "next") || !strings.Contains(got, "help") {
						t.Errorf("%v %s: %s", size, role, got)
					}
					if got := foot(); s.m.focus == onChat && strings.Contains(got, "T take over") != (role == desk.Supervisor) {
						t.Errorf("%v %s: %s", size, role, got)
					}
					s.press("tab") // into the composer
				}
			})
		}
	}
}

// TestTheCallLeadsToItsKey: where something takes all the keys, who is called for somebody in imminent danger reads that
// esc comes first, and it is so; what they had written is kept.
func TestTheCallLeadsToItsKey(t *testing.T) {
	for name, keys := range map[string][]string{
		"hand over":           {"esc", "H"},
		"hand over, a reason": {"esc", "H", "sue", "enter", "He is back at six"},
		"palette":             {"f2", "plan"},
		"give back":           {"esc", "R"},
		"wrap-up":             {"esc", "x", "1"},
		"search":              {"alt+f", "gun"},
		"help":                {"f1"},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, 60, 20, mine, func(s *sitter) {
				s.press("1")
				s.h.text("0131", "he has a gun")
				s.wait(31 * time.Second)
				s.reads("nobody takes them: F8.")
				s.press(keys...)
				if keys[0] != "esc" { // which takes away what is said, until it is said again
					s.reads("nobody takes them: esc, then F8.")
				}
				s.wait(11 * time.Second)
				s.reads("nobody takes them: esc, then F8.")
				s.press("esc")
				s.reads("nobody takes them: F8.")
				s.press("f8")
				s.wait(time.Second)
				if got := s.m.open; got != "c0131" {
					t.Errorf("%s is open:\n%s", got, s.screen())
				}
				s.wait(time.Second)
				s.seesNot("nobody takes them")
				if name == "hand over, a reason" {
					s.press("alt+1", "esc", "H", "sue", "enter")
					s.sees("He is back at six")
				}
			})
		})
	}
}
