package bolt

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/tree"
)

// What a log with a tree has besides. A record has the mark of its event; of the tree's nodes only those over whole tiles
// are kept, as all others are made of the records faster than they would be written.
var (
	treeBucket        = []byte("tree")        // level (1 byte) and number (8) -> node
	checkpointsBucket = []byte("checkpoints") // size -> signed checkpoint
	endKey            = []byte("end")         // in the tree: size (8), root (32) and their mark, as of the newest event
	beforeKey         = []byte("before")      // in meta: JSON of the states of the logs that this one was before
)

const (
	tileHeight = 8 // levels below the lowest kept
	tileSize   = 1 << tileHeight
	tilesHeld  = 64 // in memory, 8 KB each
	growStep   = 4096
)

// What a log says of its tree.
var (
	errUnattested = errors.New("log has a tree and is opened without what marks its events")
	ErrNoTree     = errors.New("log has no tree yet: it is given one when the relay starts")
)

// A Marker makes a keyed hash of a sum for one log, so that nobody without the key can put another event in the place
// of one: what it marks is the event's leaf with its whole record.
type Marker func(epoch string, sum store.Hash) [markSize]byte

// attested is what a log with a tree keeps in memory.
type attested struct {
	mark   Marker
	before []tree.State
	edge   atomic.Pointer[tree.Edge] // over what is on stable storage

	mu     sync.Mutex
	signer *tree.Signer
	newest []byte // checkpoint, signed
	at     tree.Checkpoint
	tiles  map[uint64][]store.Hash // leaves of the tiles read last
}

// Attest is called before the first Append to a log whose events are marked and stand in a tree, and begins the tree
// of one that has none. known says that it must have one: a log that has lost its tree is damaged. A log opened for
// reading only is left without a tree where it has none.
func (l *Log) Attest(ctx context.Context, mark Marker, known bool) error {
	if !l.treed && known {
		return l.damaged("its tree is missing")
	}
	t := &attested{mark: mark, tiles: map[uint64][]store.Hash{}}
	if l.db.IsReadOnly() && !l.treed {
		return nil
	}
	if !l.db.IsReadOnly() && !known {
		if err := l.plant(ctx, mark); err != nil {
			return err
		}
	}
	err := l.view(func(tx *bbolt.Tx) error {
		if err := readJSON(tx.Bucket(metaBucket).Get(beforeKey), &t.before); err != nil {
			return l.damaged("what it was before cannot be read")
		}
		e, err := tree.NewEdge(l.head.seq(), (&nodes{log: l, tx: tx, tiles: map[uint64][]store.Hash{}}).node)
		t.edge.Store(&e)
		return err
	})
	if err != nil {
		return err
	}
	l.tree, l.treed = t, true
	if err := l.view(l.attestEnd); err != nil {
		return cmp.Or(l.Verify(ctx), err) // Verify says where
	}
	return nil
}

// attestEnd tells whether the tree's end is that of the newest event.
func (l *Log) attestEnd(tx *bbolt.Tx) error {
	e := *l.tree.edge.Load()
	if string(tx.Bucket(treeBucket).Get(endKey)) != string(endOf(l.epoch, l.tree.mark, e)) {
		return l.damaged("its end at event %d is not the one that was marked: events were changed or taken away", e.Size())
	}
	return nil
}

// endOf is what stands for the end of a log.
func endOf(epoch string, mark Marker, e tree.Edge) []byte {
	root := e.Root()
	end := append(seqKey(e.Size()), root[:]...)
	m := mark(epoch, sha256.Sum256(append([]byte("befree end 1 "), end...)))
	return append(end, m[:]...)
}

