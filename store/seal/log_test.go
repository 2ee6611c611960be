package seal

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/store"
	"befree.example/store/tree"
)

// memoryLog is just enough of a store.Log.
type memoryLog struct {
	mu      sync.Mutex
	events  []store.Event
	waiting []chan struct{}
}

func (l *memoryLog) Append(_ context.Context, es ...store.Event) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range es {
		if i := slices.IndexFunc(l.events, func(o store.Event) bool { return o.ID == e.ID }); i >= 0 {
			return 0, &store.DuplicateError{Seq: l.events[i].Seq}
		}
	}
	for _, e := range es {
		e.Seq = uint64(len(l.events) + 1)
		l.events = append(l.events, e)
	}
	for _, c := range l.waiting {
		close(c)
	}
	l.waiting = nil
	return uint64(len(l.events)), nil
}

func (l *memoryLog) Read(_ context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := store.Position{Epoch: "birth", Seq: uint64(len(l.events))}
	if after.Epoch != "" && after.Epoch != head.Epoch || after.Seq > head.Seq {
		return nil, head, store.ErrEpoch
	}
	es := l.events[after.Seq:]
	return es[:min(limit, len(es))], head, nil
}

func (l *memoryLog) Changed(after uint64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := make(chan struct{})
	if uint64(len(l.events)) > after {
		close(c)
	} else {
		l.waiting = append(l.waiting, c)
	}
	return c
}

func (l *memoryLog) Conversation(_ context.Context, id string) (es []store.Event, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Conversation == id && id != "" {
			es = append(es, e)
		}
	}
	return es, nil
}

func (l *memoryLog) Find(_ context.Context, id string) (store.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.ID == id {
			return e, nil
		}
	}
	return store.Event{}, store.ErrNotFound
}

func newLog(t *testing.T) (*Log, *memoryLog) {
	t.Helper()
	inner := new(memoryLog)
	return NewLog(inner, newRing(t)), inner
}

func TestLogGivesBackWhatItTook(t *testing.T) {
	log, inner := newLog(t)
	ctx := t.Context()
	changed := log.Changed(0)
	other := claimed()
	other.Conversation = "other"
	last, err := log.Append(ctx, received(), note(), other)
	if err != nil || last != 3 {
		t.Fatalf("%d, %v", last, err)
	}
	<-changed
	want := []store.Event{received(), note(), other}
	for i := range want {
		want[i].Seq, want[i].BodyHash = uint64(i+1), inner.events[i].BodyHash
		want[i].Leaf = tree.HashOf(inner.events[i])
		if bytes.Contains(inner.events[i].Body, want[i].Body) && len(want[i].Body) > 0 || inner.events[i].ID == sid {
			t.Errorf("the inner log can read event %d", i)
		}
	}
	got, head, err := log.Read(ctx, store.Position{}, 10)
	if diff := cmp.Diff(want, got); err != nil || head.Seq != 3 || head.Epoch != "birth" || diff != "" {
		t.Errorf("Read: %v, %v (-want +got):\n%s", err, head, diff)
	}
	got, err = log.Conversation(ctx, "k3m5")
	if diff := cmp.Diff(want[:2], got); err != nil || diff != "" {
		t.Errorf("Conversation: %v (-want +got):\n%s", err, diff)
	}
	for _, e := range want {
		found, err := log.Find(ctx, e.ID)
		if diff := cmp.Diff(e, found); err != nil || diff != "" {
			t.Errorf("Find: %v (-want +got):\n%s", err, diff)
		}
	}
	if none, err := log.Conversation(ctx, "unknown"); err != nil || none != nil {
		t.Errorf("an unknown conversation: %v, %v", none, err)
	}
}

func TestKeepReturnsWhatWillBeRead(t *testing.T) {
	log, _ := newLog(t)
	ctx := t.Context()
	if _, err := log.Append(ctx, received()); err != nil {
		t.Fatal(err)
	}
	here, hashed, withheld := note(), received(), received()
	here.At = time.Now()
	hashed.ID, hashed.Body, hashed.BodyHash = "hashed", nil, store.Hash{7}
	withheld.ID, withheld.Withheld = "withheld", true
	kept, err := log.Keep(ctx, here, claimed(), hashed, withheld)
	if err != nil {
		t.Fatal(err)
	}
	read, _, err := log.Read(ctx, store.Position{Seq: 1}, 10)
	if diff := cmp.Diff(read, kept); err != nil || len(kept) != 4 || diff != "" {
		t.Errorf("%d events, %v (-read +kept):\n%s", len(kept), err, diff)
	}
	if kept, err := log.Keep(ctx, note()); !errors.Is(err, store.ErrDuplicate) || kept != nil {
		t.Errorf("a second time: %v, %v", kept, err)
	}
}

func TestLogPassesErrorsThrough(t *testing.T) {
	log, _ := newLog(t)
	ctx := t.Context()
	if _, err := log.Append(ctx, received()); err != nil {
		t.Fatal(err)
	}
	_, err := log.Append(ctx, received())
	var duplicate *store.DuplicateError
	if !errors.As(err, &duplicate) || duplicate.Seq != 1 {
		t.Errorf("Append: %v", err)
	}
	if _, err := log.Find(ctx, "SMunknown"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Find: %v", err)
	}
	if _, _, err := log.Read(ctx, store.Position{Epoch: "other"}, 1); !errors.Is(err, store.ErrEpoch) {
		t.Errorf("Read: %v", err)
	}
}

func TestLogFindsWhatIsForgotten(t *testing.T) {
	log, _ := newLog(t)
	ctx := t.Context()
	if _, err := log.Append(ctx, received()); err != nil {
		t.Fatal(err)
	}
	if err := log.ring.Shred("k3m5", store.Facts, store.Text, store.Numbers); err != nil {
		t.Fatal(err)
	}
	e, err := log.Find(ctx, sid)
	if err != nil || e.ID != sid || !onlyWithheld(e, nil) {
		t.Errorf("%v, %v", e, err)
	}
}

func TestLogRefusesDamage(t *testing.T) {
	log, inner := newLog(t)
	ctx := t.Context()
	if _, err := log.Append(ctx, received(), note()); err != nil {
		t.Fatal(err)
	}
	inner.events[1].Body[40] ^= 1
	if es, _, err := log.Read(ctx, store.Position{}, 10); !isDamaged(err) || es != nil {
		t.Errorf("Read: %v, %v", es, err)
	}
	if es, err := log.Conversation(ctx, "k3m5"); !isDamaged(err) || es != nil {
		t.Errorf("Conversation: %v, %v", es, err)
	}
	if _, err := log.Find(ctx, device); !isDamaged(err) {
		t.Errorf("Find: %v", err)
	}
}
