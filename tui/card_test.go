package tui

import (
	"testing"
	"time"

	"befree.example/store/desk"
	"befree.example/store/plan"
)

const cardWords = "aunt 5550199"

// carded is a conversation of ada's with a plan of which a card can be made, and what is known of the phone.
func carded(phone *bool) func(*hand) {
	return func(h *hand) {
		conversation(h)
		h.plan(plan.Edit{Fields: map[string]string{"situation/numbers": cardWords, "situation/words": "tangerine means go"}})
		if phone != nil {
			h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Watched: phone})
		}
	}
}

// TestTheCardAsksForASafePhone: a record that nobody filled in says nothing of the phone.
func TestTheCardAsksForASafePhone(t *testing.T) {
	no, yes := false, true
	sit(t, Options{}, 80, 24, carded(nil), func(s *sitter) {
		s.press("1", "alt+c")
		s.sees("Is the phone", "safe?", "> n", "nobody knows")
		s.press("enter")
		if got := s.m.composer.Text("c0147"); got != "" {
			t.Errorf("%q is in the composer", got)
		}
		s.press("alt+c", "w")
		s.wait(time.Second)
		if c := s.h.state.Conversation("c0147"); !c.Safety.Watched || s.m.composer.Text("c0147") != "" {
			t.Error("what was said of the phone is not in the record")
		}
		s.press("alt+c")
		s.sees("shared or watched")
	})
	sit(t, Options{}, 80, 24, carded(nil), func(s *sitter) {
		s.press("1", "alt+c", "y")
		s.wait(time.Second)
		if got := s.m.composer.Text("c0147"); got != cardWords {
			t.Errorf("%q is in the composer", got)
		}
		for range len(cardWords) {
			s.press("backspace")
		}
		s.press("alt+c") // the record says it now
		if got := s.m.composer.Text("c0147"); got != cardWords {
			t.Errorf("asked again, %q is in the composer", got)
		}
	})
	sit(t, Options{}, 80, 24, carded(&yes), func(s *sitter) {
		s.press("1", "alt+c")
		s.sees("shared or watched")
		s.seesNot("safe?")
	})
	sit(t, Options{}, 80, 24, carded(&no), func(s *sitter) {
		s.press("1", "alt+c")
		s.sees(cardWords)
		s.seesNot("safe?")
	})
	sit(t, Options{}, 0, 0, carded(nil), func(s *sitter) {
		s.line("1")
		s.hears(":alt+c", "Is the phone", "nobody knows")
		s.hears("y", cardWords)
	})
}

// TestAnEditedCardIsChecked: what makes a card unsafe is said before it goes out, as long as it is one.
func TestAnEditedCardIsChecked(t *testing.T) {
	no := false
	for typed, why := range map[string]string{
		" the police":    "The word police tells",
		" say tangerine": "agreed on in secret",
		" plain words and more of them, xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": "2 segments",
	} {
		sit(t, Options{}, 80, 24, carded(&no), func(s *sitter) {
			s.press("1", "alt+c")
			s.press(typed, "enter")
			s.sees("This card is not safe", why, "> n")
			s.sent()
			s.press("esc")
			s.sees("aunt 5550199")
			s.press("enter", "enter") // the harmless answer is the marked one
			s.sent()
			s.press("enter", "down", "enter")
			s.sent("c0147: " + cardWords + typed)
			s.press("alt+u")
			s.wait(2 * time.Second)
			s.press("enter") // it came back, and is a card still
			s.sees("This card is not safe")
			s.press("esc")
			for range cardWords + typed {
				s.press("backspace")
			}
			s.press("the police", "enter") // no card any more
			s.sent("c0147: "+cardWords+typed, "c0147: the police")
		})
	}
	sit(t, Options{}, 80, 24, carded(&no), func(s *sitter) {
		s.press("1", "alt+c", " bus 12", "enter")
		s.sent("c0147: " + cardWords + " bus 12")
	})
	sit(t, Options{}, 80, 24, carded(&no), func(s *sitter) {
		s.press("1", "alt+c")
		for range len(cardWords) {
			s.press("backspace")
		}
		s.press("is the police there", "enter") // nothing of the card is left
		s.sent("c0147: is the police there")
	})
	sit(t, Options{}, 0, 0, carded(&no), func(s *sitter) {
		s.line("1")
		s.hears(":alt+c", cardWords)
		s.hears("tell the police", "To rapid bay")
		s.hears("", "This card is not safe", "The word police tells")
		s.hears("", "stays a draft")
		s.sent()
	})
}

// TestACardStaysOneOverARestart: a draft that began as a card is one after a restart too.
func TestACardStaysOneOverARestart(t *testing.T) {
	no := false
	sit(t, Options{}, 80, 24, carded(&no), func(s *sitter) {
		s.press("1", "alt+c", " the police")
		s.wait(2 * time.Second)
		s.another(s.h, func(s *sitter) {
			s.press("1", "enter")
			s.sees("This card is not safe")
		})
	})
}
