package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
)

const (
	epoch    = "epoch"
	patience = 10 * time.Second
)

// A script is what a relay says after it has let a console in, and what it sees of it.
type script struct {
	last uint64 // the relay's newest event, as its hello says
	play func(say func(wire.Frame), hear func() wire.Frame)
}

// relay serves connections one after another by a script each.
func relay(t *testing.T, scripts ...script) string {
	next := make(chan script, len(scripts))
	for _, s := range scripts {
		next <- s
	}
	up := websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		say := func(f wire.Frame) {
			b, err := wire.Encode(f)
			if err != nil {
				t.Error(err)
			}
			_ = ws.WriteMessage(websocket.TextMessage, b)
		}
		hear := func() wire.Frame {
			_, b, err := ws.ReadMessage()
			if err != nil {
				return wire.Frame{}
			}
			f, err := wire.Decode(b)
			if err != nil {
				t.Error(err)
			}
			return f
		}
		s := <-next
		say(wire.Frame{Hello: &wire.Hello{Version: wire.Version, Epoch: epoch, Last: s.last, Nonce: []byte("nonce"), Relay: "relay"}})
		if hear().Auth == nil {
			return
		}
		say(wire.Frame{Welcome: &wire.Welcome{Name: "ada", Role: desk.Specialist}})
		s.play(say, hear)
	}))
	t.Cleanup(srv.Close)
	return "ws" + strings.TrimPrefix(srv.URL, "http") + "/line"
}

func console(t *testing.T, url, path string) *client.Client {
	t.Helper()
	return logged(t, url, path, nil)
}

// logged is a console that writes its log to logger.
func logged(t *testing.T, url, path string, logger *slog.Logger) *client.Client {
	t.Helper()
	c := still(t, url, path, logger)
	follow(t, c)
	return c
}

// still is a console that does not follow the line yet.
func still(t *testing.T, url, path string, logger *slog.Logger) *client.Client {
	t.Helper()
	cache, err := bolt.OpenCache(path, bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("test"),
		Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, ClassOf: desk.ClassOf, Forgets: desk.Forgets,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Know(cache, "relay"); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{URL: url, Cache: cache, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return c
}

// follow has a client follow the line to the end of the test.
func follow(t *testing.T, c *client.Client) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func until(t *testing.T, c *client.Client, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		changed := c.Changed()
		if is() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain for %s; %+v", what, c.Status())
		}
	}
}

func event(seq, prev uint64, kind store.Kind, actor, body string) store.Event {
	return store.Event{
		Seq: seq, Prev: prev, ID: "id" + string(rune('0'+seq)), Conversation: "c", Kind: kind, Actor: actor,
		At: time.Unix(int64(seq), 0).UTC(), Head: store.Head{Severity: "high"}, Body: []byte(body),
	}
}

func text(seq, prev uint64, words string) store.Event {
	return event(seq, prev, desk.Received, store.Texter, `{"text":"`+words+`"}`)
}

func snapshot(say func(wire.Frame), seq uint64, es ...store.Event) {
	say(wire.Frame{Part: &wire.Part{Conversation: "c", First: true, Events: es}})
	say(wire.Frame{Snapshot: &wire.Snapshot{Position: store.Position{Epoch: epoch, Seq: seq}}})
}

func of(c *client.Client) (found *desk.Conversation) {
	c.View(func(s *desk.State) { found = s.Conversation("c") })
	return found
}

// A conversation that was asked for may come with events that the console has yet to receive in their turn.
func TestPartAheadOfTheCursor(t *testing.T) {
	url := relay(t, script{2, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 1, text(1, 0, "one"))
		claimed := event(2, 1, desk.Claimed, "ada", "")
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{claimed}, Head: 4}})
		if f := hear(); f.Fetch == nil || f.Fetch.Conversation != "c" {
			t.Errorf("who gains a conversation asks for it whole, not %+v", f)
		}
		all := []store.Event{text(1, 0, "one"), claimed, text(3, 2, "three"), text(4, 3, "four")}
		say(wire.Frame{Part: &wire.Part{Conversation: "c", First: true, Events: all}})
		say(wire.Frame{Events: &wire.Events{Events: all[2:], Head: 4}})
		hear()
	}})
	c := console(t, url, filepath.Join(t.TempDir(), "cache.db"))
	until(t, c, "the newest event", func() bool { return c.Status().At == 4 })
	if got := of(c); len(got.Messages) != 3 || got.Messages[2].Text != "four" {
		t.Fatalf("%d messages of 3", len(got.Messages))
	}
}

