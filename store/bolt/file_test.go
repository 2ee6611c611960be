package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/storetest"
)

// logFile writes a log with n events and returns its path. The file is no longer than it must be.
func logFile(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "befree.log")
	l := mustOpen(t, path)
	for i := range n {
		mustAppend(t, l, storetest.Sample(fmt.Sprint("id-", i), "", 0))
	}
	var size int64
	if err := l.db.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// change changes a file by bbolt itself.
func change(t *testing.T, path string, f func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestUpgrade: a file of an older befree is given the buckets that it does not have, and keeps all else.
func TestUpgrade(t *testing.T) {
	path, newer := logFile(t, 3), logFormat
	newer.later = [][]byte{[]byte("index")}
	for _, readOnly := range []bool{true, false, true} {
		db, err := openFile(path, newer, readOnly)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	change(t, path, func(tx *bbolt.Tx) error {
		if tx.Bucket([]byte("index")) == nil {
			return errors.New("the bucket was not made")
		}
		return nil
	})
	if l := mustOpen(t, path); l.head.seq() != 3 {
		t.Error("events were lost")
	}
}

func TestBegin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "befree.log")
	l := mustOpen(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("new file has mode %v, %v, want 0600", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 || entries[1].Name() != "befree.log.pid" {
		t.Errorf("folder holds %v, %v, want the log and who has it open", entries, err)
	}
	if len(l.Epoch()) < 20 {
		t.Errorf("epoch %q is easily guessed", l.Epoch())
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T) (path string)
		want    error
		says    string
	}{
		"no folder": {func(t *testing.T) string { return filepath.Join(t.TempDir(), "none", "befree.log") }, fs.ErrNotExist, "make its folder"},
		"a folder":  {func(t *testing.T) string { return t.TempDir() }, ErrForeign, "name a file"},
		"empty": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "befree.log")
			write(t, path, nil)
			return path
		}, store.ErrDamaged, "backup"},
		"a short text": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "befree.log")
			write(t, path, []byte("hello\n"))
			return path
		}, ErrForeign, "name another file"},
		"a long text": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "befree.log")
			write(t, path, []byte(strings.Repeat("hello\n", 10000)))
			return path
		}, ErrForeign, "name another file"},
		"another program's": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "befree.log")
			change(t, path, func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("recipes"))
				return err
			})
			return path
		}, ErrForeign, "name another file"},
		"the keys": {func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "keys.db")
			k, err := OpenKeys(path)
			if err != nil {
				t.Fatal(err)
			}
			k.Close()
			return path
		}, ErrForeign, "name another file"},
		"a newer befree's": {func(t *testing.T) string {
			path := logFile(t, 1)
			change(t, path, func(tx *bbolt.Tx) error {
				return tx.Bucket(metaBucket).Put(versionKey, binary.BigEndian.AppendUint64(nil, 3))
			})
			return path
		}, ErrNewer, "use a newer befree"},
		"without a bucket": {func(t *testing.T) string {
			path := logFile(t, 1)
			change(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket(tailsBucket) })
			return path
		}, store.ErrDamaged, "backup"},
		"without a birth name": {func(t *testing.T) string {
			path := logFile(t, 1)
			change(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(epochKey) })
			return path
		}, store.ErrDamaged, "backup"},
		"without a version": {func(t *testing.T) string {
			path := logFile(t, 1)
			change(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(versionKey) })
			return path
		}, store.ErrDamaged, "backup"},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, c.prepare(t), c.want, c.says) })
	}
}

// refuses opens what must not be opened, either way, and looks at how that is said.
func refuses(t *testing.T, path string, want error, says string) {
	t.Helper()
	for _, o := range []Options{{}, {ReadOnly: true}} {
		l, err := Open(path, o)
		if err == nil {
			l.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("open with %+v: %v, want %v", o, err, want)
			continue
		}
		if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, path) || !strings.Contains(text, says) {
			t.Errorf("%q is not one line that names the file and says %q", text, says)
		}
	}
}

func TestOpenTruncated(t *testing.T) {
	path := logFile(t, 300)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for _, size := range []int{100, page - 1, page, page + 50, 2*page - 1, 2 * page, 3 * page, 4 * page, len(whole) / 2, len(whole) - page, len(whole) - 1} {
		write(t, path, whole[:size])
		refuses(t, path, store.ErrDamaged, "backup")
	}
	write(t, path, whole)
	mustVerify(t, mustOpen(t, path))
}

func TestPermissionInWords(t *testing.T) {
	err := inWords("/data/befree.log", logFormat, &fs.PathError{Op: "open", Path: "/data/befree.log", Err: fs.ErrPermission})
	want := "open the log: /data/befree.log cannot be opened: give this user the right to read and write it and its folder: " +
		"open /data/befree.log: permission denied"
	if err.Error() != want || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestInUse(t *testing.T) {
	path := logFile(t, 1)
	synctest.Test(t, func(t *testing.T) {
		l := mustOpen(t, path)
		began := time.Now()
		refuses(t, path, store.ErrInUse, fmt.Sprintf("%s; close process %d first", path, os.Getpid()))
		if took := time.Since(began); took > 2*lockWait {
			t.Errorf("that took two openers %v", took)
		}
		l.Close()
		mustOpen(t, path).Close()
	})
}

// TestBeginTogether: of many who begin one log at once all find the same.
func TestBeginTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "befree.log")
	synctest.Test(t, func(t *testing.T) {
		var epochs sync.Map
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				l, err := Open(path, Options{})
				if errors.Is(err, store.ErrInUse) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				epochs.Store(l.Epoch(), true)
				l.Close()
			})
		}
		group.Wait()
		n := 0
		epochs.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d logs were begun", n)
		}
	})
}

func TestReadOnly(t *testing.T) {
	path := logFile(t, 3)
	var readers []*Log
	for range 2 {
		l, err := Open(path, Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		readers = append(readers, l)
	}
	for _, l := range readers {
		if _, err := l.Append(t.Context(), storetest.Sample("x", "", 0)); !errors.Is(err, errReadOnly) {
			t.Errorf("append: %v", err)
		}
		if err := errors.Join(l.Verify(t.Context()), storetest.Check(t.Context(), l)); err != nil {
			t.Error(err)
		}
	}
	missing := filepath.Join(t.TempDir(), "befree.log")
	if _, err := Open(missing, Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open of nothing: %v", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a log was begun by a reader")
	}
}

// TestReplacedWhileWaiting: who waits for the lock of a file that is replaced meanwhile opens the new one.
func TestReplacedWhileWaiting(t *testing.T) {
	path, other := logFile(t, 1), logFile(t, 2)
	db, file, err := openOnce(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !isAt(path, file) {
		t.Error("file is not where it was opened")
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if isAt(path, file) {
		t.Error("file is still where another was put")
	}
	if head := mustOpen(t, path).head.seq(); head != 2 {
		t.Errorf("opened the log with %d events, want 2", head)
	}
}
