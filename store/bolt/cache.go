package bolt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/seal"
	"befree.example/store/search"
)

// The cache's own buckets; it has events, tails and keys as well. What stands in each is covered (see cover.go): of the
// file nobody can tell more than how many events, conversations, keys, commands and drafts there are, the events' Seqs,
// and of each thing whether it is some double of another's size.
var (
	outboxBucket = []byte("outbox") // command ID -> record of an Entry
	draftsBucket = []byte("drafts") // covered name of a conversation and what it will be -> record of a draft
	wordsBucket  = []byte("words")  // see words.go
)

var cacheFormat = format{
	name: "cache", version: 3, least: 3,
	buckets: [][]byte{eventsBucket, tailsBucket, keysBucket, outboxBucket, draftsBucket, wordsBucket},
	later:   [][]byte{summariesBucket, unreadBucket, asideBucket},
}

// What else stands in a cache's meta bucket. All but two are covered.
var (
	ownerKey    = []byte("owner")
	wrongKey    = []byte("wrong")    // passphrases tried in vain since the last right one, 8 bytes; in the open
	revokedKey  = []byte("revoked")  // why the cache was destroyed; in the open
	deviceKey   = []byte("device")   // what the device knows of its relay
	birthKey    = []byte("birth")    // of the device: 16 letters and digits
	counterKey  = []byte("counter")  // of its commands, 8 bytes
	positionKey = []byte("position") // JSON of the store.Position up to which it has everything
	indexedKey  = []byte("indexed")  // the version of the words, where they are complete
	erasingKey  = []byte("erasing")  // JSON of what is being forgotten, see erasing
)

// Errors of a cache.
var (
	ErrOwner     = errors.New("cache belongs to somebody else")
	ErrHole      = errors.New("events do not follow the last one received")
	ErrRevoked   = errors.New("this device was revoked, and what was kept on it cannot be read any more")
	ErrForgotten = errors.New("that has been forgotten of the conversation")
)

// CacheOptions say whose cache it is and how to open it.
type CacheOptions struct {
	Owner      string // name of the member of staff; a cache is one person's on one device
	Passphrase []byte
	Secret     []byte              // of the system's key ring, instead of the passphrase; see [Cache.Trust]
	Params     seal.Params         // the cost of a guess, when the cache is new; zero for seal.Recommended
	Wait       func(time.Duration) // before a passphrase is tried, after wrong ones; nil for time.Sleep
	ClassOf    func(store.Kind) store.Class
	WordsOf    func(store.Event) []string     // in which words are searched; nil for none
	Forgets    func(store.Kind) []store.Class // what of its conversation an event of this kind forgets; nil for nothing
}

// A Cache is a console's partial copy of the line, its outbox and its drafts, in one file that says nothing without
// the passphrase, and a small one beside it (see [lock]). It is not a Log: Seqs are given by the relay, bodies come
// later or are erased.
type Cache struct {
	path    string
	door    *os.File // keeps other processes out
	ring    *seal.Ring
	keys    *Keys // in the same file, under covered names
	cover   *seal.Cover
	classOf func(store.Kind) store.Class
	wordsOf func(store.Event) []string
	forgets func(store.Kind) []store.Class
	wait    func(time.Duration)

	swap sync.RWMutex // held for writing while Compact puts another file in the place of db
	db   *bbolt.DB

	keeping sync.Mutex      // held over every change of what was copied, of its words, and of what is written here
	index   *search.Index   // of the words, nil until somebody searches
	changed map[string]bool // conversations that were filled or erased since they were summarized, while that goes on

	owner  string
	device ed25519.PrivateKey
	wrong  int // passphrases that were tried in vain before the one that opened it

	trying   sync.Mutex // held while a passphrase is tried: one after another
	mu       sync.Mutex
	birth    string
	position store.Position

	queued, drafted map[string]time.Time // when the newest reply and draft of each stood there; used in transactions alone
}

// OpenCache opens the cache at path, or begins a new one. A wrong passphrase gives [seal.ErrPassphrase], another
// person's cache [ErrOwner], one that was destroyed [ErrRevoked]; else it fails as [Open] does.
func OpenCache(path string, o CacheOptions) (*Cache, error) {
	door, err := enter(path)
	if err != nil {
		return nil, err
	}
	shut, err := Hold(path, door)
	if err != nil {
		return nil, err
	}
	c, err := shut.Open(o)
	if err != nil {
		return nil, errors.Join(err, shut.Close())
	}
	return c, nil
}

func readJSON(raw []byte, v any) error {
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, v)
}

// Close frees the file for others.
func (c *Cache) Close() error {
	door, err := c.Leave()
	return errors.Join(err, door.Close())
}

// Leave is Close, but for what keeps others out, which it gives: see [Hold].
func (c *Cache) Leave() (door *os.File, err error) {
	c.swap.RLock()
	defer c.swap.RUnlock()
	return c.door, c.db.Close()
}

