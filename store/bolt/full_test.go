//go:build unix

package bolt

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
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
	const events = 30_000
	for conversations, epochs := range map[uint64][]string{1000: {"first", "second"}, 1: {"first"}} {
		t.Run(fmt.Sprint(conversations, " conversations"), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cache.db")
			c := openErasing(t, path)
			if err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}), c.Receive(at(1, 0, "earlier", "received"))); err != nil {
				t.Fatal(err)
			}
			setAside(t, c, "second")
			second := []store.Event{outline(1, 0, "theirs", "received")}
			for i := range uint64(events) {
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
			var of []string
			for _, one := range a.copies() {
				of = append(of, one.Of.Epoch)
			}
			if err != nil || !slices.Equal(of, epochs) || c.Position() != (store.Position{Epoch: "third"}) {
				t.Errorf("set aside are %q, %v; the copy goes on at %v", of, err, c.Position())
			}
			n := len(a.names()) - 1
			if uint64(n+a.Lost) != conversations || a.Lost == 0 || conversations > 1 && n < 10 {
				t.Errorf("%d conversations are set aside, %d lost", n, a.Lost)
			}
			if read := asides(t, c); uint64(len(read)) != 1+uint64(n)*events/conversations {
				t.Errorf("%d events can be read of %d conversations", len(read), n)
			}
			if err := c.Compact(); err != nil || hasBytes(t, path, theirs) {
				t.Errorf("a key that nothing needs is in the file: %v", err)
			}
		})
	}
}
