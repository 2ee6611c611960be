package relay_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// A healing log can be opened again once its disk lets it.
type healing struct {
	*storetest.FailingLog
	can    atomic.Bool
	mended atomic.Int64
}

func (h *healing) Mend(context.Context) error {
	h.mended.Add(1)
	if !h.can.Load() {
		return errors.New("no space left on device")
	}
	h.FailingLog.Mend()
	return nil
}

func (h *healing) Probe() error { return nil }

// TestDeskComesBack: while the log cannot write, everybody is told at once to come again; who can wait is served when it
// can, with what was on disk and nothing twice.
func TestDeskComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &healing{FailingLog: storetest.Failing(storetest.Memory())}
		d, err := relay.NewDesk(t.Context(), log, desk.Policy{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		if _, err := d.Do(t.Context(), inbound("SM1")); err != nil {
			t.Fatal(err)
		}
		log.Break(errors.New("no space left on device"))
		began := time.Now()
		for range 10 {
			if _, err := d.Do(t.Context(), inbound("SM2")); err == nil {
				t.Fatal("acknowledged what is not on disk")
			}
		}
		if time.Since(began) != 0 {
			t.Errorf("it took %v to be told", time.Since(began))
		}
		waited := make(chan error, 1)
		go func() {
			_, err := d.Patiently(t.Context(), inbound("SM2"))
			waited <- err
		}()
		time.Sleep(time.Minute)
		if n := log.mended.Load(); n < 10 || n > 20 {
			t.Errorf("opened again %d times in a minute", n)
		}
		if err := d.Probe(t.Context()); err == nil {
			t.Error("it says that it writes")
		}
		log.can.Store(true)
		if err := <-waited; err != nil {
			t.Error(err)
		}
		if err := d.Probe(t.Context()); err != nil {
			t.Error(err)
		}
		for _, sid := range []string{"SM1", "SM2", "SM3"} {
			if _, err := d.Do(t.Context(), inbound(sid)); err != nil {
				t.Error(sid, err)
			}
		}
		if d.Head().Seq != 3 {
			t.Errorf("%d events", d.Head().Seq)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestAnswerLost: an append that failed after its events were written is not tried again; they are found when the log is
// read over.
func TestAnswerLost(t *testing.T) {
	log := &healing{FailingLog: storetest.Failing(storetest.Memory())}
	log.can.Store(true)
	d := startDesk(t, log)
	log.FailAfterAppend(errors.New("input/output error"))
	if _, err := d.Do(t.Context(), inbound("SM1")); err == nil {
		t.Fatal("acknowledged in spite of the failure")
	}
	if _, err := d.Patiently(t.Context(), inbound("SM1")); err != nil {
		t.Fatal(err)
	}
	if d.Head().Seq != 1 || d.Conversation("fresh-SM1") == nil {
		t.Fatalf("%d events", d.Head().Seq)
	}
}

// A shortened log comes back without its last event.
type shortened struct{ *healing }

func (s shortened) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	es, head, err := s.healing.Read(ctx, after, limit)
	if s.mended.Load() > 0 && len(es) > 0 {
		return es[:len(es)-1], store.Position{Epoch: head.Epoch, Seq: head.Seq - 1}, err
	}
	return es, head, err
}

// TestAcknowledgedAndGone: a log that lost what was acknowledged is not gone on with.
func TestAcknowledgedAndGone(t *testing.T) {
	log := shortened{&healing{FailingLog: storetest.Failing(storetest.Memory())}}
	log.can.Store(true)
	d, err := relay.NewDesk(t.Context(), log, desk.Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(t.Context()) }()
	if _, err := d.Do(t.Context(), inbound("SM1")); err != nil {
		t.Fatal(err)
	}
	log.FailAppend(errors.New("input/output error"))
	_, _ = d.Do(t.Context(), inbound("SM2"))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "restore it from a backup") {
		t.Fatalf("the desk ended with %v", err)
	}
}

// TestDataMends: a data folder's log is opened again in its place; who reads meanwhile waits.
func TestDataMends(t *testing.T) {
	dir := t.TempDir()
	data, err := relay.OpenData(t.Context(), filepath.Join(dir, "data"), relay.KeyFile(filepath.Join(dir, "data")))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	d := startDesk(t, data)
	for _, sid := range []string{"SM1", "SM2"} {
		if _, err := d.Do(t.Context(), inbound(sid)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(data.Mend(t.Context()), data.Probe()); err != nil {
			t.Fatal(err)
		}
	}
	es, head, err := data.Read(t.Context(), store.Position{}, 10)
	if err != nil || len(es) != 2 || head.Seq != 2 {
		t.Fatal(len(es), head, err)
	}
}

// unheard is a town with a disk that can be full, in which one conversation is held and the carrier tells of no text what
// became of it.
func unheard(t *testing.T) (*town, *healing, *desk.Conversation) {
	t.Helper()
	w := newTown(t, twiliotest.Config{})
	log := &healing{FailingLog: storetest.Failing(w.log)}
	w.log = log
	w.twilio.Callbacks(twiliotest.Plans["none"])
	w.start()
	w.sit()
	return w, log, w.meet(1)[0]
}

// TestStoppedWithATextUnderWay: a relay that is told to stop does so within its time, though a text is under way of which
// the carrier says nothing, or whose outcome cannot be written down; the next one finds that out.
func TestStoppedWithATextUnderWay(t *testing.T) {
	for name, tt := range map[string]struct {
		carrier twiliotest.Fault
		full    time.Duration // how long before the disk is
	}{
		"disk full":                      {twiliotest.Fault{Kind: twiliotest.Delay, After: 2 * time.Second}, 10 * time.Second},
		"carrier hangs":                  {twiliotest.Fault{Kind: twiliotest.AcceptThenHang}, 0},
		"carrier hangs and disk is full": {twiliotest.Fault{Kind: twiliotest.AcceptThenHang}, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, log, c := unheard(t)
				defer w.close()
				w.twilio.Next(tt.carrier)
				w.say(c, "I am here")
				w.within(time.Minute, "the request", func() bool { return w.twilio.Posts() == 1 })
				if tt.full > 0 {
					log.Break(errors.New("no space left on device"))
				}
				time.Sleep(tt.full)
				began := time.Now()
				w.stop()
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("it took %v to stop", took)
				}
				log.can.Store(true)
				log.FailingLog.Mend()
				w.start()
				if sent, _ := w.fates(w.settled(10*time.Minute, 1)); sent != 1 {
					t.Errorf("it went out %d times", sent)
				}
			})
		})
	}
}

