package simulate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// named returns the embedded script of this scenario.
func named(t *testing.T, scenario string) *Script {
	t.Helper()
	for _, s := range Embedded() {
		if s.Scenario == scenario {
			return s
		}
	}
	t.Fatalf("no script for %q", scenario)
	return nil
}

func TestConversation(t *testing.T) {
	replies := []string{"Are you somewhere you can lock the door?", "Can you tell us where you are?", "Help is on the way.", "We are here."}
	r := &relay{answer: func(n int, m gateway.Inbound) string {
		return map[string]string{
			"stop him he's here":                          replies[0],
			"locked in bathroom":                          replies[1],
			"motel by the hiway. blue sign. rm 14 i thnk": replies[2],
			"i see lights":                                replies[3],
		}[m.Body.Reveal()]
	}}
	s := named(t, "he is at the door")
	during(t, Config{Seed: 7, Scripts: []*Script{s}}, r, out)
	var got []string
	for _, m := range r.texts {
		got = append(got, m.Body.Reveal())
		if m.From != s.Number || m.To != short || m.At.IsZero() || m.Params["SmsStatus"] == nil {
			t.Errorf("text does not say what a carrier says of it: %+v", m)
		}
	}
	want := []string{
		"stop him he's here", "locked in bathroom", "motel by the hiway. blue sign. rm 14 i thnk",
		"ok ok send them", "no sirens pls", "i see lights", "their here. ty",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i, o := range r.carrier.Sent() {
		if o.Body.Reveal() != replies[i] {
			t.Errorf("Sent()[%d] is another text", i)
		}
		if diff := cmp.Diff([]string{"queued 0", "sent 0", "delivered 0"}, r.states(o.ID)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestSilenceEndsEveryStory(t *testing.T) {
	r := &relay{}
	during(t, Config{}, r, out)
	for _, s := range Embedded() {
		if len(r.of(s.Number)) < len(s.First()) {
			t.Errorf("%s: not all of its first texts came", s.File)
		}
	}
}

func TestFirstTexts(t *testing.T) {
	severity := map[sms.Number]string{}
	for _, s := range Embedded() {
		severity[s.Number] = s.Severity
	}
	for seed := range uint64(40) {
		r := &relay{}
		during(t, Config{Seed: seed}, r, func(t *testing.T, _ *Carrier) {
			start := time.Now()
			time.Sleep(4 * time.Second)
			synctest.Wait()
			if len(r.texts) != 3 {
				t.Fatalf("seed %d: %d texts in the first 4 s, want 3", seed, len(r.texts))
			}
			imminent := false
			for i, m := range r.texts {
				imminent = imminent || severity[m.From] == "imminent"
				if after := r.times[i].Sub(start); after < time.Second || after > 3*time.Second {
					t.Errorf("seed %d: text %d came after %v", seed, i, after)
				}
			}
			if !imminent {
				t.Errorf("seed %d: no imminent text among the first three", seed)
			}
		})
	}
}

// TestSameSeed plays everybody twice with the same replies and once with another seed.
func TestSameSeed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{
			"", "Are you safe?", "where are you", "police are coming", "¿Está segura?", "¿Dónde está?", "ok", "who hired you, how",
		}), 1, 12).Draw(rt, "replies")
		answer := func(n int, _ gateway.Inbound) string { return words[n%len(words)] }
		config := Config{
			Seed: rapid.Uint64().Draw(rt, "seed"), Pace: rapid.SampledFrom([]float64{1, 60, Fast}).Draw(rt, "pace"),
			Ours: rapid.SampledFrom([]sms.Number{short, long}).Draw(rt, "ours"),
		}
		a, b, other := &relay{answer: answer}, &relay{answer: answer}, &relay{answer: answer}
		during(t, config, a, out)
		during(t, config, b, out)
		config.Seed++
		during(t, config, other, out)
		for _, s := range Embedded() {
			if diff := cmp.Diff(a.of(s.Number), b.of(s.Number)); diff != "" {
				rt.Errorf("%s: the same seed and replies gave\n%s", s.File, diff)
			}
			if a.of(s.Number)[0] == other.of(s.Number)[0] {
				rt.Errorf("%s: another seed gave the same SID", s.File)
			}
		}
		if a.carrier.Violations() != 0 && config.Ours == long {
			rt.Errorf("violations on a long code: those are refused")
		}
	})
}

