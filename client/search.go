package client

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/search"
	"befree.example/store/sms"
)

// MostFound is how many events one search finds at most: the newest.
const MostFound = 200

// ErrNothingToSearch is a search without a word, or with more than can be looked for.
var ErrNothingToSearch = errors.New("write one word or more to look for, at most 200 characters")

// A Found is a text, a note, an answer of a plan or another thing that somebody wrote, in which all words that were
// looked for begin a word.
type Found struct {
	Conversation string
	Kind         store.Kind // what it is
	ID           string     // of its event; of a text it is the message's
	At           time.Time
	Line         sms.Text // with the first word that was found
}

// Search looks for words in all that this console has unsealed: on its disk, in memory, and what waits to go out; the
// newest first. That somebody searched, and for what, is on this disk before anything is found, and goes to the relay
// however long that takes.
func (c *Client) Search(_ context.Context, words string) ([]Found, error) {
	if c.Aside {
		return nil, errAside
	}
	q := search.Parse(words)
	if words = strings.TrimSpace(words); q.Empty() || len([]rune(words)) > desk.MaxWords {
		return nil, ErrNothingToSearch
	}
	raw, err := json.Marshal(desk.Search{Words: sms.Text(words)})
	if err != nil {
		return nil, err
	}
	if _, _, err := c.queue(desk.Command{Kind: desk.Searched, Body: raw}, nil); err != nil {
		return nil, err
	}
	es, err := c.Cache.Search(q, MostFound)
	if err != nil {
		return nil, err
	}
	outbox, err := c.Cache.Outbox()
	if err != nil {
		return nil, err
	}
	es = append(es, c.unkept(q, es, outbox)...)
	found := make([]Found, len(es))
	for i, e := range es {
		found[i] = Found{e.Conversation, e.Kind, e.ID, e.At, sms.Text(q.Line(desk.Words(e)...))}
	}
	slices.SortStableFunc(found, func(a, b Found) int { return b.At.Compare(a.At) })
	return found[:min(len(found), MostFound)], nil
}

// unkept returns what has q and is not among the events of the cache: what waits to go out, and what is for now alone.
func (c *Client) unkept(q search.Query, known []store.Event, outbox []bolt.Entry) (es []store.Event) {
	has := func(e store.Event) bool { return q.In(search.ListOf(desk.Words(e)...)) }
	for _, entry := range outbox {
		if e := c.foreseen(entry, 0); entry.Refused == "" && Durable(e.Kind) && has(e) {
			es = append(es, e)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, loose := range c.loose {
		conversation := c.state.Conversation(id)
		if conversation == nil || !conversation.MayRead(c.Identity.Name, c.status.Role) {
			continue
		}
		for _, e := range loose {
			if has(e) && !slices.ContainsFunc(known, func(k store.Event) bool { return k.Seq == e.Seq }) {
				es = append(es, e)
			}
		}
	}
	return es
}

// Prepare has the words at hand before somebody searches; see [bolt.Cache.Prepare].
func (c *Client) Prepare() error {
	_, err := c.Cache.Prepare()
	return err
}

// Rest forgets what was made ready to be searched, as is done when the screen is locked.
func (c *Client) Rest() { c.Cache.Unprepare() }
