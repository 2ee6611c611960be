package client_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// The relay may have sent words by another way than the event that forgets them: nothing of what comes late is kept, and
// what is said of it afterwards is.
func TestWordsThatComeAfterTheyAreForgotten(t *testing.T) {
	for kind, left := range map[store.Kind]int{desk.Forgotten: 0, desk.TextForgotten: 1} { // the note
		confirmed := make(chan uint64, 1)
		url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
			hear()
			one, claimed := text(1, 0, "tangerine"), event(2, 1, desk.Claimed, "ada", "")
			note, closed := event(3, 2, desk.NoteAdded, "ada", `{"text":"plum"}`), event(4, 3, desk.Closed, "ada", `{"disposition":"ok"}`)
			forgotten := event(5, 4, kind, store.Clock, "")
			snapshot(say, 1, one)
			say(wire.Frame{Events: &wire.Events{Events: []store.Event{claimed, note, closed, forgotten}, Head: 5}})
			say(wire.Frame{Bodies: &wire.Events{Events: []store.Event{one}}})
			say(wire.Frame{Part: &wire.Part{Conversation: "c", First: true, Events: []store.Event{one, claimed, note, closed}}})
			say(wire.Frame{Events: &wire.Events{Events: []store.Event{{Seq: 6, ID: "seq-6", Kind: desk.Viewed, Withheld: true}}, Head: 6}})
			for {
				f := hear()
				if f == (wire.Frame{}) {
					return
				}
				if f.Command != nil {
					var e desk.Erasure
					_ = json.Unmarshal(f.Command.Body, &e)
					if f.Command.Kind != desk.Erased || f.Command.Conversation != "" {
						t.Errorf("a %s about %q", f.Command.Kind, f.Command.Conversation)
					}
					say(wire.Frame{Ack: &wire.Ack{ID: f.Command.ID, Seq: 7}})
					confirmed <- e.Upto
				}
			}
		}})
		c := console(t, url, filepath.Join(t.TempDir(), "cache.db"))
		select {
		case upto := <-confirmed:
			if upto != 5 {
				t.Errorf("%s: confirmed up to %d", kind, upto)
			}
		case <-time.After(patience):
			t.Fatalf("%s is not confirmed", kind)
		}
		until(t, c, "the outbox to empty", func() bool { outbox, err := c.Cache.Outbox(); return err == nil && len(outbox) == 0 })
		until(t, c, "all that came late", func() bool { return c.Status().At == 6 })
		bodies := 0
		if err := c.Cache.Each(func(e store.Event) {
			if e.Kind == desk.NoteAdded && len(e.Body) > 0 {
				bodies++
			}
			if strings.Contains(string(e.Body), "tangerine") {
				t.Errorf("%s: the cache has the text", kind)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if bodies != left {
			t.Errorf("%s: %d notes are left", kind, bodies)
		}
		whole, err := c.Whole("c")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range whole.Messages {
			if m.Text != "" {
				t.Errorf("%s: the text can be read", kind)
			}
		}
		if kind == desk.Forgotten {
			_, err := c.Do(t.Context(), desk.Command{Kind: desk.NoteAdded, Conversation: "c", Body: []byte(`{"text":"late"}`)})
			if !errors.Is(err, &desk.Refusal{Code: desk.CodeForgotten}) {
				t.Errorf("a note in what is forgotten: %v", err)
			}
		}
		err = c.Draft("c", "", "tangerine", time.Now())
		if !errors.Is(err, &desk.Refusal{Code: desk.CodeForgotten}) {
			t.Errorf("%s: a draft: %v", kind, err)
		}
		if drafts, err := c.Cache.Drafts(); err != nil || len(drafts) > 0 {
			t.Errorf("%s: %d drafts, %v", kind, len(drafts), err)
		}
	}
}

// Whoever writes in the moment between a forgetting on the disk and its being shown is told, and nothing is kept.
func TestWritingWhileItIsForgotten(t *testing.T) {
	cache := searchable(t, filepath.Join(t.TempDir(), "cache.db"))
	defer cache.Close()
	if err := cache.Receive(text(1, 0, "tangerine"), event(2, 1, desk.Closed, "ada", `{"disposition":"ok"}`)); err != nil {
		t.Fatal(err)
	}
	c := alone(t, cache)
	if err := cache.Receive(event(3, 2, desk.Forgotten, store.Clock, "")); err != nil { // c has not shown it yet
		t.Fatal(err)
	}
	_, err := c.Do(t.Context(), desk.Command{Kind: desk.NoteAdded, Conversation: "c", Body: []byte(`{"text":"plum"}`)})
	for what, err := range map[string]error{"a note": err, "a draft": c.Draft("c", "note", "plum", time.Now())} {
		if !errors.Is(err, &desk.Refusal{Code: desk.CodeForgotten}) {
			t.Errorf("%s: %v", what, err)
		}
	}
	outbox, err := cache.Outbox()
	drafts, err2 := cache.Drafts()
	if err != nil || err2 != nil || len(outbox)+len(drafts) > 0 {
		t.Errorf("%d wait, %d drafts; %v, %v", len(outbox), len(drafts), err, err2)
	}
}

// A disk with no room for the file without what has been forgotten costs the console no connection, and the relay is told
// as soon as there is room.
func TestAFullDiskDoesNotCutOffWhoForgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	inTheWay := filepath.Join(path+".compact", "full") // where the new file would be
	room, confirmed := make(chan struct{}), make(chan struct{})
	url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) { // one connection is all there is
		hear()
		if err := os.MkdirAll(inTheWay, 0o700); err != nil {
			t.Error(err)
		}
		snapshot(say, 1, text(1, 0, "tangerine"))
		claimed, note := event(2, 1, desk.Claimed, "ada", ""), event(3, 2, desk.NoteAdded, "ada", `{"text":"plum"}`)
		closed, forgotten := event(4, 3, desk.Closed, "ada", `{"disposition":"ok"}`), event(5, 4, desk.Forgotten, store.Clock, "")
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{claimed, note, closed, forgotten}, Head: 5}})
		<-room
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{event(6, 5, desk.Forgotten, store.Clock, "")}, Head: 6}})
		for f := hear(); f != (wire.Frame{}); f = hear() {
			if f.Command != nil && f.Command.Kind == desk.Erased {
				say(wire.Frame{Ack: &wire.Ack{ID: f.Command.ID, Seq: 7}})
				close(confirmed)
				return
			}
		}
	}})
	log := make(logLines, 64)
	logged(t, url, path, slog.New(slog.NewTextHandler(log, nil)))
	for said := ""; !strings.Contains(said, "still in this console's file"); {
		select {
		case said = <-log:
		case <-time.After(patience):
			t.Fatal("nobody is told of the full disk")
		}
	}
	if err := os.Rename(filepath.Dir(inTheWay), path+".away"); err != nil { // at once: it may just be trying again
		t.Fatal(err)
	}
	close(room)
	select {
	case <-confirmed:
	case <-time.After(patience):
		t.Fatal("the forgetting is not confirmed")
	}
}

// logLines is a log line by line.
type logLines chan string

func (l logLines) Write(b []byte) (int, error) { l <- string(b); return len(b), nil }
