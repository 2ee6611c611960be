package relay_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/storetest"
)

// A late log shows what it has before Append returns, as every log may.
type lateLog struct {
	store.Log
	appended chan struct{}
	release  chan struct{}
}

func (l *lateLog) Append(ctx context.Context, es ...store.Event) (uint64, error) {
	last, err := l.Log.Append(ctx, es...)
	l.appended <- struct{}{}
	<-l.release
	return last, err
}

func startDesk(t *testing.T, log store.Log) *relay.Desk {
	d, err := relay.NewDesk(t.Context(), log, desk.Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return d
}

func inbound(sid string) desk.Command {
	return desk.Command{ID: sid, Kind: desk.Received, Conversation: "fresh-" + sid, Actor: store.Texter, Number: texter, Body: []byte(`{"text":"hello"}`)}
}

func TestNobodyReadsAheadOfTheCommittedState(t *testing.T) {
	log := &lateLog{storetest.Memory(), make(chan struct{}, 1), make(chan struct{})}
	d := startDesk(t, log)
	done := make(chan error, 1)
	go func() {
		_, err := d.Do(t.Context(), inbound("SM1"))
		done <- err
	}()
	<-log.appended
	events, head, err := d.Read(t.Context(), store.Position{}, 10)
	if err != nil || len(events) != 0 || head.Seq != 0 || d.Conversation("fresh-SM1") != nil {
		t.Fatalf("%d events up to %d before anybody may know who reads them; %v", len(events), head.Seq, err)
	}
	select {
	case <-done:
		t.Fatal("acknowledged before it was on disk")
	case <-d.Changed(0):
		t.Fatal("told before it was on disk")
	default:
	}
	close(log.release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	<-d.Changed(0)
}

func TestRetriedCommandIsAnsweredAsTheFirstTime(t *testing.T) {
	d := startDesk(t, storetest.Memory())
	if _, err := d.Do(t.Context(), inbound("SM1")); err != nil {
		t.Fatal(err)
	}
	claim := desk.Command{ID: store.DeviceID("adaadaadaadaadaa", 1), Kind: desk.Claimed, Conversation: "fresh-SM1", Actor: "ada", Role: desk.Specialist}
	first, err := d.Do(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.Do(t.Context(), claim); err != nil || again != first {
		t.Fatalf("a retry gives %d, %v; the first time gave %d", again, err, first)
	}
	claim.Kind = desk.Released
	if _, err := d.Do(t.Context(), claim); !errors.Is(err, &desk.Refusal{Code: desk.CodeIDReused}) {
		t.Fatalf("one ID for two commands: %v", err)
	}
}

// TestALateTextIsNoNewerForWaiting: START at 0 s was missed, STOP at 1 s was brought; START is fetched at 20 s and waits for
// the disk.
func TestALateTextIsNoNewerForWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := storetest.Failing(storetest.Memory())
		d := startDesk(t, log)
		do := func(c desk.Command) {
			if _, err := d.Do(context.Background(), c); err != nil {
				t.Error(err)
			}
		}
		says := func(sid, words string, late time.Duration) desk.Command {
			c := inbound(sid)
			c.Body, c.Head = []byte(`{"text":"`+words+`"}`), store.Head{Late: late}
			return c
		}
		began := time.Now()
		time.Sleep(time.Second)
		do(says("SM1", "STOP", 0))
		time.Sleep(19 * time.Second)
		release := log.Hold()
		var both sync.WaitGroup
		both.Go(func() {
			other := inbound("SM2")
			other.Number = "+12025550101"
			do(other)
		})
		synctest.Wait()
		both.Go(func() { do(says("SM3", "START", time.Since(began))) })
		time.Sleep(8 * time.Second)
		release()
		both.Wait()
		d.View(func(s *desk.State) {
			if s.MayText(texter) {
				t.Error("the number may be texted, though STOP came last")
			}
		})
	})
}

