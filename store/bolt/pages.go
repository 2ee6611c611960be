package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
)

// bbolt follows page numbers without asking where they lead: a changed byte can send it round in a circle until the
// stack ends, which no program survives. So the trees are walked here first, by plain reads.
//
// The layout is that of bbolt's file format 2, in the byte order of the machine. A page: id 8, flags 2, count 2,
// overflow 4, then its elements. The first two pages say, after that: magic 4, version 4, page size 4, flags 4, root page
// 8, sequence 8, page of the free list 8, number of pages 8, transaction 8, FNV-1a sum 8 of the rest. A branch element:
// position 4, key size 4, child 8. A leaf element: flags 4, position 4, key size 4, value size 4. Positions count from
// the element. A bucket's value begins with its root page 8, which is 0 for one that stands in the value itself. A free
// list: page numbers 8 each, or with a count of 65,535 the true count 8 before them.
const (
	boltMagic     = 0xED0CDAED
	firstPage     = 2 // after the two that say where the trees begin
	headerSize    = 16
	metaSize      = 56 // without its sum
	elementSize   = 16
	bucketSize    = 16
	branchPage    = 1
	leafPage      = 2
	freePage      = 16
	bucketElement = 1
	manyFree      = 0xFFFF
	noFreeList    = ^uint64(0)
)

var native = binary.NativeEndian

var errPages = errors.New("its pages do not fit together")

// checkPages tells whether the file has all its pages and every one is in one place: in one tree, or free. Unless all
// is set it reads the inner pages alone, about one in a hundred, and is content with what a crash of the machine may
// leave. Nobody may write meanwhile.
func checkPages(path string, pageSize int, all bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	m, valid := readMeta(f, pageSize)
	if valid == 0 {
		return damaged(path, "its first pages are damaged")
	}
	if valid == 1 && all {
		return damaged(path, "one of its first pages is damaged, and with it perhaps the newest events")
	}
	if need := int64(m.pages) * int64(pageSize); size < need {
		return damaged(path, fmt.Sprintf("it is cut short, %d bytes of %d", size, need))
	}
	w := walk{f, pageSize, make([]bool, m.pages), all}
	if err := w.whole(m); err != nil {
		return damaged(path, err.Error())
	}
	return nil
}

// A meta says where the rest begins.
type meta struct{ root, free, pages, tx uint64 }

// readMeta reads the newer of the first two pages, as bbolt does, and tells how many are whole. Where only the older one
// is, the last commit is missing: whether it was ever acknowledged cannot be told.
func readMeta(f io.ReaderAt, pageSize int) (newest meta, valid int) {
	for i := range int64(firstPage) {
		m, ok := readMetaAt(f, i*int64(pageSize))
		if !ok {
			continue
		}
		valid++
		if valid == 1 || m.tx > newest.tx {
			newest = m
		}
	}
	return newest, valid
}

func readMetaAt(f io.ReaderAt, at int64) (meta, bool) {
	var b [metaSize + 8]byte
	if _, err := f.ReadAt(b[:], at+headerSize); err != nil || native.Uint32(b[:]) != boltMagic {
		return meta{}, false
	}
	sum := fnv.New64a()
	sum.Write(b[:metaSize])
	m := meta{native.Uint64(b[16:]), native.Uint64(b[32:]), native.Uint64(b[40:]), native.Uint64(b[48:])}
	return m, sum.Sum64() == native.Uint64(b[metaSize:])
}

// hasMagic tells by its first pages whether the file was bbolt's once.
func hasMagic(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, page := range []int64{0, int64(os.Getpagesize())} {
		var magic [4]byte
		if _, err := f.ReadAt(magic[:], page+headerSize); err == nil && native.Uint32(magic[:]) == boltMagic {
			return true
		}
	}
	return false
}

// A walk goes through the pages of a file.
type walk struct {
	file     io.ReaderAt
	pageSize int
	seen     []bool // by page number
	all      bool   // leaves too
}

// whole walks the tree that names the buckets, then each of theirs, then the free list.
func (w *walk) whole(m meta) error {
	var roots []uint64
	names := *w
	names.all = true
	err := names.tree(m.root, func(value []byte) error {
		if len(value) < bucketSize {
			return errPages
		}
		if root := native.Uint64(value); root != 0 {
			roots = append(roots, root)
		}
		return nil
	})
	for _, root := range roots {
		if err == nil { // befree has no buckets within buckets
			err = w.tree(root, func([]byte) error { return errPages })
		}
	}
	if err != nil || m.free == noFreeList {
		return err
	}
	return w.free(m.free)
}

// free claims the free pages: one that is free and in a tree would be written over.
func (w *walk) free(id uint64) error {
	p, err := w.read(id, freePage)
	if err != nil {
		return err
	}
	if err := w.claim(id, p.pages); err != nil {
		return err
	}
	ids, n := p.data[headerSize:], uint64(p.count)
	if p.count == manyFree {
		n, ids = native.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return fmt.Errorf("%w at page %d", errPages, id)
	}
	for i := range n {
		if err := w.claim(native.Uint64(ids[8*i:]), 1); err != nil {
			return err
		}
	}
	return w.complete()
}

