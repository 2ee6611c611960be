package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"befree.example/store"
)

// resident counts the pages of a file that the system keeps in memory.
func resident(t *testing.T, path string) (n int) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(pages) }()
	seen := make([]byte, (len(pages)+os.Getpagesize()-1)/os.Getpagesize())
	_, _, number := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&pages[0])), uintptr(len(pages)), uintptr(unsafe.Pointer(&seen[0])))
	if number != 0 {
		t.Fatal(number)
	}
	for _, s := range seen {
		n += int(s & 1)
	}
	return n
}

// TestReadFromTheDisk: of a log that is opened from the disk, and of keys that are opened, also again after a failure,
// nothing is read that was in memory of their files.
func TestReadFromTheDisk(t *testing.T) {
	dir := t.TempDir()
	var system unix.Statfs_t
	if err := unix.Statfs(dir, &system); err != nil || system.Type == unix.TMPFS_MAGIC {
		t.Skip("a file system in memory has no disk to read from")
	}
	path := filepath.Join(dir, "log.db")
	l := mustOpen(t, path)
	es := make([]store.Event, 4000)
	for i := range es {
		es[i] = store.Event{ID: fmt.Sprint(i), Body: make([]byte, 1000)}
	}
	mustAppend(t, l, es...)
	l.Close()
	before := resident(t, path)
	for _, fromDisk := range []bool{false, true} {
		l, err := Open(path, Options{FromDisk: fromDisk})
		if err != nil {
			t.Fatal(err)
		}
		now := resident(t, path)
		if was := now > before/2; was == fromDisk {
			t.Errorf("from the disk %t: %d pages are in memory, %d before", fromDisk, now, before)
		}
		mustVerify(t, l)
		l.Close()
	}

	k := mustOpenKeys(t, filepath.Join(dir, "keys.db"))
	mustSave(t, k, 0, 20_000)
	reads := func() error { // all of it, as who lists the keys does
		_, err := os.ReadFile(k.path)
		return err
	}
	for how, open := range map[string]func() error{
		"after a failure": func() error {
			k.broken = errors.New("input/output error")
			return k.Reopen()
		},
		"at the start": func() error {
			err := k.Close()
			k = mustOpenKeys(t, k.path)
			return err
		},
	} {
		if err := reads(); err != nil {
			t.Fatal(err)
		}
		before := resident(t, k.path)
		if err := open(); err != nil {
			t.Fatal(err)
		}
		if now := resident(t, k.path); now > before/2 {
			t.Errorf("%s: %d pages of the keys are in memory, %d before", how, now, before)
		}
	}
}
