package seal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"befree.example/store"
)

// A sealed blob is a header, its keyed hash, and then one sealed box for each entry, without gaps:
//
//	header = version (1 byte), number of boxes (1), entries
//	entry  = role (1), length of class (1), class, key ID (8), length of sealed box (4, big-endian)
//	sealed = nonce (24), ciphertext with tag
//
// Entries are in the order of their roles, and the first is the facts. The place of an event is its conversation, kind
// and clear ID, each after its length (uvarint). The hash is over header, place and a zero byte; the associated data of
// each box are header, place and its role. So boxes cannot be moved, exchanged, left out, or called forgotten, not even
// where all keys of an event are gone.
const (
	blobVersion = 1
	boxExtra    = chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// A role says what a box holds.
type role byte

const (
	none role = iota
	factsRole
	numberRole
	bodyRole
	askedRole // a body after the hash of the command that asked for it, which would tell what a forgotten one was

	maxBoxes = 3
)

func (r role) String() string {
	return [...]string{"no", "facts", "number", "body", "body"}[r]
}

// An entry describes one box.
type entry struct {
	role   role
	class  store.Class
	key    keyID
	sealed []byte // nonce and ciphertext, when read
}

// appendEntry adds an entry whose box has size bytes once sealed.
func appendEntry(header []byte, e entry, size int) []byte {
	header = append(header, byte(e.role), byte(len(e.class)))
	header = append(header, e.class...)
	header = append(header, e.key[:]...)
	return binary.BigEndian.AppendUint32(header, uint32(size))
}

// parseBlob splits what seal made. It trusts nothing; entries past the last have role none.
func parseBlob(blob []byte) (header, mac []byte, entries [maxBoxes]entry, err error) {
	r := reader{rest: blob}
	if version := r.byte(); version != blobVersion {
		return nil, nil, entries, fmt.Errorf("version %d is not known here", version)
	}
	n := int(r.byte())
	if n < 1 || n > maxBoxes {
		return nil, nil, entries, errors.New("wrong number of boxes")
	}
	var sizes [maxBoxes]uint64
	for i := range n {
		entries[i], sizes[i] = r.entry()
	}
	header = blob[:len(blob)-len(r.rest)]
	mac = r.take(macBytes)
	for i := range n {
		entries[i].sealed = r.take(sizes[i])
	}
	if r.short || len(r.rest) != 0 || !ordered(entries[:n]) {
		return nil, nil, entries, errors.New("sealed bytes make no sense")
	}
	return header, mac, entries, nil
}

func ordered(entries []entry) bool {
	last := none
	for _, e := range entries {
		if e.role <= last || e.role > askedRole || len(e.sealed) < boxExtra {
			return false
		}
		last = e.role
	}
	return entries[0].role == factsRole
}

// A reader takes bytes off the front of rest; once it ran short, everything it gives is empty.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.short, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) size() uint64 {
	if b := r.take(4); b != nil {
		return uint64(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) entry() (e entry, size uint64) {
	e.role = role(r.byte())
	e.class = className(r.take(uint64(r.byte())))
	copy(e.key[:], r.take(uint64(len(e.key))))
	return e, r.size()
}

// className gives the class called b, without a copy of the name where it is one of the well-known.
func className(b []byte) store.Class {
	for _, c := range [...]store.Class{store.Facts, store.Text, store.Numbers, store.Notes, store.Plans} {
		if string(b) == string(c) {
			return c
		}
	}
	return store.Class(b)
}
