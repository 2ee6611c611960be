package simulate

import (
	"befree.example/store/sms"
)

// A handset is what the carrier knows of one telephone. The carrier's lock guards it.
type handset struct {
	received int           // texts that it sent us: place of the next in the row of SIDs
	offered  int           // texts that the carrier took for it
	ignored  int           // how many of those, from the first, its texter will not answer any more
	last     chan struct{} // closed once the newest of those has reached it, or never will

	optedOut bool
	allowed  int // texts that it may still get while opted out

	lost map[int]int   // carrier's error code for the n-th text offered, from 1, if that is to fail
	read []sms.Text    // replies that its texter has not looked at yet
	ring chan struct{} // has one element if there may be some
}

// handset returns the telephone with this number. The caller holds c.mu.
func (c *Carrier) handset(n sms.Number) *handset {
	h := c.handsets[n]
	if h == nil {
		h = &handset{last: make(chan struct{}), ring: make(chan struct{}, 1)}
		close(h.last)
		c.handsets[n] = h
	}
	return h
}

// deliver puts the n-th text offered, from 1, before the texter.
func (c *Carrier) deliver(h *handset, n int, body sms.Text) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n <= h.ignored {
		return
	}
	h.read = append(h.read, body)
	select {
	case h.ring <- struct{}{}:
	default:
	}
}

// next takes the oldest reply that the texter has not looked at.
func (c *Carrier) next(h *handset) (body sms.Text, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(h.read) == 0 {
		return "", false
	}
	body, h.read = h.read[0], h.read[1:]
	return body, true
}

// forget lets the texter ignore the texts offered so far that it has not looked at, even those still on their way.
func (c *Carrier) forget(h *handset) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.read, h.ignored = nil, h.offered
}

// heard changes what may be sent to h after it texted body: an exact opt-out word stops us, save for one confirmation.
// The caller holds c.mu.
func (c *Carrier) heard(h *handset, body sms.Text) {
	switch text := body.Reveal(); {
	case !h.optedOut && sms.Class(text) == sms.OptOut:
		h.optedOut, h.allowed = true, 1
	case h.optedOut && sms.MayRestore(text):
		h.optedOut = false
	case h.optedOut && sms.Class(text) == sms.Help && c.config.Ours.Short():
		h.allowed++
	}
}