// complete tells whether every page was claimed, where all have been looked at.
func (w *walk) complete() error {
	if lost := slices.Index(w.seen[firstPage:], false); w.all && lost >= 0 {
		return fmt.Errorf("%w: page %d is in no place", errPages, lost+firstPage)
	}
	return nil
}

// tree walks from one page down and gives bucket the value of every bucket that it meets in a leaf.
func (w *walk) tree(id uint64, bucket func([]byte) error) error {
	p, err := w.read(id, branchPage|leafPage)
	if err != nil {
		return err
	}
	if err := w.claim(id, p.pages); err != nil {
		return err
	}
	if p.flags == leafPage {
		return p.leaf(bucket)
	}
	return w.children(p, bucket)
}

// children relies on all leaves of a tree being equally deep: where the first child is one, the others are.
func (w *walk) children(p page, bucket func([]byte) error) error {
	visit, err := w.visitor(p, bucket)
	for i := 0; i < p.count && err == nil; i++ {
		err = visit(native.Uint64(p.element(i)[8:]))
	}
	return err
}

func (w *walk) visitor(p page, bucket func([]byte) error) (func(child uint64) error, error) {
	down := func(child uint64) error { return w.tree(child, bucket) }
	if w.all {
		return down, nil
	}
	first, err := w.read(native.Uint64(p.element(0)[8:]), branchPage|leafPage)
	if err == nil && first.flags == leafPage {
		return func(child uint64) error { return w.claim(child, 1) }, nil
	}
	return down, err
}

// claim takes pages for one place. That no page is claimed twice is what ends every walk.
func (w *walk) claim(id, pages uint64) error {
	for i := id; i < id+pages; i++ {
		if i < firstPage || i >= uint64(len(w.seen)) || w.seen[i] {
			return fmt.Errorf("%w at page %d", errPages, i)
		}
		w.seen[i] = true
	}
	return nil
}

// A page is one with its overflow.
type page struct {
	flags uint16
	count int
	pages uint64
	data  []byte // none for a leaf that need not be looked into
}

// read reads page id, which must be of one of these sorts, and tells whether its numbers stay within it.
func (w *walk) read(id uint64, sorts uint16) (page, error) {
	bad := fmt.Errorf("%w at page %d", errPages, id)
	if id < firstPage || id >= uint64(len(w.seen)) {
		return page{}, bad
	}
	var header [headerSize]byte
	at := int64(id) * int64(w.pageSize)
	if _, err := w.file.ReadAt(header[:], at); err != nil {
		return page{}, err
	}
	p := page{native.Uint16(header[8:]), int(native.Uint16(header[10:])), uint64(native.Uint32(header[12:])) + 1, nil}
	if native.Uint64(header[:]) != id || !p.is(sorts) || p.pages > uint64(len(w.seen))-id {
		return page{}, bad
	}
	if p.flags == leafPage && !w.all {
		return page{flags: leafPage, pages: 1}, nil
	}
	p.data = make([]byte, int(p.pages)*w.pageSize)
	if _, err := w.file.ReadAt(p.data, at); err != nil {
		return page{}, err
	}
	if p.flags != freePage && !p.fits() {
		return page{}, bad
	}
	return p, nil
}

// is tells whether p is of exactly one of these sorts. A branch without children is of none.
func (p page) is(sorts uint16) bool {
	return p.flags&sorts == p.flags && (p.flags == branchPage && p.count > 0 || p.flags == leafPage || p.flags == freePage)
}

// element is from the i-th element to the end of the page.
func (p page) element(i int) []byte { return p.data[headerSize+i*elementSize:] }

// fits tells whether all keys and values lie within the page and no key is empty, which bbolt takes for impossible.
func (p page) fits() bool {
	if headerSize+p.count*elementSize > len(p.data) {
		return false
	}
	for i := range p.count {
		e := p.element(i)
		key := uint64(native.Uint32(e[4:]))
		end := uint64(native.Uint32(e)) + key
		if p.flags == leafPage {
			key = uint64(native.Uint32(e[8:]))
			end = uint64(native.Uint32(e[4:])) + key + uint64(native.Uint32(e[12:]))
		}
		if key == 0 || end > uint64(len(e)) {
			return false
		}
	}
	return true
}

func (p page) leaf(bucket func([]byte) error) error {
	for i := range p.count {
		e := p.element(i)
		if native.Uint32(e)&bucketElement == 0 {
			continue
		}
		start := native.Uint32(e[4:]) + native.Uint32(e[8:])
		if err := bucket(e[start : start+native.Uint32(e[12:])]); err != nil {
			return err
		}
	}
	return nil
}
