package client

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"time"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// ErrOffline is a command that only the relay can decide, given without a connection to it. Nothing was done.
var ErrOffline = errors.New("the relay cannot be reached; look again once it can, and do it then")

// ErrNotKnown is a command that was handed to the relay before the connection was lost: whether it was carried out will
// be seen. It is not handed over again.
var ErrNotKnown = errors.New("the connection was lost before the relay answered; whether it was done will be seen")

// staleAfter is how long after the key press a command that is not kept for ever may still be handed to the relay.
const staleAfter = time.Minute

// An Outcome is what became of a command.
type Outcome struct {
	Seq  uint64 // of its event, 0 while it is only kept here
	Kept bool   // on this machine's disk; it goes to the relay as soon as that can be reached
}

// Durable tells whether a command is handed to the relay however long that takes. What a texter would get, or what
// others decide meanwhile, is not: a reply comes back as a draft, a claim is simply not made.
func Durable(k store.Kind) bool {
	return k == desk.NoteAdded || k == desk.PlanSaved || k == desk.SafetySaved || k == desk.ReferralSaved || k == desk.Searched || k == desk.Erased
}

// needsPassphrase is said where a dangerous command comes without its owner having shown again who they are.
var needsPassphrase = &desk.Refusal{Code: desk.CodeProof, Text: "That is done only once you have given your passphrase again. Nothing was done."}

// errAside answers whoever would write in what was set aside, or search it, which is an event.
var errAside = &desk.Refusal{Code: desk.CodeForbidden, Text: "What was set aside is for reading alone. Nothing was done."}

// Surely is Do for a dangerous kind: the passphrase shows that the device's owner is there. A wrong one gives
// seal.ErrPassphrase and nothing is done; it takes longer each time.
func (c *Client) Surely(ctx context.Context, command desk.Command, passphrase []byte) (Outcome, error) {
	key, err := c.Cache.Certain(passphrase)
	if err != nil {
		return Outcome{}, err
	}
	return c.do(ctx, command, key)
}

// Do asks the relay for an event. A note, a plan, a safety record or a referral is on this machine's disk when Do returns, with
// or without a connection; everything else needs one. A *desk.Refusal says that nothing was done and why; a refused
// reply stays in [Client.Outbox] as a draft. ErrNotKnown and an error of ctx do not say whether it was
// done.
func (c *Client) Do(ctx context.Context, command desk.Command) (Outcome, error) {
	if desk.Dangerous(command.Kind) {
		return Outcome{}, needsPassphrase
	}
	return c.do(ctx, command, nil)
}

func (c *Client) do(ctx context.Context, command desk.Command, certain ed25519.PrivateKey) (Outcome, error) {
	if c.Aside {
		return Outcome{}, errAside
	}
	lost, connected := c.connection()
	if !connected && !Durable(command.Kind) && command.Kind != desk.ReplyQueued {
		return Outcome{}, ErrOffline
	}
	id, answer, err := c.queue(command, certain)
	if err != nil {
		return Outcome{}, err
	}
	if !connected {
		return Outcome{Kept: true}, nil
	}
	select {
	case a := <-answer:
		return a.Outcome, a.err
	case <-lost:
		c.update(func() { delete(c.certain, id) })
		if Durable(command.Kind) || command.Kind == desk.ReplyQueued {
			return Outcome{Kept: true}, nil
		}
		why := ErrOffline
		if c.giveUp(id) {
			why = ErrNotKnown
		}
		return Outcome{}, errors.Join(why, c.Cache.Settle(id)) // it must not be done later, unasked
	case <-ctx.Done():
		return Outcome{Kept: true}, ctx.Err()
	}
}

// giveUp has a command never be handed over any more, and tells whether it was already.
func (c *Client) giveUp(id string) (handed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	handed = c.handed[id]
	c.done(id)
	return handed
}

// done drops what is known of a command that has its end. The caller holds mu.
func (c *Client) done(id string) {
	delete(c.pressed, id)
	delete(c.waiting, id)
	delete(c.certain, id)
	delete(c.handed, id)
}

type answered struct {
	Outcome
	err error
}

// queue puts a command into the outbox and wakes the connection.
func (c *Client) queue(command desk.Command, certain ed25519.PrivateKey) (id string, _ <-chan answered, err error) {
	raw, err := json.Marshal(command)
	if err != nil {
		return "", nil, err
	}
	pressed := time.Now()
	c.queuing.Lock()
	defer c.queuing.Unlock()
	id, err = c.Cache.Queue(bolt.Entry{
		Conversation: command.Conversation, Kind: command.Kind, At: c.wall().UTC(), Command: raw,
		Drafted: command.Kind == desk.ReplyQueued,
	})
	if err != nil {
		return "", nil, told(err)
	}
	answer := make(chan answered, 1)
	c.update(func() {
		c.pressed[id], c.waiting[id] = pressed, answer
		if certain != nil {
			c.certain[id] = certain
		}
	})
	select {
	case c.wake <- struct{}{}:
	default: // it looks at the whole outbox anyway
	}
	return id, answer, nil
}

// connection returns what is closed when the connection of now ends, and whether there is one.
func (c *Client) connection() (lost <-chan struct{}, connected bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.down, c.status.Connected
}

// settle takes a command out of the outbox and answers whoever waits for it.
func (c *Client) settle(id string, seq uint64) error {
	if err := c.Cache.Settle(id); err != nil {
		return err
	}
	c.answer(id, answered{Outcome: Outcome{Seq: seq}})
	return nil
}

// turnDown ends a command that will not be carried out. What somebody wrote stays where they can see it.
func (c *Client) turnDown(e bolt.Entry, refusal *desk.Refusal) error {
	var err error
	switch {
	case e.Kind == desk.Searched:
		c.Logger.Warn("the relay did not take the record of a search", "code", refusal.Code)
		err = c.Cache.Settle(e.ID)
	case (Durable(e.Kind) || e.Kind == desk.ReplyQueued) && refusal.Code != desk.CodeForgotten && e.Kind != desk.Erased:
		if err = c.Cache.Refuse(e, refusal.Text); errors.Is(err, bolt.ErrForgotten) {
			err = c.Cache.Settle(e.ID)
		}
	default:
		err = c.Cache.Settle(e.ID)
	}
	if err != nil {
		return err
	}
	c.answer(e.ID, answered{err: refusal})
	return nil
}

func (c *Client) answer(id string, a answered) {
	c.update(func() {
		if waiting, ok := c.waiting[id]; ok {
			waiting <- a // has room for the one answer
		}
		c.done(id)
	})
}

// Discard drops a refused command that its author has dealt with.
func (c *Client) Discard(id string) error {
	if err := c.Cache.Settle(id); err != nil {
		return err
	}
	c.update(func() {})
	return nil
}

// Open asks to read a conversation that is not one's own. That is an event, with its reason.
func (c *Client) Open(ctx context.Context, conversation, reason string) error {
	raw, err := json.Marshal(desk.Because{Reason: reason})
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, desk.Command{Kind: desk.Viewed, Conversation: conversation, Body: raw})
	return err
}
