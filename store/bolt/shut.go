package bolt

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"befree.example/store"
)

// A Shut is a cache that is open for nobody: no key of it is in memory, and no other process may have it.
type Shut struct {
	path string
	door *os.File
	db   *bbolt.DB
}

// doorWait is how long it is waited for who has a cache to leave it, between two looks.
const doorWait = 20 * time.Millisecond

// enter keeps every other process out of the cache at path until the file is closed, here and wherever it was inherited.
func enter(path string) (*os.File, error) {
	if err := mayOpen(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, inWords(path, cacheFormat, err)
	}
	door, err := os.OpenFile(holderFile(path), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, inWords(path, cacheFormat, err)
	}
	for began := time.Now(); ; time.Sleep(doorWait) {
		switch free, err := seize(door); {
		case free:
			return door, nil
		case err != nil || time.Since(began) > lockWait:
			if err == nil {
				err = bberrors.ErrTimeout
			}
			return nil, errors.Join(inWords(path, cacheFormat, err), door.Close())
		}
	}
}

// Hold takes over the cache at path from a [Cache.Leave], here or in another process, which gave the door.
func Hold(path string, door *os.File) (*Shut, error) {
	db, err := openFile(path, cacheFormat, false)
	if err != nil {
		return nil, errors.Join(err, door.Close())
	}
	return &Shut{path, door, db}, nil
}

// Open opens the cache, as [OpenCache] does. Where it fails, it stays shut.
func (s *Shut) Open(o CacheOptions) (*Cache, error) {
	c := &Cache{path: s.path, door: s.door, db: s.db, forgets: o.Forgets, wait: o.Wait, queued: map[string]time.Time{}, drafted: map[string]time.Time{}}
	if c.wait == nil {
		c.wait = time.Sleep
	}
	if c.forgets == nil {
		c.forgets = func(store.Kind) []store.Class { return nil }
	}
	err := os.Remove(spare(s.path)) // that a crash has left, with keys deleted since
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err := errors.Join(err, c.unlock(o)); err != nil {
		return nil, err
	}
	if err := c.erase(); err != nil { // what an earlier process has begun
		return nil, err
	}
	return c, nil
}

// Destroy is [Cache.Destroy].
func (s *Shut) Destroy(why string) error { return (&Cache{path: s.path, db: s.db}).Destroy(why) }

// Close frees the file for others.
func (s *Shut) Close() error { return errors.Join(s.db.Close(), s.door.Close()) }
