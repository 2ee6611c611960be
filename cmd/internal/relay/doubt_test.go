package relay_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/store/desk"
)

// TestSendCutAtEveryByte cuts the connection to the carrier after each number of bytes of the request and of the answer,
// a reply each, while callbacks come, come early, come twice, come backwards and never come. In the end each reply went
// out once.
func TestSendCutAtEveryByte(t *testing.T) {
	plans := []string{"none", "delivered", "early", "doubled", "reordered"}
	const step = 5 // each plan begins at another byte, so together they are all
	for first, plan := range plans[:cutPlans] {
		t.Run(plan, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, twiliotest.Config{})
				defer w.close()
				w.twilio.Callbacks(twiliotest.Plans[plan])
				w.start()
				w.sit()
				const n = 300
				all := w.meet(n)
				next, whole := first-step, 0
				w.cuts(func() int { next += step; return next }, nil)
				for i, c := range all {
					w.say(c, fmt.Sprintf("I am here, number %03d", i))
				}
				done := w.settled(10*time.Minute, n)
				sent, drafts := w.fates(done)
				for _, m := range done {
					if m.Attempt == 1 && len(kept(t, w.log, desk.SendUnknown)) > 0 && m.Again == "" {
						whole++
					}
				}
				unknown := len(kept(t, w.log, desk.SendUnknown))
				t.Logf("%d were unknown, %d of them sent once more; %d went out once, %d are drafts", unknown, n-whole, sent, drafts)
				if sent != n || unknown < n*4/5 || unknown == n {
					t.Errorf("%d replies, %d went out once, %d were unknown: the cuts do not reach from the first byte to beyond the last", n, sent, unknown)
				}
			})
		})
	}
}

// TestThousandAmbiguousSends: whatever the carrier and the network do to 1,200 replies, none goes out twice by itself,
// and none stays unknown once the carrier answers.
func TestThousandAmbiguousSends(t *testing.T) {
	const n, batch = ambiguous, 100
	unknown := 0
	for _, seed := range seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, seed))
				w := newTown(t, twiliotest.Config{})
				defer w.close()
				w.start()
				w.sit()
				all := w.meet(n)
				d := newDice(seed)
				w.loses(func() bool { return d.One(3) }) // callbacks, and what brings them again
				w.cuts(nil, func() int {
					if d.One(6) {
						return 300
					}
					return -1
				})
				for at := 0; at < n; at += batch {
					plans := []string{"none", "delivered", "early", "doubled", "reordered", "undelivered"}
					w.twilio.Callbacks(twiliotest.Plans[plans[r.IntN(len(plans))]])
					lag := time.Duration(r.IntN(15)) * time.Second
					w.twilio.Lists(twiliotest.Fault{}, lag)
					w.twilio.Next(faults(r, batch)...)
					for i, c := range all[at : at+batch] {
						w.say(c, fmt.Sprintf("I am here, number %04d", at+i))
					}
					time.Sleep(time.Duration(r.IntN(120)) * time.Second)
					if r.IntN(3) == 0 { // all that is under way has its outcome; what is unknown is taken up again
						w.restart()
					}
				}
				done := w.settled(time.Hour, n)
				sent, drafts := w.fates(done)
				u := len(kept(t, w.log, desk.SendUnknown))
				unknown += u
				t.Logf("%d sends were ambiguous, %d shown to be absent; %d replies went out once, %d are drafts", u, len(kept(t, w.log, desk.SendAbsent)), sent, drafts)
				if u < n*5/6 || drafts > n/2 {
					t.Errorf("%d ambiguous sends, %d drafts", u, drafts)
				}
			})
		})
	}
	t.Logf("%d ambiguous sends", unknown)
}

// seeds are one that never changes; more where BEFREE_SEEDS says how many, for a long night. BEFREE_SEED gives one again,
// by the number that stands in the name of the test that failed.
func seeds() []uint64 {
	if one, err := strconv.ParseUint(os.Getenv("BEFREE_SEED"), 10, 64); err == nil {
		return []uint64{one}
	}
	n, _ := strconv.Atoi(os.Getenv("BEFREE_SEEDS"))
	all := []uint64{1}
	for len(all) < n {
		all = append(all, rand.Uint64())
	}
	return all
}

// faults are what becomes of the next n requests: hardly any gets a clear answer.
func faults(r *rand.Rand, n int) (all []twiliotest.Fault) {
	for range n {
		f := twiliotest.Fault{Kind: []string{
			twiliotest.Fail500, twiliotest.Reset, twiliotest.Hang, twiliotest.AcceptThen500, twiliotest.AcceptThenReset,
			twiliotest.AcceptThenHang, twiliotest.AcceptLate, twiliotest.AcceptThen500, twiliotest.AcceptThenReset, twiliotest.AcceptLate,
		}[r.IntN(10)]}
		if f.Kind == twiliotest.AcceptLate { // up to 10 s after we have given up
			f.After = time.Duration(1+r.IntN(24)) * time.Second
		}
		all = append(all, f)
	}
	return all
}

