package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"

	"befree.example/store"
)

// erasing is what a cache is forgetting: put on disk with the events that say so, so that a crash on the way does not
// leave a word that can be read.
type erasing struct {
	Due  []erasure `json:"due,omitempty"`
	Gone []string  `json:"gone,omitempty"` // conversations of a copy that was dropped, of which nothing is needed
	Upto uint64    `json:"upto,omitempty"` // Seq of the newest event whose erasure has been made and not confirmed
	Anew bool      `json:"anew,omitempty"` // the copy was dropped, and where the next one begins is not known yet

	Known []string `json:"known,omitempty"` // IDs of what had been forgotten in a copy that was dropped where something is written
}

// An erasure is what one event forgets.
type erasure struct {
	Conversation string        `json:"conv"`
	Classes      []store.Class `json:"classes"`
	Seq          uint64        `json:"seq"` // of the event, 0 where it is not to be confirmed by itself
}

func (c *Cache) readErasing(tx *bbolt.Tx) (e erasing, err error) {
	raw, err := c.fact(tx, erasingKey)
	if err != nil {
		return e, err
	}
	return e, readJSON(raw, &e)
}

func (c *Cache) writeErasing(tx *bbolt.Tx, e erasing) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return c.setFact(tx, erasingKey, raw)
}

func (c *Cache) beginErasing(tx *bbolt.Tx, e store.Event, classes []store.Class) error {
	all, err := c.readErasing(tx)
	if err != nil {
		return err
	}
	all.Due = append(all.Due, erasure{e.Conversation, classes, e.Seq})
	return c.writeErasing(tx, all)
}

// eraseFilled forgets, of a conversation that is filled, what was written here before it was forgotten, if that is not known
// yet. What was written since the texter wrote again stays, where the forgetting was known to the copy that it was written
// in. It is no word for what else was forgotten up to then. The caller holds keeping.
func (c *Cache) eraseFilled(es []store.Event) error {
	if !slices.ContainsFunc(es, func(e store.Event) bool { return len(c.forgets(e.Kind)) > 0 }) {
		return nil
	}
	anew := c.Position().Seq == 0
	err := c.update(func(tx *bbolt.Tx) error {
		all, err := c.readErasing(tx)
		if err != nil {
			return err
		}
		ended, due := true, map[store.Class]bool{}
		for _, e := range slices.Backward(es) {
			ended = ended && e.Actor != store.Texter
			unknown := anew && !slices.Contains(all.Known, e.ID)
			if (ended || unknown) && tx.Bucket(eventsBucket).Get(seqKey(e.Seq)) == nil {
				for _, class := range c.forgets(e.Kind) {
					due[class] = true
				}
			}
		}
		if len(due) == 0 {
			return nil
		}
		return c.beginErasing(tx, store.Event{Conversation: es[0].Conversation}, slices.Sorted(maps.Keys(due)))
	})
	return errors.Join(err, c.erase())
}

// leftOut names the conversations that were copied or set aside, save those that are set aside from now on or in which
// something is written: of these it returns by which events they had been forgotten. The caller holds keeping.
func (c *Cache) leftOut(a Aside) (left, known []string, err error) {
	writing, err := c.writing()
	if err != nil {
		return nil, nil, err
	}
	stays, gone := map[string]bool{}, map[string]bool{}
	for _, id := range append(writing, a.names()...) {
		stays[id] = true
	}
	for _, bucket := range [][]byte{eventsBucket, asideBucket} {
		err = errors.Join(err, c.view(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucket).ForEach(func(key, covered []byte) error {
				record, err := c.uncover(bucket, key, covered)
				if err != nil {
					return err
				}
				e, err := decode(record, binary.BigEndian.Uint64(key[len(key)-8:]))
				gone[e.Conversation] = true
				if len(c.forgets(e.Kind)) > 0 && stays[e.Conversation] {
					e, err = c.event(bucket, key, covered) // its ID was sealed too
					known = append(known, e.ID)
				}
				return err
			})
		}))
	}
	maps.DeleteFunc(gone, func(id string, _ bool) bool { return id == "" || stays[id] })
	return slices.Sorted(maps.Keys(gone)), known, err
}

// renewErasing drops what was to be confirmed of a log that is no more, and has of what was copied of it the gone go.
func (c *Cache) renewErasing(tx *bbolt.Tx, copied bool, gone, known []string) error {
	all, err := c.readErasing(tx)
	if err != nil {
		return err
	}
	known = append(known, all.Known...)
	slices.Sort(known)
	all.Gone, all.Upto, all.Anew, all.Known = gone, 0, all.Anew || copied, slices.Compact(known)
	return c.writeErasing(tx, all)
}

// followErasing has all be confirmed that was forgotten before a copy that is begun anew.
func (c *Cache) followErasing(tx *bbolt.Tx, seq uint64) error {
	all, err := c.readErasing(tx)
	if err != nil || !all.Anew {
		return err
	}
	all.Upto, all.Anew, all.Known = seq, false, nil
	return c.writeErasing(tx, all)
}

var allClasses = []store.Class{store.Numbers, store.Text, store.Notes, store.Plans, store.Facts}

