package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"befree.example/store/desk"
	"befree.example/store/tree"
)

// bornFile says in each folder of a backup what it is. It is there before the keys are.
const bornFile = "backup.json"

// born is what stands in that file.
type born struct {
	Relay tree.Key  `json:"relay"` // whose it is; empty for a log that is not signed, which nobody can tell from others
	Made  time.Time `json:"made"`
	Files []string  `json:"files"` // all that befree puts there, the keys first
}

// write says of a folder that it has what is in it now, and will have the keys.
func (b born) write(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	b.Files = []string{keysName, keysName + ".pid"} // the second is there while the first is written
	for _, e := range entries {
		b.Files = append(b.Files, e.Name())
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, bornFile), append(raw, '\n'))
}

// bornIn reads what a folder of a backup is; fs.ErrNotExist says that it is none.
func bornIn(dir *os.Root) (b born, err error) {
	info, err := dir.Lstat(bornFile)
	if err != nil {
		return b, err
	}
	if !info.Mode().IsRegular() {
		return b, fs.ErrNotExist
	}
	raw, err := dir.ReadFile(bornFile)
	if err == nil && json.Unmarshal(raw, &b) != nil {
		return b, fs.ErrNotExist
	}
	return b, err
}

// Dropped are the folders beside a new backup that were looked at.
type Dropped struct {
	Gone    []string // they were too old, or never finished
	Emptied []string // likewise, but they hold something that is not befree's
	Others  []string // left alone: they hold a log or keys, and are no backup of this relay, or one that was put to use
}

// DropOld drops the backups beside p, the newest one, that are more than keep older than it: the keys first. They are
// known by what stands in them as backups of the same relay; nothing else is touched. It drops none where no other is
// younger than that: a clock that has leapt would cost all of them. What a backup that was killed has left goes too, once
// it is a day old and cannot be one that is being made.
func DropOld(dir string, p Place, keep time.Duration) (d Dropped, err error) {
	for _, newest := range []string{p.Keys, p.Log} {
		err = errors.Join(err, d.beside(dir, newest, keep))
	}
	slices.Sort(d.Others)
	d.Others = slices.Compact(d.Others)
	return d, err
}

func (d *Dropped) beside(dir, newest string, keep time.Duration) error {
	root, err := os.OpenRoot(newest)
	if err != nil {
		return err
	}
	defer root.Close()
	ours, err := bornIn(root)
	if err != nil {
		return err
	}
	data, err := os.Stat(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Dir(newest))
	if err != nil {
		return err
	}
	old := map[string]born{}
	young := false
	for _, e := range entries {
		path := filepath.Join(filepath.Dir(newest), e.Name())
		if !e.IsDir() || path == filepath.Clean(newest) { // nor what leads elsewhere
			continue
		}
		if info, failed := e.Info(); failed != nil || os.SameFile(info, data) {
			err = errors.Join(err, failed)
			continue
		}
		b, known, failed := d.look(path, ours)
		switch {
		case failed != nil:
			err = errors.Join(err, fmt.Errorf("look at the backup %s: %w", path, failed))
		case known && strings.HasPrefix(e.Name(), ".") && strings.Contains(e.Name(), newInfix):
			if ours.Made.Sub(b.Made) >= day { // else it may be being made
				err = errors.Join(err, d.drop(path, b))
			}
		case known && ours.Made.Sub(b.Made) > keep:
			old[path] = b
		case known:
			young = true
		}
	}
	if len(old) > 0 && !young {
		return errors.Join(err, fmt.Errorf("nothing old beside %s was deleted: the clock may have leapt, since all others are more than %d days older. "+
			"If it is right, make one more backup there, which deletes them; else set it right, delete this one and make it anew", newest, int(keep.Hours()/24)))
	}
	for _, path := range slices.Sorted(maps.Keys(old)) {
		err = errors.Join(err, d.drop(path, old[path]))
	}
	return errors.Join(err, syncFolder(filepath.Dir(newest)))
}