// TestCarrierThatDoesNotSay: while it does not answer, a text stays unknown; half an hour later it does, and all is clear.
func TestCarrierThatDoesNotSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		w.twilio.Callbacks(twiliotest.Plans["none"])
		w.start()
		w.sit()
		all := w.meet(2)
		w.twilio.Lists(twiliotest.Fault{Kind: twiliotest.Fail500}, 0)
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.AcceptThen500}, twiliotest.Fault{Kind: twiliotest.Fail500})
		w.say(all[0], "taken")
		w.within(time.Minute, "the first request", func() bool { return w.twilio.Posts() == 1 })
		w.say(all[1], "not taken")
		time.Sleep(30 * time.Minute)
		for words, m := range w.replies() {
			if m.Delivery != desk.StatusUnknown {
				t.Errorf("%q is %s though nobody knows", words, m.Delivery)
			}
		}
		if asked := w.twilio.Listed(); asked > 120 {
			t.Errorf("the carrier was asked %d times in 30 minutes", asked)
		}
		w.twilio.Lists(twiliotest.Fault{}, 0)
		done := w.settled(time.Hour, 2)
		w.fates(done)
		if m := done["not taken"]; m.Delivery != desk.StatusWithdrawn || m.Trouble != "It could not be sent in time." {
			t.Errorf("it is %s: %s", m.Delivery, m.Trouble)
		}
	})
}

// TestCarrierThatDoesNotSayForThreeDays: however long it does not answer, once it does all is clear.
func TestCarrierThatDoesNotSayForThreeDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, c := unheard(t)
		defer w.close()
		w.twilio.Lists(twiliotest.Fault{Kind: twiliotest.Fail500}, 0)
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.AcceptThen500}, twiliotest.Fault{Kind: twiliotest.Fail500})
		w.say(c, "taken")
		w.within(time.Minute, "the first request", func() bool { return w.twilio.Posts() == 1 })
		w.say(c, "not taken")
		w.within(time.Minute, "the second", func() bool { return w.twilio.Posts() == 2 })
		w.ada.end() // three days of her pings say nothing
		w.ada.Cache.Close()
		w.ada = nil
		time.Sleep(73 * time.Hour)
		w.twilio.Lists(twiliotest.Fault{}, 0)
		w.fates(w.settled(time.Hour, 2))
	})
}

// TestLostCallback: that the carrier gave up on a reply is known though none of its callbacks came.
func TestLostCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		w.start()
		w.sit()
		c := w.meet(1)[0]
		w.twilio.Callbacks(twiliotest.Plans["undelivered"])
		w.loses(func() bool { return true })
		w.say(c, "I am here")
		time.Sleep(2 * time.Minute)
		w.loses(func() bool { return false })
		if m := w.replies()["I am here"]; m.Delivery != desk.StatusAccepted {
			t.Fatalf("without a callback it is %s", m.Delivery)
		}
		w.within(30*time.Minute, "its end", func() bool { return w.replies()["I am here"].Delivery == desk.StatusUndelivered })
		if m := w.replies()["I am here"]; m.Code == 0 || m.Trouble == "" {
			t.Errorf("code %d: %q", m.Code, m.Trouble)
		}
	})
}

// TestCarriersPace: a 429 quiets everything for as long as the carrier says; what cannot wait so long is a draft when it
// is too old, and not when the quiet ends.
func TestCarriersPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		w.start()
		w.sit()
		all := w.meet(3)
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.TooMany, After: 20 * time.Second})
		w.say(all[0], "one")
		w.within(time.Minute, "the first request", func() bool { return w.twilio.Posts() == 1 })
		w.say(all[1], "two")
		time.Sleep(19 * time.Second)
		if w.twilio.Posts() != 1 {
			t.Fatalf("%d requests while the carrier asked for none", w.twilio.Posts())
		}
		if sent, _ := w.fates(w.settled(time.Minute, 2)); sent != 2 {
			t.Fatalf("%d went out", sent)
		}
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.TooMany, After: 20 * time.Minute})
		began := time.Now()
		w.say(all[2], "three")
		done := w.settled(2*time.Minute, 3)
		if m := done["three"]; m.Delivery != desk.StatusWithdrawn || time.Since(began) > 90*time.Second || w.twilio.Posts() != 4 {
			t.Fatalf("after %v it is %s, in %d requests", time.Since(began), m.Delivery, w.twilio.Posts())
		}
	})
}

// TestOrder: while it is looked for, a text that is unknown holds back what was queued before that was known; what was
// written by somebody who saw it goes, and then the first one comes back as a draft instead of going out last.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		w.start()
		w.sit()
		all := w.meet(2)
		long := fmt.Sprintf("%01500d", 1)
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.Delay, After: 10 * time.Second}, twiliotest.Fault{}, twiliotest.Fault{Kind: twiliotest.Hang})
		w.say(all[0], long)
		w.say(all[0], "short")
		done := w.settled(time.Minute, 2)
		if sent := w.twilio.Sent(); len(sent) != 2 || sent[0].Body != long {
			t.Fatalf("a long text was overtaken: %s, %s", done[long].Delivery, done["short"].Delivery)
		}
		w.say(all[1], "first")
		w.say(all[1], "queued before")
		time.Sleep(20 * time.Second)
		if got := w.replies(); got["first"].Delivery != desk.StatusUnknown || got["queued before"].Delivery != desk.StatusWaiting {
			t.Fatalf("first %s, then %s", got["first"].Delivery, got["queued before"].Delivery)
		}
		w.settled(time.Minute, 4)
		if sent := w.twilio.Sent(); len(sent) != 4 || sent[2].Body != "first" || sent[3].Body != "queued before" {
			t.Fatalf("%d went out, the order is not that of writing", len(sent))
		}
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.Fail500})
		w.say(all[1], "second")
		w.within(time.Minute, "it to be unknown", func() bool { return w.replies()["second"].Delivery == desk.StatusUnknown })
		w.say(all[1], "written since")
		last := w.settled(2*time.Minute, 6)
		if last["written since"].Delivery.Lost() || last["second"].Delivery != desk.StatusWithdrawn || last["second"].Trouble != "What was written after it has gone out already." {
			t.Fatalf("written since is %s; second is %s: %s", last["written since"].Delivery, last["second"].Delivery, last["second"].Trouble)
		}
	})
}
