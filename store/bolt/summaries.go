package bolt

import (
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"befree.example/store"
)

// Summaries are conversations in short, so that a start need not read and fold all that was ever said: each stands for
// all events of its conversation up to one place. They say nothing that the events do not, and can be lost.
var (
	summariesBucket = []byte("summaries") // covered name of a conversation -> record of its summary
	unreadBucket    = []byte("unread")    // covered name of a conversation that has none -> its ID
	summarizedKey   = []byte("summarized")
)

// kindSummary is what a summary is sealed as: its conversation's text, as is a kind that nobody knows.
const kindSummary store.Kind = "summary"

// A Summary is a conversation in short. Without a Body it says that its events are to be read.
type Summary struct {
	Conversation string
	Body         []byte // JSON
}

// Summarize keeps summaries that are new, beside those that there are, and then that all of them together stand for what
// happened up to the event at. What was filled or erased meanwhile is to be read.
func (c *Cache) Summarize(at uint64, summaries []Summary) error {
	c.keeping.Lock()
	c.changed = map[string]bool{}
	c.keeping.Unlock()
	for len(summaries) > 0 {
		n := min(len(summaries), pieceLimit)
		if err := c.summarizePiece(at, summaries[:n]); err != nil {
			return err
		}
		summaries = summaries[n:]
	}
	c.keeping.Lock()
	defer c.keeping.Unlock()
	c.changed = nil
	return c.update(func(tx *bbolt.Tx) error { return c.setFact(tx, summarizedKey, binary.BigEndian.AppendUint64(nil, at)) })
}

func (c *Cache) summarizePiece(at uint64, piece []Summary) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	var es []store.Event
	var unread []string
	newer, err := c.beyond(at, piece)
	if err != nil {
		return err
	}
	for _, s := range piece {
		if len(s.Body) == 0 || c.changed[s.Conversation] || newer[s.Conversation] {
			unread = append(unread, s.Conversation)
			continue
		}
		es = append(es, store.Event{ID: string(kindSummary), Conversation: s.Conversation, Kind: kindSummary, Body: s.Body})
	}
	records, err := c.sealed(es)
	if err != nil {
		return err
	}
	return c.update(func(tx *bbolt.Tx) error {
		for i, e := range es {
			key := c.summaryKey(e.Conversation)
			if err := errors.Join(c.put(summariesBucket, tx, key, records[i]), tx.Bucket(unreadBucket).Delete(key)); err != nil {
				return err
			}
		}
		for _, id := range unread {
			if err := c.unread(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// beyond tells of which conversations something came after an event: it may be that they are forgotten.
func (c *Cache) beyond(at uint64, piece []Summary) (newer map[string]bool, err error) {
	newer = map[string]bool{}
	return newer, c.view(func(tx *bbolt.Tx) error {
		for _, s := range piece {
			tail, err := c.tail(tx, s.Conversation)
			if err != nil {
				return err
			}
			newer[s.Conversation] = tail > at
		}
		return nil
	})
}

func (c *Cache) summaryKey(conversation string) []byte {
	return c.cover.Name(summariesBucket, []byte(conversation))
}

// unread takes a conversation's summary away, and has its events read at the next start.
func (c *Cache) unread(tx *bbolt.Tx, conversation string) error {
	key := c.summaryKey(conversation)
	return errors.Join(tx.Bucket(summariesBucket).Delete(key), c.put(unreadBucket, tx, key, []byte(conversation)))
}

// unsummarize has a conversation's events read at the next start. The caller holds keeping.
func (c *Cache) unsummarize(tx *bbolt.Tx, conversation string) error {
	if c.changed != nil {
		c.changed[conversation] = true
	}
	if tx.Bucket(metaBucket).Get(summarizedKey) == nil && c.changed == nil {
		return nil
	}
	return c.unread(tx, conversation)
}

// Summaries returns the place up to which the summaries stand for everything, 0 for none, and calls read with each. Many
// are read at once; what read returns is called for one after another.
func (c *Cache) Summaries(read func(Summary) (then func())) (at uint64, err error) {
	var unread []string
	err = c.view(func(tx *bbolt.Tx) error {
		raw, err := c.fact(tx, summarizedKey)
		if err != nil || len(raw) != 8 {
			return err
		}
		at = binary.BigEndian.Uint64(raw)
		return tx.Bucket(unreadBucket).ForEach(func(key, covered []byte) error {
			id, err := c.uncover(unreadBucket, key, covered)
			unread = append(unread, string(id))
			return err
		})
	})
	if err != nil || at == 0 {
		return 0, err
	}
	for _, id := range unread {
		read(Summary{Conversation: id})()
	}
	return at, readEach(c, summariesBucket, nil, func(e store.Event) func() { return read(Summary{e.Conversation, e.Body}) }, func(then func()) { then() })
}

// After calls f with every event after a place that the cache has, oldest first.
func (c *Cache) After(seq uint64, f func(store.Event)) error {
	return c.each(eventsBucket, seqKey(seq), f)
}
