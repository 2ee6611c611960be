package tui

import (
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// TestOneEnterSendsNothingElse: an enter that chose, opened or unlocked something is not also the one that sends,
// however long it is held.
func TestOneEnterSendsNothingElse(t *testing.T) {
	for name, do := range map[string]func(*sitter){
		"list":        func(s *sitter) { s.press("1", "Do not ", "esc", "esc") },
		"chat":        func(s *sitter) { s.press("1", "Do not ", "esc") },
		"quick reply": func(s *sitter) { s.press("1", "alt+q") },
		"find":        func(s *sitter) { s.press("1", "Do not ", "ctrl+f") },
		"drafts":      func(s *sitter) { s.press("1", "Do not ", "alt+2", "alt+d") },
		"palette":     func(s *sitter) { s.press("1", "Do not ", "f2", "quick reply") },
		"unlock":      func(s *sitter) { s.press("1", "Do not ", "ctrl+l", "pass") },
		"claim":       func(s *sitter) { s.h.slowly(900 * time.Millisecond); s.press("f8", "Do not ") },
		"failed":      func(s *sitter) { s.press("1", "Do not "); s.h.fail = errDisk; s.press("enter"); s.h.asked = nil },
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{Unlock: opens("pass")}, 120, 36, queued, func(s *sitter) {
				do(s)
				s.hold("enter")
				s.sent()
			})
		})
	}
}

// TestAHeldKeyClaimsOne: one press of the key that claims is one person, however long it lasts.
func TestAHeldKeyClaimsOne(t *testing.T) {
	for key, typed := range map[string]string{"f8": "", "n": "nnnnnnnnnn"} { // the letters are in the draft of whom it claimed
		sit(t, Options{}, 120, 36, func(h *hand) {
			for _, n := range []string{"0101", "0102", "0103", "0104", "0105"} {
				h.text(n, "please help me")
			}
			time.Sleep(time.Second)
		}, func(s *sitter) {
			s.hold(key)
			if held := s.h.state.Holds("ada"); len(held) != 1 {
				s.Errorf("%s, held, claimed %d", key, len(held))
			}
			if got := s.m.composer.Text(s.m.open); got != typed {
				s.Errorf("%s, held, is in the draft as %q", key, got)
			}
		})
	}
}

// TestEntersThatSendNothing: what was on the screen has not been read, or the enter is no enter.
func TestEntersThatSendNothing(t *testing.T) {
	for name, do := range map[string]func(*sitter){
		"an old draft over a text that nobody has read": func(s *sitter) {
			s.press("1", "Call me now", "alt+2")
			s.h.text("0147", "he is beside me do not text")
			s.wait(3 * time.Second)
			s.press("alt+1", "enter")
			s.sees("Read it first", "Call me now")
		},
		"an escape that a slow line brings with it": func(s *sitter) {
			s.press("1", "Half a")
			s.update(named["esc"])
			s.wait(10 * time.Millisecond)
			s.update(named["enter"])
			s.wait(time.Second)
			if s.m.focus != onChat {
				s.Error("the escape was lost")
			}
		},
		"a paste without brackets whose first line is one letter": func(s *sitter) {
			s.press("1")
			for _, k := range []tea.KeyMsg{{Type: tea.KeyRunes, Runes: []rune("1")}, named["enter"], {Type: tea.KeyRunes, Runes: []rune("call 911")}, named["enter"]} {
				s.update(k)
			}
			s.sees("call 911")
		},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, 120, 36, mine, func(s *sitter) {
				do(s)
				s.sent()
			})
		})
	}
}
