package client

import (
	"errors"
	"time"
)

// ErrExpired is a cache whose owner was not at the relay for longer than that allows.
var ErrExpired = errors.New("this console was not at the relay for so long that it shows nothing of what it keeps; nothing is lost: start befree console where the relay can be reached")

// Expired gives ErrExpired where what is kept may not be shown before the relay was reached again.
func (c *Client) Expired() error {
	until, err := c.Cache.Trusted()
	if err == nil && !until.IsZero() && time.Now().After(until) {
		err = ErrExpired
	}
	return err
}

// trust keeps for how long what is kept may be shown from now on, to within a sixtieth of that.
func (c *Client) trust(offline time.Duration) error {
	if offline <= 0 {
		return nil
	}
	until := time.Now().Add(offline)
	if was, err := c.Cache.Trusted(); err != nil || until.Sub(was).Abs() < offline/60 {
		return err
	}
	return c.Cache.TrustUntil(until)
}
