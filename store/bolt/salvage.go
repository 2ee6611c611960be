package bolt

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/tree"
)

// Lost is the kind of what stands in the place of an event that could not be saved. Its ID is the lost one's where that
// was still to be read, so that what is brought again under that ID is not taken for new.
const Lost store.Kind = "lost"

// Saved is what could be read of a damaged log, whatever is wrong with its pages.
type Saved struct {
	Epoch string
	Last  uint64 // the newest event of which there is any trace
	Loose bool   // the log's birth name is lost, without which no mark can be looked at: checksums alone speak for the events

	records map[uint64][]byte
	ids     map[uint64]string // by what leads to an event, also to a lost one
	chains  map[uint64]string
}

// Salvage reads a damaged log without following what leads from page to page: it looks at each page for records whose
// checksum is right. Pages that are in no place any more are looked at too: what is in the log once is in it for ever.
// With a mark it takes no record of a log with a tree that was not marked so. It changes nothing.
func Salvage(ctx context.Context, path string, mark Marker) (*Saved, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	s := &Saved{records: map[uint64][]byte{}, ids: map[uint64]string{}, chains: map[uint64]string{}}
	r := &salvager{file: f, size: size, saved: s}
	for _, look := range []func(key, value []byte, bucket bool){r.names, r.event} {
		for at := int64(0); at < size; at += int64(os.Getpagesize()) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r.page(at, look)
		}
		r.mark = mark // the epoch is known now
		if s.Epoch == "" {
			s.Loose, r.mark = true, nil
		}
	}
	if len(s.records) == 0 {
		return nil, damaged(path, "no event of it can be read")
	}
	return s, nil
}

// A salvager goes over a file page by page.
type salvager struct {
	file  io.ReaderAt
	size  int64
	saved *Saved
	mark  Marker
	treed bool
}

// page gives look every element that a leaf at this place would have, as far as it lies within the file. What its header
// says is not asked: it may be what is damaged.
func (r *salvager) page(at int64, look func(key, value []byte, bucket bool)) {
	var element [elementSize]byte
	for i := range int64(os.Getpagesize() / elementSize) {
		from := at + headerSize + i*elementSize
		if _, err := r.file.ReadAt(element[:], from); err != nil {
			return
		}
		key, value := int64(native.Uint32(element[8:])), int64(native.Uint32(element[12:]))
		start := from + int64(native.Uint32(element[4:]))
		if key == 0 || key > nameLimit || value > longestRecord || start < from+elementSize || start+key+value > r.size {
			if i == 0 {
				continue // one damaged element is not the end of the page
			}
			if native.Uint32(element[4:]) == 0 {
				return
			}
			continue
		}
		data := make([]byte, key+value)
		if _, err := r.file.ReadAt(data, start); err != nil {
			return
		}
		look(data[:key], data[key:], native.Uint32(element[:])&bucketElement != 0)
	}
}

// names looks for the log's birth name, and whether it has a tree.
func (r *salvager) names(key, value []byte, bucket bool) {
	if line, _, ok := strings.Cut(string(value), "\n"); !bucket && ok && len(key) == 8 && strings.HasPrefix(line, tree.Origin) {
		r.saved.Epoch, r.treed = strings.TrimPrefix(line, tree.Origin), true
	}
	switch {
	case bucket:
	case string(key) == string(epochKey) && len(value) == len(newEpoch()):
		r.saved.Epoch = string(value)
	case string(key) == string(endKey) && len(value) == 8+32+markSize:
		r.treed = true
	}
	if !bucket || string(key) != string(metaBucket) || len(value) < bucketSize+headerSize {
		return
	}
	p := page{data: value[bucketSize:], count: int(native.Uint16(value[bucketSize+10:]))}
	if !(page{data: p.data, count: p.count, flags: leafPage}).fits() {
		return
	}
	for i := range p.count {
		e := p.element(i)
		start, size := native.Uint32(e[4:]), native.Uint32(e[8:])
		name, value := e[start:start+size], e[start+size:][:native.Uint32(e[12:])]
		if string(name) == string(epochKey) {
			r.saved.Epoch = string(value)
		}
	}
}

