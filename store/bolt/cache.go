package bolt

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/seal"
)

// The cache's own buckets; it has events, tails and keys as well.
var (
	outboxBucket = []byte("outbox") // command ID -> record of an Entry
	draftsBucket = []byte("drafts") // conversation -> record of a draft
)

var cacheFormat = format{name: "cache", version: 1, buckets: [][]byte{eventsBucket, tailsBucket, keysBucket, outboxBucket, draftsBucket}}

// What else stands in a cache's meta bucket.
var (
	ownerKey    = []byte("owner")
	envelopeKey = []byte("envelope") // JSON of the seal.Envelope
	birthKey    = []byte("birth")    // of the device: 16 letters and digits
	counterKey  = []byte("counter")  // of its commands, 8 bytes
	positionKey = []byte("position") // JSON of the store.Position up to which it has everything
)

// Errors of a cache.
var (
	ErrOwner = errors.New("cache belongs to somebody else")
	ErrHole  = errors.New("events do not follow the last one received")
)

// CacheOptions say whose cache it is and how to open it.
type CacheOptions struct {
	Owner      string // name of the member of staff; a cache is one person's on one device
	Passphrase []byte
	Params     seal.Params // the cost of a guess, when the cache is new; zero for seal.Recommended
	ClassOf    func(store.Kind) store.Class
}

// A Cache is a console's partial copy of the line, its outbox and its drafts, in one file that says nothing without
// the passphrase. It is not a Log: Seqs are given by the relay, bodies come later or are erased.
type Cache struct {
	path string
	db   *bbolt.DB
	ring *seal.Ring

	mu       sync.Mutex
	birth    string
	position store.Position
}

// OpenCache opens the cache at path, or begins a new one. A wrong passphrase gives [seal.ErrPassphrase], another
// person's cache [ErrOwner]; else it fails as [Open] does.
func OpenCache(path string, o CacheOptions) (*Cache, error) {
	db, err := openFile(path, cacheFormat, false)
	if err != nil {
		return nil, err
	}
	c := &Cache{path: path, db: db}
	if err := c.unlock(o); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

func (c *Cache) unlock(o CacheOptions) error {
	var owner, envelope []byte
	err := c.view(func(tx *bbolt.Tx) error {
		m := tx.Bucket(metaBucket)
		owner, envelope = bytes.Clone(m.Get(ownerKey)), bytes.Clone(m.Get(envelopeKey))
		c.birth = string(m.Get(birthKey))
		return readJSON(m.Get(positionKey), &c.position)
	})
	if err != nil {
		return err
	}
	var master seal.Master
	if envelope == nil {
		master, err = c.begin(o)
	} else {
		master, err = c.open(string(owner), envelope, o)
	}
	if err != nil {
		return err
	}
	c.ring = seal.NewRing(master, &Keys{path: c.path, db: c.db}, o.ClassOf)
	return nil
}

// Check tells whether a passphrase is the cache's.
func (c *Cache) Check(passphrase []byte) error {
	var e seal.Envelope
	err := c.view(func(tx *bbolt.Tx) error { return readJSON(tx.Bucket(metaBucket).Get(envelopeKey), &e) })
	if err != nil {
		return err
	}
	_, err = e.Open(passphrase)
	return err
}

func (c *Cache) open(owner string, envelope []byte, o CacheOptions) (m seal.Master, err error) {
	if owner != o.Owner {
		return m, fmt.Errorf("%w: %s is %s's; name another file", ErrOwner, c.path, owner)
	}
	var e seal.Envelope
	if err := readJSON(envelope, &e); err != nil {
		return m, damaged(c.path, "its lock cannot be read")
	}
	return e.Open(o.Passphrase)
}

// begin makes the keys of a new cache.
func (c *Cache) begin(o CacheOptions) (seal.Master, error) {
	if o.Params == (seal.Params{}) {
		o.Params = seal.Recommended
	}
	master := seal.NewMaster()
	e, err := seal.Enclose(master, o.Passphrase, o.Params)
	if err != nil {
		return master, err
	}
	envelope, err := json.Marshal(e)
	if err != nil {
		return master, err
	}
	c.birth = strings.ToLower(rand.Text())[:16]
	return master, c.update(func(tx *bbolt.Tx) error {
		m := tx.Bucket(metaBucket)
		return errors.Join(m.Put(ownerKey, []byte(o.Owner)), m.Put(envelopeKey, envelope), m.Put(birthKey, []byte(c.birth)))
	})
}

func readJSON(raw []byte, v any) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, v)
}

