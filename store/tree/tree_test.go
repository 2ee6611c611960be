package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/tree"
)

// kept is a tree with all its nodes.
type kept struct {
	edge   tree.Edge
	edges  []tree.Edge
	nodes  map[[2]uint64]store.Hash
	leaves []store.Hash
}

func (k *kept) add(t testing.TB, e store.Event) {
	leaf := tree.HashOf(e)
	if k.nodes == nil {
		k.nodes, k.edges = map[[2]uint64]store.Hash{}, []tree.Edge{{}}
	}
	err := k.edge.Push(leaf, func(level int, n uint64, h store.Hash) error {
		k.nodes[[2]uint64{uint64(level), n}] = h
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	k.leaves, k.edges = append(k.leaves, leaf), append(k.edges, k.edge.Clone())
}

func (k *kept) node(level int, n uint64) (store.Hash, error) {
	h, ok := k.nodes[[2]uint64{uint64(level), n}]
	if !ok {
		return h, fmt.Errorf("no node %d of level %d", n, level)
	}
	return h, nil
}

func (k *kept) state(size uint64) tree.State {
	return tree.State{Epoch: "e", Size: size, Hash: k.edges[size].Root()}
}

func event(seq uint64) store.Event {
	return store.Event{
		Seq: seq, Prev: seq / 2, ID: fmt.Sprint("id-", seq), Conversation: "c", At: time.Unix(1_700_000_000, int64(seq)).UTC(),
		Actor: "ada", Kind: "note", BodyHash: store.Hash{byte(seq)},
	}
}

// TestEdgeIsTheLibrarysTree: roots, edges and nodes are those of RFC 6962 as tlog has it, at every size.
func TestEdgeIsTheLibrarysTree(t *testing.T) {
	var k kept
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(is []int64) (hs []tlog.Hash, err error) {
		for _, i := range is {
			hs = append(hs, stored[i])
		}
		return hs, nil
	})
	for n := range int64(600) {
		want, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 && store.Hash(want) != k.edge.Root() {
			t.Fatalf("root of %d leaves differs", n)
		}
		again, err := tree.NewEdge(uint64(n), k.node)
		if err != nil || again.Root() != k.edge.Root() {
			t.Fatalf("edge of %d leaves: %v", n, err)
		}
		if back, ok := tree.EdgeOf(uint64(n), k.edge.Nodes()); !ok || back.Root() != k.edge.Root() {
			t.Fatalf("edge of %d leaves does not come back", n)
		}
		e := event(uint64(n) + 1)
		hashes, err := tlog.StoredHashes(n, tree.LeafOf(e), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		k.add(t, e)
	}
}

// TestProofs: whatever the sizes, what is true has a proof, and no proof shows what is not.
func TestProofs(t *testing.T) {
	var k, other kept
	const size = 520
	for n := uint64(1); n <= size; n++ {
		k.add(t, event(n))
		e := event(n)
		if n == 100 {
			e.Actor = "eve"
		}
		other.add(t, e)
	}
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.Uint64Range(1, size).Draw(t, "now")
		then := rapid.Uint64Range(0, now).Draw(t, "then")
		proof, err := tree.Extension(then, now, k.node)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.CheckExtension(proof, k.state(then), k.state(now)); err != nil {
			t.Fatalf("%d to %d: %v", then, now, err)
		}
		if then >= 100 {
			forged, err := tree.Extension(then, now, other.node)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range [][]store.Hash{proof, forged, nil} {
				if err := tree.CheckExtension(p, k.state(then), other.state(now)); !errors.Is(err, tree.ErrRewritten) {
					t.Fatalf("%d to a rewritten %d: %v", then, now, err)
				}
			}
		}
		if then > 0 {
			if err := tree.CheckExtension(proof, k.state(now), k.state(then)); now != then && !errors.Is(err, tree.ErrRewritten) {
				t.Fatalf("%d back to %d: %v", now, then, err)
			}
		}
		seq := rapid.Uint64Range(1, now).Draw(t, "seq")
		way, err := tree.Inclusion(seq, now, k.node)
		if err != nil {
			t.Fatal(err)
		}
		if !k.state(now).Includes(way, seq, k.leaves[seq-1]) {
			t.Fatalf("event %d is not in the log of %d", seq, now)
		}
		if k.state(now).Includes(way, seq, other.leaves[99]) || seq != now && k.state(now).Includes(way, seq+1, k.leaves[seq-1]) {
			t.Fatalf("another event is at %d in the log of %d", seq, now)
		}
	})
}

