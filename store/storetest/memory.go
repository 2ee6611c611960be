package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"

	"befree.example/store"
)

// A MemoryLog is a [store.Log] that ends with the process. It passes the exam.
type MemoryLog struct {
	epoch string

	mu      sync.Mutex
	closed  bool
	events  []store.Event
	ids     map[string]uint64
	tails   map[string]uint64
	waiting map[uint64]chan struct{} // by the Seq after which they wait
}

var _ Log = (*MemoryLog)(nil)

// Memory begins a new log in memory.
func Memory() *MemoryLog {
	return &MemoryLog{
		epoch: rand.Text(), ids: map[string]uint64{}, tails: map[string]uint64{}, waiting: map[uint64]chan struct{}{},
	}
}

// Reopen closes m and returns the same log opened again, as after a restart.
func (m *MemoryLog) Reopen() *MemoryLog {
	m.Close()
	again := Memory()
	again.epoch, again.events, again.ids, again.tails = m.epoch, m.events, m.ids, m.tails
	return again
}

// Close ends the log; all its calls give [store.ErrClosed] from then on, and Changed's channels are closed.
func (m *MemoryLog) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.wake(^uint64(0))
	return nil
}

// ready tells why nothing can be done, if so. The caller holds mu.
func (m *MemoryLog) ready(ctx context.Context) error {
	if m.closed {
		return store.ErrClosed
	}
	return ctx.Err()
}

// Append implements [store.Log].
func (m *MemoryLog) Append(ctx context.Context, es ...store.Event) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ready(ctx); err != nil {
		return 0, err
	}
	if err := m.check(es); err != nil {
		return 0, err
	}
	for _, e := range es {
		e = clone(e)
		e.Seq = m.last() + 1
		e.At = e.At.Round(0).UTC()
		m.events = append(m.events, e)
		m.ids[e.ID] = e.Seq
		if e.Conversation != "" {
			m.tails[e.Conversation] = e.Seq
		}
	}
	m.wake(m.last())
	return m.last(), nil
}

func (m *MemoryLog) last() uint64 { return uint64(len(m.events)) }

func (m *MemoryLog) check(es []store.Event) error {
	if slices.ContainsFunc(es, func(e store.Event) bool { return e.ID == "" }) {
		return errors.New("event has no ID")
	}
	if err := m.checkIDs(es); err != nil {
		return err
	}
	tails := map[string]uint64{"": 0}
	for i, e := range es {
		tail, ok := tails[e.Conversation]
		if !ok {
			tail = m.tails[e.Conversation]
		}
		if e.Prev != tail {
			return store.ErrConflict
		}
		if e.Conversation != "" {
			tails[e.Conversation] = m.last() + 1 + uint64(i)
		}
	}
	return nil
}

func (m *MemoryLog) checkIDs(es []store.Event) error {
	seen := map[string]bool{}
	for _, e := range es {
		if seq, ok := m.ids[e.ID]; ok {
			return &store.DuplicateError{Seq: seq}
		}
		seen[e.ID] = true
	}
	if len(seen) < len(es) {
		return &store.DuplicateError{}
	}
	return nil
}

// wake tells those who wait for an event up to last. The caller holds mu.
func (m *MemoryLog) wake(last uint64) {
	for after, c := range m.waiting {
		if after < last {
			close(c)
			delete(m.waiting, after)
		}
	}
}

// Read implements [store.Log].
func (m *MemoryLog) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	head := store.Position{Epoch: m.epoch, Seq: m.last()}
	if err := m.ready(ctx); err != nil {
		return nil, head, err
	}
	if after.Epoch != "" && after.Epoch != m.epoch || after.Seq > head.Seq {
		return nil, head, store.ErrEpoch
	}
	rest := m.events[after.Seq:]
	return cloneAll(rest[:min(len(rest), max(limit, 0))]), head, nil
}

// Changed implements [store.Log].
func (m *MemoryLog) Changed(after uint64) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.waiting[after]
	if c == nil {
		c = make(chan struct{})
		m.waiting[after] = c
	}
	if m.closed {
		m.wake(^uint64(0))
	}
	m.wake(m.last())
	return c
}

// Conversation implements [store.Log].
func (m *MemoryLog) Conversation(ctx context.Context, id string) ([]store.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ready(ctx); err != nil {
		return nil, err
	}
	var es []store.Event
	for seq := m.tails[id]; seq != 0; seq = m.events[seq-1].Prev {
		es = append(es, m.events[seq-1])
	}
	slices.Reverse(es)
	return cloneAll(es), nil
}

// Find implements [store.Log].
func (m *MemoryLog) Find(ctx context.Context, id string) (store.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.ready(ctx); err != nil {
		return store.Event{}, err
	}
	seq, ok := m.ids[id]
	if !ok {
		return store.Event{}, store.ErrNotFound
	}
	return clone(m.events[seq-1]), nil
}

// clone copies what events share.
func clone(e store.Event) store.Event {
	e.Body = slices.Clone(e.Body)
	e.Head.Flags = slices.Clone(e.Head.Flags)
	return e
}

func cloneAll(es []store.Event) []store.Event {
	copied := make([]store.Event, len(es))
	for i, e := range es {
		copied[i] = clone(e)
	}
	return copied
}
