package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/seal"
)

func cacheOptions(passphrase string) bolt.CacheOptions {
	return bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte(passphrase), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1},
		ClassOf: func(k store.Kind) store.Class {
			if k == "note" {
				return store.Notes
			}
			return store.Text
		},
	}
}

func openCache(t testing.TB, path string) *bolt.Cache {
	t.Helper()
	c, err := bolt.OpenCache(path, cacheOptions("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func heard(seq, prev uint64, conversation string) store.Event {
	return store.Event{
		Seq: seq, Prev: prev, ID: "SM" + strings.Repeat("x", int(seq)), Conversation: conversation, Kind: "received",
		Actor: store.Texter, At: time.Unix(int64(seq), 0).UTC(), Body: []byte(`{"text":"tangerine"}`), BodyHash: store.Hash{1},
	}
}

func TestCacheKeepsWhatFollowsAndNoHole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openCache(t, path)
	if err := c.Reset("epoch"); err != nil {
		t.Fatal(err)
	}
	a, b := heard(1, 0, "c1"), heard(2, 0, "c2")
	third := heard(3, 1, "c1")
	if err := c.Receive(a, third); !errors.Is(err, bolt.ErrHole) || c.Position().Seq != 0 {
		t.Fatalf("a hole: %v, position %d", err, c.Position().Seq)
	}
	for range 2 { // what came already is passed over
		if err := c.Receive(a, b, third); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = openCache(t, path)
	defer c.Close()
	if got := c.Position(); got != (store.Position{Epoch: "epoch", Seq: 3}) {
		t.Fatalf("position %+v", got)
	}
	got, err := c.Conversation("c1")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]store.Event{a, third}, got); d != "" {
		t.Fatalf("conversation (-want +got):\n%s", d)
	}
}

func TestCacheFillPutsWordsInThePlaceOfNone(t *testing.T) {
	c := openCache(t, filepath.Join(t.TempDir(), "cache.db"))
	defer c.Close()
	bare := heard(1, 0, "c1")
	bare.Body, bare.Withheld = nil, true
	whole := heard(1, 0, "c1")
	for _, put := range []func() error{
		func() error { return c.Receive(bare, heard(2, 1, "c1")) },
		func() error { return c.Fill(whole) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Conversation("c1")
	if err != nil || len(got) != 2 || !bytes.Equal(got[0].Body, whole.Body) || got[0].Withheld {
		t.Fatalf("%d events, %v", len(got), err)
	}
	if c.Position().Seq != 2 {
		t.Fatal("filling moved the position")
	}
}

func TestCacheOutbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openCache(t, path)
	var ids []string
	for _, text := range []string{`"one"`, `"two"`, `"three"`} {
		id, err := c.Queue(bolt.Entry{Conversation: "c1", Kind: "note", At: time.Unix(1, 0).UTC(), Command: []byte(text)})
		if err != nil || !store.IsDeviceID(id) {
			t.Fatalf("ID %q, %v", id, err)
		}
		ids = append(ids, id)
	}
	done := heard(1, 0, "c1")
	done.ID = ids[0]
	if err := c.Receive(done); err != nil {
		t.Fatal(err)
	}
	entries, err := c.Outbox()
	if err != nil || len(entries) != 2 || entries[0].ID != ids[1] {
		t.Fatalf("after its event came the command still waits: %v, %v", entries, err)
	}
	if err := c.Refuse(entries[0], "because"); err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(ids[2]); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = openCache(t, path)
	defer c.Close()
	entries, err = c.Outbox()
	if err != nil || len(entries) != 1 || entries[0].Refused != "because" || string(entries[0].Command) != `"two"` || entries[0].Kind != "note" {
		t.Fatalf("%+v, %v", entries, err)
	}
	if id, err := c.Queue(bolt.Entry{Conversation: "c1", Kind: "note", Command: []byte(`"four"`)}); err != nil || id <= ids[2] {
		t.Fatalf("a number was given twice: %q after %q, %v", id, ids[2], err)
	}
}

func TestCacheIsShutToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openCache(t, path)
	if _, err := bolt.OpenCache(path, cacheOptions("secret")); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("opened twice: %v", err)
	}
	for _, do := range []func() error{
		func() error { return c.Receive(heard(1, 0, "c1")) },
		func() error { return c.Draft("c1", "", "tangerine draft", time.Unix(1, 0)) },
		func() error {
			_, err := c.Queue(bolt.Entry{Conversation: "c1", Kind: "note", Command: []byte(`"tangerine note"`)})
			return err
		},
		c.Close,
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bolt.OpenCache(path, cacheOptions("wrong")); !errors.Is(err, seal.ErrPassphrase) {
		t.Fatalf("a wrong passphrase: %v", err)
	}
	other := cacheOptions("secret")
	other.Owner = "ben"
	if _, err := bolt.OpenCache(path, other); !errors.Is(err, bolt.ErrOwner) {
		t.Fatalf("another's cache: %v", err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"tangerine", "SMx", "secret"} {
		if bytes.Contains(raw, []byte(word)) {
			t.Errorf("the file holds %q", word)
		}
	}
}

func TestCacheDrafts(t *testing.T) {
	c := openCache(t, filepath.Join(t.TempDir(), "cache.db"))
	defer c.Close()
	for _, text := range []string{"half", "half a thought"} {
		if err := c.Draft("c1", "", text, time.Unix(7, 0).UTC()); err != nil {
			t.Fatal(err)
		}
	}
	drafts, err := c.Drafts()
	if err != nil || len(drafts) != 1 || string(drafts[0].Command) != `"half a thought"` || drafts[0].At != time.Unix(7, 0).UTC() {
		t.Fatalf("%+v, %v", drafts, err)
	}
	if err := c.Draft("c1", "", "", time.Unix(8, 0)); err != nil {
		t.Fatal(err)
	}
	if drafts, err = c.Drafts(); err != nil || len(drafts) != 0 {
		t.Fatalf("%+v, %v", drafts, err)
	}
}

// A reply takes the draft that it was with it, and neither what was written after it nor another's.
func TestQueueTakesItsDraft(t *testing.T) {
	for _, test := range []struct {
		name    string
		drafted bool
		saved   int64
		left    int
	}{
		{"a reply takes its draft", true, 7, 1},
		{"a note takes none", false, 7, 2},
		{"a newer draft stays", true, 9, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := openCache(t, filepath.Join(t.TempDir(), "cache.db"))
			defer c.Close()
			for _, conversation := range []string{"c1", "c2"} {
				if err := c.Draft(conversation, "", "words", time.Unix(test.saved, 0)); err != nil {
					t.Fatal(err)
				}
			}
			_, err := c.Queue(bolt.Entry{Conversation: "c1", Kind: "reply queued", At: time.Unix(8, 0), Command: []byte(`{}`), Drafted: test.drafted})
			if err != nil {
				t.Fatal(err)
			}
			drafts, err := c.Drafts()
			if err != nil || len(drafts) != test.left || drafts[len(drafts)-1].Conversation != "c2" {
				t.Errorf("%d drafts are left, %v, want %d", len(drafts), err, test.left)
			}
		})
	}
}

