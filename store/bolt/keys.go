package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"befree.example/store"
	"befree.example/store/seal"
)

var keysBucket = []byte("keys") // name -> wrapped key and CRC-32C over both

// compactStep is how many bytes are copied in one transaction.
const compactStep = 16 << 20

// Keys is a [seal.KeyStore] in one file of its own, so that backing up a log does not back up what opens it. Once a
// change has failed to reach the disk, every later one gives [store.ErrBroken] until the file is opened again.
type Keys struct {
	path string

	compacting sync.Mutex // held by Compact

	mu      sync.RWMutex // held for writing over every change, and over the change of db
	db      *bbolt.DB
	broken  error
	closed  bool
	copying bool                        // Compact is at work: what is changed meanwhile is noted
	changes []func(*bbolt.Bucket) error // and done to its copy too
}

var _ seal.KeyStore = (*Keys)(nil)

// OpenKeys opens the key file at path, or begins a new one, as the disk has it: an earlier process may have failed to
// write there, and keys that look destroyed would come back with the next start of the machine. It fails as [Open] does.
func OpenKeys(path string) (*Keys, error) {
	db, err := keysFromDisk(path)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(spare(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		db.Close()
		return nil, err
	}
	return &Keys{path: path, db: db}, nil
}

func keysFromDisk(path string) (*bbolt.DB, error) {
	if err := dropCached(path); err != nil {
		return nil, inWords(path, keysFormat, err)
	}
	return openFile(path, keysFormat, false)
}

// Reopen opens the file again, from the disk, after a change has failed to reach that.
func (k *Keys) Reopen() error {
	k.compacting.Lock()
	defer k.compacting.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken == nil || k.closed {
		return nil
	}
	if err := k.db.Close(); err != nil {
		return err
	}
	db, err := keysFromDisk(k.path)
	if err != nil {
		return err
	}
	k.db, k.broken = db, nil
	return nil
}

// spare is where Compact writes. A copy that a crash has left there may hold keys deleted since.
func spare(path string) string { return path + ".compact" }

// Close frees the file for others. A second Close does nothing.
func (k *Keys) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	return k.db.Close()
}

// Load implements [seal.KeyStore]. A key that was changed on disk gives [store.ErrDamaged].
func (k *Keys) Load(names ...string) ([][]byte, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	values := make([][]byte, len(names))
	return values, k.transact(k.db.View, func(b *bbolt.Bucket) error {
		for i, name := range names {
			signed := b.Get([]byte(name))
			if signed == nil {
				continue
			}
			rest := len(signed) - sumSize
			if rest < 0 || !bytes.Equal(signed, signKey(name, signed[:rest])) {
				return damaged(k.path, "a key has a wrong checksum")
			}
			values[i] = bytes.Clone(signed[:rest])
		}
		return nil
	})
}

func signKey(name string, value []byte) []byte {
	sum := crc32.Update(crc32.Checksum([]byte(name), castagnoli), castagnoli, value)
	return binary.BigEndian.AppendUint32(bytes.Clone(value), sum)
}

