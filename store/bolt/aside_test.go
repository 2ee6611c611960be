package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
)

// monday is when things are set aside.
var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// setAside has c begin anew, and what it had set aside for a month.
func setAside(t *testing.T, c *Cache, epoch string) {
	t.Helper()
	if err := c.SetAside(epoch, monday, monday.AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	}
}

// outline is an event as it is kept of somebody else's conversation.
func outline(seq, prev uint64, conversation string, kind store.Kind) store.Event {
	e := at(seq, prev, conversation, kind)
	e.Body, e.Withheld = nil, true
	return e
}

// asides says which events that are set aside can be read.
func asides(t *testing.T, c *Cache) (read []uint64) {
	t.Helper()
	if err := c.EachAside(monday, func(e store.Event) {
		if len(e.Body) > 0 {
			read = append(read, e.Seq)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return read
}

// What was copied of conversations of which words are here can be read after the copy was begun anew, and nothing else of
// it; what is forgotten from then on, in the snapshot or after it, goes in both.
func TestWhatIsSetAsideIsForgottenToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}), c.Receive(
		at(1, 0, "c1", "received"), outline(2, 0, "c2", "received"), at(3, 0, "c3", "received"), at(4, 1, "c1", "note"),
		at(5, 0, "c5", "received"), at(6, 0, "", "audit"),
	), c.Draft("c4", "", "half", time.Unix(7, 0)))
	if err != nil {
		t.Fatal(err)
	}
	other, here, later := wrapped(t, c, "c2/facts"), wrapped(t, c, "c1/text"), wrapped(t, c, "c3/text")
	setAside(t, c, "second")
	if got := asides(t, c); !slices.Equal(got, []uint64{1, 3, 4, 5}) {
		t.Errorf("%v can be read of what was set aside", got)
	}
	a, err := c.Aside()
	if err != nil || a.Of != (store.Position{Epoch: "first", Seq: 6}) || !a.At.Equal(monday) || !slices.Equal(a.Conversations, []string{"c1", "c3", "c5"}) {
		t.Errorf("set aside: %+v, %v", a, err)
	}
	if p := c.Position(); p != (store.Position{Epoch: "second"}) {
		t.Errorf("the copy goes on at %v", p)
	}
	if es, err := c.Conversation("c1"); err != nil || len(es) > 0 {
		t.Errorf("the new copy has %d events, %v", len(es), err)
	}
	if ids, err := c.Written(); err != nil || !slices.Equal(ids, []string{"c1", "c3", "c4", "c5"}) {
		t.Errorf("the relay is asked about %v, %v", ids, err)
	}
	if err := c.Reset("second"); err != nil { // the connection broke off before the snapshot was there
		t.Fatal(err)
	}
	c.Close()
	c = openErasing(t, path)
	if err := errors.Join(c.Fill(at(1, 0, "c1", "received"), at(2, 1, "c1", "forgotten")), c.Follow(store.Position{Epoch: "second", Seq: 7})); err != nil {
		t.Fatal(err)
	}
	if got := asides(t, c); !slices.Equal(got, []uint64{3, 5}) {
		t.Errorf("after the snapshot %v can be read", got)
	}
	if err := errors.Join(c.Receive(at(8, 0, "c3", "forgotten")), c.Compact()); err != nil {
		t.Fatal(err)
	}
	if got := asides(t, c); !slices.Equal(got, []uint64{5}) {
		t.Errorf("after the event %v can be read", got)
	}
	for name, key := range map[string][]byte{"somebody else's": other, "of the snapshot": here, "of the event": later} {
		if hasBytes(t, path, key) {
			t.Errorf("a key is in the file: %s", name)
		}
	}
}

// What had been forgotten before does not take along what came after it, where the texter has written again.
func TestWhatIsSetAsideOutlastsAnOlderForgetting(t *testing.T) {
	again := at(4, 3, "c1", "received")
	again.Actor = store.Texter
	all := []store.Event{at(1, 0, "c1", "received"), at(2, 1, "c1", "note"), at(3, 2, "c1", "notes forgotten"), again, at(5, 4, "c1", "note")}
	for known, want := range map[bool][]uint64{true: {1, 4, 5}, false: {1}} {
		c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
		had := all
		if !known {
			had = all[:2]
		}
		if err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}), c.Receive(had...)); err != nil {
			t.Fatal(err)
		}
		setAside(t, c, "second")
		if err := c.Follow(store.Position{Epoch: "second", Seq: 1}); err != nil { // with nothing of it
			t.Fatal(err)
		}
		setAside(t, c, "third")
		if err := c.Fill(all[:4]...); err != nil {
			t.Fatal(err)
		}
		if got := asides(t, c); !slices.Equal(got, want) {
			t.Errorf("known %t: %v can be read", known, got)
		}
	}
}