// mayWrite gives [ErrForgotten] for a class of a conversation that has been forgotten, unless the texter has written
// since: what is written there would get a key again. The caller holds keeping until it has written.
func (c *Cache) mayWrite(conversation string, class store.Class) error {
	return c.view(func(tx *bbolt.Tx) error {
		seq, err := c.tail(tx, conversation)
		for err == nil {
			covered := tx.Bucket(eventsBucket).Get(seqKey(seq))
			if covered == nil {
				return nil
			}
			var record []byte
			if record, err = c.uncover(eventsBucket, seqKey(seq), covered); err != nil {
				return err
			}
			var e store.Event
			e, err = decode(record, seq)
			switch {
			case err != nil:
				return err
			case slices.Contains(c.forgets(e.Kind), class):
				return ErrForgotten
			case e.Actor == store.Texter || e.Prev >= seq:
				return nil
			}
			seq = e.Prev
		}
		return err
	})
}

// erase does what is due: keys first, then the words that are searched, the summaries, and what lies in the outbox and
// the drafts. The caller holds keeping, or is alone.
func (c *Cache) erase() error {
	var all erasing
	if err := c.view(func(tx *bbolt.Tx) (err error) {
		all, err = c.readErasing(tx)
		return err
	}); err != nil || len(all.Due)+len(all.Gone) == 0 {
		return err
	}
	if err := c.shredGone(all.Gone); err != nil {
		return err
	}
	for _, e := range all.Due {
		if err := c.shred(e); err != nil {
			return err
		}
	}
	return c.update(func(tx *bbolt.Tx) error {
		for _, e := range all.Due {
			if err := errors.Join(c.eraseTraces(tx, e), c.eraseEntries(tx, e, outboxBucket), c.eraseEntries(tx, e, draftsBucket)); err != nil {
				return err
			}
			all.Upto = max(all.Upto, e.Seq)
		}
		all.Due, all.Gone = nil, nil
		return c.writeErasing(tx, all)
	})
}

// shredGone destroys all keys of conversations, save where something has been written since they were to go.
func (c *Cache) shredGone(gone []string) error {
	writing, err := c.writing()
	if err != nil {
		return err
	}
	gone = slices.DeleteFunc(gone, func(id string) bool {
		_, written := slices.BinarySearch(writing, id)
		return written
	})
	if len(gone) == 0 {
		return nil
	}
	return c.ring.ShredAll(gone, allClasses...)
}

// shred destroys the keys, and what is in memory under them.
func (c *Cache) shred(e erasure) error {
	if err := c.ring.Shred(e.Conversation, e.Classes...); err != nil {
		return err
	}
	for _, class := range e.Classes {
		if c.index != nil {
			c.index.Drop(bundle{e.Conversation, class}.name())
		}
	}
	return nil
}

// eraseTraces drops what was made of the events: the words that are searched, and the summary, which has something of
// several classes.
func (c *Cache) eraseTraces(tx *bbolt.Tx, e erasure) error {
	if err := c.unsummarize(tx, e.Conversation); err != nil {
		return err
	}
	for _, class := range e.Classes {
		if err := c.dropWords(tx, bundle{e.Conversation, class}, 0); err != nil {
			return err
		}
	}
	return nil
}

// eraseEntries drops what waits, or is being written, in a conversation and a class that are forgotten. A draft goes
// with the words of the texts, whatever it would have become.
func (c *Cache) eraseEntries(tx *bbolt.Tx, e erasure, bucket []byte) error {
	var gone [][]byte
	err := tx.Bucket(bucket).ForEach(func(key, value []byte) error {
		entry, err := c.event(bucket, key, value)
		if err == nil && entry.Conversation == e.Conversation && slices.Contains(e.Classes, c.classOf(entry.Kind)) {
			gone = append(gone, bytes.Clone(key))
		}
		return err
	})
	for _, key := range gone {
		err = errors.Join(err, tx.Bucket(bucket).Delete(key))
	}
	return err
}

// Erased returns up to where, in which log, what was forgotten has been forgotten here and not been confirmed; Seq 0 for
// nothing.
func (c *Cache) Erased() (upto store.Position, err error) {
	c.mu.Lock() // nobody moves the position
	defer c.mu.Unlock()
	err = c.view(func(tx *bbolt.Tx) error {
		all, err := c.readErasing(tx)
		upto = store.Position{Epoch: c.position.Epoch, Seq: all.Upto}
		return err
	})
	return upto, err
}

// Confirmed says that the relay is sure to hear of what was forgotten up to an event.
func (c *Cache) Confirmed(upto store.Position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.update(func(tx *bbolt.Tx) error {
		all, err := c.readErasing(tx)
		if err != nil || all.Upto > upto.Seq || c.position.Epoch != upto.Epoch {
			return err
		}
		all.Upto = 0
		return c.writeErasing(tx, all)
	})
}

// Compact writes the cache anew without the bytes of what was forgotten, if there are any; see [Keys.Compact].
func (c *Cache) Compact() error {
	stale, err := c.keys.Stale()
	if err != nil || !stale {
		return err
	}
	c.mu.Lock() // nobody moves the position
	defer c.mu.Unlock()
	c.swap.Lock()
	defer c.swap.Unlock()
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	fresh, err := compacted(c.path, c.db)
	if err != nil {
		return err
	}
	old := c.db
	c.db, c.keys.db = fresh, fresh
	return errors.Join(old.Close(), syncFolder(filepath.Dir(c.path)))
}
