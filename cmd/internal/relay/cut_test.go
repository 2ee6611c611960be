package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/client"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/storetest"
	"befree.example/store/triage"
)

// A cable is a network within the process: it obeys the test's clock, and the test says where it breaks.
type cable struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newCable() *cable { return &cable{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (c *cable) Accept() (net.Conn, error) {
	select {
	case conn := <-c.conns:
		return conn, nil
	case <-c.closed:
		return nil, net.ErrClosed
	}
}

func (c *cable) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *cable) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8233} }

// dial connects, over a conn that breaks once so many bytes have come to the console; 0 for never.
func (c *cable) dial(breakAfter func() int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case c.conns <- local{there}:
			return &brittle{Conn: here, left: breakAfter()}, nil
		case <-c.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// local is a conn that says that it is of this machine, as the relay asks of one without TLS.
type local struct{ net.Conn }

func (local) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8233} }

type brittle struct {
	net.Conn
	left int
}

func (b *brittle) Read(p []byte) (int, error) {
	if b.left == 0 {
		return b.Conn.Read(p)
	}
	if b.left == 1 {
		b.Close()
		return 0, errors.New("cut")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left-1)])
	b.left -= n
	return n, err
}

// TestCutAtEveryByte breaks a console's connection after each number of bytes from the first to beyond all that there
// is to say (after each tenth under the race detector), while texts go on coming. In the end the console has every event once, and all its notes are at the relay.
func TestCutAtEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const last = 2600
		log, c, texts := storetest.Memory(), newCable(), &carrier{up: make(chan struct{})}
		staff := relay.StaffFile(filepath.Join(t.TempDir(), "staff.toml"))
		code, err := staff.Add("ada", desk.Specialist)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() {
			served <- relay.Serve(ctx, relay.Config{
				Listener: c, Log: log, Number: "233733", Gateway: texts, Inbound: texts.inbound,
				Enrolment: staff, Rules: triage.Default(), Logger: slog.New(slog.DiscardHandler),
			})
		}()
		texts.text(t, "SM0", "hello")
		cache := openCache(t, filepath.Join(t.TempDir(), "cache.db"), "ada")
		defer cache.Close()
		conf := client.Config{URL: "ws://127.0.0.1:8233/line", Cache: cache, Dial: c.dial(func() int { return 0 })}
		if _, err := client.Enrol(ctx, conf, code); err != nil {
			t.Fatal(err)
		}
		cut := 0
		whole := make(chan struct{})
		conf.Dial = c.dial(func() int {
			cut += cutStep
			if cut > last {
				close(whole)
				return 0
			}
			if cut%(20*cutStep) == 0 && cache.Position().Seq > 0 { // something new now and then, while nobody may be listening
				err := texts.recv.Receive(t.Context(), gateway.Inbound{SID: fmt.Sprintf("SM%d", cut), From: texter, To: "233733", Body: "still here"})
				if err != nil {
					t.Error(err)
				}
			}
			return cut
		})
		cl, err := client.New(conf)
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error, 1)
		go func() { ran <- cl.Run(ctx) }()
		d := &desktop{Client: cl, t: t, name: "ada", role: desk.Specialist}
		notes := 0
		for done := false; !done; {
			select {
			case <-whole:
				done = true
			case <-time.After(10 * time.Minute):
				if conversation := d.only(); conversation != nil && d.write(conversation, notes) {
					notes++
				}
			}
		}
		synctest.Wait()
		d.untilSettled(notes)
		d.same(log)
		cancel()
		if err := errors.Join(<-ran, <-served); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSnapshotThatBreaksOff: what came of a snapshot before the connection broke says nothing of what there is by the
// time that the console is back.
func TestSnapshotThatBreaksOff(t *testing.T) {
	beyond := false // the cut, all that there is to say
	for cut := 1000; !beyond; cut += 500 {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, twiliotest.Config{})
			defer w.close()
			w.start()
			w.sit()
			all := w.meet(10)
			code, err := w.staff.Add("ben", desk.Specialist)
			if err != nil {
				t.Fatal(err)
			}
			cache := openCache(t, filepath.Join(w.dir, "ben.db"), "ben")
			defer cache.Close()
			conf := client.Config{URL: line, Cache: cache, Dial: w.in.console(func() int { return 0 })}
			if _, err := client.Enrol(t.Context(), conf, code); err != nil {
				t.Fatal(err)
			}
			first := true
			broken := w.in.console(func() int { return cut })
			conf.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if first {
					first = false
					return broken(ctx, network, address)
				}
				for _, c := range all { // meanwhile
					if _, err := w.ada.Do(ctx, command(c, desk.Closed, desk.Closing{Disposition: "safe for now"})); err != nil {
						t.Error(err)
					}
				}
				all = nil
				return w.in.console(func() int { return 0 })(ctx, network, address)
			}
			d := &desktop{t: t, name: "ben"}
			if d.Client, err = client.New(conf); err != nil {
				t.Fatal(err)
			}
			d.run()
			defer d.end()
			time.Sleep(time.Minute)
			if !d.Status().InStep() {
				t.Fatalf("%+v", d.Status())
			}
			if beyond = all != nil; beyond {
				return
			}
			d.View(func(s *desk.State) {
				for c := range s.Conversations() {
					if c.Phase != desk.ClosedNow {
						t.Errorf("cut after %d bytes: one is %s, and all are closed", cut, c.Phase)
					}
				}
			})
		})
	}
}

