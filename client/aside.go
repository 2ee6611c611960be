package client

import (
	"errors"
	"slices"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
)

// ErrNoAside is a cache in which nothing is set aside, or not any more.
var ErrNoAside = errors.New("nothing is set aside here: that is done where a relay's log became another one, as after a backup was restored, and it can be read for 30 days at most")

// recallAside makes the state of what was set aside. What was forgotten since is not in it.
func (c *Client) recallAside() error {
	a, err := c.Cache.Aside()
	if err != nil {
		return err
	}
	c.aside = map[string][]store.Event{}
	if time.Now().Before(a.Until) {
		err = c.Cache.EachAside(func(e store.Event) { c.aside[e.Conversation] = append(c.aside[e.Conversation], e) })
	}
	if err != nil {
		return err
	}
	var all []*desk.Conversation
	for id, es := range c.aside {
		if !slices.ContainsFunc(es, func(e store.Event) bool { return len(e.Body) > 0 }) {
			delete(c.aside, id)
			continue
		}
		all = append(all, desk.Known(es))
	}
	if len(all) == 0 {
		return ErrNoAside
	}
	c.replaceAll(all)
	c.status = Status{Since: time.Now(), At: a.Of.Seq, Aside: a}
	return nil
}
