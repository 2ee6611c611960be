package seal

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCover(t *testing.T) {
	c := NewCover(NewMaster())
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "plain")
		at := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "place")
		sealed := c.Seal(plain, at)
		if got, ok := c.Open(sealed, at); !ok || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes became %d, %t", len(plain), len(got), ok)
		}
		if size := len(sealed) - 40; size < 64 || size&(size-1) != 0 || size > max(64, 2*len(plain)) {
			t.Fatalf("%d bytes are covered by %d", len(plain), size)
		}
		if _, ok := c.Open(sealed, append(at, 1)); ok {
			t.Fatal("it opens at another place")
		}
		altered := bytes.Clone(sealed)
		altered[rapid.IntRange(0, len(altered)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		if _, ok := c.Open(altered, at); ok {
			t.Fatal("it opens though it was changed")
		}
		if _, ok := NewCover(NewMaster()).Open(sealed, at); ok {
			t.Fatal("it opens under another master")
		}
	})
	if _, ok := c.Open([]byte("short"), nil); ok {
		t.Error("what is too short opens")
	}
}

func TestCoveredNames(t *testing.T) {
	c := NewCover(NewMaster())
	name := func(room, name string) string { return string(c.Name([]byte(room), []byte(name))) }
	seen := map[string]bool{name("keys", "conversation/text"): true}
	if !seen[name("keys", "conversation/text")] {
		t.Error("one name has two forms")
	}
	for _, other := range []string{name("keys", "conversation/notes"), name("tails", "conversation/text"), string(NewCover(NewMaster()).Name([]byte("keys"), []byte("conversation/text")))} {
		if len(other) != 16 || seen[other] {
			t.Errorf("%x is another's name too", other)
		}
		seen[other] = true
	}
}

func TestCoverPrintsNothing(t *testing.T) {
	c := NewCover(NewMaster())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if said := fmt.Sprintf(verb, c); strings.Trim(said, `"`) != "cover" {
			t.Errorf("%s prints %q", verb, said)
		}
	}
}
