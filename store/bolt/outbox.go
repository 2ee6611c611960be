package bolt

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
)

// An Entry is a command of this console's that the relay has not yet been seen to carry out.
type Entry struct {
	ID           string     `json:"-"`
	Conversation string     `json:"-"`
	Kind         store.Kind `json:"-"`
	At           time.Time  `json:"-"`                 // when the key was pressed, by this machine's clock: for information
	Command      []byte     `json:"command"`           // JSON
	Refused      string     `json:"refused,omitempty"` // why it was not carried out and never will be: it waits for a person
	Drafted      bool       `json:"-"`                 // it was the conversation's draft of a reply until At
	What         string     `json:"what,omitempty"`    // of a draft: what it will be; empty for a reply
}

// Queue puts a command into the outbox, on disk on return, under the next ID of this device. A draft that it was leaves
// the drafts in the same transaction: no crash makes a draft of what may have gone out. Of a class that is forgotten
// nothing is queued, refused or drafted before the texter writes again: that gives [ErrForgotten].
func (c *Cache) Queue(e Entry) (id string, err error) {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	var n uint64
	err = c.update(func(tx *bbolt.Tx) error {
		raw, err := c.fact(tx, counterKey)
		if err != nil {
			return err
		}
		if len(raw) == 8 {
			n = binary.BigEndian.Uint64(raw)
		}
		n++
		return c.setFact(tx, counterKey, binary.BigEndian.AppendUint64(nil, n))
	})
	if err != nil {
		return "", err
	}
	e.ID = store.DeviceID(c.birth, n)
	return e.ID, c.putEntry(outboxBucket, []byte(e.ID), e, func(tx *bbolt.Tx) error {
		if !e.Drafted {
			return nil
		}
		c.queued[e.Conversation] = e.At
		return c.dropDraft(tx, e.Conversation, e.At)
	})
}

// dropDraft drops what was drafted before a moment. What an earlier process kept was, whatever the clock said then.
func (c *Cache) dropDraft(tx *bbolt.Tx, conversation string, before time.Time) error {
	key := c.draftName(conversation, "")
	if c.drafted[string(key)].After(before) {
		return nil
	}
	return tx.Bucket(draftsBucket).Delete(key)
}

// putEntry seals an entry as if it were an event, so that it is under the key of what it would become. The caller holds
// keeping: who seals makes keys, in a transaction of their own, and may not stand in the way of one that is open.
func (c *Cache) putEntry(bucket, key []byte, e Entry, also ...func(*bbolt.Tx) error) error {
	if err := c.mayWrite(e.Conversation, c.classOf(e.Kind)); err != nil {
		return err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	records, err := c.sealed([]store.Event{{ID: e.ID, Conversation: e.Conversation, Kind: e.Kind, At: e.At, Body: body}})
	if err != nil {
		return err
	}
	return c.update(func(tx *bbolt.Tx) error {
		for _, do := range also {
			if err := do(tx); err != nil {
				return err
			}
		}
		return c.put(bucket, tx, key, records[0])
	})
}

// Outbox returns what waits, in the order in which it was queued.
func (c *Cache) Outbox() ([]Entry, error) { return c.entries(outboxBucket) }

// Drafts returns the drafts by conversation; Command is the text, as a JSON string.
func (c *Cache) Drafts() ([]Entry, error) {
	es, err := c.entries(draftsBucket)
	slices.SortFunc(es, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Conversation, b.Conversation), strings.Compare(a.What, b.What))
	})
	return es, err
}

// Written names the conversations in which something waits or is being written, or of which something is set aside, in
// order: what the relay has forgotten of them must be heard of though they are not in the copy.
func (c *Cache) Written() (ids []string, err error) {
	a, err := c.Aside()
	if err != nil {
		return nil, err
	}
	ids, err = c.writing()
	ids = append(ids, a.names()...)
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// writing names those in which something waits or is being written, in order.
func (c *Cache) writing() (ids []string, err error) {
	for _, bucket := range [][]byte{outboxBucket, draftsBucket} {
		es, err := c.entries(bucket)
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			if e.Conversation != "" {
				ids = append(ids, e.Conversation)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

func (c *Cache) entries(bucket []byte) (es []Entry, err error) {
	err = c.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(key, value []byte) error {
			e, err := c.event(bucket, key, value)
			if err != nil {
				return err
			}
			entry := Entry{ID: e.ID, Conversation: e.Conversation, Kind: e.Kind, At: e.At}
			if err := json.Unmarshal(e.Body, &entry); err != nil && !e.Withheld {
				return damaged(c.path, "what waits to be sent cannot be read")
			}
			es = append(es, entry)
			return nil
		})
	})
	return es, err
}

// Refuse keeps a command in the outbox as one that will not be carried out, and why.
func (c *Cache) Refuse(e Entry, why string) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	e.Refused = why
	return c.putEntry(outboxBucket, []byte(e.ID), e)
}

// Settle takes a command out of the outbox.
func (c *Cache) Settle(id string) error {
	return c.update(func(tx *bbolt.Tx) error { return tx.Bucket(outboxBucket).Delete([]byte(id)) })
}

// kindDraft is what a draft is sealed as.
const kindDraft store.Kind = "draft"

// Draft keeps what is being written in a conversation: a reply, or with what not empty something else, of which there
// is one of each sort. An empty text drops it. at is when it stood there: what is not newer than the reply that was queued
// last, or older than what was kept since, was on its way for too long and changes nothing.
func (c *Cache) Draft(conversation, what, text string, at time.Time) error {
	if conversation == "" {
		return errors.New("a draft belongs to a conversation")
	}
	c.keeping.Lock()
	defer c.keeping.Unlock()
	key := c.draftName(conversation, what)
	newest := func(*bbolt.Tx) error {
		sent, queued := c.queued[conversation]
		if what == "" && queued && !at.After(sent) || at.Before(c.drafted[string(key)]) {
			return errOvertaken
		}
		c.drafted[string(key)] = at
		return nil
	}
	if text == "" {
		return notOvertaken(c.update(func(tx *bbolt.Tx) error {
			if err := newest(tx); err != nil {
				return err
			}
			return tx.Bucket(draftsBucket).Delete(key)
		}))
	}
	raw, err := json.Marshal(text)
	if err != nil {
		return err
	}
	return notOvertaken(c.putEntry(draftsBucket, key,
		Entry{ID: string(kindDraft), Conversation: conversation, Kind: kindDraft, At: at, Command: raw, What: what}, newest))
}

// errOvertaken ends the transaction of a draft that something newer has overtaken.
var errOvertaken = errors.New("overtaken")

func notOvertaken(err error) error {
	if errors.Is(err, errOvertaken) {
		return nil
	}
	return err
}

func (c *Cache) draftName(conversation, what string) []byte {
	return c.cover.Name(draftsBucket, []byte(conversation+"\x00"+what))
}
