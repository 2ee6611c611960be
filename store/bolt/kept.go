package bolt

import (
	"encoding/json"
	"slices"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/tree"
)

// What else stands, covered, in a cache's meta bucket.
var (
	keptKey = []byte("kept") // JSON of a Kept
	edgeKey = []byte("edge") // JSON of an edge
)

// Kept is what a console holds against its relay: the checkpoint that it last found to go on from all before it. It
// outlasts a copy that is begun anew.
type Kept struct {
	Key    tree.Key `json:"key,omitempty"`    // what the relay signs with, since it was first seen
	Signed []byte   `json:"signed,omitempty"` // the checkpoint
	Aside  [][]byte `json:"aside,omitempty"`  // the last ones of earlier epochs, oldest first

	Seen tree.State `json:"seen,omitzero"` // what a copy, begun anew since, had of the log, where that was more than Signed

	Alarm Alarm    `json:"alarm,omitzero"`  // what is wrong with the relay's log, until a person has accepted that
	Other []byte   `json:"other,omitempty"` // the relay's checkpoint that raised it, and what that was signed with
	Under tree.Key `json:"under,omitempty"`
}

// An Alarm says that a relay's log is not the one that it was.
type Alarm struct {
	What  string `json:"what"`            // see package client
	Epoch string `json:"epoch,omitempty"` // of the log that was kept
	Size  uint64 `json:"size,omitempty"`  // how many events it had then
	Gone  uint64 `json:"gone,omitempty"`  // how many of them the relay has no more
}

// An edge is that of the relay's tree at the position, made of the events as they were received.
type edge struct {
	Size  uint64       `json:"size"`
	Nodes []store.Hash `json:"nodes"`
}

// Kept returns what is held against the relay; nothing at first.
func (c *Cache) Kept() (k Kept, err error) {
	raw, err := c.readFact(keptKey)
	if err == nil {
		err = readJSON(raw, &k)
	}
	return k, err
}

// Keep replaces what is held against the relay, on disk on return.
func (c *Cache) Keep(k Kept) error {
	raw, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return c.update(func(tx *bbolt.Tx) error { return c.setFact(tx, keptKey, raw) })
}

// Edge is the edge of the relay's tree at the position, as far as it could be followed.
func (c *Cache) Edge() (e tree.Edge, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.view(func(tx *bbolt.Tx) error {
		e, known = c.readEdge(tx, c.position.Seq)
		return nil
	})
	return e, known && err == nil
}

// Begin says what the edge is at the position, where the copy begins.
func (c *Cache) Begin(e tree.Edge) error {
	return c.update(func(tx *bbolt.Tx) error { return c.writeEdge(tx, e) })
}

func (c *Cache) readEdge(tx *bbolt.Tx, at uint64) (tree.Edge, bool) {
	var kept edge
	raw, err := c.fact(tx, edgeKey)
	if err != nil || readJSON(raw, &kept) != nil || kept.Size != at {
		return tree.Edge{}, false
	}
	return tree.EdgeOf(kept.Size, kept.Nodes)
}

func (c *Cache) writeEdge(tx *bbolt.Tx, e tree.Edge) error {
	raw, err := json.Marshal(edge{e.Size(), e.Nodes()})
	if err != nil {
		return err
	}
	return c.setFact(tx, edgeKey, raw)
}

// follow moves the edge over events that were received, or loses it where one came without its leaf.
func (c *Cache) follow(tx *bbolt.Tx, es []store.Event) error {
	e, known := c.readEdge(tx, es[0].Seq-1)
	if !known || slices.ContainsFunc(es, func(e store.Event) bool { return e.Leaf.IsZero() }) {
		return tx.Bucket(metaBucket).Delete(edgeKey)
	}
	for _, event := range es {
		e.Grow(event.Leaf)
	}
	return c.writeEdge(tx, e)
}
