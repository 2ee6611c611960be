package bolt

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"befree.example/store"
)

// What was copied of a log that is no more is set aside: it may be the only place where something can be read. It stays
// under the keys that it was sealed under, which are those of the new copy too, so that what is forgotten of a conversation
// is unreadable in both. The relay tells what was forgotten without this console's seeing it; see [Cache.Written].
var (
	asideBucket = []byte("aside") // Seq -> record, of the conversations of which words are here
	asideKey    = []byte("aside") // JSON of an Aside
)

// asideMost is how many conversations are set aside at most, the newest: the relay is told all their names when a copy is
// begun anew, and hears no more than twice as many.
const asideMost = 50_000

// An Aside says what is set aside.
type Aside struct {
	Of    store.Position `json:"of"`    // the log that it is of, and how far it goes
	At    time.Time      `json:"at"`    // since when
	Until time.Time      `json:"until"` // it can be read

	Conversations []string `json:"convs"`

	Lost int `json:"lost,omitempty"` // conversations that the disk did not take when a copy was to be set aside last
}

// Aside returns what is set aside; the zero Aside for nothing.
func (c *Cache) Aside() (a Aside, err error) {
	raw, err := c.readFact(asideKey)
	if err == nil {
		err = readJSON(raw, &a)
	}
	return a, err
}

// EachAside calls f with every event that is set aside, oldest first.
func (c *Cache) EachAside(f func(store.Event)) error { return c.each(asideBucket, nil, f) }

// SetAside is Reset of a whole copy: what it has of conversations of which words are here can still be read, until a
// moment. There is one such copy. The one with more conversations stays, the older of two alike: a relay whose log is
// another one at each connection neither fills the disk nor has what was here pushed out by the little that it sent. Of a
// copy that the disk has no room for it is the newest conversations, as many as it takes, or none and what was set aside
// before stays: nobody is kept from the relay by that.
func (c *Cache) SetAside(epoch string, at, until time.Time) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	before, err := c.Aside()
	if err != nil {
		return err
	}
	if err := c.erase(); err != nil {
		return err
	}
	seqs, err := c.withWords(asideMost)
	if err != nil {
		return err
	}
	whole := len(seqs)
	before.Lost = 0
	for len(seqs) > len(before.Conversations) {
		now := Aside{
			Of: c.Position(), At: at.UTC(), Until: until.UTC(),
			Conversations: slices.Sorted(maps.Keys(seqs)), Lost: whole - len(seqs),
		}
		err := c.resetAside(epoch, now, seqs)
		if err == nil {
			return c.erase()
		}
		if errors.Is(err, store.ErrDamaged) || errors.Is(err, bberrors.ErrDatabaseNotOpen) {
			return err
		}
		before.Lost = whole
		onlyNewest(seqs, len(seqs)/2)
	}
	if err := c.reset(epoch, before, func(tx *bbolt.Tx) error { return c.setAsideFact(tx, before) }); err != nil {
		return err
	}
	return c.erase()
}

func (c *Cache) setAsideFact(tx *bbolt.Tx, a Aside) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return c.setFact(tx, asideKey, raw)
}

// resetAside is reset where the events with these Seqs are what is set aside from then on.
func (c *Cache) resetAside(epoch string, a Aside, seqs map[string][]uint64) error {
	return c.reset(epoch, a, func(tx *bbolt.Tx) error {
		if err := errors.Join(renew(tx, asideBucket), c.setAsideFact(tx, a)); err != nil {
			return err
		}
		tx.Bucket(asideBucket).FillPercent = 1
		for _, seq := range slices.Sorted(values(seqs)) {
			record, err := c.get(eventsBucket, tx, seqKey(seq))
			if err != nil {
				return err
			}
			if err := c.put(asideBucket, tx, seqKey(seq), record); err != nil {
				return err
			}
		}
		return nil
	})
}

// withWords returns the Seqs of what was copied of the conversations of which words are here: of so many, the newest.
func (c *Cache) withWords(most int) (map[string][]uint64, error) {
	seqs, words := map[string][]uint64{}, map[string]bool{}
	err := c.Each(func(e store.Event) {
		if e.Conversation == "" {
			return
		}
		seqs[e.Conversation] = append(seqs[e.Conversation], e.Seq)
		words[e.Conversation] = words[e.Conversation] || len(e.Body) > 0
	})
	maps.DeleteFunc(seqs, func(id string, _ []uint64) bool { return !words[id] })
	onlyNewest(seqs, most)
	return seqs, err
}

// onlyNewest leaves no more conversations than most, those in which something happened last.
func onlyNewest(seqs map[string][]uint64, most int) {
	newest := slices.SortedFunc(maps.Keys(seqs), func(a, b string) int { return cmp.Compare(slices.Max(seqs[b]), slices.Max(seqs[a])) })
	for _, id := range newest[min(len(newest), most):] {
		delete(seqs, id)
	}
}

// values are all Seqs of all conversations.
func values(seqs map[string][]uint64) func(func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for _, some := range seqs {
			for _, seq := range some {
				if !yield(seq) {
					return
				}
			}
		}
	}
}

// EndAside drops what is set aside if it could be read until now at most, and destroys the keys that nothing else needs; the
// bytes of both stay in the file until [Cache.Compact].
func (c *Cache) EndAside(now time.Time) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	a, err := c.Aside()
	if err != nil || a.Until.IsZero() || now.Before(a.Until) {
		return err
	}
	alone, err := c.asideAlone(a)
	if err != nil {
		return err
	}
	if err := c.ring.ShredAll(alone, allClasses...); err != nil {
		return err
	}
	return c.update(func(tx *bbolt.Tx) error {
		return errors.Join(renew(tx, asideBucket), tx.Bucket(metaBucket).Delete(asideKey))
	})
}

// asideAlone names the conversations that are set aside, not in the copy, and in which nothing is written.
func (c *Cache) asideAlone(a Aside) (alone []string, err error) {
	writing, err := c.writing()
	if err != nil {
		return nil, err
	}
	return alone, c.view(func(tx *bbolt.Tx) error {
		for _, id := range a.Conversations {
			tail, err := c.tail(tx, id)
			if err != nil {
				return err
			}
			if _, written := slices.BinarySearch(writing, id); tail == 0 && !written {
				alone = append(alone, id)
			}
		}
		return nil
	})
}
