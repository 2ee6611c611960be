//go:build unix

package bolt

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"befree.example/store"
)

// endDisk has no file grow beyond a size, which stands for the end of a disk, until there is room again.
func endDisk(t *testing.T, size int64) (again func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // a write gives an error
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(size), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
}

// Where the disk has no room for a whole copy its newest conversations are set aside, or none, and what was set aside
// before stays; the copy is begun anew all the same, and no key goes that is needed.
func TestAFullDiskSetsAsideWhatItTakes(t *testing.T) {
	const conversations, each = 1000, 20
	for earlier, want := range map[int]Aside{1: {Of: store.Position{Epoch: "second", Seq: conversations*each + 1}}, 600: {Of: store.Position{Epoch: "first", Seq: 600}}} {
		t.Run(fmt.Sprint(earlier, " set aside before"), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cache.db")
			c := openErasing(t, path)
			var first []store.Event
			for i := range earlier {
				first = append(first, at(uint64(i)+1, 0, fmt.Sprint("earlier", i), "received"))
			}
			if err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}), c.Receive(first...)); err != nil {
				t.Fatal(err)
			}
			setAside(t, c, "second")
			second := []store.Event{outline(1, 0, "theirs", "received")}
			for i := range uint64(conversations * each) {
				second = append(second, at(i+2, 0, fmt.Sprint("c", i%conversations), "received"))
			}
			if err := errors.Join(c.Follow(store.Position{Epoch: "second"}), c.Receive(second...), c.Compact()); err != nil {
				t.Fatal(err)
			}
			theirs := wrapped(t, c, "theirs/facts")
			is, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			again := endDisk(t, is.Size())
			setAside(t, c, "third")
			again()
			a, err := c.Aside()
			if err != nil || a.Of != want.Of || c.Position() != (store.Position{Epoch: "third"}) {
				t.Errorf("set aside: %+v, %v; the copy goes on at %v", a, err, c.Position())
			}
			if n := len(a.Conversations); earlier == 1 && (n < 10 || n+a.Lost != conversations) || earlier > 1 && (n != earlier || a.Lost != conversations) {
				t.Errorf("%d conversations are set aside, %d lost", n, a.Lost)
			}
			if read := asides(t, c); len(read) < len(a.Conversations) {
				t.Errorf("%d events can be read of %d conversations", len(read), len(a.Conversations))
			}
			if err := c.Compact(); err != nil || hasBytes(t, path, theirs) {
				t.Errorf("a key that nothing needs is in the file: %v", err)
			}
		})
	}
}
