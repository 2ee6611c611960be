package relay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
)

// Data is a relay's folder, opened: the log in log.db, sealed under the keys in keys.db, which are wrapped by a master
// key that lies elsewhere.
type Data struct {
	store.Log
	dir  string
	swap swap
	log  *bolt.Log
	keys *bolt.Keys
}

// A Key is where a relay's master key comes from: a command that prints it, or else a file.
type Key struct {
	File    string
	Command string
}

// KeyFile returns where the master key of a data folder lies unless another place is named: beside the folder, never
// in it.
func KeyFile(dir string) Key { return Key{File: filepath.Clean(dir) + ".key"} }

// StaffIn returns the staff file of a data folder.
func StaffIn(dir string) StaffFile { return StaffFile(filepath.Join(dir, "staff.toml")) }

// OpenData opens a data folder, or begins a new one with a new master key. It reads the whole log over before anything
// is added: what is damaged is never built upon.
func OpenData(ctx context.Context, dir string, key Key) (*Data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; give this user the right to write there, or name another with --data", err)
	}
	d, err := openData(ctx, dir, key, bolt.Options{})
	if err != nil {
		return nil, err
	}
	if err := d.log.Verify(ctx); err != nil { // 200,000 events take half a second
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// ReadData opens a data folder to read it; it must be there already.
func ReadData(ctx context.Context, dir string, key Key) (*Data, error) {
	return openData(ctx, dir, key, bolt.Options{ReadOnly: true})
}

func openData(ctx context.Context, dir string, key Key, o bolt.Options) (d *Data, err error) {
	d = &Data{dir: dir}
	defer func() {
		if err != nil {
			_ = d.Close()
			d = nil
		}
	}()
	if d.log, err = bolt.Open(filepath.Join(dir, "log.db"), o); err != nil {
		return d, err
	}
	_, head, err := d.log.Read(ctx, store.Position{}, 0)
	if err != nil {
		return d, err
	}
	wrapped := filepath.Join(dir, "keys.db")
	_, missing := os.Stat(wrapped)
	fresh := head.Seq == 0 && errors.Is(missing, fs.ErrNotExist)
	master, err := key.master(ctx, dir, fresh)
	if err != nil {
		return d, err
	}
	if d.keys, err = bolt.OpenKeys(wrapped); err != nil {
		return d, err
	}
	ring := seal.NewRing(master, d.keys, desk.ClassOf)
	if err = ring.Check(head.Seq == 0); err != nil {
		return d, fmt.Errorf("%s: %w", key, err)
	}
	d.swap.log = d.log
	d.Log = seal.NewLog(&d.swap, ring)
	return d, nil
}

// Mend opens the log again after it could not write, and reads all of it over. Until that has worked it gives
// [store.ErrBroken].
func (d *Data) Mend(ctx context.Context) error {
	d.swap.mu.Lock()
	defer d.swap.mu.Unlock()
	d.swap.log = nil
	if d.log != nil {
		_ = d.log.Close() // what it could not write, it says no more of
		d.log = nil
	}
	l, err := bolt.Open(filepath.Join(d.dir, "log.db"), bolt.Options{})
	if err != nil {
		return err
	}
	if err := l.Verify(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	d.log, d.swap.log = l, l
	return nil
}

// Probe writes something that is no event to the log's file.
func (d *Data) Probe() error {
	d.swap.mu.RLock()
	defer d.swap.mu.RUnlock()
	if d.log == nil {
		return store.ErrBroken
	}
	return d.log.Probe()
}

// A swap is a log in whose place another can be put. Whoever uses it waits meanwhile.
type swap struct {
	mu  sync.RWMutex
	log store.Log // nil while there is none
}

func (s *swap) use() (store.Log, error) {
	if s.log == nil {
		return nil, store.ErrBroken
	}
	return s.log, nil
}

func (s *swap) Append(ctx context.Context, es ...store.Event) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, err := s.use()
	if err != nil {
		return 0, err
	}
	return l.Append(ctx, es...)
}

func (s *swap) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, err := s.use()
	if err != nil {
		return nil, store.Position{}, err
	}
	return l.Read(ctx, after, limit)
}

func (s *swap) Changed(after uint64) <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, err := s.use()
	if err != nil {
		return closedNow
	}
	return l.Changed(after)
}

func (s *swap) Conversation(ctx context.Context, id string) ([]store.Event, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, err := s.use()
	if err != nil {
		return nil, err
	}
	return l.Conversation(ctx, id)
}

func (s *swap) Find(ctx context.Context, id string) (store.Event, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l, err := s.use()
	if err != nil {
		return store.Event{}, err
	}
	return l.Find(ctx, id)
}

// Close frees the folder for others.
func (d *Data) Close() error {
	var errs []error
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	if d.keys != nil {
		errs = append(errs, d.keys.Close())
	}
	return errors.Join(errs...)
}
