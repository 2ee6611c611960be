package relay

import (
	"context"
	"errors"
	"io"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/tree"
)

// A Tree is what a relay's log can prove of itself.
type Tree interface {
	// Checkpoint returns the log as it is on stable storage, signed.
	Checkpoint() (tree.Checkpoint, []byte, error)
	// Key is what checkpoints are signed with.
	Key() tree.Key
	// Extension proves that the log of size now goes on from what it was at size then.
	Extension(then, now uint64) ([]store.Hash, error)
	// Edge is the tree's right edge when it had this size.
	Edge(size uint64) (tree.Edge, error)
}

var _ Tree = (*bolt.Log)(nil)

// vouch sends the console a checkpoint that goes on from the one before. A console that keeps one of which this log can
// prove nothing gets it all the same: it has to see that.
func (f *feed) vouch() error {
	if f.tree == nil {
		return nil
	}
	c, signed, err := f.tree.Checkpoint()
	f.owes = errors.Is(err, store.ErrBroken) || errors.Is(err, store.ErrClosed)
	if f.owes {
		return nil // it is being opened again
	}
	if err != nil {
		return err
	}
	out := wire.Checkpoint{Signed: signed, Key: f.tree.Key(), From: f.kept, At: f.cursor.Seq}
	if out.Proof, err = f.tree.Extension(f.kept, c.Size); err != nil && !errors.Is(err, store.ErrEpoch) {
		return err
	}
	edge, err := f.tree.Edge(f.cursor.Seq)
	if err != nil {
		return err
	}
	out.Edge = edge.Nodes()
	f.kept = c.Size
	return f.send(wire.Frame{Checkpoint: &out})
}

// vouchAgain does so once enough has come since.
func (f *feed) vouchAgain() error {
	if f.cursor.Seq < f.kept+wire.CheckpointEvery {
		return nil
	}
	return f.vouch()
}

// Tree is what the log can prove of itself, also after it was opened again.
func (d *Data) Tree() Tree { return proving{d} }

// proving asks the log that is there now.
type proving struct{ data *Data }

// with gives f the log, unless there is none for the moment.
func (p proving) with(f func(*bolt.Log) error) error {
	p.data.swap.mu.RLock()
	defer p.data.swap.mu.RUnlock()
	if p.data.log == nil {
		return store.ErrBroken
	}
	return f(p.data.log)
}

func (p proving) Checkpoint() (c tree.Checkpoint, signed []byte, err error) {
	err = p.with(func(l *bolt.Log) (err error) {
		c, signed, err = l.Checkpoint()
		return err
	})
	return c, signed, err
}

func (p proving) Key() (k tree.Key) {
	_ = p.with(func(l *bolt.Log) error { // no log, no key
		k = l.Key()
		return nil
	})
	return k
}

func (p proving) Extension(then, now uint64) (proof []store.Hash, err error) {
	err = p.with(func(l *bolt.Log) (err error) {
		proof, err = l.Extension(then, now)
		return err
	})
	return proof, err
}

func (p proving) Edge(size uint64) (e tree.Edge, err error) {
	err = p.with(func(l *bolt.Log) (err error) {
		e, err = l.Edge(size)
		return err
	})
	return e, err
}

// hand hands on the log that is there now. If it is opened again meanwhile, what was handed on is cut short.
func (d *Data) hand(ctx context.Context, w io.Writer) error {
	var log *bolt.Log
	err := proving{d}.with(func(l *bolt.Log) error {
		log = l
		return nil
	})
	if err != nil {
		return err
	}
	return log.Hand(ctx, w)
}
