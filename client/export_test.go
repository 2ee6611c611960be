package client

import (
	"encoding/json"
	"time"

	"befree.example/store/bolt"
)

// Know has a cache take a relay of that name for its own.
func Know(c *bolt.Cache, relay string) error {
	raw, err := json.Marshal(device{Relay: relay})
	if err != nil {
		return err
	}
	return c.SetDevice(raw)
}

// SetWall has a client that does not run yet take that for the machine's clock.
func (c *Client) SetWall(wall func() time.Time) { c.wall = wall }
