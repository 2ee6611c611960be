package simulate

import (
	"context"
	"time"
	"unicode/utf16"

	"befree.example/cmd/internal/gateway"
)

// How long the carrier takes, at a person's pace.
const (
	toQueue   = 100 * time.Millisecond
	toSend    = 400 * time.Millisecond
	toDeliver = 1200 * time.Millisecond
)

const longestBody = 1600 // UTF-16 code units

// Send takes a text for the texter. It waits for nothing, and a text taken before Run is carried when that begins. Its
// status comes to the Receiver as queued, sent, and delivered or undelivered, perhaps before Send has returned. Texts to
// one number arrive in the order in which they were taken.
func (c *Carrier) Send(ctx context.Context, m gateway.Outgoing) (sid string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil || c.phase == after {
		return "", &gateway.Later{}
	}
	if err := c.malformed(m); err != nil {
		return "", err
	}
	h := c.handset(m.To)
	if err := c.admit(h); err != nil {
		return "", err
	}
	sid = c.dispatch(h, m)
	c.enter(&entry{Listed: gateway.Listed{SID: sid, From: m.From, To: m.To, Body: m.Body, Status: gateway.Status{SID: sid, State: "queued"}}})
	c.record(m)
	return sid, nil
}

func (c *Carrier) malformed(m gateway.Outgoing) error {
	switch body := m.Body.Reveal(); {
	case m.To == "" || m.To.Short():
		return &gateway.Refused{Code: 21211, Reason: "the texter's number is not one that can be texted"}
	case m.From != c.config.Ours:
		return &gateway.Refused{Code: 21606, Reason: "the number to send from is not ours at this carrier"}
	case body == "":
		return &gateway.Refused{Code: 21602, Reason: "the text is empty"}
	case len(utf16.Encode([]rune(body))) > longestBody:
		return &gateway.Refused{Code: 21617, Reason: "the text is longer than 1600 characters"}
	}
	return nil
}

// admit decides about one more text to h. The caller holds c.mu.
func (c *Carrier) admit(h *handset) error {
	switch {
	case !h.optedOut:
	case h.allowed > 0:
		h.allowed--
	case c.config.Ours.Short():
		c.violations++
	default:
		return &gateway.Refused{Code: 21610, Reason: "the texter has opted out with STOP"}
	}
	return nil
}

// dispatch sees to it that m is carried. The caller holds c.mu.
func (c *Carrier) dispatch(h *handset, m gateway.Outgoing) (sid string) {
	k := c.chance("out", m.To, h.offered)
	h.offered++
	t, done := trip{m, k, h.offered, h.lost[h.offered], h.last}, make(chan struct{})
	h.last = done
	c.start(func(ctx context.Context) {
		defer close(done)
		c.carry(ctx, h, t)
	})
	return k.sid()
}

func (c *Carrier) start(j job) {
	if c.launch == nil {
		c.waiting = append(c.waiting, j)
		return
	}
	c.launch(j)
}

// A trip is a text on its way to a handset.
type trip struct {
	gateway.Outgoing

	chance chance
	nth    int             // text offered to its number, from 1
	code   int             // the carrier's error code if it is not to arrive
	before <-chan struct{} // closed once the text before it has arrived
}

func (c *Carrier) carry(ctx context.Context, h *handset, t trip) {
	r := t.chance.stream()
	wait := func(d time.Duration) bool { return pause(ctx, at(c.config.Pace, vary(r, d))) }
	if !wait(toQueue) {
		return
	}
	c.report(ctx, t, "queued", 0)
	select {
	case <-t.before:
	case <-ctx.Done():
	}
	if !wait(toSend) {
		return
	}
	c.report(ctx, t, "sent", 0)
	if !wait(toDeliver) {
		return
	}
	if t.code != 0 {
		c.report(ctx, t, "undelivered", t.code)
		return
	}
	c.deliver(h, t.nth, t.Body)
	c.report(ctx, t, "delivered", 0)
}

func (c *Carrier) report(ctx context.Context, t trip, state string, code int) {
	s := gateway.Status{ID: t.ID, SID: t.chance.sid(), State: state, Code: code}
	c.note(s)
	err := c.hand(ctx, func(ctx context.Context) error { return c.recv.Delivered(ctx, s) })
	if err != nil {
		c.lament(ctx, "status not taken", s.SID, err)
	}
}
