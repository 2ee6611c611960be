package bolt

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"befree.example/store"
)

// branches gives the places of the inner pages of a log file that are in use.
func branches(t *testing.T, file []byte) (places []int) {
	t.Helper()
	size := os.Getpagesize()
	m, valid := readMeta(bytes.NewReader(file), size)
	w := walk{bytes.NewReader(file), size, make([]bool, m.pages), true}
	if err := w.whole(meta{root: m.root, free: noFreeList, pages: m.pages}); err != nil || valid != 2 {
		t.Fatal(valid, err)
	}
	for id, used := range w.seen {
		if at := id * size; used && native.Uint64(file[at:]) == uint64(id) && native.Uint16(file[at+8:]) == branchPage {
			places = append(places, at)
		}
	}
	if len(places) < 2 {
		t.Fatalf("the file has %d inner pages: too few for this test", len(places))
	}
	return places
}

// refusesTree tells whether open finds the file damaged.
func refusesTree(t *testing.T, path, name string, open func(*testing.T, string) error) {
	t.Helper()
	if err := open(t, path); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("%s: %v, want ErrDamaged", name, err)
	}
}

func openOnly(_ *testing.T, path string) error {
	l, err := Open(path, Options{})
	if err == nil {
		l.Close()
	}
	return err
}

// TestTreesThatLeadAstray: a page that names itself or another's child would end the process if bbolt followed it. It
// is found on opening.
func TestTreesThatLeadAstray(t *testing.T) {
	path := logFile(t, 300)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	for _, at := range branches(t, whole) {
		second := native.Uint64(page{data: whole[at:]}.element(1)[8:])
		for name, child := range map[string]uint64{
			"itself": uint64(at / size), "another's child": second, "the first page": 0,
			"no page": uint64(len(whole)/size) + 7, "the largest number": 1<<64 - 1,
		} {
			changed := bytes.Clone(whole)
			native.PutUint64(page{data: changed[at:]}.element(0)[8:], child)
			write(t, path, changed)
			refusesTree(t, path, "child is "+name, openOnly)
		}
	}
}

// TestKeyOfNoLength: a page that is never looked up by its first key would be read without it, and end the next append.
func TestKeyOfNoLength(t *testing.T) {
	path := logFile(t, 300)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range branches(t, whole) {
		changed := bytes.Clone(whole)
		native.PutUint32(page{data: changed[at:]}.element(0)[4:], 0)
		write(t, path, changed)
		refusesTree(t, path, "first key has no length", openOnly)
	}
}

// TestKeyInTheWrongPlace: where an inner page gives too high a key for a page, that page's first key is not found.
func TestKeyInTheWrongPlace(t *testing.T) {
	path := logFile(t, 300)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range branches(t, whole) {
		changed := bytes.Clone(whole)
		e := page{data: changed[at:]}.element(1)
		last := native.Uint32(e) + native.Uint32(e[4:]) - 1
		e[last]++
		write(t, path, changed)
		refusesTree(t, path, "a key is too high", openAndVerify)
	}
}

// TestFreeAndInUse: a page that is both would be written over by the next commit.
func TestFreeAndInUse(t *testing.T) {
	path := logFile(t, 300)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := os.Getpagesize()
	m, _ := readMeta(bytes.NewReader(whole), size)
	list := whole[int(m.free)*size:]
	if native.Uint16(list[10:]) == 0 {
		t.Fatal("the file has no free pages: it is no use for this test")
	}
	native.PutUint64(list[headerSize:], m.root)
	write(t, path, whole)
	refusesTree(t, path, "the root is free", openOnly)
}
