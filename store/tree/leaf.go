// Package tree makes a log tamper-evident: a Merkle tree (RFC 6962, by golang.org/x/mod/sumdb/tlog) over the clear part
// of every event and the hash of its sealed bytes.
//
// Whoever keeps a [Checkpoint] can tell later whether the log still holds all that it held then: a log that was
// rewritten, and everything in it made to fit again, has another root. The tree says nothing of anybody that the clear
// part of the log does not say.
package tree

import (
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"

	"befree.example/store"
)

// A Leaf is what the tree holds of one event: every field that stands in the clear, and BodyHash. Of Seq it has the
// room; [Leaf.At] fills it in.
//
//	version (1 byte), Seq (8, big-endian), Prev (8), whether it has a time (1), At (8, ns since 1970),
//	then ID, Conversation, Actor and Kind, each after its length (uvarint), then BodyHash (32)
type Leaf []byte

const leafVersion = 1

// LeafOf returns the leaf of e as it lies in the log.
func LeafOf(e store.Event) Leaf {
	l := make(Leaf, 0, 128+len(e.ID)+len(e.Conversation)+len(e.Actor)+len(e.Kind))
	l = append(l, leafVersion)
	l = binary.BigEndian.AppendUint64(l, e.Seq)
	l = binary.BigEndian.AppendUint64(l, e.Prev)
	var nanos int64
	if e.At.IsZero() {
		l = append(l, 0)
	} else {
		l, nanos = append(l, 1), e.At.UnixNano()
	}
	l = binary.BigEndian.AppendUint64(l, uint64(nanos))
	for _, text := range [...]string{e.ID, e.Conversation, e.Actor, string(e.Kind)} {
		l = binary.AppendUvarint(l, uint64(len(text)))
		l = append(l, text...)
	}
	return append(l, e.BodyHash[:]...)
}

// At returns the hash of the leaf for the event's place in the log.
func (l Leaf) At(seq uint64) store.Hash {
	binary.BigEndian.PutUint64(l[1:], seq)
	return store.Hash(tlog.RecordHash(l))
}

// HashOf is the hash of an event's leaf.
func HashOf(e store.Event) store.Hash { return LeafOf(e).At(e.Seq) }
