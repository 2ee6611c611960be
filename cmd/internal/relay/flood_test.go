package relay_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sort"
	"strings"
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
	"befree.example/store/sms"
	"befree.example/store/storetest"
)

// other is somebody who texts while somebody else floods.
const other = sms.Number("+12025550122")

// A torrent is one number that texts from many senders at once, each as soon as its last text was taken.
type torrent struct {
	sent atomic.Uint64
	stop context.CancelFunc
	done sync.WaitGroup
}

func pour(t testing.TB, d gateway.Receiver, senders int) *torrent {
	ctx, stop := context.WithCancel(t.Context())
	f := &torrent{stop: stop}
	for i := range senders {
		f.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				err := d.Receive(t.Context(), gateway.Inbound{SID: fmt.Sprintf("SMflood%d-%d", i, n), From: texter, To: "233733", Body: "x"})
				if err != nil {
					t.Error(err)
					return
				}
				f.sent.Add(1)
			}
		})
	}
	return f
}

func (f *torrent) end() {
	f.stop()
	f.done.Wait()
}

// TestFloodKeepsNobodyWaiting: before somebody else's text there are on disk at most the texts that were under way when it
// came, and as many as were taken up with them: one for each webhook, however many the number sends.
func TestFloodKeepsNobodyWaiting(t *testing.T) {
	const senders = 64
	h := open(t, storetest.Memory())
	<-h.carrier.up
	f := pour(t, h.carrier.recv, senders)
	defer f.end()
	put := func(sid string) (before uint64) {
		for begun := f.sent.Load(); f.sent.Load() < begun+senders; {
			time.Sleep(time.Millisecond)
		}
		at := last(t, h.log)
		if err := h.carrier.recv.Receive(t.Context(), gateway.Inbound{SID: sid, From: other, To: "233733", Body: "he locked me in"}); err != nil {
			t.Fatal(err)
		}
		e, err := h.log.Find(t.Context(), sid)
		if err != nil {
			t.Fatal(err)
		}
		return e.Seq - at - 1
	}
	for i := range 20 {
		passed := uint64(math.MaxUint64) // the least of three: the machine may hold this up before it is handed over
		for n := range 3 {
			passed = min(passed, put(fmt.Sprintf("SMother%d.%d", i, n)))
		}
		if passed > 2*senders {
			t.Fatalf("%d texts of the flood were put before it", passed)
		}
	}
}

