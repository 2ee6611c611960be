package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// whole waits until the log has every text that the carrier got, and looks whether it has each once, and those that were
// fetched late in the order in which they came, as far as that is told by number.
func (w *town) whole(d time.Duration) (late int) {
	w.t.Helper()
	place := map[string]int{}
	from := map[string]string{}
	for i, m := range w.twilio.Received() {
		place[m.SID], from[m.SID] = i, m.From
	}
	var events []store.Event
	for deadline := time.Now().Add(d); ; time.Sleep(time.Second) {
		if events = kept(w.t, w.log, desk.Received); len(events) >= len(place) || time.Now().After(deadline) {
			break
		}
	}
	seen, last := map[string]bool{}, map[string]int{}
	for _, e := range events {
		i, known := place[e.ID]
		if !known || seen[e.ID] {
			w.t.Errorf("a text stands in the log twice, or was never sent: known %t", known)
		}
		seen[e.ID] = true
		if !slices.Contains(e.Head.Flags, desk.FlagLate) {
			continue
		}
		late++
		if i < last[from[e.ID]] {
			w.t.Errorf("text %d was fetched after text %d of the same number", i, last[from[e.ID]])
		}
		last[from[e.ID]] = i
		if e.Head.Late <= 0 || desk.Read[desk.Text](e).Triage.Severity == "" {
			w.t.Errorf("a fetched text is %v late, and judged %q", e.Head.Late, desk.Read[desk.Text](e).Triage.Severity)
		}
	}
	if len(seen) != len(place) {
		w.t.Errorf("%d of %d texts are in the log after %v", len(seen), len(place), d)
	}
	return late
}

func (w *town) text(from int, body string, missed bool) {
	w.twilio.Text(w.t.Context(), twiliotest.Text{From: person(from), Body: body, Missed: missed})
}

// TestTextsOfAnOutage: what came while the relay was down for a weekend is fetched when it is back, though by then the
// first page of the list is full of texts that the webhooks brought.
func TestTextsOfAnOutage(t *testing.T) {
	inTown(t, twiliotest.Config{PageSize: 5}, func(t *testing.T, w *town) {
		w.text(0, "before", false)
		time.Sleep(3 * time.Hour)
		w.stop()
		for i := range 30 {
			w.text(i%3, fmt.Sprint("missed ", i), true)
			time.Sleep(97 * time.Minute)
		}
		w.twilio.Lists(twiliotest.Fault{Kind: twiliotest.Fail500}, 0) // and the carrier's list is not to be had at once
		w.start()
		time.Sleep(2 * time.Second)
		for i := range 12 {
			w.text(5+i, "brought", false)
		}
		w.stop() // in the middle of all this
		w.start()
		time.Sleep(time.Minute)
		w.twilio.Lists(twiliotest.Fault{}, 0)
		if late := w.whole(3 * time.Minute); late != 30 {
			t.Errorf("%d texts are marked as fetched late", late)
		}
		c := w.state().Conversation(kept(t, w.log, desk.Received)[0].Conversation)
		if got := c.Newest(); got.Late < time.Hour || !slices.Contains(got.Flags, desk.FlagLate) {
			t.Errorf("the newest is %v late, %q", got.Late, got.Flags)
		}
	})
}

// TestSweepIsCheap: with nothing to find, one question a minute, and a note in the log once an hour at most.
func TestSweepIsCheap(t *testing.T) {
	inTown(t, twiliotest.Config{}, func(t *testing.T, w *town) {
		before := w.twilio.Listed()
		for i := range 60 {
			w.text(i, "hello", false)
			time.Sleep(2 * time.Minute)
		}
		if asked := w.twilio.Listed() - before; asked < 115 || asked > 190 {
			t.Errorf("asked %d times in two hours", asked)
		}
		if notes := len(kept(t, w.log, desk.Swept)); notes > 4 {
			t.Errorf("%d notes in the log", notes)
		}
		if late := w.whole(time.Minute); late != 0 {
			t.Errorf("%d texts count as late, though each was brought", late)
		}
	})
}

// TestTextOnItsWayIsNotFetched: what the carrier still tries to bring is left to it, and is not late.
func TestTextOnItsWayIsNotFetched(t *testing.T) {
	inTown(t, twiliotest.Config{}, func(t *testing.T, w *town) {
		tries := 0
		w.loses(func() bool { tries++; return tries%6 != 0 }) // it comes through with the last try, after 3 s
		for i := range 100 {
			w.text(i%20, "hello", false)
		}
		if late := w.whole(time.Minute); late != 0 {
			t.Errorf("%d of 100 texts were fetched while they were on their way", late)
		}
	})
}

