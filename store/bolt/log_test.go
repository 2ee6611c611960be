package bolt

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"befree.example/store"
	"befree.example/store/storetest"
)

// mustOpen opens the log at path until the test ends.
func mustOpen(t testing.TB, path string) *Log {
	t.Helper()
	l, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func newLog(t testing.TB) *Log {
	t.Helper()
	return mustOpen(t, filepath.Join(t.TempDir(), "befree.log"))
}

func mustAppend(t testing.TB, l *Log, es ...store.Event) {
	t.Helper()
	if _, err := l.Append(t.Context(), es...); err != nil {
		t.Fatal(err)
	}
}

func mustVerify(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLog(t *testing.T) {
	storetest.TestLog(t, func(t *testing.T) func() storetest.Log {
		path := filepath.Join(t.TempDir(), "befree.log")
		var l *Log
		return func() storetest.Log {
			if l != nil {
				l.Close()
			}
			l = mustOpen(t, path)
			mustVerify(t, l)
			return l
		}
	})
}

// full is an event with every field set.
func full() store.Event {
	e := storetest.Sample("full", "a", 0)
	e.BodyHash, e.Withheld = store.Hash{7, 31: 9}, true
	return e
}

func TestEveryFieldIsKept(t *testing.T) {
	l := newLog(t)
	want := []store.Event{full(), {ID: "bare"}, {ID: "\xff\x00", Conversation: "\xfe", Kind: "\xfd", Number: "\xfc"}}
	want[1].At = time.Unix(0, 0).UTC()
	mustAppend(t, l, want...)
	for i := range want {
		want[i].Seq = uint64(i) + 1
	}
	got, _, err := l.Read(t.Context(), store.Position{}, 10)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if !got[2].At.IsZero() {
		t.Errorf("time that was never set is %v", got[2].At)
	}
}

func TestRefusedNames(t *testing.T) {
	l := newLog(t)
	long := strings.Repeat("x", nameLimit+1)
	for _, e := range []store.Event{{}, {ID: long}, {ID: "a", Conversation: long}, {ID: "a", At: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		if _, err := l.Append(t.Context(), e); err == nil {
			t.Errorf("%d-byte ID, %d-byte conversation at %v was taken", len(e.ID), len(e.Conversation), e.At)
		}
	}
	mustAppend(t, l, store.Event{ID: long[1:], Conversation: long[1:]})
}

// TestReadHoldsNoTransaction: an open one would make the writer wait when the file grows.
func TestReadHoldsNoTransaction(t *testing.T) {
	l := newLog(t)
	for _, id := range []string{"1", "2", "3"} {
		mustAppend(t, l, storetest.Sample(id, "", 0))
	}
	mustAppend(t, l, storetest.Sample("4", "a", 0))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for what, read := range map[string]func(){
		"read":             func() { l.Read(t.Context(), store.Position{}, 2) },
		"read, cancelled":  func() { l.Read(cancelled, store.Position{}, 2) },
		"read elsewhere":   func() { l.Read(t.Context(), store.Position{Epoch: "x"}, 2) },
		"conversation":     func() { l.Conversation(t.Context(), "a") },
		"find":             func() { l.Find(t.Context(), "2") },
		"find what is not": func() { l.Find(t.Context(), "5") },
		"changed":          func() { l.Changed(0); l.Changed(9) },
		"verify":           func() { l.Verify(t.Context()) },
	} {
		if read(); l.db.Stats().OpenTxN != 0 {
			t.Errorf("%s leaves %d transactions open", what, l.db.Stats().OpenTxN)
		}
	}
}
