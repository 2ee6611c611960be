package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/client"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/storetest"
	"befree.example/store/triage"
)

const (
	public = "http://127.0.0.1:8233"
	line   = "ws://127.0.0.1:8233/line"
)

// A town is the relay, the stand-in for the carrier and a console, each with its real HTTP or websocket, over cables
// that break as the test says. It obeys the test's clock: it lives in a bubble of testing/synctest.
type town struct {
	t       *testing.T
	log     store.Log
	dir     string
	twilio  *twiliotest.Server
	out     *cable // from the relay to the carrier
	in      *roads // from the carrier to the relay
	staff   relay.StaffFile
	ada     *desktop
	policy  desk.Policy
	wrap    func(gateway.Gateway) gateway.Gateway // nil: the carrier as it is
	change  func(*relay.Config)                   // nil: the settings as they are
	mu      sync.Mutex
	cutPost func() int // bytes that go over the next connection that sends a text, both ways together; less than 0: all
	cutList func() int // ... that asks for the list

	cancel context.CancelFunc
	served chan error
}

// roads are the cables to the relay: each start of it has a new one.
type roads struct {
	mu   sync.Mutex
	now  *cable
	lose func() bool // the next connection
	cut  func() int  // bytes that go over the next one, both ways together; less than 0: all
}

func (r *roads) dial(ctx context.Context, network, address string) (net.Conn, error) {
	r.mu.Lock()
	c, lost, left := r.now, r.lose != nil && r.lose(), -1
	if r.cut != nil {
		left = r.cut()
	}
	r.mu.Unlock()
	if c == nil || lost {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("no way to the relay")}
	}
	conn, err := c.dial(func() int { return 0 })(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &cut{Conn: conn, known: true, left: left}, nil
}

// console dials the relay that there is now, over a cable that breaks once so many bytes have come to the console.
func (r *roads) console(breakAfter func() int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		r.mu.Lock()
		c := r.now
		r.mu.Unlock()
		if c == nil {
			return nil, errors.New("the relay is down")
		}
		return c.dial(breakAfter)(ctx, network, address)
	}
}

// inTown has f begin two seconds after the relay of a new town.
func inTown(t *testing.T, c twiliotest.Config, f func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, c)
		defer w.close()
		w.start()
		time.Sleep(2 * time.Second)
		f(t, w)
	})
}

func newTown(t *testing.T, c twiliotest.Config) *town {
	w := &town{
		t: t, log: storetest.Memory(), dir: t.TempDir(), out: newCable(), in: &roads{},
		cutPost: func() int { return -1 }, cutList: func() int { return -1 }, policy: desk.Policy{Limit: 1 << 20},
	}
	c.Listener, c.Public = w.out, public
	c.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: w.in.dial}}
	var err error
	if w.twilio, err = twiliotest.New(c); err != nil {
		t.Fatal(err)
	}
	w.staff = relay.StaffFile(filepath.Join(w.dir, "staff.toml"))
	return w
}

