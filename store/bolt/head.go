package bolt

import "sync"

// A head is where the log ends for those who read it, and tells those who wait there. It moves only over events that
// are on stable storage.
type head struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan struct{} // by the Seq after which they wait; many who wait for one share it
}

// closed is for those who need not wait.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func newHead(last uint64) *head { return &head{last: last, waiting: map[uint64]chan struct{}{}} }

func (h *head) seq() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// changed is closed once the head is beyond after.
func (h *head) changed(after uint64) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last > after || h.waiting == nil {
		return closed
	}
	c := h.waiting[after]
	if c == nil {
		c = make(chan struct{})
		h.waiting[after] = c
	}
	return c
}

// move puts the head at last and wakes those whom that concerns.
func (h *head) move(last uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = last
	for after, c := range h.waiting {
		if after < last {
			close(c)
			delete(h.waiting, after)
		}
	}
}

// end wakes everybody: nothing more will come.
func (h *head) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.waiting {
		close(c)
	}
	h.waiting = nil
}
