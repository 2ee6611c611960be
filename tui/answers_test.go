package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
)

// TestAClaimDecidedLate: what is typed meanwhile belongs to where it was typed.
func TestAClaimDecidedLate(t *testing.T) {
	tests := []struct {
		name string
		do   func(*sitter)
		want []string
	}{
		{"in another conversation", func(s *sitter) {
			s.h.slowly(2 * time.Second)
			s.press("f8", "alt+1", "Stay inside")
			s.wait(2 * time.Second)
			s.press("enter")
		}, []string{"c0147: Stay inside"}},
		{"in a note", func(s *sitter) {
			s.press("1")
			s.h.slowly(2 * time.Second)
			s.press("f8", "f3", "husband reads it")
			s.wait(2 * time.Second)
			s.press("enter")
			if got := s.m.notes.editor("c0188").Text(); got != "husband reads it\n" {
				s.Errorf("the note is %q", got)
			}
		}, nil},
		{"of two claims", func(s *sitter) {
			n := 0
			s.h.before = func() {
				if n++; n <= 2 {
					time.Sleep([]time.Duration{0, 1500, 4000}[n] * time.Millisecond)
				}
			}
			for s.m.queue.selected != "c0199" {
				s.press("down")
			}
			s.press("c", "f8", "I am here") // for c0188
			s.wait(2 * time.Second)
			s.press("enter")
			s.wait(4 * time.Second)
			if got := s.m.composer.Text("c0188"); got != "I am here" {
				s.Errorf("the draft is %q", got)
			}
		}, nil},
		{"in lines of its own", func(s *sitter) {
			s.h.slowly(2 * time.Second)
			s.press("f8", "One", "ctrl+j", "two")
			s.wait(3 * time.Second)
			s.press("enter")
		}, []string{"c0188: One\ntwo"}},
		{"and the window is closed", func(s *sitter) {
			s.h.slowly(15 * time.Second)
			s.press("f8", "I am here")
			s.wait(2 * time.Second)
			if err := s.m.Keep(); err != nil || s.h.draft("c0188") != "I am here" {
				s.Errorf("%v, the disk has %q", err, s.h.draft("c0188"))
			}
			s.wait(15 * time.Second)
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sit(t, Options{}, 120, 36, queued, func(s *sitter) {
				test.do(s)
				s.sent(test.want...)
			})
		})
	}
}

// TestATakeoverDecidedLate moves nobody either.
func TestATakeoverDecidedLate(t *testing.T) {
	sit(t, Options{}, 120, 36, func(h *hand) {
		h.status.Role = desk.Supervisor
		h.text("0147", "stop him he's here")
		h.take("ada", "0147")
		h.text("0188", "he took my phone")
		h.text("0199", "please help me")
		h.take("ben", "0199")
		time.Sleep(time.Second)
	}, func(s *sitter) {
		for s.m.queue.selected != "c0199" {
			s.press("down")
		}
		s.press("T", "rest", "f9", "right one")
		s.h.slowly(1300 * time.Millisecond)
		s.press("enter", "alt+1", "Hide in the shop ")
		s.wait(300 * time.Millisecond)
		s.press("next door", "enter")
		s.sent("c0147: Hide in the shop next door")
		if got := s.h.state.Conversation("c0199").Owner; got != "ada" {
			s.Errorf("%s has it", got)
		}
	})
}

// TestASavedRecordMovesNobody: the answer takes away neither the keys nor what was written meanwhile.
func TestASavedRecordMovesNobody(t *testing.T) {
	tests := []struct {
		name string
		do   func(*sitter)
		want []string
	}{
		{"who writes to the texter", func(s *sitter) {
			s.h.slowly(1200 * time.Millisecond)
			s.press("ctrl+s", "esc", "enter", "Go to the window next to the stairs", "enter")
		}, []string{"c0147: Go to the window next to the stairs"}},
		{"who writes on in it", func(s *sitter) {
			s.h.slowly(2 * time.Second)
			s.press("ctrl+s", "down", "pears")
			s.wait(3 * time.Second)
			if got := s.m.records["c0147"]; len(got) != 1 || got["Danger word"] != "pears" {
				s.Errorf("not saved yet: %v, want the second word alone", got)
			}
			s.press("ctrl+s")
			s.wait(time.Second)
			if c := s.h.state.Conversation("c0147"); c.Safety.SafeWord != "apples" || c.Safety.DangerWord != "pears" || len(s.m.records) > 0 {
				s.Errorf("%+v, not saved yet: %v", c.Safety, s.m.records)
			}
		}, nil},
		{"who went on to the plan", func(s *sitter) {
			s.h.slowly(1500 * time.Millisecond)
			s.press("ctrl+s", "f6", "He shouts")
			s.wait(2 * time.Second)
			s.press("alt+2", "alt+1", "f6")
			if got := s.m.plan.editor.Text(); got != "He shouts" {
				s.Errorf("the plan's answer is %q", got)
			}
		}, nil},
		{"who types when it comes", func(s *sitter) {
			s.press("ctrl+s", "n")
			if len(s.h.state.Holds("ada")) != 2 || s.m.focus != onSide {
				s.Error("a letter was a command")
			}
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sit(t, Options{}, 120, 36, queued, func(s *sitter) {
				s.press("1", "f4", "apples")
				test.do(s)
				s.sent(test.want...)
			})
		})
	}
}

