package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"befree.example/store"
)

// classOf is a mapping for tests; the line's own is in package desk.
func classOf(k store.Kind) store.Class {
	switch k {
	case "note":
		return store.Notes
	case "plan saved":
		return store.Plans
	case "claimed", "viewed":
		return store.Facts
	case "classless":
		return ""
	}
	return store.Text
}

func newRing(t testing.TB) *Ring {
	t.Helper()
	return NewRing(NewMaster(), new(MemoryKeys), classOf)
}

const (
	device = "abcdefghij234567-000000000042"
	sid    = "SM00112233445566778899aabbccddeeff"
	number = "+12025550147"
	words  = "he has the keys and the car is outside"
)

func received() store.Event {
	return store.Event{
		Seq: 7, Prev: 3, ID: sid, Conversation: "k3m5", At: time.Unix(1_700_000_000, 5).UTC(),
		Actor: store.Texter, Kind: "received", Number: number, Body: []byte(`{"text":"` + words + `"}`),
		Head: store.Head{
			Severity: "imminent", Language: "es", Tail: "0147", Flags: []string{"danger word"},
			Ref: "SMref", Code: 30003, Keyword: "help", Staff: "ana", Delivery: "sent", Late: time.Minute,
		},
		Command: sha256.Sum256([]byte("command")),
	}
}

func note() store.Event {
	return store.Event{
		Seq: 8, Prev: 7, ID: device, Conversation: "k3m5", At: time.Unix(1_700_000_060, 0).UTC(),
		Actor: "ana", Kind: "note", Body: []byte(`{"note":"sister in Reno"}`),
	}
}

func claimed() store.Event {
	return store.Event{
		Seq: 9, Prev: 8, ID: "claim-by-hand", Conversation: "k3m5", At: time.Unix(1_700_000_061, 0).UTC(),
		Actor: "ana", Kind: "claimed",
	}
}

func sealOne(t testing.TB, r *Ring, e store.Event) store.Event {
	t.Helper()
	es, err := r.Seal([]store.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	return es[0]
}

func openOne(t testing.TB, r *Ring, e store.Event) store.Event {
	t.Helper()
	opened, err := r.Open(e)
	if err != nil {
		t.Fatal(err)
	}
	return opened[0]
}

// rehash gives e the hash of its Body, as somebody would who alters the log.
func rehash(e store.Event) store.Event {
	e.BodyHash = sha256.Sum256(e.Body)
	return e
}

func TestSealThenOpen(t *testing.T) {
	r := newRing(t)
	for _, want := range []store.Event{received(), note(), claimed(), {ID: "v1", Kind: "viewed", Head: store.Head{Ref: "k3m5"}}} {
		sealed := sealOne(t, r, want)
		got := openOne(t, r, sealed)
		if got.BodyHash != sealed.BodyHash {
			t.Errorf("%s: BodyHash is not kept", want.Kind)
		}
		want.BodyHash = got.BodyHash
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Kind, diff)
		}
	}
}

// TestWhatIsSaidOfAConversationGoesWithIt: the body of an event of no conversation is sealed under the keys of the one that
// it names; those that were sealed under none's are read all the same.
func TestWhatIsSaidOfAConversationGoesWithIt(t *testing.T) {
	r := newRing(t)
	e := store.Event{
		Seq: 8, ID: "view-by-hand", At: time.Unix(1_700_000_060, 0).UTC(), Actor: "ana", Kind: "viewed",
		Head: store.Head{Ref: "k3m5"}, Body: []byte(`{"reason":"her sister called"}`),
	}
	before, err := r.sealUnder(&e, func(e *store.Event, _ role) string { return e.Conversation })
	if err != nil {
		t.Fatal(err)
	}
	sealed := sealOne(t, r, e)
	for _, s := range []store.Event{before, sealed} {
		if got := openOne(t, r, s); !bytes.Equal(got.Body, e.Body) || got.Withheld {
			t.Errorf("%s", got.Body)
		}
	}
	if err := r.Shred("k3m5", classOf("viewed")); err != nil {
		t.Fatal(err)
	}
	if got := openOne(t, r, sealed); got.Body != nil || !got.Withheld || got.Head.Ref != "k3m5" {
		t.Errorf("after the shredding it says %s of %q", got.Body, got.Head.Ref)
	}
}

func TestSealedCopyShowsItsClearPartAlone(t *testing.T) {
	r := newRing(t)
	e := received()
	got := sealOne(t, r, e)
	want := store.Event{
		Seq: e.Seq, Prev: e.Prev, ID: r.ClearID(e.ID), Conversation: e.Conversation, At: e.At,
		Actor: e.Actor, Kind: e.Kind, Body: got.Body, BodyHash: sha256.Sum256(got.Body),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(received(), e); diff != "" {
		t.Errorf("Seal changed what it was given:\n%s", diff)
	}
}

func TestSealedBytesTellNothing(t *testing.T) {
	keys := new(MemoryKeys)
	r := NewRing(NewMaster(), keys, classOf)
	sealed, err := r.Seal([]store.Event{received(), note(), claimed()})
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range sealed {
		fmt.Fprintf(&all, "%s %s %s %s", e.ID, e.Conversation, e.Kind, e.Body)
	}
	for name, value := range keys.keys {
		fmt.Fprintf(&all, "%s %s", name, value)
	}
	command := received().Command
	for _, secret := range []string{
		words, "keys and", "Reno", number, "2025550147", "0147", sid, sid[2:], "claim-by-hand", "imminent",
		"danger word", "SMref", "30003", "text\":", string(command[:8]),
	} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q can be read", secret)
		}
	}
}