// look tells what a folder beside a backup is; known says that it is a backup of the same relay.
func (d *Dropped) look(path string, ours born) (b born, known bool, err error) {
	dir, err := os.OpenRoot(path)
	if err != nil {
		return b, false, err
	}
	defer dir.Close()
	b, err = bornIn(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b, false, err
	}
	has := func(name string) bool {
		_, err := dir.Lstat(name)
		return err == nil
	}
	used := has(controlSocket) || has(logName) && has(keysName) // no backup has both, a data folder put back by hand does
	if err == nil && b.Relay == ours.Relay && b.Relay != "" && !b.Made.IsZero() && !used {
		return b, true, nil
	}
	if has(logName) || has(keysName) {
		d.Others = append(d.Others, path)
	}
	return b, false, nil
}

// drop deletes what befree has put into the folder of a backup. What keeps it from being tried again goes last.
func (d *Dropped) drop(path string, b born) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("delete the old backup %s: %w", path, err)
		}
	}()
	dir, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, name := range append(b.Files, bornFile) {
		if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	names, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return err
	}
	if len(names) > 0 {
		d.Emptied = append(d.Emptied, path)
		return nil
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	d.Gone = append(d.Gone, path)
	return nil
}

// A Copy is a backup that befree has made.
type Copy struct {
	Made   time.Time
	Events uint64 // in its log, which is copied before the keys are
	Place
}

// MayHold tells whether c may have the keys of what an event says is forgotten. They are destroyed once that is on disk,
// which a full disk puts off, and nothing is put after it before: a longer log shows that they were gone.
func (c Copy) MayHold(f desk.Forgetting) bool {
	return !c.Made.After(f.At) || c.Events <= f.Seq && c.Made.Before(f.At.Add(destroyedWithin))
}

// destroyedWithin is how long after the event keys are taken to be gone where no later one shows it.
const destroyedWithin = time.Hour

// gone tells whether c's keys are seen to be no more where they were. A backup that is being made gets its name at the
// end, within a day, and never if it was killed; an empty folder may be one where a disk is missing, and a link may lead
// to one.
func (c Copy) gone() bool {
	if time.Since(c.Made) < day {
		return false
	}
	parent := filepath.Dir(c.Keys)
	beside, err := os.ReadDir(parent)
	for _, e := range beside {
		if !strings.HasPrefix(e.Name(), unfinished(c.Keys)) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(parent, e.Name(), keysName)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	folder, missing := os.Lstat(c.Keys)
	if errors.Is(missing, fs.ErrNotExist) {
		return err == nil && len(beside) > 0
	}
	if missing != nil || !folder.IsDir() {
		return false
	}
	_, err = os.Lstat(filepath.Join(c.Keys, keysName))
	return errors.Is(err, fs.ErrNotExist)
}

// copiesFile lists the backups of a data folder: beside it, so that restoring one of them does not change the list.
func copiesFile(dir string) string { return filepath.Clean(dir) + ".backups" }

// Copies returns the backups of a data folder that befree knows of and does not see gone, oldest first. One that was
// moved, or copied on, is known no better.
func Copies(dir string) ([]Copy, error) {
	raw, err := os.ReadFile(copiesFile(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list of backups: %w", err)
	}
	all, err := readCopies(raw)
	return slices.DeleteFunc(all, Copy.gone), err
}

func readCopies(raw []byte) (all []Copy, err error) {
	for lines := json.NewDecoder(bytes.NewReader(raw)); ; {
		var c Copy
		if err := lines.Decode(&c); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("list of backups: %w", err)
		}
		all = append(all, c)
	}
}

// note enters a backup before it holds a key, in a list which its owner alone can read.
func note(dir string, c Copy) (err error) {
	if c.Log, err = filepath.Abs(c.Log); err != nil {
		return err
	}
	if c.Keys, err = filepath.Abs(c.Keys); err != nil {
		return err
	}
	path := copiesFile(dir)
	lock, err := lockedfile.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("list of backups: %w", err)
	}
	defer lock.Close()
	all, err := Copies(dir)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	for _, c := range append(all, c) {
		if err := lines.Encode(c); err != nil {
			return err
		}
	}
	return replace(path, out.Bytes())
}
