package relay_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// TestSlowConsolesSlowThemselvesAlone: consoles that do not take what they are sent, though they ask for it, hold up
// nobody, however many they are; and taken late, it is all there.
func TestSlowConsolesSlowThemselvesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, dir: t.TempDir(), log: storetest.Memory(), cable: newCable()}
		h.staff = relay.StaffFile(filepath.Join(h.dir, "staff.toml"))
		h.serve()
		defer h.stop()
		_, cl := h.enrolled(t, "ada", desk.Specialist)
		arrive := func() *raw {
			r := h.raw(t, cl.Dial)
			auth := cl.Identity.Prove(r.hello.Nonce, nil)
			r.say(wire.Frame{Auth: &auth})
			if f := r.say(wire.Frame{Resume: &wire.Resume{}}); f.Snapshot == nil {
				t.Fatalf("%+v", f)
			}
			return r
		}
		slow := make([]*raw, 4*runtime.GOMAXPROCS(0))
		for i := range slow {
			slow[i] = arrive()
			if err := slow[i].ws.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		quick := arrive()
		told := func(r *raw) {
			t.Helper()
			for {
				if f := r.hear(); f.Events != nil && f.Events.Events[0].Kind == desk.Received {
					return
				}
			}
		}
		began := time.Now()
		h.carrier.text(t, "SM1", "he locked me in")
		told(quick)
		if took := time.Since(began); took > 0 {
			t.Errorf("who reads waited %v for those who do not", took)
		}
		for _, r := range slow {
			ponged := false
			r.ws.SetPongHandler(func(data string) error { ponged = data == "there?"; return nil })
			told(r)
			if !ponged {
				t.Error("a ping was not answered")
			}
		}
	})
}

// TestConsolesThatLieAboutTheirCursor: what cannot be where a copy of this log ends gets a snapshot, and what is no place
// in any log ends the connection; nobody is ever sent on with a hole.
func TestConsolesThatLieAboutTheirCursor(t *testing.T) {
	h := openVault(t)
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "he locked me in")
	ada.claim()
	_, ben := h.enrolled(t, "ben", desk.Specialist)
	enter := func() *raw {
		r := h.raw(t, nil)
		auth := ben.Identity.Prove(r.hello.Nonce, nil)
		if f := r.say(wire.Frame{Auth: &auth}); f.Welcome == nil {
			t.Fatalf("%+v", f)
		}
		return r
	}
	texts := 1
	// follows hears events until a new text, which all follow one another from at on.
	follows := func(r *raw, what string, at uint64) {
		t.Helper()
		texts++
		sid := fmt.Sprint("SM", texts)
		h.carrier.text(t, sid, "he locked me in")
		for {
			f := r.hear()
			if f.Checkpoint != nil {
				continue
			}
			if f.Events == nil {
				t.Fatalf("%s: %+v in the place of events", what, f)
			}
			for _, e := range f.Events.Events {
				if at++; e.Seq != at {
					t.Fatalf("%s: event %d in the place of %d", what, e.Seq, at)
				}
				if e.Kind == desk.Received && at == f.Events.Head {
					return
				}
			}
		}
	}
	last := h.raw(t, nil).hello.Last
	for what, is := range map[string]struct {
		epoch string
		after uint64
		goes  bool // on from there
	}{
		"where it is":                    {"", last, true},
		"long ago":                       {"", 1, true},
		"beyond the end":                 {"", 1 << 40, false},
		"beyond the end by all there is": {"", math.MaxUint64, false},
		"at the beginning":               {"", 0, false},
		"in another log":                 {"another", last, false},
		"in another log, at its end":     {"another", math.MaxUint64, false},
	} {
		for _, kept := range []uint64{0, math.MaxUint64} {
			r := enter()
			from := wire.Resume{Epoch: cmp.Or(is.epoch, r.hello.Epoch), After: is.after, Kept: kept}
			write(t, r.ws, wire.Frame{Resume: &from})
			if is.goes {
				follows(r, what, is.after)
				continue
			}
			f := r.hear()
			for ; f.Part != nil || f.Checkpoint != nil; f = r.hear() {
			}
			if f.Snapshot == nil || f.Snapshot.Position.Epoch != r.hello.Epoch || f.Snapshot.Position.Seq < r.hello.Last {
				t.Fatalf("%s: %+v", what, f)
			}
			follows(r, what, f.Snapshot.Position.Seq)
		}
	}
	for _, after := range []string{"-1", "18446744073709551616", "1.5", `"1"`} {
		r := enter()
		said := fmt.Sprintf(`{"resume":{"epoch":%q,"after":%s}}`, r.hello.Epoch, after)
		if err := r.ws.WriteMessage(websocket.TextMessage, []byte(said)); err != nil {
			t.Fatal(err)
		}
		if _, b, err := r.ws.ReadMessage(); err == nil {
			t.Errorf("after %s: %s", after, b)
		}
	}
}

