package bolt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/tree"
)

// A treeVerifier grows a log's tree anew, leaf by leaf, and compares it with what is kept of it. A nil one is content.
type treeVerifier struct {
	log  *Log
	tx   *bbolt.Tx
	edge tree.Edge
	kept int // nodes
	seen int // checkpoints
}

// begin looks at what was signed before there was any event.
func (v *treeVerifier) begin() error {
	if v == nil {
		return nil
	}
	return v.checkpoint()
}

// event tells whether an event is the one that was appended there.
func (v *treeVerifier) event(e store.Event, record []byte) error {
	if v == nil {
		return nil
	}
	leaf := tree.HashOf(e)
	if !stamped(record, leaf, v.log.tree.mark, v.log.epoch) {
		return v.log.damaged("event %d is not the one that was appended there", e.Seq)
	}
	if len(e.Body) > 0 && !e.BodyHash.IsZero() && sha256.Sum256(e.Body) != e.BodyHash {
		return v.log.damaged("the sealed bytes of event %d were changed", e.Seq)
	}
	if err := v.edge.Push(leaf, v.node); err != nil {
		return err
	}
	return v.checkpoint()
}

func (v *treeVerifier) node(level int, n uint64, h store.Hash) error {
	if level < tileHeight {
		return nil
	}
	v.kept++
	if !bytes.Equal(v.tx.Bucket(treeBucket).Get(nodeKey(level, n)), h[:]) {
		return v.log.damaged("the tree over events %d to %d is not theirs", n<<level+1, (n+1)<<level)
	}
	return nil
}

// checkpoint compares the tree with what was signed when it had this size.
func (v *treeVerifier) checkpoint() error {
	signed := v.tx.Bucket(checkpointsBucket).Get(seqKey(v.edge.Size()))
	key := v.log.Key()
	if signed == nil {
		return nil
	}
	v.seen++
	if key == "" { // not known yet
		return nil
	}
	c, err := tree.Open(signed, key)
	if err != nil {
		return v.log.damaged("the checkpoint at event %d cannot be trusted: %v", v.edge.Size(), err)
	}
	if c.State != v.log.state(v.edge).State {
		return v.log.damaged("the log up to event %d is not what was signed", v.edge.Size())
	}
	return nil
}

// end tells whether the whole tree is that of the events, and nothing is kept besides.
func (v *treeVerifier) end() error {
	if v == nil {
		return nil
	}
	if err := v.marked(); err != nil {
		return err
	}
	if nodes := v.count(treeBucket) - 1; nodes != v.kept {
		return v.log.damaged("it keeps %d nodes of its tree and not %d", nodes, v.kept)
	}
	key, _ := v.tx.Bucket(checkpointsBucket).Cursor().Last()
	if len(key) == 8 && binary.BigEndian.Uint64(key) > v.edge.Size() {
		return v.log.damaged("it ends at event %d and was signed at event %d", v.edge.Size(), binary.BigEndian.Uint64(key))
	}
	if n := v.count(checkpointsBucket); n != v.seen {
		return v.log.damaged("%d of its checkpoints are of no moment that it had", n-v.seen)
	}
	return nil
}

func (v *treeVerifier) count(bucket []byte) (n int) {
	c := v.tx.Bucket(bucket).Cursor()
	for key, _ := c.First(); key != nil; key, _ = c.Next() {
		n++
	}
	return n
}

func (v *treeVerifier) marked() error {
	if !bytes.Equal(v.tx.Bucket(treeBucket).Get(endKey), endOf(v.log.epoch, v.log.tree.mark, v.edge)) {
		return v.log.damaged("its end at event %d is not the one that was marked: events were changed or taken away", v.edge.Size())
	}
	return nil
}

// VerifySince is Verify for what came after a checkpoint that was kept somewhere else. It tells whether the log goes on
// from there, and then reads only what is newer.
func (l *Log) VerifySince(ctx context.Context, kept tree.State) error {
	if l.tree == nil {
		return ErrNoTree
	}
	if kept.Size > l.head.seq() {
		return l.damaged("it ends at event %d and the checkpoint was made at event %d: events were taken away", l.head.seq(), kept.Size)
	}
	return l.still(func(tx *bbolt.Tx) error {
		edge, err := tree.NewEdge(kept.Size, l.nodes(tx).node)
		if err != nil {
			return err
		}
		if edge.Root() != kept.Hash {
			return l.damaged("among its first %d events are others than there were at the checkpoint", kept.Size)
		}
		v := l.verifier(ctx, tx)
		v.last, v.tree.edge = kept.Size, edge
		return v.since()
	})
}

// since goes through what came after last.
func (v *verifier) since() error {
	events := v.tx.Bucket(eventsBucket)
	c := events.Cursor()
	for key, value := c.Seek(seqKey(v.last + 1)); key != nil; key, value = c.Next() {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if err := v.earlier(events, value); err != nil {
			return err
		}
		if err := v.event(key, value); err != nil {
			return err
		}
	}
	if err := v.ends(); err != nil {
		return err
	}
	return v.tree.marked()
}

// earlier learns where a conversation ended that has not been met yet, by what its next event says.
func (v *verifier) earlier(events *bbolt.Bucket, value []byte) error {
	e, err := decode(value, v.last+1)
	if err != nil || e.Conversation == "" || e.Prev == 0 || v.tails[e.Conversation] != 0 {
		return nil //nolint:nilerr // event says what is wrong with it
	}
	before, err := v.log.get(events, e.Prev)
	if err != nil {
		return err
	}
	if before.Conversation == e.Conversation && before.Seq <= v.last {
		v.tails[e.Conversation] = e.Prev
	}
	return nil
}
