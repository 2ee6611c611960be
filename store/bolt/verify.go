package bolt

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"
)

// Verify reads the whole file and says the first thing that is wrong with it in an error that wraps
// [store.ErrDamaged]: a page that is in no place or in two, a hole in the order, a changed record, an ID that does not
// lead to its event, a chain that does not lead from a conversation's newest event to its first. Of a log with a tree it
// also tells where an event is not the one that was appended, a node of the tree not the one that its events make, and a
// checkpoint not what the log was. Appends wait meanwhile.
func (l *Log) Verify(ctx context.Context) error {
	return l.still(func(tx *bbolt.Tx) error {
		if err := checkPages(l.path, l.db.Info().PageSize, true); err != nil {
			return err
		}
		return l.verifier(ctx, tx).run()
	})
}

func (l *Log) verifier(ctx context.Context, tx *bbolt.Tx) *verifier {
	v := &verifier{log: l, ctx: ctx, tx: tx, ids: tx.Bucket(idsBucket), tails: map[string]uint64{}}
	if l.tree != nil {
		v.tree = &treeVerifier{log: l, tx: tx}
	}
	return v
}

// still runs f while nobody writes.
func (l *Log) still(f func(tx *bbolt.Tx) error) error {
	if l.db.IsReadOnly() {
		return l.view(f)
	}
	err := l.transact(l.db.Update, func(tx *bbolt.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return errNothing
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// A verifier goes through a log from its beginning.
type verifier struct {
	log   *Log
	ctx   context.Context
	tx    *bbolt.Tx
	ids   *bbolt.Bucket
	last  uint64
	tails map[string]uint64
	tree  *treeVerifier // none in a log without a tree
}

func (v *verifier) run() error {
	if err := v.tree.begin(); err != nil {
		return err
	}
	if err := v.each(eventsBucket, v.event); err != nil {
		return err
	}
	if err := v.ends(); err != nil {
		return err
	}
	ids := uint64(0)
	if err := v.each(idsBucket, func(_, _ []byte) error { ids++; return nil }); err != nil {
		return err
	}
	if ids != v.last {
		return v.log.damaged("it keeps %d IDs for %d events", ids, v.last)
	}
	if err := v.each(tailsBucket, v.tail); err != nil {
		return err
	}
	if len(v.tails) > 0 {
		return v.log.damaged("the end of %d conversations is missing", len(v.tails))
	}
	return v.tree.end()
}

// ends tells whether nothing is missing at the end. What is on disk may be one commit ahead of what is told.
func (v *verifier) ends() error {
	if head := v.log.head.seq(); v.last < head {
		return v.log.damaged("it ends at event %d and not at %d", v.last, head)
	}
	return nil
}

// each gives f all of a bucket, as long as ctx lasts, and sees that every key is in order and found.
func (v *verifier) each(bucket []byte, f func(key, value []byte) error) error {
	var before []byte
	b := v.tx.Bucket(bucket)
	c := b.Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if bytes.Compare(before, key) >= 0 || !bytes.Equal(b.Get(key), value) {
			return v.log.damaged("its keys are out of order")
		}
		if err := f(key, value); err != nil {
			return err
		}
		before = key
	}
	return nil
}

// event tells whether an event follows those before it, and is found by its ID.
func (v *verifier) event(key, value []byte) error {
	e, err := v.log.event(key, value)
	if err != nil {
		return err
	}
	v.last++
	if e.Seq != v.last {
		return v.log.damaged("event %d is missing", v.last)
	}
	if err := v.tree.event(e, value); err != nil {
		return err
	}
	if e.Prev != v.tails[e.Conversation] {
		return v.log.damaged("the chain of a conversation breaks at event %d", e.Seq)
	}
	if e.Conversation != "" {
		v.tails[e.Conversation] = e.Seq
	}
	if seq, err := target([]byte(e.ID), v.ids.Get([]byte(e.ID))); err != nil || seq != e.Seq {
		return v.log.damaged("event %d is not found by its ID", e.Seq)
	}
	return nil
}

// tail crosses off the end of one conversation.
func (v *verifier) tail(key, value []byte) error {
	seq, err := target(key, value)
	if err != nil || seq != v.tails[string(key)] || seq == 0 {
		return v.log.damaged("the end of a conversation is not event %d", seq)
	}
	delete(v.tails, string(key))
	return nil
}