// event keeps a record, or what leads to one.
func (r *salvager) event(key, value []byte, bucket bool) {
	if bucket {
		return
	}
	if seq, err := target(key, value); err == nil && seq > 0 {
		r.pointer(string(key), seq)
		return
	}
	if len(key) != 8 {
		return
	}
	seq := uint64(0)
	for _, b := range key {
		seq = seq<<8 | uint64(b)
	}
	e, err := decode(value, seq)
	if err != nil || seq == 0 {
		return
	}
	if r.mark != nil && r.treed && !stamped(value, tree.HashOf(e), r.mark, r.saved.Epoch) {
		return
	}
	r.saved.records[seq] = value
	r.saved.Last = max(r.saved.Last, seq)
	if e.Conversation != "" && e.Prev > 0 {
		r.saved.chains[e.Prev] = e.Conversation
	}
}

func (r *salvager) pointer(key string, seq uint64) {
	r.saved.Last = max(r.saved.Last, seq)
	if store.IsDeviceID(key) || len(key) == 27 && strings.HasPrefix(key, "h") {
		r.saved.ids[seq] = key
	} else {
		r.saved.chains[seq] = key
	}
}

// Lost lists the events that could not be read.
func (s *Saved) Lost() (lost []uint64) {
	for seq := uint64(1); seq <= s.Last; seq++ {
		if s.records[seq] == nil {
			lost = append(lost, seq)
		}
	}
	return lost
}

// Events gives f every event that could be read, oldest first.
func (s *Saved) Events(f func(store.Event) error) error {
	for seq := uint64(1); seq <= s.Last; seq++ {
		if s.records[seq] == nil {
			continue
		}
		e, err := decode(s.records[seq], seq)
		if err == nil {
			err = f(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Build makes a log file at path, where there is none, in which every event has the place that it had; in that of a
// lost one stands that it is lost. It is another log: a new epoch, whose checkpoints name no earlier one, as its
// consoles have to see that it does not hold what it held.
func (s *Saved) Build(ctx context.Context, path string, mark Marker) error {
	b, err := newBuilder(path, newEpoch())
	if err != nil {
		return err
	}
	b.grown.mark = mark
	f := filler{saved: s, tails: map[string]uint64{}}
	err = b.all(ctx, s.Last, f.next)
	if err == nil {
		err = b.log.transact(b.log.db.Update, func(tx *bbolt.Tx) error {
			return tx.Bucket(treeBucket).Put(endKey, endOf(b.log.epoch, mark, b.grown.edge))
		})
	}
	return b.close(err)
}

// A filler gives the saved records in order, and something in the place of each that is lost.
type filler struct {
	saved *Saved
	seq   uint64
	tails map[string]uint64
	at    time.Time
}

func (f *filler) next() ([]byte, error) {
	f.seq++
	record := f.saved.records[f.seq]
	if record == nil {
		return f.lost()
	}
	e, err := decode(record, f.seq)
	if err != nil {
		return nil, err
	}
	f.at = e.At
	if e.Conversation != "" {
		if e.Prev != f.tails[e.Conversation] {
			return nil, fmt.Errorf("event %d does not follow what is left of its conversation: %w", f.seq, store.ErrDamaged)
		}
		f.tails[e.Conversation] = f.seq
	}
	return record, nil
}

func (f *filler) lost() ([]byte, error) {
	e := store.Event{
		Seq: f.seq, ID: f.saved.ids[f.seq], Conversation: f.saved.chains[f.seq], At: f.at, Actor: store.Clock, Kind: Lost,
		BodyHash: sha256.Sum256([]byte(Lost)),
	}
	if e.ID == "" {
		e.ID = fmt.Sprintf("lost-%d", f.seq)
	}
	if e.Conversation != "" {
		e.Prev = f.tails[e.Conversation]
		f.tails[e.Conversation] = f.seq
	}
	data, err := withRoom(e)
	if err != nil {
		return nil, errors.Join(err, store.ErrDamaged)
	}
	sign(data, f.seq)
	return data, nil
}
