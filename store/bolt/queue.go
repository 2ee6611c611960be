package bolt

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"befree.example/store"
	"befree.example/store/tree"
)

var errReadOnly = errors.New("log is open for reading only")

// A call is one Append that waits for its turn.
type call struct {
	entries []entry
	twice   bool        // an ID stands in it twice
	result  chan result // takes one without waiting
}

// An entry is one event, ready to be written but for its Seq.
type entry struct {
	id, conversation string
	prev             uint64
	record           []byte
	leaf             tree.Leaf // none in a log without a tree
}

// A result is what Append returns.
type result struct {
	last uint64
	err  error
}

// A queue is what stands between those who append and the committer. What is taken from it is answered by the
// committer, everything else by the queue.
type queue struct {
	mu    sync.Mutex
	more  sync.Cond
	calls []*call
	busy  bool  // one who was let in, or what was taken, is being written
	err   error // why it takes no more
	ended bool
}

func newQueue(readOnly bool) *queue {
	q := &queue{}
	q.more.L = &q.mu
	if readOnly {
		q.err = errReadOnly
	}
	return q
}

// push puts c at the end.
func (q *queue) push(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return q.err
	}
	q.calls = append(q.calls, c)
	q.more.Signal()
	return nil
}

// enter lets one in who writes himself, where nobody else writes or waits.
func (q *queue) enter() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || q.busy || len(q.calls) > 0 {
		return false
	}
	q.busy = true
	return true
}

// leave takes c out again if it has not been taken.
func (q *queue) leave(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.calls, c); i >= 0 {
		q.calls = slices.Delete(q.calls, i, i+1)
	}
}

// take waits for calls and returns the oldest, up to batchLimit events but always one call. None means that the queue
// was closed and nothing is written any more.
func (q *queue) take() []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.busy || len(q.calls) == 0 && !q.ended {
		q.more.Wait()
	}
	if q.ended {
		return nil
	}
	q.busy = true
	n := q.batch()
	batch := slices.Clone(q.calls[:n])
	q.calls = slices.Delete(q.calls, 0, n)
	return batch
}

// done lets the next in.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	if len(q.calls) > 0 || q.ended {
		q.more.Signal()
	}
}

func (q *queue) batch() int {
	events := 0
	for i, c := range q.calls {
		events += len(c.entries)
		if i > 0 && events > batchLimit {
			return i
		}
	}
	return len(q.calls)
}

// fail answers [store.ErrBroken] with its cause to all that wait and all to come.
func (q *queue) fail(cause error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := fmt.Errorf("%w: %w", store.ErrBroken, cause)
	q.refuse(err)
	return err
}

// broken tells whether the log has failed to write.
func (q *queue) broken() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return errors.Is(q.err, store.ErrBroken)
}

// close answers [store.ErrClosed] to all that wait and all to come.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.refuse(store.ErrClosed)
	q.more.Broadcast()
}

func (q *queue) refuse(err error) {
	q.err = err
	for _, c := range q.calls {
		c.result <- result{err: err}
	}
	q.calls = nil
}
