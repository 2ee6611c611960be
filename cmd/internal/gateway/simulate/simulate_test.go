package simulate

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

const (
	short = sms.Number("233733")
	long  = sms.Number("+12125550150")
)

// A relay is a Receiver that answers each text at once, in the order in which they come, and writes down what it gets.
type relay struct {
	carrier *Carrier
	answer  func(nth int, m gateway.Inbound) string // nth text of that number, from 0; "" says nothing
	refuse  func(m gateway.Inbound) error

	mu       sync.Mutex
	texts    []gateway.Inbound
	times    []time.Time
	statuses []gateway.Status
	count    map[sms.Number]int
	errs     []error
}

func (r *relay) Receive(_ context.Context, m gateway.Inbound) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if err := r.refuse(m); err != nil {
			return err
		}
	}
	if r.count == nil {
		r.count = map[sms.Number]int{}
	}
	r.texts, r.times = append(r.texts, m), append(r.times, time.Now())
	n := r.count[m.From]
	r.count[m.From]++
	if r.answer == nil {
		return nil
	}
	if body := r.answer(n, m); body != "" {
		r.send(m.From, fmt.Sprintf("%s-%d", m.From.Reveal(), n), body)
	}
	return nil
}

func (r *relay) send(to sms.Number, id, body string) {
	_, err := r.carrier.Send(context.Background(),
		gateway.Outgoing{ID: id, To: to, From: r.carrier.config.Ours, Body: sms.Text(body)})
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

func (r *relay) Delivered(_ context.Context, s gateway.Status) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses = append(r.statuses, s)
	return nil
}

// got returns how many texts it has.
func (r *relay) got() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.texts)
}

// of returns "SID words" of each text from a number, in order.
func (r *relay) of(n sms.Number) (all []string) {
	for _, m := range r.texts {
		if m.From == n {
			all = append(all, m.SID+" "+m.Body.Reveal())
		}
	}
	return all
}

func (r *relay) states(id string) (all []string) {
	for _, s := range r.statuses {
		if s.ID == id {
			all = append(all, fmt.Sprint(s.State, " ", s.Code))
		}
	}
	return all
}

// during runs a carrier in a bubble of its own time until do returns; then everything that it started must end.
func during(t *testing.T, config Config, r *relay, do func(t *testing.T, c *Carrier)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if config.Ours == "" {
			config.Ours = short
		}
		c := New(config)
		r.carrier = c
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx, r) }()
		do(t, c)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// out lets everybody talk until nobody has anything more to say, and what is on its way arrive.
func out(_ *testing.T, c *Carrier) {
	<-c.Ended()
	time.Sleep(time.Minute)
	synctest.Wait()
}

// script makes a script from its scenes.
func script(t *testing.T, number, scenes string) *Script {
	t.Helper()
	s, err := Parse("test.txt", strings.NewReader(
		"scenario: test\nlanguage: en\nseverity: standard\nnumber: "+number+"\n"+scenes))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