// Position is the place in the relay's log up to which the cache has every event; Seq 0 for a cache without a copy.
func (c *Cache) Position() store.Position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.position
}

// Receive keeps the events that follow the position, moves it past them and takes out of the outbox what they show to
// have had its effect: all in one transaction, on disk on return. Events already received are passed over; a hole
// gives [ErrHole] and changes nothing. What an event forgets is unreadable on return, or at the latest when the cache is
// next opened; it takes a transaction of its own, so of several events the first may be kept where a later one is not.
func (c *Cache) Receive(es ...store.Event) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
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
	for len(es) > 0 {
		n := 1 + slices.IndexFunc(es, func(e store.Event) bool { return len(c.forgets(e.Kind)) > 0 })
		forgets := n > 0
		if !forgets {
			n = len(es)
		}
		position.Seq = es[n-1].Seq
		if err := c.keep(es[:n], &position); err != nil {
			return err
		}
		if forgets {
			if err := c.erase(); err != nil {
				return err
			}
		}
		es = es[n:]
	}
	return nil
}

// Fill keeps events of one conversation as they are now readable, in the place of what it has of them; the position
// stays. What they show to be forgotten, and is not known to be, is so of what was written here too.
func (c *Cache) Fill(es ...store.Event) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	if err := c.eraseFilled(es); err != nil {
		return err
	}
	return c.keep(es, nil, func(tx *bbolt.Tx) error {
		for i, e := range es {
			if i == 0 || e.Conversation != es[i-1].Conversation {
				if err := c.unsummarize(tx, e.Conversation); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Follow makes the position the one that a snapshot of the relay's log stands for; the conversations of the snapshot
// have been filled before. Of a copy that is begun anew all that was forgotten up to there is to be confirmed.
func (c *Cache) Follow(p store.Position) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	return c.keep(nil, &p, func(tx *bbolt.Tx) error { return c.followErasing(tx, p.Seq) })
}

// Reset drops what was copied from a log that is no more, and begins at the start of the one with this epoch. The
// outbox, the drafts and what is set aside stay, and the keys of their conversations: see [Cache.Written]. All other keys
// are destroyed.
func (c *Cache) Reset(epoch string) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	if err := c.erase(); err != nil {
		return err
	}
	a, err := c.Aside()
	if err != nil {
		return err
	}
	if err := c.reset(epoch, a, func(*bbolt.Tx) error { return nil }); err != nil {
		return err
	}
	return c.erase()
}

// reset is Reset where a is what is set aside from then on, by first in the same transaction; the keys are due to be
// destroyed then, and nothing was where it fails. The caller holds keeping, has erased what was due, and erases what is.
func (c *Cache) reset(epoch string, a Aside, first func(*bbolt.Tx) error) error {
	gone, known, err := c.leftOut(a)
	if err != nil {
		return err
	}
	copied := c.Position().Seq > 0
	err = c.move(&store.Position{Epoch: epoch}, func(tx *bbolt.Tx) error {
		if err := first(tx); err != nil {
			return err
		}
		for _, name := range [][]byte{eventsBucket, tailsBucket, wordsBucket, summariesBucket, unreadBucket} {
			if err := renew(tx, name); err != nil {
				return err
			}
		}
		if err := errors.Join(tx.Bucket(metaBucket).Delete(summarizedKey), c.renewErasing(tx, copied, gone, known)); err != nil {
			return err
		}
		return c.setFact(tx, indexedKey, wordsVersion)
	})
	if err == nil {
		c.dropIndex()
	}
	return err
}

// renew empties a bucket.
func renew(tx *bbolt.Tx, name []byte) error {
	if err := tx.DeleteBucket(name); err != nil {
		return err
	}
	_, err := tx.CreateBucket(name)
	return err
}

// keep puts es and their words into the file, and moves the position. The caller holds keeping.
func (c *Cache) keep(es []store.Event, to *store.Position, also ...func(*bbolt.Tx) error) error {
	records, err := c.sealed(es)
	if err != nil {
		return err
	}
	words, err := c.wordsWith(es)
	if err != nil {
		return err
	}
	err = c.move(to, func(tx *bbolt.Tx) error {
		if to != nil && len(es) > 0 {
			if err := c.follow(tx, es); err != nil {
				return err
			}
		}
		tx.Bucket(eventsBucket).FillPercent = 1 // they come in the order of their keys
		outbox := tx.Bucket(outboxBucket)
		for i, e := range es {
			if err := c.put(eventsBucket, tx, seqKey(e.Seq), records[i]); err != nil {
				return err
			}
			if err := outbox.Delete([]byte(e.ID)); err != nil {
				return err
			}
			if err := c.extend(tx, e); err != nil {
				return err
			}
			if classes := c.forgets(e.Kind); to != nil && len(classes) > 0 {
				if err := c.beginErasing(tx, e, classes); err != nil {
					return err
				}
			}
		}
		for _, f := range also {
			if err := f(tx); err != nil {
				return err
			}
		}
		return words.write(c, tx)
	})
	if err == nil && c.index != nil {
		c.index.Put(c.items(es)...)
	}
	return err
}

// extend makes e its conversation's newest event, unless it has a newer one.
func (c *Cache) extend(tx *bbolt.Tx, e store.Event) error {
	if e.Conversation == "" {
		return nil
	}
	if seq, err := c.tail(tx, e.Conversation); err == nil && seq >= e.Seq {
		return nil
	}
	return c.put(tailsBucket, tx, c.cover.Name(tailsBucket, []byte(e.Conversation)), seqKey(e.Seq))
}

// tail returns the Seq of a conversation's newest event, 0 for one that is not known.
func (c *Cache) tail(tx *bbolt.Tx, conversation string) (uint64, error) {
	value, err := c.get(tailsBucket, tx, c.cover.Name(tailsBucket, []byte(conversation)))
	if err != nil || value == nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, damaged(c.path, "the end of a conversation cannot be read")
	}
	return binary.BigEndian.Uint64(value), nil
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
		return c.setFact(tx, positionKey, raw)
	})
	if err == nil && to != nil {
		c.position = *to
	}
	return err
}

