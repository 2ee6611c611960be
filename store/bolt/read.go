package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"befree.example/store"
)

// The buckets of a log.
var (
	eventsBucket = []byte("events") // Seq -> record
	idsBucket    = []byte("ids")    // ID -> pointer to its event
	tailsBucket  = []byte("tails")  // conversation -> pointer to its newest event
)

// Read implements [store.Log]. However much is asked for, no transaction is open for more than a piece of it.
func (l *Log) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	last := l.head.seq()
	head := store.Position{Epoch: l.epoch, Seq: last}
	if after.Epoch != "" && after.Epoch != l.epoch || after.Seq > last {
		return nil, head, store.ErrEpoch
	}
	end := last
	if left := last - after.Seq; left > uint64(max(limit, 0)) {
		end = after.Seq + uint64(max(limit, 0))
	}
	es, err := l.between(ctx, after.Seq, end)
	return es, head, err
}

// between returns the events after the first Seq up to the second.
func (l *Log) between(ctx context.Context, after, end uint64) ([]store.Event, error) {
	var es []store.Event
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		upTo := min(end, after+pieceLimit)
		err := l.view(func(tx *bbolt.Tx) (err error) {
			es, err = l.piece(tx, es, after, upTo)
			return err
		})
		if err != nil {
			return nil, err
		}
		if after = upTo; after == end {
			return es, nil
		}
	}
}

func (l *Log) piece(tx *bbolt.Tx, es []store.Event, after, end uint64) ([]store.Event, error) {
	c := tx.Bucket(eventsBucket).Cursor()
	key, value := c.Seek(seqKey(after + 1))
	for seq := after + 1; seq <= end; seq++ {
		if !bytes.Equal(key, seqKey(seq)) {
			return nil, l.damaged("event %d is missing", seq)
		}
		e, err := l.event(key, value)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
		key, value = c.Next()
	}
	return es, nil
}

// Changed implements [store.Log].
func (l *Log) Changed(after uint64) <-chan struct{} { return l.head.changed(after) }

// Conversation implements [store.Log].
func (l *Log) Conversation(ctx context.Context, id string) ([]store.Event, error) {
	w := &chainWalk{log: l, id: id, head: l.head.seq()}
	for read := w.start; ; read = w.piece {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := l.view(read); err != nil {
			return nil, err
		}
		if w.next == 0 {
			break
		}
	}
	slices.Reverse(w.es)
	return w.es, nil
}

// A chainWalk goes back through a conversation.
type chainWalk struct {
	log  *Log
	id   string
	head uint64 // what is newer is not there yet
	next uint64 // 0 at the end
	es   []store.Event
}

func (w *chainWalk) start(tx *bbolt.Tx) (err error) {
	w.next, err = w.log.tail(tx.Bucket(tailsBucket), w.id)
	return err
}

func (w *chainWalk) piece(tx *bbolt.Tx) error {
	events := tx.Bucket(eventsBucket)
	for range pieceLimit {
		if w.next == 0 {
			return nil
		}
		e, err := w.log.get(events, w.next)
		if err != nil {
			return err
		}
		if e.Conversation != w.id || e.Prev >= e.Seq {
			return w.log.damaged("the chain of a conversation breaks at event %d", w.next)
		}
		if e.Seq <= w.head {
			w.es = append(w.es, e)
		}
		w.next = e.Prev
	}
	return nil
}

// Find implements [store.Log].
func (l *Log) Find(ctx context.Context, id string) (e store.Event, err error) {
	if err := ctx.Err(); err != nil {
		return store.Event{}, err
	}
	head := l.head.seq()
	err = l.view(func(tx *bbolt.Tx) (err error) {
		e, err = l.find(tx, id)
		return err
	})
	if err == nil && e.Seq > head {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Event{}, err
	}
	return e, nil
}

func (l *Log) find(tx *bbolt.Tx, id string) (store.Event, error) {
	value := tx.Bucket(idsBucket).Get([]byte(id))
	if value == nil {
		return store.Event{}, store.ErrNotFound
	}
	seq, err := target([]byte(id), value)
	if err != nil {
		return store.Event{}, l.damaged("the place of an ID %v", err)
	}
	e, err := l.get(tx.Bucket(eventsBucket), seq)
	if err == nil && e.ID != id {
		err = l.damaged("event %d is not the one that its ID says", seq)
	}
	return e, err
}

// view runs f in a short transaction for reading.
func (l *Log) view(f func(tx *bbolt.Tx) error) error { return l.transact(l.db.View, f) }

// transact runs f in a transaction that begin gives.
func (l *Log) transact(begin func(func(*bbolt.Tx) error) error, f func(*bbolt.Tx) error) error {
	err := guarded(l.path, func() error { return begin(f) })
	if errors.Is(err, bberrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

// get reads one event that must be there.
func (l *Log) get(events *bbolt.Bucket, seq uint64) (store.Event, error) {
	value := events.Get(seqKey(seq))
	if value == nil {
		return store.Event{}, l.damaged("event %d is missing", seq)
	}
	return l.event(seqKey(seq), value)
}

func (l *Log) event(key, value []byte) (store.Event, error) {
	if len(key) != 8 {
		return store.Event{}, l.damaged("a record has no place")
	}
	seq := binary.BigEndian.Uint64(key)
	e, err := decode(value, seq)
	if err != nil {
		return store.Event{}, l.damaged("event %d %v", seq, err)
	}
	return e, nil
}

// tail is the Seq of a conversation's newest event, 0 where there is none.
func (l *Log) tail(tails *bbolt.Bucket, conversation string) (uint64, error) {
	key := []byte(conversation)
	value := tails.Get(key)
	if value == nil {
		return 0, nil
	}
	seq, err := target(key, value)
	if err != nil {
		return 0, l.damaged("the end of a conversation %v", err)
	}
	return seq, nil
}