// TestGapIsLookedInto: on a busy line nobody waits for the minute to end when nothing comes any more.
func TestGapIsLookedInto(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		w.start()
		for i := range 120 {
			w.text(i%20, "hello", false)
			time.Sleep(time.Second)
		}
		w.text(0, "he is back", true)
		missed := time.Now()
		w.within(31*time.Second, "the text that was not brought", func() bool { return len(kept(t, w.log, desk.Received)) == 121 })
		t.Logf("fetched after %v", time.Since(missed))
	})
}

// TestPicturesAreFetchedToo: an MMS that was not brought has its picture.
func TestPicturesAreFetchedToo(t *testing.T) {
	inTown(t, twiliotest.Config{}, func(t *testing.T, w *town) {
		w.twilio.Text(t.Context(), twiliotest.Text{From: person(0), Media: []twiliotest.Media{{Type: "image/jpeg"}}, Missed: true})
		w.whole(2 * time.Minute)
		c := w.state().Conversation(kept(t, w.log, desk.Received)[0].Conversation)
		if m := c.Newest(); len(m.Media) != 1 || m.Media[0].Type != "image/jpeg" || len(m.Flags) != 2 {
			t.Fatalf("%d pictures, %q", len(m.Media), m.Flags)
		}
	})
}

// TestEveryTextIsThereOnce: webhooks are lost, come twice, are answered into the void, while the relay comes and goes and
// the list is late; each text is in the log once.
func TestEveryTextIsThereOnce(t *testing.T) {
	for _, seed := range seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, seed))
				d := newDice(seed)
				w := newTown(t, twiliotest.Config{PageSize: 7})
				defer w.close()
				w.loses(func() bool { return d.One(2) })
				w.cuts(nil, func() int {
					if d.One(10) {
						return 400
					}
					return -1
				})
				w.start()
				up := true
				var texts sync.WaitGroup
				for i := range 600 {
					if r.IntN(40) == 0 {
						if up = !up; up {
							w.start()
						} else {
							w.stop()
						}
					}
					if r.IntN(60) == 0 {
						w.twilio.Lists(twiliotest.Fault{}, time.Duration(r.IntN(40))*time.Second)
					}
					text := twiliotest.Text{From: person(r.IntN(30)), Body: fmt.Sprint("text ", i), Missed: r.IntN(5) == 0, Times: 1 + r.IntN(8)/7}
					texts.Go(func() { w.twilio.Text(t.Context(), text) })
					time.Sleep(time.Duration(r.IntN(8000)) * time.Millisecond)
				}
				if !up {
					w.start()
				}
				texts.Wait()
				late := w.whole(5 * time.Minute)
				t.Logf("%d texts, %d of them fetched", len(kept(t, w.log, desk.Received)), late)
				if late < 100 {
					t.Errorf("only %d texts were fetched", late)
				}
			})
		})
	}
}

// TestStrangersInTheListKeepNobodyOut: what cannot be a text for us is passed over.
func TestStrangersInTheListKeepNobodyOut(t *testing.T) {
	inTown(t, twiliotest.Config{}, func(t *testing.T, w *town) {
		w.twilio.Text(t.Context(), twiliotest.Text{From: "", Body: "from nobody", Missed: true})
		w.text(0, "from somebody", true)
		time.Sleep(2 * time.Minute)
		if texts := kept(t, w.log, desk.Received); len(texts) != 1 {
			t.Fatalf("%d texts", len(texts))
		}
	})
}

// TestLastWordCounts: somebody may be texted or not as they said last, though the carrier did not bring it, or did not bring
// what they said before.
func TestLastWordCounts(t *testing.T) {
	for _, c := range []struct {
		before, missed, brought string
		out                     bool
	}{{"STOP", "START", "STOP", true}, {"hello", "STOP", "START", false}} {
		t.Run(c.missed, func(t *testing.T) {
			inTown(t, twiliotest.Config{}, func(t *testing.T, w *town) {
				w.text(0, c.before, false)
				time.Sleep(2 * time.Minute)
				w.text(0, c.missed, true)
				time.Sleep(25 * time.Second)
				w.text(0, c.brought, false)
				if late := w.whole(5 * time.Minute); late != 1 {
					t.Errorf("%d texts were fetched", late)
				}
				if s := w.state(); s.MayText(sms.Number(person(0))) == c.out {
					t.Errorf("the number may be texted %t", c.out)
				}
			})
		})
	}
}