// Each calls f with every event that the cache has, oldest first. While f has one piece of them, others are unsealed.
func (c *Cache) Each(f func(store.Event)) error { return c.each(eventsBucket, nil, f) }

// each calls f with every record of a bucket after a key, nil for all, in the order of their keys.
func (c *Cache) each(bucket, after []byte, f func(store.Event)) error {
	return readEach(c, bucket, after, func(e store.Event) store.Event { return e }, f)
}

// readEach calls f likewise with what read makes of each record. While f has one piece of them, others are read.
func readEach[T any](c *Cache, bucket, after []byte, read func(store.Event) T, f func(T)) error {
	type piece struct {
		all []T
		err error
	}
	pieces := make(chan chan piece, runtime.GOMAXPROCS(0))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(pieces)
		for {
			raw, err := c.raw(bucket, after)
			if err == nil && len(raw) == 0 {
				return
			}
			done := make(chan piece, 1)
			select {
			case pieces <- done:
			case <-stop:
				return
			}
			if err != nil {
				done <- piece{err: err}
				return
			}
			go func() {
				all, err := unseal(c, bucket, raw, read)
				done <- piece{all, err}
			}()
			after = raw[len(raw)-1].key
		}
	}()
	for done := range pieces {
		p := <-done
		if p.err != nil {
			return p.err
		}
		for _, one := range p.all {
			f(one)
		}
	}
	return nil
}

// A stored is an event as it lies in the file.
type stored struct{ key, value []byte }

// raw copies some records after a key out of the file.
func (c *Cache) raw(bucket, after []byte) (records []stored, err error) {
	err = c.view(func(tx *bbolt.Tx) error {
		records = some(tx.Bucket(bucket), after)
		return nil
	})
	return records, err
}

// some copies what stands after a key, or first for nil: no more than pieceLimit.
func some(b *bbolt.Bucket, after []byte) (records []stored) {
	cursor := b.Cursor()
	key, value := cursor.Seek(after)
	if after != nil && bytes.Equal(key, after) {
		key, value = cursor.Next()
	}
	for ; key != nil && len(records) < pieceLimit; key, value = cursor.Next() {
		records = append(records, stored{bytes.Clone(key), bytes.Clone(value)})
	}
	return records
}

func unseal[T any](c *Cache, bucket []byte, records []stored, read func(store.Event) T) ([]T, error) {
	all := make([]T, len(records))
	return all, guarded(c.path, func() error {
		es, err := c.events(bucket, records...)
		for i, e := range es {
			all[i] = read(e)
		}
		return err
	})
}

// Conversation returns what the cache has of one conversation, oldest first.
func (c *Cache) Conversation(id string) ([]store.Event, error) {
	var es []store.Event
	err := c.view(func(tx *bbolt.Tx) error {
		events := tx.Bucket(eventsBucket)
		seq, err := c.tail(tx, id)
		for err == nil && seq > 0 {
			record := events.Get(seqKey(seq))
			if record == nil {
				break // older than the snapshot with which this cache began
			}
			var e store.Event
			if e, err = c.event(eventsBucket, seqKey(seq), record); err == nil && e.Prev < seq {
				es = append(es, e)
				seq = e.Prev
			}
		}
		return err
	})
	slices.Reverse(es)
	return es, err
}

func (c *Cache) view(f func(*bbolt.Tx) error) error {
	c.swap.RLock()
	defer c.swap.RUnlock()
	return guarded(c.path, func() error { return c.db.View(f) })
}

func (c *Cache) update(f func(*bbolt.Tx) error) error {
	c.swap.RLock()
	defer c.swap.RUnlock()
	return guarded(c.path, func() error { return c.db.Update(f) })
}