func TestEventOfAnotherLogComesBackWhole(t *testing.T) {
	r := newRing(t)
	want := received()
	want.BodyHash, want.Withheld, want.Body, want.Number = sha256.Sum256([]byte("the relay's")), true, nil, ""
	if diff := cmp.Diff(want, openOne(t, r, sealOne(t, r, want))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSealedLengthTellsBlocksAlone(t *testing.T) {
	r := newRing(t)
	length := func(n int) int {
		e := note()
		e.Body = bytes.Repeat([]byte("x"), n)
		return len(sealOne(t, r, e).Body)
	}
	if length(1) != length(63) || length(64) != length(127) || length(63)+64 != length(64) {
		t.Errorf("lengths %d %d %d %d", length(1), length(63), length(64), length(127))
	}
}

func TestPaddingIsUnambiguous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.SampledFrom([]byte{0, 0x80, 'a'})).Draw(t, "plain")
		padded := pad(append([]byte("before"), plain...), len("before"))[len("before"):]
		if len(padded) != paddedLen(len(plain)) || len(padded)%padBlock != 0 {
			t.Fatalf("%d bytes are padded to %d", len(plain), len(padded))
		}
		if got, ok := unpad(padded); !ok || !bytes.Equal(got, plain) {
			t.Fatalf("unpad gives %q, %t", got, ok)
		}
	})
	for _, wrong := range []string{
		"", "\x80", strings.Repeat("\x00", 64), strings.Repeat("a", 64),
		strings.Repeat("\x80", 1) + strings.Repeat("\x00", 127),
	} {
		if _, ok := unpad([]byte(wrong)); ok {
			t.Errorf("unpad takes %q", wrong)
		}
	}
}

func TestRoundTripOfAnyEvent(t *testing.T) {
	r := newRing(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		want := store.Event{
			Seq: rapid.Uint64().Draw(t, "seq"), ID: rapid.StringN(1, -1, -1).Draw(t, "id"),
			Conversation: text.Draw(t, "conversation"), Actor: text.Draw(t, "actor"),
			Kind: store.Kind(rapid.SampledFrom([]string{"received", "note", "plan saved", "claimed", "new"}).Draw(t, "kind")),
			Head: store.Head{
				Severity: text.Draw(t, "severity"), Tail: text.Draw(t, "tail"), Code: rapid.Int().Draw(t, "code"),
				Flags: rapid.SliceOfN(text, 1, 3).Draw(t, "flags"),
			},
			Number: text.Draw(t, "number"), Body: rapid.SliceOfN(rapid.Byte(), 1, 500).Draw(t, "body"),
			Withheld: rapid.Bool().Draw(t, "withheld"),
		}
		copy(want.Command[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "command"))
		sealed, err := r.Seal([]store.Event{want})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Open(sealed...)
		if err != nil {
			t.Fatal(err)
		}
		want.BodyHash = sealed[0].BodyHash
		if diff := cmp.Diff([]store.Event{want}, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhatCannotBeSealed(t *testing.T) {
	r := newRing(t)
	for name, e := range map[string]store.Event{
		"no ID":    {Kind: "note", Conversation: "k3m5", Body: []byte("{}")},
		"no class": {ID: "x", Kind: "classless", Conversation: "k3m5", Body: []byte("{}")},
	} {
		if es, err := r.Seal([]store.Event{note(), e}); err == nil || es != nil {
			t.Errorf("%s: %v, %v", name, es, err)
		}
	}
}

func TestClearID(t *testing.T) {
	m := NewMaster()
	r, again := NewRing(m, new(MemoryKeys), classOf), NewRing(m, new(MemoryKeys), classOf)
	if got := r.ClearID(device); got != device {
		t.Errorf("a device's ID becomes %s", got)
	}
	got := r.ClearID(sid)
	if len(got) != 27 || got[0] != 'h' || store.IsDeviceID(got) {
		t.Errorf("clear ID %s", got)
	}
	if again.ClearID(sid) != got {
		t.Error("one ID has two clear forms under one master")
	}
	if newRing(t).ClearID(sid) == got {
		t.Error("another master gives the same clear ID")
	}
	if r.ClearID(sid+"/optout") == got {
		t.Error("two IDs have one clear form")
	}
}

func TestRingPrintsNothing(t *testing.T) {
	m := NewMaster()
	r := NewRing(m, new(MemoryKeys), classOf)
	sealOne(t, r, note())
	log := NewLog(nil, r)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		text := fmt.Sprintf(verb+verb+verb, r, log, struct{ m Master }{m})
		for _, key := range [][]byte{m.bytes(), r.keys.wrapKey()} {
			for _, form := range []string{"%x", "%d", "%s", "%#v"} {
				if strings.Contains(text, strings.Trim(fmt.Sprintf(form, key[:8]), "[]")) {
					t.Errorf("%s prints a key: %s", verb, text)
				}
			}
		}
	}
}

func isDamaged(err error) bool { return errors.Is(err, store.ErrDamaged) }