// TestTwoConsolesOfOnePerson: both devices show the same, may write under one claim, and have their own drafts; what is
// held counts once.
func TestTwoConsolesOfOnePerson(t *testing.T) {
	h := furnish(&house{t: t, dir: t.TempDir(), log: storetest.Memory(), policy: desk.Policy{Limit: 1}})
	one := h.sign("ada", desk.Specialist)
	code, err := h.staff.Invite("ada")
	if err != nil {
		t.Fatal(err)
	}
	two := &desktop{t: t, name: "ada", role: desk.Specialist}
	two.sit(h, code)
	h.carrier.text(t, "SM1", "he locked me in")
	c := one.claim()
	two.until("the claim, with its words", func() bool {
		c := two.only()
		return c != nil && c.HeldBy("ada") && len(c.Messages) == 1 && !c.Newest().Withheld
	})
	held := func(d *desktop) (ids []string) {
		d.View(func(s *desk.State) { ids = s.Holds("ada") })
		return ids
	}
	if len(held(one)) != 1 || len(held(two)) != 1 {
		t.Errorf("held: %v at one, %v at the other", held(one), held(two))
	}

	if err := errors.Join(one.Draft(c.ID, "", "at my desk", time.Now()), two.Draft(c.ID, "", "on the train", time.Now())); err != nil {
		t.Fatal(err)
	}
	one.must(one.only(), desk.ReplyQueued, desk.Reply{Text: "I am here", Now: true})
	says := func(d *desktop, n int, words string) func() bool {
		return func() bool { c := d.only(); return len(c.Messages) == n && c.Messages[n-1].Text.Reveal() == words }
	}
	two.until("the reply of the other", says(two, 2, "I am here"))
	for d, want := range map[*desktop]int{one: 0, two: 1} {
		drafts, err := d.Drafts()
		outbox, err2 := d.Outbox()
		if err := errors.Join(err, err2); err != nil || len(drafts) != want || len(outbox) > 0 {
			t.Errorf("%d drafts for %d, %d wait, %v", len(drafts), want, len(outbox), err)
		}
	}
	two.must(two.only(), desk.ReplyQueued, desk.Reply{Text: "I am on my way", Now: true})
	one.until("the reply of the other", says(one, 3, "I am on my way"))
	two.must(two.only(), desk.NoteAdded, desk.Note{Text: "a note"})
	one.until("the note", func() bool { c := one.only(); return len(c.Notes) == 1 && c.Notes[0].Text == "a note" })

	other := gateway.Inbound{SID: "SM2", From: "+12025550148", To: "233733", Body: "help"}
	if err := h.carrier.recv.Receive(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	var next *desk.Conversation
	two.until("somebody else", func() bool {
		two.View(func(s *desk.State) {
			for c := range s.Conversations() {
				if c.Phase == desk.Waiting {
					next = c
				}
			}
		})
		return next != nil
	})
	if err := two.ask(next, desk.Claimed, nil); !errors.Is(err, &desk.Refusal{Code: desk.CodeLimit}) {
		t.Errorf("a second one, claimed at the other device: %v", err)
	}

	two.end()
	one.must(c, desk.Closed, desk.Closing{Disposition: "referred"})
	if two.Client, err = client.New(two.Config); err != nil {
		t.Fatal(err)
	}
	two.run()
	two.until("what was done meanwhile", func() bool { return two.Status().InStep() && len(held(two)) == 0 })
	two.must(next, desk.Claimed, nil)
	one.until("the claim of the other", func() bool { ids := held(one); return len(ids) == 1 && ids[0] == next.ID })
}
