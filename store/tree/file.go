package tree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"befree.example/store"
)

// A Proven is one event as it stands in the clear in the log, and the way from its leaf to the root.
type Proven struct {
	Seq   uint64       `json:"seq"`
	Prev  uint64       `json:"prev"`
	ID    string       `json:"id"` // clear form
	At    time.Time    `json:"at"`
	Actor string       `json:"actor"`
	Kind  store.Kind   `json:"kind"`
	Hash  store.Hash   `json:"hash"` // of the sealed bytes
	Proof []store.Hash `json:"proof"`
}

// A Proof shows, to anybody who knows the relay's key and without the log, that a conversation's events up to some
// moment are these, in this order, and none besides: each names the one before. It holds no words.
type Proof struct {
	Form         string   `json:"befree"`
	Conversation string   `json:"conversation"`
	Key          Key      `json:"key"`
	Signed       string   `json:"checkpoint"`
	Events       []Proven `json:"events"`
}

const proofForm = "proof 1"

// Prove makes a Proof of one conversation's sealed events, oldest first, for a checkpoint that has them all. way gives
// the proof that an event is in its tree.
func Prove(es []store.Event, signed []byte, key Key, way func(seq uint64) ([]store.Hash, error)) (Proof, error) {
	p := Proof{Form: proofForm, Key: key, Signed: string(signed)}
	for _, e := range es {
		proof, err := way(e.Seq)
		if err != nil {
			return p, err
		}
		p.Conversation = e.Conversation
		p.Events = append(p.Events, Proven{e.Seq, e.Prev, e.ID, e.At, e.Actor, e.Kind, e.BodyHash, proof})
	}
	return p, nil
}

// Encode gives p as a file.
func (p Proof) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(p, "", " ")
	return append(b, '\n'), err
}

// OpenProof reads a Proof's file and tells whether it holds. It says no to whatever Encode did not write. Whether its
// Key is the relay's is for the reader to know.
func OpenProof(file []byte) (Proof, Checkpoint, error) {
	var p Proof
	if err := json.Unmarshal(file, &p); err != nil || p.Form != proofForm {
		return p, Checkpoint{}, ErrShape
	}
	if again, err := p.Encode(); err != nil || !bytes.Equal(again, file) {
		return p, Checkpoint{}, ErrShape
	}
	c, err := Open([]byte(p.Signed), p.Key)
	if err != nil {
		return p, c, err
	}
	prev := uint64(0)
	for _, e := range p.Events {
		if e.Prev != prev {
			return p, c, fmt.Errorf("%w: an event before %d was left out", ErrShape, e.Seq)
		}
		prev = e.Seq
		leaf := HashOf(store.Event{
			Seq: e.Seq, Prev: e.Prev, ID: e.ID, Conversation: p.Conversation, At: e.At, Actor: e.Actor, Kind: e.Kind, BodyHash: e.Hash,
		})
		if !c.Includes(e.Proof, e.Seq, leaf) {
			return p, c, fmt.Errorf("%w: event %d is not in the log like this", ErrShape, e.Seq)
		}
	}
	if len(p.Events) == 0 {
		return p, c, ErrShape
	}
	return p, c, nil
}
