package client

import (
	"encoding/json"
	"slices"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/plan"
)

// summarizeAfter is how many events there must be beyond the summaries before they are made anew.
const summarizeAfter = 2000

// besides is under what conversation the state's ledger is kept among the summaries. It comes first: so it has at least
// what any of them has.
const besides = "besides"

// recall makes the state of what the cache has: of closed conversations from their summaries, of all others from their
// events.
func (c *Client) recall() error {
	var open []*desk.Conversation
	var read []string
	ledger := false
	at, err := c.Cache.Summaries(func(s bolt.Summary) func() {
		var conv desk.Conversation
		var l desk.Ledger
		switch {
		case s.Conversation == besides && json.Unmarshal(s.Body, &l) == nil:
			return func() { c.state.Recall(l); ledger = true }
		case s.Conversation == besides:
			return func() {}
		case len(s.Body) > 0 && json.Unmarshal(s.Body, &conv) == nil && conv.ID == s.Conversation:
			return func() { c.state.Replace(&conv); c.short[conv.ID] = true }
		}
		return func() { read = append(read, s.Conversation) }
	})
	if err != nil {
		return err
	}
	if !ledger { // all is read, as without any
		at, read, c.state = 0, nil, desk.NewState(desk.Policy{})
		clear(c.short)
	}
	for _, id := range read {
		es, err := c.Cache.Conversation(id)
		if err != nil {
			return err
		}
		if conv := desk.Known(upTo(es, at)); conv != nil {
			open = append(open, conv)
		}
	}
	c.replaceAll(open)
	c.summarized = at
	c.state.Apply(store.Event{Seq: at})
	var failed error
	err = c.Cache.After(at, func(e store.Event) {
		if failed == nil {
			failed = c.follow1(c.state, e)
		}
	})
	if err == nil {
		err = failed
	}
	return err
}

// replaceAll puts conversations into the state, in the order in which they came to be held.
func (c *Client) replaceAll(all []*desk.Conversation) {
	slices.SortFunc(all, func(a, b *desk.Conversation) int { return int(int64(a.Claim) - int64(b.Claim)) })
	for _, conv := range all {
		c.state.Replace(conv)
	}
}

// follow1 applies an event to a state of c's, in which its conversation may be known in short, or have it already.
func (c *Client) follow1(s *desk.State, e store.Event) error {
	if err := c.lengthen(s, e.Conversation, e.Seq-1); err != nil {
		return err
	}
	if known := s.Conversation(e.Conversation); known != nil && e.Seq <= known.Last {
		s.Apply(store.Event{Seq: e.Seq})
		return nil
	}
	s.Apply(e)
	return nil
}

// lengthen puts a conversation that is known in short in its place as it was after an event, before it goes on.
func (c *Client) lengthen(s *desk.State, id string, last uint64) error {
	if !c.short[id] {
		return nil
	}
	es, err := c.Cache.Conversation(id)
	if err != nil {
		return err
	}
	if conv := desk.Known(upTo(es, last)); conv != nil {
		s.Replace(conv)
	}
	delete(c.short, id)
	return nil
}

// upTo are the events up to a Seq.
func upTo(es []store.Event, seq uint64) []store.Event {
	for len(es) > 0 && es[len(es)-1].Seq > seq {
		es = es[:len(es)-1]
	}
	return es
}

// before returns a fork of the state on which events can be applied: what they are about is not known in short alone.
func (c *Client) before(es []store.Event) (*desk.State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range es {
		if err := c.lengthen(c.state, e.Conversation, c.state.Last()); err != nil {
			return nil, err
		}
	}
	return c.state.Fork(), nil
}

// summarize keeps in short what is closed, for the next start, if there is so much that is not. It may take its time.
func (c *Client) summarize(after uint64) error {
	c.mu.Lock()
	at, before := c.state.Last(), c.summarized
	ledger, _ := json.Marshal(c.state.Ledger()) // our own types
	all := []bolt.Summary{{Conversation: besides, Body: ledger}}
	for conv := range c.state.Conversations() {
		if conv.Last > before || before == 0 || !c.short[conv.ID] && conv.Phase == desk.ClosedNow {
			all = append(all, summaryOf(conv))
		}
	}
	c.mu.Unlock()
	if at < before+after {
		return nil
	}
	if err := c.Cache.Summarize(at, all); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.summarized = at
	return nil
}

// summaryOf is all that lists and histories show of a closed conversation. Its words, what it is safe to text, and the
// answers of its plan are read when it goes on.
func summaryOf(conv *desk.Conversation) bolt.Summary {
	s := bolt.Summary{Conversation: conv.ID}
	if conv.Phase != desk.ClosedNow {
		return s
	}
	short := *conv
	short.Messages, short.Notes, short.Turns, short.Safety = nil, nil, nil, desk.Safety{}
	short.Referrals = nil
	for _, r := range conv.Referrals {
		short.Referrals = append(short.Referrals, r.Outline())
	}
	if p := conv.Plan(); p.Version > 0 {
		short.Plans = []plan.Plan{{Version: p.Version, By: p.By, At: p.At}}
	}
	s.Body, _ = json.Marshal(short) // our own types
	return s
}