func TestSIDs(t *testing.T) {
	r := &relay{answer: func(int, gateway.Inbound) string { return "ok" }}
	during(t, Config{Loop: true, Pace: 60}, r, func(*testing.T, *Carrier) { time.Sleep(5 * time.Minute) })
	shape, seen := regexp.MustCompile(`^SM[0-9a-f]{32}$`), map[string]bool{}
	for _, l := range r.carrier.Listed() {
		if !shape.MatchString(l.SID) || seen[l.SID] {
			t.Errorf("SID %q is malformed or was there before", l.SID)
		}
		seen[l.SID] = true
	}
	for _, s := range r.statuses {
		if !shape.MatchString(s.SID) || (s.State == "queued" && seen[s.SID]) {
			t.Errorf("SID %q is malformed or was there before", s.SID)
		}
		seen[s.SID] = true
	}
}

func TestPace(t *testing.T) {
	s := script(t, "+12025550120", "[start]\n1m one\n1m two\n1m three\nend\n")
	took := map[float64]time.Duration{}
	for _, pace := range []float64{0, 1, 60, Fast} {
		during(t, Config{Pace: pace, Scripts: []*Script{s}}, &relay{}, func(_ *testing.T, c *Carrier) {
			start := time.Now()
			<-c.Ended()
			took[pace] = time.Since(start)
		})
	}
	if took[1] < 135*time.Second || took[1] > 225*time.Second || took[0] != took[1] {
		t.Errorf("at a person's pace it took %v, by default %v", took[1], took[0])
	}
	if d := took[60] - took[1]/60; d.Abs() > time.Microsecond {
		t.Errorf("sixty times faster it took %v instead of %v", took[60], took[1]/60)
	}
	if took[Fast] != 0 {
		t.Errorf("as fast as possible took %v", took[Fast])
	}
}

func TestPatience(t *testing.T) {
	s := script(t, "+12025550120", "[start]\n0s one\nif silent 2m\nend\n")
	for _, c := range []struct {
		pace           float64
		patience       time.Duration
		atLeast, under time.Duration
	}{
		{1, 0, 90 * time.Second, 150 * time.Second},
		{Fast, 0, 5 * time.Second, 5*time.Second + 1},
		{Fast, time.Second, time.Second, time.Second + 1},
		{Fast, time.Hour, 2 * time.Minute, 2*time.Minute + 1},
	} {
		during(t, Config{Pace: c.pace, Patience: c.patience, Scripts: []*Script{s}}, &relay{}, func(t *testing.T, carrier *Carrier) {
			start := time.Now()
			<-carrier.Ended()
			if took := time.Since(start); took < c.atLeast || took >= c.under {
				t.Errorf("pace %v, patience %v: waited %v", c.pace, c.patience, took)
			}
		})
	}
}

// TestRepliesProlongPatience: silence counts from the last reply, even one that no rule takes.
func TestRepliesProlongPatience(t *testing.T) {
	s := script(t, "+12025550120", "[start]\n0s one\nif: magic\nend\nif silent 1m\n0s too late\nend\n")
	r := &relay{}
	during(t, Config{Scripts: []*Script{s}}, r, func(t *testing.T, c *Carrier) {
		for i := range 10 {
			time.Sleep(30 * time.Second)
			r.send(s.Number, fmt.Sprint(i), "still here")
		}
		r.send(s.Number, "last", "Magic!")
		<-c.Ended()
	})
	if len(r.texts) != 1 {
		t.Errorf("the texter gave up although we replied: %d texts", len(r.texts))
	}
}

func TestNextDay(t *testing.T) {
	s := named(t, "comes back next day")
	for longest, bounds := range map[time.Duration][2]time.Duration{
		0:                {15 * time.Hour, 26 * time.Hour},
		90 * time.Second: {0, 45 * time.Minute},
	} {
		r := &relay{answer: func(_ int, m gateway.Inbound) string {
			if m.Body.Reveal() == "hes back gtg" {
				return "We are here whenever you text."
			}
			return "ok"
		}}
		during(t, Config{LongestGap: longest, Scripts: []*Script{s}}, r, func(t *testing.T, c *Carrier) {
			start := time.Now()
			<-c.Ended()
			if took := time.Since(start); took < bounds[0] || took > bounds[1] {
				t.Errorf("longest gap %v: the story took %v", longest, took)
			}
		})
		all := strings.Join(r.of(s.Number), "\n")
		if !strings.Contains(all, "its me from yesterday") || !strings.Contains(all, "ok sunday") {
			t.Errorf("longest gap %v: did not come back:\n%s", longest, all)
		}
	}
}

