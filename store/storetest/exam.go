// Package storetest holds the exam that every [store.Log] must pass, a Log in memory, and a Log that fails on demand.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"befree.example/store"
)

// A Log that can be examined: one that can be closed. Close returns once nothing of it runs any more, and gives those
// who wait in Append their result or [store.ErrClosed].
type Log interface {
	store.Log
	io.Closer
}

// patience is how long the exam waits for what must happen, before it says that it does not.
var patience = 20 * time.Second

// TestLog is the exam. Each call of place begins another new log, wherever the Log under examination keeps it, and
// returns the function that opens it; opening it again closes it first, as a restart would. Closing it at the end of t
// is place's business.
//
// It takes what every user of a Log sees, whatever lies beneath: BodyHash and Withheld are left out, because a Log that
// seals sets them itself. Every part ends by opening the log once more and reading all of it with [Check].
func TestLog(t *testing.T, place func(t *testing.T) (open func() Log)) {
	for _, part := range parts {
		t.Run(part.name, func(t *testing.T) {
			c := &candidate{T: t, place: place, open: place(t)}
			c.Log = c.open()
			part.test(c)
			c.reopen()
			if err := Check(t.Context(), c.Log); err != nil {
				t.Error(err)
			}
		})
	}
}

var parts = []struct {
	name string
	test func(*candidate)
}{
	{"empty", testEmpty},
	{"content", testContent},
	{"order", testOrder},
	{"all or none", testAllOrNone},
	{"conflict", testConflict},
	{"duplicate", testDuplicate},
	{"duplicate before conflict", testPrecedence},
	{"chain within one call", testChainInCall},
	{"audit events", testAudit},
	{"epoch", testEpoch},
	{"pieces", testPieces},
	{"changed", testChanged},
	{"mutation", testMutation},
	{"large bodies", testLarge},
	{"odd IDs", testOddIDs},
	{"ended context", testContext},
	{"closed", testClosed},
	{"close while others append", testCloseWhileAppending},
	{"one winner", testOneWinner},
	{"followers", testFollowers},
	{"claims are linearizable", testLinearizable},
	{"model", testModel},
}

// A candidate is a log under examination.
type candidate struct {
	*testing.T
	Log
	place func(t *testing.T) (open func() Log)
	open  func() Log
}

func (c *candidate) reopen() { c.Log = c.open() }

// add appends what must be taken.
func (c *candidate) add(es ...store.Event) uint64 {
	c.Helper()
	last, err := c.Append(c.Context(), es...)
	if err != nil {
		c.Fatalf("append: %v", err)
	}
	return last
}

// all reads the whole log.
func (c *candidate) all() []store.Event {
	c.Helper()
	es, _, err := c.Read(c.Context(), store.Position{}, 1<<20)
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	return es
}

// same compares events as the exam sees them.
func (c *candidate) same(what string, want, got []store.Event) {
	c.Helper()
	if diff := cmp.Diff(want, got, asSeen); diff != "" && len(want)+len(got) > 0 {
		c.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Bodies are compared at once and not byte by byte; an empty one and none are the same.
var (
	equal  = cmp.Options{cmp.Comparer(bytes.Equal), cmp.Comparer(slices.Equal[[]string]), cmpopts.EquateComparable(store.Hash{})}
	asSeen = cmp.Options{equal, cmpopts.IgnoreFields(store.Event{}, "BodyHash", "Withheld", "Leaf")}
)

var began = time.Date(2026, 3, 1, 22, 4, 5, 6, time.UTC)

// Sample is an event with every field set that a user of a Log sets, told from others by id.
func Sample(id, conversation string, prev uint64) store.Event {
	return store.Event{
		Prev: prev, ID: id, Conversation: conversation, At: began.Add(time.Duration(len(id)) * time.Second),
		Actor: "ana", Kind: "note", Number: "+12025550147", Body: fmt.Appendf(nil, `{"text":%q}`, "é "+id),
		Head: store.Head{
			Severity: "high", Language: "es", Tail: "0147", Keyword: "help", Flags: []string{"danger word", id},
			Staff: "bo", Ref: "ref-" + id, Delivery: "sent", Code: 30003, Late: time.Minute,
		},
		Command: store.Hash{1, 2, 31: 3},
	}
}

// chain gives events of one conversation, one after another from the Seq that the first will get.
func chain(conversation string, first uint64, prev uint64, n int) []store.Event {
	es := make([]store.Event, n)
	for i := range es {
		es[i] = Sample(fmt.Sprintf("%s-%d", conversation, first+uint64(i)), conversation, prev)
		es[i].Seq = first + uint64(i)
		prev = es[i].Seq
	}
	return es
}

// Check reads all of a log and says the first thing that cannot be: a hole in the order, an ID twice or not found, a
// chain that does not hold, a conversation that differs from its events in the log.
func Check(ctx context.Context, log store.Log) error {
	es, head, err := log.Read(ctx, store.Position{}, 1<<30)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if uint64(len(es)) != head.Seq {
		return fmt.Errorf("%d events, and the newest is %d", len(es), head.Seq)
	}
	conversations, err := checkOrder(es)
	if err != nil {
		return err
	}
	for _, e := range es {
		if found, err := log.Find(ctx, e.ID); err != nil || !cmp.Equal(e, found, equal) {
			return fmt.Errorf("event %d is not found by its ID: %w", e.Seq, err)
		}
	}
	for id, want := range conversations {
		if got, err := log.Conversation(ctx, id); err != nil || !cmp.Equal(want, got, equal) {
			return fmt.Errorf("conversation %q differs from its events in the log: %w", id, err)
		}
	}
	return nil
}

func checkOrder(es []store.Event) (conversations map[string][]store.Event, err error) {
	ids := map[string]uint64{}
	tails := map[string]uint64{}
	conversations = map[string][]store.Event{}
	for i, e := range es {
		switch {
		case e.Seq != uint64(i)+1:
			return nil, fmt.Errorf("event %d stands at place %d", e.Seq, i+1)
		case ids[e.ID] != 0:
			return nil, fmt.Errorf("events %d and %d have one ID", ids[e.ID], e.Seq)
		case e.Prev != tails[e.Conversation]:
			return nil, fmt.Errorf("event %d follows %d, and its conversation ended at %d", e.Seq, e.Prev, tails[e.Conversation])
		}
		ids[e.ID] = e.Seq
		if e.Conversation != "" {
			tails[e.Conversation] = e.Seq
			conversations[e.Conversation] = append(conversations[e.Conversation], e)
		}
	}
	return conversations, nil
}
