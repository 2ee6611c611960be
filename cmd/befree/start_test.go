package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
	"befree.example/tui"
	"befree.example/tui/speech"
)

// past is a profile whose cache has so many events: conversations of twenty, all but the newest hundred closed. Its
// passphrase costs what a person's does.
func past(b *testing.B, events int) *profile {
	b.Helper()
	p := &profile{Name: "ada", Profile: b.TempDir()}
	p.Passphrase = filepath.Join(p.Profile, "passphrase")
	if err := os.WriteFile(p.Passphrase, []byte("correct horse battery staple"), 0o600); err != nil {
		b.Fatal(err)
	}
	cache, err := p.begin(&config.Std{Err: b.Output()})
	if err != nil {
		b.Fatal(err)
	}
	defer cache.Close()
	if err := cache.Reset("epoch"); err != nil {
		b.Fatal(err)
	}
	w := &writer{b: b, state: desk.NewState(desk.Policy{}), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	for n := 0; int(w.state.Last()) < events; n++ {
		w.conversation(n, int(w.state.Last()) < events-2000)
		if len(w.events) > 5000 {
			w.flush(cache)
		}
	}
	w.flush(cache)
	settle(b, cache)
	return p
}

type writer struct {
	b      *testing.B
	state  *desk.State
	events []store.Event
	at     time.Time
	n      int
}

func (w *writer) flush(cache *bolt.Cache) {
	if err := cache.Receive(w.events...); err != nil {
		w.b.Fatal(err)
	}
	w.events = nil
}

var judged = triage.Default().Judge("he locked me in and took my papers")

func (w *writer) conversation(n int, closed bool) {
	id, staff := fmt.Sprintf("c%07d", n), "ada"
	if !closed {
		staff = fmt.Sprintf("s%d", n) // nobody may hold so many
	}
	number := sms.Number(fmt.Sprintf("+1202%07d", n%9_000_000))
	in := func() {
		w.do(desk.Command{Kind: desk.Received, Conversation: id, Actor: store.Texter, Number: number},
			desk.Text{To: "233733", Text: "he locked me in and took my papers", Triage: judged})
	}
	in()
	w.do(desk.Command{Kind: desk.Claimed, Conversation: id, Actor: staff, Role: desk.Specialist}, nil)
	for range 8 {
		in()
		c := w.state.Conversation(id)
		w.do(desk.Command{Kind: desk.ReplyQueued, Conversation: id, Claim: c.Claim, Seen: c.Seen(), Actor: staff, Role: desk.Specialist},
			desk.Reply{Text: "I am here with you. Can you get to a room that locks?", Now: true})
		c = w.state.Conversation(id)
		w.do(desk.Command{Kind: desk.ReplyWithdrawn, Conversation: id, Claim: c.Claim, Ref: c.Messages[len(c.Messages)-1].ID, Actor: staff, Role: desk.Specialist}, desk.Because{Reason: "no"})
	}
	if c := w.state.Conversation(id); closed {
		w.do(desk.Command{Kind: desk.Closed, Conversation: id, Claim: c.Claim, Seen: c.Seen(), Actor: staff, Role: desk.Specialist}, desk.Closing{Disposition: "referred", Contact: "not known", Safety: "safe for now"})
	}
}

func (w *writer) do(c desk.Command, body any) {
	w.n++
	w.at = w.at.Add(time.Second)
	c.ID = store.DeviceID("testtesttesttest", uint64(w.n))
	if c.Actor == store.Texter {
		c.ID = fmt.Sprintf("SM%d", w.n)
	}
	c.Body, _ = json.Marshal(body)
	e, err := w.state.Decide(c, w.at)
	if err != nil {
		w.b.Fatalf("%s: %v", c.Kind, err)
	}
	e.Seq = w.state.Last() + 1
	fork := w.state.Fork()
	fork.Apply(e)
	w.state.Merge(fork)
	w.events = append(w.events, e)
}

// settle lets a console sit there until what is closed is in short form, as one does in its first minute.
func settle(b *testing.B, cache *bolt.Cache) {
	b.Helper()
	if err := cache.SetDevice([]byte(`{"relay":"relay"}`)); err != nil {
		b.Fatal(err)
	}
	c, err := client.New(client.Config{URL: "ws://127.0.0.1:1/line", Cache: cache})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	if err := c.Run(ctx); err != nil { // it ends once that is done
		b.Fatal(err)
	}
}

// BenchmarkStart is from the passphrase of a cache of 100,000 and of 1,000,000 events to the first frame that shows the
// queue: opening, unlocking, a client that knows all of it, and the console.
func BenchmarkStart(b *testing.B) {
	for _, events := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(events), func(b *testing.B) {
			if events > 100_000 && testing.Short() {
				b.Skip("it takes minutes to make")
			}
			p := past(b, events)
			for b.Loop() {
				if err := p.firstFrame(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func (p *profile) firstFrame(ctx context.Context) error {
	cl, err := p.end(&config.Std{}, client.Config{})
	if err != nil {
		return err
	}
	defer cl.Cache.Close()
	o, err := display{Theme: "dark", in: speech.For("en")}.options(cl, p.files())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o.Review = true
	o.Show = func(frame string, _ bool) {
		if strings.Contains(frame, "Closed") {
			cancel()
		}
	}
	m := tui.New(o)
	_, err = run(ctx, m, m, func(p *tea.Program, _ <-chan struct{}) { p.Send(tea.WindowSizeMsg{Width: 120, Height: 36}) },
		tea.WithInput(nil))
	return err
}