// TestAwayAnswersNothing: what was texted during a long absence is not answered one by one.
func TestAwayAnswersNothing(t *testing.T) {
	s := script(t, "+12025550120", "[start]\n0s bye\n20h back\nif anything\n0s answered\nend\nif silent 1m\nend\n")
	r := &relay{answer: func(n int, _ gateway.Inbound) string { return []string{"take care", ""}[n] }}
	during(t, Config{Scripts: []*Script{s}}, r, out)
	if len(r.texts) != 2 {
		t.Errorf("%d texts, want 2", len(r.texts))
	}
}

func TestLoop(t *testing.T) {
	r := &relay{}
	during(t, Config{Loop: true, Pace: 60}, r, func(t *testing.T, c *Carrier) {
		time.Sleep(10 * time.Minute)
		select {
		case <-c.Ended():
			t.Error("a loop ended by itself")
		default:
		}
	})
	numbers := map[sms.Number]bool{}
	for _, m := range r.texts {
		numbers[m.From] = true
		if !fictional.MatchString(m.From.Reveal()) {
			t.Errorf("%v is not fictional", m.From)
		}
	}
	if len(numbers) < 3*len(Embedded()) {
		t.Errorf("only %d people texted", len(numbers))
	}
}

func TestLoopNeverSpins(t *testing.T) {
	s := script(t, "+12025550120", "[start]\n0s one\nend\n")
	r := &relay{}
	during(t, Config{Loop: true, Pace: Fast, Scripts: []*Script{s}}, r,
		func(*testing.T, *Carrier) { time.Sleep(10*time.Second + 1) })
	if len(r.texts) != 11 {
		t.Errorf("%d texts in 10 s, want 11", len(r.texts))
	}
}

func TestLater(t *testing.T) {
	seen := map[sms.Number]bool{}
	for round := range 100 {
		n := later("+12025550198", round)
		if seen[n] || !fictional.MatchString(n.Reveal()) {
			t.Errorf("round %d has a number that is not new or not fictional", round)
		}
		seen[n] = true
	}
	if later("+12025550198", 0) != "+12025550198" || later("+12025550198", 1) != "+12025550105" {
		t.Error("a round's number changed")
	}
}

func TestBadConfig(t *testing.T) {
	one := script(t, "+12025550120", "[start]\n0s one\nend\n")
	for name, c := range map[string]Config{
		"no number":         {},
		"negative pace":     {Ours: short, Pace: -1},
		"no pace":           {Ours: short, Pace: math.NaN()},
		"negative patience": {Ours: short, Patience: -1},
		"negative gap":      {Ours: short, LongestGap: -1},
		"unparsed script":   {Ours: short, Scripts: []*Script{{}}},
		"nil script":        {Ours: short, Scripts: []*Script{nil}},
		"one area twice":    {Ours: short, Scripts: []*Script{one, one}},
	} {
		if err := New(c).Run(t.Context(), &relay{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRunsOnce(t *testing.T) {
	r := &relay{}
	during(t, Config{Scripts: []*Script{}}, r, func(t *testing.T, c *Carrier) {
		<-c.Ended()
		if err := c.Run(t.Context(), r); err == nil {
			t.Error("a second Run was accepted")
		}
	})
}

// blocking is a Receiver that answers only a while after it is told that all is over.
type blocking struct {
	in   chan struct{} // has one element for each call of Receive
	busy *atomic.Int32 // calls under way
}

func newBlocking() blocking { return blocking{make(chan struct{}, 100), new(atomic.Int32)} }

func (b blocking) Receive(ctx context.Context, _ gateway.Inbound) error {
	b.in <- struct{}{}
	return b.block(ctx)
}

func (b blocking) Delivered(ctx context.Context, _ gateway.Status) error { return b.block(ctx) }

func (b blocking) block(ctx context.Context) error {
	b.busy.Add(1)
	defer b.busy.Add(-1)
	<-ctx.Done()
	time.Sleep(time.Second)
	return ctx.Err()
}

func TestRunWaitsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Ours: short, Pace: Fast, Loop: true})
		ctx, cancel := context.WithCancel(t.Context())
		b, ended := newBlocking(), make(chan error)
		go func() { ended <- c.Run(ctx, b) }()
		<-b.in
		m := gateway.Outgoing{ID: "1", To: "+12025550130", From: short, Body: "hello"}
		if _, err := c.Send(ctx, m); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if b.busy.Load() == 0 {
			t.Fatal("nothing is under way")
		}
		cancel()
		if err := <-ended; err != nil || b.busy.Load() != 0 {
			t.Fatalf("Run returned %v with %d calls under way", err, b.busy.Load())
		}
		<-c.Ended()
		var later *gateway.Later
		if _, err := c.Send(context.Background(), m); !errors.As(err, &later) {
			t.Errorf("after Run, Send gives %v", err)
		}
	})
}
