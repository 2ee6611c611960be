package client_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// setAside is a cache that has begun anew, after a log in which ada held two conversations, one of them closed.
func setAside(t *testing.T, until time.Time) *bolt.Cache {
	t.Helper()
	cache := searchable(t, filepath.Join(t.TempDir(), "cache.db"))
	t.Cleanup(func() { cache.Close() })
	more := text(5, 0, "plum")
	more.Conversation, more.ID = "d", "SMplum"
	err := errors.Join(cache.Reset("an older one"), cache.Receive(
		text(1, 0, "tangerine"), event(2, 1, desk.Claimed, "ada", ""), event(3, 2, desk.NoteAdded, "ada", `{"text":"cherry"}`),
		event(4, 3, desk.Closed, "ada", `{"disposition":"ok"}`), more,
	), cache.SetAside(epoch, time.Now(), until))
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// What was set aside is read as it was, and nothing is written or asked for in it.
func TestWhatWasSetAsideIsRead(t *testing.T) {
	cache := setAside(t, time.Now().Add(time.Hour))
	if err := errors.Join(cache.Follow(store.Position{Epoch: epoch, Seq: 1}), cache.Draft("d", "", "half", time.Now())); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Cache: cache, Aside: true})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := c.Whole("c")
	if err != nil || whole == nil || len(whole.Messages) != 1 || whole.Messages[0].Text != "tangerine" || len(whole.Notes) != 1 {
		t.Errorf("the closed one is %+v, %v", whole, err)
	}
	open, err := c.Conversation("d")
	if err != nil || open == nil || open.Newest().Text != "plum" {
		t.Errorf("the open one is %+v, %v", open, err)
	}
	outbox, err := c.Outbox()
	drafts, err2 := c.Drafts()
	if err != nil || err2 != nil || len(outbox)+len(drafts) > 0 {
		t.Errorf("%d wait, %d drafts; %v, %v", len(outbox), len(drafts), err, err2)
	}
	_, note := c.Do(t.Context(), desk.Command{Kind: desk.NoteAdded, Conversation: "d", Body: []byte(`{"text":"late"}`)})
	_, search := c.Search(t.Context(), "plum")
	for what, err := range map[string]error{"a note": note, "a search": search, "a draft": c.Draft("d", "note", "late", time.Now())} {
		if !errors.Is(err, &desk.Refusal{Code: desk.CodeForbidden}) {
			t.Errorf("%s: %v", what, err)
		}
	}
	outbox, err = cache.Outbox()
	drafts, err2 = cache.Drafts()
	if err != nil || err2 != nil || len(outbox) > 0 || len(drafts) != 1 {
		t.Errorf("in the cache %d wait, %d drafts; %v, %v", len(outbox), len(drafts), err, err2)
	}
	if c := alone(t, cache); of(c) != nil {
		t.Error("the console shows what was set aside")
	}
}

// Where a log became another one twice, what was here of both is read: what both have is there once.
func TestWhatWasSetAsideTwiceIsReadAsOne(t *testing.T) {
	until := time.Now().Add(time.Hour)
	cache := setAside(t, until)
	later := event(3, 2, desk.NoteAdded, "ada", `{"text":"apricot"}`)
	later.ID = "later"
	err := errors.Join(cache.Follow(store.Position{Epoch: epoch}),
		cache.Receive(text(1, 0, "tangerine"), event(2, 1, desk.Claimed, "ada", ""), later), cache.SetAside("a third one", time.Now(), until))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Cache: cache, Aside: true})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := c.Whole("c")
	if err != nil || whole == nil || len(whole.Messages) != 1 || len(whole.Notes) != 2 {
		t.Fatalf("it is %+v, %v", whole, err)
	}
	if n := whole.Notes; n[0].Text != "cherry" || n[1].Text != "apricot" || n[1].Seq <= n[0].Seq {
		t.Errorf("its notes are %+v, %+v", *n[0], *n[1])
	}
	if other, err := c.Conversation("d"); err != nil || other == nil {
		t.Errorf("what the first alone has is %v, %v", other, err)
	}
}

// What is forgotten since, or whose time is over, is not shown.
func TestWhatWasSetAsideIsShownNoMore(t *testing.T) {
	cache := setAside(t, time.Now().Add(time.Hour))
	if err := errors.Join(cache.Follow(store.Position{Epoch: epoch}), cache.Receive(event(1, 0, desk.Forgotten, store.Clock, ""))); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Cache: cache, Aside: true})
	if err != nil {
		t.Fatal(err)
	}
	if of(c) != nil {
		t.Error("what is forgotten is shown")
	}
	if other, err := c.Conversation("d"); err != nil || other == nil {
		t.Errorf("what is not forgotten is %v, %v", other, err)
	}
	if whole, err := c.Whole("c"); err != nil || whole != nil {
		t.Errorf("what is forgotten can be opened, %v", err)
	}
	for what, cache := range map[string]*bolt.Cache{"over": setAside(t, time.Now().Add(-time.Second)), "never there": searchable(t, filepath.Join(t.TempDir(), "cache.db"))} {
		if _, err := client.New(client.Config{Cache: cache, Aside: true}); !errors.Is(err, client.ErrNoAside) {
			t.Errorf("%s: %v", what, err)
		}
		cache.Close()
	}
}
