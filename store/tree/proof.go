package tree

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"befree.example/store"
)

// A Reader gives the nodes of a tree: the n-th of a level, both from 0.
type Reader func(level int, n uint64) (store.Hash, error)

func (r Reader) hashes() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			h, err := r(level, uint64(n))
			if err != nil {
				return nil, err
			}
			hashes[i] = tlog.Hash(h)
		}
		return hashes, nil
	})
}

// Extension proves that a tree of size now begins with the tree that it was at size then.
func Extension(then, now uint64, r Reader) ([]store.Hash, error) {
	if then == 0 || then == now {
		return nil, nil
	}
	proof, err := tlog.ProveTree(int64(now), int64(then), r.hashes())
	return ours(proof), err
}

// CheckExtension tells whether now goes on from then: whether everything that was in the log then is in it now, in the
// same places. Anything else gives [ErrRewritten].
func CheckExtension(proof []store.Hash, then, now State) error {
	switch {
	case now.Size < then.Size:
		return fmt.Errorf("%w: it has %d events and had %d", ErrRewritten, now.Size, then.Size)
	case then.Size == 0:
		return nil
	case now.Size == then.Size && now.Hash == then.Hash && len(proof) == 0:
		return nil
	case now.Size == then.Size:
		return fmt.Errorf("%w: its first %d events are others than they were", ErrRewritten, then.Size)
	}
	err := tlog.CheckTree(theirs(proof), int64(now.Size), tlog.Hash(now.Hash), int64(then.Size), tlog.Hash(then.Hash))
	if err != nil {
		return fmt.Errorf("%w: among its first %d events are others than there were", ErrRewritten, then.Size)
	}
	return nil
}

// Inclusion proves that the leaf of event seq is in the tree of this size.
func Inclusion(seq, size uint64, r Reader) ([]store.Hash, error) {
	proof, err := tlog.ProveRecord(int64(size), int64(seq-1), r.hashes())
	return ours(proof), err
}

// Includes tells whether a proof shows that a leaf is that of event seq in s.
func (s State) Includes(proof []store.Hash, seq uint64, leaf store.Hash) bool {
	return seq > 0 && seq <= s.Size &&
		tlog.CheckRecord(theirs(proof), int64(s.Size), tlog.Hash(s.Hash), int64(seq-1), tlog.Hash(leaf)) == nil
}

func ours[P ~[]tlog.Hash](proof P) []store.Hash {
	hashes := make([]store.Hash, len(proof))
	for i, h := range proof {
		hashes[i] = store.Hash(h)
	}
	return hashes
}

func theirs(hashes []store.Hash) []tlog.Hash {
	proof := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		proof[i] = tlog.Hash(h)
	}
	return proof
}
