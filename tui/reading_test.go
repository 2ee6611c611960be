package tui

import (
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
				s.press("1")
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
