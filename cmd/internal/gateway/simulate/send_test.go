package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

var _ gateway.Gateway = (*Carrier)(nil)

const someone = sms.Number("+12025550130")

func TestUndelivered(t *testing.T) {
	s := named(t, "our first reply is not delivered")
	r := &relay{answer: func(n int, _ gateway.Inbound) string {
		return []string{"What is the address?", "Where?", "", ""}[min(n, 3)]
	}}
	during(t, Config{Scripts: []*Script{s}}, r, out)
	first, second := s.Number.Reveal()+"-0", s.Number.Reveal()+"-1"
	if diff := cmp.Diff([]string{"queued 0", "sent 0", "undelivered 30003"}, r.states(first)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"queued 0", "sent 0", "delivered 0"}, r.states(second)); diff != "" {
		t.Error(diff)
	}
	if got := r.texts[1].Body.Reveal(); got != "hello? anyone" {
		t.Errorf("who never got our reply said %q", got)
	}
}

// TestSendBeforeRun: the text waits, and to a number that nobody plays it arrives like any other.
func TestSendBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Ours: short, Scripts: []*Script{}})
		changed := c.Changed(0)
		sid, err := c.Send(t.Context(), gateway.Outgoing{ID: "1", To: someone, From: short, Body: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		<-changed
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := &relay{}
		if err := c.Run(ctx, r); err != nil {
			t.Fatal(err)
		}
		want := []gateway.Status{
			{ID: "1", SID: sid, State: "queued"}, {ID: "1", SID: sid, State: "sent"}, {ID: "1", SID: sid, State: "delivered"},
		}
		if diff := cmp.Diff(want, r.statuses); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOrderOfTexts(t *testing.T) {
	for seed := range uint64(20) {
		r := &relay{}
		during(t, Config{Seed: seed, Scripts: []*Script{}}, r, func(_ *testing.T, c *Carrier) {
			for i := range 20 {
				r.send(someone, fmt.Sprintf("%02d", i), "hello")
			}
			time.Sleep(time.Minute)
		})
		var arrived []string
		for _, s := range r.statuses {
			if s.State == "delivered" {
				arrived = append(arrived, s.ID)
			}
		}
		for i, id := range arrived {
			if id != fmt.Sprintf("%02d", i) || len(arrived) != 20 {
				t.Fatalf("seed %d: texts arrived as %v", seed, arrived)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	c := New(Config{Ours: short})
	good := gateway.Outgoing{ID: "1", To: someone, From: short, Body: "hello"}
	for name, want := range map[string]struct {
		code   int
		change func(m *gateway.Outgoing)
	}{
		"to nobody":       {21211, func(m *gateway.Outgoing) { m.To = "" }},
		"to a short code": {21211, func(m *gateway.Outgoing) { m.To = "12345" }},
		"not from us":     {21606, func(m *gateway.Outgoing) { m.From = long }},
		"empty":           {21602, func(m *gateway.Outgoing) { m.Body = "" }},
		"too long":        {21617, func(m *gateway.Outgoing) { m.Body = sms.Text(strings.Repeat("😀", 800) + "x") }},
	} {
		m := good
		want.change(&m)
		_, err := c.Send(t.Context(), m)
		if refused := (*gateway.Refused)(nil); !errors.As(err, &refused) || refused.Code != want.code || refused.Reason == "" {
			t.Errorf("%s: got %v, want %d", name, err, want.code)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if later := (*gateway.Later)(nil); !errors.As(func() error { _, err := c.Send(ctx, good); return err }(), &later) {
		t.Error("a text that was not taken must be offered again")
	}
	if len(c.Sent()) != 0 {
		t.Error("a refused text was sent")
	}
}

// TestTriesAgain: n failures, then success or giving up.
func TestTriesAgain(t *testing.T) {
	s := script(t, "+12025550120", "[start]\n0s one\n0s two\nend\n")
	for failures, want := range map[int]struct {
		tries int
		taken bool
		after time.Duration
	}{
		0: {1, true, 0}, 1: {2, true, time.Second}, 3: {4, true, 7 * time.Second},
		4: {4, false, 7 * time.Second}, 100: {4, false, 7 * time.Second},
	} {
		tries, sids := 0, map[string]bool{}
		var log bytes.Buffer
		r := &relay{refuse: func(m gateway.Inbound) error {
			if m.Body != "one" {
				return nil
			}
			tries++
			sids[m.SID] = true
			if tries <= failures {
				return errors.New("disk is full")
			}
			return nil
		}}
		config := Config{Scripts: []*Script{s}, Log: slog.New(slog.NewTextHandler(&log, nil))}
		during(t, config, r, func(t *testing.T, c *Carrier) {
			start := time.Now()
			<-c.Ended()
			if took := time.Since(start); took != want.after {
				t.Errorf("%d failures: tried for %v, want %v", failures, took, want.after)
			}
		})
		listed := r.carrier.Listed()
		if tries != want.tries || len(sids) != 1 || listed[0].Taken != want.taken || !listed[1].Taken {
			t.Errorf("%d failures: %d tries with %d SIDs, taken %v, want %+v", failures, tries, len(sids), listed[0].Taken, want)
		}
		if (log.Len() > 0) == want.taken {
			t.Errorf("%d failures: log has %q", failures, log.String())
		}
	}
}

// TestDeafReceiver: one that never answers has its 15 s, once.
func TestDeafReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Ours: short, Scripts: []*Script{script(t, "+12025550120", "[start]\n0s one\nend\n")}})
		ctx, cancel := context.WithCancel(t.Context())
		b, ended, start := newBlocking(), make(chan error), time.Now()
		go func() { ended <- c.Run(ctx, b) }()
		<-c.Ended()
		if took := time.Since(start); took != handover+time.Second || len(b.in) != 1 {
			t.Errorf("tried %d times for %v", len(b.in), took)
		}
		if l := c.Listed(); len(l) != 1 || l[0].Taken {
			t.Error("the text is not listed as one that was not taken")
		}
		cancel()
		<-ended
	})
}

// TestStatusTriesAgain: a status that is not taken is brought again; it does not keep the text from arriving.
func TestStatusTriesAgain(t *testing.T) {
	r := &stubborn{failures: 2}
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Ours: short, Scripts: []*Script{}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := c.Send(ctx, gateway.Outgoing{ID: "1", To: someone, From: short, Body: "hello"}); err != nil {
			t.Fatal(err)
		}
		if err := c.Run(ctx, r); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff([]string{"queued", "queued", "queued", "sent", "delivered"}, r.states); diff != "" {
		t.Error(diff)
	}
}

// stubborn fails the first statuses; nobody else uses it at the same time.
type stubborn struct {
	failures int
	states   []string
}

func (s *stubborn) Receive(context.Context, gateway.Inbound) error { return nil }

func (s *stubborn) Delivered(_ context.Context, status gateway.Status) error {
	s.states = append(s.states, status.State)
	if len(s.states) <= s.failures {
		return errors.New("busy")
	}
	return nil
}

func TestChanged(t *testing.T) {
	c := New(Config{Ours: short, Scripts: []*Script{}})
	second := c.Changed(1)
	send := func() {
		if _, err := c.Send(t.Context(), gateway.Outgoing{ID: "1", To: someone, From: short, Body: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	send()
	<-c.Changed(0)
	select {
	case <-second:
		t.Error("closed after one text")
	default:
	}
	send()
	<-second
	if len(c.watchers) != 0 {
		t.Error("a watcher was kept")
	}
}