// Save implements [seal.KeyStore].
func (k *Keys) Save(keys map[string][]byte) error {
	return k.change(func(b *bbolt.Bucket) error {
		for name := range keys {
			if b.Get([]byte(name)) != nil {
				return refusal{seal.ErrExists}
			}
			if name == "" || len(name) > nameLimit {
				return refusal{errors.New("key has no name, or one that is too long")}
			}
		}
		for name, value := range keys {
			if err := b.Put([]byte(name), signKey(name, value)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete implements [seal.KeyStore]. The bytes stay in the file until [Keys.Compact].
func (k *Keys) Delete(names ...string) error {
	return k.change(func(b *bbolt.Bucket) error {
		for _, name := range names {
			if err := b.Delete([]byte(name)); err != nil {
				return err
			}
		}
		return b.Tx().Bucket(metaBucket).Put(staleKey, []byte{1})
	})
}

// staleKey stands in a meta bucket while the file has bytes of keys that were deleted.
var staleKey = []byte("stale")

// Stale tells whether the file may still have the bytes of keys that were deleted, by this process or an earlier one.
func (k *Keys) Stale() (stale bool, err error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	err = k.transact(k.db.View, func(b *bbolt.Bucket) error {
		stale = b.Tx().Bucket(metaBucket).Get(staleKey) != nil
		return nil
	})
	return stale, err
}

// A refusal leaves the file as it was and is no failure.
type refusal struct{ error }

func (k *Keys) change(f func(*bbolt.Bucket) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken != nil {
		return k.broken
	}
	err := k.transact(k.db.Update, f)
	if err == nil && k.copying {
		k.changes = append(k.changes, f)
	}
	if r, ok := errors.AsType[refusal](err); ok {
		return r.error
	}
	if err != nil && !errors.Is(err, store.ErrClosed) {
		k.broken = fmt.Errorf("%w: %w", store.ErrBroken, err)
		return k.broken
	}
	return err
}

func (k *Keys) transact(begin func(func(*bbolt.Tx) error) error, f func(*bbolt.Bucket) error) error {
	err := guarded(k.path, func() error {
		return begin(func(tx *bbolt.Tx) error { return f(tx.Bucket(keysBucket)) })
	})
	if errors.Is(err, bberrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

// Compact writes the file anew without the bytes of what was deleted, and puts it in the old one's place: on return
// they are in no file of befree's, though the disk may still hold them where the old file was. What is deleted while it
// is at work stays until the next one, which [Keys.Stale] tells. Keys can be made and loaded meanwhile. A crash or an
// error on the way leaves the old file as it was.
func (k *Keys) Compact() error {
	k.compacting.Lock()
	defer k.compacting.Unlock()
	k.mu.Lock()
	db, err := k.db, k.broken
	k.copying = err == nil
	k.mu.Unlock()
	if err != nil {
		return err
	}
	fresh, err := copied(k.path, db)
	k.mu.Lock()
	defer k.mu.Unlock()
	changes := k.changes
	k.copying, k.changes = false, nil
	if k.closed {
		return errors.Join(store.ErrClosed, discard(fresh, spare(k.path)))
	}
	if err == nil && len(changes) > 0 {
		err = guarded(k.path, func() error {
			return fresh.Update(func(tx *bbolt.Tx) error { return again(tx.Bucket(keysBucket), changes) })
		})
	}
	if err = inPlace(k.path, fresh, err); err != nil {
		return err
	}
	k.db = fresh
	return errors.Join(db.Close(), syncFolder(filepath.Dir(k.path)))
}

// again does changes to a copy that may have the first of them already.
func again(b *bbolt.Bucket, changes []func(*bbolt.Bucket) error) error {
	for _, f := range changes {
		err := f(b)
		if _, refused := errors.AsType[refusal](err); err != nil && !refused {
			return err
		}
	}
	return nil
}

// compacted puts a copy without the bytes of what was deleted in the place of the file at path, which is open as db and
// does not change meanwhile. The copy is open and locked.
func compacted(path string, db *bbolt.DB) (*bbolt.DB, error) {
	fresh, err := copied(path, db)
	return fresh, inPlace(path, fresh, err)
}

// inPlace gives a finished copy its name, or drops it because of err.
func inPlace(path string, fresh *bbolt.DB, err error) error {
	if errors.Is(err, bberrors.ErrDatabaseNotOpen) {
		err = store.ErrClosed
	}
	if err == nil {
		err = os.Rename(spare(path), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("compact %s: %w", path, err), discard(fresh, spare(path)))
	}
	return nil
}

// copied writes what is kept to the spare file and leaves that open and locked.
func copied(path string, db *bbolt.DB) (*bbolt.DB, error) {
	if err := os.Remove(spare(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	fresh, err := bbolt.Open(spare(path), 0o600, options(false))
	if err != nil {
		return nil, err
	}
	return fresh, guarded(path, func() error {
		// The library commits the copy's last part, whose values lie in the pages of db, when it reads these no more: another
		// reader keeps them from being written to.
		err := db.View(func(*bbolt.Tx) error { return bbolt.Compact(fresh, db, compactStep) })
		if err != nil {
			return err
		}
		return fresh.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(staleKey) })
	})
}

func discard(db *bbolt.DB, path string) error {
	if db == nil {
		return nil
	}
	return errors.Join(db.Close(), os.Remove(path))
}
