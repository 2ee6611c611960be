package bolt

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"

	"befree.example/store"
)

// Files that are whole but not for us.
var (
	ErrForeign = errors.New("not the file it should be")
	ErrNewer   = errors.New("file is from a newer befree")
	ErrOlder   = errors.New("file is from an older befree")
)

// A format is one sort of file that befree keeps.
type format struct {
	name    string // stands in the file
	version uint64 // the newest that is known here; a file of a newer one is refused
	least   uint64 // the oldest that is known here
	buckets [][]byte
	later   [][]byte // buckets that older files do not have: made when one is opened for writing, and then empty
}

var (
	logFormat = format{
		name: "log", version: 2, buckets: [][]byte{eventsBucket, idsBucket, tailsBucket},
		later: [][]byte{treeBucket, checkpointsBucket},
	}
	keysFormat = format{name: "keys", version: 1, buckets: [][]byte{keysBucket}}
)

// What stands in the meta bucket of every format.
var (
	metaBucket = []byte("befree")
	formatKey  = []byte("format")
	versionKey = []byte("version") // 8 bytes, big-endian
	epochKey   = []byte("epoch")
)

// initialMap is how much address space a file opened for writing is given at once, so that appends seldom have to wait
// for readers in order to map more. Windows would make the file itself that large.
const initialMap = 256 << 20

// options for bbolt. The list of free pages is written with every commit: without it a large file opens slowly.
func options(readOnly bool) *bbolt.Options {
	o := &bbolt.Options{Timeout: lockWait, ReadOnly: readOnly, FreelistType: bbolt.FreelistMapType}
	if !readOnly && runtime.GOOS != "windows" {
		o.InitialMmapSize = initialMap
	}
	return o
}

// openFile opens the file at path after looking it over, or begins a new one.
func openFile(path string, f format, readOnly bool) (*bbolt.DB, error) {
	err := mayOpen(path)
	if errors.Is(err, fs.ErrNotExist) && !readOnly {
		err = begin(path, f)
	}
	if err != nil {
		return nil, inWords(path, f, err)
	}
	db, err := openLooked(path, f, readOnly)
	if err != nil {
		return nil, inWords(path, f, err)
	}
	if !readOnly {
		if err := f.upgrade(db, path); err != nil {
			return nil, inWords(path, f, errors.Join(err, db.Close()))
		}
		_ = os.WriteFile(holderFile(path), []byte(strconv.Itoa(os.Getpid())), 0o600) // for a message alone
	}
	return db, nil
}

// holderFile has the number of the process that last opened path for writing.
func holderFile(path string) string { return path + ".pid" }

// holder says in words which process has path open, as far as that is known.
func holder(path string) string {
	raw, err := os.ReadFile(holderFile(path))
	if n, bad := strconv.Atoi(string(raw)); err == nil && bad == nil {
		return fmt.Sprintf("process %d", n)
	}
	return "that one"
}

// mayOpen keeps away from what is no plain file: opening a pipe would wait for ever.
func mayOpen(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is a folder or a device; name a file", ErrForeign, path)
	}
	if info.Size() == 0 {
		return damaged(path, "it is empty, and a file of befree never is")
	}
	return nil
}

// openLooked opens for reading first, which changes nothing whatever the file holds.
func openLooked(path string, f format, readOnly bool) (*bbolt.DB, error) {
	db, err := lookOver(path, f)
	if err != nil || readOnly {
		return db, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return openLocked(path, false)
}

func lookOver(path string, f format) (*bbolt.DB, error) {
	db, err := openLocked(path, true)
	if err != nil {
		return nil, err
	}
	if err := f.check(db, path); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// openLocked opens the file and holds its lock. If another process has put a new file in its place meanwhile, as
// [Keys.Compact] does, it takes that one.
func openLocked(path string, readOnly bool) (*bbolt.DB, error) {
	for {
		db, file, err := openOnce(path, readOnly)
		if err != nil {
			return nil, err
		}
		if isAt(path, file) {
			return db, nil
		}
		db.Close()
	}
}

// openOnce leaves no lock behind where it fails, even by a panic within bbolt.
func openOnce(path string, readOnly bool) (db *bbolt.DB, file *os.File, err error) {
	o := options(readOnly)
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
		return file, err
	}
	err = guarded(path, func() (err error) {
		db, err = bbolt.Open(path, 0o600, o)
		return err
	})
	if err != nil && file != nil {
		file.Close()
	}
	return db, file, err
}

// InUse tells whether another process has the file at path open for writing.
func InUse(path string) bool {
	if mayOpen(path) != nil {
		return false
	}
	db, err := openLocked(path, true)
	if err == nil {
		_ = db.Close()
	}
	return errors.Is(err, bberrors.ErrTimeout)
}

func isAt(path string, file *os.File) bool {
	here, err := os.Stat(path)
	if err != nil {
		return false
	}
	opened, err := file.Stat()
	return err == nil && os.SameFile(here, opened)
}

// check tells whether the file is whole as far as can be told without reading it all, and whether it is of this format.
func (f format) check(db *bbolt.DB, path string) error {
	if err := checkPages(path, db.Info().PageSize, false); err != nil {
		return err
	}
	return guarded(path, func() error {
		return db.View(func(tx *bbolt.Tx) error { return f.checkMeta(tx, path) })
	})
}

func (f format) checkMeta(tx *bbolt.Tx, path string) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil || string(meta.Get(formatKey)) != f.name {
		return fmt.Errorf("%w: %s holds something else than befree's %s; name another file", ErrForeign, path, f.name)
	}
	version := meta.Get(versionKey)
	if len(version) != 8 {
		return damaged(path, "its version is missing")
	}
	switch v := binary.BigEndian.Uint64(version); {
	case v > f.version:
		return fmt.Errorf("%w: %s has format %d and this befree knows %d; use a newer befree", ErrNewer, path, v, f.version)
	case v < f.least:
		return fmt.Errorf("%w: %s has format %d and this befree knows %d; let the befree that made it hand over what waits, then begin another file", ErrOlder, path, v, f.version)
	}
	for _, name := range f.buckets {
		if tx.Bucket(name) == nil {
			return damaged(path, "a part of it is missing")
		}
	}
	return nil
}