// Close frees the file for others.
func (c *Cache) Close() error { return c.db.Close() }

// Position is the place in the relay's log up to which the cache has every event; Seq 0 for a cache without a copy.
func (c *Cache) Position() store.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.position
}

// Receive keeps the events that follow the position, moves it past them and takes out of the outbox what they show to
// have had its effect: all in one transaction, on disk on return. Events already received are passed over; a hole
// gives [ErrHole] and changes nothing.
func (c *Cache) Receive(es ...store.Event) error {
	position := c.Position()
	es = slices.DeleteFunc(slices.Clone(es), func(e store.Event) bool { return e.Seq <= position.Seq })
	for i, e := range es {
		if e.Seq != position.Seq+1+uint64(i) {
			return fmt.Errorf("%w: %d after %d", ErrHole, e.Seq, position.Seq+uint64(i))
		}
	}
	if len(es) == 0 {
		return nil
	}
	position.Seq = es[len(es)-1].Seq
	return c.keep(es, &position)
}

// Fill keeps events of one conversation as they are now readable, in the place of what it has of them; the position
// stays.
func (c *Cache) Fill(es ...store.Event) error { return c.keep(es, nil) }

// Follow makes the position the one that a snapshot of the relay's log stands for; the conversations of the snapshot
// have been filled before.
func (c *Cache) Follow(p store.Position) error { return c.keep(nil, &p) }

