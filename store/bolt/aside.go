package bolt

import (
	"bytes"
	"cmp"
	"encoding/binary"
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
	asideBucket = []byte("aside") // asideSpot -> record, of the conversations of which words are here
	asideKey    = []byte("aside") // JSON of an Aside
)

// asideMost is how many conversations are set aside at most: the relay is told all their names when a copy is begun anew,
// and hears no more than twice as many. asideCopies is of how many logs.
const (
	asideMost   = 50_000
	asideCopies = 4
)

// An Aside says what is set aside: of one log, and of those before it.
type Aside struct {
	Of    store.Position `json:"of"`    // the log that it is of, and how far it goes
	At    time.Time      `json:"at"`    // since when
	Until time.Time      `json:"until"` // it can be read

	Conversations []string `json:"convs"`

	Copy   uint64  `json:"copy,omitempty"`   // begins the keys of its records; 0 for none that have it
	Before []Aside `json:"before,omitempty"` // oldest first, each with a smaller Copy and no later Until

	Lost int `json:"lost,omitempty"` // conversations that the disk did not take when a copy was to be set aside last
}

// copies are all that are set aside, oldest first.
func (a Aside) copies() []Aside {
	if a.Until.IsZero() {
		return nil
	}
	before := a.Before
	a.Before, a.Lost = nil, 0
	return append(slices.Clone(before), a)
}

// asideOf is what is set aside where that is these copies, oldest first.
func asideOf(copies []Aside) (a Aside) {
	if n := len(copies) - 1; n >= 0 {
		a = copies[n]
		a.Before = copies[:n]
	}
	return a
}

// names are the conversations of all copies, in order.
func (a Aside) names() (ids []string) {
	for _, one := range a.copies() {
		ids = append(ids, one.Conversations...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Ends is when the first of the copies can be read no more.
func (a Aside) Ends() time.Time { return append(a.copies(), a)[0].Until }

// with adds a copy. Of too many the first and the newest stay, and those between them with most conversations. None can
// be read for longer than a later one: the relay has come to allow less.
func (a Aside) with(now Aside) Aside {
	copies := a.copies()
	if n := len(copies); n > 0 {
		now.Copy = copies[n-1].Copy + 1
	}
	if len(copies) == asideCopies {
		least := 1
		for i := 2; i < len(copies); i++ {
			if len(copies[i].Conversations) <= len(copies[least].Conversations) {
				least = i
			}
		}
		copies = slices.Delete(copies, least, least+1)
	}
	for i := range copies {
		if copies[i].Until.After(now.Until) {
			copies[i].Until = now.Until
		}
	}
	return asideOf(append(copies, now))
}

// asideSpot is where an event of a copy lies in the bucket: copy after copy, each in the order of Seqs.
func asideSpot(of, seq uint64) []byte {
	if of == 0 {
		return seqKey(seq)
	}
	return append(seqKey(of|1<<63), seqKey(seq)...)
}

// copyOf is the copy that a record lies in.
func copyOf(key []byte) uint64 {
	if len(key) == 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key) &^ (1 << 63)
}

// Aside returns what is set aside; the zero Aside for nothing.
func (c *Cache) Aside() (a Aside, err error) {
	raw, err := c.readFact(asideKey)
	if err == nil {
		err = readJSON(raw, &a)
	}
	return a, err
}

// EachAside calls f with every event that is set aside and can be read at a moment: copy after copy, of each oldest first.
func (c *Cache) EachAside(now time.Time, f func(store.Event)) error {
	a, err := c.Aside()
	if err != nil {
		return err
	}
	for _, one := range a.copies() {
		if now.Before(one.Until) {
			return c.each(asideBucket, asideSpot(one.Copy, 0), f)
		}
	}
	return nil
}

// SetAside is Reset of a whole copy: what it has of conversations of which words are here can still be read, until a
// moment. There are few such copies, and the first stays: a relay whose log is another one at each connection neither fills
// the disk nor has what was here pushed out by what it sent. Of a copy that the disk has no room for it is the newest
// conversations, as many as it takes, or none: nobody is kept from the relay by that, and what was set aside before stays.
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
	for len(seqs) > 0 {
		a := before.with(Aside{Of: c.Position(), At: at.UTC(), Until: until.UTC(), Conversations: slices.Sorted(maps.Keys(seqs))})
		a.Lost = whole - len(seqs)
		if len(a.names()) <= asideMost {
			err := c.resetAside(epoch, a, seqs)
			if err == nil {
				return c.erase()
			}
			if errors.Is(err, store.ErrDamaged) || errors.Is(err, bberrors.ErrDatabaseNotOpen) {
				return err
			}
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

// resetAside is reset where a is set aside from then on, and these Seqs are its newest copy.
func (c *Cache) resetAside(epoch string, a Aside, seqs map[string][]uint64) error {
	return c.reset(epoch, a, func(tx *bbolt.Tx) error {
		if err := errors.Join(c.keepAside(tx, a), c.setAsideFact(tx, a)); err != nil {
			return err
		}
		tx.Bucket(asideBucket).FillPercent = 1
		for _, seq := range slices.Sorted(values(seqs)) {
			record, err := c.get(eventsBucket, tx, seqKey(seq))
			if err != nil {
				return err
			}
			if err := c.put(asideBucket, tx, asideSpot(a.Copy, seq), record); err != nil {
				return err
			}
		}
		return nil
	})
}

// keepAside drops the records of all copies but those of a.
func (c *Cache) keepAside(tx *bbolt.Tx, a Aside) error {
	kept := map[uint64]bool{}
	for _, one := range a.copies() {
		kept[one.Copy] = true
	}
	var gone [][]byte
	err := tx.Bucket(asideBucket).ForEach(func(key, _ []byte) error {
		if !kept[copyOf(key)] {
			gone = append(gone, bytes.Clone(key))
		}
		return nil
	})
	for _, key := range gone {
		err = errors.Join(err, tx.Bucket(asideBucket).Delete(key))
	}
	return err
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

// EndAside drops the copies that are set aside and could be read until now at most, and destroys the keys that nothing else needs; the
// bytes of both stay in the file until [Cache.Compact].
func (c *Cache) EndAside(now time.Time) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	a, err := c.Aside()
	if err != nil || a.Until.IsZero() || now.Before(a.Ends()) {
		return err
	}
	left := asideOf(slices.DeleteFunc(a.copies(), func(one Aside) bool { return !now.Before(one.Until) }))
	alone, err := c.asideAlone(a, left)
	if err != nil {
		return err
	}
	if err := c.ring.ShredAll(alone, allClasses...); err != nil {
		return err
	}
	return c.update(func(tx *bbolt.Tx) error { return errors.Join(c.keepAside(tx, left), c.setAsideFact(tx, left)) })
}

// asideAlone names the conversations that are set aside and will not be, are not in the copy, and in which nothing is written.
func (c *Cache) asideAlone(a, left Aside) (alone []string, err error) {
	writing, err := c.writing()
	if err != nil {
		return nil, err
	}
	needed := append(left.names(), writing...)
	slices.Sort(needed)
	return alone, c.view(func(tx *bbolt.Tx) error {
		for _, id := range a.names() {
			tail, err := c.tail(tx, id)
			if err != nil {
				return err
			}
			if _, needed := slices.BinarySearch(needed, id); tail == 0 && !needed {
				alone = append(alone, id)
			}
		}
		return nil
	})
}
