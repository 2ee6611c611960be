package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"befree.example/store"
)

func testEpoch(c *candidate) {
	c.add(chain("a", 1, 0, 3)...)
	_, head, err := c.Read(c.Context(), store.Position{}, 0)
	if err != nil || head.Seq != 3 || head.Epoch == "" {
		c.Fatalf("head %+v, %v", head, err)
	}
	for _, bad := range []store.Position{{Epoch: "another"}, {Epoch: "another", Seq: 2}, {Epoch: head.Epoch, Seq: 4}, {Seq: 4}, {Seq: 1 << 63}} {
		if es, _, err := c.Read(c.Context(), bad, 10); !errors.Is(err, store.ErrEpoch) || len(es) > 0 {
			c.Errorf("read after %+v: %d events, %v, want ErrEpoch", bad, len(es), err)
		}
	}
	c.reopen()
	es, again, err := c.Read(c.Context(), head, 10)
	if err != nil || again != head || len(es) > 0 {
		c.Errorf("reopened log at its head: %d events, head %+v, %v, want %+v", len(es), again, err, head)
	}
	_, other, err := c.place(c.T)().Read(c.Context(), store.Position{}, 0)
	if err != nil || other.Epoch == head.Epoch {
		c.Errorf("another log has epoch %q, as this one, %v", other.Epoch, err)
	}
}

func testPieces(c *candidate) {
	const total = 530
	want := chain("a", 1, 0, total)
	c.add(want...)
	for _, limit := range []int{1, 2, 3, 7, 100, 255, 256, 257, 512, total - 1, total, total + 1} {
		var got []store.Event
		at := store.Position{}
		for at.Seq < total {
			es, head, err := c.Read(c.Context(), at, limit)
			if err != nil || head.Seq != total || len(es) != min(limit, int(total-at.Seq)) {
				c.Fatalf("read of %d after %d: %d events, head %d, %v", limit, at.Seq, len(es), head.Seq, err)
			}
			got = append(got, es...)
			at = store.Position{Epoch: head.Epoch, Seq: es[len(es)-1].Seq}
		}
		c.same(fmt.Sprint("log in pieces of ", limit), want, got)
	}
	for _, limit := range []int{0, -1} {
		if es, head, err := c.Read(c.Context(), store.Position{Seq: 5}, limit); err != nil || len(es) > 0 || head.Seq != total {
			c.Errorf("read of %d: %d events, head %d, %v", limit, len(es), head.Seq, err)
		}
	}
	got, err := c.Conversation(c.Context(), "a")
	if err != nil {
		c.Error(err)
	}
	c.same("a long conversation", want, got)
}

func isClosed(changed <-chan struct{}) bool {
	select {
	case <-changed:
		return true
	default:
		return false
	}
}

// comes waits for changed to be closed.
func (c *candidate) comes(what string, changed <-chan struct{}) {
	c.Helper()
	select {
	case <-changed:
	case <-time.After(patience):
		c.Fatalf("%s: not told", what)
	}
}

func testChanged(c *candidate) {
	var waiters []<-chan struct{}
	for range 1000 {
		waiters = append(waiters, c.Changed(0))
	}
	second, far := c.Changed(1), c.Changed(4)
	if slices.ContainsFunc(append(waiters, second, far), isClosed) {
		c.Error("told of a change before there was one")
	}
	c.add(Sample("1", "", 0))
	for _, changed := range waiters {
		c.comes("those who wait for the first event", changed)
	}
	if isClosed(second) || isClosed(c.Changed(1)) || isClosed(far) {
		c.Error("told of the second event at the first")
	}
	if _, err := c.Append(c.Context(), Sample("1", "", 0)); err == nil || isClosed(second) {
		c.Error("told of a refused event")
	}
	c.add(Sample("2", "", 0), Sample("3", "", 0), Sample("4", "", 0))
	c.comes("the second event", second)
	c.comes("what is there already", c.Changed(0))
	c.comes("what is there already", c.Changed(3))
	if isClosed(far) || isClosed(c.Changed(4)) {
		c.Error("told of the fifth event at the fourth")
	}
	c.add(Sample("5", "", 0))
	c.comes("the fifth event", far)
	c.reopen()
	c.comes("what was there before reopening", c.Changed(4))
	if isClosed(c.Changed(5)) {
		c.Error("told of a change after reopening")
	}
}

// spoil writes over all that an event shares.
func spoil(es ...store.Event) {
	for i := range es {
		for j := range es[i].Body {
			es[i].Body[j] = '!'
		}
		for j := range es[i].Head.Flags {
			es[i].Head.Flags[j] = "spoiled"
		}
		es[i] = store.Event{}
	}
}

func testMutation(c *candidate) {
	want, given := chain("a", 1, 0, 3), chain("a", 1, 0, 3)
	c.add(given...)
	spoil(given...)
	c.same("log after its giver changed what was given", want, c.all())
	spoil(c.all()...)
	inConversation, err := c.Conversation(c.Context(), "a")
	if err != nil {
		c.Fatal(err)
	}
	spoil(inConversation...)
	found, err := c.Find(c.Context(), want[1].ID)
	if err != nil {
		c.Fatal(err)
	}
	spoil(found)
	c.same("log after its reader changed what was read", want, c.all())
}

func testLarge(c *candidate) {
	var want []store.Event
	for i := range 20 {
		e := Sample(fmt.Sprint(i), "", 0)
		e.Body = bytes.Repeat([]byte{'a' + byte(i)}, 64<<10)
		e.Seq = uint64(i) + 1
		want = append(want, e)
	}
	c.add(want[:3]...)
	c.add(want[3])
	c.add(want[4:]...)
	c.same("log of large bodies", want, c.all())
}

func testContext(c *candidate) {
	c.add(chain("a", 1, 0, 2)...)
	ended, end := context.WithCancel(c.Context())
	end()
	_, appended := c.Append(ended, Sample("new", "b", 0))
	_, _, read := c.Read(ended, store.Position{}, 10)
	_, conversation := c.Conversation(ended, "a")
	_, found := c.Find(ended, "a-1")
	for what, err := range map[string]error{"append": appended, "read": read, "conversation": conversation, "find": found} {
		if !errors.Is(err, context.Canceled) {
			c.Errorf("%s with an ended context: %v", what, err)
		}
	}
	c.add(Sample("next", "a", 2))
}

func testClosed(c *candidate) {
	want := chain("a", 1, 0, 2)
	c.add(want...)
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		c.Fatalf("close twice: %v", err)
	}
	_, appended := c.Append(c.Context(), Sample("new", "b", 0))
	_, _, read := c.Read(c.Context(), store.Position{}, 10)
	_, conversation := c.Conversation(c.Context(), "a")
	_, found := c.Find(c.Context(), "a-1")
	for what, err := range map[string]error{"append": appended, "read": read, "conversation": conversation, "find": found} {
		if !errors.Is(err, store.ErrClosed) {
			c.Errorf("%s after close: %v, want ErrClosed", what, err)
		}
	}
	c.reopen()
	c.same("log after reopening", want, c.all())
}
