package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"befree.example/store"
)

var _ Keeper = (*Data)(nil)

// ClearID implements [Keeper].
func (d *Data) ClearID(id string) string { return d.ring.ClearID(id) }

// Shred implements [Keeper].
func (d *Data) Shred(conversation string, classes ...store.Class) error {
	return d.ring.Shred(conversation, classes...)
}

// Compact implements [Keeper].
func (d *Data) Compact() error {
	stale, err := d.keys.Stale()
	if err != nil || !stale {
		return err
	}
	return d.keys.Compact()
}

// Compacted tells whether no file has bytes of keys that were destroyed.
func (d *Data) Compacted() (bool, error) {
	stale, err := d.keys.Stale()
	return !stale, err
}

// forgottenFile lists the conversations of a data folder that are forgotten: beside it, so that restoring a backup of
// the folder does not bring them back. Their names are random and tell nothing.
func forgottenFile(dir string) string { return dir + ".forgotten" }

// Remember implements [Keeper].
func (d *Data) Remember(conversation string) error {
	f, err := os.OpenFile(forgottenFile(d.dir), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("list of what is forgotten: %w", err)
	}
	_, err = f.WriteString(conversation + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// Remembered implements [Keeper].
func (d *Data) Remembered() (map[string]bool, error) {
	f, err := os.Open(forgottenFile(d.dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list of what is forgotten: %w", err)
	}
	defer f.Close()
	all := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		all[lines.Text()] = true
	}
	return all, lines.Err()
}

// Tick implements [Keeper].
func (d *Data) Tick(now time.Time) (before time.Time, err error) {
	path := filepath.Join(d.dir, "clock")
	raw, err := os.ReadFile(path)
	if err == nil {
		before, _ = time.Parse(time.RFC3339, strings.TrimSpace(string(raw))) // one that cannot be read never was
	} else if !errors.Is(err, fs.ErrNotExist) {
		return before, fmt.Errorf("when the clock last ran: %w", err)
	}
	next := path + ".new"
	if err := os.WriteFile(next, []byte(now.UTC().Format(time.RFC3339)+"\n"), 0o600); err != nil {
		return before, fmt.Errorf("when the clock last ran: %w", err)
	}
	return before, os.Rename(next, path)
}

// noKeys is the Keeper of a log that is not sealed: it forgets nothing but in memory.
type noKeys struct{ log store.Log }

// Keep reads back what it appended.
func (n noKeys) Keep(ctx context.Context, es ...store.Event) ([]store.Event, error) {
	last, err := n.log.Append(ctx, es...)
	if err != nil {
		return nil, err
	}
	kept, _, err := n.log.Read(ctx, store.Position{Seq: last - uint64(len(es))}, len(es))
	if err != nil || len(kept) != len(es) {
		return nil, nil
	}
	return kept, nil
}

func (noKeys) ClearID(id string) string                   { return id }
func (noKeys) Shred(string, ...store.Class) error         { return nil }
func (noKeys) Compact() error                             { return nil }
func (noKeys) Remember(string) error                      { return nil }
func (noKeys) Remembered() (map[string]bool, error)       { return nil, nil }
func (noKeys) Tick(time.Time) (before time.Time, _ error) { return before, nil }
