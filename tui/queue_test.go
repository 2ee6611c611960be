package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// sizes are those at which everything that matters has to be whole.
var sizes = [][2]int{{60, 20}, {80, 24}, {110, 30}, {120, 36}, {200, 60}}

// flagged is somebody who waits and of whom all is known that there is to be careful about.
func flagged(h *hand) {
	h.text("0147", "HELP")
	h.take("ada", "0147")
	h.delivered("0147")
	c := h.state.Conversation("c0147")
	h.must(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Closing{Disposition: "referred"})
	time.Sleep(4 * 24 * time.Hour)
	words := "hola, tiene una pistola"
	h.must(desk.Command{ID: "SMagain", Kind: desk.Received, Conversation: "cagain", Actor: "texter", Number: "+12025550147"},
		desk.Text{To: "233733", Text: sms.Text(words), Earlier: "c0147", Params: map[string][]string{"FromCity": {"CHICOPEE"}, "FromState": {"MA"}, "FromCountry": {"US"}}, Triage: triage.Default().Judge(words)})
	h.must(desk.Command{Kind: desk.Claimed, Conversation: "cagain", Actor: "ada", Role: desk.Specialist}, nil)
	yes, word := true, sms.Text("tangerine")
	from := time.Now().Add(2 * time.Hour).UTC()
	hours := desk.Hours{From: from.Format("15:04"), Until: from.Add(time.Hour).Format("15:04"), Zone: "UTC"}
	h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "cagain", Actor: "ada", Role: desk.Specialist},
		desk.SafetyEdit{Watched: &yes, Hold: &yes, Hours: &hours, DangerWord: &word})
	h.must(desk.Command{ID: "SMdanger", Kind: desk.Received, Conversation: "cagain", Actor: "texter", Number: "+12025550147"},
		desk.Text{To: "233733", Text: "tangerine", Triage: triage.Default().Judge("tangerine")})
	c = h.state.Conversation("cagain")
	h.must(desk.Command{Kind: desk.Released, Conversation: "cagain", Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Because{})
	time.Sleep(10*time.Minute + 23*time.Second)
}

// TestNoFlagIsCut: whatever there is to be careful about is read whole in the list, at every size and in each language,
// and so are the clock and its target.
func TestNoFlagIsCut(t *testing.T) {
	for language, flags := range map[string][]string{
		"en": {"DANGER WORD", "do not text", "outside safe hours", "phone watched", "again", "waits 10:2", ", target 1:00", "number of CHICOPEE, MA"},
		"es": {"PALABRA DE PELIGRO", "no escribirle", "fuera de sus horas seguras", "teléfono vigilado", "otra vez", "espera 10:2", ", meta 1:00", "número de CHICOPEE, MA"},
	} {
		for _, size := range sizes {
			t.Run(fmt.Sprint(language, size), func(t *testing.T) {
				sit(t, Options{Language: language}, size[0], size[1], flagged, func(s *sitter) {
					s.sees(flags...)
					s.press("up") // and under the cursor
					s.sees(flags...)
				})
			})
		}
	}
}

// TestFlagsAreSaid: a line of the linear console has them too, before how long somebody waits.
func TestFlagsAreSaid(t *testing.T) {
	sit(t, Options{}, 0, 0, flagged, func(s *sitter) {
		s.hears("", "0147, DANGER WORD, do not text, outside safe hours, phone watched, again, waits 10:2", "Spanish: ")
		s.hears("1", "They have texted before: :i shows it.")
	})
}

// TestAgainIsInTheBanner: that somebody has texted before is said before the first reply.
func TestAgainIsInTheBanner(t *testing.T) {
	for _, size := range sizes {
		sit(t, Options{}, size[0], size[1], flagged, func(s *sitter) {
			s.press("enter")
			if got := strings.Join(strings.Fields(s.screen()), " "); !strings.Contains(got, "They have texted before: alt+h") {
				t.Errorf("%v: it is not said that they have texted before:\n%s", size, s.screen())
			}
		})
	}
}

// TestAnOwnerIsNeverCut: a supervisor reads of every row who has it and how long somebody waits there.
func TestAnOwnerIsNeverCut(t *testing.T) {
	for language, want := range map[string][]string{
		"en": {"ben has ", "…0131", "margarita-lopez", "…0122", "waits 1:0", ", target 5:00"},
		"es": {"ben tiene ", "…0131", "margarita-lopez", "…0122", "espera 1:0", ", meta 5:00"},
	} {
		for _, size := range sizes {
			t.Run(fmt.Sprint(language, size), func(t *testing.T) {
				sit(t, Options{Language: language}, size[0], size[1], func(h *hand) {
					h.text("0131", "hello")
					h.text("0122", "hello")
					h.take("ben", "0131")
					h.take("margarita-lopez", "0122")
					h.status.Role = desk.Supervisor
					time.Sleep(time.Minute)
				}, func(s *sitter) { s.sees(want...) })
			})
		}
	}
}

// older is a plain call for help that is more urgent than the graver one after it for a while: until 5:40.
func older(h *hand) {
	h.text("0122", "HELP")
	time.Sleep(4 * time.Minute)
	h.text("0131", "he took my papers and wont pay")
}