// TestSlowListUndoesNoStop: of a page that took long nobody knows to the second when its texts came, and a START on it undoes
// no STOP.
func TestSlowListUndoesNoStop(t *testing.T) {
	inTown(t, twiliotest.Config{}, func(t *testing.T, w *town) {
		w.stop()
		w.lists(func(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error) {
			page, err := g.List(ctx, q)
			time.Sleep(9 * time.Second)
			return page, err
		})
		w.start()
		time.Sleep(time.Minute)
		w.text(0, "STOP", false)
		time.Sleep(2 * time.Minute)
		w.text(0, "START", true)
		time.Sleep(time.Second)
		w.text(0, "STOP", false)
		if late := w.whole(5 * time.Minute); late != 1 {
			t.Errorf("%d texts were fetched", late)
		}
		if w.state().MayText(sms.Number(person(0))) {
			t.Error("the number may be texted, though STOP came last")
		}
	})
}

// A lister is a carrier whose list is what list makes of it.
type lister struct {
	gateway.Gateway

	list func(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error)
}

func (l lister) List(ctx context.Context, q gateway.Query) (gateway.Page, error) {
	return l.list(ctx, l.Gateway, q)
}

// lists has the relay that is started next see the carrier's list so.
func (w *town) lists(list func(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error)) {
	w.wrap = func(g gateway.Gateway) gateway.Gateway { return lister{g, list} }
}

func undated(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error) {
	page, err := g.List(ctx, q)
	for i := range page.Texts {
		page.Texts[i].At = time.Time{}
	}
	return page, err
}

// TestTextWithoutATime: one whose time cannot be read is fetched at once, and says so; one of ours is not thought absent.
func TestTextWithoutATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		w.lists(undated)
		w.twilio.Callbacks(twiliotest.Plans["none"])
		w.start()
		w.sit()
		c := w.meet(1)[0]
		w.twilio.Next(twiliotest.Fault{Kind: twiliotest.AcceptThen500})
		w.say(c, "I am here")
		if sent, _ := w.fates(w.settled(10*time.Minute, 1)); sent != 1 {
			t.Errorf("our text went out %d times", sent)
		}
		w.text(1, "hello", true)
		w.whole(2 * time.Minute)
		for _, e := range kept(t, w.log, desk.Received)[1:] {
			if !slices.Contains(e.Head.Flags, desk.FlagUndated) {
				t.Errorf("flags %q", e.Head.Flags)
			}
		}
	})
}

// behind is a list of a carrier whose clock is so much behind ours; it knows days alone.
func behind(skew time.Duration) func(context.Context, gateway.Gateway, gateway.Query) (gateway.Page, error) {
	return func(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error) {
		day := q.Since.UTC().Truncate(24 * time.Hour)
		q.Since = q.Since.Add(skew.Abs() * -2)
		page, err := g.List(ctx, q)
		page.Now = page.Now.Add(-skew)
		for i := range page.Texts {
			page.Texts[i].At = page.Texts[i].At.Add(-skew)
		}
		page.Texts = slices.DeleteFunc(page.Texts, func(l gateway.Listed) bool { return l.At.Before(day) })
		return page, err
	}
}

// TestClocksDiffer: by which clock a relay began, or goes on, a text that was not brought is fetched; and no sweep says that
// it got further than the carrier's clock.
func TestClocksDiffer(t *testing.T) {
	for _, skew := range []time.Duration{-48 * time.Hour, 3 * time.Hour, 48 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, twiliotest.Config{})
				defer w.close()
				time.Sleep(25*time.Hour + 30*time.Minute) // by the clock that is 3 h behind it is the day before
				w.lists(behind(skew))
				w.start()
				time.Sleep(2 * time.Second)
				w.text(0, "missed", true)
				w.whole(2 * time.Minute)
				for _, e := range kept(t, w.log, desk.Swept) {
					if through := desk.Read[desk.Sweep](e).Through; through.After(time.Now().Add(-skew)) {
						t.Errorf("at %v it is noted that all is there until %v", time.Now().Add(-skew), through)
					}
				}
				w.stop()
				w.lists(behind(0)) // the clock is set right
				w.start()
				w.text(1, "missed too", true)
				w.whole(2 * time.Minute)
			})
		})
	}
}

