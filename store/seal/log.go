package seal

import (
	"context"
	"slices"

	"befree.example/store"
	"befree.example/store/tree"
)

// A Log is a store.Log whose events lie sealed in another. IDs from outside are looked up by their clear form, so the
// inner Log sees none; its errors and promises pass through.
// Each event that is read comes with its leaf, which is made of it as it lies in the inner Log.
type Log struct {
	inner store.Log
	ring  *Ring
}

var _ store.Log = (*Log)(nil)

// NewLog makes a Log over inner, which then holds only what r has sealed.
func NewLog(inner store.Log, r *Ring) *Log { return &Log{inner: inner, ring: r} }

// Append implements [store.Log]. The data keys of es are on stable storage before any of es is.
func (l *Log) Append(ctx context.Context, es ...store.Event) (last uint64, err error) {
	sealed, err := l.ring.Seal(es)
	if err != nil {
		return 0, err
	}
	return l.inner.Append(ctx, sealed...)
}

// Keep is Append and returns es as Read gives them, save that they share memory with es.
func (l *Log) Keep(ctx context.Context, es ...store.Event) (kept []store.Event, err error) {
	sealed, err := l.ring.Seal(es)
	if err != nil {
		return nil, err
	}
	last, err := l.inner.Append(ctx, sealed...)
	if err != nil {
		return nil, err
	}
	kept = slices.Clone(es)
	for i := range kept {
		e := &kept[i]
		e.Seq = last - uint64(len(es)-1-i)
		sealed[i].Seq = e.Seq
		e.At, e.Leaf = e.At.Round(0).UTC(), tree.HashOf(sealed[i])
		if e.BodyHash.IsZero() {
			e.BodyHash = sealed[i].BodyHash
		}
	}
	return kept, nil
}

// Read implements [store.Log]. One event that is damaged fails the whole Read.
func (l *Log) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	sealed, head, err := l.inner.Read(ctx, after, limit)
	if err != nil {
		return nil, head, err
	}
	es, err := l.open(sealed...)
	return es, head, err
}

// Changed implements [store.Log].
func (l *Log) Changed(after uint64) <-chan struct{} { return l.inner.Changed(after) }

// Conversation implements [store.Log].
func (l *Log) Conversation(ctx context.Context, id string) ([]store.Event, error) {
	sealed, err := l.inner.Conversation(ctx, id)
	if err != nil {
		return nil, err
	}
	return l.open(sealed...)
}

// Find implements [store.Log]. It finds an event whose facts are forgotten, too.
func (l *Log) Find(ctx context.Context, id string) (store.Event, error) {
	sealed, err := l.inner.Find(ctx, l.ring.ClearID(id))
	if err != nil {
		return store.Event{}, err
	}
	es, err := l.open(sealed)
	if err != nil {
		return store.Event{}, err
	}
	es[0].ID = id
	return es[0], nil
}

// open opens all of sealed or none.
func (l *Log) open(sealed ...store.Event) ([]store.Event, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	es, err := l.ring.Open(sealed...)
	for i := range es {
		es[i].Leaf = tree.HashOf(sealed[i])
	}
	return es, err
}
