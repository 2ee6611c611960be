package tree

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"befree.example/store"
)

// An Edge is the right edge of a tree: the roots of its whole parts, largest first. It is all that is needed to add
// leaves and to tell the root. The zero Edge is that of the empty tree. Add leaves the old one as it was.
type Edge struct {
	size  uint64
	nodes []store.Hash
}

// NewEdge returns the edge of a tree of this size, whose parts node gives: the n-th node of a level, both from 0.
func NewEdge(size uint64, node func(level int, n uint64) (store.Hash, error)) (Edge, error) {
	e := Edge{size: size}
	for level := 63; level >= 0; level-- {
		if size>>level&1 == 0 {
			continue
		}
		h, err := node(level, size>>level-1)
		if err != nil {
			return Edge{}, err
		}
		e.nodes = append(e.nodes, h)
	}
	return e, nil
}

// EdgeOf is the inverse of [Edge.Nodes]. It says no where a tree of this size does not have so many parts.
func EdgeOf(size uint64, nodes []store.Hash) (Edge, bool) {
	return Edge{size, nodes}, bits.OnesCount64(size) == len(nodes)
}

// Nodes are the roots of the whole parts, largest first.
func (e Edge) Nodes() []store.Hash { return slices.Clone(e.nodes) }

// Grow is Push for one who does not care what becomes whole.
func (e *Edge) Grow(leaf store.Hash) {
	_ = e.Push(leaf, func(int, uint64, store.Hash) error { return nil }) // only that could fail
}

// Clone returns an edge that can be pushed while e is used elsewhere.
func (e Edge) Clone() Edge { return Edge{e.size, slices.Clone(e.nodes)} }

// Size is the number of leaves.
func (e Edge) Size() uint64 { return e.size }

// Push adds one leaf. made hears of every node that this makes whole, the leaf first. Whoever pushes has e alone: no copy
// of it but a [Edge.Clone] may be used any more. After an error e is of no use.
func (e *Edge) Push(leaf store.Hash, made func(level int, n uint64, h store.Hash) error) error {
	for level := 0; ; level++ {
		if err := made(level, e.size>>level, leaf); err != nil {
			return err
		}
		if e.size>>level&1 == 0 {
			e.size++
			e.nodes = append(e.nodes, leaf)
			return nil
		}
		last := len(e.nodes) - 1
		leaf = nodeHash(e.nodes[last], leaf)
		e.nodes = e.nodes[:last]
	}
}

// Root is the hash over all leaves.
func (e Edge) Root() store.Hash {
	if e.size == 0 {
		return sha256.Sum256(nil) // as RFC 6962 has it
	}
	last := len(e.nodes) - 1
	root := e.nodes[last]
	for _, node := range slices.Backward(e.nodes[:last]) {
		root = nodeHash(node, root)
	}
	return root
}

func nodeHash(left, right store.Hash) store.Hash {
	return store.Hash(tlog.NodeHash(tlog.Hash(left), tlog.Hash(right)))
}