// TestReplyBehindOthers: what a reply waits behind what its console asked before, in the relay or in the connection, is part
// of its age.
func TestReplyBehindOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		notes  int           // that were asked for before
		broken time.Duration // for which the log cannot be written to
		sent   bool
	}{
		"a note for less than a minute": {notes: 1, broken: 50 * time.Second, sent: true},
		"a note for longer":             {notes: 1, broken: 90 * time.Second},
		"more than there is room for":   {notes: 100, broken: 90 * time.Second},
		"a flood":                       {notes: 1500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &healing{FailingLog: storetest.Failing(storetest.Memory())}
				f := fortified(t, func(c *relay.Config) { c.Log = log })
				f.log = log
				f.wantText(carriers, "SM1")
				hello, err := log.Find(t.Context(), "SM1")
				if err != nil {
					t.Fatal(err)
				}
				ada := f.member("ada", desk.Specialist)
				ws, err := f.signIn("192.0.2.1", ada)
				if err != nil {
					t.Fatal(err)
				}
				defer ws.Close()
				ask := func(n int, kind store.Kind, claim uint64, body string) {
					write(t, ws, wire.Frame{Command: &desk.Command{
						ID: store.DeviceID(ada.device, uint64(n)), Kind: kind, Conversation: hello.Conversation,
						Claim: claim, Seen: hello.Seq, Body: []byte(body),
					}})
				}
				answer := func(n int) (got wire.Frame) {
					t.Helper()
					for id := store.DeviceID(ada.device, uint64(n)); (got.Ack == nil || got.Ack.ID != id) && (got.Refused == nil || got.Refused.ID != id); {
						got = wire.Frame{}
						read(t, ws, &got)
					}
					return got
				}
				var asking sync.WaitGroup
				asking.Go(func() { ask(1, desk.Claimed, 0, "null") })
				claim := answer(1).Ack.Seq
				asking.Wait()
				if tt.broken > 0 {
					log.Break(errors.New("no space left on device"))
					time.AfterFunc(tt.broken, func() { log.can.Store(true) })
				}
				reply := tt.notes + 2
				go func() {
					for n := range tt.notes {
						ask(n+2, desk.NoteAdded, 0, `{"text":"a note"}`)
					}
					ask(reply, desk.ReplyQueued, claim, `{"text":"I am here"}`)
				}()
				if got := answer(reply); (got.Ack != nil) != tt.sent || !tt.sent && got.Refused.Code != desk.CodeTooOld {
					t.Errorf("%+v, %+v", got.Ack, got.Refused)
				}
				ws.Close()
				if err := f.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAskingTheCarrierWhileTheDiskIsFull: that what became of a text cannot be written down ends nothing; it is found
// again.
func TestAskingTheCarrierWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, log, c := unheard(t)
		defer w.close()
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.AcceptThen500})
		w.say(c, "I am here")
		w.within(time.Minute, "it to be unknown", func() bool { return w.replies()["I am here"].Delivery == desk.StatusUnknown })
		log.Break(errors.New("no space left on device"))
		time.Sleep(time.Minute)
		log.can.Store(true)
		if sent, _ := w.fates(w.settled(10*time.Minute, 1)); sent != 1 {
			t.Errorf("it went out %d times", sent)
		}
	})
}