// TestClaimThatBreaksOff: who holds a conversation has its words on this disk, wherever the connection broke on which they
// were on their way.
func TestClaimThatBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		w.start()
		w.sit()
		code, err := w.staff.Add("ben", desk.Specialist)
		if err != nil {
			t.Fatal(err)
		}
		cache := openCache(t, filepath.Join(w.dir, "ben.db"), "ben")
		defer cache.Close()
		var cut atomic.Int64
		conf := client.Config{URL: line, Cache: cache, Dial: w.in.console(func() int { return int(cut.Load()) })}
		if _, err := client.Enrol(t.Context(), conf, code); err != nil {
			t.Fatal(err)
		}
		for i := range 40 { // from before the claim to beyond its words
			w.text(i, "he locked me in", false)
			d := &desktop{t: t, name: "ben"}
			if d.Client, err = client.New(conf); err != nil {
				t.Fatal(err)
			}
			cut.Store(int64(1200 + 100*i))
			d.run()
			time.Sleep(3 * time.Second)
			var c *desk.Conversation
			d.View(func(s *desk.State) {
				for o := range s.Conversations() {
					if o.Phase == desk.Waiting {
						c = o
					}
				}
			})
			if c != nil {
				_, _ = d.Do(t.Context(), command(c, desk.Claimed, nil))
			}
			cut.Store(0)
			time.Sleep(time.Minute)
			var held []string
			d.View(func(s *desk.State) { held = s.Holds("ben") })
			for _, id := range held {
				es, err := cache.Conversation(id)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range es {
					if e.Kind == desk.Received && len(e.Body) == 0 {
						t.Errorf("cut after %d bytes: event %d of what ben holds has no words", 1200+100*i, e.Seq)
					}
				}
			}
			d.end()
		}
	})
}

// write claims the conversation if that is not done, else adds a note; it says whether a note was written.
func (d *desktop) write(c *desk.Conversation, n int) bool {
	if c.Owner != d.name {
		_, _ = d.Do(d.t.Context(), desk.Command{Kind: desk.Claimed, Conversation: c.ID}) // cut off as likely as not
		return false
	}
	_, err := d.Do(d.t.Context(), desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: fmt.Appendf(nil, `{"text":"note %d"}`, n)})
	if err != nil {
		d.t.Fatal(err)
	}
	return true
}

func (d *desktop) untilSettled(notes int) {
	d.t.Helper()
	d.until("all to be in step", func() bool {
		outbox, err := d.Cache.Outbox()
		return err == nil && len(outbox) == 0 && d.Status().InStep() && len(d.only().Notes) == notes
	})
	if notes == 0 {
		d.t.Fatal("nothing was written meanwhile")
	}
}

// same tells whether the console has every event of the log once and makes of them what they amount to.
func (d *desktop) same(log store.Log) {
	d.t.Helper()
	events, head, err := log.Read(d.t.Context(), store.Position{}, 1<<20)
	if err != nil {
		d.t.Fatal(err)
	}
	outside := func(e store.Event) bool { return e.Conversation == "" } // of all chains: a new console gets conversations
	events = slices.DeleteFunc(events, outside)
	var here []uint64
	err = d.Cache.Each(func(e store.Event) {
		if !outside(e) {
			here = append(here, e.Seq)
		}
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if len(here) != len(events) || d.Cache.Position() != head {
		d.t.Fatalf("the cache has %d events of %d, up to %d", len(here), len(events), d.Cache.Position().Seq)
	}
	want, got := desk.Fold(events), d.only()
	if len(got.Messages) != len(want.Messages) || len(got.Notes) != len(want.Notes) || got.Owner != want.Owner {
		d.t.Fatalf("%d messages, %d notes, owner %q; want %d, %d, %q", len(got.Messages), len(got.Notes), got.Owner,
			len(want.Messages), len(want.Notes), want.Owner)
	}
	for i, m := range got.Messages {
		if m.Text != want.Messages[i].Text {
			d.t.Fatalf("message %d has other words", i)
		}
	}
}