// A draft of an earlier process goes with its reply, also where the clock was set back between the two.
func TestQueueTakesItsDraftThoughTheClockWasSetBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openCache(t, path)
	now := time.Now()
	if err := errors.Join(c.Draft("c", "", "I am here", now.Add(time.Hour)), c.Close()); err != nil {
		t.Fatal(err)
	}
	c = openCache(t, path)
	defer c.Close()
	if drafts, err := c.Drafts(); err != nil || len(drafts) != 1 {
		t.Fatalf("%d drafts, %v", len(drafts), err)
	}
	if _, err := c.Queue(bolt.Entry{Conversation: "c", Kind: "reply queued", At: now, Command: []byte(`{}`), Drafted: true}); err != nil {
		t.Fatal(err)
	}
	if drafts, err := c.Drafts(); err != nil || len(drafts) != 0 {
		t.Errorf("%d drafts are left, %v", len(drafts), err)
	}
}

// A save that was under way while its words were sent, or while newer ones were saved, changes nothing.
func TestDraftsDoNotOvertake(t *testing.T) {
	c := openCache(t, filepath.Join(t.TempDir(), "cache.db"))
	defer c.Close()
	at := func(n int64) time.Time { return time.Unix(n, 0) }
	draft := func(what, words string, n int64) {
		t.Helper()
		if err := c.Draft("c", what, words, at(n)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(want ...string) {
		t.Helper()
		es, err := c.Drafts()
		var got []string
		for _, e := range es {
			got = append(got, string(e.Command))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if _, err := c.Queue(bolt.Entry{Conversation: "c", Kind: "reply queued", At: at(8), Command: []byte(`{}`), Drafted: true}); err != nil {
		t.Fatal(err)
	}
	draft("", "sent", 7)
	draft("", "sent", 8)
	want()
	draft("note", "a note is no reply", 7)
	want(`"a note is no reply"`)
	draft("note", "", 7)
	draft("", "the next", 10)
	draft("", "the ne", 9)
	draft("", "", 9)
	want(`"the next"`)
	draft("", "", 10)
	want()
}

// Whatever pieces come in whatever order, the cache has each event up to its position once, and none beyond.
func TestCacheNeverSkips(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		c, err := bolt.OpenCache(path, cacheOptions("secret"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			c.Close()
			os.Remove(path)
		}()
		for range rapid.IntRange(1, 6).Draw(t, "pieces") {
			from := rapid.Uint64Range(1, 20).Draw(t, "from")
			var piece []store.Event
			for seq := from; seq < from+rapid.Uint64Range(1, 6).Draw(t, "long"); seq++ {
				piece = append(piece, heard(seq, seq-1, "c1"))
			}
			was := c.Position().Seq
			err := c.Receive(piece...)
			if hole := from > was+1; hole != errors.Is(err, bolt.ErrHole) {
				t.Fatalf("from %d at %d: %v", from, was, err)
			}
			var seqs []uint64
			if err := c.Each(func(e store.Event) { seqs = append(seqs, e.Seq) }); err != nil {
				t.Fatal(err)
			}
			if uint64(len(seqs)) != c.Position().Seq {
				t.Fatalf("%d events at position %d", len(seqs), c.Position().Seq)
			}
		}
	})
}