// Reset drops what was copied from a log that is no more, and begins at the start of the one with this epoch. The
// outbox and the drafts stay.
func (c *Cache) Reset(epoch string) error {
	return c.move(&store.Position{Epoch: epoch}, func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{eventsBucket, tailsBucket} {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Cache) keep(es []store.Event, to *store.Position) error {
	records, err := c.sealed(es)
	if err != nil {
		return err
	}
	return c.move(to, func(tx *bbolt.Tx) error {
		events, tails, outbox := tx.Bucket(eventsBucket), tx.Bucket(tailsBucket), tx.Bucket(outboxBucket)
		for i, e := range es {
			if err := events.Put(seqKey(e.Seq), records[i]); err != nil {
				return err
			}
			if err := outbox.Delete([]byte(e.ID)); err != nil {
				return err
			}
			if err := extend(tails, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// extend makes e its conversation's newest event, unless it has a newer one.
func extend(tails *bbolt.Bucket, e store.Event) error {
	if e.Conversation == "" {
		return nil
	}
	key := []byte(e.Conversation)
	if old := tails.Get(key); old != nil {
		if seq, err := target(key, old); err == nil && seq >= e.Seq {
			return nil
		}
	}
	return tails.Put(key, pointer(key, e.Seq))
}

// sealed returns the records of es. It makes the keys that are missing first, in a transaction of their own: a key
// without an event does no harm.
func (c *Cache) sealed(es []store.Event) ([][]byte, error) {
	sealed, err := c.ring.Seal(es)
	if err != nil {
		return nil, err
	}
	records := make([][]byte, len(sealed))
	for i, e := range sealed {
		if records[i], err = withRoom(e); err != nil {
			return nil, err
		}
		sign(records[i], e.Seq)
	}
	return records, nil
}

// move changes the file, and the position with it, in one transaction.
func (c *Cache) move(to *store.Position, f func(*bbolt.Tx) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.update(func(tx *bbolt.Tx) error {
		if err := f(tx); err != nil || to == nil {
			return err
		}
		raw, err := json.Marshal(to)
		if err != nil {
			return err
		}
		return tx.Bucket(metaBucket).Put(positionKey, raw)
	})
	if err == nil && to != nil {
		c.position = *to
	}
	return err
}

// Each calls f with every event that the cache has, oldest first. While f has one piece of them, others are unsealed.
func (c *Cache) Each(f func(store.Event)) error {
	pieces := make(chan chan piece, runtime.GOMAXPROCS(0))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(pieces)
		for after := uint64(0); ; {
			raw, last, err := c.raw(after)
			if err == nil && len(raw) == 0 {
				return
			}
			unsealed := make(chan piece, 1)
			select {
			case pieces <- unsealed:
			case <-stop:
				return
			}
			if err != nil {
				unsealed <- piece{err: err}
				return
			}
			go func() { unsealed <- c.unseal(raw) }()
			after = last
		}
	}()
	for unsealed := range pieces {
		p := <-unsealed
		if p.err != nil {
			return p.err
		}
		for _, e := range p.events {
			f(e)
		}
	}
	return nil
}

// A piece of the events, unsealed.
type piece struct {
	events []store.Event
	err    error
}

// A stored is an event as it lies in the file.
type stored struct{ key, value []byte }

// raw copies some records after an event out of the file. last is the event of the last of them.
func (c *Cache) raw(after uint64) (records []stored, last uint64, err error) {
	err = c.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(eventsBucket).Cursor()
		for key, value := cursor.Seek(seqKey(after + 1)); key != nil && len(records) < pieceLimit; key, value = cursor.Next() {
			records = append(records, stored{bytes.Clone(key), bytes.Clone(value)})
		}
		return nil
	})
	if n := len(records); n > 0 {
		last = binary.BigEndian.Uint64(records[n-1].key)
	}
	return records, last, err
}

func (c *Cache) unseal(records []stored) (p piece) {
	p.events = make([]store.Event, len(records))
	p.err = guarded(c.path, func() (err error) {
		for i, r := range records {
			if p.events[i], err = c.event(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	})
	return p
}

// Conversation returns what the cache has of one conversation, oldest first.
func (c *Cache) Conversation(id string) ([]store.Event, error) {
	var es []store.Event
	err := c.view(func(tx *bbolt.Tx) error {
		events, key := tx.Bucket(eventsBucket), []byte(id)
		value := tx.Bucket(tailsBucket).Get(key)
		if value == nil {
			return nil
		}
		seq, err := target(key, value)
		for err == nil && seq > 0 {
			record := events.Get(seqKey(seq))
			if record == nil {
				break // older than the snapshot with which this cache began
			}
			var e store.Event
			if e, err = c.event(seqKey(seq), record); err == nil && e.Prev < seq {
				es = append(es, e)
				seq = e.Prev
			}
		}
		return err
	})
	slices.Reverse(es)
	return es, err
}

func (c *Cache) event(key, value []byte) (store.Event, error) {
	e, err := decode(value, binary.BigEndian.Uint64(key))
	if err == nil {
		e, err = c.ring.Open(e)
	}
	if err != nil {
		return e, damaged(c.path, fmt.Sprintf("event %d cannot be read", binary.BigEndian.Uint64(key)))
	}
	return e, nil
}

// Erase makes everything unreadable that the cache has of a conversation: its keys are destroyed.
func (c *Cache) Erase(conversation string) error {
	return c.ring.Shred(conversation, store.Numbers, store.Text, store.Notes, store.Plans, store.Facts)
}

func (c *Cache) view(f func(*bbolt.Tx) error) error {
	return guarded(c.path, func() error { return c.db.View(f) })
}

func (c *Cache) update(f func(*bbolt.Tx) error) error {
	return guarded(c.path, func() error { return c.db.Update(f) })
}
