package tui

import (
	"fmt"
	"testing"
	"time"
)

// TestWordsComeBackAfterSigningIn: rows whose words are not on this machine get them, the most urgent ones at once, those
// further down when they come into view, each once in a connection.
func TestWordsComeBackAfterSigningIn(t *testing.T) {
	many := func(h *hand) {
		night(h)
		for n := range 120 {
			h.text(fmt.Sprintf("01%02d-%d", n%90, n), fmt.Sprintf("hello, text number %d", n))
		}
		h.forget()
	}
	sit(t, Options{}, 100, 30, many, func(s *sitter) {
		s.wait(3 * time.Second)
		s.sees("stop him he's here")
		s.seesNot("(enter reads it)", "not for this reader")
		if n := len(s.h.previewed); n != 1 || len(s.h.previewed[0]) != mostPreviewed {
			t.Errorf("%d times asked", n)
		}
		s.press("G")
		s.sees("(enter reads it)")
		s.wait(3 * time.Second)
		s.seesNot("(enter reads it)")
		if n := len(s.h.previewed); n != 2 {
			t.Errorf("%d times asked", n)
		}
		s.h.fail = errDisk
		s.h.change(func() { s.h.status.Since = time.Now() })
		s.h.forget()
		s.wait(2 * time.Second)
		s.sees("(enter reads it)")
		s.h.fail = nil
		s.wait(2 * time.Second)
		s.seesNot("(enter reads it)")
	})
	sit(t, Options{Review: true}, 100, 30, func(h *hand) { night(h); h.forget() }, func(s *sitter) {
		s.wait(3 * time.Second)
		s.sees("(words not on this machine)")
		if len(s.h.previewed) > 0 {
			t.Error("a review asked the relay")
		}
	})
}

// TestFilterHidesNobodyInDanger: one's own and those in imminent danger are listed whatever the filter, the rest is
// counted, and / begins anew.
func TestFilterHidesNobodyInDanger(t *testing.T) {
	sit(t, Options{}, 100, 36, func(h *hand) {
		night(h)
		h.take("ada", "0122")
	}, func(s *sitter) {
		s.press("/", "papers", "enter")
		s.sees("Mine 1", "■ IMMINENT", "▲ HIGH", "Waiting 2 of 4", "he took my papers")
		s.seesNot("qué es este", "Nothing fits")
		if c := s.m.queue.Selected(); c.ID != "c0131" {
			s.Errorf("the cursor is on %s", c.ID)
		}
		s.press("/")
		s.sees("Filter: _", "Waiting 4", "qué es este")
		s.press("zzz")
		s.sees("Filter: zzz", "Nothing fits", "■ IMMINENT", "Waiting 1 of 4")
		s.press("esc")
		s.sees("Waiting 4")
	})
}

// TestNewOrderIsAnnounced: while keys are pressed rows keep their places, and the list says how many are new and when
// they find theirs. Where nobody was listed nobody has to wait for that.
func TestNewOrderIsAnnounced(t *testing.T) {
	sit(t, Options{}, 100, 30, nil, func(s *sitter) {
		s.press("k")
		s.h.text("0122", "HELP")
		s.wait(100 * time.Millisecond)
		s.sees("Waiting 1")
		s.seesNot("new order")
		s.press("k")
		s.h.text("0147", "stop him he's here")
		s.wait(100 * time.Millisecond)
		s.sees("Waiting 1", "1 new, new order in 2 s")
		s.wait(3 * time.Second)
		s.sees("Waiting 2")
		s.seesNot("new order")
	})
}