// plant gives a log a tree, or goes on where that was broken off.
func (l *Log) plant(ctx context.Context, mark Marker) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		done := false
		err := l.transact(l.db.Update, func(tx *bbolt.Tx) (err error) {
			done, err = l.plantSome(tx, mark)
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

func (l *Log) plantSome(tx *bbolt.Tx, mark Marker) (done bool, err error) {
	m := tx.Bucket(metaBucket)
	from := uint64(0)
	if end := tx.Bucket(treeBucket).Get(endKey); len(end) > 8 {
		from = binary.BigEndian.Uint64(end)
	}
	edge, err := tree.NewEdge(from, (&nodes{log: l, tx: tx, tiles: map[uint64][]store.Hash{}}).node)
	if err != nil {
		return false, err
	}
	g := growth{log: l, tx: tx, mark: mark, edge: edge, from: from}
	last := min(l.head.seq(), from+growStep)
	events := tx.Bucket(eventsBucket)
	for seq := from + 1; seq <= last; seq++ {
		e, err := l.get(events, seq)
		if err != nil {
			return false, err
		}
		data, err := withMark(e)
		if err != nil {
			return false, err
		}
		if err := g.add(entry{record: data, leaf: tree.LeafOf(e)}, seq); err != nil {
			return false, err
		}
		sign(data, seq)
		if err := events.Put(seqKey(seq), data); err != nil {
			return false, err
		}
	}
	return last == l.head.seq(), errors.Join(g.finish(), m.Put(versionKey, seqKey(logFormat.version)))
}

// growth is what one transaction adds to the tree. The zero growth is that of a log without one.
type growth struct {
	log  *Log
	tx   *bbolt.Tx
	mark Marker
	edge tree.Edge
	from uint64
	kept bool // records have their marks already

	signed []byte
	at     tree.Checkpoint
}

func (l *Log) growth(tx *bbolt.Tx) growth {
	if l.tree == nil {
		return growth{}
	}
	e := l.tree.edge.Load()
	return growth{log: l, tx: tx, mark: l.tree.mark, edge: e.Clone(), from: e.Size()}
}

// add puts an event's leaf into the tree and its mark into the record.
func (g *growth) add(e entry, seq uint64) error {
	if g.log == nil {
		return nil
	}
	leaf := e.leaf.At(seq)
	if !g.kept {
		stamp(e.record, leaf, g.mark, g.log.epoch)
	}
	return g.edge.Push(leaf, g.keep)
}

func (g *growth) keep(level int, n uint64, h store.Hash) error {
	if level < tileHeight {
		return nil
	}
	return g.tx.Bucket(treeBucket).Put(nodeKey(level, n), h[:])
}

func nodeKey(level int, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, n)
}

// finish puts the tree's end into the file, and a checkpoint once a tile is whole.
func (g *growth) finish() error {
	if g.log == nil {
		return nil
	}
	err := g.tx.Bucket(treeBucket).Put(endKey, endOf(g.log.epoch, g.mark, g.edge))
	if err != nil || g.log.tree == nil || g.edge.Size()>>tileHeight == g.from>>tileHeight {
		return err
	}
	return g.checkpoint()
}

// checkpoint signs the tree as it is and keeps that.
func (g *growth) checkpoint() (err error) {
	t := g.log.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.signer == nil {
		return nil
	}
	g.at = g.log.state(g.edge)
	if g.signed, err = t.signer.Sign(g.at); err != nil {
		return err
	}
	return g.tx.Bucket(checkpointsBucket).Put(seqKey(g.at.Size), g.signed)
}

// publish makes the tree of a transaction that is on stable storage the log's.
func (g *growth) publish() {
	if g.log == nil || g.log.tree == nil {
		return
	}
	t := g.log.tree
	t.edge.Store(&g.edge)
	if g.signed != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.newest, t.at = g.signed, g.at
	}
}

func (l *Log) state(e tree.Edge) tree.Checkpoint {
	return tree.Checkpoint{State: tree.State{Epoch: l.epoch, Size: e.Size(), Hash: e.Root()}, Before: l.tree.before}
}

// Sign makes l sign its checkpoints from now on: one every 256 events, one now and one when it closes stay in the file.
func (l *Log) Sign(signer *tree.Signer) error {
	if l.tree == nil {
		return ErrNoTree
	}
	t := l.tree
	t.mu.Lock()
	t.signer = signer
	t.mu.Unlock()
	return l.seal()
}

