package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"befree.example/store"
	"befree.example/store/seal"
)

func mustOpenKeys(t *testing.T, path string) *Keys {
	t.Helper()
	k, err := OpenKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func newKeys(t *testing.T) *Keys {
	t.Helper()
	return mustOpenKeys(t, filepath.Join(t.TempDir(), "keys.db"))
}

// secret is a value that is easily found in a file.
func secret(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "secret-%04d.", n), 5) }

func mustSave(t *testing.T, k *Keys, from, to int) {
	t.Helper()
	keys := map[string][]byte{}
	for n := from; n < to; n++ {
		keys[fmt.Sprint("key/", n)] = secret(n)
	}
	if err := k.Save(keys); err != nil {
		t.Fatal(err)
	}
}

// holds tells whether exactly the keys from..to-1 of 0..99 are there.
func holds(t *testing.T, k *Keys, from, to int) {
	t.Helper()
	for n := range 100 {
		var want []byte
		if n >= from && n < to {
			want = secret(n)
		}
		values, err := k.Load("none", fmt.Sprint("key/", n))
		if err != nil || values[0] != nil || !bytes.Equal(values[1], want) {
			t.Errorf("key %d is %q, %v", n, values, err)
		}
	}
}

func TestKeys(t *testing.T) {
	k := newKeys(t)
	mustSave(t, k, 0, 20)
	if err := k.Save(map[string][]byte{"new": secret(1), "key/7": secret(7)}); !errors.Is(err, seal.ErrExists) {
		t.Errorf("save of a name that has a value: %v", err)
	}
	if values, err := k.Load("new"); err != nil || values[0] != nil {
		t.Errorf("what was refused with it: %q, %v", values, err)
	}
	if err := k.Save(map[string][]byte{"": nil}); err == nil {
		t.Error("a key without a name was saved")
	}
	values, err := k.Load("key/3")
	if err != nil {
		t.Fatal(err)
	}
	clear(values[0])
	if err := k.Delete("key/0", "key/1", "never"); err != nil {
		t.Error(err)
	}
	for range 2 {
		holds(t, k, 2, 20)
		if err := errors.Join(k.Close(), k.Close()); err != nil {
			t.Error(err)
		}
		k = mustOpenKeys(t, k.path)
	}
	if err := k.Save(map[string][]byte{"key/0": secret(0)}); err != nil {
		t.Errorf("a name whose key was deleted: %v", err)
	}
}

func TestKeysRaceForOneName(t *testing.T) {
	k := newKeys(t)
	var group sync.WaitGroup
	won := make(chan []byte, 8)
	for n := range 8 {
		group.Go(func() {
			err := k.Save(map[string][]byte{"a/text": secret(n)})
			if err == nil {
				won <- secret(n)
			} else if !errors.Is(err, seal.ErrExists) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, err := k.Load("a/text")
	if err != nil || len(won) != 1 || !bytes.Equal(got[0], <-won) {
		t.Errorf("not the first one's key: %q, %v", got, err)
	}
}

// TestCompactLeavesNothing: the bytes of deleted keys are in no file any more.
func TestCompactLeavesNothing(t *testing.T) {
	k := newKeys(t)
	mustSave(t, k, 0, 100)
	names := []string{}
	for n := range 40 {
		names = append(names, fmt.Sprint("key/", n))
	}
	if err := k.Delete(names...); err != nil {
		t.Fatal(err)
	}
	if n := copies(t, k.path, secret(7)); n == 0 {
		t.Error("a deleted key is gone before compaction: this test shows nothing")
	}
	if err := k.Compact(); err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if there := copies(t, k.path, secret(n)); (there > 0) != (n >= 40) {
			t.Errorf("key %d stands in the files %d times", n, there)
		}
	}
	holds(t, k, 40, 100)
	mustSave(t, k, 0, 10)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	k = mustOpenKeys(t, k.path)
	if values, err := k.Load("key/9"); err != nil || values[0] == nil {
		t.Errorf("saved after compaction: %v", err)
	}
	info, err := os.Stat(k.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode after compaction: %v, %v", info.Mode(), err)
	}
}

// copies counts how often secret stands in the files beside path.
func copies(t *testing.T, path string, secret []byte) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(data, secret)
	}
	return n
}

// TestCompactKeepsTheLock: no other process gets in between.
func TestCompactKeepsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	synctest.Test(t, func(t *testing.T) {
		k := mustOpenKeys(t, path)
		mustSave(t, k, 0, 5)
		waiting := make(chan error)
		go func() {
			_, err := openLocked(path, false)
			waiting <- err
		}()
		synctest.Wait()
		if err := k.Compact(); err != nil {
			t.Error(err)
		}
		if err := <-waiting; !errors.Is(err, bberrors.ErrTimeout) {
			t.Errorf("who waited for the file before it was replaced: %v, want no lock", err)
		}
		holds(t, k, 0, 5)
		k.Close()
	})
}

func TestOpenKeysRemovesAnUnfinishedCopy(t *testing.T) {
	k := newKeys(t)
	mustSave(t, k, 0, 5)
	k.Close()
	write(t, spare(k.path), secret(77))
	holds(t, mustOpenKeys(t, k.path), 0, 5)
	if n := copies(t, k.path, secret(77)); n > 0 {
		t.Error("a copy that a crash had left is still there")
	}
}

func TestKeysClosed(t *testing.T) {
	k := newKeys(t)
	k.Close()
	_, load := k.Load("a")
	for what, err := range map[string]error{"load": load, "save": k.Save(map[string][]byte{"a": nil}), "delete": k.Delete("a"), "compact": k.Compact()} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", what, err)
		}
	}
	if n := copies(t, k.path, []byte("compact")); n > 0 {
		t.Error("a copy was left")
	}
}

func TestKeysBrokenUntilOpenedAgain(t *testing.T) {
	k := newKeys(t)
	mustSave(t, k, 0, 5)
	breakCommits(t, k.db)
	large := map[string][]byte{"large": make([]byte, 1<<20)}
	for range 2 {
		if err := k.Save(large); !errors.Is(err, store.ErrBroken) {
			t.Errorf("save: %v, want ErrBroken", err)
		}
	}
	if err := k.Delete("key/1"); !errors.Is(err, store.ErrBroken) {
		t.Errorf("delete: %v, want ErrBroken", err)
	}
	holds(t, k, 0, 5)
	k.Close()
	k = mustOpenKeys(t, k.path)
	holds(t, k, 0, 5)
	mustSave(t, k, 5, 6)
}

func TestDamagedKey(t *testing.T) {
	k := newKeys(t)
	mustSave(t, k, 0, 5)
	k.Close()
	change(t, k.path, func(tx *bbolt.Tx) error {
		b := tx.Bucket(keysBucket)
		return errors.Join(b.Put([]byte("key/2"), b.Get([]byte("key/3"))), b.Put([]byte("key/4"), []byte{1}))
	})
	k = mustOpenKeys(t, k.path)
	for _, name := range []string{"key/2", "key/4"} {
		if _, err := k.Load(name); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
}