// A hole in what the relay sends is not stepped over.
func TestHoleEndsTheConnection(t *testing.T) {
	asked := make(chan wire.Frame, 1)
	url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 1, text(1, 0, "one"))
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{text(3, 2, "three")}, Head: 3}})
		hear()
	}}, script{3, func(say func(wire.Frame), hear func() wire.Frame) {
		asked <- hear()
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{text(2, 1, "two"), text(3, 2, "three")}, Head: 3}})
		hear()
	}})
	c := console(t, url, filepath.Join(t.TempDir(), "cache.db"))
	until(t, c, "the newest event", func() bool { return c.Status().At == 3 })
	if f := <-asked; f.Resume == nil || f.Resume.After != 1 {
		t.Fatalf("came back with %+v", f.Resume)
	}
	if got := of(c); len(got.Messages) != 3 {
		t.Fatalf("%d messages of 3", len(got.Messages))
	}
}

// An ack that is lost is made good by the log; the command is not lost and not given twice.
func TestLostAck(t *testing.T) {
	commands := make(chan string, 2)
	url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 1, text(1, 0, "one"))
		commands <- hear().Command.ID // and nothing comes back: the line is cut
	}}, script{2, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		done := event(2, 1, desk.NoteAdded, "ada", `{"text":"kept"}`)
		done.ID = <-commands
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{done}, Head: 2}})
		if f := hear(); f.Command != nil {
			t.Errorf("a %s was given again after the log showed it", f.Command.Kind)
		}
	}})
	c := console(t, url, filepath.Join(t.TempDir(), "cache.db"))
	until(t, c, "the snapshot", func() bool { return c.Status().InStep() })
	if _, err := c.Do(t.Context(), desk.Command{Kind: desk.NoteAdded, Conversation: "c", Body: []byte(`{"text":"kept"}`)}); err != nil {
		t.Fatal(err)
	}
	until(t, c, "the note", func() bool {
		outbox, err := c.Cache.Outbox()
		return err == nil && len(outbox) == 0 && len(of(c).Notes) == 1
	})
}

// TestActWhoseAckIsLost: a claim that the relay carried out is not said to be undone; nor is it handed over twice.
func TestActWhoseAckIsLost(t *testing.T) {
	ids, again := make(chan string, 2), make(chan struct{}, 1)
	url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 1, text(1, 0, "one"))
		ids <- hear().Command.ID // and the line is cut
	}}, script{2, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		done := event(2, 1, desk.Claimed, "ada", "")
		done.ID = <-ids
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{done}, Head: 2}})
		for f := hear(); f != (wire.Frame{}); f = hear() { // it also asks for the words
			if f.Command != nil {
				again <- struct{}{}
				return
			}
		}
	}})
	c := console(t, url, filepath.Join(t.TempDir(), "cache.db"))
	until(t, c, "the snapshot", func() bool { return c.Status().InStep() })
	_, err := c.Do(t.Context(), desk.Command{Kind: desk.Claimed, Conversation: "c"})
	if !errors.Is(err, client.ErrNotKnown) || errors.Is(err, client.ErrOffline) {
		t.Errorf("%v, want that it is not known", err)
	}
	until(t, c, "the claim", func() bool { return of(c).HeldBy("ada") })
	select {
	case <-again:
		t.Error("it was handed over again")
	default:
	}
}

