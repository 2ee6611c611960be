package seal

import (
	"errors"
	"testing"

	"befree.example/store"
)

// TestSecret: one is made when that is allowed, and is the same ever after; another Master has nothing of it.
func TestSecret(t *testing.T) {
	master, keys := NewMaster(), new(MemoryKeys)
	class := func(store.Kind) store.Class { return store.Text }
	r := NewRing(master, keys, class)
	if _, err := r.Secret("checkpoint", false); !errors.Is(err, ErrNoKey) {
		t.Fatal(err)
	}
	made, err := r.Secret("checkpoint", true)
	if err != nil || made == [32]byte{} {
		t.Fatal(err)
	}
	if again, err := NewRing(master, keys, class).Secret("checkpoint", false); err != nil || again != made {
		t.Error("another one came back", err)
	}
	if _, err := NewRing(NewMaster(), keys, class).Secret("checkpoint", true); !errors.Is(err, ErrMaster) {
		t.Error(err)
	}
}

// TestMark: it depends on the Master, on the log and on what is marked.
func TestMark(t *testing.T) {
	class := func(store.Kind) store.Class { return store.Text }
	master := NewMaster()
	r, other := NewRing(master, new(MemoryKeys), class), NewRing(NewMaster(), new(MemoryKeys), class)
	sum := store.Hash{1}
	if r.Mark("e", sum) != NewRing(master, new(MemoryKeys), class).Mark("e", sum) {
		t.Error("a mark is not the same twice")
	}
	seen := map[[16]byte]bool{}
	for _, m := range [][16]byte{r.Mark("e", sum), r.Mark("f", sum), r.Mark("e", store.Hash{2}), other.Mark("e", sum)} {
		if seen[m] {
			t.Error("two marks are the same")
		}
		seen[m] = true
	}
}
