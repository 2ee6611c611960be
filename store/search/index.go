package search

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sort"
	"sync"
)

// An Item is the words of one event. Bundle is what it is forgotten with.
type Item struct {
	Seq    uint64
	Bundle string
	List   List
}

// An Index holds the words of many events, to be looked through by all processors: a query reads them from the newest
// on until enough was found. There is no list of events by word: reading every word of a million texts takes less than
// keeping such lists in step with what is filled in, forgotten and set aside. It is safe for use by many goroutines at
// once.
//
// What it finds are candidates: who asked looks at the event itself, so that nothing is shown that is not there.
type Index struct {
	mu      sync.RWMutex
	words   []byte            // of all entries, one after another; zeros for what is gone
	entries []entry           // by Seq
	late    map[uint64]Item   // what came out of its order
	bundles map[string]uint32 // to the number in entries
}

// An entry is one event's place in the words; it ends where the next begins.
type entry struct {
	seq    uint64
	start  uint32
	bundle uint32
}

// lateMost is how many items may stand out of order before they are put in it.
const lateMost = 4096

// New makes an index of items in any order; of two of one event the later counts.
func New(items []Item) *Index {
	x := &Index{late: map[uint64]Item{}, bundles: map[string]uint32{}}
	slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(a.Seq, b.Seq) })
	size := 0
	for _, it := range items {
		size += len(it.List)
	}
	x.words, x.entries = make([]byte, 0, size+size/8), make([]entry, 0, len(items)+len(items)/8)
	for i, it := range items {
		if i+1 == len(items) || items[i+1].Seq != it.Seq {
			x.append(it)
		}
	}
	return x
}

// append adds what is newer than all there is.
func (x *Index) append(it Item) {
	if it.List == "" {
		return
	}
	n, known := x.bundles[it.Bundle]
	if !known {
		n = uint32(len(x.bundles))
		x.bundles[it.Bundle] = n
	}
	x.entries = append(x.entries, entry{it.Seq, uint32(len(x.words)), n})
	x.words = append(x.words, it.List...)
}

// Put makes these the words of their events, in the place of what was there.
func (x *Index) Put(items ...Item) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, it := range items {
		if n := len(x.entries); n == 0 || it.Seq > x.entries[n-1].seq {
			delete(x.late, it.Seq)
			x.append(it)
			continue
		}
		if i, found := x.find(it.Seq); found {
			clear(x.list(i))
		}
		delete(x.late, it.Seq)
		if it.List != "" {
			x.late[it.Seq] = it
		}
	}
	if len(x.late) > lateMost {
		x.order()
	}
}

// order puts what is late in its place.
func (x *Index) order() {
	names := make([]string, len(x.bundles))
	for name, n := range x.bundles {
		names[n] = name
	}
	items := make([]Item, 0, len(x.entries)+len(x.late))
	for i, e := range x.entries {
		if list := x.list(i); len(list) > 0 && list[0] != 0 {
			items = append(items, Item{e.seq, names[e.bundle], List(list)})
		}
	}
	ordered := New(slices.AppendSeq(items, maps.Values(x.late)))
	clear(x.words)
	x.words, x.entries, x.late, x.bundles = ordered.words, ordered.entries, ordered.late, ordered.bundles
}

// Drop forgets everything of a bundle, and overwrites it.
func (x *Index) Drop(bundle string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	maps.DeleteFunc(x.late, func(_ uint64, it Item) bool { return it.Bundle == bundle })
	n, known := x.bundles[bundle]
	if !known {
		return
	}
	for i, e := range x.entries {
		if e.bundle == n {
			clear(x.list(i))
		}
	}
}

// Close forgets everything, and overwrites most of it.
func (x *Index) Close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.words)
	x.words, x.entries, x.late, x.bundles = nil, nil, map[uint64]Item{}, map[string]uint32{}
}

// find returns the entry of an event, or where it would be.
func (x *Index) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(x.entries, seq, func(e entry, seq uint64) int { return cmp.Compare(e.seq, seq) })
}

// end is where the words of an entry end.
func (x *Index) end(i int) uint32 {
	if i+1 < len(x.entries) {
		return x.entries[i+1].start
	}
	return uint32(len(x.words))
}

func (x *Index) list(i int) []byte { return x.words[x.entries[i].start:x.end(i)] }

// Find yields the events that have q, the newest first. Nothing is locked while it yields.
func (x *Index) Find(q Query) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if q.Empty() {
			return
		}
		for below := ^uint64(0); below > 0; {
			var found []uint64
			found, below = x.stretch(q, below)
			for _, seq := range found {
				if !yield(seq) {
					return
				}
			}
		}
	}
}

// piece is how many events one processor looks through at a time.
const piece = 1 << 14

// stretch looks through the next events below one, and returns below which to go on; 0 where there are no more.
func (x *Index) stretch(q Query, below uint64) (found []uint64, next uint64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	to, _ := x.find(below)
	from := max(0, to-piece*runtime.GOMAXPROCS(0))
	if from > 0 {
		next = x.entries[from].seq
	}
	pieces := make([][]uint64, (to-from+piece-1)/piece)
	var group sync.WaitGroup
	for i := range pieces {
		group.Go(func() { pieces[i] = x.scan(q, from+i*piece, min(to, from+(i+1)*piece)) })
	}
	group.Wait()
	for seq, it := range x.late {
		if seq >= next && seq < below && q.In(it.List) {
			found = append(found, seq)
		}
	}
	found = append(found, slices.Concat(pieces...)...)
	slices.SortFunc(found, func(a, b uint64) int { return cmp.Compare(b, a) })
	return found, next
}

// scan returns which of some entries have q.
func (x *Index) scan(q Query, from, to int) (found []uint64) {
	if from >= to {
		return nil
	}
	begin := x.entries[from].start
	words, first := x.words[begin:x.end(to-1)], []byte(q.words[0])
	for at := 0; ; {
		hit := bytes.Index(words[at:], first)
		if hit < 0 {
			return found
		}
		at += hit
		if at == 0 || words[at-1] != ' ' { // in the middle of a word
			at++
			continue
		}
		i := from + sort.Search(to-from, func(i int) bool { return x.end(from+i)-begin > uint32(at) })
		if q.In(List(x.list(i))) {
			found = append(found, x.entries[i].seq)
		}
		from, at = i+1, int(x.end(i)-begin)
		if from >= to {
			return found
		}
	}
}

// String says nothing of what is in it.
func (x *Index) String() string { return "index of words" }

// GoString says nothing of what is in it either.
func (x *Index) GoString() string { return x.String() }
