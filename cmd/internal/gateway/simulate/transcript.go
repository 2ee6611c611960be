package simulate

import (
	"slices"

	"befree.example/cmd/internal/gateway"
)

// Listed is a text from a texter in the carrier's list of messages.
type Listed struct {
	gateway.Inbound

	// Taken says that the Receiver has it. One that it does not take within 15 s stays in the list and is not brought
	// again.
	Taken bool
}

type watcher struct {
	above int
	done  chan struct{}
}

// Sent returns the texts that the carrier took from the relay, oldest first.
func (c *Carrier) Sent() []gateway.Outgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

// Changed is closed once [Carrier.Sent] has more than n texts.
func (c *Carrier) Changed(n int) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := make(chan struct{})
	c.watchers = append(c.watchers, watcher{n, done})
	c.notify()
	return done
}

// Listed returns what texters wrote, oldest first.
func (c *Carrier) Listed() []Listed {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Listed, len(c.listed))
	for i, l := range c.listed {
		all[i] = *l
	}
	return all
}

// Violations counts the texts from a short code to somebody who had opted out there, beyond what may be sent: one
// confirmation of the opt-out, and one reply to each HELP since. On a short code the carrier stops none of them.
func (c *Carrier) Violations() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.violations
}

// record adds m to the texts sent. The caller holds c.mu.
func (c *Carrier) record(m gateway.Outgoing) {
	c.sent = append(c.sent, m)
	c.notify()
}

// notify closes what waits for no more texts than there are. The caller holds c.mu.
func (c *Carrier) notify() {
	c.watchers = slices.DeleteFunc(c.watchers, func(w watcher) bool {
		if len(c.sent) > w.above {
			close(w.done)
			return true
		}
		return false
	})
}