// begin makes a new file complete under another name before it gets its own, so that no crash leaves half of one. Where
// another process was faster, its file stays.
func begin(path string, f format) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if err := temp.Close(); err != nil {
		return err
	}
	if err := f.write(temp.Name()); err != nil {
		return err
	}
	return place(temp.Name(), path)
}

func (f format) write(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	if err := db.Update(f.writeMeta); err != nil {
		db.Close()
		return err
	}
	return db.Close()
}

// upgrade makes the buckets that an older befree did not know, all or none.
func (f format) upgrade(db *bbolt.DB, path string) error {
	return guarded(path, func() error {
		missing := false
		err := db.View(func(tx *bbolt.Tx) error {
			missing = slices.ContainsFunc(f.later, func(name []byte) bool { return tx.Bucket(name) == nil })
			return nil
		})
		if err != nil || !missing {
			return err
		}
		return db.Update(func(tx *bbolt.Tx) error {
			for _, name := range f.later {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (f format) writeMeta(tx *bbolt.Tx) error {
	for _, name := range append([][]byte{metaBucket}, f.buckets...) {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(metaBucket)
	return errors.Join(
		meta.Put(formatKey, []byte(f.name)),
		meta.Put(versionKey, binary.BigEndian.AppendUint64(nil, f.version)),
		meta.Put(epochKey, []byte(newEpoch())),
	)
}

// newEpoch is the birth name of another log.
func newEpoch() string { return strings.ToLower(rand.Text()) }

// place gives the finished file temp its name unless there is one already, and makes the name durable.
func place(temp, path string) error {
	err := os.Link(temp, path)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil { // a file system without links
		err = os.Rename(temp, path)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolderOf(path string) error { return syncFolder(filepath.Dir(path)) }

// syncFolder makes the names in a folder durable, where the system can do so.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// guarded runs f. A panic of bbolt, or a fault on pages that the file does not have, becomes an error that wraps
// [store.ErrDamaged].
func guarded(path string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			line, _, _ := strings.Cut(fmt.Sprint(p), "\n")
			err = damaged(path, "its pages do not fit together ("+line+")")
		}
	}()
	return f()
}

func damaged(path, what string) error {
	return fmt.Errorf("%w: %s: %s; restore it from a backup", store.ErrDamaged, path, what)
}

// inWords says what a failure to open means, and what to do.
func inWords(path string, f format, err error) error {
	switch {
	case errors.Is(err, store.ErrDamaged), errors.Is(err, ErrForeign), errors.Is(err, ErrNewer), errors.Is(err, ErrOlder):
	case errors.Is(err, bberrors.ErrTimeout):
		err = fmt.Errorf("%w: %s; close %s first", store.ErrInUse, path, holder(path))
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%s cannot be opened: give this user the right to read and write it and its folder: %w", path, err)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%s is not there: make its folder, or name another place: %w", path, err)
	case !fromSystem(err):
		err = unreadable(path, f)
	}
	return fmt.Errorf("open the %s: %w", f.name, err)
}

// fromSystem tells a failure of the machine from bbolt's opinion of the file.
func fromSystem(err error) bool {
	var (
		number syscall.Errno
		path   *fs.PathError
		link   *os.LinkError
	)
	return errors.As(err, &number) || errors.As(err, &path) || errors.As(err, &link)
}

// unreadable tells a damaged file of ours from one that never was.
func unreadable(path string, f format) error {
	if hasMagic(path) {
		return damaged(path, "its first pages are damaged or cut short")
	}
	return fmt.Errorf("%w: %s is not befree's %s; name another file", ErrForeign, path, f.name)
}
