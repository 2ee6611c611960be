package client_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/search"
)

func searchable(t *testing.T, path string) *bolt.Cache {
	t.Helper()
	cache, err := bolt.OpenCache(path, bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("test"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1},
		ClassOf: desk.ClassOf, WordsOf: desk.Words, Forgets: desk.Forgets,
	})
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func alone(t *testing.T, cache *bolt.Cache) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func lines(t *testing.T, c *client.Client, words string) string {
	t.Helper()
	found, err := c.Search(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		all = append(all, f.Line.Reveal())
	}
	return strings.Join(all, "; ")
}

// Without a network what is on the disk is found, and what waits to go out; and each search waits to be told.
func TestSearchWithoutANetwork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	cache := searchable(t, path)
	if err := cache.Receive(text(1, 0, "in the motel"), event(2, 1, desk.Claimed, "ada", ""), text(3, 2, "MOTEL nine")); err != nil {
		t.Fatal(err)
	}
	c := alone(t, cache)
	if _, err := c.Do(t.Context(), desk.Command{Kind: desk.NoteAdded, Conversation: "c", Body: []byte(`{"text":"ask about the Motel"}`)}); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, c, "mótel"); got != "ask about the Motel; MOTEL nine; in the motel" {
		t.Errorf("found %q", got)
	}
	if err := cache.Receive(event(4, 3, desk.TextForgotten, store.Clock, "")); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, c, "motel"); got != "ask about the Motel" {
		t.Errorf("after the texts are forgotten: %q", got)
	}
	for _, words := range []string{"", " ?! ", strings.Repeat("a", desk.MaxWords+1)} {
		if _, err := c.Search(t.Context(), words); !errors.Is(err, client.ErrNothingToSearch) {
			t.Errorf("%q: %v", words, err)
		}
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	cache = searchable(t, path)
	defer cache.Close()
	outbox, err := cache.Outbox()
	if err != nil || len(outbox) != 3 || outbox[1].Kind != desk.Searched || outbox[2].Kind != desk.Searched {
		t.Fatalf("%d wait: %v", len(outbox), err)
	}
	c = alone(t, cache)
	if got := lines(t, c, "nine"); got != "" {
		t.Errorf("what was forgotten is found after a start: %q", got)
	}
}

// Nobody finds anything without its being kept that they looked.
func TestNoSearchUntold(t *testing.T) {
	cache := searchable(t, filepath.Join(t.TempDir(), "cache.db"))
	if err := cache.Receive(text(1, 0, "in the motel")); err != nil {
		t.Fatal(err)
	}
	c := alone(t, cache)
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Search(t.Context(), "motel"); err == nil || len(found) > 0 {
		t.Fatalf("%d found, %v", len(found), err)
	}
}

// A search that an earlier process made is told as soon as there is a relay, and one that a relay does not know ends; what
// may be read for now alone is found, and never lies among the words on the disk.
func TestSearchIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	cache := searchable(t, path)
	c := alone(t, cache)
	lines(t, c, "of last week")
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	heard := make(chan *desk.Command, 2)
	url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 1, text(1, 0, "in the motel"))
		first := hear().Command
		say(wire.Frame{Ack: &wire.Ack{ID: first.ID, Seq: 2}})
		heard <- first
		second := hear().Command
		say(wire.Frame{Refused: &wire.Refused{ID: second.ID, Code: desk.CodeBad, Text: "no"}})
		heard <- second
		hear()
	}})
	cache = searchable(t, path)
	t.Cleanup(func() { cache.Close() })
	if err := client.Know(cache, "relay"); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{URL: url, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	follow(t, c)
	told := func(want string) {
		t.Helper()
		select {
		case command := <-heard:
			var b desk.Search
			if command == nil || command.Kind != desk.Searched || command.Conversation != "" || json.Unmarshal(command.Body, &b) != nil || b.Words.Reveal() != want {
				t.Fatalf("the relay heard of %+v", command)
			}
		case <-time.After(patience):
			t.Fatal("the relay heard nothing")
		}
	}
	told("of last week")
	until(t, c, "the text", func() bool { return of(c) != nil })
	if got := lines(t, c, "motel"); got != "in the motel" {
		t.Errorf("found %q", got)
	}
	told("motel")
	until(t, c, "an empty outbox", func() bool {
		outbox, err := cache.Outbox()
		return err == nil && len(outbox) == 0
	})
	if es, err := cache.Search(search.Parse("motel"), 10); err != nil || len(es) > 0 {
		t.Errorf("words for now alone lie on the disk: %v, %v", es, err)
	}
}
