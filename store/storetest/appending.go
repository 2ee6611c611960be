package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"befree.example/store"
)

func testEmpty(c *candidate) {
	es, head, err := c.Read(c.Context(), store.Position{}, 10)
	if err != nil || len(es) != 0 || head.Seq != 0 || head.Epoch == "" {
		c.Errorf("read of a new log: %d events, head %+v, %v", len(es), head, err)
	}
	if es, err := c.Conversation(c.Context(), "nobody"); err != nil || len(es) != 0 {
		c.Errorf("conversation that is not there: %d events, %v", len(es), err)
	}
	if _, err := c.Find(c.Context(), "nothing"); !errors.Is(err, store.ErrNotFound) {
		c.Errorf("ID that is not there: %v, want ErrNotFound", err)
	}
	if last, err := c.Append(c.Context()); last != 0 || err != nil {
		c.Errorf("append of nothing: %d, %v", last, err)
	}
}

func testContent(c *candidate) {
	want := Sample("a", "7f3k", 0)
	given := want
	given.Seq = 99 // the log's to give
	given.At = want.At.In(time.FixedZone("elsewhere", 3600))
	want.Seq = c.add(given)
	for range 2 {
		c.same("the event as read", []store.Event{want}, c.all())
		found, err := c.Find(c.Context(), "a")
		if err != nil {
			c.Fatal(err)
		}
		c.same("the event as found", []store.Event{want}, []store.Event{found})
		if found.At != want.At {
			c.Errorf("time is %v, want it in UTC without a monotonic part", found.At)
		}
		c.reopen()
	}
}

func testOrder(c *candidate) {
	var want []store.Event
	for i, es := range [][]store.Event{chain("a", 1, 0, 3), chain("b", 4, 0, 1), chain("a", 5, 3, 2), chain("b", 7, 4, 1)} {
		if last := c.add(es...); last != es[len(es)-1].Seq {
			c.Errorf("append %d returned %d, want %d", i, last, es[len(es)-1].Seq)
		}
		want = append(want, es...)
		c.same("log", want, c.all())
	}
	c.reopen()
	c.same("log after reopening", want, c.all())
	c.add(chain("c", 8, 0, 1)...)
}

// stays tells whether the log is still as it was after refusing es, and all their new IDs are free.
func (c *candidate) stays(before []store.Event, es []store.Event) {
	c.Helper()
	c.same("log after a refusal", before, c.all())
	c.reopen()
	c.same("log after a refusal, reopened", before, c.all())
	for _, e := range es {
		kept := false
		for _, b := range before {
			kept = kept || b.ID == e.ID
		}
		if _, err := c.Find(c.Context(), e.ID); !kept && !errors.Is(err, store.ErrNotFound) {
			c.Errorf("the ID of a refused event: %v, want ErrNotFound", err)
		}
	}
}

func testAllOrNone(c *candidate) {
	before := chain("a", 1, 0, 2)
	c.add(before...)
	conflict, duplicate, nameless := chain("a", 3, 2, 3), chain("a", 3, 2, 3), chain("a", 3, 2, 3)
	conflict[2].Prev = 3
	duplicate[1].ID = before[1].ID
	nameless[2].ID = ""
	for name, es := range map[string][]store.Event{"conflict": conflict, "duplicate": duplicate, "nameless": nameless} {
		if _, err := c.Append(c.Context(), es...); err == nil {
			c.Errorf("append with a %s was taken", name)
		}
		c.stays(before, es)
	}
	c.add(chain("a", 3, 2, 3)...)
}

func testConflict(c *candidate) {
	before := append(chain("a", 1, 0, 3), chain("b", 4, 0, 1)...)
	c.add(before...)
	for _, bad := range []struct {
		conversation string
		prev         uint64
	}{
		{"a", 0},
		{"a", 1},
		{"a", 2},
		{"a", 4},
		{"a", 5},
		{"a", 99},
		{"a", 1 << 63},
		{"b", 0},
		{"b", 3},
		{"new", 1},
		{"new", 4},
		{"new", 5},
	} {
		e := Sample("x", bad.conversation, bad.prev)
		if _, err := c.Append(c.Context(), e); !errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrDuplicate) {
			c.Errorf("%s after %d: %v, want ErrConflict", bad.conversation, bad.prev, err)
		}
	}
	c.stays(before, []store.Event{Sample("x", "", 0)})
	if last := c.add(Sample("x", "a", 3)); last != 5 {
		c.Errorf("first event after refusals got %d, want 5", last)
	}
}

