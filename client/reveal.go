package client

import (
	"context"
	"encoding/json"

	"befree.example/client/wire"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// Reveal asks for a texter's whole number. That is an event, with its reason; the number is kept nowhere. See Surely for
// the passphrase.
func (c *Client) Reveal(ctx context.Context, conversation, reason string, passphrase []byte) (sms.Number, error) {
	raw, err := json.Marshal(desk.Because{Reason: reason})
	if err != nil {
		return "", err
	}
	shown := make(chan sms.Number, 1)
	c.update(func() { c.numbers[conversation] = shown })
	defer c.update(func() { delete(c.numbers, conversation) })
	lost, _ := c.connection()
	if _, err := c.Surely(ctx, desk.Command{Kind: desk.NumberRevealed, Conversation: conversation, Body: raw}, passphrase); err != nil {
		return "", err
	}
	select {
	case n := <-shown:
		return n, nil
	case <-lost:
		return "", ErrOffline
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (s *session) number(n wire.Number) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if shown := s.numbers[n.Conversation]; shown != nil {
		delete(s.numbers, n.Conversation)
		shown <- n.Number // has room for it
	}
}

// Export returns a closed conversation with all its words, as somebody else has agreed to; agreed is the Seq of the event
// in which they did. That is an event. See Surely for the passphrase.
func (c *Client) Export(ctx context.Context, conversation string, agreed uint64, passphrase []byte) (*desk.Conversation, error) {
	came := make(chan struct{})
	c.update(func() { c.wholes[conversation] = came })
	defer c.update(func() { delete(c.wholes, conversation) })
	lost, _ := c.connection()
	if _, err := c.Surely(ctx, desk.Command{Kind: desk.Exported, Conversation: conversation, Claim: agreed}, passphrase); err != nil {
		return nil, err
	}
	select {
	case <-came:
		return c.Whole(conversation)
	case <-lost:
		return nil, ErrOffline
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// arrived tells whoever waits that a conversation has come whole.
func (s *session) arrived(conversation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if came := s.wholes[conversation]; came != nil {
		delete(s.wholes, conversation)
		close(came)
	}
}