// Of the copies that are set aside the first and the newest stay, and of the others the fullest; the keys of what goes go
// too, save where they are needed.
func TestAFewCopiesAreSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	begin := func(epoch string, es ...store.Event) {
		t.Helper()
		setAside(t, c, epoch)
		if err := errors.Join(c.Follow(store.Position{Epoch: epoch}), c.Receive(es...)); err != nil {
			t.Fatal(err)
		}
	}
	begin("first", at(1, 0, "c1", "received"), at(2, 0, "c2", "received"), at(3, 0, "c3", "received"))
	begin("second", at(1, 0, "c4", "received"), at(2, 0, "c5", "received"))
	begin("third", at(1, 0, "c1", "received"), at(2, 0, "c6", "received"))
	key, few := wrapped(t, c, "c1/text"), wrapped(t, c, "c6/text")
	begin("fourth", at(1, 0, "c7", "received"), at(2, 0, "c8", "received"), at(3, 0, "c9", "received"))
	begin("fifth", at(1, 0, "c2", "received"))
	if got := asides(t, c); !slices.Equal(got, []uint64{1, 2, 3, 1, 2, 1, 2, 1, 2, 3}) {
		t.Fatalf("of four can be read %v", got)
	}
	setAside(t, c, "sixth")
	if err := c.Compact(); err != nil {
		t.Fatal(err)
	}
	c.Close()
	c = openErasing(t, path)
	a, err := c.Aside()
	if err != nil || a.Of.Epoch != "fifth" || !slices.Equal(asides(t, c), []uint64{1, 2, 3, 1, 2, 1, 2, 3, 1}) {
		t.Errorf("set aside: %+v, %v", a, err)
	}
	if ids, err := c.Written(); err != nil || !slices.Equal(ids, []string{"c1", "c2", "c3", "c4", "c5", "c7", "c8", "c9"}) {
		t.Errorf("the relay is asked about %v, %v", ids, err)
	}
	if hasBytes(t, path, few) || !hasBytes(t, path, key) {
		t.Error("the file has the wrong keys")
	}
	for n := range uint64(10) { // a relay whose log is another one at each connection
		begin(fmt.Sprint("again", n), at(1, 0, "d", "received"))
	}
	if got := asides(t, c); !slices.Equal(got, []uint64{1, 2, 3, 1, 2, 1, 2, 3, 1}) {
		t.Errorf("after ten more can be read %v", got)
	}
}

// Each copy ends at its own time, and the keys that the later ones need stay.
func TestEachCopyEndsAtItsTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	if err := errors.Join(c.Reset("first"), c.Receive(at(1, 0, "c1", "received"), at(2, 0, "c2", "received"))); err != nil {
		t.Fatal(err)
	}
	setAside(t, c, "second")
	alone, both := wrapped(t, c, "c1/text"), wrapped(t, c, "c2/text")
	over := monday.AddDate(0, 1, 0)
	if err := errors.Join(c.Receive(at(1, 0, "c2", "received")), c.SetAside("third", monday, over.AddDate(0, 0, 3))); err != nil {
		t.Fatal(err)
	}
	if a, err := c.Aside(); err != nil || !a.Ends().Equal(over) {
		t.Errorf("the first ends at %v, %v", a.Ends(), err)
	}
	read := 0
	if err := c.EachAside(over, func(store.Event) { read++ }); err != nil || read != 1 {
		t.Errorf("then %d events can be read, %v", read, err)
	}
	if err := errors.Join(c.EndAside(over), c.Compact()); err != nil {
		t.Fatal(err)
	}
	if got := asides(t, c); !slices.Equal(got, []uint64{1}) || hasBytes(t, path, alone) || !hasBytes(t, path, both) {
		t.Errorf("%v can be read, or the file has the wrong keys", got)
	}
	if err := c.EndAside(over.AddDate(0, 0, 3)); err != nil || len(asides(t, c)) > 0 {
		t.Errorf("at its end: %v, %v", asides(t, c), err)
	}
}

