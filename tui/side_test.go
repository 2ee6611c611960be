package tui

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// TestEveryNoteCanBeRead: notes that there is no room for say so, and keys lead to them while one writes.
func TestEveryNoteCanBeRead(t *testing.T) {
	for _, size := range [][2]int{{60, 20}, {80, 24}} {
		sit(t, Options{}, size[0], size[1], func(h *hand) {
			mine(h)
			for i := range 8 {
				h.note("c0147", fmt.Sprintf("note number %d", i+1))
			}
		}, func(s *sitter) {
			s.press("1", "f3", "half a note")
			s.sees("note number 8", "more lines above")
			s.seesNot("note number 1", "more lines below")
			s.pages("pgup", "note number %d", 8)
			s.sees("note number 1", "more lines below", "half a note")
			s.seesNot("more lines above")
			was := notesOn(s)
			s.h.note("c0147", "note number 9")
			s.wait(time.Second)
			s.seesNot("note number 9")
			if now := notesOn(s); !slices.Equal(was, now) {
				s.Errorf("a new note has moved what was read from %q to %q", was, now)
			}
			s.pages("pgdown", "note number %d", 9)
			s.sees("note number 9")
			s.seesNot("more lines below")
			s.press("pgup", "end")
			s.sees("note number 9")
			s.press("pgup", "pgup", "ctrl+s")
			s.wait(time.Second)
			s.sees("half a note", "Note kept.")
		})
	}
}

// TestAllOfTheHistoryCanBeRead: so it is with what is known of somebody who has been here often.
func TestAllOfTheHistoryCanBeRead(t *testing.T) {
	for _, key := range []string{"alt+h", "alt+r"} {
		sit(t, Options{}, 80, 24, func(h *hand) { contacts(h, 8) }, func(s *sitter) {
			s.press("1", key)
			s.sees("of this texter", "more lines below", ", 29 Jan")
			s.seesNot("more lines above", ", 1 Jan")
			s.pages("pgdown", "contact %d", 7)
			s.sees(", 1 Jan", "more lines above")
			s.seesNot("more lines below")
			s.press("home")
			s.sees(", 29 Jan")
			s.press("G")
			s.sees(", 1 Jan")
			s.press("k", "k", "up")
			s.sees("more lines above", "more lines below")
			s.press("esc", key)
			s.sees(", 29 Jan", "more lines below")
		})
	}
}

// TestHistorySaysWhatWas: no version of a plan that there is not, and who has a conversation only of one that somebody has.
func TestHistorySaysWhatWas(t *testing.T) {
	sit(t, Options{}, 120, 36, func(h *hand) {
		contacts(h, 2)
		h.passes(desk.Transferred, "ontact1", "ada", desk.Specialist, desk.Handoff{To: "ben", Reason: "no sirens"})
		h.passes(desk.Transferred, "ontact1", "ben", desk.Specialist, desk.Handoff{To: "ada", Reason: "no sirens"})
	}, func(s *sitter) {
		history := func() string { return strings.Join(s.m.history(s.m.chat.conv, 60), "\n") }
		s.wait(time.Second)
		s.press("y", "1", "alt+h") // it is told that it was handed over
		s.seesNot("plan of version")
		if got := history(); strings.Count(got, "  held by ada") != 1 || strings.Count(got, "  was held by ben") != 1 || strings.Count(got, "  was held by ada") != 1 {
			t.Errorf("who has it and who had it:\n%s", got)
		}
		s.press("f6", "When he drinks", "ctrl+s", "alt+h")
		s.wait(time.Second)
		s.sees("plan of version 1")
	})
}

// TestHistoryIsReadOutWhole, however long it is.
func TestHistoryIsReadOutWhole(t *testing.T) {
	sit(t, Options{}, 0, 0, func(h *hand) { contacts(h, 8) }, func(s *sitter) {
		s.line("1")
		s.hears(":i", ", 1 Jan", ", 29 Jan", "safe for now")
	})
}

// TestTheWheelScrollsBeside, once the mouse was asked for.
func TestTheWheelScrollsBeside(t *testing.T) {
	sit(t, Options{Mouse: func(bool) {}}, 80, 24, func(h *hand) { contacts(h, 8) }, func(s *sitter) {
		s.press("M", "1", "alt+h")
		s.update(tea.MouseMsg{X: 3, Y: 5, Button: tea.MouseButtonWheelDown, Action: tea.MouseActionPress})
		s.sees("4 more lines above")
		s.update(tea.MouseMsg{X: 3, Y: 5, Button: tea.MouseButtonWheelUp, Action: tea.MouseActionPress})
		s.sees(", 29 Jan")
	})
}

// contacts lets one person have been here so many times, four days after each other; the last is ada's.
func contacts(h *hand, n int) {
	earlier := ""
	for i := range n {
		id := fmt.Sprint("contact", i)
		h.must(desk.Command{ID: "SM" + id, Kind: desk.Received, Conversation: id, Actor: store.Texter, Number: "+12025550147"},
			desk.Text{To: "233733", Text: "hello", Earlier: earlier})
		h.must(desk.Command{Kind: desk.Claimed, Conversation: id, Actor: "ada", Role: desk.Specialist}, nil)
		if earlier = id; i < n-1 {
			c := h.state.Conversation(id)
			h.must(desk.Command{Kind: desk.Closed, Conversation: id, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Closing{Disposition: "referred", Safety: "safe for now", Contact: fmt.Sprint("contact ", i+1), Summary: fmt.Sprint("contact ", i+1)})
			time.Sleep(4 * 24 * time.Hour)
		}
	}
}

// note lets ada have written a note.
func (h *hand) note(id, words string) {
	h.must(desk.Command{Kind: desk.NoteAdded, Conversation: id, Actor: "ada", Role: desk.Specialist}, desk.Note{Text: sms.Text(words)})
}

// notesOn are the notes on the screen.
func notesOn(s *sitter) []string {
	return regexp.MustCompile(`note number \d`).FindAllString(s.screen(), -1)
}

// pages fails unless a key, pressed often enough, has shown all from 1 to n.
func (s *sitter) pages(key, format string, n int) {
	s.Helper()
	seen := map[string]bool{}
	for range n {
		for i := range n {
			if words := fmt.Sprintf(format, i+1); strings.Contains(s.screen(), words) {
				seen[words] = true
			}
		}
		s.press(key)
	}
	if len(seen) != n {
		s.Fatalf("%s led to %d of %d: %v\n%s", key, len(seen), n, seen, s.screen())
	}
}
