package bolt

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/storetest"
	"befree.example/store/tree"
)

func testMark(epoch string, sum store.Hash) (m [markSize]byte) {
	mac := hmac.New(sha256.New, []byte("a key that only the relay has"))
	mac.Write(sum[:])
	mac.Write([]byte(epoch))
	copy(m[:], mac.Sum(nil))
	return m
}

func testSigner(t testing.TB) *tree.Signer {
	t.Helper()
	s, err := tree.NewSigner([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sealedSample is a sample as it comes from seal: all but the clear part in the body.
func sealedSample(id, conversation string, prev uint64) store.Event {
	e := storetest.Sample(id, conversation, prev)
	e.Body = append([]byte(e.Number+e.Head.Severity), e.Body...)
	return store.Event{ID: e.ID, Conversation: e.Conversation, Prev: prev, At: e.At, Actor: e.Actor, Kind: e.Kind, Body: e.Body, BodyHash: sha256.Sum256(e.Body)}
}

func attest(t testing.TB, l *Log, known bool) error {
	t.Helper()
	if err := l.Attest(t.Context(), testMark, known); err != nil {
		return err
	}
	return l.Sign(testSigner(t))
}

func mustAttest(t testing.TB, path string) *Log {
	t.Helper()
	l := mustOpen(t, path)
	if err := attest(t, l, false); err != nil {
		t.Fatal(err)
	}
	return l
}

// treedLog writes a log of n events in a few conversations, with a tree, and returns its path.
func treedLog(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "befree.log")
	l := mustAttest(t, path)
	fillTree(t, l, n)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func fillTree(t testing.TB, l *Log, n int) {
	t.Helper()
	tails := map[string]uint64{}
	for i := 0; i < n; {
		var batch []store.Event
		head := l.head.seq()
		for range min(100, n-i) {
			conversation := ""
			if i%7 > 0 {
				conversation = fmt.Sprint("conversation-", i%7)
			}
			batch = append(batch, sealedSample(fmt.Sprintf("device0000000000-%012d", head+uint64(len(batch))+1), conversation, tails[conversation]))
			if conversation != "" {
				tails[conversation] = head + uint64(len(batch))
			}
			i++
		}
		if _, err := l.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
}

func verifyTreed(t *testing.T, path string) error {
	t.Helper()
	l, err := Open(path, Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	if err := attest(t, l, true); err != nil {
		return err
	}
	return l.Verify(t.Context())
}

func TestTreeGrowsWithTheLog(t *testing.T) {
	path := treedLog(t, 700)
	if err := verifyTreed(t, path); err != nil {
		t.Fatal(err)
	}
	l := mustAttest(t, path)
	c, signed, err := l.Checkpoint()
	if err != nil || c.Size != 700 || c.Epoch != l.Epoch() {
		t.Fatal(c, err)
	}
	if again, err := tree.Open(signed, l.Key()); err != nil || again.State != c.State {
		t.Fatal(again, err)
	}
	var want tree.Edge
	es, _, err := l.Read(t.Context(), store.Position{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		want.Grow(tree.HashOf(e))
	}
	if want.Root() != c.Hash {
		t.Error("the root is not that of the events")
	}
	for then := uint64(0); then <= 700; then += 35 {
		edge, err := l.Edge(then)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := l.Extension(then, 700)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.CheckExtension(proof, tree.State{Size: then, Hash: edge.Root()}, c.State); err != nil {
			t.Error(then, err)
		}
	}
	for seq := uint64(1); seq <= 700; seq += 23 {
		proof, err := l.Inclusion(seq, 700)
		if err != nil || !c.Includes(proof, seq, tree.HashOf(es[seq-1])) {
			t.Error(seq, err)
		}
	}
	if _, err := l.Extension(701, 700); !errors.Is(err, store.ErrEpoch) {
		t.Error(err)
	}
}

// TestOldLogIsGivenATree: it keeps its events, and a planting that was broken off goes on.
func TestOldLogIsGivenATree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "befree.log")
	l := mustOpen(t, path)
	fillTree(t, l, 3*tileSize)
	before := readAllOf(t, l)
	l.Close()
	l = mustOpen(t, path)
	err := l.db.Update(func(tx *bbolt.Tx) error { // half of it, as if the machine had died then
		l.head.last = 300
		_, err := l.plantSome(tx, testMark)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = mustAttest(t, path)
	if diff := cmp.Diff(before, readAllOf(t, l)); diff != "" {
		t.Error(diff)
	}
	mustVerify(t, l)
	mustAppend(t, l, sealedSample("one more", "", 0))
	mustVerify(t, l)
	l.Close()
	bare := mustOpen(t, path)
	if _, err := bare.Append(t.Context(), sealedSample("two more", "", 0)); !errors.Is(err, errUnattested) {
		t.Errorf("append without marks: %v", err)
	}
	bare.Close()
	if err := verifyTreed(t, path); err != nil {
		t.Error(err)
	}
}

func readAllOf(t *testing.T, l *Log) []store.Event {
	t.Helper()
	es, _, err := l.Read(t.Context(), store.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// TestEveryByte flips every byte of every event of a log of 1,000, in turn: once as a disk would, and once as somebody
// would who knows the format and makes the checksum right again, but has no key. Verify's step names the event each
// time; for one byte of each event the whole of Verify does.
func TestEveryByte(t *testing.T) {
	path := treedLog(t, 1000)
	l := mustAttest(t, path)
	flips := 0
	err := l.still(func(tx *bbolt.Tx) error {
		events := tx.Bucket(eventsBucket)
		edge, tails := tree.Edge{}, map[string]uint64{}
		for seq := uint64(1); seq <= 1000; seq++ {
			whole := bytes.Clone(events.Get(seqKey(seq)))
			says := fmt.Sprintf("event %d ", seq)
			step := func(record []byte) error {
				v := l.verifier(t.Context(), tx)
				v.last, v.tails, v.tree.edge = seq-1, map[string]uint64{}, edge.Clone()
				for c, tail := range tails {
					v.tails[c] = tail
				}
				return v.event(seqKey(seq), record)
			}
			if err := step(whole); err != nil {
				return err
			}
			changed := make([]byte, len(whole))
			for i := range whole {
				flips++
				copy(changed, whole)
				changed[i] ^= byte(1 << (i % 8))
				if err := step(changed); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), says) {
					t.Errorf("event %d, byte %d: %v", seq, i, err)
				}
				if i >= len(whole)-sumSize {
					continue // the checksum itself: making it right again undoes the change
				}
				sign(changed, seq)
				if err := step(changed); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), fmt.Sprintf("event %d", seq)) {
					t.Errorf("event %d, byte %d, checksum right again: %v", seq, i, err)
				}
			}
			e, err := decode(whole, seq)
			if err != nil {
				return err
			}
			edge.Grow(tree.HashOf(e))
			if e.Conversation != "" {
				tails[e.Conversation] = seq
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes flipped, each twice", flips)
}

// TestOneByteOfEach is the whole of Verify, over the file, for a byte of every event.
func TestOneByteOfEach(t *testing.T) {
	path := treedLog(t, 1000)
	l := mustAttest(t, path)
	for seq := uint64(1); seq <= 1000; seq += 7 {
		var whole []byte
		fault := func(f func(record []byte)) func(*bbolt.Tx) error {
			return func(tx *bbolt.Tx) error {
				record := bytes.Clone(tx.Bucket(eventsBucket).Get(seqKey(seq)))
				whole = bytes.Clone(record)
				f(record)
				return tx.Bucket(eventsBucket).Put(seqKey(seq), record)
			}
		}
		at := int(seq*7919) % 100
		for name, f := range map[string]func([]byte){
			"flipped": func(r []byte) { r[at] ^= 4 },
			"flipped, checksum right again": func(r []byte) {
				r[len(r)/2] ^= 4
				sign(r, seq)
			},
		} {
			if err := l.db.Update(fault(f)); err != nil {
				t.Fatal(err)
			}
			err := l.Verify(t.Context())
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), fmt.Sprintf("event %d", seq)) {
				t.Errorf("event %d %s: %v", seq, name, err)
			}
			if err := l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(eventsBucket).Put(seqKey(seq), whole) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustVerify(t, l)
}

// forge changes a log as somebody would who knows the format: what can be made right without a key is.
type forger struct {
	t  *testing.T
	tx *bbolt.Tx
}

func (f forger) record(seq uint64) []byte {
	return bytes.Clone(f.tx.Bucket(eventsBucket).Get(seqKey(seq)))
}

// put puts a record somewhere else, with a right checksum.
func (f forger) put(seq uint64, record []byte) {
	sign(record, seq)
	if err := f.tx.Bucket(eventsBucket).Put(seqKey(seq), record); err != nil {
		f.t.Fatal(err)
	}
}

// fit makes IDs, ends of conversations and the tree's nodes those of the events that are there, up to last, and drops
// the checkpoints that say otherwise.
func (f forger) fit(last uint64) {
	end := bytes.Clone(f.tx.Bucket(treeBucket).Get(endKey))
	for _, name := range [][]byte{idsBucket, tailsBucket, treeBucket} {
		if err := errors.Join(f.tx.DeleteBucket(name), newBucket(f.tx, name)); err != nil {
			f.t.Fatal(err)
		}
	}
	events := f.tx.Bucket(eventsBucket)
	var edge tree.Edge
	roots := map[uint64]store.Hash{}
	for seq := uint64(1); seq <= last; seq++ {
		e, err := decode(events.Get(seqKey(seq)), seq)
		if err != nil {
			f.t.Fatal(err)
		}
		if e.Conversation != "" {
			if err := point(f.tx, tailsBucket, e.Conversation, seq); err != nil {
				f.t.Fatal(err)
			}
		}
		err = edge.Push(tree.HashOf(e), func(level int, n uint64, h store.Hash) error {
			if level < tileHeight {
				return nil
			}
			return f.tx.Bucket(treeBucket).Put(nodeKey(level, n), h[:])
		})
		roots[seq] = edge.Root()
		if err = errors.Join(err, point(f.tx, idsBucket, e.ID, seq)); err != nil {
			f.t.Fatal(err)
		}
	}
	c := f.tx.Bucket(checkpointsBucket).Cursor()
	for key, signed := c.First(); key != nil; key, signed = c.Next() {
		state, err := tree.Open(signed, testSigner(f.t).Key())
		if err != nil || state.Size > last || roots[state.Size] != state.Hash {
			if err := c.Delete(); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	if err := f.tx.Bucket(treeBucket).Put(endKey, append(append(seqKey(last), hashBytes(edge.Root())...), end[40:]...)); err != nil {
		f.t.Fatal(err)
	}
}

func hashBytes(h store.Hash) []byte { return h[:] }

func newBucket(tx *bbolt.Tx, name []byte) error {
	_, err := tx.CreateBucket(name)
	return err
}

// TestForgedLogs: truncated, re-ordered, spliced, and everything made to fit that can be without the key. Verify names
// the place.
func TestForgedLogs(t *testing.T) {
	const n = 600
	spliced := treedLog(t, n) // another log under the same key: its records have marks, for another epoch
	var foreign []byte
	change(t, spliced, func(tx *bbolt.Tx) error {
		foreign = bytes.Clone(tx.Bucket(eventsBucket).Get(seqKey(77)))
		return nil
	})
	for name, c := range map[string]struct {
		fault func(f forger)
		says  string
	}{
		"end taken away": {func(f forger) {
			for seq := uint64(n - 9); seq <= n; seq++ {
				f.tx.Bucket(eventsBucket).Delete(seqKey(seq))
			}
			f.fit(n - 10)
		}, "its end at event 590 is not the one that was marked"},
		"end taken away, back to a checkpoint": {func(f forger) {
			c := f.tx.Bucket(checkpointsBucket).Cursor()
			c.Last()
			key, _ := c.Prev()
			last := binary.BigEndian.Uint64(key)
			for seq := last + 1; seq <= n; seq++ {
				f.tx.Bucket(eventsBucket).Delete(seqKey(seq))
			}
			f.fit(last)
		}, "is not the one that was marked"},
		"two exchanged": {func(f forger) {
			a, b := f.record(15), f.record(22)
			f.put(15, b)
			f.put(22, a)
			f.fit(n)
		}, "event 15 is not the one that was appended there"},
		"one left out, the rest moved up": {func(f forger) {
			for seq := uint64(301); seq < n; seq++ {
				f.put(seq, f.record(seq+1))
			}
			f.tx.Bucket(eventsBucket).Delete(seqKey(n))
			f.fit(n - 1)
		}, "event 301 is not the one that was appended there"},
		"one from another log": {func(f forger) {
			f.put(77, foreign)
			f.fit(n)
		}, "event 77 is not the one that was appended there"},
		"another time": {func(f forger) {
			e, _ := decode(f.record(400), 400)
			e.At = e.At.Add(-3600e9)
			data, _ := withMark(e)
			copy(data[len(data)-sumSize-markSize:], f.record(400)[len(data)-sumSize-markSize:])
			f.put(400, data)
			f.fit(n)
		}, "event 400 is not the one that was appended there"},
		"another actor, without a mark": {func(f forger) {
			e, _ := decode(f.record(400), 400)
			e.Actor = "eve"
			data, _ := withRoom(e)
			f.put(400, data)
			f.fit(n)
		}, "event 400 is not the one that was appended there"},
		"one added": {func(f forger) {
			data, _ := withMark(sealedSample("device0000000000-000000009999", "", 0))
			f.put(n+1, data)
			f.fit(n + 1)
		}, "event 601 is not the one that was appended there"},
		"a node": {func(f forger) {
			f.tx.Bucket(treeBucket).Put(nodeKey(tileHeight, 1), make([]byte, 32))
		}, "the tree over events 257 to 512 is not theirs"},
		"a node gone": {func(f forger) { f.tx.Bucket(treeBucket).Delete(nodeKey(tileHeight, 1)) }, "tree"},
		"a node too many": {func(f forger) {
			f.tx.Bucket(treeBucket).Put(nodeKey(tileHeight, 9), make([]byte, 32))
		}, "keeps 4 nodes of its tree and not 3"},
		"a checkpoint": {func(f forger) {
			c := f.tx.Bucket(checkpointsBucket).Cursor()
			key, signed := c.First()
			f.tx.Bucket(checkpointsBucket).Put(key, append(bytes.Clone(signed), '\n'))
		}, "cannot be trusted"},
		"a checkpoint of more": {func(f forger) {
			c := f.tx.Bucket(checkpointsBucket).Cursor()
			_, signed := c.Last()
			f.tx.Bucket(checkpointsBucket).Put(seqKey(n+1), bytes.Clone(signed))
		}, "was signed at event 601"},
		"the tree gone": {func(f forger) {
			f.tx.Bucket(treeBucket).Delete(endKey)
		}, "its tree is missing"},
		"the end gone": {func(f forger) {
			f.tx.Bucket(treeBucket).Put(endKey, []byte("x"))
		}, "is not the one that was marked"},
	} {
		t.Run(name, func(t *testing.T) {
			path := treedLog(t, n)
			change(t, path, func(tx *bbolt.Tx) error {
				c.fault(forger{t, tx})
				return nil
			})
			err := verifyTreed(t, path)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want ErrDamaged and %q", err, c.says)
			}
		})
	}
}

// TestVerifySince reads only what is newer, and tells whether the log goes on from what was kept.
func TestVerifySince(t *testing.T) {
	path := treedLog(t, 600)
	l := mustAttest(t, path)
	kept, _, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	fillTree2(t, l)
	if err := l.VerifySince(t.Context(), kept.State); err != nil {
		t.Error(err)
	}
	other := kept.State
	other.Hash[0]++
	if err := l.VerifySince(t.Context(), other); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "among its first 600 events") {
		t.Error(err)
	}
	more := kept.State
	more.Size = 5000
	if err := l.VerifySince(t.Context(), more); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "were taken away") {
		t.Error(err)
	}
	l.Close()
	change(t, path, func(tx *bbolt.Tx) error {
		f := forger{t, tx}
		record := f.record(605)
		record[60] ^= 1
		f.put(605, record)
		return nil
	})
	l = mustOpen(t, path)
	if err := l.Attest(t.Context(), testMark, true); l.tree == nil {
		t.Fatal(err)
	}
	if err := l.VerifySince(t.Context(), kept.State); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "event 605") {
		t.Error(err)
	}
}

// fillTree2 goes on in conversations that are there.
func fillTree2(t *testing.T, l *Log) {
	t.Helper()
	for n := range 20 {
		id := fmt.Sprint("conversation-", n%6+1)
		es, err := l.Conversation(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, sealedSample(fmt.Sprint("more-", n), id, es[len(es)-1].Seq))
	}
}

// TestHandAndBuild: what is handed on while others append is a whole log, a beginning of the one it came from.
func TestHandAndBuild(t *testing.T) {
	l := mustAttest(t, filepath.Join(t.TempDir(), "befree.log"))
	fillTree(t, l, 900)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil; n++ {
			l.Append(ctx, sealedSample(fmt.Sprint("meanwhile-", n), "", 0))
		}
	}()
	var handed bytes.Buffer
	err := l.Hand(t.Context(), &handed)
	cancel()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.log")
	title, err := Build(t.Context(), path, bytes.NewReader(handed.Bytes()))
	if err != nil || title.Size < 900 {
		t.Fatal(title, err)
	}
	if err := verifyTreed(t, path); err != nil {
		t.Fatal(err)
	}
	copied := mustAttest(t, path)
	if diff := cmp.Diff(readAllOf(t, l)[:title.Size], readAllOf(t, copied)); diff != "" || copied.Epoch() != l.Epoch() {
		t.Error(diff)
	}
	copied.Close()
	for _, at := range []int{0, 10, handed.Len() / 3, handed.Len() / 2, handed.Len() - 1} {
		for name, bad := range map[string][]byte{
			"cut": handed.Bytes()[:at],
			"flipped": func() []byte {
				b := bytes.Clone(handed.Bytes())
				b[at] ^= 1
				return b
			}(),
		} {
			to := filepath.Join(t.TempDir(), "bad.log")
			if _, err := Build(t.Context(), to, bytes.NewReader(bad)); err == nil {
				if err := verifyTreed(t, to); err == nil {
					t.Errorf("%s at %d is not seen", name, at)
				}
				continue
			}
			if _, err := os.Stat(to); err == nil {
				t.Errorf("%s at %d leaves a file", name, at)
			}
		}
	}
}

// TestRenew: the same events as another log, whose checkpoints name the old one and prove that they go on from it.
func TestRenew(t *testing.T) {
	l := mustAttest(t, treedLog(t, 400))
	old, _, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "new.log")
	if err := l.Renew(t.Context(), path, testMark); err != nil {
		t.Fatal(err)
	}
	if err := verifyTreed(t, path); err != nil {
		t.Fatal(err)
	}
	fresh := mustAttest(t, path)
	fillTree2(t, fresh)
	now, _, err := fresh.Checkpoint()
	if err != nil || now.Epoch == old.Epoch || !now.Follows(old.State) || cmp.Diff(now.Before, []tree.State{old.State}) != "" {
		t.Error(now, err)
	}
	proof, err := fresh.Extension(old.Size, now.Size)
	if err != nil || tree.CheckExtension(proof, old.State, now.State) != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(readAllOf(t, l), readAllOf(t, fresh)[:400]); diff != "" {
		t.Error(diff)
	}
}

func TestCompactLog(t *testing.T) {
	path := treedLog(t, 400)
	ran := errors.New("no")
	if err := CompactLog(path, func(string) error { return ran }); !errors.Is(err, ran) {
		t.Error(err)
	}
	if err := verifyTreed(t, path); err != nil {
		t.Error(err)
	}
	if err := CompactLog(path, func(fresh string) error { return verifyTreed(t, fresh) }); err != nil {
		t.Error(err)
	}
	if err := verifyTreed(t, path); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(path + ".compact*"); len(left) > 1 { // the holder's file of the check
		t.Errorf("left behind: %v", left)
	}
}

// TestSalvage damages a file all over and reads what is left: every record that is still there, in its place, and
// nothing that was not; what is built of it is a whole log.
func TestSalvage(t *testing.T) {
	path := treedLog(t, 500)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := mustAttest(t, path)
	want := readAllOf(t, l)
	l.Close()
	page := os.Getpagesize()
	for name, fault := range map[string]func(b []byte){
		"nothing":        func([]byte) {},
		"no first pages": func(b []byte) { clear(b[:2*page]) },
		"every inner page": func(b []byte) {
			for at := 2 * page; at < len(b); at += page {
				if native.Uint16(b[at+8:]) == branchPage {
					clear(b[at : at+page])
				}
			}
		},
		"every header": func(b []byte) {
			for at := 0; at < len(b); at += page {
				clear(b[at : at+headerSize])
			}
		},
		"cut short":  nil,
		"every 20th": func(b []byte) { clearSome(b, page) },
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(whole)
			if fault == nil {
				b = b[:100<<10]
			} else {
				fault(b)
			}
			path := filepath.Join(t.TempDir(), "damaged.log")
			write(t, path, b)
			saved, err := Salvage(t.Context(), path, testMark)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			err = saved.Events(func(e store.Event) error {
				n++
				if diff := cmp.Diff(want[e.Seq-1], e); diff != "" {
					t.Error(diff)
				}
				return nil
			})
			if err != nil || n+len(saved.Lost()) != int(saved.Last) || n < 20 {
				t.Errorf("%d saved and %d lost of %d: %v", n, len(saved.Lost()), saved.Last, err)
			}
			t.Logf("%d of 500 saved", n)
			built := filepath.Join(t.TempDir(), "built.log")
			if err := saved.Build(t.Context(), built, testMark); err != nil {
				t.Fatal(err)
			}
			if err := verifyTreed(t, built); err != nil {
				t.Fatal(err)
			}
			fresh := mustAttest(t, built)
			mustAppend(t, fresh, sealedSample("goes on", "", 0))
			if err := storetest.Check(t.Context(), fresh); err != nil {
				t.Error(err)
			}
			for _, seq := range saved.Lost() {
				e, _, err := fresh.Read(t.Context(), store.Position{Seq: seq - 1}, 1)
				if err != nil || e[0].Kind != Lost {
					t.Error(e, err)
				}
			}
		})
	}
}

// clearSome takes away pages that hold events.
func clearSome(b []byte, page int) {
	n := 0
	for at := 2 * page; at < len(b); at += page {
		if native.Uint16(b[at+8:]) == leafPage {
			if n++; n%20 == 5 {
				clear(b[at : at+page])
			}
		}
	}
}

// TestSalvageTakesNothingForged: a record that was put there without the key is as good as lost.
func TestSalvageTakesNothingForged(t *testing.T) {
	path := treedLog(t, 100)
	if err := CompactLog(path, func(string) error { return nil }); err != nil { // no older pages
		t.Fatal(err)
	}
	change(t, path, func(tx *bbolt.Tx) error {
		f := forger{t, tx}
		e, _ := decode(f.record(40), 40)
		e.Actor = "eve"
		data, _ := withRoom(e)
		f.put(40, data)
		return nil
	})
	saved, err := Salvage(t.Context(), path, testMark)
	if err != nil {
		t.Fatal(err)
	}
	if err := saved.Events(func(e store.Event) error {
		if e.Actor == "eve" {
			return errors.New("a forged event was saved")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
