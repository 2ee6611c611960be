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