// TestNoteFromAClockThatWasWrong: a log that says it has everything until a day that has not come is not believed.
func TestNoteFromAClockThatWasWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		defer w.close()
		ahead, _ := json.Marshal(desk.Sweep{Through: time.Now().Add(48 * time.Hour)})
		if _, err := w.log.Append(t.Context(), store.Event{ID: "swept/1", At: time.Now(), Kind: desk.Swept, Actor: store.Carrier, Body: ahead}); err != nil {
			t.Fatal(err)
		}
		w.start()
		time.Sleep(2 * time.Second)
		w.text(0, "missed", true)
		w.whole(2 * time.Minute)
		if through := w.state().Swept(); through.After(time.Now()) {
			t.Errorf("it is still noted that all is there until %v", through)
		}
	})
}

// misses has a relay be there for two minutes, and then so many texts come while it is away.
func (w *town) misses(n int) {
	w.t.Helper()
	w.start()
	time.Sleep(2 * time.Minute)
	w.stop()
	for i := range n {
		w.text(i, "missed", true)
		time.Sleep(time.Minute)
	}
}

// TestCarrierGivesFewPagesAtATime: a list that is never to be had whole is gone through all the same.
func TestCarrierGivesFewPagesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{PageSize: 5})
		defer w.close()
		w.misses(60)
		left, since := 0, time.Time{}
		w.lists(func(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error) {
			if time.Since(since) > 90*time.Second {
				left, since = 5, time.Now()
			}
			if left == 0 {
				return gateway.Page{}, &gateway.Later{After: 90*time.Second - time.Since(since)}
			}
			left--
			return g.List(ctx, q)
		})
		w.start()
		for i := range 10 {
			time.Sleep(30 * time.Second)
			w.text(60+i, "missed meanwhile", true)
		}
		if late := w.whole(20 * time.Minute); late != 70 {
			t.Errorf("%d texts were fetched", late)
		}
	})
}

// TestPageThatIsGone: where the page that a walk broke at is never to be had any more, the next walk begins anew.
func TestPageThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{PageSize: 5})
		defer w.close()
		w.misses(30)
		gone, asked := "", 0
		w.lists(func(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error) {
			if asked++; asked == 5 {
				gone = q.Next
			}
			if gone != "" && q.Next == gone {
				return gateway.Page{}, errors.New("gone")
			}
			return g.List(ctx, q)
		})
		w.start()
		time.Sleep(2 * time.Minute)
		w.text(30, "so that pages begin elsewhere", true)
		w.whole(5 * time.Minute)
		time.Sleep(5 * time.Minute)
		if age := time.Since(w.state().Swept()); age > 20*time.Minute {
			t.Errorf("no sweep has ended for %v", age)
		}
	})
}

// TestNewerTextsWithoutOlderOnes: where older pages are not to be had, newer texts are appended before them; of STOP and
// START the newest counts all the same.
func TestNewerTextsWithoutOlderOnes(t *testing.T) {
	for _, c := range []struct {
		older, newer string
		out          bool
	}{{"STOP", "START", false}, {"START", "STOP", true}} {
		t.Run(c.newer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, twiliotest.Config{PageSize: 5})
				defer w.close()
				w.start()
				w.text(0, "hello", false)
				time.Sleep(2 * time.Minute)
				w.stop()
				w.text(0, c.older, true)
				for i := range 9 {
					w.text(1+i, "missed", true)
					time.Sleep(time.Minute)
				}
				w.text(0, c.newer, true)
				until := time.Now().Add(2 * time.Minute)
				w.lists(func(ctx context.Context, g gateway.Gateway, q gateway.Query) (gateway.Page, error) {
					if q.Next != "" && time.Now().Before(until) {
						return gateway.Page{}, &gateway.Later{After: 61 * time.Second}
					}
					return g.List(ctx, q)
				})
				w.start()
				w.within(10*time.Minute, "all texts", func() bool { return len(kept(t, w.log, desk.Received)) == 12 })
				if all := kept(t, w.log, desk.Received); all[11].Head.Late < all[1].Head.Late {
					t.Error("the newest was appended last")
				}
				if w.state().MayText(sms.Number(person(0))) == c.out {
					t.Errorf("the number may be texted %t", c.out)
				}
			})
		})
	}
}

// TestMendedLogIsSweptFor: what came while the log could not be written to is fetched as soon as it can.
func TestMendedLogIsSweptFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, log, _ := unheard(t)
		defer w.close()
		log.Break(errors.New("no space left on device"))
		w.text(1, "while the disk is full", false)
		time.Sleep(9*time.Minute + 30*time.Second)
		log.can.Store(true)
		mended := time.Now()
		w.within(15*time.Second, "the text", func() bool { return len(kept(t, w.log, desk.Received)) > 1 })
		t.Logf("fetched %v after the disk came back", time.Since(mended))
	})
}
