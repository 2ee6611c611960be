package bolt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/fxamacker/cbor/v2"

	"befree.example/store"
)

// A record is an event as it stands in the file, as CBOR with these numbers for names. Fields are only ever added, and
// no number is used again. Its Seq is its key.
type record struct {
	Prev         uint64      `cbor:"1,keyasint,omitempty"`
	ID           string      `cbor:"2,keyasint"`
	Conversation string      `cbor:"3,keyasint,omitempty"`
	At           *int64      `cbor:"4,keyasint,omitempty"` // ns since 1970 in UTC; none for the zero Time
	Actor        string      `cbor:"5,keyasint,omitempty"`
	Kind         store.Kind  `cbor:"6,keyasint,omitempty"`
	Head         *recordHead `cbor:"7,keyasint,omitempty"`
	Number       string      `cbor:"8,keyasint,omitempty"`
	Body         []byte      `cbor:"9,keyasint,omitempty"`
	BodyHash     []byte      `cbor:"10,keyasint,omitempty"`
	Command      []byte      `cbor:"11,keyasint,omitempty"`
	Withheld     bool        `cbor:"12,keyasint,omitempty"`
	Mark         []byte      `cbor:"13,keyasint,omitempty"` // of a log with a tree; the last field, so that it can be filled in
}

// A recordHead is a [store.Head] in a record.
type recordHead struct {
	Severity string   `cbor:"1,keyasint,omitempty"`
	Language string   `cbor:"2,keyasint,omitempty"`
	Tail     string   `cbor:"3,keyasint,omitempty"`
	Keyword  string   `cbor:"4,keyasint,omitempty"`
	Flags    []string `cbor:"5,keyasint,omitempty"`
	Staff    string   `cbor:"6,keyasint,omitempty"`
	Ref      string   `cbor:"7,keyasint,omitempty"`
	Delivery string   `cbor:"8,keyasint,omitempty"`
	Code     int      `cbor:"9,keyasint,omitempty"`

	Late time.Duration `cbor:"10,keyasint,omitempty"`
}