// TestWordsThatComeBack: a reply that was refused stands before what was written meanwhile, with every word of both, and
// goes nowhere by an enter that was meant for the other.
func TestWordsThatComeBack(t *testing.T) {
	yes := true
	tests := []struct {
		name  string
		do    func(*sitter)
		draft string
		want  []string
	}{
		{"not by the next enter", func(s *sitter) {
			s.press("1", "Yes go out now")
			s.h.overtaken(1500 * time.Millisecond)
			s.press("enter", "OK I wait with you")
			for s.m.composer.Text("c0147") == "OK I wait with you" {
				s.wait(5 * time.Millisecond)
			}
			s.update(named["enter"])
			s.sees("What came back stands here again")
		}, "Yes go out now\nOK I wait with you", []string{"c0147: Yes go out now"}},
		{"nor when it is opened", func(s *sitter) {
			s.press("1", "Yes go out now")
			s.h.overtaken(1500 * time.Millisecond)
			s.press("enter", "OK", "alt+2")
			s.wait(3 * time.Second)
			s.press("alt+1", "enter")
		}, "Yes go out now\nOK", []string{"c0147: Yes go out now"}},
		{"nor what was taken back", func(s *sitter) {
			s.press("1", "Yes go out now", "enter")
			s.wait(time.Second)
			s.press("alt+u", "enter")
		}, "Yes go out now", []string{"c0147: Yes go out now"}},
		{"under the gate", func(s *sitter) {
			s.press("1", "First")
			s.h.overtaken(2500*time.Millisecond, func() {
				s.h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Hold: &yes})
			})
			s.press("enter")
			s.wait(time.Second)
			s.press("Second", "enter")
			s.wait(2 * time.Second)
			s.press("why", "f9")
			s.wait(2 * time.Second)
			if got := s.h.draft("c0147"); got != "First" {
				s.Errorf("the disk has %q", got)
			}
		}, "First", []string{"c0147: First", "c0147: Second"}},
		{"part of another word", func(s *sitter) {
			s.press("1", "No")
			s.h.overtaken(1500 * time.Millisecond)
			s.press("enter", "Not now")
			s.wait(3 * time.Second)
		}, "No\nNot now", []string{"c0147: No"}},
		{"more than one text holds", func(s *sitter) {
			s.press("1")
			s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("a", 900)), Paste: true})
			s.wait(time.Second)
			s.h.overtaken(1500 * time.Millisecond)
			s.press("enter")
			s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("b", 900)), Paste: true})
			s.wait(3 * time.Second)
			s.press("enter")
			s.sees("It is 201 characters too long")
		}, strings.Repeat("a", 900) + "\n" + strings.Repeat("b", 900), []string{"c0147: " + strings.Repeat("a", 900)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sit(t, Options{}, 120, 36, mine, func(s *sitter) {
				test.do(s)
				s.sent(test.want...)
				if got := s.m.composer.Text("c0147"); got != test.draft {
					s.Errorf("the draft is %q, want %q", got, test.draft)
				}
			})
		})
	}
	n := notes{editors: map[string]*editor{}}
	n.editor("c").SetText("Not now")
	if n.GiveBack("c", "No"); n.editor("c").Text() != "Not now\nNo" {
		t.Errorf("the note is %q", n.editor("c").Text())
	}
	if n.GiveBack("c", "No"); n.editor("c").Text() != "Not now\nNo" {
		t.Errorf("the note is %q", n.editor("c").Text())
	}
}

// An answer of a plan that the disk did not take is a draft, wherever its author is by then.
func TestPlanAnswerThatWasNotKept(t *testing.T) {
	for name, then := range map[string]func(*sitter){
		"in another conversation": func(s *sitter) { s.press("alt+2") },
		"at the next item":        func(s *sitter) { s.press("tab", "Second") },
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, 120, 36, mine, func(s *sitter) {
				s.press("1", "f6", "First")
				s.wait(time.Second)
				s.h.slowly(time.Second)
				s.h.change(func() { s.h.fail = errDisk })
				then(s)
				s.wait(2 * time.Second)
				s.h.change(func() { s.h.fail = nil })
				s.wait(2 * time.Second)
				s.press("esc", "alt+1", "f6")
				s.wait(3 * time.Second)
				c := s.h.state.Conversation("c0147")
				var all []string
				for _, f := range c.Plan().Fields {
					all = append(all, f.Text)
				}
				all = append(all, s.m.plan.editor.Text())
				ds, _ := s.h.Drafts()
				for _, d := range ds {
					all = append(all, d.What+"="+string(d.Command))
				}
				for _, want := range []string{"First", "Second"} {
					if want == "Second" && name != "at the next item" {
						continue
					}
					found := false
					for _, a := range all {
						found = found || strings.Contains(a, want)
					}
					if !found {
						s.Errorf("%q is nowhere: %q", want, all)
					}
				}
			})
		})
	}
}
