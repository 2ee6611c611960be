package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"befree.example/store"
)

// testCloseWhileAppending: who was told success finds the event again, everybody else hears ErrClosed.
func testCloseWhileAppending(c *candidate) {
	const appenders, before = 16, 40
	var kept sync.Map
	var group sync.WaitGroup
	count, enough := atomic.Int64{}, make(chan struct{})
	for a := range appenders {
		group.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d", a, n)
				seq, err := c.Append(c.Context(), Sample(id, "", 0))
				if err != nil {
					if !errors.Is(err, store.ErrClosed) {
						c.Errorf("append while closing: %v, want ErrClosed", err)
					}
					return
				}
				kept.Store(id, seq)
				if count.Add(1) == before {
					close(enough)
				}
			}
		})
	}
	c.comes("appending", enough)
	if err := c.Close(); err != nil {
		c.Errorf("close: %v", err)
	}
	group.Wait()
	c.reopen()
	kept.Range(func(id, seq any) bool {
		e, err := c.Find(c.Context(), id.(string))
		if err != nil || e.Seq != seq.(uint64) {
			c.Errorf("acknowledged event %v at %v: found at %d, %v", id, seq, e.Seq, err)
		}
		return true
	})
}

// testOneWinner: of many who append after the same event exactly one is taken.
func testOneWinner(c *candidate) {
	const rounds, racers = 20, 8
	tail := uint64(0)
	for round := range rounds {
		var group sync.WaitGroup
		won := make(chan uint64, racers)
		for r := range racers {
			group.Go(func() {
				seq, err := c.Append(c.Context(), Sample(fmt.Sprintf("%d-%d", round, r), "a", tail))
				switch {
				case err == nil:
					won <- seq
				case !errors.Is(err, store.ErrConflict):
					c.Errorf("who lost a race heard %v, want ErrConflict", err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 {
			c.Fatalf("%d of %d won a race", len(won), racers)
		}
		tail = <-won
	}
}

// follow reads every event after at, up to the last one, as a console would.
func follow(ctx context.Context, log store.Log, at store.Position, limit int, last uint64) error {
	for at.Seq < last {
		es, head, err := log.Read(ctx, at, limit)
		if err != nil {
			return err
		}
		for _, e := range es {
			if e.Seq != at.Seq+1 {
				return fmt.Errorf("saw event %d after %d", e.Seq, at.Seq)
			}
			at = store.Position{Epoch: head.Epoch, Seq: e.Seq}
		}
		if len(es) > 0 {
			continue
		}
		select {
		case <-log.Changed(at.Seq):
		case <-ctx.Done():
			return fmt.Errorf("waited after %d for an event: %w", at.Seq, ctx.Err())
		}
	}
	return nil
}

// testFollowers: whoever reads on sees every event once, in order, whenever they began.
func testFollowers(c *candidate) {
	const appenders, each, followers = 8, 40, 12
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	var appending, following sync.WaitGroup
	begin := func(limit int) {
		following.Go(func() {
			if err := follow(ctx, c.Log, store.Position{}, limit, appenders*each); err != nil {
				c.Errorf("follower with pieces of %d: %v", limit, err)
			}
		})
	}
	for f := range followers {
		begin(1 + f*f)
	}
	for a := range appenders {
		appending.Go(func() {
			for n := range each {
				if _, err := c.Append(ctx, Sample(fmt.Sprintf("%d-%d", a, n), "", 0)); err != nil {
					c.Errorf("append: %v", err)
				}
				if a == 0 && n%10 == 0 {
					begin(n + 1)
				}
			}
		})
	}
	appending.Wait()
	following.Wait()
}

// A claim is an attempt to be the next in a conversation; a look asks who was last.
type (
	claim struct{ after uint64 }
	look  struct{}
	taken struct {
		seq uint64
		ok  bool
	}
)

// claims says what one conversation may answer: its state is the Seq of its newest event.
var claims = porcupine.Model{
	Init: func() any { return uint64(0) },
	Step: func(state, input, output any) (bool, any) {
		tail, out := state.(uint64), output.(taken)
		asked, isClaim := input.(claim)
		switch {
		case !isClaim:
			return out.seq == tail, tail
		case out.ok:
			return asked.after == tail && out.seq > tail, out.seq
		}
		return asked.after != tail, tail
	},
}

// testLinearizable: claims that overlap have an order in which each answer is the right one.
func testLinearizable(c *candidate) {
	const clients, each = 5, 30
	began := time.Now()
	histories := make([][]porcupine.Operation, clients)
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			do := func(input any, f func() taken) taken {
				op := porcupine.Operation{ClientId: client, Input: input, Call: int64(time.Since(began))}
				out := f()
				op.Output, op.Return = out, int64(time.Since(began))
				histories[client] = append(histories[client], op)
				return out
			}
			for n := range each {
				tail := do(look{}, c.look)
				do(claim{tail.seq}, func() taken { return c.claim(fmt.Sprintf("%d-%d", client, n), tail.seq) })
			}
		})
	}
	group.Wait()
	var history []porcupine.Operation
	for _, h := range histories {
		history = append(history, h...)
	}
	if r := porcupine.CheckOperationsTimeout(claims, history, patience); r != porcupine.Ok {
		c.Errorf("%d claims are not linearizable: %s", len(history), r)
	}
}

func (c *candidate) look() taken {
	es, err := c.Conversation(c.Context(), "a")
	if err != nil {
		c.Error(err)
	}
	if len(es) == 0 {
		return taken{}
	}
	return taken{seq: es[len(es)-1].Seq}
}

func (c *candidate) claim(id string, after uint64) taken {
	seq, err := c.Append(c.Context(), Sample(id, "a", after))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		c.Error(err)
	}
	return taken{seq, err == nil}
}