// refusedAt tells whether appending es is refused because an ID stands at seq already.
func (c *candidate) refusedAt(seq uint64, es ...store.Event) {
	c.Helper()
	_, err := c.Append(c.Context(), es...)
	var duplicate *store.DuplicateError
	if !errors.As(err, &duplicate) || !errors.Is(err, store.ErrDuplicate) || errors.Is(err, store.ErrConflict) {
		c.Errorf("append of a kept ID: %v, want a DuplicateError", err)
	} else if duplicate.Seq != seq {
		c.Errorf("append of a kept ID: first one is at %d, want %d", duplicate.Seq, seq)
	}
}

func testDuplicate(c *candidate) {
	c.add(Sample("one", "a", 0), Sample("two", "a", 1))
	c.add(Sample("audit", "", 0))
	for range 2 {
		c.refusedAt(1, Sample("one", "a", 2))
		c.refusedAt(2, Sample("two", "new", 0))
		c.refusedAt(3, Sample("audit", "a", 2))
		c.refusedAt(1, Sample("one", "", 0))
		c.reopen()
	}
	var filler []store.Event
	for i := range 1500 {
		filler = append(filler, Sample(fmt.Sprint("filler-", i), "", 0))
	}
	c.add(filler...)
	c.refusedAt(1, Sample("one", "a", 2))
}

func testPrecedence(c *candidate) {
	c.add(Sample("one", "a", 0), Sample("two", "a", 1))
	c.refusedAt(1, Sample("one", "a", 0))                        // a retry of what was taken
	c.refusedAt(2, Sample("two", "b", 9))                        // both wrong
	c.refusedAt(2, Sample("new", "a", 0), Sample("two", "a", 2)) // conflict first
	c.refusedAt(1, Sample("new", "b", 0), Sample("one", "b", 3)) // second in its call
	c.refusedAt(0, Sample("new", "b", 0), Sample("new", "b", 3)) // twice in one call: neither is kept
	c.refusedAt(0, Sample("new", "b", 9), Sample("new", "c", 0)) // and a conflict
	c.refusedAt(2, Sample("new", "", 0), Sample("new", "", 0), Sample("two", "", 0))
	c.add(Sample("new", "b", 0))
}

func testChainInCall(c *candidate) {
	es := []store.Event{
		Sample("a1", "a", 0), Sample("b2", "b", 0), Sample("a3", "a", 1), Sample("n4", "", 0), Sample("b5", "b", 2),
		Sample("a6", "a", 3),
	}
	c.add(es...)
	for _, prev := range []uint64{0, 6, 8, 9} { // neither before the call, nor itself, nor what comes later
		_, err := c.Append(c.Context(), Sample("a7", "a", 6), Sample("a8", "a", prev), Sample("a9", "a", 8))
		if !errors.Is(err, store.ErrConflict) {
			c.Errorf("second event of a call after %d: %v, want ErrConflict", prev, err)
		}
	}
	if last := c.add(Sample("a7", "a", 6), Sample("a8", "a", 7), Sample("a9", "a", 8)); last != 9 {
		c.Errorf("last is %d, want 9", last)
	}
}

func testAudit(c *candidate) {
	c.add(Sample("n1", "", 0), Sample("a2", "a", 0), Sample("n3", "", 0))
	c.add(Sample("n4", "", 0))
	for _, prev := range []uint64{1, 4, 5} {
		if _, err := c.Append(c.Context(), Sample("n", "", prev)); !errors.Is(err, store.ErrConflict) {
			c.Errorf("event without a conversation after %d: %v, want ErrConflict", prev, err)
		}
	}
	if es, err := c.Conversation(c.Context(), ""); err != nil || len(es) != 0 {
		c.Errorf("conversation without a name has %d events, %v", len(es), err)
	}
	c.add(Sample("a5", "a", 2))
}

func testOddIDs(c *candidate) {
	odd := []string{
		"x", "X", "x ", " x", "xx", "x/compliance", "x\x00", "\x00", "\xff\xfe", "é", "e\u0301", strings.Repeat("long", 75),
		store.DeviceID("abcdefgh01234567", 1), store.DeviceID("abcdefgh01234567", 10),
	}
	for i, id := range odd {
		c.add(Sample(id, "", 0))
		c.refusedAt(uint64(i)+1, Sample(id, "", 0))
	}
	for i, id := range odd {
		if e, err := c.Find(c.Context(), id); err != nil || e.ID != id || e.Seq != uint64(i)+1 {
			c.Errorf("ID %q: found at %d, %v", id, e.Seq, err)
		}
	}
	if _, err := c.Append(c.Context(), Sample("", "a", 0)); err == nil {
		c.Error("an event without an ID was taken")
	}
	if _, err := c.Find(c.Context(), ""); !errors.Is(err, store.ErrNotFound) {
		c.Errorf("find without an ID: %v, want ErrNotFound", err)
	}
}