// TestLeaf: every field that stands in the clear, and the hash of the sealed bytes, are in the leaf; nothing runs into
// its neighbour.
func TestLeaf(t *testing.T) {
	e := event(7)
	seen := map[store.Hash]string{tree.HashOf(e): "itself"}
	for name, change := range map[string]func(*store.Event){
		"Seq": func(e *store.Event) { e.Seq++ }, "Prev": func(e *store.Event) { e.Prev++ }, "ID": func(e *store.Event) { e.ID += "x" },
		"Conversation": func(e *store.Event) { e.Conversation = "d" }, "At": func(e *store.Event) { e.At = e.At.Add(1) },
		"no time": func(e *store.Event) { e.At = time.Time{} }, "1970": func(e *store.Event) { e.At = time.Unix(0, 0) },
		"Actor": func(e *store.Event) { e.Actor = "ben" }, "Kind": func(e *store.Event) { e.Kind = "closed" },
		"BodyHash": func(e *store.Event) { e.BodyHash[31] = 1 },
		"border":   func(e *store.Event) { e.Conversation, e.Actor = e.Conversation+e.Actor, "" },
		"border 2": func(e *store.Event) { e.ID, e.Conversation = e.ID+e.Conversation, "" },
	} {
		changed := e
		change(&changed)
		h := tree.HashOf(changed)
		if other, twice := seen[h]; twice {
			t.Errorf("%s gives the leaf of %s", name, other)
		}
		seen[h] = name
	}
	same := e
	same.Head.Severity, same.Number, same.Body, same.Withheld = "high", "+12025550147", []byte("{}"), true
	if tree.HashOf(same) != tree.HashOf(e) {
		t.Error("what is not in the clear changes the leaf")
	}
}

func signer(t testing.TB, seed byte) *tree.Signer {
	s, err := tree.NewSigner([32]byte{seed})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checkpoint() tree.Checkpoint {
	return tree.Checkpoint{
		State:  tree.State{Epoch: "new", Size: 12, Hash: store.Hash{1, 2, 3}},
		Before: []tree.State{{"older", 3, store.Hash{4}}, {"old", 9, store.Hash{5}}},
	}
}

// changes gives text with every bit of every byte changed, then every byte gone, then one more.
func changes(text []byte, f func(changed []byte)) {
	for i := range text {
		for bit := range 8 {
			changed := bytes.Clone(text)
			changed[i] ^= 1 << bit
			f(changed)
		}
		f(append(bytes.Clone(text[:i]), text[i+1:]...))
		f(append(append(bytes.Clone(text[:i]), ' '), text[i:]...))
	}
	f(append(bytes.Clone(text), '\n'))
}

func TestCheckpoint(t *testing.T) {
	s, c := signer(t, 1), checkpoint()
	signed, err := s.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tree.Open(signed, s.Key())
	if err != nil || fmt.Sprint(got) != fmt.Sprint(c) {
		t.Errorf("%v, %v, want %v", got, err, c)
	}
	if _, err := tree.Open(signed, signer(t, 2).Key()); !errors.Is(err, tree.ErrSignature) {
		t.Errorf("another's key: %v", err)
	}
	if !got.Follows(tree.State{Epoch: "older"}) || !got.Follows(c.State) || got.Follows(tree.State{Epoch: "other"}) {
		t.Error("follows the wrong ones")
	}
	for epoch, want := range map[string]uint64{"new": 12, "old": 9, "older": 3} {
		if n, known := got.Has(epoch); n != want || !known {
			t.Errorf("it has %d events of %s, want %d", n, epoch, want)
		}
	}
	changes(signed, func(changed []byte) {
		if _, err := tree.Open(changed, s.Key()); err == nil {
			t.Errorf("a change is not seen:\n%s", changed)
		}
	})
	if text := fmt.Sprintf("%v %+v %#v", s, s, s); bytes.Contains([]byte(text), []byte("PRIVATE")) {
		t.Error("a signer prints its secret")
	}
}

// TestProofFile: it verifies by itself, and no change to it does, whatever is changed.
func TestProofFile(t *testing.T) {
	var k kept
	var es []store.Event
	prev := uint64(0)
	for n := uint64(1); n <= 40; n++ {
		e := event(n)
		e.Prev, e.Conversation = 0, "other"
		if n%9 == 4 {
			e.Prev, e.Conversation = prev, "c"
			prev = n
			es = append(es, e)
		}
		k.add(t, e)
	}
	s := signer(t, 1)
	signed, err := s.Sign(tree.Checkpoint{State: k.state(40)})
	if err != nil {
		t.Fatal(err)
	}
	prove := func(es []store.Event) []byte {
		p, err := tree.Prove(es, signed, s.Key(), func(seq uint64) ([]store.Hash, error) { return tree.Inclusion(seq, 40, k.node) })
		if err != nil {
			t.Fatal(err)
		}
		file, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	file := prove(es)
	p, c, err := tree.OpenProof(file)
	if err != nil || len(p.Events) != 5 || p.Conversation != "c" || c.Size != 40 || p.Key != s.Key() {
		t.Fatal(p, c, err)
	}
	changes(file, func(changed []byte) {
		if _, _, err := tree.OpenProof(changed); err == nil {
			t.Errorf("a change is not seen:\n%s", changed)
		}
	})
	for name, left := range map[string][]store.Event{"the first": es[1:], "one between": append(append([]store.Event(nil), es[:2]...), es[3:]...), "all": nil} {
		if _, _, err := tree.OpenProof(prove(left)); err == nil {
			t.Errorf("it is not seen that %s was left out", name)
		}
	}
}

func FuzzOpenProof(f *testing.F) {
	f.Add([]byte(`{"befree":"proof 1"}`))
	f.Add([]byte("befree/e\n1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, _, err := tree.OpenProof(file); err == nil {
			t.Error("a proof from nowhere holds")
		}
		_, _ = tree.Open(file, "befree+ca528d21+AcOo+dJy6cPYn82dBdGd/5HRfvoRtQoTQFF4bH9GP/kW")
	})
}
