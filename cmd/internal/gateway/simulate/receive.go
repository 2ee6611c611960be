package simulate

import (
	"context"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// bring lists a text from a number of ours to texters and brings it to the Receiver, again if that fails. It returns
// once it was taken or given up.
func (c *Carrier) bring(ctx context.Context, from sms.Number, l line) {
	entry, h := c.list(from, l)
	err := c.hand(ctx, func(ctx context.Context) error { return c.recv.Receive(ctx, entry.Inbound) })
	if err != nil {
		c.lament(ctx, "text not taken", entry.SID, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	entry.Taken = true
	if c.config.Ours.Short() {
		c.heard(h, l.body) // only now can the relay know
	}
}

func (c *Carrier) list(from sms.Number, l line) (*Listed, *handset) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.handset(from)
	entry := &Listed{Inbound: gateway.Inbound{
		SID: c.chance("in", from, h.received).sid(), From: from, To: c.config.Ours,
		Body: l.body, Media: l.media, Params: params(l), At: time.Now(),
	}}
	h.received++
	c.listed = append(c.listed, entry)
	c.enter(newEntry(entry.Inbound))
	if !c.config.Ours.Short() {
		c.heard(h, l.body) // the carrier itself acts on it
	}
	return entry, h
}

// params are what else a carrier says about a text.
func params(l line) map[string][]string {
	media := "0"
	if len(l.media) > 0 {
		media = "1"
	}
	return map[string][]string{
		"ApiVersion": {"2010-04-01"}, "FromCountry": {"US"}, "ToCountry": {"US"}, "SmsStatus": {"received"}, "NumMedia": {media},
	}
}

// hand tries to hand something over until it is taken, the carrier's time for it is up, or its tries are.
func (c *Carrier) hand(ctx context.Context, take func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, handover)
	defer cancel()
	err := take(ctx)
	for _, wait := range retries {
		if err == nil || !pause(ctx, wait) {
			break
		}
		err = take(ctx)
	}
	return err
}

// lament logs that something was given up, unless that is because Run ends.
func (c *Carrier) lament(ctx context.Context, what, sid string, err error) {
	if ctx.Err() == nil {
		c.config.Log.Warn(what, "sid", sid, "err", err)
	}
}
