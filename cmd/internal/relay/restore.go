package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"befree.example/store"
	"befree.example/store/bolt"
)

// A restore is made ready beside the files that it is to replace. From the moment at which its folder has its second
// name it is finished by whoever opens the data folder next, whatever happens: before that moment nothing was touched.
const (
	restoreMaking = "restore.new"
	restoreReady  = "restore.ready"
	asideFile     = "aside" // in the folder: the name of the one that takes the old files
	asideName     = "before-"
)

// Restore puts a backup in the place of what a data folder holds, which goes aside within it. The log becomes another
// one: it gets a new epoch, and its checkpoints name the old. Everything is read over and found whole first. Where the
// data folder has a staff file that one stays: a device that was revoked since the backup does not come back.
//
// Keys of another day than the log's may lack some: then there is [ErrKeysLacking], and nothing is touched, unless lacking
// is set.
func Restore(ctx context.Context, p Place, dir string, key Key, lacking bool) (store.Position, error) {
	return exchange(ctx, dir, key, lacking, func(making string) error {
		if err := copyFile(filepath.Join(p.Keys, keysName), filepath.Join(making, keysName)); err != nil {
			return fmt.Errorf("the keys of the backup: %w", err)
		}
		if err := copySettings(p.Log, making, dir); err != nil {
			return err
		}
		return renew(ctx, filepath.Join(p.Log, logName), making, key)
	})
}

// Aside lists the folders within a data folder to which a restore or a rescue has put what was there, and in which keys
// still are.
func Aside(dir string) ([]string, error) {
	keys, err := filepath.Glob(filepath.Join(dir, asideName+"*", keysName))
	for i, path := range keys {
		keys[i] = filepath.Dir(path)
	}
	return keys, err
}

// exchange makes a data folder's new files ready, reads them over and puts them in the place of the old.
func exchange(ctx context.Context, dir string, key Key, lacking bool, fill func(making string) error) (store.Position, error) {
	var head store.Position
	if err := idle(ctx, dir); err != nil {
		return head, err
	}
	making := filepath.Join(dir, restoreMaking)
	if err := errors.Join(os.RemoveAll(making), os.MkdirAll(making, 0o700)); err != nil {
		return head, err
	}
	defer os.RemoveAll(making)
	if err := fill(making); err != nil {
		return head, err
	}
	head, lacks, err := readOver(ctx, making, key)
	if err == nil && !lacking {
		err = lacks.err()
	}
	if err != nil {
		return head, err
	}
	aside := asideName + time.Now().UTC().Format("20060102-150405")
	if err := os.WriteFile(filepath.Join(making, asideFile), []byte(aside), 0o600); err != nil {
		return head, err
	}
	if err := syncAll(making); err != nil {
		return head, err
	}
	if err := os.Rename(making, filepath.Join(dir, restoreReady)); err != nil {
		return head, err
	}
	return head, finishRestore(dir)
}

// idle refuses a folder that a relay serves.
func idle(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := finishRestore(dir); err != nil {
		return err
	}
	if err := ask(ctx, dir, "", func(io.Reader) error { return nil }); !errors.Is(err, errNobody) {
		return fmt.Errorf("a relay serves %s: stop it first", dir)
	}
	if path := filepath.Join(dir, logName); bolt.InUse(path) {
		return fmt.Errorf("%w: %s; stop the relay first", store.ErrInUse, path)
	}
	return nil
}

// renew makes of a log, read over and found whole, another one in a folder that has its keys.
func renew(ctx context.Context, log, making string, key Key) error {
	d := &Data{dir: making}
	defer func() { _ = d.Close() }()
	if err := d.open(ctx, log, filepath.Join(making, keysName), key, bolt.Options{ReadOnly: true}); err != nil {
		return err
	}
	if d.log.Key() == "" {
		return fmt.Errorf("%s: %w", log, bolt.ErrNoTree)
	}
	if err := d.log.Verify(ctx); err != nil {
		return err
	}
	return d.log.Renew(ctx, filepath.Join(making, logName), d.ring.Mark)
}

// readOver opens a folder as a relay would, has it sign its first checkpoint, and reads all of it.
func readOver(ctx context.Context, dir string, key Key) (store.Position, lacking, error) {
	d, err := openData(ctx, dir, key, bolt.Options{})
	if err != nil {
		return store.Position{}, nil, err
	}
	head, lacks, err := d.readAll(ctx)
	return head, lacks, errors.Join(err, d.Close(), removeHolders(dir))
}

func removeHolders(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.pid"))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// finishRestore moves a restore that is ready into its place. Done again from any point, it does what is left to do.
func finishRestore(dir string) error {
	ready := filepath.Join(dir, restoreReady)
	entries, err := os.ReadDir(ready)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name, err := os.ReadFile(filepath.Join(ready, asideFile))
	if err == nil {
		err = moveAll(dir, ready, filepath.Join(dir, filepath.Base(strings.TrimSpace(string(name)))), entries)
	} else if errors.Is(err, fs.ErrNotExist) && len(entries) == 0 {
		err = nil // all is moved
	}
	if err != nil {
		return fmt.Errorf("finish the restoring of %s: %w", dir, err)
	}
	return errors.Join(os.RemoveAll(ready), syncFolder(dir))
}

func moveAll(dir, ready, aside string, entries []os.DirEntry) error {
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == asideFile {
			continue
		}
		old := filepath.Join(dir, e.Name())
		if err := os.Rename(old, filepath.Join(aside, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Rename(filepath.Join(ready, e.Name()), old); err != nil {
			return err
		}
	}
	return errors.Join(syncFolder(aside), syncFolder(dir))
}

func syncAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return syncFolder(dir)
}

// Compact writes the files of a data folder anew without what was deleted, each read over before it takes its place.
func Compact(ctx context.Context, dir string, key Key) error {
	if err := idle(ctx, dir); err != nil {
		return err
	}
	path, wrapped := filepath.Join(dir, logName), filepath.Join(dir, keysName)
	err := bolt.CompactLog(path, func(fresh string) error {
		d := &Data{dir: dir}
		defer func() { _ = d.Close() }()
		if err := d.open(ctx, fresh, wrapped, key, bolt.Options{ReadOnly: true}); err != nil {
			return err
		}
		return d.log.Verify(ctx)
	})
	if err != nil {
		return err
	}
	keys, err := bolt.OpenKeys(wrapped)
	if err != nil {
		return err
	}
	return errors.Join(keys.Compact(), keys.Close(), removeHolders(dir))
}

// Rescue makes of a damaged log what can still be read of it, as the log of the data folder, and puts the damaged files
// aside. It tells which events are lost, and whether only checksums speak for the others.
func Rescue(ctx context.Context, dir string, key Key) (lost []uint64, head store.Position, loose bool, err error) {
	head, err = exchange(ctx, dir, key, true, func(making string) error {
		if err := copyFile(filepath.Join(dir, keysName), filepath.Join(making, keysName)); err != nil {
			return fmt.Errorf("the keys: %w; put back a backup of them", err)
		}
		ring, keys, err := openRing(ctx, filepath.Join(making, keysName), key)
		if err != nil {
			return err
		}
		defer keys.Close()
		saved, err := bolt.Salvage(ctx, filepath.Join(dir, logName), ring.Mark)
		if err != nil {
			return err
		}
		lost, loose = saved.Lost(), saved.Loose
		return saved.Build(ctx, filepath.Join(making, logName), ring.Mark)
	})
	return lost, head, loose, err
}