// However often a connection breaks off before the snapshot is there, what had been forgotten is noted once.
func TestWhatWasForgottenIsNotedOnce(t *testing.T) {
	c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
	again := at(4, 3, "c1", "received")
	again.Actor = store.Texter
	err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}),
		c.Receive(at(1, 0, "c1", "received"), at(2, 1, "c1", "note"), at(3, 2, "c1", "notes forgotten"), again))
	if err != nil {
		t.Fatal(err)
	}
	setAside(t, c, "second")
	for range 3 {
		if err := c.Reset("second"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.view(func(tx *bbolt.Tx) error {
		all, err := c.readErasing(tx)
		if len(all.Known) != 1 {
			t.Errorf("noted are %q", all.Known)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Of more conversations than may be set aside, those stay in which something happened last.
func TestTheNewestAreSetAside(t *testing.T) {
	c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
	if err := c.Receive(at(1, 0, "c1", "received"), at(2, 0, "c2", "received"), at(3, 0, "c3", "received"), outline(4, 1, "c1", "received")); err != nil {
		t.Fatal(err)
	}
	seqs, err := c.withWords(2)
	if err != nil || len(seqs) != 2 || !slices.Equal(seqs["c1"], []uint64{1, 4}) || !slices.Equal(seqs["c3"], []uint64{3}) {
		t.Errorf("set aside would be %v, %v", seqs, err)
	}
}

// A crash once the copy was set aside, and before keys were destroyed, leaves none of those that were to go.
func TestSettingAsideOutlivesACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	if err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}), c.Receive(at(1, 0, "c1", "received"), outline(2, 0, "c2", "received"))); err != nil {
		t.Fatal(err)
	}
	other := wrapped(t, c, "c2/facts")
	seqs, err := c.withWords(asideMost)
	if err := errors.Join(err, c.resetAside("second", Aside{Until: monday.AddDate(0, 1, 0), Conversations: []string{"c1"}}, seqs)); err != nil {
		t.Fatal(err)
	}
	if err := c.Compact(); err != nil || !hasBytes(t, path, other) {
		t.Errorf("a key was destroyed before the copy was set aside for good: %v", err)
	}
	c.Close()
	c = openErasing(t, path)
	if err := c.Compact(); err != nil || hasBytes(t, path, other) {
		t.Errorf("a key is in the file: %v", err)
	}
	if got := asides(t, c); !slices.Equal(got, []uint64{1}) {
		t.Errorf("%v can be read", got)
	}
}

// When its time is over what was set aside is gone, and the keys that nothing else needs are in no file.
func TestWhatIsSetAsideEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}),
		c.Receive(at(1, 0, "c1", "received"), at(2, 0, "c2", "received"), at(3, 0, "c3", "received")), c.Draft("c2", "", "half", time.Unix(7, 0)))
	if err != nil {
		t.Fatal(err)
	}
	alone, written, live := wrapped(t, c, "c1/text"), wrapped(t, c, "c2/text"), wrapped(t, c, "c3/text")
	setAside(t, c, "second")
	if err := errors.Join(c.Fill(at(1, 0, "c3", "received")), c.Follow(store.Position{Epoch: "second", Seq: 1}), c.Compact()); err != nil {
		t.Fatal(err)
	}
	over := monday.AddDate(0, 1, 0)
	if err := c.EndAside(over.Add(-time.Second)); err != nil || len(asides(t, c)) != 3 {
		t.Fatalf("a second before its time: %v, %v", asides(t, c), err)
	}
	if err := errors.Join(c.EndAside(over), c.Compact()); err != nil {
		t.Fatal(err)
	}
	a, err := c.Aside()
	if err != nil || !a.Until.IsZero() || len(asides(t, c)) > 0 {
		t.Errorf("after its time: %+v, %v, %v", a, asides(t, c), err)
	}
	if hasBytes(t, path, alone) || !hasBytes(t, path, written) || !hasBytes(t, path, live) {
		t.Error("the file has the wrong keys")
	}
	if drafts, err := c.Drafts(); err != nil || len(drafts) != 1 || len(bodies(t, c, "c3")) != 1 {
		t.Errorf("%d drafts, %v", len(drafts), err)
	}
}
