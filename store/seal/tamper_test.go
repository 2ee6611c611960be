package seal

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"befree.example/store"
)

func TestEveryFlippedByteIsRefused(t *testing.T) {
	r := newRing(t)
	for _, e := range []store.Event{received(), note(), claimed()} {
		sealed := sealOne(t, r, e)
		for i := range sealed.Body {
			for _, mask := range []byte{0x01, 0x80, 0xff} {
				altered := sealed
				altered.Body = bytes.Clone(sealed.Body)
				altered.Body[i] ^= mask
				if _, err := r.Open(altered); !isDamaged(err) {
					t.Fatalf("%s, byte %d with its old hash: %v", e.Kind, i, err)
				}
				if opened, err := r.Open(rehash(altered)); !isDamaged(err) {
					t.Fatalf("%s, byte %d with a new hash: %v, %v", e.Kind, i, opened, err)
				}
			}
		}
	}
}

func TestFlippedHashIsRefused(t *testing.T) {
	r := newRing(t)
	sealed := sealOne(t, r, note())
	for i := range sealed.BodyHash {
		altered := sealed
		altered.BodyHash[i] ^= 1
		if _, err := r.Open(altered); !isDamaged(err) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

func TestMovedBytesAreRefused(t *testing.T) {
	r := newRing(t)
	sealed := sealOne(t, r, received())
	other := received()
	other.Conversation, other.ID = "other", "SMother"
	sealOne(t, r, other)
	for name, move := range map[string]func(*store.Event){
		"conversation":      func(e *store.Event) { e.Conversation = "other" },
		"kind, same class":  func(e *store.Event) { e.Kind = "reply queued" },
		"kind, other class": func(e *store.Event) { e.Kind = "note" },
		"ID from outside":   func(e *store.Event) { e.ID = r.ClearID("SMother") },
		"ID of a device":    func(e *store.Event) { e.ID = device },
		"text across a length": func(e *store.Event) {
			e.Conversation, e.Kind = e.Conversation+string(e.Kind[:1]), e.Kind[1:]
		},
	} {
		altered := sealed
		move(&altered)
		if opened, err := r.Open(altered); !isDamaged(err) {
			t.Errorf("%s: %v, %v", name, opened, err)
		}
	}
}

// onlyWithheld tells that an event was opened to nothing: nothing of it is shown.
func onlyWithheld(e store.Event, err error) bool {
	return err == nil && e.Withheld && e.Number == "" && len(e.Body) == 0 && cmp.Equal(e.Head, store.Head{})
}

// rebuild puts boxes together anew at the place of e. It lies about nothing but the boxes: the header fits them and has
// its keyed hash, which only the holder of the master can make.
func rebuild(r *Ring, e store.Event, boxes ...entry) []byte {
	header := []byte{blobVersion, byte(len(boxes))}
	for _, b := range boxes {
		header = appendEntry(header, b, len(b.sealed))
	}
	mac := r.headers.of(appendPlace(bytes.Clone(header), &e))
	blob := append(header, mac[:]...)
	for _, b := range boxes {
		blob = append(blob, b.sealed...)
	}
	return blob
}

func TestBoxesCannotBeExchanged(t *testing.T) {
	r := newRing(t)
	first, second := received(), received()
	second.ID, second.Seq = "SMsecond", 8
	es, err := r.Seal([]store.Event{first, second})
	if err != nil {
		t.Fatal(err)
	}
	_, _, a, err := parseBlob(es[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	_, _, b, err := parseBlob(es[1].Body)
	if err != nil {
		t.Fatal(err)
	}
	renamed := func(e entry, as role, class store.Class) entry {
		e.role, e.class = as, class
		return e
	}
	for name, blob := range map[string][]byte{
		"facts of another event":  rebuild(r, es[0], b[0], a[1], a[2]),
		"number of another event": rebuild(r, es[0], a[0], b[1], a[2]),
		"body of another event":   rebuild(r, es[0], a[0], a[1], b[2]),
		"all of another event":    es[1].Body,
		"body left out":           rebuild(r, es[0], a[0], a[1]),
		"number left out":         rebuild(r, es[0], a[0], a[2]),
		"facts alone":             rebuild(r, es[0], a[0]),
		"no facts":                rebuild(r, es[0], a[1], a[2]),
		"no boxes":                rebuild(r, es[0]),
		"facts twice":             rebuild(r, es[0], a[0], a[0]),
		"other order":             rebuild(r, es[0], a[0], a[2], a[1]),
		"four boxes":              rebuild(r, es[0], a[0], a[1], a[2], a[2]),
		"number as body":          rebuild(r, es[0], a[0], renamed(a[1], bodyRole, store.Numbers)),
		"facts as body":           rebuild(r, es[0], a[0], a[1], renamed(a[0], bodyRole, store.Facts)),
		"body in another class":   rebuild(r, es[0], a[0], a[1], renamed(a[2], bodyRole, store.Plans)),
		"role out of range":       rebuild(r, es[0], a[0], a[1], renamed(a[2], 9, store.Text)),
		"something behind":        append(bytes.Clone(es[0].Body), 0),
		"nothing":                 {},
		"cut short":               es[0].Body[:len(es[0].Body)-1],
	} {
		altered := es[0]
		altered.Body = blob
		if opened, err := r.Open(rehash(altered)); !isDamaged(err) && len(blob) > 0 {
			t.Errorf("%s: %v, %v", name, opened, err)
		}
	}
	whole := es[0]
	whole.Body = rebuild(r, es[0], a[0], a[1], a[2])
	openOne(t, r, whole) // rebuild itself changes nothing
}

func TestRoleIsAuthenticated(t *testing.T) {
	r := newRing(t)
	e := claimed()
	e.Body = []byte(`{"why":"sealed in the class of its facts"}`)
	sealed := sealOne(t, r, e)
	_, _, boxes, err := parseBlob(sealed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(boxes[0].sealed) != len(boxes[1].sealed) {
		t.Fatal("the boxes must have one length, for the header to stay as it is")
	}
	boxes[0].sealed, boxes[1].sealed = boxes[1].sealed, boxes[0].sealed
	sealed.Body = rebuild(r, sealed, boxes[0], boxes[1])
	if _, err := r.Open(rehash(sealed)); !isDamaged(err) {
		t.Errorf("facts and body exchanged: %v", err)
	}
}

func TestForgottenEventIsRefusedWhenMoved(t *testing.T) {
	r := newRing(t)
	sealed := sealOne(t, r, claimed())
	if err := r.Shred("k3m5", store.Facts); err != nil {
		t.Fatal(err)
	}
	openOne(t, r, sealed)
	sealed.Kind = "released"
	if opened, err := r.Open(sealed); !isDamaged(err) {
		t.Errorf("%v, %v", opened, err)
	}
}

func TestEventThatWasNeverSealedIsRefused(t *testing.T) {
	if _, err := newRing(t).Open(store.Event{ID: "x", Kind: "note", Conversation: "k3m5"}); !isDamaged(err) {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	r := newRing(f)
	for _, e := range []store.Event{received(), note(), claimed()} {
		f.Add(sealOne(f, r, e).Body)
	}
	f.Add([]byte{})
	f.Add([]byte{1, 3, 1, 255})
	f.Add([]byte{1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, body []byte) {
		e := received()
		e.ID, e.Number, e.Head, e.Command = "hsomebodyelse", "", store.Head{}, store.Hash{}
		e.Body = body
		opened, err := r.Open(rehash(e))
		if !isDamaged(err) && (len(body) != 0 || !onlyWithheld(opened[0], err)) {
			t.Errorf("rubbish gives %v, %v", opened, err)
		}
	})
}

func TestBlobBeginsWithFacts(t *testing.T) {
	r := newRing(t)
	sealed := sealOne(t, r, received())
	_, _, boxes, err := parseBlob(sealed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := parseBlob(rebuild(r, sealed, boxes[1], boxes[2])); err == nil {
		t.Error("a blob without facts is taken")
	}
}