// recordReader takes text as it came, even where it is not UTF-8.
var recordReader = func() cbor.DecMode {
	mode, err := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// What a record in the file can be found to be.
var (
	errChecksum = errors.New("has a wrong checksum")
	errRecord   = errors.New("cannot be read")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	sumSize  = 4
	markSize = 16
)

// withRoom encodes e, leaving room for the checksum that [sign] puts at the end.
func withRoom(e store.Event) ([]byte, error) {
	r, err := toRecord(e)
	if err != nil {
		return nil, err
	}
	data, err := cbor.Marshal(r)
	return append(data, make([]byte, sumSize)...), err
}

// withMark is withRoom for a log with a tree: before the checksum there is room for the mark that [stamp] puts there.
func withMark(e store.Event) ([]byte, error) {
	r, err := toRecord(e)
	if err != nil {
		return nil, err
	}
	r.Mark = make([]byte, markSize)
	data, err := cbor.Marshal(r)
	return append(data, make([]byte, sumSize)...), err
}

// stamp puts the mark into a record; the checksum comes after it. The mark is over the leaf and all of the record that
// comes before it.
func stamp(data []byte, leaf store.Hash, mark Marker, epoch string) {
	rest := data[:len(data)-sumSize-markSize]
	m := mark(epoch, marked(leaf, rest))
	copy(data[len(rest):], m[:])
}

// stamped tells whether a record has the mark that stamp gives it.
func stamped(data []byte, leaf store.Hash, mark Marker, epoch string) bool {
	if len(data) < sumSize+markSize {
		return false
	}
	rest := data[:len(data)-sumSize-markSize]
	m := mark(epoch, marked(leaf, rest))
	return hmac.Equal(data[len(rest):len(data)-sumSize], m[:])
}

func marked(leaf store.Hash, rest []byte) store.Hash {
	var room [1024]byte
	return sha256.Sum256(append(append(room[:0], leaf[:]...), rest...))
}

// sign makes data the record of the event seq: a CRC-32C over the rest of data and seq stands at its end.
func sign(data []byte, seq uint64) {
	rest := data[:len(data)-sumSize]
	binary.BigEndian.PutUint32(data[len(rest):], checksum(rest, seq))
}

func checksum(data []byte, seq uint64) uint32 {
	return crc32.Update(crc32.Checksum(data, castagnoli), castagnoli, seqKey(seq))
}

// decode reads the record of the event seq. What it returns shares no memory with data.
func decode(data []byte, seq uint64) (store.Event, error) {
	rest := len(data) - sumSize
	if rest < 0 || binary.BigEndian.Uint32(data[rest:]) != checksum(data[:rest], seq) {
		return store.Event{}, errChecksum
	}
	var r record
	if err := recordReader.Unmarshal(data[:rest], &r); err != nil {
		return store.Event{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	return r.event(seq)
}

func toRecord(e store.Event) (record, error) {
	at, err := toNanos(e.At)
	return record{
		Prev: e.Prev, ID: e.ID, Conversation: e.Conversation, At: at, Actor: e.Actor, Kind: e.Kind,
		Head: toHead(e.Head), Number: e.Number, Body: e.Body,
		BodyHash: toSum(e.BodyHash), Command: toSum(e.Command), Withheld: e.Withheld,
	}, err
}

func (r record) event(seq uint64) (store.Event, error) {
	e := store.Event{
		Seq: seq, Prev: r.Prev, ID: r.ID, Conversation: r.Conversation, Actor: r.Actor, Kind: r.Kind,
		Head: r.Head.head(), Number: r.Number, Body: r.Body, Withheld: r.Withheld,
	}
	if r.At != nil {
		e.At = time.Unix(0, *r.At).UTC()
	}
	if !fromSum(&e.BodyHash, r.BodyHash) || !fromSum(&e.Command, r.Command) {
		return store.Event{}, errRecord
	}
	return e, nil
}

// toNanos refuses times that int64 nanoseconds do not reach: before 1678 and after 2262.
func toNanos(t time.Time) (*int64, error) {
	if t.IsZero() {
		return nil, nil
	}
	nanos := t.UnixNano()
	if !time.Unix(0, nanos).Equal(t) {
		return nil, errors.New("event's time is out of range")
	}
	return &nanos, nil
}

func toSum(h store.Hash) []byte {
	if h.IsZero() {
		return nil
	}
	return h[:]
}

func fromSum(h *store.Hash, sum []byte) bool {
	return len(sum) == 0 || copy(h[:], sum) == len(sum) && len(sum) == len(h)
}

func toHead(h store.Head) *recordHead {
	r := recordHead(h)
	if r.isZero() {
		return nil
	}
	return &r
}

func (r recordHead) isZero() bool {
	return r.Severity == "" && r.Language == "" && r.Tail == "" && r.Keyword == "" && len(r.Flags) == 0 &&
		r.Staff == "" && r.Ref == "" && r.Delivery == "" && r.Code == 0 && r.Late == 0
}

func (r *recordHead) head() store.Head {
	if r == nil {
		return store.Head{}
	}
	return store.Head(*r)
}

// seqKey is the key of the event seq: big-endian, so that keys sort as the log does.
func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

const pointerSize = 8 + sumSize

// pointer is the value of key where it stands for an event: its Seq, and a CRC-32C over both.
func pointer(key []byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint32(seqKey(seq), checksum(key, seq))
}

// target reads a pointer.
func target(key, value []byte) (uint64, error) {
	if len(value) != pointerSize {
		return 0, errRecord
	}
	seq := binary.BigEndian.Uint64(value)
	if binary.BigEndian.Uint32(value[8:]) != checksum(key, seq) {
		return 0, errChecksum
	}
	return seq, nil
}
