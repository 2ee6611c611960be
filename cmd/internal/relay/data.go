package relay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
)

// Data is a relay's folder, opened: the log in log.db, sealed under the keys in keys.db, which are wrapped by a master
// key that lies elsewhere.
type Data struct {
	store.Log
	log  *bolt.Log
	keys *bolt.Keys
}

// KeyFile returns where the master key of a data folder lies unless another place is named: beside the folder, never
// in it.
func KeyFile(dir string) string { return filepath.Clean(dir) + ".key" }

// StaffIn returns the staff file of a data folder.
func StaffIn(dir string) StaffFile { return StaffFile(filepath.Join(dir, "staff.toml")) }

// OpenData opens a data folder, or begins a new one with a new master key. It reads the whole log over before anything
// is added: what is damaged is never built upon.
func OpenData(ctx context.Context, dir, keyFile string) (*Data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; give this user the right to write there, or name another with --data", err)
	}
	d, err := openData(ctx, dir, keyFile, bolt.Options{})
	if err != nil {
		return nil, err
	}
	if err := d.log.Verify(ctx); err != nil { // 200,000 events take half a second
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// ReadData opens a data folder to read it; it must be there already.
func ReadData(ctx context.Context, dir, keyFile string) (*Data, error) {
	return openData(ctx, dir, keyFile, bolt.Options{ReadOnly: true})
}

func openData(ctx context.Context, dir, keyFile string, o bolt.Options) (d *Data, err error) {
	d = &Data{}
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
	master, err := masterKey(keyFile, fresh)
	if err != nil {
		return d, err
	}
	if d.keys, err = bolt.OpenKeys(wrapped); err != nil {
		return d, err
	}
	ring := seal.NewRing(master, d.keys, desk.ClassOf)
	if err = ring.Check(head.Seq == 0); err != nil {
		return d, fmt.Errorf("key file %s: %w", keyFile, err)
	}
	d.Log = seal.NewLog(d.log, ring)
	return d, nil
}

func masterKey(path string, fresh bool) (seal.Master, error) {
	m, err := seal.LoadMaster(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if !fresh {
		return m, fmt.Errorf("key file %s is missing: without it nothing in the data folder can be read; restore it", path)
	}
	return seal.CreateMaster(path)
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