// TestMachineAsleep: how long a machine slept after the key press, in which its monotonic clock stood still, is part of a
// reply's age.
func TestMachineAsleep(t *testing.T) {
	for slept, sent := range map[time.Duration]bool{30 * time.Second: true, 2 * time.Hour: false, -time.Hour: true} {
		ages := make(chan time.Duration, 1)
		url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
			hear()
			snapshot(say, 1, text(1, 0, "one"))
			if f := hear(); f.Command != nil {
				ages <- f.Command.Age
				say(wire.Frame{Ack: &wire.Ack{ID: f.Command.ID, Seq: 2}})
				hear()
			}
		}})
		c := still(t, url, filepath.Join(t.TempDir(), "cache.db"), nil)
		wall := time.Now().Round(0)
		c.SetWall(func() time.Time { return wall })
		if o, err := c.Do(t.Context(), desk.Command{Kind: desk.ReplyQueued, Conversation: "c", Body: []byte(`{"text":"I am here"}`)}); err != nil || !o.Kept {
			t.Fatal(o, err)
		}
		wall = wall.Add(slept)
		follow(t, c)
		var outbox []bolt.Entry
		until(t, c, "the reply's end", func() bool {
			var err error
			outbox, err = c.Cache.Outbox()
			return err == nil && (len(outbox) == 0 || outbox[0].Refused != "")
		})
		if (len(outbox) == 0) != sent {
			t.Errorf("asleep for %v: sent %v", slept, !sent)
		}
		if sent {
			if age := <-ages; age < slept || age < 0 {
				t.Errorf("asleep for %v: its age is %v", slept, age)
			}
		}
	}
}

