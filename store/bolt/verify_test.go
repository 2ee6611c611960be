package bolt

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/storetest"
)

// twoConversations writes a log of six events: a1 a2 b3 a4 b5, and an audit event.
func twoConversations(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "befree.log")
	l := mustOpen(t, path)
	mustAppend(t, l,
		storetest.Sample("a1", "a", 0), storetest.Sample("a2", "a", 1), storetest.Sample("b3", "b", 0),
		storetest.Sample("a4", "a", 2), storetest.Sample("b5", "b", 3), storetest.Sample("n6", "", 0),
	)
	mustVerify(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// rewrite puts another event at seq, with a right checksum.
func rewrite(tx *bbolt.Tx, seq uint64, f func(e *store.Event)) error {
	e, err := decode(tx.Bucket(eventsBucket).Get(seqKey(seq)), seq)
	if err != nil {
		return err
	}
	f(&e)
	data, err := withRoom(e)
	sign(data, seq)
	return errors.Join(err, tx.Bucket(eventsBucket).Put(seqKey(seq), data))
}

func point(tx *bbolt.Tx, bucket []byte, key string, seq uint64) error {
	return tx.Bucket(bucket).Put([]byte(key), pointer([]byte(key), seq))
}

// TestVerify makes faults that no checksum shows.
func TestVerify(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(tx *bbolt.Tx) error
		says  string
	}{
		"hole":          {func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Delete(seqKey(3)) }, "event 3 is missing"},
		"first gone":    {func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Delete(seqKey(1)) }, "event 1 is missing"},
		"last gone":     {func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Delete(seqKey(6)) }, "6 IDs for 5 events"},
		"chain skips":   {func(tx *bbolt.Tx) error { return rewrite(tx, 4, func(e *store.Event) { e.Prev = 1 }) }, "at event 4"},
		"chain crosses": {func(tx *bbolt.Tx) error { return rewrite(tx, 5, func(e *store.Event) { e.Prev = 4 }) }, "at event 5"},
		"chain ahead":   {func(tx *bbolt.Tx) error { return rewrite(tx, 1, func(e *store.Event) { e.Prev = 4 }) }, "at event 1"},
		"moved away":    {func(tx *bbolt.Tx) error { return rewrite(tx, 4, func(e *store.Event) { e.Conversation = "b" }) }, "at event 4"},
		"audit chained": {func(tx *bbolt.Tx) error { return rewrite(tx, 6, func(e *store.Event) { e.Prev = 5 }) }, "at event 6"},
		"ID twice":      {func(tx *bbolt.Tx) error { return rewrite(tx, 4, func(e *store.Event) { e.ID = "a1" }) }, "event 4 is not found by its ID"},
		"ID gone":       {func(tx *bbolt.Tx) error { return tx.Bucket(idsBucket).Delete([]byte("a2")) }, "event 2 is not found by its ID"},
		"ID elsewhere":  {func(tx *bbolt.Tx) error { return point(tx, idsBucket, "a2", 3) }, "event 2 is not found by its ID"},
		"ID of nothing": {func(tx *bbolt.Tx) error { return point(tx, idsBucket, "x", 3) }, "7 IDs for 6 events"},
		"end early":     {func(tx *bbolt.Tx) error { return point(tx, tailsBucket, "a", 2) }, "end of a conversation is not event 2"},
		"end late":      {func(tx *bbolt.Tx) error { return point(tx, tailsBucket, "a", 9) }, "end of a conversation is not event 9"},
		"end of none":   {func(tx *bbolt.Tx) error { return point(tx, tailsBucket, "x", 2) }, "end of a conversation is not event 2"},
		"end gone":      {func(tx *bbolt.Tx) error { return tx.Bucket(tailsBucket).Delete([]byte("b")) }, "end of 1 conversations is missing"},
		"not a place":   {func(tx *bbolt.Tx) error { return tx.Bucket(tailsBucket).Put([]byte("b"), []byte{1}) }, "end of a conversation"},
	} {
		t.Run(name, func(t *testing.T) {
			path := twoConversations(t)
			change(t, path, c.fault)
			err := openAndVerify(t, path)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want ErrDamaged and %q", err, c.says)
			}
		})
	}
}

func openAndVerify(t *testing.T, path string) error {
	l, err := Open(path, Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Verify(t.Context())
}

func TestVerifyStopsWithItsContext(t *testing.T) {
	l := mustOpen(t, twoConversations(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	l.Close()
	if err := l.Verify(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
}

// TestChangedBytes changes bytes all over a file, where the pages begin more than elsewhere. Nothing of that may go
// unseen and change what is read, and nothing may end the process.
func TestChangedBytes(t *testing.T) {
	path := logFile(t, 300)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := readAll(t, path)
	page := os.Getpagesize()
	var places []int
	for start := 0; start < len(whole); start += page {
		for range 6 {
			places = append(places, start+rand.IntN(96))
		}
		places = append(places, start+rand.IntN(page))
	}
	seen := 0
	for _, at := range places {
		with := byte(1 << rand.IntN(8))
		changed := append([]byte(nil), whole...)
		changed[at] ^= with
		write(t, path, changed)
		err := openAndVerify(t, path)
		if err == nil {
			goesOn(t, path, want)
			continue
		}
		seen++
		ours := errors.Is(err, store.ErrDamaged) || errors.Is(err, ErrForeign) || errors.Is(err, ErrNewer)
		if !ours || strings.Contains(err.Error(), "\n") {
			t.Errorf("byte %d changed by %#x: %v", at, with, err)
		}
		readDamaged(t, path)
	}
	if seen < len(places)/4 {
		t.Errorf("%d of %d changes were seen", seen, len(places))
	}
}

// goesOn tells whether a log that is said to be whole can be read and appended to.
func goesOn(t *testing.T, path string, want []store.Event) {
	t.Helper()
	if diff := cmp.Diff(want, readAll(t, path)); diff != "" {
		t.Errorf("a change that nobody is told of changes what is read:\n%s", diff)
	}
	l := mustOpen(t, path)
	defer l.Close()
	mustAppend(t, l, storetest.Sample("one more", "", 0))
	mustVerify(t, l)
}

func readAll(t *testing.T, path string) []store.Event {
	l := mustOpen(t, path)
	defer l.Close()
	es, _, err := l.Read(t.Context(), store.Position{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// readDamaged reads a damaged file in every way without asking first. It may fail.
func readDamaged(t *testing.T, path string) {
	l, err := Open(path, Options{})
	if err != nil {
		return
	}
	defer l.Close()
	l.Read(t.Context(), store.Position{}, 1000)
	l.Find(t.Context(), "id-7")
	l.Conversation(t.Context(), "a")
}

// TestChangedRecord: a record that was changed is never read as another event.
func TestChangedRecord(t *testing.T) {
	path := logFile(t, 3)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, []byte(strings.ReplaceAll(string(whole), "+12025550147", "+12025550148")))
	l, err := Open(path, Options{})
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "event 3 has a wrong checksum") {
		t.Errorf("open: %v", err)
	}
	if err == nil {
		l.Close()
	}
}
