package tui

import (
	"testing"
	"time"

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
			s.h.late(2 * time.Second)
			s.press("f8", "alt+1", "Stay inside")
			s.wait(2 * time.Second)
			s.press("enter")
		}, []string{"c0147: Stay inside"}},
		{"in a note", func(s *sitter) {
			s.press("1")
			s.h.late(2 * time.Second)
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
			s.h.late(2 * time.Second)
			s.press("f8", "One", "ctrl+j", "two")
			s.wait(3 * time.Second)
			s.press("enter")
		}, []string{"c0188: One\ntwo"}},
		{"and the window is closed", func(s *sitter) {
			s.h.late(15 * time.Second)
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
		s.press("T", "rest")
		s.h.late(1300 * time.Millisecond)
		s.press("f9", "alt+1", "Hide in the shop ")
		s.wait(300 * time.Millisecond)
		s.press("next door", "enter")
		s.sent("c0147: Hide in the shop next door")
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
			s.h.late(1200 * time.Millisecond)
			s.press("ctrl+s")
			for s.m.focus != onComposer {
				s.press("tab")
			}
			s.press("Go to the window next to the stairs", "enter")
		}, []string{"c0147: Go to the window next to the stairs"}},
		{"who writes on in it", func(s *sitter) {
			s.h.late(2 * time.Second)
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
			s.h.late(1500 * time.Millisecond)
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
