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

	mu     sync.RWMutex // held for writing over every change, and over the change of db
	db     *bbolt.DB
	broken error
}

var _ seal.KeyStore = (*Keys)(nil)

// OpenKeys opens the key file at path, or begins a new one. It fails as [Open] does.
func OpenKeys(path string) (*Keys, error) {
	db, err := openFile(path, keysFormat, false)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(spare(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		db.Close()
		return nil, err
	}
	return &Keys{path: path, db: db}, nil
}

// spare is where Compact writes. A copy that a crash has left there may hold keys deleted since.
func spare(path string) string { return path + ".compact" }

// Close frees the file for others. A second Close does nothing.
func (k *Keys) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.db.Close()
}

// Load implements [seal.KeyStore]. A key that was changed on disk gives [store.ErrDamaged].
func (k *Keys) Load(name string) (value []byte, err error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	err = k.transact(k.db.View, func(b *bbolt.Bucket) error {
		signed := b.Get([]byte(name))
		if signed == nil {
			return seal.ErrNoKey
		}
		rest := len(signed) - sumSize
		if rest < 0 || !bytes.Equal(signed, signKey(name, signed[:rest])) {
			return damaged(k.path, "a key has a wrong checksum")
		}
		value = bytes.Clone(signed[:rest])
		return nil
	})
	return value, err
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
		return nil
	})
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
// they are in no file of befree's, though the disk may still hold them where the old file was. A crash or an error on
// the way leaves the old file as it was.
func (k *Keys) Compact() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken != nil {
		return k.broken
	}
	fresh, err := k.copy()
	if errors.Is(err, bberrors.ErrDatabaseNotOpen) {
		err = store.ErrClosed
	}
	if err == nil {
		err = os.Rename(spare(k.path), k.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("compact %s: %w", k.path, err), discard(fresh, spare(k.path)))
	}
	old := k.db
	k.db = fresh
	return errors.Join(old.Close(), syncFolder(filepath.Dir(k.path)))
}

// copy writes what is kept to the spare file and leaves that open and locked.
func (k *Keys) copy() (*bbolt.DB, error) {
	if err := os.Remove(spare(k.path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	fresh, err := bbolt.Open(spare(k.path), 0o600, options(false))
	if err != nil {
		return nil, err
	}
	return fresh, guarded(k.path, func() error { return bbolt.Compact(fresh, k.db, compactStep) })
}

func discard(db *bbolt.DB, path string) error {
	if db == nil {
		return nil
	}
	return errors.Join(db.Close(), os.Remove(path))
}
