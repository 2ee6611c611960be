package tui

import (
	"testing"
	"time"
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
		"claim":       func(s *sitter) { s.h.late(900 * time.Millisecond); s.press("f8", "Do not ") },
		"failed":      func(s *sitter) { s.press("1", "Do not "); s.h.fail = errDisk; s.press("enter"); s.h.asked = nil },
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{Unlock: func(p []byte) bool { return string(p) == "pass" }}, 120, 36, queued, func(s *sitter) {
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
