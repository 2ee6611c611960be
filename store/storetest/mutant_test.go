package storetest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"befree.example/store"
)

// A mutant is a log with one fault, which the exam must find.
type mutant struct {
	*MemoryLog
	fault string
	n     int
}

var faults = []string{
	"loses events", "splits calls", "keeps what it was given", "calls a duplicate a conflict", "knows no epoch",
	"reads too much", "turns conversations round", "cries too early", "never calls", "forgets an event when closed",
	"appends when closed", "names the wrong first",
}

func (m *mutant) Append(ctx context.Context, es ...store.Event) (uint64, error) {
	switch m.fault {
	case "loses events":
		if m.n++; m.n%7 == 0 {
			return m.last(), nil
		}
	case "splits calls":
		for _, e := range es {
			if _, err := m.MemoryLog.Append(ctx, e); err != nil {
				return 0, err
			}
		}
		return m.last(), nil
	case "keeps what it was given":
		last, err := m.MemoryLog.Append(ctx, es...)
		if err == nil {
			copy(m.events[len(m.events)-len(es):], asKept(es, m.events))
		}
		return last, err
	case "appends when closed":
		m.closed = false
	}
	last, err := m.MemoryLog.Append(ctx, es...)
	var duplicate *store.DuplicateError
	if errors.As(err, &duplicate) {
		switch m.fault {
		case "calls a duplicate a conflict":
			err = store.ErrConflict
		case "names the wrong first":
			err = &store.DuplicateError{Seq: m.last()}
		}
	}
	return last, err
}

// asKept gives the newest events with the bodies that es has.
func asKept(es, events []store.Event) []store.Event {
	kept := cloneAll(events[len(events)-len(es):])
	for i := range kept {
		kept[i].Body = es[i].Body
	}
	return kept
}

func (m *mutant) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	switch m.fault {
	case "knows no epoch":
		after.Epoch = ""
	case "reads too much":
		limit = max(limit, 2)
	}
	return m.MemoryLog.Read(ctx, after, limit)
}

func (m *mutant) Conversation(ctx context.Context, id string) ([]store.Event, error) {
	es, err := m.MemoryLog.Conversation(ctx, id)
	if m.fault == "turns conversations round" && len(es) > 1 {
		es[0], es[1] = es[1], es[0]
	}
	return es, err
}

func (m *mutant) Changed(after uint64) <-chan struct{} {
	c := m.MemoryLog.Changed(after)
	switch {
	case m.fault == "cries too early":
		c := make(chan struct{})
		close(c)
		return c
	case m.fault == "never calls" && !isClosed(c):
		return make(chan struct{})
	}
	return c
}

func (m *mutant) Close() error {
	if m.fault == "forgets an event when closed" && !m.closed && len(m.events) > 1 {
		last := m.events[len(m.events)-1]
		delete(m.ids, last.ID)
		m.tails[last.Conversation] = last.Prev
		m.events = m.events[:len(m.events)-1]
	}
	return m.MemoryLog.Close()
}

const mutantEnv = "BEFREE_TEST_MUTANT"

// TestMutant takes the exam with the fault that the environment names. It is run by TestExamFindsFaults.
func TestMutant(t *testing.T) {
	fault := os.Getenv(mutantEnv)
	if fault == "" {
		return
	}
	patience = time.Second
	TestLog(t, func(*testing.T) func() Log {
		m := &mutant{MemoryLog: Memory(), fault: fault}
		return func() Log {
			m.Close()
			m = &mutant{MemoryLog: m.Reopen(), fault: fault}
			return m
		}
	})
}

func TestExamFindsFaults(t *testing.T) {
	for _, fault := range append(faults, "none") {
		t.Run(fault, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMutant$", "-test.failfast", "-rapid.nofailfile")
			cmd.Env = append(os.Environ(), mutantEnv+"="+fault)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			failed := errors.As(err, &exit) && bytes.Contains(out, []byte("--- FAIL: TestMutant"))
			if failed == (fault == "none") || failed == (err == nil) {
				t.Errorf("exam of a log with this fault: %v\n%s", err, out)
			}
		})
	}
}
