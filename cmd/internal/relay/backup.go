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

	"befree.example/store/bolt"
)

// A Place is where a backup lies: the sealed log with the settings in one folder, the wrapped keys in another, so that
// whoever gets hold of one has nothing. The master key is in neither.
type Place struct {
	Log  string // folder
	Keys string // folder
}

// check refuses places that are not apart.
func (p Place) check() error {
	log, err := filepath.Abs(p.Log)
	if err != nil {
		return err
	}
	keys, err := filepath.Abs(p.Keys)
	if err != nil {
		return err
	}
	within := func(a, b string) bool { return a == b || strings.HasPrefix(a, b+string(filepath.Separator)) }
	if within(log, keys) || within(keys, log) {
		return errors.New("keep the keys apart from the log: name two folders, neither within the other")
	}
	return nil
}

// Backup puts a copy of a data folder at p, where nothing is yet, whether a relay serves it or not: all that was on
// disk when it began, which holds together and is what the relay signed. Nobody waits for it. The log comes first: a key
// without an event does no harm, an event without its key cannot be read. The backup is noted, so that receipts know of
// it, and known for what it is, so that [DropOld] can drop it.
func Backup(ctx context.Context, dir string, key Key, p Place) (bolt.Title, error) {
	if err := p.check(); err != nil {
		return bolt.Title{}, err
	}
	from, err := openSource(ctx, dir, key)
	if err != nil {
		return bolt.Title{}, err
	}
	defer from.close()
	b := born{Made: time.Now().UTC()} // before the keys are read, so that none in it is newer
	var title bolt.Title
	log, err := newFolder(p.Log)
	if err != nil {
		return title, err
	}
	defer log.drop()
	keys, err := newFolder(p.Keys)
	if err != nil {
		return title, err
	}
	defer keys.drop()
	if title, err = from.buildLog(ctx, log.temp); err != nil {
		return title, err
	}
	b.Relay = title.Key
	if err := copySettings(dir, log.temp, ""); err != nil {
		return title, err
	}
	if err := errors.Join(b.write(log.temp), b.write(keys.temp)); err != nil { // once all but the keys is there
		return title, err
	}
	if err := note(dir, Copy{b.Made, title.Size, p}); err != nil {
		return title, err
	}
	if err := from.buildKeys(ctx, keys.temp); err != nil {
		return title, err
	}
	return title, errors.Join(keys.place(), log.place())
}

// A source gives what a data folder holds.
type source struct {
	log, keys func(ctx context.Context, f func(io.Reader) error) error
	close     func()
}

// openSource goes to the relay that serves a folder, or to the files where none does.
func openSource(ctx context.Context, dir string, key Key) (source, error) {
	err := ask(ctx, dir, "", func(io.Reader) error { return nil })
	if !errors.Is(err, errNobody) {
		return source{
			log:   func(ctx context.Context, f func(io.Reader) error) error { return ask(ctx, dir, "log", f) },
			keys:  func(ctx context.Context, f func(io.Reader) error) error { return ask(ctx, dir, "keys", f) },
			close: func() {},
		}, nil
	}
	d, err := ReadData(ctx, dir, key)
	if err != nil {
		return source{}, err
	}
	return source{log: piped(d.log.Hand), keys: piped(d.keys.Hand), close: func() { _ = d.Close() }}, nil
}

func piped(hand func(context.Context, io.Writer) error) func(context.Context, func(io.Reader) error) error {
	return func(ctx context.Context, f func(io.Reader) error) error {
		r, w := io.Pipe()
		handed := make(chan error, 1)
		go func() {
			err := hand(ctx, w)
			handed <- err
			w.CloseWithError(err)
		}()
		err := f(r)
		r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
		if cause := <-handed; cause != nil && !errors.Is(cause, io.ErrClosedPipe) {
			return cause
		}
		return err
	}
}

func (s source) buildLog(ctx context.Context, dir string) (title bolt.Title, err error) {
	return title, s.log(ctx, func(r io.Reader) (err error) {
		title, err = bolt.Build(ctx, filepath.Join(dir, logName), r)
		return err
	})
}

func (s source) buildKeys(ctx context.Context, dir string) error {
	return s.keys(ctx, func(r io.Reader) error { return bolt.BuildKeys(ctx, filepath.Join(dir, keysName), r) })
}

// copySettings copies who the staff are, and what else is kept in words beside the log, as far as another folder has it
// not.
func copySettings(from, to, has string) error {
	names, err := filepath.Glob(filepath.Join(from, "*.toml"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(has, filepath.Base(name))); has != "" && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := copyFile(name, filepath.Join(to, filepath.Base(name))); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// A folder is one that gets its name once it is complete.
type folder struct{ temp, path string }

func newFolder(path string) (folder, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return folder{}, fmt.Errorf("%s is there already: a backup never replaces anything; name another folder", path)
	}
	parent := filepath.Dir(filepath.Clean(path))
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return folder{}, err
	}
	temp, err := os.MkdirTemp(parent, unfinished(path)) // mode 0700
	return folder{temp, path}, err
}

// unfinished begins the name that a folder has, beside its own, while it is made.
func unfinished(path string) string { return "." + filepath.Base(path) + newInfix }

const newInfix = ".new-"

func (f folder) place() error {
	if err := syncFolder(f.temp); err != nil {
		return err
	}
	if err := os.Rename(f.temp, f.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(filepath.Clean(f.path)))
}

func (f folder) drop() { _ = os.RemoveAll(f.temp) }

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
