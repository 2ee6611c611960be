package simulate

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// TestOptOut sends some texts after each text of a script. What is refused or counted is said per text.
func TestOptOut(t *testing.T) {
	for name, c := range map[string]struct {
		texts             string // of the texter, a minute apart
		after             []int  // how many texts are sent after each
		refused, violated int    // on a long code, on a short code
	}{
		"no STOP":                     {"hi, there", []int{3, 3}, 0, 0},
		"nothing":                     {"STOP, hi", []int{0, 0}, 0, 0},
		"one confirmation":            {"STOP, hi", []int{1, 0}, 0, 0},
		"one more":                    {"STOP, hi", []int{2, 0}, 1, 1},
		"much later":                  {"STOP, hi", []int{1, 2}, 2, 2},
		"two STOPs, one confirmation": {"STOP, end.", []int{1, 1}, 1, 1},
		"a cry is no STOP":            {"stop him, stop it", []int{4, 4}, 0, 0},
		"HELP while opted out":        {"STOP, HELP", []int{1, 1}, 1, 0},
		"HELP gets one reply":         {"STOP, HELP", []int{1, 2}, 2, 1},
		"START":                       {"Stop!, START", []int{1, 5}, 0, 0},
		"YES":                         {"quit, yes", []int{1, 5}, 0, 0},
		"STOP again":                  {"STOP, UNSTOP, STOP", []int{1, 2, 2}, 1, 1},
	} {
		texts := strings.Split(c.texts, ", ")
		s := script(t, "+12025550120", "[start]\n1m "+strings.Join(texts, "\n1m ")+"\nend\n")
		for _, ours := range []sms.Number{long, short} {
			r := &relay{}
			during(t, Config{Ours: ours, Scripts: []*Script{s}}, r, func(*testing.T, *Carrier) {
				for i := range texts {
					for r.got() <= i {
						time.Sleep(time.Second)
						synctest.Wait()
					}
					for range c.after[i] {
						r.send(s.Number, "id", "text")
					}
				}
			})
			refused, violated := 0, r.carrier.Violations()
			for _, err := range r.errs {
				if e := (*gateway.Refused)(nil); !errors.As(err, &e) || e.Code != 21610 {
					t.Errorf("%s: %v", name, err)
				}
				refused++
			}
			if want := c.refused; ours == long && (refused != want || violated != 0) {
				t.Errorf("%s, long code: %d refused, %d violations, want %d and 0", name, refused, violated, want)
			}
			if want := c.violated; ours == short && (refused != 0 || violated != want) {
				t.Errorf("%s, short code: %d refused, %d violations, want 0 and %d", name, refused, violated, want)
			}
		}
	}
}

// TestOptOutNotTaken: a relay that never got the STOP breaks no rule; a carrier that handles STOP itself refuses anyway.
func TestOptOutNotTaken(t *testing.T) {
	s := script(t, "+12025550120", "[start]\n0s STOP\nend\n")
	for _, ours := range []sms.Number{long, short} {
		r := &relay{refuse: func(gateway.Inbound) error { return errors.New("down") }}
		during(t, Config{Ours: ours, Scripts: []*Script{s}}, r, func(_ *testing.T, c *Carrier) {
			<-c.Ended()
			r.send(s.Number, "1", "text")
			r.send(s.Number, "2", "text")
		})
		if r.carrier.Violations() != 0 || (len(r.errs) == 1) != (ours == long) {
			t.Errorf("%v: %d violations, %d refused", ours, r.carrier.Violations(), len(r.errs))
		}
	}
}

// TestOptOutStories: a relay that answers every text but STOP, and confirms STOP once, breaks no rule in any story.
func TestOptOutStories(t *testing.T) {
	for _, ours := range []sms.Number{short, long} {
		r := &relay{answer: func(int, gateway.Inbound) string { return "We are here." }}
		during(t, Config{Ours: ours}, r, out)
		if r.carrier.Violations() != 0 || len(r.errs) != 0 {
			t.Errorf("%v: %d violations, errors %v", ours, r.carrier.Violations(), r.errs)
		}
	}
}