// TestForgottenCommandStandsForNoOther: of a command that is forgotten the relay knows no more than whose it was and of
// which kind, and answers for no other.
func TestForgottenCommandStandsForNoOther(t *testing.T) {
	ring := seal.NewRing(seal.NewMaster(), new(seal.MemoryKeys), desk.ClassOf)
	d := startDesk(t, seal.NewLog(storetest.Memory(), ring))
	claim := desk.Command{ID: store.DeviceID("adaadaadaadaadaa", 1), Kind: desk.Claimed, Conversation: "fresh-SM1", Actor: "ada", Role: desk.Specialist}
	if _, err := d.Do(t.Context(), inbound("SM1")); err != nil {
		t.Fatal(err)
	}
	first, err := d.Do(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Shred("fresh-SM1", store.Facts); err != nil {
		t.Fatal(err)
	}
	if again, err := d.Do(t.Context(), claim); err != nil || again != first {
		t.Errorf("a retry gives %d, %v; the first time gave %d", again, err, first)
	}
	claim.Kind = desk.NumberRevealed
	if _, err := d.Do(t.Context(), claim); !errors.Is(err, &desk.Refusal{Code: desk.CodeIDReused}) {
		t.Errorf("another kind: %v", err)
	}
	claim.Kind, claim.Actor = desk.Claimed, "eve"
	if _, err := d.Do(t.Context(), claim); !errors.Is(err, &desk.Refusal{Code: desk.CodeIDReused}) {
		t.Errorf("somebody else: %v", err)
	}
}

func TestFailedAppendAcknowledgesNobodyAndShowsNothing(t *testing.T) {
	log := storetest.Failing(storetest.Memory())
	release := log.Hold()
	d, err := relay.NewDesk(t.Context(), log, desk.Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(context.Background()) }()
	answers := make(chan error, 3)
	for _, sid := range []string{"SM1", "SM2", "SM3"} {
		go func() {
			_, err := d.Do(t.Context(), inbound(sid))
			answers <- err
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := log.AwaitHeld(ctx, 1); err != nil {
		t.Fatal(err)
	}
	log.Break(errors.New("no space left"))
	release()
	for range 3 {
		if err := <-answers; err == nil {
			t.Fatal("acknowledged what is not on disk")
		}
	}
	if err := <-ended; !errors.Is(err, store.ErrBroken) {
		t.Fatalf("the desk ended with %v", err)
	}
	if d.Head().Seq != 0 {
		t.Fatal("the state shows what is not on disk")
	}
}

// TestAReplyGrowsOldInTheQueue: what a reply waits for the disk is part of its age, and one whose console has gone
// meanwhile is not sent: it may be a draft there again, and be sent once more. A text is kept though its carrier has gone.
func TestAReplyGrowsOldInTheQueue(t *testing.T) {
	for name, tt := range map[string]struct {
		held, patience time.Duration
		breaks         bool // the log does, in the end
		want           error
		sent           bool
	}{
		"in time":             {held: 50 * time.Second, patience: time.Hour, sent: true},
		"too late":            {held: 61 * time.Second, patience: time.Hour, want: &desk.Refusal{Code: desk.CodeTooOld}},
		"too late and broken": {held: 61 * time.Second, patience: time.Hour, breaks: true, want: &desk.Refusal{Code: desk.CodeTooOld}},
		"its console gone":    {held: 50 * time.Second, patience: 40 * time.Second, want: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &healing{FailingLog: storetest.Failing(storetest.Memory())}
				log.can.Store(true)
				d := startDesk(t, log)
				must := func(c desk.Command) {
					t.Helper()
					if _, err := d.Patiently(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				ada := func(n uint64, kind store.Kind) desk.Command {
					return desk.Command{ID: store.DeviceID("adaadaadaadaadaa", n), Kind: kind, Conversation: "fresh-SM1", Actor: "ada", Role: desk.Specialist}
				}
				must(inbound("SM1"))
				must(ada(1, desk.Claimed))
				c := d.Conversation("fresh-SM1")
				release := log.Hold()
				go func() { _, _ = d.Do(context.WithoutCancel(t.Context()), ada(2, desk.Viewed)) }()
				synctest.Wait() // it is being written
				ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
				defer cancel()
				answered := make(chan error, 1)
				go func() {
					r := ada(3, desk.ReplyQueued)
					r.Claim, r.Seen, r.Body = c.Claim, c.Seen(), []byte(`{"text":"I am here"}`)
					_, err := d.Patiently(ctx, r)
					answered <- err
				}()
				synctest.Wait()
				other := inbound("SM2")
				other.Number = "+12025550101"
				go func() { _, _ = d.Do(ctx, other) }()
				time.Sleep(tt.held)
				if tt.breaks {
					log.Break(errors.New("no space left on device"))
				}
				release()
				if err := <-answered; !errors.Is(err, tt.want) {
					t.Errorf("the answer is %v", err)
				}
				note := ada(4, desk.NoteAdded)
				note.Body = []byte(`{"text":"a note"}`)
				must(note)
				if sent := d.Conversation(c.ID).Message(store.DeviceID("adaadaadaadaadaa", 3)) != nil; sent != tt.sent {
					t.Errorf("sent: %t", sent)
				}
				if d.Conversation("fresh-SM2") == nil && !tt.breaks {
					t.Error("a text is lost")
				}
			})
		})
	}
}