// start starts the relay on the log as it is.
func (w *town) start() {
	w.t.Helper()
	carrier, err := twilio.New(twilio.Config{
		Account: twiliotest.Account, Tokens: []string{twiliotest.Token}, PublicURL: public + "#" + twiliotest.Overrides, From: twiliotest.Number,
		API: "http://127.0.0.1:8233", Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: w.toCarrier}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var asked gateway.Gateway = carrier
	if w.wrap != nil {
		asked = w.wrap(carrier)
	}
	c := newCable()
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.served = cancel, make(chan error, 1)
	conf := relay.Config{
		Listener: c, Log: w.log, Number: twiliotest.Number, Gateway: asked, Webhooks: carrier.Handler, Policy: w.policy,
		Enrolment: w.staff, Rules: triage.Default(), Logger: slog.New(slog.DiscardHandler),
	}
	if w.change != nil {
		w.change(&conf)
	}
	go func() { w.served <- relay.Serve(ctx, conf) }()
	w.in.mu.Lock()
	w.in.now = c
	w.in.mu.Unlock()
}

// stop ends the relay: what it was doing has its outcome.
func (w *town) stop() {
	w.t.Helper()
	w.in.mu.Lock()
	w.in.now = nil
	w.in.mu.Unlock()
	w.cancel()
	if err := <-w.served; err != nil && !errors.Is(err, context.Canceled) { // it was just starting
		w.t.Error(err)
	}
	w.served <- nil
}

// restart is over when ada is back.
func (w *town) restart() {
	w.t.Helper()
	w.stop()
	w.within(time.Minute, "ada to notice", func() bool { return !w.ada.Status().Connected })
	w.start()
	w.within(time.Minute, "ada to be back", func() bool { return w.ada.Status().InStep() })
}

// close ends everything.
func (w *town) close() {
	if w.ada != nil {
		w.ada.end()
		w.ada.Cache.Close()
	}
	w.stop()
	w.twilio.Close()
}

// toCarrier is a connection that breaks where the test says, once it is known what it is for.
func (w *town) toCarrier(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := w.out.dial(func() int { return 0 })(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &cut{Conn: conn, town: w, left: -1}, nil
}

// A cut is a connection that carries so many bytes, both ways together.
type cut struct {
	net.Conn
	town *town

	mu    sync.Mutex
	known bool // what it is for
	left  int
}

var errCut = errors.New("cut")

// may says how many of n bytes may go.
func (c *cut) may(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left < 0 {
		return n
	}
	n = min(n, c.left)
	c.left -= n
	return n
}

func (c *cut) Write(p []byte) (int, error) {
	c.mu.Lock()
	if !c.known {
		c.known, c.left = true, c.town.allow(bytes.HasPrefix(p, []byte("POST ")))
	}
	c.mu.Unlock()
	n := c.may(len(p))
	written, err := c.Conn.Write(p[:n])
	if err == nil && n < len(p) {
		err = errors.Join(errCut, c.Close())
	}
	return written, err
}

func (c *cut) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if m := c.may(n); m < n { // the rest is lost on the way
		return m, errors.Join(errCut, c.Close())
	}
	return n, err
}

// allow is how many bytes go over a new connection.
func (w *town) allow(post bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if post {
		return w.cutPost()
	}
	return w.cutList()
}

// cuts says where connections that send a text, and such as ask for the list, break from now on; nil: as before.
func (w *town) cuts(post, list func() int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if post != nil {
		w.cutPost = post
	}
	if list != nil {
		w.cutList = list
	}
}

// loses says which connections from the carrier do not come about from now on.
func (w *town) loses(next func() bool) {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	w.in.lose = next
}

// spoils says where connections from the carrier break from now on; nil: nowhere.
func (w *town) spoils(next func() int) {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	w.in.cut = next
}

// A dice is thrown by many at once.
type dice struct {
	mu sync.Mutex
	r  *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{r: rand.New(rand.NewPCG(seed, 0))} }

// One tells whether it fell on one of so many sides.
func (d *dice) One(sides int) bool { return d.IntN(sides) == 0 }

// IntN is on which of so many sides it fell, from 0.
func (d *dice) IntN(sides int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(sides)
}

// sit has ada at her console.
func (w *town) sit() {
	w.t.Helper()
	code, err := w.staff.Add("ada", desk.Specialist)
	if err != nil {
		w.t.Fatal(err)
	}
	cache := openCache(w.t, filepath.Join(w.dir, "ada.db"), "ada")
	d := &desktop{t: w.t, name: "ada", role: desk.Specialist}
	conf := client.Config{URL: line, Cache: cache, Dial: w.in.console(func() int { return 0 })}
	if _, err := client.Enrol(w.t.Context(), conf, code); err != nil {
		w.t.Fatal(err)
	}
	if d.Client, err = client.New(conf); err != nil {
		w.t.Fatal(err)
	}
	d.run()
	w.ada = d
	w.within(time.Minute, "ada to be in step", func() bool { return d.Status().InStep() })
}

// within waits for something by the bubble's clock.
func (w *town) within(d time.Duration, what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(d); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited %v in vain for %s", d, what)
		}
	}
}