// TestOrderAges: the order is that of now though nothing comes in, and the next one taken is the most urgent of now.
func TestOrderAges(t *testing.T) {
	sit(t, Options{}, 100, 30, older, func(s *sitter) {
		first := func() string { return s.m.queue.rows.at(1).id }
		s.wait(90 * time.Second)
		if got := first(); got != "c0122" {
			t.Errorf("at 5:30 the first is %s", got)
		}
		s.wait(12 * time.Second)
		if got := first(); got != "c0131" {
			t.Errorf("at 5:42 the first is %s:\n%s", got, s.screen())
		}
		s.press("n")
		if got := s.m.open; got != "c0131" {
			t.Errorf("%s was taken", got)
		}
	})
	sit(t, Options{}, 100, 30, older, func(s *sitter) {
		s.wait(99 * time.Second)
		for range 40 { // somebody moves in the list all the while
			s.press("j", "k")
			s.wait(80 * time.Millisecond)
			if got := s.m.queue.rows.at(1).id; got != "c0122" && s.m.now.Before(time.Date(2000, 1, 1, 0, 5, 45, 0, time.UTC)) {
				t.Fatalf("%s: the first is %s", s.m.now, got)
			}
		}
		if got := s.m.queue.rows.at(1).id; got != "c0131" {
			t.Errorf("%s: after five seconds and more the first is %s", s.m.now, got)
		}
		s.press("n")
		if got := s.m.open; got != "c0131" {
			t.Errorf("%s was taken", got)
		}
	})
}

// TestNextIsOfNow: the one key takes the most urgent of this moment, however old the list is.
func TestNextIsOfNow(t *testing.T) {
	sit(t, Options{}, 100, 30, older, func(s *sitter) {
		time.Sleep(2 * time.Minute) // in which the console has not come to anything
		s.m.readClock()
		s.m.next()
		if got := s.m.claiming; got != "c0131" {
			t.Errorf("%s was taken", got)
		}
	})
}

// TestTheTextersTimeIsOfTheirZone: texts that were laid out before a zone was known say what time it was there.
func TestTheTextersTimeIsOfTheirZone(t *testing.T) {
	zoned := func(h *hand, zone string) {
		h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist},
			desk.SafetyEdit{Hours: &desk.Hours{From: "00:00", Until: "23:59", Zone: zone}})
	}
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1")
		s.sees("00:00 texter")
		zoned(s.h, "Asia/Tokyo")
		s.wait(time.Second)
		s.sees("00:00 (09:00 there) texter")
		zoned(s.h, "America/Chicago")
		s.wait(time.Second)
		s.sees("00:00 (18:00 there) texter")
	})
}

// TestTheFirstIsMarkedUntilAKey: however a full queue comes in, its most urgent stand in view and are marked until somebody
// has pressed a key; then the mark stays where it is.
func TestTheFirstIsMarkedUntilAKey(t *testing.T) {
	sit(t, Options{}, 80, 24, func(h *hand) { h.text("0150", "HELP") }, func(s *sitter) {
		for i := range 15 {
			s.h.text(fmt.Sprintf("01%02d", i), "he locked me in")
		}
		s.h.text("0147", "he has a gun")
		s.wait(time.Second)
		if got := s.m.queue.selected; got != "c0147" {
			t.Errorf("%s is marked:\n%s", got, s.screen())
		}
		s.sees("IMMINENT", "he has a gun")
		s.press("?", "esc")
		s.wait(5 * time.Second)
		s.h.text("0199", "he has a gun, hurry, he is at the door with a knife and will kill me")
		s.wait(5 * time.Second)
		if got := s.m.queue.selected; got != "c0147" {
			t.Errorf("after a key %s is marked", got)
		}
	})
}

// TestWhoIsScrolledOffIsCounted: whoever is in imminent danger and has no row on the screen is counted at the top, at every
// size, and so are one's own; nobody is who has one.
func TestWhoIsScrolledOffIsCounted(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			sit(t, Options{}, size[0], size[1], func(h *hand) {
				for i := range 30 {
					h.text(fmt.Sprintf("01%02d", 50+i), "he has a gun")
				}
				h.text("0122", "HELP")
				h.take("ada", "0122")
				time.Sleep(time.Second)
			}, func(s *sitter) {
				for _, key := range []string{"home", "end"} {
					s.press(key)
					s.wait(3 * time.Second)
					screen, top := s.screen(), strings.Join(strings.Split(s.screen(), "\n")[:2], "\n")
					hidden := 30
					for i := range 30 {
						if strings.Contains(screen, fmt.Sprintf("…01%02d", 50+i)) {
							hidden--
						}
					}
					if want := fmt.Sprintf("■ IMMINENT %d", hidden); hidden > 0 != strings.Contains(top, "IMMINENT") || hidden > 0 && !strings.Contains(top, want+" ") {
						t.Errorf("%s: %d are out of view:\n%s", key, hidden, screen)
					}
					if mine := strings.Contains(screen, "…0122"); mine == strings.Contains(top, "1 of yours waits") {
						t.Errorf("%s: one's own is in view: %v\n%s", key, mine, screen)
					}
				}
			})
		})
	}
}

// TestWhoIsOpenIsCountedOnce: somebody who waits and is on the screen is not counted, and is once under a cover when they
// have written again.
func TestWhoIsOpenIsCountedOnce(t *testing.T) {
	sit(t, Options{}, 60, 20, func(h *hand) {
		h.text("0147", "he has a gun")
		time.Sleep(time.Second)
	}, func(s *sitter) {
		s.press("enter")
		s.wait(time.Second)
		top := func() string { return strings.Join(strings.Split(s.screen(), "\n")[:2], "\n") }
		if got := top(); strings.Contains(got, "IMMINENT") {
			t.Errorf("who is on the screen is counted:\n%s", got)
		}
		s.press("?")
		s.h.text("0147", "he is at the door with a knife")
		s.h.text("0131", "he has a gun")
		s.wait(time.Second)
		if got := top(); !strings.Contains(got, "IMMINENT 2 ") {
			t.Errorf("two are out of view:\n%s", s.screen())
		}
	})
}
