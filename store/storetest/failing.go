package storetest

import (
	"context"
	"fmt"
	"sync"

	"befree.example/store"
)

// A FailingLog is another log that fails on demand. What it was not told to do to a call, the other log does.
type FailingLog struct {
	store.Log

	mu     sync.Mutex
	before []error // what the next Appends answer without adding anything
	after  []error // what the next Appends that add something answer
	reads  []error // what the next Reads, Conversations and Finds answer
	broken error
	gate   chan struct{} // closed when calls may go on; none while nothing is held
	held   int
	change chan struct{} // closed when held changes
}

var _ store.Log = (*FailingLog)(nil)

// Failing gives log the ability to fail.
func Failing(log store.Log) *FailingLog { return &FailingLog{Log: log, change: make(chan struct{})} }

// FailAppend makes the next Append answer err and add nothing. Called again, it speaks of the one after.
func (f *FailingLog) FailAppend(err error) { f.set(func() { f.before = append(f.before, err) }) }

// FailAfterAppend makes the next Append answer err though its events were added, as when an answer is lost. Called
// again, it speaks of the one after.
func (f *FailingLog) FailAfterAppend(err error) { f.set(func() { f.after = append(f.after, err) }) }

// FailRead makes the next Read, Conversation or Find answer err. Called again, it speaks of the one after.
func (f *FailingLog) FailRead(err error) { f.set(func() { f.reads = append(f.reads, err) }) }

// Break makes every Append from now on answer [store.ErrBroken] with cause and add nothing, as a full disk does. Reads
// go on.
func (f *FailingLog) Break(cause error) {
	f.set(func() { f.broken = fmt.Errorf("%w: %w", store.ErrBroken, cause) })
}

// Mend takes everything back that the log was told to do, save Hold.
func (f *FailingLog) Mend() {
	f.set(func() { f.before, f.after, f.reads, f.broken = nil, nil, nil, nil })
}

// Hold keeps every Append waiting, before it does anything, until release is called or its ctx ends.
func (f *FailingLog) Hold() (release func()) {
	gate := make(chan struct{})
	f.set(func() { f.gate = gate })
	return sync.OnceFunc(func() {
		f.set(func() {
			if f.gate == gate {
				f.gate = nil
			}
			close(gate)
		})
	})
}

// AwaitHeld returns once n Appends are held, or ctx ends.
func (f *FailingLog) AwaitHeld(ctx context.Context, n int) error {
	for {
		f.mu.Lock()
		held, change := f.held, f.change
		f.mu.Unlock()
		if held >= n {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *FailingLog) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// next takes the first of a list of answers.
func (f *FailingLog) next(list *[]error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(*list) == 0 {
		return nil
	}
	err := (*list)[0]
	*list = (*list)[1:]
	return err
}

func (f *FailingLog) count(n int) {
	f.set(func() {
		f.held += n
		close(f.change)
		f.change = make(chan struct{})
	})
}

func (f *FailingLog) wait(ctx context.Context) error {
	f.mu.Lock()
	gate := f.gate
	f.mu.Unlock()
	if gate == nil {
		return nil
	}
	f.count(1)
	defer f.count(-1)
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Append implements [store.Log], but for what it was told to do.
func (f *FailingLog) Append(ctx context.Context, es ...store.Event) (uint64, error) {
	if err := f.wait(ctx); err != nil {
		return 0, err
	}
	if err := f.isBroken(); err != nil {
		return 0, err
	}
	if err := f.next(&f.before); err != nil {
		return 0, err
	}
	last, err := f.Log.Append(ctx, es...)
	if err != nil {
		return last, err
	}
	if err := f.next(&f.after); err != nil {
		return 0, err
	}
	return last, nil
}

func (f *FailingLog) isBroken() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

// Read implements [store.Log], but for what it was told to do.
func (f *FailingLog) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	if err := f.next(&f.reads); err != nil {
		return nil, store.Position{}, err
	}
	return f.Log.Read(ctx, after, limit)
}

// Conversation implements [store.Log], but for what it was told to do.
func (f *FailingLog) Conversation(ctx context.Context, id string) ([]store.Event, error) {
	if err := f.next(&f.reads); err != nil {
		return nil, err
	}
	return f.Log.Conversation(ctx, id)
}

// Find implements [store.Log], but for what it was told to do.
func (f *FailingLog) Find(ctx context.Context, id string) (store.Event, error) {
	if err := f.next(&f.reads); err != nil {
		return store.Event{}, err
	}
	return f.Log.Find(ctx, id)
}
