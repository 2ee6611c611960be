package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"befree.example/store/desk"
	"befree.example/store/plan"
)

// heldTwo is two conversations with a note and a plan.
func heldTwo(h *hand) {
	mine(h)
	for i := range 40 {
		h.text("0147", "number "+strings.Repeat("I", i))
	}
	h.text("0122", "en la Habitación de su tía")
	h.must(desk.Command{Kind: desk.NoteAdded, Conversation: "c0122", Actor: "ada", Role: desk.Specialist}, desk.Note{Text: "the motel on route 9"})
	h.must(desk.Command{Kind: desk.PlanSaved, Conversation: "c0122", Actor: "ada", Role: desk.Specialist}, plan.Edit{Fields: map[string]string{"leaving/bag": "behind the shed"}})
	time.Sleep(time.Second)
}

// TestSearch holds how words lead to where they stand.
func TestSearch(t *testing.T) {
	tests := []struct {
		name string
		do   func(*sitter)
		want []string // searches that were made
	}{
		{"a text is opened where it stands", func(s *sitter) {
			s.press("alt+f", "stop here", "enter")
			s.sees("Found", "0147  texter: stop him he's here", "> ")
			s.press("enter")
			s.sees("stop him he's here", "texter")
			s.seesNot("Found")
			s.press("x") // a command, not a letter of a reply
			s.sees("number")
		}, []string{"stop here"}},
		{"accents make no difference", func(s *sitter) {
			s.press("F", "habitacion tia", "enter")
			s.sees("0122  texter: en la Habitación de su tía")
			s.press("enter")
			s.sees("en la Habitación de su tía", "To ")
		}, []string{"habitacion tia"}},
		{"a note", func(s *sitter) {
			s.press("F", "mot", "enter")
			s.sees("0122  note: the motel on route 9")
			s.press("enter")
			s.sees("Notes: never sent", "the motel on route 9")
		}, []string{"mot"}},
		{"a plan", func(s *sitter) {
			s.press("F", "shed", "enter")
			s.sees("0122  plan: behind the shed")
			s.press("enter")
			s.sees("Safety plan, version 1")
		}, []string{"shed"}},
		{"while somebody writes, which stays", func(s *sitter) {
			s.press("1", "Half a thought", "alt+f", "motel", "enter", "esc")
			s.sees("Half a thought")
			if got := s.h.replies(); len(got) > 0 {
				s.Errorf("sent %q", got)
			}
		}, []string{"motel"}},
		{"nothing has them", func(s *sitter) {
			s.press("F", "zebra", "enter")
			s.sees("Nothing on this machine has all of these words", "Search: zebra_")
			s.press("backspace", "backspace", "backspace", "backspace", "backspace", "motel", "enter")
			s.sees("note: the motel")
		}, []string{"zebra", "motel"}},
		{"no words", func(s *sitter) {
			s.press("F", "enter")
			s.sees("Write one word or more")
		}, nil},
		{"only enter searches", func(s *sitter) { s.press("F", "motel", "esc") }, nil},
		{"a disk that fails", func(s *sitter) {
			s.press("F")
			s.h.fail = errDisk
			s.press("motel", "enter")
			s.sees("This machine could not keep or read it")
			s.seesNot("Jane")
			s.h.fail = nil
		}, []string{"motel"}},
		{"who went elsewhere is not called back", func(s *sitter) {
			s.press("F", "motel")
			s.m.key(named["enter"])
			s.press("esc", "f1")
			s.seesNot("Found")
		}, nil},
		{"in review", func(s *sitter) {
			s.m.Review = true
			s.press("F", "motel", "enter", "enter")
			s.sees("Notes: never sent", "the motel on route 9")
		}, []string{"motel"}},
		{"a lock forgets what was found, and what can be searched", func(s *sitter) {
			if !s.h.ready {
				s.Error("nothing was made ready at the start")
			}
			s.press("F", "motel", "enter", "ctrl+l")
			s.wait(100 * time.Millisecond)
			s.seesNot("motel")
			if s.h.ready {
				s.Error("it can be searched while the screen is locked")
			}
			s.press("ctrl+l", "F", "motel")
			s.m.key(named["ctrl+l"])
			s.update(foundMsg{asked: &palette{}}) // of a search that was under way
			s.wait(100 * time.Millisecond)
			if s.h.ready {
				s.Error("what was under way made it ready again")
			}
			s.press("ctrl+l")
			s.seesNot("the motel", "Found")
			if !s.h.ready {
				s.Error("it cannot be searched after the screen was locked")
			}
		}, []string{"motel"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sit(t, Options{}, 100, 30, heldTwo, func(s *sitter) {
				test.do(s)
				s.wait(time.Second)
				if got := s.h.searched; !slices.Equal(got, test.want) {
					s.Errorf("searched for %q, want %q; the screen:\n%s", got, test.want, s.screen())
				}
			})
		})
	}
}

func TestLinearSearch(t *testing.T) {
	sit(t, Options{}, 0, 0, heldTwo, func(s *sitter) {
		s.hears(":F", "Search", "with all these words")
		s.hears("habitacion", "Found", "1. ", "0122  texter: en la Habitación de su tía")
		s.hears("1", "en la Habitación de su tía")
	})
}
