package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/seal"
	"befree.example/store/search"
)

func eraseOptions() CacheOptions {
	return CacheOptions{
		Owner: "ada", Passphrase: []byte("secret"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1},
		ClassOf: func(k store.Kind) store.Class {
			switch k {
			case "note":
				return store.Notes
			case "forgotten", "notes forgotten":
				return store.Facts
			}
			return store.Text
		},
		Forgets: func(k store.Kind) []store.Class {
			switch k {
			case "forgotten":
				return allClasses
			case "notes forgotten":
				return []store.Class{store.Notes}
			}
			return nil
		},
	}
}

func openErasing(t *testing.T, path string) *Cache {
	t.Helper()
	c, err := OpenCache(path, eraseOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func at(seq, prev uint64, conversation string, kind store.Kind) store.Event {
	e := store.Event{
		Seq: seq, Prev: prev, ID: "SM" + string(rune('a'+seq)), Conversation: conversation, Kind: kind, Actor: "ben",
		At: time.Unix(int64(seq), 0).UTC(), Head: store.Head{Tail: "0147"},
	}
	if kind != "forgotten" && kind != "notes forgotten" {
		e.Body = []byte(`{"text":"tangerine"}`)
	}
	return e
}

// bodies says of a conversation which events can be read.
func bodies(t *testing.T, c *Cache, conversation string) (read []uint64) {
	t.Helper()
	es, err := c.Conversation(conversation)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if len(e.Body) > 0 {
			read = append(read, e.Seq)
		}
	}
	return read
}

// wrapped returns the wrapped key of a class as it lies in the file.
func wrapped(t *testing.T, c *Cache, name string) []byte {
	t.Helper()
	values, err := coveredKeys{c.keys, c.cover}.Load(name)
	if err != nil || values[0] == nil {
		t.Fatal("no such key: ", err)
	}
	return values[0]
}

func hasBytes(t *testing.T, path string, what []byte) bool {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(raw, what)
}

func TestAConsoleForgetsByAnEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	if err := c.Receive(at(1, 0, "c1", "received"), at(2, 0, "c2", "received"), at(3, 1, "c1", "note")); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []store.Kind{"reply", "note"} {
		for _, id := range []string{"c1", "c2"} {
			if _, err := c.Queue(Entry{Conversation: id, Kind: kind, Command: []byte(`"waits"`)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, id := range []string{"c1", "c2"} {
		for _, what := range []string{"", "note"} {
			if err := c.Draft(id, what, "half", time.Unix(7, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	text, notes, other := wrapped(t, c, "c1/text"), wrapped(t, c, "c1/notes"), wrapped(t, c, "c2/text")
	if !hasBytes(t, path, text) || !hasBytes(t, path, notes) {
		t.Fatal("the keys are not in the file")
	}
	if err := c.Receive(at(4, 3, "c1", "notes forgotten")); err != nil {
		t.Fatal(err)
	}
	if got := bodies(t, c, "c1"); !slices.Equal(got, []uint64{1}) {
		t.Fatalf("after the notes were forgotten %v can be read", got)
	}
	// What comes in the same frame as what is forgotten is not lost.
	if err := c.Receive(at(5, 4, "c1", "received"), at(6, 5, "c1", "forgotten"), at(7, 6, "c1", "received"), at(8, 2, "c2", "received")); err != nil {
		t.Fatal(err)
	}
	if got := bodies(t, c, "c1"); !slices.Equal(got, []uint64{7}) {
		t.Fatalf("after all was forgotten %v can be read", got)
	}
	if got := bodies(t, c, "c2"); !slices.Equal(got, []uint64{2, 8}) {
		t.Fatalf("of another conversation %v can be read", got)
	}
	for name, entries := range map[string]func() ([]Entry, error){"outbox": c.Outbox, "drafts": c.Drafts} {
		es, err := entries()
		if err != nil || len(es) != 2 || es[0].Conversation != "c2" || es[1].Conversation != "c2" {
			t.Errorf("%s: %+v, %v", name, es, err)
		}
	}
	if err := c.Compact(); err != nil {
		t.Fatal(err)
	}
	if hasBytes(t, path, text) || hasBytes(t, path, notes) {
		t.Error("a key that was destroyed is in the file")
	}
	if !hasBytes(t, path, other) {
		t.Error("a key that was kept is not")
	}
	if err := c.Receive(at(9, 8, "c2", "received")); err != nil || len(bodies(t, c, "c2")) != 3 {
		t.Fatalf("after the compaction: %v", err)
	}
	c.Close()
	c = openErasing(t, path)
	if upto, err := c.Erased(); err != nil || upto.Seq != 6 {
		t.Fatalf("erased up to %d, %v", upto.Seq, err)
	}
	if err := c.Confirmed(store.Position{Seq: 6}); err != nil {
		t.Fatal(err)
	}
	if upto, err := c.Erased(); err != nil || upto.Seq != 0 {
		t.Fatalf("confirmed, and erased up to %d, %v", upto.Seq, err)
	}
}

// A crash between the event and the destruction of its keys: what has begun is finished before anything is shown.
func TestAnErasureThatWasBegunIsFinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	if err := c.Receive(at(1, 0, "c1", "received")); err != nil {
		t.Fatal(err)
	}
	if err := c.keep([]store.Event{at(2, 1, "c1", "forgotten")}, &store.Position{Seq: 2}); err != nil {
		t.Fatal(err)
	}
	if len(bodies(t, c, "c1")) != 1 {
		t.Fatal("nothing was left to do")
	}
	c.Close()
	if err := os.WriteFile(spare(path), []byte("keys"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = openErasing(t, path)
	if got := bodies(t, c, "c1"); len(got) != 0 {
		t.Fatalf("%v can be read", got)
	}
	if _, err := os.Stat(spare(path)); err == nil {
		t.Fatal("half a copy was left")
	}
	if upto, err := c.Erased(); err != nil || upto.Seq != 2 {
		t.Fatalf("erased up to %d, %v", upto.Seq, err)
	}
}

func TestKeysKnowThatTheyAreStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	k, err := OpenKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	stale := func(want bool) {
		t.Helper()
		if got, err := k.Stale(); err != nil || got != want {
			t.Fatalf("stale %t, %v", got, err)
		}
	}
	if err := k.Save(map[string][]byte{"a": []byte("first-wrapped-key"), "b": []byte("other-wrapped-key")}); err != nil {
		t.Fatal(err)
	}
	stale(false)
	if err := k.Delete("a"); err != nil {
		t.Fatal(err)
	}
	stale(true)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if k, err = OpenKeys(path); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	stale(true)
	if err := k.Compact(); err != nil {
		t.Fatal(err)
	}
	stale(false)
	if hasBytes(t, path, []byte("first-wrapped-key")) || !hasBytes(t, path, []byte("other-wrapped-key")) {
		t.Fatal("the file has the wrong keys")
	}
}

// What is made and destroyed while a file is compacted is so in the new one.
func TestKeysChangeWhileTheyAreCompacted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	k, err := OpenKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if err := k.Save(map[string][]byte{fmt.Sprint("before", i): []byte("value")}); err != nil {
			t.Fatal(err)
		}
	}
	stop, ended := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				ended <- n
				return
			default:
			}
			err := k.Save(map[string][]byte{fmt.Sprint("meanwhile", n): []byte("value")})
			if n < 300 {
				err = errors.Join(err, k.Delete(fmt.Sprint("before", n)))
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	for range 20 {
		if err := k.Compact(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	n := <-ended
	if err := errors.Join(k.Compact(), k.Close()); err != nil {
		t.Fatal(err)
	}
	if k, err = OpenKeys(path); err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for i := range n {
		values, err := k.Load(fmt.Sprint("meanwhile", i), fmt.Sprint("before", i))
		if err != nil || values[0] == nil {
			t.Fatalf("key %d of %d is lost: %v", i, n, err)
		}
		if i < 300 && values[1] != nil {
			t.Fatalf("destroyed key %d is back", i)
		}
	}
	if stale, err := k.Stale(); stale || err != nil {
		t.Fatalf("stale %t, %v", stale, err)
	}
}

// A summary has something of several classes under one key: it goes with each.
func TestASummaryGoesWithAnyClass(t *testing.T) {
	c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
	err := errors.Join(c.Receive(at(1, 0, "c1", "received")), c.Summarize(1, []Summary{{"c1", []byte(`"of c1"`)}}), c.Receive(at(2, 1, "c1", "notes forgotten")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Summaries(func(s Summary) func() {
		if len(s.Body) > 0 {
			t.Errorf("the summary says %s", s.Body)
		}
		return func() {}
	}); err != nil {
		t.Fatal(err)
	}
}

// What was made of events goes with them: the words that are searched, in the file and at hand, and the summary. That is
// so too where a crash came between the event and the destruction of its keys.
func TestForgettingTakesWordsAndSummariesAlong(t *testing.T) {
	for _, crash := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "cache.db")
		o := eraseOptions()
		o.WordsOf = func(e store.Event) []string { return []string{string(e.Body)} }
		c, err := OpenCache(path, o)
		if err != nil {
			t.Fatal(err)
		}
		found := func() (in []string) {
			t.Helper()
			es, err := c.Search(search.Parse("tangerine"), 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range es {
				in = append(in, e.Conversation)
			}
			return in
		}
		sheets := func(conversation string) (n int) {
			t.Helper()
			if err := c.view(func(tx *bbolt.Tx) error {
				for _, class := range allClasses {
					if tx.Bucket(wordsBucket).Get(c.sheetName(bundle{conversation, class}, 0)) != nil {
						n++
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		err = errors.Join(c.Reset("epoch"), c.Receive(at(1, 0, "c1", "received"), at(2, 0, "c2", "received")),
			c.Summarize(2, []Summary{{"c1", []byte(`"of c1"`)}, {"c2", []byte(`"of c2"`)}}))
		if err != nil || len(found()) != 2 || sheets("c1") != 1 || sheets("c2") != 1 {
			t.Fatalf("%v: %v", found(), err)
		}
		if crash {
			if err := c.keep([]store.Event{at(3, 1, "c1", "forgotten")}, &store.Position{Seq: 3}); err != nil {
				t.Fatal(err)
			}
			c.Close()
			c, err = OpenCache(path, o)
		} else {
			err = c.Receive(at(3, 1, "c1", "forgotten"))
		}
		if err != nil {
			t.Fatal(err)
		}
		if in := found(); !slices.Equal(in, []string{"c2"}) {
			t.Errorf("crash %t: found in %v", crash, in)
		}
		if sheets("c1") != 0 || sheets("c2") != 1 {
			t.Errorf("crash %t: %d sheets of what is forgotten, %d of what is not", crash, sheets("c1"), sheets("c2"))
		}
		c.Unprepare()
		if in := found(); !slices.Equal(in, []string{"c2"}) {
			t.Errorf("crash %t: found in %v, made ready again", crash, in)
		}
		summaries := map[string]string{}
		if _, err := c.Summaries(func(s Summary) func() { return func() { summaries[s.Conversation] = string(s.Body) } }); err != nil || summaries["c1"] != "" || summaries["c2"] == "" {
			t.Errorf("crash %t: the summaries are %v, %v", crash, summaries, err)
		}
		c.Close()
	}
}

// A copy that is begun anew has no key of the one before, save where something is written; and that goes too once it is
// known to be forgotten. What was to be confirmed of the other log is not of this one: what is confirmed is all that was
// forgotten before the new copy begins, once that is there.
func TestACopyThatIsBegunAnewForgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	erased := func(want store.Position) {
		t.Helper()
		if upto, err := c.Erased(); err != nil || upto != want {
			t.Fatalf("to be confirmed: %v, %v, not %v", upto, err, want)
		}
	}
	err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first", Seq: 1}))
	if err != nil {
		t.Fatal(err)
	}
	erased(store.Position{Epoch: "first"}) // there was no copy before
	err = errors.Join(c.Receive(at(2, 0, "c1", "received"), at(3, 0, "c2", "received"), at(4, 0, "c3", "received"), at(5, 4, "c3", "forgotten")),
		c.Draft("c2", "", "half", time.Unix(7, 0)), c.Draft("c4", "", "half", time.Unix(7, 0)))
	if err != nil {
		t.Fatal(err)
	}
	erased(store.Position{Epoch: "first", Seq: 5})
	copied, written := wrapped(t, c, "c1/text"), wrapped(t, c, "c2/text")
	if err := errors.Join(c.Reset("second"), c.Compact()); err != nil {
		t.Fatal(err)
	}
	if hasBytes(t, path, copied) || !hasBytes(t, path, written) {
		t.Error("the file has the wrong keys")
	}
	if ids, err := c.Written(); err != nil || !slices.Equal(ids, []string{"c2", "c4"}) {
		t.Errorf("something is written in %v, %v", ids, err)
	}
	erased(store.Position{Epoch: "second"})
	if err := c.Fill(at(3, 0, "c2", "received"), at(6, 3, "c2", "forgotten")); err != nil {
		t.Fatal(err)
	}
	erased(store.Position{Epoch: "second"}) // what else was forgotten is not known yet
	c.Close()
	c = openErasing(t, path)
	if err := errors.Join(c.Follow(store.Position{Epoch: "second", Seq: 8}), c.Compact()); err != nil {
		t.Fatal(err)
	}
	erased(store.Position{Epoch: "second", Seq: 8})
	if hasBytes(t, path, written) {
		t.Error("a key that was destroyed is in the file")
	}
	if drafts, err := c.Drafts(); err != nil || len(drafts) != 1 || drafts[0].Conversation != "c4" || len(drafts[0].Command) == 0 {
		t.Errorf("the drafts: %v, %v", drafts, err)
	}
	if err := c.Confirmed(store.Position{Epoch: "first", Seq: 9}); err != nil {
		t.Fatal(err)
	}
	erased(store.Position{Epoch: "second", Seq: 8})
	if err := c.Confirmed(store.Position{Epoch: "second", Seq: 8}); err != nil {
		t.Fatal(err)
	}
	erased(store.Position{Epoch: "second"})
}

// A copy that is begun anew shows what was forgotten by class while the console was away: what was written before goes,
// though the texter has written since. What was written after a forgetting that the dropped copy knew stays, unless nothing
// of the texter's is left after it.
func TestACopyThatIsBegunAnewForgetsByClass(t *testing.T) {
	again := at(5, 4, "c1", "text")
	again.Actor = store.Texter
	for name, test := range map[string]struct {
		known, goesOn bool
		left          int
	}{
		"while it was away": {left: 0}, "while it was away, and it goes on": {goesOn: true, left: 0},
		"before, and it goes on": {known: true, goesOn: true, left: 1}, "before, and what came after is lost": {known: true, left: 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cache.db")
			c := openErasing(t, path)
			all := []store.Event{at(1, 0, "c1", "text"), at(2, 1, "c1", "note"), at(3, 2, "c1", "closed"), at(4, 3, "c1", "notes forgotten"), again}
			had, filled := all[:3], all
			if test.known {
				had = all
			}
			if !test.goesOn {
				filled = all[:4]
			}
			err := errors.Join(c.Reset("first"), c.Follow(store.Position{Epoch: "first"}), c.Receive(had...))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Queue(Entry{Conversation: "c1", Kind: "note", Command: []byte(`"waits"`)}); err != nil {
				t.Fatal(err)
			}
			key := wrapped(t, c, "c1/notes")
			if err := errors.Join(c.Reset("second"), c.Reset("second")); err != nil { // the connection broke off between
				t.Fatal(err)
			}
			c.Close()
			c = openErasing(t, path)
			if err := errors.Join(c.Fill(filled...), c.Follow(store.Position{Epoch: "second", Seq: 6}), c.Compact()); err != nil {
				t.Fatal(err)
			}
			if es, err := c.Outbox(); err != nil || len(es) != test.left {
				t.Errorf("%d wait, %v", len(es), err)
			}
			if hasBytes(t, path, key) != (test.left > 0) {
				t.Error("the file has the wrong keys")
			}
		})
	}
}
