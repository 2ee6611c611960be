package bolt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/tree"
)

// A Title stands before the records of a log that is handed on.
type Title struct {
	Epoch  string       `json:"epoch"`
	Size   uint64       `json:"size"`
	End    []byte       `json:"end,omitempty"`
	Before []tree.State `json:"before,omitempty"`
	Signed []byte       `json:"signed,omitempty"` // the checkpoint at Size
	Key    tree.Key     `json:"key,omitempty"`
}

// longestRecord bounds what one record may have in a stream.
const longestRecord = 1 << 29

var errStream = errors.New("what came is cut short or no log of befree's")

// Hand hands on the log as it is now: a line of JSON with its [Title], then every record after its length. It is
// read in pieces, so that nobody who appends waits for whoever takes it; what is appended meanwhile is not in it.
func (l *Log) Hand(ctx context.Context, w io.Writer) error {
	title, err := l.title()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	if err := json.NewEncoder(out).Encode(title); err != nil {
		return err
	}
	for after := uint64(0); after < title.Size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(title.Size, after+pieceLimit)
		records, err := l.records(after, end)
		if err != nil {
			return err
		}
		for _, record := range records {
			if _, err := out.Write(binary.AppendUvarint(nil, uint64(len(record)))); err != nil {
				return err
			}
			if _, err := out.Write(record); err != nil {
				return err
			}
		}
		after = end
	}
	return out.Flush()
}

func (l *Log) title() (Title, error) {
	if l.tree == nil {
		return Title{Epoch: l.epoch, Size: l.head.seq()}, nil
	}
	c, signed, err := l.Checkpoint()
	if err != nil {
		return Title{}, err
	}
	edge, err := l.Edge(c.Size)
	return Title{l.epoch, c.Size, endOf(l.epoch, l.tree.mark, edge), l.tree.before, signed, l.Key()}, err
}

// records copies the records after the first Seq up to the second, each looked over.
func (l *Log) records(after, end uint64) (records [][]byte, err error) {
	err = l.view(func(tx *bbolt.Tx) error {
		events := tx.Bucket(eventsBucket)
		for seq := after + 1; seq <= end; seq++ {
			if _, err := l.get(events, seq); err != nil {
				return err
			}
			records = append(records, bytes.Clone(events.Get(seqKey(seq))))
		}
		return nil
	})
	return records, err
}

// Build makes a log file at path, where there is none, of what [Log.Hand] gave. The file is whole when Build returns:
// its events are in order, their chains and IDs fit, and its tree is the one that was signed. What fails leaves no file.
func Build(ctx context.Context, path string, r io.Reader) (Title, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	line, err := in.ReadBytes('\n')
	var title Title
	if err != nil || json.Unmarshal(line, &title) != nil || title.Epoch == "" {
		return title, errStream
	}
	b, err := newBuilder(path, title.Epoch)
	if err != nil {
		return title, err
	}
	b.grown.kept = true
	err = b.all(ctx, title.Size, func() ([]byte, error) { return readPart(in, sumSize, longestRecord) })
	if err == nil {
		err = b.entitle(title)
	}
	return title, b.close(err)
}

// Renew makes a log file at path, where there is none, with all that l has, as another log: a new epoch, whose
// checkpoints name this one.
func (l *Log) Renew(ctx context.Context, path string, mark Marker) error {
	edge, err := l.Edge(l.head.seq())
	if err != nil {
		return err
	}
	b, err := newBuilder(path, newEpoch())
	if err != nil {
		return err
	}
	b.grown.mark = mark
	before := append(slices.Clone(l.tree.before), tree.State{Epoch: l.epoch, Size: edge.Size(), Hash: edge.Root()})
	next := uint64(0)
	err = b.all(ctx, edge.Size(), func() ([]byte, error) {
		next++
		records, err := l.records(next-1, next)
		if err != nil {
			return nil, err
		}
		return records[0], nil
	})
	if err == nil {
		err = b.log.transact(b.log.db.Update, func(tx *bbolt.Tx) error {
			return errors.Join(writeBefore(tx, before), tx.Bucket(treeBucket).Put(endKey, endOf(b.log.epoch, mark, b.grown.edge)))
		})
	}
	return b.close(err)
}

// A builder fills a new log file.
type builder struct {
	log   *Log
	grown growth
}

func newBuilder(path, epoch string) (*builder, error) {
	if _, err := os.Stat(path); err == nil {
		return nil, fmt.Errorf("%s is there already: name another place", path)
	}
	if err := logFormat.write(path); err != nil {
		return nil, err
	}
	l, err := openIdle(path, Options{})
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	close(l.ended)
	l.db.NoSync = true // close does it once
	l.epoch = epoch
	err = l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(epochKey, []byte(epoch)) })
	b := &builder{log: l}
	if err != nil {
		return nil, b.close(err)
	}
	return b, nil
}

// all adds so many records that next gives.
func (b *builder) all(ctx context.Context, n uint64, next func() ([]byte, error)) error {
	for b.log.head.seq() < n {
		if err := ctx.Err(); err != nil {
			return err
		}
		last := b.log.head.seq()
		err := b.log.transact(b.log.db.Update, func(tx *bbolt.Tx) error {
			w := b.log.writer(tx, last)
			w.grown = b.grown
			w.grown.log, w.grown.tx = b.log, tx
			for w.last < min(n, last+growStep) {
				record, err := next()
				if err != nil {
					return err
				}
				if err := b.one(w, record); err != nil {
					return err
				}
			}
			last, b.grown = w.last, w.grown
			return nil
		})
		if err != nil {
			return err
		}
		b.log.head.move(last)
	}
	return nil
}