// seal keeps a checkpoint of the tree as it is, unless there is one.
func (l *Log) seal() error {
	if l.db.IsReadOnly() || l.head.seq() == 0 {
		return nil
	}
	g := growth{}
	err := l.transact(l.db.Update, func(tx *bbolt.Tx) error {
		if key, _ := tx.Bucket(checkpointsBucket).Cursor().Last(); string(key) == string(seqKey(l.head.seq())) {
			return errNothing
		}
		g = l.growth(tx)
		return g.checkpoint()
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	if err == nil {
		g.publish()
	}
	return err
}

// Checkpoint returns the log as it is now on stable storage, signed.
func (l *Log) Checkpoint() (tree.Checkpoint, []byte, error) {
	t := l.tree
	if t == nil {
		return tree.Checkpoint{}, nil, ErrNoTree
	}
	e := *t.edge.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.newest != nil && t.at.Size >= e.Size() {
		return t.at, t.newest, nil
	}
	if t.signer == nil {
		return tree.Checkpoint{}, nil, ErrNoTree
	}
	c := l.state(e)
	signed, err := t.signer.Sign(c)
	if err == nil {
		t.at, t.newest = c, signed
	}
	return c, signed, err
}

// Key is the public half of what the log signs its checkpoints with.
func (l *Log) Key() tree.Key {
	if l.tree == nil {
		return ""
	}
	l.tree.mu.Lock()
	defer l.tree.mu.Unlock()
	if l.tree.signer == nil {
		return ""
	}
	return l.tree.signer.Key()
}

// Extension proves that the log of size now goes on from what it was at size then.
func (l *Log) Extension(then, now uint64) (proof []store.Hash, err error) {
	if err := l.within(then, now); err != nil {
		return nil, err
	}
	err = l.view(func(tx *bbolt.Tx) (err error) {
		proof, err = tree.Extension(then, now, l.nodes(tx).node)
		return err
	})
	return proof, err
}

// Inclusion proves that event seq is in the log of this size.
func (l *Log) Inclusion(seq, size uint64) (proof []store.Hash, err error) {
	if err := l.within(seq, size); err != nil {
		return nil, err
	}
	err = l.view(func(tx *bbolt.Tx) (err error) {
		proof, err = tree.Inclusion(seq, size, l.nodes(tx).node)
		return err
	})
	return proof, err
}

// Edge is the tree's right edge when it had this size.
func (l *Log) Edge(size uint64) (e tree.Edge, err error) {
	if err := l.within(size, l.head.seq()); err != nil {
		return e, err
	}
	err = l.view(func(tx *bbolt.Tx) (err error) {
		e, err = tree.NewEdge(size, l.nodes(tx).node)
		return err
	})
	return e, err
}

func (l *Log) within(first, size uint64) error {
	if l.tree == nil {
		return ErrNoTree
	}
	if first > size || size > l.tree.edge.Load().Size() {
		return store.ErrEpoch
	}
	return nil
}

// nodes gives the tree's nodes within one transaction.
type nodes struct {
	log    *Log
	tx     *bbolt.Tx
	shared *attested // whose tiles are used and filled, or none
	tiles  map[uint64][]store.Hash
}

func (l *Log) nodes(tx *bbolt.Tx) *nodes { return &nodes{log: l, tx: tx, shared: l.tree} }

func (r *nodes) node(level int, n uint64) (h store.Hash, err error) {
	if level >= tileHeight {
		value := r.tx.Bucket(treeBucket).Get(nodeKey(level, n))
		if len(value) != len(h) {
			return h, r.log.damaged("a node of its tree is missing")
		}
		return store.Hash(value), nil
	}
	first, count := n<<level, uint64(1)<<level
	leaves, err := r.tile(first>>tileHeight, first%tileSize+count)
	if err != nil {
		return h, err
	}
	var e tree.Edge
	for _, leaf := range leaves[first%tileSize:][:count] {
		e.Grow(leaf)
	}
	return e.Root(), nil
}

// tile returns at least so many leaves of a tile.
func (r *nodes) tile(n, count uint64) ([]store.Hash, error) {
	if r.shared != nil {
		r.shared.mu.Lock()
		defer r.shared.mu.Unlock()
		r.tiles = r.shared.tiles
	}
	leaves := r.tiles[n]
	if uint64(len(leaves)) >= count {
		return leaves, nil
	}
	leaves = append(make([]store.Hash, 0, tileSize), leaves...)
	events := r.tx.Bucket(eventsBucket)
	for seq := n<<tileHeight + uint64(len(leaves)) + 1; uint64(len(leaves)) < count; seq++ {
		e, err := r.log.get(events, seq)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, tree.HashOf(e))
	}
	for other := range r.tiles {
		if len(r.tiles) < tilesHeld {
			break
		}
		delete(r.tiles, other)
	}
	r.tiles[n] = leaves
	return leaves, nil
}

// writeBefore is how a restored log knows what it was.
func writeBefore(tx *bbolt.Tx, before []tree.State) error {
	raw, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("what the log was before: %w", err)
	}
	return tx.Bucket(metaBucket).Put(beforeKey, raw)
}
