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

// recallAside makes the state of what was set aside. What was forgotten since is not in it. Of a conversation of several
// logs it is the first one's events and what each later one has beyond them, whose Seqs are made to go up.
func (c *Client) recallAside() error {
	a, err := c.Cache.Aside()
	if err != nil {
		return err
	}
	c.aside = map[string][]store.Event{}
	type name struct{ conversation, id string }
	at := map[name]int{} // where, in its conversation, an event stands that several copies may have
	err = c.Cache.EachAside(time.Now(), func(e store.Event) {
		es := c.aside[e.Conversation]
		i, twice := at[name{e.Conversation, e.ID}]
		switch {
		case !twice:
			if len(es) > 0 {
				e.Seq = max(e.Seq, es[len(es)-1].Seq+1)
			}
			at[name{e.Conversation, e.ID}], c.aside[e.Conversation] = len(es), append(es, e)
		case len(es[i].Body) == 0:
			e.Seq = es[i].Seq
			es[i] = e
		}
	})
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
