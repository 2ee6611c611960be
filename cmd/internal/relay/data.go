package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/tree"
)

// Data is a relay's folder, opened: the log in log.db, sealed under the keys in keys.db, which are wrapped by a master
// key that lies elsewhere.
type Data struct {
	*seal.Log
	Left error // why copies of the keys that [OpenData] found left over could not be deleted
	dir  string
	swap swap
	temp bool // dir is a copy that goes with it
	log  *bolt.Log
	keys *bolt.Keys
	ring *seal.Ring
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
// is added: what is damaged is never built upon. What a killed [Look] or [Restore] has left there goes: it has keys which
// no forgetting reaches.
func OpenData(ctx context.Context, dir string, key Key) (*Data, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; give this user the right to write there, or name another with --data", err)
	}
	d, err := openData(ctx, dir, key, bolt.Options{FromDisk: true}) // an earlier process may have died of a failed fsync
	if err != nil {
		return nil, err
	}
	d.Left = tidy(d.dir)
	if err := d.log.Verify(ctx); err != nil { // 200,000 events take half a second
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// tidy deletes what was killed has left in a data folder whose files the caller holds.
func tidy(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), lookCopy) || e.Name() == restoreMaking {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// lookCopy begins the names of the copies that Look makes in a data folder.
const lookCopy = ".look-"

// Look opens a data folder to read it, also while a relay serves it: then it is a sealed copy of what was on disk a
// moment ago, which goes when it is closed. served tells which.
func Look(ctx context.Context, dir string, key Key) (d *Data, served bool, err error) {
	if err := ask(ctx, dir, "", func(io.Reader) error { return nil }); errors.Is(err, errNobody) {
		d, err := ReadData(ctx, dir, key)
		return d, false, err
	}
	from, err := openSource(ctx, dir, key)
	if err != nil {
		return nil, true, err
	}
	defer from.close()
	copied, err := os.MkdirTemp(dir, lookCopy) // mode 0700
	if err != nil {
		return nil, true, err
	}
	if _, err = from.buildLog(ctx, copied); err == nil {
		err = from.buildKeys(ctx, copied)
	}
	if err == nil {
		d, err = ReadData(ctx, copied, key)
	}
	if err != nil {
		return nil, true, errors.Join(err, os.RemoveAll(copied))
	}
	d.temp = true
	return d, true, nil
}

// ReadData opens a data folder to read it; it must be there already.
func ReadData(ctx context.Context, dir string, key Key) (*Data, error) {
	return openData(ctx, dir, key, bolt.Options{ReadOnly: true})
}

// The files of a data folder.
const (
	logName  = "log.db"
	keysName = "keys.db"
)

func openData(ctx context.Context, dir string, key Key, o bolt.Options) (*Data, error) {
	if err := finishRestore(dir); err != nil {
		return nil, err
	}
	d := &Data{dir: filepath.Clean(dir)}
	if err := d.open(ctx, filepath.Join(dir, logName), filepath.Join(dir, keysName), key, o); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// open opens a log and its keys, wherever they lie.
func (d *Data) open(ctx context.Context, log, wrapped string, key Key, o bolt.Options) (err error) {
	if d.log, err = bolt.Open(log, o); err != nil {
		return err
	}
	_, head, err := d.log.Read(ctx, store.Position{}, 0)
	if err != nil {
		return err
	}
	_, missing := os.Stat(wrapped)
	fresh := head.Seq == 0 && errors.Is(missing, fs.ErrNotExist)
	master, err := key.master(ctx, d.dir, fresh)
	if err != nil {
		return err
	}
	if d.keys, err = bolt.OpenKeys(wrapped); err != nil {
		return err
	}
	d.ring = seal.NewRing(master, d.keys, desk.ClassOf)
	if err = d.ring.Check(head.Seq == 0); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	d.swap.log = d.log
	d.Log = seal.NewLog(&d.swap, d.ring)
	return d.attest(ctx, d.log, o.ReadOnly)
}

// Mend opens the log again after it could not write, and reads all of it over, as the disk has it. Until that has
// worked it gives [store.ErrBroken].
func (d *Data) Mend(ctx context.Context) error {
	d.swap.mu.Lock()
	defer d.swap.mu.Unlock()
	d.swap.log = nil
	if d.log != nil {
		_ = d.log.Close() // what it could not write, it says no more of
		d.log = nil
	}
	l, err := bolt.Open(filepath.Join(d.dir, logName), bolt.Options{FromDisk: true})
	if err != nil {
		return err
	}
	if err := errors.Join(d.attest(ctx, l, false), l.Verify(ctx)); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := d.keys.Reopen(); err != nil {
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

// openRing opens the keys alone.
func openRing(ctx context.Context, wrapped string, key Key) (*seal.Ring, *bolt.Keys, error) {
	master, err := key.master(ctx, filepath.Dir(wrapped), false)
	if err != nil {
		return nil, nil, err
	}
	keys, err := bolt.OpenKeys(wrapped)
	if err != nil {
		return nil, nil, err
	}
	ring := seal.NewRing(master, keys, desk.ClassOf)
	if err := ring.Check(false); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", key, err), keys.Close())
	}
	return ring, keys, nil
}

// signingKey is where the key is kept that checkpoints are signed with. A log whose key is there has a tree: it is made
// only once the tree stands.
const signingKey = "checkpoint"

// attest holds the log against its tree, or gives an older one a tree.
func (d *Data) attest(ctx context.Context, log *bolt.Log, readOnly bool) error {
	secret, err := d.ring.Secret(signingKey, false)
	known := err == nil
	if err != nil && !errors.Is(err, seal.ErrNoKey) {
		return err
	}
	if err := log.Attest(ctx, d.ring.Mark, known); err != nil {
		return err
	}
	if !known && readOnly {
		return nil
	}
	if !known {
		if secret, err = d.ring.Secret(signingKey, true); err != nil {
			return err
		}
	}
	signer, err := tree.NewSigner(secret)
	if err != nil {
		return err
	}
	return log.Sign(signer)
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
	if d.temp {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

// Verify reads the whole log over, or what came after a checkpoint that was kept.
func (d *Data) Verify(ctx context.Context, since *tree.State) error {
	if since != nil {
		return d.log.VerifySince(ctx, *since)
	}
	_, lacking, err := d.readAll(ctx)
	if err == nil {
		err = lacking.err()
	}
	return err
}

// readAll verifies the log and reads all of it: that every sealed part is as it was sealed, only the keys can tell.
func (d *Data) readAll(ctx context.Context) (head store.Position, l lacking, err error) {
	if err := d.log.Verify(ctx); err != nil {
		return head, nil, err
	}
	l = lacking{}
	for at := uint64(0); ; {
		var events []store.Event
		events, head, err = d.Read(ctx, store.Position{Seq: at}, 4096)
		if err != nil || len(events) == 0 {
			return head, l, err
		}
		for _, e := range events {
			l.see(e)
		}
		at = events[len(events)-1].Seq
	}
}

// Lacking are events that cannot be read, though nothing in the log says that they were forgotten: the first of each kind
// in each conversation.
type lacking map[string]map[store.Kind]uint64

func (l lacking) see(e store.Event) {
	switch e.Kind {
	case desk.CarrierAsked, desk.Redacted, desk.RedactRefused: // destroyed as soon as it is done: a backup may have the log of before
		return
	}
	about := desk.About(e)
	of := l[about]
	if e.Withheld && of == nil {
		of = map[store.Kind]uint64{}
		l[about] = of
	}
	if e.Withheld && of[e.Kind] == 0 {
		of[e.Kind] = e.Seq
	}
	destroyed := desk.Destroys(e.Kind)
	maps.DeleteFunc(of, func(k store.Kind, _ uint64) bool {
		return slices.ContainsFunc(destroyed, func(c store.Class) bool {
			return c == store.Facts || c == desk.ClassOf(k) || c == store.Numbers && k == desk.Received
		})
	})
}

// err is nil where nothing is lacking.
func (l lacking) err() error {
	n, first := 0, uint64(math.MaxUint64)
	for _, of := range l {
		for _, seq := range of {
			first = min(first, seq)
		}
		if len(of) > 0 {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%w: those of %d conversations, the first of event %d, and nothing in the log says that these were forgotten", ErrKeysLacking, n, first)
}

// ErrKeysLacking is a log that is whole, and of which not all can be read.
var ErrKeysLacking = errors.New("keys are lacking")

// Prove makes a proof, which verifies without the log, of one conversation.
func (d *Data) Prove(ctx context.Context, conversation string) (tree.Proof, error) {
	c, signed, err := d.log.Checkpoint()
	if err != nil {
		return tree.Proof{}, err
	}
	events, err := d.log.Conversation(ctx, conversation)
	if err != nil {
		return tree.Proof{}, err
	}
	if len(events) == 0 {
		return tree.Proof{}, fmt.Errorf("there is no conversation %q in the log", conversation)
	}
	return tree.Prove(events, signed, d.log.Key(), func(seq uint64) ([]store.Hash, error) { return d.log.Inclusion(seq, c.Size) })
}
