package tui

import (
	"strings"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// TestTheRelayBeganAnew: its person is told once, in words, with where what was here can be read and until when.
func TestTheRelayBeganAnew(t *testing.T) {
	day := time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)
	for name, aside := range map[string]bolt.Aside{
		"something is set aside": {At: day, Until: day.AddDate(0, 1, 0)}, "nothing is": {},
		"a part is": {At: day, Until: day.AddDate(0, 1, 0), Lost: 3}, "nothing could be": {Lost: 3},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, 100, 30, mine, func(s *sitter) {
				s.seesNot("began anew")
				s.h.change(func() { s.h.status.Renewed, s.h.status.Aside = true, aside })
				s.wait(3 * time.Second)
				s.sees("The relay began anew", "what was being written here stays")
				if told := strings.Contains(strings.ReplaceAll(s.words(), "- ", "-"), "was set aside on 2026-11-24 and can be read until 2026-12-24, without a network, by: befree review --aside"); told == aside.Until.IsZero() {
					t.Errorf("what is set aside:\n%s", s.screen())
				}
				if told := strings.Contains(s.words(), "had no room to set 3 of your conversations aside"); told != (aside.Lost > 0) {
					t.Errorf("what could not be set aside:\n%s", s.screen())
				}
				s.press("y")
				s.h.change(func() {})
				s.wait(time.Second)
				s.seesNot("began anew")
				s.press("1", "I am here", "enter")
				s.sent("c0147: I am here")
			})
		})
	}
}

// asideOf is what a console shows of mine, set aside.
func asideOf(h *hand) {
	mine(h)
	h.must(desk.Command{Kind: desk.NoteAdded, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.Note{Text: "no sirens"})
	h.status = client.Status{Aside: bolt.Aside{At: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Until: time.Date(2026, 12, 24, 9, 0, 0, 0, time.UTC)}}
	h.fail = &desk.Refusal{Code: desk.CodeForbidden, Text: "What was set aside is for reading alone. Nothing was done."}
}

// TestWhatWasSetAsideIsForReadingAlone: the same screens, whose top says what they are, and no key writes anything.
func TestWhatWasSetAsideIsForReadingAlone(t *testing.T) {
	const top, alone = "set aside 2026-11-24, read until 2026-12-24", "nothing is written or sent here"
	o := Options{Review: true, Aside: true}
	for _, columns := range []int{60, 120} {
		sit(t, o, columns, 30, asideOf, func(s *sitter) {
			s.sees(top)
			s.press("1")
			s.sees("stop him he's here", top)
			s.press("f3", "plum")
			s.reads("no sirens", alone)
			s.seesNot("plum", "ctrl+s")
			s.press("ctrl+j", "esc", "f6", "plum")
			s.reads(alone)
			s.press("tab", "tab", "plum", "ctrl+x", "ctrl+s", "esc", "f4", "plum", "tab", "plum", "ctrl+s", "esc")
			s.press("alt+c", "plum", "enter", "esc", "esc", "esc", "enter", "c", "n")
			s.seesNot("plum")
			s.wait(3 * time.Second)
			if len(s.h.drafts) > 0 || len(s.h.asked) > 0 && s.h.asked[0].Kind != desk.PlanSaved { // which the client refuses
				t.Errorf("%d drafts, %d asked: %+v", len(s.h.drafts), len(s.h.asked), s.h.asked)
			}
		})
	}
	sit(t, o, 0, 0, asideOf, func(s *sitter) {
		if !strings.Contains(s.said.String(), "befree: "+top) {
			t.Errorf("it is said:\n%s", s.said.String())
		}
		s.hears("1", "stop him he's here")
		s.hears(":f3", "no sirens")
		s.hears("plum", alone)
		if len(s.h.drafts) > 0 || len(s.h.asked) > 0 {
			t.Errorf("%d drafts, %d asked", len(s.h.drafts), len(s.h.asked))
		}
	})
}