func last(t testing.TB, log store.Log) uint64 {
	t.Helper()
	_, head, err := log.Read(t.Context(), store.Position{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return head.Seq
}

// BenchmarkBesideAFlood is one text on a sealed log on disk while another number sends 500 a second, all of which are in
// one conversation by the end; p99 is of the waits.
func BenchmarkBesideAFlood(b *testing.B) {
	for _, rate := range []int{0, 500} {
		b.Run(fmt.Sprintf("%d texts a second", rate), func(b *testing.B) {
			h := open(b, onDisk(b))
			<-h.carrier.up
			ctx, stop := context.WithCancel(context.Background())
			var senders sync.WaitGroup
			if rate > 0 {
				senders.Go(func() {
					tick := time.NewTicker(time.Second / time.Duration(rate))
					defer tick.Stop()
					for n := 0; ctx.Err() == nil; n++ {
						<-tick.C
						senders.Go(func() {
							_ = h.carrier.recv.Receive(context.Background(), gateway.Inbound{SID: fmt.Sprintf("SMflood%d", n), From: texter, To: "233733", Body: "x"})
						})
					}
				})
			}
			var waits []time.Duration
			n := 0
			for b.Loop() {
				n++
				began := time.Now()
				from := sms.Number(fmt.Sprintf("+120255501%02d", n%40))
				if err := h.carrier.recv.Receive(b.Context(), gateway.Inbound{SID: fmt.Sprintf("SM%d", n), From: from, To: "233733", Body: "he locked me in"}); err != nil {
					b.Fatal(err)
				}
				waits = append(waits, time.Since(began))
				time.Sleep(10 * time.Millisecond)
			}
			stop()
			senders.Wait()
			sort.Slice(waits, func(i, j int) bool { return waits[i] < waits[j] })
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// TestWordsOfAFloodComeWhenOpened: a console that shows the queue is told that there are texts; their words come to who opens
// the conversation or holds it, and to all once somebody knows that it is a person. Nothing is lost, and it is counted.
func TestWordsOfAFloodComeWhenOpened(t *testing.T) {
	m := relay.NewMeasures()
	h := openChanged(t, storetest.Memory(), func(c *relay.Config) { c.Measures = m })
	tell := measured(t, m)
	ada, ben := h.sign("ada", desk.Specialist), h.sign("ben", desk.Specialist)
	sue := h.sign("sue", desk.Supervisor)
	n := 0
	say := func(times int) (last string) {
		for range times {
			n++
			last = fmt.Sprintf("text %d", n)
			h.carrier.text(t, fmt.Sprintf("SM%d", n), last)
		}
		return last
	}
	newest := func(d *desktop) *desk.Message {
		d.until("all texts", func() bool { c := d.only(); return c != nil && len(c.Messages) == n })
		return d.only().Newest()
	}
	lacks := func(d *desktop) (lacking int) {
		newest(d)
		for _, m := range d.only().Messages {
			if m.Withheld {
				lacking++
			}
		}
		return lacking
	}
	say(50)
	for _, d := range []*desktop{ada, ben, sue} {
		if got := lacks(d); got != 20 {
			t.Fatalf("%s has not the words of %d texts", d.name, got)
		}
	}
	if told := tell(); !strings.Contains(told, "befree_floods 1\n") {
		t.Error("the flood is not counted")
	}
	if kit := h.sign("kit", desk.Specialist); lacks(kit) != 20 {
		t.Errorf("who comes meanwhile has not the words of %d texts", lacks(kit))
	}
	ben.end() // who comes back has no words of who waits, and asks for those that a row shows
	var err error
	if ben.Client, err = client.New(ben.Config); err != nil {
		t.Fatal(err)
	}
	ben.run()
	ben.until("to be in step", func() bool { return ben.Status().InStep() })
	if err := ben.Preview(t.Context(), []string{ben.only().ID}); err != nil {
		t.Fatal(err)
	}
	ben.until("the last words before it", func() bool { return ben.only().Heard().Text == "text 30" })
	if err := ada.Open(t.Context(), ada.only().ID, ""); err != nil {
		t.Fatal(err)
	}
	ada.until("the words", func() bool { return lacks(ada) == 0 })
	say(10)
	if lacks(ada) != 10 || lacks(ben) != 59 {
		t.Errorf("ada lacks %d, ben %d", lacks(ada), lacks(ben))
	}

	ada.must(ada.only(), desk.Claimed, nil)
	ada.until("all words, as its owner", func() bool { return ada.only().Owner == "ada" && lacks(ada) == 0 })
	if words := say(1); newest(ada).Text.Reveal() != words || !newest(sue).Withheld {
		t.Error("its owner does not have the words as they come, or others have")
	}
	ada.must(ada.only(), desk.FloodLifted, nil)
	sue.until("that it is a person", func() bool { return sue.only().Flood.Lifted })
	if words := say(1); newest(sue).Text.Reveal() != words {
		t.Error("a supervisor does not have the words of a person")
	}
	if zoe := h.sign("zoe", desk.Supervisor); lacks(zoe) != 0 {
		t.Errorf("who comes then has not the words of %d texts", lacks(zoe))
	}
	if told := tell(); !strings.Contains(told, "befree_floods 0\n") {
		t.Error("it is counted though it is none")
	}
	if got := len(kept(t, h.log, desk.Received)); got != n {
		t.Errorf("%d of %d texts are in the log", got, n)
	}
}

// TestTheSystemSaysNothingOfAnybody: whatever is written to the line, by whom, and whatever is noted of them, what the
// system sends by itself is one of the operator's sentences as they stand, to the number that asked.
func TestTheSystemSaysNothingOfAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, twiliotest.Config{})
		w.policy.ReopenWithin = time.Minute
		defer w.close()
		w.start()
		w.sit()
		says := func(i int, words string) {
			if d := w.twilio.Text(t.Context(), twiliotest.Text{From: person(i), Body: words}); d.Status != http.StatusOK {
				t.Fatalf("%+v", d)
			}
		}
		for _, c := range w.meet(3) { // with a past
			opening := sms.Text("opening" + c.ID)
			for _, cmd := range []desk.Command{
				command(c, desk.NoteAdded, desk.Note{Text: sms.Text("note" + c.ID)}),
				command(c, desk.SafetySaved, desk.SafetyEdit{Opening: &opening}),
			} {
				if _, err := w.ada.Do(t.Context(), cmd); err != nil {
					t.Fatal(err)
				}
			}
			w.within(time.Minute, "it to be closed", func() bool {
				now, err := w.ada.Conversation(c.ID)
				if err == nil {
					_, err = w.ada.Do(t.Context(), command(now, desk.Closed, desk.Closing{Disposition: "referred", Summary: "summary" + c.ID}))
				}
				return err == nil
			})
		}
		time.Sleep(2 * time.Minute) // what comes now is linked to it
		words := []string{"HELP", "who texted before me?", "hola, qué es este número?", "HELP", "INFO", "what do you know of me", "STOP", "START", "HELP", "STOP"}
		asked := map[string]bool{}
		for _, one := range words {
			for i := range 3 {
				says(i, one)
				asked[person(i)] = true
				time.Sleep(time.Second)
			}
		}
		time.Sleep(time.Minute)
		sentences := []string{
			"Thanks for your message. A person will reply here. Msg & data rates may apply. Reply STOP to end.",
			"Gracias por su mensaje. Una persona le responde por aqui. Pueden aplicar tarifas. Envie STOP para terminar.",
			"You will get no more messages from this number. Reply START to begin again.",
			"No va a recibir mas mensajes de este numero. Envie START para volver.",
		}
		sent := w.twilio.Sent()
		for _, m := range sent {
			if !slices.Contains(sentences, m.Body) || !asked[m.To] {
				t.Errorf("the system says %q to %s", m.Body, m.To)
			}
		}
		if len(sent) < 9 {
			t.Errorf("it said %d things", len(sent))
		}
		linked := 0
		for c := range w.state().Conversations() {
			if c.Earlier != "" {
				linked++
			}
		}
		if linked != 3 {
			t.Errorf("%d conversations are linked to an earlier one", linked)
		}
	})
}

// TestOperatorsWordsAreSentAsTheyStand: nothing in them is filled in.
func TestOperatorsWordsAreSentAsTheyStand(t *testing.T) {
	const words = "Thanks {{.Number}} {{.Name}} %s %d $1 …{{.Tail}}"
	texts := relay.TextsOf(words, words, words, words)
	for _, language := range []string{"", "en", "es", "ht"} {
		for _, sort := range []string{desk.Compliance, desk.Confirmation} {
			if said := texts.For(sort, language); said != words {
				t.Errorf("%s, %q: %q", sort, language, said.Reveal())
			}
		}
	}
}
