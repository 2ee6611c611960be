package client

import (
	"context"
	"crypto/rand"
	"errors"

	"befree.example/client/wire"
	"befree.example/store/desk"
)

// A collecting is a picture or a file on its way here.
type collecting struct {
	data  []byte
	ready chan wire.Piece // the last piece; has room for it
}

// mostCollected bounds what a relay can make this machine hold.
const mostCollected = 6 << 20

// Attachment gets the n-th picture or file that came with a text, from 0, and its MIME type as the carrier says it. It
// needs the relay: the error is ErrOffline without one, a *desk.Refusal in plain words where it is not to be had.
func (c *Client) Attachment(ctx context.Context, conversation, message string, n int) (data []byte, kind string, err error) {
	id, on := rand.Text(), &collecting{ready: make(chan wire.Piece, 1)}
	lost, connected := c.connection()
	if !connected {
		return nil, "", ErrOffline
	}
	c.update(func() { c.collected[id] = on })
	defer c.update(func() { delete(c.collected, id) })
	select {
	case c.asks <- wire.Frame{Collect: &wire.Collect{ID: id, Conversation: conversation, Message: message, N: n}}:
	case <-lost:
		return nil, "", ErrOffline
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	select {
	case last := <-on.ready:
		if last.Trouble != "" {
			return nil, "", &desk.Refusal{Code: desk.CodeForbidden, Text: last.Trouble}
		}
		return on.data, last.Type, nil
	case <-lost:
		return nil, "", ErrOffline
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

var errTooMuch = errors.New("relay sends a file that is too large")

// piece takes a part of a file.
func (s *session) piece(p wire.Piece) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	on := s.collected[p.ID]
	if on == nil {
		return nil // nobody waits for it any more
	}
	if on.data = append(on.data, p.Data...); len(on.data) > mostCollected {
		return errTooMuch
	}
	if !p.More {
		delete(s.collected, p.ID)
		on.ready <- p
	}
	return nil
}
