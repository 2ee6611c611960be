package client

import (
	"context"

	"befree.example/client/wire"
)

// Preview asks for the newest text of conversations that wait, whose words are kept in memory alone and so are gone
// after every start. They come as a change of what is shown; nothing comes of those that wait no more.
func (c *Client) Preview(ctx context.Context, conversations []string) error {
	lost, connected := c.connection()
	if !connected {
		return ErrOffline
	}
	select {
	case c.asks <- wire.Frame{Preview: &wire.Preview{Conversations: conversations}}:
		return nil
	case <-lost:
		return ErrOffline
	case <-ctx.Done():
		return ctx.Err()
	}
}