func (b *builder) one(w *writer, record []byte) error {
	e, err := decode(record, w.last+1)
	if err != nil {
		return b.log.damaged("event %d %v", w.last+1, err)
	}
	if !b.grown.kept {
		if record, err = withMark(e); err != nil {
			return err
		}
	}
	var r result
	c := &call{entries: []entry{{e.ID, e.Conversation, e.Prev, record, tree.LeafOf(e)}}}
	if err := w.add(c, &r); err != nil {
		return err
	}
	if r.err != nil {
		return b.log.damaged("event %d does not fit the ones before it (%v)", e.Seq, r.err)
	}
	return nil
}

// entitle gives the file what was signed, after holding its tree against that.
func (b *builder) entitle(t Title) error {
	if t.Signed == nil { // of a log without a tree, which its relay will give it one
		return b.log.db.Update(func(tx *bbolt.Tx) error { return renew(tx, treeBucket) })
	}
	c, err := tree.Open(t.Signed, t.Key)
	if err != nil {
		return b.log.damaged("its checkpoint cannot be trusted: %v", err)
	}
	if now := (tree.State{Epoch: t.Epoch, Size: b.grown.edge.Size(), Hash: b.grown.edge.Root()}); now != c.State {
		return b.log.damaged("its %d events are not what was signed", now.Size)
	}
	return b.log.transact(b.log.db.Update, func(tx *bbolt.Tx) error {
		return errors.Join(writeBefore(tx, t.Before), tx.Bucket(treeBucket).Put(endKey, t.End),
			tx.Bucket(checkpointsBucket).Put(seqKey(c.Size), t.Signed))
	})
}

// close makes the file durable, or away with it.
func (b *builder) close(err error) error {
	if err == nil {
		err = b.log.db.Sync()
	}
	err = errors.Join(err, b.log.db.Close(), os.RemoveAll(holderFile(b.log.path)))
	if err != nil {
		_ = os.Remove(b.log.path)
	}
	return err
}

// Hand hands on the wrapped keys: each name and value after its length.
func (k *Keys) Hand(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var last []byte
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		piece, err := k.piece(last)
		if err != nil {
			return err
		}
		if len(piece) == 0 {
			break
		}
		for _, s := range piece {
			for _, part := range [][]byte{s.key, s.value} {
				if _, err := out.Write(append(binary.AppendUvarint(nil, uint64(len(part))), part...)); err != nil {
					return err
				}
			}
		}
		last = piece[len(piece)-1].key
	}
	if _, err := out.Write([]byte{0}); err != nil { // a name of no length ends them
		return err
	}
	return out.Flush()
}

// piece copies some keys after a name.
func (k *Keys) piece(after []byte) (piece []stored, err error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	err = k.transact(k.db.View, func(b *bbolt.Bucket) error {
		piece = some(b, after)
		return nil
	})
	return piece, err
}

// BuildKeys makes a key file at path, where there is none, of what [Keys.Hand] gave. What fails leaves no file.
func BuildKeys(ctx context.Context, path string, r io.Reader) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already: name another place", path)
	}
	k, err := OpenKeys(path)
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(r, 64<<10)
	k.db.NoSync = true
	for more := true; more && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		err = k.change(func(b *bbolt.Bucket) (err error) {
			more, err = takeKeys(in, b)
			return err
		})
	}
	if err == nil {
		err = k.db.Sync()
	}
	err = errors.Join(err, k.Close(), os.RemoveAll(holderFile(path)))
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

func takeKeys(in *bufio.Reader, b *bbolt.Bucket) (more bool, err error) {
	for range growStep {
		name, err := readPart(in, 0, nameLimit)
		if err != nil || len(name) == 0 {
			return false, err
		}
		value, err := readPart(in, 0, nameLimit)
		if err != nil {
			return false, err
		}
		rest := len(value) - sumSize
		if rest < 0 || !bytes.Equal(value, signKey(string(name), value[:rest])) {
			return false, fmt.Errorf("%w: a key has a wrong checksum", store.ErrDamaged)
		}
		if err := b.Put(name, value); err != nil {
			return false, err
		}
	}
	return true, nil
}

// readPart reads a part that stands behind its size, which is between least and most.
func readPart(in *bufio.Reader, least, most uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil || n < least || n > most {
		return nil, errStream
	}
	part := make([]byte, n)
	if _, err := io.ReadFull(in, part); err != nil {
		return nil, errStream
	}
	return part, nil
}

// CompactLog writes the log file at path anew without free pages, and puts it in the old one's place. Nobody may have
// it open. A crash or an error on the way leaves the old file as it was.
func CompactLog(path string, check func(fresh string) error) error {
	old, err := openFile(path, logFormat, false)
	if err != nil {
		return err
	}
	defer old.Close()
	to := spare(path)
	fresh, err := copied(path, old)
	if fresh != nil {
		err = errors.Join(err, fresh.Close())
	}
	if err == nil {
		err = check(to)
	}
	if err == nil {
		err = os.Rename(to, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("compact %s: %w", path, err), os.RemoveAll(to))
	}
	return syncFolderOf(path)
}