// What an earlier process left: a note goes out, a reply becomes a draft.
func TestReplyOfAnEarlierProcessIsADraft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	cache, err := bolt.OpenCache(path, bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("test"),
		Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, ClassOf: desk.ClassOf, Forgets: desk.Forgets,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []store.Kind{desk.ReplyQueued, desk.NoteAdded} {
		if _, err := cache.Queue(bolt.Entry{Conversation: "c", Kind: kind, Command: []byte(`{"kind":"` + string(kind) + `","conv":"c","body":{"text":"x"}}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	heard := make(chan wire.Frame, 1)
	url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 1, text(1, 0, "one"))
		f := hear()
		say(wire.Frame{Ack: &wire.Ack{ID: f.Command.ID, Seq: 2}})
		heard <- f
		hear()
	}})
	c := console(t, url, path)
	if f := <-heard; f.Command == nil || f.Command.Kind != desk.NoteAdded {
		t.Fatalf("first to go out: %+v", f.Command)
	}
	until(t, c, "the draft", func() bool {
		outbox, err := c.Cache.Outbox()
		return err == nil && len(outbox) == 1 && outbox[0].Kind == desk.ReplyQueued && strings.HasPrefix(outbox[0].Refused, "It was not sent")
	})
}

// A reply that the relay may have had before it was restored is not said to be unsent, whether this process handed it over
// or an earlier one wrote it.
func TestReplyThatARestoreLostMayBeSent(t *testing.T) {
	const reply = `{"text":"I am here"}`
	handed := make(chan struct{})
	before := script{5, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 5, text(1, 0, "one"))
		hear()
		close(handed)
	}}
	restored := script{3, func(say func(wire.Frame), hear func() wire.Frame) {
		hear()
		snapshot(say, 3, text(1, 0, "one"))
		for hear() != (wire.Frame{}) { // it confirms what was forgotten, too
		}
	}}
	saysSo := func(c *client.Client) {
		t.Helper()
		var outbox []bolt.Entry
		until(t, c, "the draft", func() bool {
			var err error
			outbox, err = c.Cache.Outbox()
			return err == nil && len(outbox) > 0 && outbox[0].Refused != ""
		})
		if outbox[0].Refused != client.MayBeSent {
			t.Errorf("its author reads: %s", outbox[0].Refused)
		}
	}

	c := console(t, relay(t, before, restored), filepath.Join(t.TempDir(), "cache.db"))
	until(t, c, "in step", func() bool { return c.Status().InStep() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.Do(t.Context(), desk.Command{Kind: desk.ReplyQueued, Conversation: "c", Body: []byte(reply)})
	}()
	<-handed
	<-done
	saysSo(c)

	path := filepath.Join(t.TempDir(), "cache.db")
	cache := searchable(t, path)
	_, err := cache.Queue(bolt.Entry{Conversation: "c", Kind: desk.ReplyQueued, Command: []byte(`{"kind":"reply queued","conv":"c","body":` + reply + `}`)})
	if err := errors.Join(err, cache.Reset("an older one"), cache.Receive(text(1, 0, "one")), cache.Close()); err != nil {
		t.Fatal(err)
	}
	saysSo(console(t, relay(t, restored), path))
}

// A relay whose log was replaced: the copy is set aside, what was written stays.
func TestEpochChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	cache, err := bolt.OpenCache(path, bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("test"),
		Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, ClassOf: desk.ClassOf, Forgets: desk.Forgets,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Reset("an older one"); err != nil {
		t.Fatal(err)
	}
	if err := cache.Receive(text(1, 0, "of the older log")); err != nil {
		t.Fatal(err)
	}
	if err := cache.Draft("c", "", "half a thought", time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	url := relay(t, script{1, func(say func(wire.Frame), hear func() wire.Frame) {
		if f := hear(); f.Resume == nil || f.Resume.After != 0 || f.Resume.Epoch != epoch || !slices.Equal(f.Resume.Written, []string{"c"}) {
			t.Errorf("resumed with %+v", f.Resume)
		}
		snapshot(say, 1, text(1, 0, "of the new log"))
		hear()
	}})
	c := console(t, url, path)
	until(t, c, "the new log", func() bool { return c.Status().InStep() && of(c) != nil })
	if got := of(c); len(got.Messages) != 1 || got.Messages[0].Text != "of the new log" || !c.Status().Renewed {
		t.Fatalf("%d messages, renewed %t", len(got.Messages), c.Status().Renewed)
	}
	if drafts, err := c.Cache.Drafts(); err != nil || len(drafts) != 1 {
		t.Fatalf("%d drafts, %v", len(drafts), err)
	}
	old, err := client.New(client.Config{Cache: c.Cache, Aside: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := of(old); len(got.Messages) != 1 || got.Messages[0].Text != "of the older log" {
		t.Fatalf("set aside are %d messages", len(got.Messages))
	}
	if a := c.Status().Aside; a.Of.Epoch != "an older one" || a.Until.Before(time.Now().AddDate(0, 0, 29)) {
		t.Errorf("its person is told of %+v", a)
	}
}

// What a relay says before it has let the console in is shown, without what it could do to a screen; a clock that is
// wrong is said, and the console comes in once that has been set right.
func TestTurnedAwayForNow(t *testing.T) {
	up := websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}}
	clock := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		say := func(f wire.Frame) {
			b, _ := wire.Encode(f)
			_ = ws.WriteMessage(websocket.TextMessage, b)
		}
		say(wire.Frame{Hello: &wire.Hello{Version: wire.Version, Epoch: epoch, Nonce: []byte("nonce"), Relay: "relay"}})
		_, _, _ = ws.ReadMessage()
		select {
		case <-clock:
			say(wire.Frame{Welcome: &wire.Welcome{Name: "ada", Role: desk.Specialist}})
			_, _, _ = ws.ReadMessage()
			_, _, _ = ws.ReadMessage()
		default:
			say(wire.Frame{Refused: &wire.Refused{Code: desk.CodeClock, Text: "The clocks\x1b]0;owned\a\u202e are too far apart."}})
		}
	}))
	t.Cleanup(srv.Close)
	c := console(t, "ws"+strings.TrimPrefix(srv.URL, "http")+"/line", filepath.Join(t.TempDir(), "cache.db"))
	until(t, c, "the trouble", func() bool { return c.Status().Trouble != "" })
	if s := c.Status(); s.Trouble != "The clocks]0;owned are too far apart." || !s.Wrong {
		t.Fatalf("it says %q, to be acted on %t", s.Trouble, s.Wrong)
	}
	close(clock)
	until(t, c, "to be let in", func() bool { return c.Status().Connected })
	srv.CloseClientConnections()
}

// A cache is enrolled at one relay, and signs in at no other.
func TestAnotherRelay(t *testing.T) {
	cache, err := bolt.OpenCache(filepath.Join(t.TempDir(), "cache.db"), bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("test"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, ClassOf: desk.ClassOf,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	url := relay(t, script{0, nil})
	c, err := client.New(client.Config{URL: url, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); !errors.Is(err, client.ErrNotEnrolled) {
		t.Fatalf("without an enrolment: %v", err)
	}
	if err := client.Know(cache, "another"); err != nil {
		t.Fatal(err)
	}
	if c, err = client.New(client.Config{URL: url, Cache: cache}); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "another relay") {
		t.Fatalf("at another relay: %v", err)
	}
}
