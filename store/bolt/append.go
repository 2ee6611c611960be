package bolt

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/tree"
)

// Append implements [store.Log]. Without events it does nothing and returns the newest Seq. An event without an ID, or
// with an ID or conversation of more than 1,024 bytes, is refused. An ID that stands twice in es gives a DuplicateError
// with Seq 0, as neither is kept.
func (l *Log) Append(ctx context.Context, es ...store.Event) (last uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if l.treed && l.tree == nil {
		return 0, errUnattested
	}
	c, err := l.newCall(es)
	if err != nil {
		return 0, err
	}
	if ctx.Done() == nil && l.queue.enter() { // whoever may leave before it is written leaves it to the committer
		l.commit([]*call{c})
	} else if err := l.queue.push(c); err != nil {
		return 0, err
	}
	select {
	case r := <-c.result:
		return r.last, r.err
	case <-ctx.Done():
		l.queue.leave(c)
		return 0, ctx.Err()
	}
}

// newCall copies what it needs of es.
func (l *Log) newCall(es []store.Event) (*call, error) {
	c := &call{entries: make([]entry, len(es)), result: make(chan result, 1)}
	seen := make(map[string]bool, len(es))
	for i, e := range es {
		var err error
		if c.entries[i], err = l.newEntry(e); err != nil {
			return nil, err
		}
		c.twice = c.twice || seen[e.ID]
		seen[e.ID] = true
	}
	return c, nil
}

func (l *Log) newEntry(e store.Event) (entry, error) {
	if e.ID == "" || len(e.ID) > nameLimit || len(e.Conversation) > nameLimit {
		return entry{}, errors.New("event has no ID, or a name that is too long")
	}
	if l.tree == nil {
		data, err := withRoom(e)
		return entry{e.ID, e.Conversation, e.Prev, data, nil}, err
	}
	data, err := withMark(e)
	return entry{e.ID, e.Conversation, e.Prev, data, tree.LeafOf(e)}, err
}

// commitAll is the committer: it writes all but what one who appends alone, and waits to the end, writes himself. Two
// never write at once.
func (l *Log) commitAll() {
	defer close(l.ended)
	for {
		batch := l.queue.take()
		if batch == nil {
			return
		}
		l.commit(batch)
	}
}

// commit adds what can be added of batch in one transaction. Nobody is answered before it is on stable storage: even a
// refusal may rest on another call of the batch.
func (l *Log) commit(batch []*call) {
	defer l.queue.done()
	results, err := l.write(batch)
	if err != nil {
		err = l.queue.fail(err)
	}
	for i, c := range batch {
		if err != nil {
			results[i] = result{err: err}
		}
		c.result <- results[i]
	}
}

var errNothing = errors.New("nothing to commit")

func (l *Log) write(batch []*call) ([]result, error) {
	results := make([]result, len(batch))
	last := l.head.seq()
	var grown growth
	err := guarded(l.path, func() error {
		return l.db.Update(func(tx *bbolt.Tx) error {
			w := l.writer(tx, last)
			for i, c := range batch {
				if err := w.add(c, &results[i]); err != nil {
					return err
				}
			}
			if w.last == last {
				return errNothing
			}
			last, grown = w.last, w.grown
			return w.grown.finish()
		})
	})
	if errors.Is(err, errNothing) {
		return results, nil
	}
	if err == nil {
		grown.publish()
		l.head.move(last)
	}
	return results, err
}

// A writer adds calls within one transaction.
type writer struct {
	log                *Log
	events, ids, tails *bbolt.Bucket
	last               uint64
	grown              growth
}

func (l *Log) writer(tx *bbolt.Tx, last uint64) *writer {
	w := &writer{l, tx.Bucket(eventsBucket), tx.Bucket(idsBucket), tx.Bucket(tailsBucket), last, l.growth(tx)}
	w.events.FillPercent = 1 // keys only grow: a page that is left is full
	return w
}

// add puts all of c or nothing and says so in r. The error is one after which the transaction must not be committed.
func (w *writer) add(c *call, r *result) error {
	if r.err = w.check(c); r.err != nil {
		return nil
	}
	for _, e := range c.entries {
		if err := w.put(e); err != nil {
			return err
		}
	}
	r.last = w.last
	return nil
}

// check looks at every ID before any chain.
func (w *writer) check(c *call) error {
	for _, e := range c.entries {
		if err := w.checkID(e.id); err != nil {
			return err
		}
	}
	if c.twice {
		return &store.DuplicateError{}
	}
	return w.checkChains(c.entries)
}

func (w *writer) checkID(id string) error {
	value := w.ids.Get([]byte(id))
	if value == nil {
		return nil
	}
	seq, err := target([]byte(id), value)
	if err != nil {
		return w.log.damaged("the place of an ID %v", err)
	}
	return &store.DuplicateError{Seq: seq}
}

func (w *writer) checkChains(es []entry) error {
	tails := map[string]uint64{"": 0}
	for i, e := range es {
		tail, ok := tails[e.conversation]
		if !ok {
			var err error
			if tail, err = w.log.tail(w.tails, e.conversation); err != nil {
				return err
			}
		}
		if e.prev != tail {
			return fmt.Errorf("append to conversation %q: %w", e.conversation, store.ErrConflict)
		}
		if e.conversation != "" {
			tails[e.conversation] = w.last + 1 + uint64(i)
		}
	}
	return nil
}

func (w *writer) put(e entry) error {
	w.last++
	if err := w.grown.add(e, w.last); err != nil {
		return err
	}
	sign(e.record, w.last)
	if err := w.events.Put(seqKey(w.last), e.record); err != nil {
		return err
	}
	if err := w.ids.Put([]byte(e.id), pointer([]byte(e.id), w.last)); err != nil {
		return err
	}
	if e.conversation == "" {
		return nil
	}
	return w.tails.Put([]byte(e.conversation), pointer([]byte(e.conversation), w.last))
}
