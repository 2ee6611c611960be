package seal

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"befree.example/store"
)

func TestShredForgetsOneClass(t *testing.T) {
	for _, tc := range []struct {
		class store.Class
		want  func(e *store.Event) // what stays of the received event
	}{
		{store.Text, func(e *store.Event) { e.Body, e.Command = nil, store.Hash{} }}, // a hash of what was asked would tell what it was
		{store.Numbers, func(e *store.Event) { e.Number = "" }},
		{store.Facts, func(e *store.Event) { e.Head = store.Head{} }},
	} {
		t.Run(string(tc.class), func(t *testing.T) {
			m, keys := NewMaster(), new(MemoryKeys)
			r := NewRing(m, keys, classOf)
			sealed, notes := sealOne(t, r, received()), sealOne(t, r, note())
			if err := r.Shred("k3m5", tc.class); err != nil {
				t.Fatal(err)
			}
			want := received()
			want.BodyHash, want.Withheld = sealed.BodyHash, true
			tc.want(&want)
			if tc.class == store.Facts {
				want.ID = sealed.ID
			}
			for _, r := range []*Ring{r, NewRing(m, keys, classOf)} {
				if diff := cmp.Diff(want, openOne(t, r, sealed)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if got := openOne(t, r, notes); string(got.Body) != string(note().Body) {
					t.Errorf("the note went too: %v", got)
				}
			}
		})
	}
}

func TestShreddedStaysForgottenUnderANewKey(t *testing.T) {
	r := newRing(t)
	before := sealOne(t, r, received())
	if err := r.Shred("k3m5", store.Text, store.Facts, store.Numbers); err != nil {
		t.Fatal(err)
	}
	after := sealOne(t, r, received())
	if got := openOne(t, r, before); !onlyWithheld(got, nil) {
		t.Errorf("what was forgotten: %v", got)
	}
	if got := openOne(t, r, after); got.Withheld || got.Number != number {
		t.Errorf("what came later: %v", got)
	}
}

func TestShredLeavesOtherConversations(t *testing.T) {
	r := newRing(t)
	other := received()
	other.Conversation = "other"
	sealed := sealOne(t, r, other)
	sealOne(t, r, received())
	if err := r.Shred("k3m5", store.Text, store.Numbers, store.Facts, store.Notes, store.Plans); err != nil {
		t.Fatal(err)
	}
	if got := openOne(t, r, sealed); got.Withheld {
		t.Errorf("another conversation went too: %v", got)
	}
	if err := r.Shred("", store.Facts); err == nil {
		t.Error("audit events can be forgotten by mistake")
	}
}

func TestGoneSealedBytesAreWithheld(t *testing.T) {
	r := newRing(t)
	sealed := sealOne(t, r, received())
	sealed.Body = nil
	got := openOne(t, r, sealed)
	if !onlyWithheld(got, nil) || got.BodyHash != sealed.BodyHash {
		t.Errorf("%v", got)
	}
}

// countingKeys counts what is asked of a KeyStore, and fails on demand.
type countingKeys struct {
	MemoryKeys
	loads, saves atomic.Int64
	fail         error
}

func (s *countingKeys) Load(names ...string) ([][]byte, error) {
	s.loads.Add(1)
	return s.MemoryKeys.Load(names...)
}

func (s *countingKeys) Save(keys map[string][]byte) error {
	s.saves.Add(1)
	if s.fail != nil {
		return s.fail
	}
	return s.MemoryKeys.Save(keys)
}

func (s *countingKeys) Delete(names ...string) error {
	if s.fail != nil {
		return s.fail
	}
	return s.MemoryKeys.Delete(names...)
}

func TestOneBatchIsOneSaveAndOneLoad(t *testing.T) {
	keys := new(countingKeys)
	master := NewMaster()
	r := NewRing(master, keys, classOf)
	var es []store.Event
	for i := range 100 {
		for _, e := range []store.Event{received(), note()} {
			e.Conversation = fmt.Sprint("c", i)
			es = append(es, e)
		}
	}
	for range 2 {
		if _, err := r.Seal(es); err != nil {
			t.Fatal(err)
		}
	}
	if saves := keys.saves.Load(); saves != 1 || len(keys.keys) != 400 {
		t.Errorf("%d saves of %d keys", saves, len(keys.keys))
	}
	sealed, err := r.Seal(es)
	if err != nil {
		t.Fatal(err)
	}
	keys.loads.Store(0)
	r = NewRing(master, keys, classOf)
	for range 2 {
		if opened, err := r.Open(sealed...); err != nil || len(opened) != len(es) {
			t.Fatalf("%d of %d events: %v", len(opened), len(es), err)
		}
	}
	if loads := keys.loads.Load(); loads != 1 {
		t.Errorf("%d loads", loads)
	}
}

func TestFailingKeyStore(t *testing.T) {
	full := errors.New("disk full")
	keys := &countingKeys{fail: full}
	r := NewRing(NewMaster(), keys, classOf)
	if es, err := r.Seal([]store.Event{note()}); !errors.Is(err, full) || es != nil {
		t.Fatalf("%v, %v", es, err)
	}
	keys.fail = nil
	sealed := sealOne(t, r, note())
	keys.fail = full
	if err := r.Shred("k3m5", store.Notes); !errors.Is(err, full) {
		t.Fatalf("Shred: %v", err)
	}
	if got := openOne(t, r, sealed); got.Withheld { // the key is on disk still, and no new one may stand in for it
		t.Errorf("%v", got)
	}
}

// neverKeys says that every key exists and loads none.
type neverKeys struct{ MemoryKeys }

func (*neverKeys) Save(map[string][]byte) error { return ErrExists }

func TestKeyStoreThatContradictsItselfEnds(t *testing.T) {
	r := NewRing(NewMaster(), new(neverKeys), classOf)
	if _, err := r.Seal([]store.Event{note()}); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
}

func TestRacingRingsMakeOneKey(t *testing.T) {
	m, keys := NewMaster(), new(MemoryKeys)
	const racers, rounds = 8, 50
	sealed := make([][]store.Event, racers)
	rings := make([]*Ring, racers)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range racers {
		rings[i] = NewRing(m, keys, classOf)
		wg.Go(func() {
			<-start
			for n := range rounds {
				a, b := received(), note()
				a.Conversation, b.Conversation = fmt.Sprint("c", n), fmt.Sprint("c", (n+i)%rounds)
				es, err := rings[i].Seal([]store.Event{a, b})
				if err != nil {
					t.Error(err)
					return
				}
				sealed[i] = append(sealed[i], es...)
			}
		})
	}
	close(start)
	wg.Wait()
	for i, es := range sealed {
		for _, e := range es {
			if got := openOne(t, rings[(i+1)%racers], e); got.Withheld {
				t.Fatalf("sealed under a key that lost: %v", got)
			}
		}
	}
	if len(keys.keys) != rounds*4 {
		t.Errorf("%d keys", len(keys.keys))
	}
}

func TestOneRingFromManyGoroutines(t *testing.T) {
	r := newRing(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				e := received()
				e.Conversation = fmt.Sprint("c", n%10)
				es, err := r.Seal([]store.Event{e})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := r.Open(es[0]); err != nil {
					t.Error(err)
				}
				if i == 0 && n%20 == 0 {
					if err := r.Shred(e.Conversation, store.Text); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestMemoryOfKeysIsBounded(t *testing.T) {
	keys := new(countingKeys)
	r := NewRing(NewMaster(), keys, classOf)
	es := make([]store.Event, maxCached+100)
	for i := range es {
		es[i] = claimed()
		es[i].Conversation = fmt.Sprint("c", i)
	}
	sealed, err := r.Seal(es)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.keys.opened); n > maxCached {
		t.Errorf("%d keys in memory", n)
	}
	for _, e := range sealed {
		if openOne(t, r, e).Withheld {
			t.Fatal("a key that was put out of memory is lost")
		}
	}
}

func TestAnotherMasterIsNotMistakenForForgetting(t *testing.T) {
	keys := new(MemoryKeys)
	sealed := sealOne(t, NewRing(NewMaster(), keys, classOf), note())
	other := NewRing(NewMaster(), keys, classOf)
	if _, err := other.Open(sealed); !errors.Is(err, ErrMaster) {
		t.Errorf("Open: %v", err)
	}
	if _, err := other.Seal([]store.Event{note()}); !errors.Is(err, ErrMaster) {
		t.Errorf("Seal: %v", err)
	}
}

func TestWrappedKeyIsBoundToItsName(t *testing.T) {
	m, keys := NewMaster(), new(MemoryKeys)
	sealed := sealOne(t, NewRing(m, keys, classOf), received())
	keys.keys["k3m5/text"], keys.keys["k3m5/facts"] = keys.keys["k3m5/facts"], keys.keys["k3m5/text"]
	if _, err := NewRing(m, keys, classOf).Open(sealed); !errors.Is(err, ErrMaster) {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	m, keys := NewMaster(), new(MemoryKeys)
	r := NewRing(m, keys, classOf)
	if err := r.Check(false); !errors.Is(err, ErrKeysMissing) {
		t.Errorf("lost keys: %v", err)
	}
	for _, fresh := range []bool{true, false, true} {
		if err := r.Check(fresh); err != nil {
			t.Errorf("fresh %t: %v", fresh, err)
		}
	}
	for _, fresh := range []bool{true, false} {
		if err := NewRing(NewMaster(), keys, classOf).Check(fresh); !errors.Is(err, ErrMaster) {
			t.Errorf("another master, fresh %t: %v", fresh, err)
		}
	}
}
