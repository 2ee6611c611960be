package relay

import (
	"runtime"
	"sync"
)

// A crew says to consoles what there is to be said to them: a few hands, one console after another. For a hand that waits
// for its console to take what it is sent, or for the log on disk, there is another one meanwhile: a slow console slows
// itself alone.
type crew struct {
	mu      sync.Mutex
	waiting []*feed // nil where a round ends
	hands   int     // but those that wait
	rounds  chan struct{}
}

func newCrew() *crew { return &crew{rounds: make(chan struct{}, 1)} }

// take lines up feeds, each of which is with the crew once.
func (c *crew) take(feeds ...*feed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, feeds...)
	c.man()
}

// round lines up feeds and returns once the last of them has its turn.
func (c *crew) round(feeds []*feed) {
	c.take(append(feeds, nil)...)
	<-c.rounds
}

// man has as many hands at work as are of use.
func (c *crew) man() {
	for n := min(runtime.GOMAXPROCS(0)-c.hands, len(c.waiting)); n > 0; n-- {
		c.hands++
		go c.work()
	}
}

func (c *crew) work() {
	for f := c.next(); f != nil; f = c.next() {
		more := false
		err := f.walls.safely("what a console is told", func() (err error) {
			more, err = f.turn()
			return err
		})
		switch {
		case err != nil:
			f.end(err)
			_ = f.ws.Close() // ends the reader
			f.last.Done()
		case more:
			c.take(f)
		}
	}
}

// next is the next feed for a hand, or nil where the hand is of no more use.
func (c *crew) next() *feed {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) > 0 && c.hands <= runtime.GOMAXPROCS(0) {
		f := c.waiting[0]
		c.waiting[0], c.waiting = nil, c.waiting[1:]
		if f != nil {
			return f
		}
		c.rounds <- struct{}{}
	}
	c.hands--
	return nil
}

// aside is wait, meanwhile with another hand in the place of this one. Who waits and is no hand lets one more work.
func (c *crew) aside(wait func()) {
	c.mu.Lock()
	c.hands--
	c.man()
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.hands++
		c.mu.Unlock()
	}()
	wait()
}
