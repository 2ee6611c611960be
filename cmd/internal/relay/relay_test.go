package relay_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/sms"
	"befree.example/store/storetest"
	"befree.example/store/triage"
)

const texter = sms.Number("+12025550147")

// patience is how long a test waits for what must come; it says nothing about speed.
const patience = 10 * time.Second

// A carrier is a gateway under the test's hand.
type carrier struct {
	mu    sync.Mutex
	recv  gateway.Receiver
	up    chan struct{} // closed once recv is there
	sent  []gateway.Outgoing
	gone  []string                                                // texts that it was asked to delete
	erase func(sid string) error                                  // nil for one that does
	send  func(context.Context, gateway.Outgoing) (string, error) // nil for an SID made of the ID
	fetch func(context.Context, gateway.Media) ([]byte, string, error)
}

func (c *carrier) inbound(ctx context.Context, r gateway.Receiver) error {
	c.recv = r
	close(c.up)
	<-ctx.Done()
	return nil
}

func (c *carrier) Send(ctx context.Context, m gateway.Outgoing) (string, error) {
	c.mu.Lock()
	c.sent = append(c.sent, m)
	n, send := len(c.sent), c.send
	c.mu.Unlock()
	if send != nil {
		return send(ctx, m)
	}
	return fmt.Sprintf("SMout%d", n), nil
}

// sends has it answer by f from now on.
func (c *carrier) sends(f func(context.Context, gateway.Outgoing) (string, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send = f
}

func (c *carrier) Fetch(ctx context.Context, m gateway.Media) ([]byte, string, error) {
	return c.fetch(ctx, m)
}

// List has nothing that was not brought.
func (c *carrier) List(context.Context, gateway.Query) (gateway.Page, error) {
	return gateway.Page{Now: time.Now()}, nil
}

func (c *carrier) Whole(context.Context, gateway.Listed) (gateway.Inbound, error) {
	return gateway.Inbound{}, errors.New("there is none")
}

func (c *carrier) Erase(_ context.Context, sid string, _ []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.erase != nil {
		if err := c.erase(sid); err != nil {
			return err
		}
	}
	c.gone = append(c.gone, sid)
	return nil
}

// deleted are the texts that it has deleted.
func (c *carrier) deleted() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.gone)
}

func (c *carrier) texts() []gateway.Outgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]gateway.Outgoing(nil), c.sent...)
}

func (c *carrier) text(t testing.TB, sid, words string) {
	t.Helper()
	<-c.up
	err := c.recv.Receive(t.Context(), gateway.Inbound{SID: sid, From: texter, To: "233733", Body: sms.Text(words)})
	if err != nil {
		t.Fatal(err)
	}
}

// A house is a relay with staff, over a real websocket.
type house struct {
	t       testing.TB
	dir     string
	log     store.Log
	tree    relay.Tree // of the log, if it has one
	policy  desk.Policy
	logged  io.Writer
	carrier *carrier
	staff   relay.StaffFile
	address string
	own     *tls.Config // nil for none
	cable   *cable      // the network, where it is not this machine's
	session time.Duration
	stop    func() error
	change  func(*relay.Config) // nil for nothing
}

func open(t testing.TB, log store.Log) *house { return openChanged(t, log, nil) }

// openChanged opens a house whose relay is set up otherwise than others.
func openChanged(t testing.TB, log store.Log, change func(*relay.Config)) *house {
	return furnish(&house{t: t, dir: t.TempDir(), log: log, change: change})
}

func furnish(h *house) *house {
	h.staff = relay.StaffFile(filepath.Join(h.dir, "staff.toml"))
	h.serve()
	h.t.Cleanup(func() {
		if err := h.stop(); err != nil {
			h.t.Errorf("relay: %v", err)
		}
	})
	return h
}