// person is the n-th of those who text.
func person(n int) string { return fmt.Sprintf("+1%d55501%02d", 202+n/100, n%100) }

// meet has n people text, and ada take them all.
func (w *town) meet(n int) []*desk.Conversation {
	w.t.Helper()
	for i := range n {
		if d := w.twilio.Text(w.t.Context(), twiliotest.Text{From: person(i), Body: "he locked me in"}); d.Status != http.StatusOK {
			w.t.Fatalf("text %d: %+v", i, d)
		}
	}
	var all []*desk.Conversation
	w.within(time.Minute, "all texts", func() bool {
		all = nil
		w.ada.View(func(s *desk.State) {
			for c := range s.Conversations() {
				all = append(all, c)
			}
		})
		return len(all) == n
	})
	for i, c := range all {
		if _, err := w.ada.Do(w.t.Context(), desk.Command{Kind: desk.Claimed, Conversation: c.ID}); err != nil {
			w.t.Fatal(err)
		}
		w.within(time.Minute, "the claim", func() bool {
			w.ada.View(func(s *desk.State) { all[i] = s.Conversation(c.ID) })
			return all[i].Owner == "ada"
		})
	}
	return all
}

// say has ada reply.
func (w *town) say(c *desk.Conversation, words string) {
	w.t.Helper()
	raw := fmt.Appendf(nil, `{"text":%q,"now":true}`, words)
	o, err := w.ada.Do(w.t.Context(), desk.Command{Kind: desk.ReplyQueued, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: raw})
	if err != nil || o.Kept {
		w.t.Fatal(o, err, w.ada.Status())
	}
}

// command is what a console asks about a conversation as it is on its screen.
func command(c *desk.Conversation, kind store.Kind, body any) desk.Command {
	asked := desk.Command{Kind: kind, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen()}
	if body != nil {
		asked.Body, _ = json.Marshal(body) // our own types
	}
	return asked
}

// state is what the log amounts to.
func (w *town) state() *desk.State {
	w.t.Helper()
	s := desk.NewState(desk.Policy{})
	for _, e := range kept(w.t, w.log, "") {
		s.Apply(e)
	}
	return s
}

// replies are all replies that were ever queued, by their words.
func (w *town) replies() map[string]*desk.Message {
	all := map[string]*desk.Message{}
	for c := range w.state().Conversations() {
		for _, m := range c.Messages {
			if m.Author != "" {
				all[m.Text.Reveal()] = m
			}
		}
	}
	return all
}

// settled waits until nothing is on its way any more or unknown.
func (w *town) settled(d time.Duration, n int) map[string]*desk.Message {
	w.t.Helper()
	var all map[string]*desk.Message
	for deadline := time.Now().Add(d); ; time.Sleep(10 * time.Second) {
		all = w.replies()
		open := 0
		for _, m := range all {
			if r := m.Delivery.Rank(); r <= desk.StatusUnknown.Rank() {
				open++
			}
		}
		if open == 0 && len(all) == n {
			return all
		}
		if time.Now().After(deadline) {
			for words, m := range all {
				if m.Delivery.Rank() <= desk.StatusUnknown.Rank() {
					w.t.Logf("%q is %s after %d tries", words, m.Delivery, m.Attempt)
				}
			}
			w.t.Fatalf("%d of %d replies are unresolved after %v", open, len(all), d)
		}
	}
}

// fates compares what the log says of replies with how often the carrier took each.
func (w *town) fates(all map[string]*desk.Message) (sent, drafts int) {
	w.t.Helper()
	copies := map[string]int{}
	for _, m := range w.twilio.Sent() {
		copies[m.Body]++
	}
	for words, m := range all {
		switch n := copies[words]; {
		case n > 1:
			w.t.Errorf("%q went out %d times", words, n)
		case (m.Delivery.Rank() >= desk.StatusAccepted.Rank()) != (n == 1):
			w.t.Errorf("%q is %s (%s), and went out %d times", words, m.Delivery, m.Trouble, n)
		case n == 1:
			sent++
		default:
			drafts++
		}
	}
	return sent, drafts
}