func (h *house) serve() {
	if h.logged == nil {
		h.logged = io.Discard
	}
	h.t.Helper()
	var l net.Listener = h.cable
	if h.cable == nil {
		var err error
		if l, err = new(net.ListenConfig).Listen(h.t.Context(), "tcp", "127.0.0.1:0"); err != nil {
			h.t.Fatal(err)
		}
	}
	h.carrier = &carrier{up: make(chan struct{})}
	h.address = "ws://" + l.Addr().String() + "/line"
	if h.own != nil {
		h.address = "wss://" + l.Addr().String() + "/line"
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	conf := relay.Config{
		Listener: l, TLS: h.own, Log: h.log, Tree: h.tree, Policy: h.policy, Privacy: relay.Privacy{Number: "233733"}, Number: "233733", Gateway: h.carrier,
		Inbound: h.carrier.inbound, Enrolment: h.staff, Session: h.session, Rules: triage.Default(), Logger: slog.New(slog.NewTextHandler(h.logged, nil)),
	}
	if h.change != nil {
		h.change(&conf)
	}
	go func() { ended <- relay.Serve(ctx, conf) }()
	h.stop = func() error {
		cancel()
		err := <-ended
		ended <- nil
		return err
	}
}

// A desktop is a member of staff with a console that has no screen.
type desktop struct {
	*client.Client
	t    testing.TB
	name string
	role desk.Role
	path string // of the cache
	end  func()

	ended chan error
}

// sign has somebody enrol a device by a code, and sit down at it.
func (h *house) sign(name string, role desk.Role) *desktop {
	h.t.Helper()
	code, err := h.staff.Add(name, role)
	if err != nil {
		h.t.Fatal(err)
	}
	d := &desktop{t: h.t, name: name, role: role}
	d.sit(h, code)
	return d
}

func openCache(t testing.TB, path, owner string) *bolt.Cache {
	t.Helper()
	cache, err := bolt.OpenCache(path, bolt.CacheOptions{
		Owner: owner, Passphrase: []byte(passphrase), ClassOf: desk.ClassOf, WordsOf: desk.Words, Forgets: desk.Forgets,
		Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, Wait: func(time.Duration) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// passphrase is everybody's.
const passphrase = "test"

func (d *desktop) sit(h *house, code wire.Code) {
	d.t.Helper()
	d.path = filepath.Join(d.t.TempDir(), d.name+".db")
	c := client.Config{URL: h.address, Cache: openCache(d.t, d.path, d.name)}
	if role, err := client.Enrol(d.t.Context(), c, code); err != nil || role != d.role {
		d.t.Fatalf("enrolled as %q: %v", role, err)
	}
	var err error
	if d.Client, err = client.New(c); err != nil {
		d.t.Fatal(err)
	}
	d.run()
	d.t.Cleanup(func() {
		d.end()
		c.Cache.Close()
	})
	d.until("to be in step", func() bool { s := d.Status(); return s.Connected && s.Behind() == 0 })
}

func (d *desktop) run() {
	ctx, cancel := context.WithCancel(context.Background())
	d.ended = make(chan error, 1)
	go func() { d.ended <- d.Run(ctx) }()
	d.end = sync.OnceFunc(func() {
		cancel()
		if err := <-d.ended; err != nil {
			d.t.Errorf("console of %s: %v", d.name, err)
		}
	})
}

func (d *desktop) until(what string, is func() bool) {
	d.t.Helper()
	deadline := time.After(patience)
	for {
		changed := d.Changed()
		if is() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			d.t.Fatalf("%s waited in vain for %s; %+v", d.name, what, d.Status())
		}
	}
}

// only returns the one conversation there is.
func (d *desktop) only() (c *desk.Conversation) {
	d.View(func(s *desk.State) {
		for c = range s.Conversations() {
		}
	})
	return c
}

func (d *desktop) ask(c *desk.Conversation, kind store.Kind, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	command := desk.Command{Kind: kind, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: raw}
	if desk.Dangerous(kind) {
		_, err = d.Surely(ctx, command, []byte(passphrase))
	} else {
		_, err = d.Do(ctx, command)
	}
	return err
}

func (d *desktop) must(c *desk.Conversation, kind store.Kind, body any) {
	d.t.Helper()
	if err := d.ask(c, kind, body); err != nil {
		d.t.Fatalf("%s by %s: %v", kind, d.name, err)
	}
}

// claim waits for the conversation and takes it.
func (d *desktop) claim() *desk.Conversation {
	d.t.Helper()
	d.until("a text", func() bool { return d.only() != nil })
	d.must(d.only(), desk.Claimed, nil)
	d.until("the claim", func() bool { c := d.only(); return c.Owner == d.name && !c.Newest().Withheld })
	return d.only()
}

func TestOneTextGoesAllTheWay(t *testing.T) {
	h := open(t, storetest.Memory())
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "stop him he's here")
	c := ada.claim()
	if c.Severity != triage.Imminent || c.Newest().Text.Reveal() != "stop him he's here" || c.Tail != "0147" || c.Number != "" {
		t.Fatalf("the conversation arrived as %s, …%s, whole number %t", c.Severity, c.Tail, c.Number != "")
	}
	ada.must(c, desk.ReplyQueued, desk.Reply{Text: "I am here", Now: true})
	var sent *desk.Message
	ada.until("the carrier to take it", func() bool {
		sent = ada.only().Messages[len(ada.only().Messages)-1]
		return sent.Delivery == desk.StatusAccepted
	})
	if got := h.carrier.texts(); len(got) != 1 || got[0].To != texter || got[0].Body != "I am here" || got[0].ID != sent.ID {
		t.Fatalf("sent %d texts", len(got))
	}
	for _, state := range []string{"delivered", "sent", "delivered"} {
		if err := h.carrier.recv.Delivered(t.Context(), gateway.Status{ID: sent.ID, SID: "SMout1", State: state}); err != nil {
			t.Fatal(err)
		}
	}
	ada.until("the delivery", func() bool { return ada.only().Message(sent.ID).Delivery == desk.StatusDelivered })
	if err := h.carrier.recv.Delivered(t.Context(), gateway.Status{SID: "SMunknown", State: "sent"}); err != nil {
		t.Fatalf("a status of a text that is not ours: %v", err)
	}
}

// kept are the events of a kind in a log; of all kinds for none.
func kept(t testing.TB, log store.Log, kind store.Kind) []store.Event {
	t.Helper()
	events, _, err := log.Read(t.Context(), store.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(events, func(e store.Event) bool { return kind != "" && e.Kind != kind })
}

func TestSameTextTwiceIsOneEvent(t *testing.T) {
	h := open(t, storetest.Memory())
	h.carrier.text(t, "SM1", "hello")
	h.carrier.text(t, "SM1", "hello")
	if texts := kept(t, h.log, desk.Received); len(texts) != 1 {
		t.Fatalf("%d events", len(texts))
	}
}

func TestTwoRaceForOne(t *testing.T) {
	h := open(t, storetest.Memory())
	ada, ben := h.sign("ada", desk.Specialist), h.sign("ben", desk.Specialist)
	h.carrier.text(t, "SM1", "help me")
	won := make(chan error, 2)
	for _, d := range []*desktop{ada, ben} {
		d.until("a text", func() bool { return d.only() != nil })
		go func() { won <- d.ask(d.only(), desk.Claimed, nil) }()
	}
	a, b := <-won, <-won
	if lost := (&desk.Refusal{Code: desk.CodeClaimed}); (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), lost) {
		t.Fatalf("one must win and the other be told: %v, %v", a, b)
	}
}

func TestWordsGoOnlyToThoseEntitled(t *testing.T) {
	h := open(t, storetest.Memory())
	ada, ben, sue := h.sign("ada", desk.Specialist), h.sign("ben", desk.Specialist), h.sign("sue", desk.Supervisor)
	rex, adm := h.sign("rex", desk.Reviewer), h.sign("adm", desk.Administrator)
	h.carrier.text(t, "SM1", "the waiting words")
	c := ada.claim()
	ben.until("the claim", func() bool { return ben.only() != nil && ben.only().Owner == "ada" })
	h.carrier.text(t, "SM2", "the held words")
	last := func(d *desktop) *desk.Message {
		d.until("the second text", func() bool { return d.only() != nil && d.only().LastText > c.LastText })
		return d.only().Newest()
	}
	for d, may := range map[*desktop]bool{ada: true, ben: false, sue: true, rex: false, adm: false} {
		if m := last(d); (m.Text == "the held words") != may || m.Withheld == may {
			t.Errorf("%s (%s): has the words %t", d.name, d.role, m.Text != "")
		}
	}
	for _, d := range []*desktop{rex, adm} {
		if d.only().Messages[0].Text != "" {
			t.Errorf("a %s reads what waits", d.role)
		}
	}
	ben.end()
	if err := ben.Cache.Each(func(e store.Event) {
		if len(e.Body) > 0 {
			t.Errorf("a %s that ben never held lies on ben's disk with its words", e.Kind)
		}
	}); err != nil {
		t.Fatal(err)
	}
	ben.run()
	ben.until("to be back", func() bool { return ben.Status().InStep() })
	if err := ben.Open(t.Context(), c.ID, "curious"); !errors.Is(err, &desk.Refusal{Code: desk.CodeForbidden}) {
		t.Errorf("a colleague may open it: %v", err)
	}
}

// TestAuditEventsHoldNobodyUp: that a supervisor looked is an event which other consoles keep without its contents, and
// go on.
func TestAuditEventsHoldNobodyUp(t *testing.T) {
	h := open(t, storetest.Memory())
	ada, eve := h.sign("ada", desk.Specialist), h.sign("eve", desk.Supervisor)
	h.carrier.text(t, "SM1", "he locked me in")
	ada.until("a text", func() bool { return ada.only() != nil })
	ada.claim()
	eve.until("a holder", func() bool { c := eve.only(); return c != nil && c.Owner == "ada" })
	if err := eve.Open(t.Context(), eve.only().ID, "a second pair of eyes"); err != nil {
		t.Fatal(err)
	}
	if _, err := eve.Search(t.Context(), "motel"); err != nil {
		t.Fatal(err)
	}
	if _, err := ada.Search(t.Context(), "aunt"); err != nil {
		t.Fatal(err)
	}
	h.carrier.text(t, "SM2", "are you there")
	ada.until("the next text", func() bool { return len(ada.only().Messages) == 2 })
	ada.until("all to be told", func() bool {
		outbox, err := ada.Cache.Outbox()
		return err == nil && len(outbox) == 0
	})
	events, err := ada.Cache.Conversation(ada.only().ID)
	if err != nil || len(events) != 3 {
		t.Fatal(len(events), err)
	}
	var searched []string
	eve.until("both searches", func() bool {
		searched = nil
		_ = eve.Cache.Each(func(e store.Event) {
			if e.Kind == desk.Searched {
				searched = append(searched, e.Actor)
			}
		})
		return len(searched) == 2
	})
	slices.Sort(searched)
	if !slices.Equal(searched, []string{"ada", "eve"}) {
		t.Errorf("a supervisor sees that %v searched", searched)
	}
	err = ada.Cache.Each(func(e store.Event) {
		if (e.Kind == desk.Viewed || e.Kind == desk.Searched) && (e.Actor != "" || len(e.Body) > 0 || e.Head.Ref != "") {
			t.Errorf("a specialist's console has who looked: %v", e)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewConsoleBeginsWithASnapshot(t *testing.T) {
	h := open(t, storetest.Memory())
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "first words")
	c := ada.claim()
	ada.must(c, desk.NoteAdded, desk.Note{Text: "a note"})
	ben := h.sign("ben", desk.Specialist)
	if got := ben.only(); got == nil || got.Owner != "ada" || got.Newest().Text != "" || len(got.Notes) != 1 || got.Notes[0].Text != "" {
		t.Fatalf("ben's first picture: %+v", got)
	}
}

func TestOfflineNoteAndPlanOutliveATakeover(t *testing.T) {
	h := open(t, storetest.Memory())
	ada, sue := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor)
	h.carrier.text(t, "SM1", "hello")
	c := ada.claim()
	ada.end()
	ada.must(c, desk.NoteAdded, desk.Note{Text: "written on the train"})
	if err := ada.ask(c, desk.Released, nil); !errors.Is(err, client.ErrOffline) {
		t.Fatalf("released without a relay: %v", err)
	}
	here, err := ada.Conversation(c.ID)
	if err != nil || len(here.Notes) != 1 || here.Notes[0].Text != "written on the train" {
		t.Fatalf("the note is not to be seen offline: %v", err)
	}
	sue.until("the text", func() bool { return sue.only() != nil && sue.only().Owner == "ada" })
	sue.must(sue.only(), desk.TakenOver, desk.Because{Reason: "ada is offline"})
	ada.run()
	ada.until("why it was taken over", func() bool {
		turns := ada.only().Turns
		return len(turns) > 0 && slices.ContainsFunc(turns, func(t *desk.Turn) bool { return t.Kind == desk.TakenOver && t.Reason == "ada is offline" })
	})
	sue.until("the note", func() bool { return len(sue.only().Notes) == 1 })
	if n := sue.only().Notes[0]; n.Author != "ada" || n.Text != "written on the train" {
		t.Fatalf("the note arrived as %s's", n.Author)
	}
	ada.until("the outbox to empty", func() bool { es, _ := ada.Cache.Outbox(); return len(es) == 0 })
}

func TestRelayKilledBetweenStartAndOutcome(t *testing.T) {
	log := storetest.Memory()
	h := open(t, log)
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "hello")
	c := ada.claim()
	posted, hang := make(chan struct{}), make(chan struct{})
	h.carrier.sends(func(context.Context, gateway.Outgoing) (string, error) {
		close(posted)
		<-hang
		return "", context.DeadlineExceeded
	})
	ada.must(c, desk.ReplyQueued, desk.Reply{Text: "I am here", Now: true})
	<-posted
	close(hang)
	ada.until("the outcome", func() bool {
		m := ada.only().Messages[len(ada.only().Messages)-1]
		return m.Delivery == desk.StatusUnknown
	})
	if got := len(h.carrier.texts()); got != 1 {
		t.Fatalf("posted %d times", got)
	}
}

func TestHelpAndStop(t *testing.T) {
	h := open(t, storetest.Memory())
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "HELP")
	ada.until("the answer to HELP", func() bool { return len(h.carrier.texts()) == 1 && ada.only() != nil && ada.only().Next() == nil })
	h.carrier.text(t, "SM2", "stop")
	h.carrier.text(t, "SM3", "STOP")
	ada.until("the confirmation", func() bool { return len(h.carrier.texts()) == 2 && ada.only().Next() == nil })
	for _, m := range h.carrier.texts() {
		if s := sms.Segments(m.Body.Reveal()); s.Segments != 1 || s.Encoding != "GSM-7" {
			t.Errorf("an automatic text takes %d segments of %s", s.Segments, s.Encoding)
		}
	}
	if err := ada.ask(ada.claim(), desk.ReplyQueued, desk.Reply{Text: "hello", Now: true}); !errors.Is(err, &desk.Refusal{Code: desk.CodeOptedOut}) {
		t.Fatalf("a reply after STOP: %v", err)
	}
	if got := len(h.carrier.texts()); got != 2 {
		t.Fatalf("%d texts went out", got)
	}
}

func TestFailedLogStopsTheRelay(t *testing.T) {
	log := storetest.Failing(storetest.Memory())
	h := open(t, log)
	<-h.carrier.up
	log.Break(errors.New("no space left on device"))
	err := h.carrier.recv.Receive(t.Context(), gateway.Inbound{SID: "SM1", From: texter, To: "233733", Body: "hello"})
	if err == nil {
		t.Fatal("a text that is not on disk was acknowledged")
	}
	if err := h.stop(); !errors.Is(err, store.ErrBroken) {
		t.Fatalf("Serve ended with %v", err)
	}
}
