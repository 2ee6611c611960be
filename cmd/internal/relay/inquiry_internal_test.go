package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/storetest"
)

// A lister is a carrier that has a list.
type lister struct {
	gateway.Gateway
	texts []gateway.Listed
	asked int
}

func (l *lister) List(context.Context, gateway.Query) (gateway.Page, error) {
	l.asked++
	return gateway.Page{Texts: l.texts, Now: time.Now()}, nil
}

// TestOneTextThatTheDeskRefusesHoldsUpNoOther: what became of a text cannot be entered, for good; what became of the next
// one is.
func TestOneTextThatTheDeskRefusesHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := NewDesk(t.Context(), storetest.Memory(), desk.Policy{}, map[string]desk.Role{"ada": desk.Specialist})
		if err != nil {
			t.Fatal(err)
		}
		defer d.start()()
		do := doing(t, d)
		carrier := &lister{}
		for i, sid := range []string{strings.Repeat("S", desk.MaxBody), "SM2"} {
			conv, ref, to := replied(do, d, i)
			do(desk.Command{ID: ref + "/send/1/unknown", Kind: desk.SendUnknown, Conversation: conv, Ref: ref, Actor: store.Carrier}, nil)
			carrier.texts = append(carrier.texts, gateway.Listed{SID: sid, To: to, Body: "I am here", At: time.Now(), Status: gateway.Status{SID: sid, State: "sent"}})
		}
		inquire(t, d, carrier, time.Minute)
		for conv, want := range map[string]desk.Status{"c0": desk.StatusUnknown, "c1": desk.StatusSent} {
			if m := d.Conversation(conv).Messages[1]; m.Delivery != want {
				t.Errorf("in %s it is %s", conv, m.Delivery)
			}
		}
	})
}

// TestCarrierIsAskedLittleForEndsThatNobodyTold: however many texts there are whose end the carrier does not tell, its list
// is gone through a few times for all.
func TestCarrierIsAskedLittleForEndsThatNobodyTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := NewDesk(t.Context(), storetest.Memory(), desk.Policy{Limit: 1000}, map[string]desk.Role{"ada": desk.Specialist})
		if err != nil {
			t.Fatal(err)
		}
		defer d.start()()
		do, carrier := doing(t, d), &lister{}
		const all = 100
		for i := range all {
			conv, ref, to := replied(do, d, i)
			sid, state := fmt.Sprint("SM", i), "sent"
			do(desk.Command{ID: acceptedID(sid), Kind: desk.SendAccepted, Conversation: conv, Ref: ref, Actor: store.Carrier}, desk.Send{SID: sid})
			if i == all/2 {
				state = "undelivered"
			}
			carrier.texts = append(carrier.texts, gateway.Listed{SID: sid, To: to, At: time.Now(), Status: gateway.Status{SID: sid, State: state}})
			time.Sleep(time.Second)
		}
		inquire(t, d, carrier, 4*24*time.Hour)
		for i := range all {
			want := desk.StatusSent
			if i == all/2 {
				want = desk.StatusUndelivered
			}
			if m := d.Conversation(fmt.Sprint("c", i)).Messages[1]; m.Delivery != want {
				t.Errorf("%d is %s", i, m.Delivery)
			}
		}
		if carrier.asked < 3 || carrier.asked > 6 {
			t.Errorf("the list was asked for %d times", carrier.asked)
		}
	})
}

// A readLog counts how often a conversation is read.
type readLog struct {
	store.Log
	reads map[string]int
}

func (l *readLog) Conversation(ctx context.Context, id string) ([]store.Event, error) {
	l.reads[id]++
	return l.Log.Conversation(ctx, id)
}

// TestEndsInClosedConversations: of a text whose end nobody told it is found out though its conversation is closed. It
// is read once, and once more after its end, one that was closed long ago never.
func TestEndsInClosedConversations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &readLog{storetest.Memory(), map[string]int{}}
		d, err := NewDesk(t.Context(), log, desk.Policy{Limit: 10}, map[string]desk.Role{"ada": desk.Specialist})
		if err != nil {
			t.Fatal(err)
		}
		defer d.start()()
		do, carrier := doing(t, d), &lister{}
		for i, state := range []string{"long ago", "undelivered", "told", "never told"} {
			conv, ref, to := replied(do, d, i)
			sid := fmt.Sprint("SM", i)
			do(desk.Command{ID: acceptedID(sid), Kind: desk.SendAccepted, Conversation: conv, Ref: ref, Actor: store.Carrier}, desk.Send{SID: sid})
			if state == "told" {
				do(desk.Command{ID: sid + ":delivered:0", Kind: desk.Delivery, Conversation: conv, Ref: ref, Actor: store.Carrier, Head: store.Head{Delivery: "delivered"}}, desk.Send{SID: sid})
			}
			if state == "undelivered" {
				carrier.texts = append(carrier.texts, gateway.Listed{SID: sid, To: to, At: time.Now(), Status: gateway.Status{SID: sid, State: state, Code: 30007}})
			}
			c := d.Conversation(conv)
			do(desk.Command{ID: fmt.Sprintf("bbbbbbbbbbbbbbbb-%012d", i+1), Kind: desk.Closed, Conversation: conv, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Closing{Disposition: "referred"})
			if state == "long ago" {
				time.Sleep(lookFor + time.Hour)
			}
		}
		clear(log.reads)
		inquire(t, d, carrier, 2*time.Hour)
		reads := maps.Clone(log.reads)
		inquire(t, d, carrier, 4*24*time.Hour)
		for conv, want := range map[string]desk.Status{"c0": desk.StatusAccepted, "c1": desk.StatusUndelivered, "c2": desk.StatusDelivered, "c3": desk.StatusAccepted} {
			events, err := log.Conversation(t.Context(), conv)
			if err != nil {
				t.Fatal(err)
			}
			if m := desk.Fold(events).Messages[1]; m.Delivery != want || want == desk.StatusUndelivered && m.Code != 30007 {
				t.Errorf("in %s it is %s, code %d", conv, m.Delivery, m.Code)
			}
		}
		if reads["c0"] != 0 || reads["c1"] != 2 || reads["c2"] != 1 || reads["c3"] != 1 {
			t.Errorf("read in two hours: %v", reads)
		}
		if carrier.asked > 9 {
			t.Errorf("the list was asked for %d times", carrier.asked)
		}
	})
}

// doing has the desk do what it must not refuse.
func doing(t *testing.T, d *Desk) func(desk.Command, any) {
	return func(c desk.Command, body any) {
		t.Helper()
		if body != nil {
			var err error
			if c.Body, err = json.Marshal(body); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Do(t.Context(), c); err != nil {
			t.Fatal(c.Kind, err)
		}
	}
}

// replied has the i-th person text, and a reply to them on its way.
func replied(do func(desk.Command, any), d *Desk, i int) (conv, ref string, to sms.Number) {
	conv, to = fmt.Sprint("c", i), sms.Number(fmt.Sprintf("+120255501%02d", i))
	id := func(n int) string { return fmt.Sprintf("aaaaaaaaaaaaaaaa-%06d%06d", i+1, n) }
	do(desk.Command{ID: "in" + conv, Kind: desk.Received, Conversation: conv, Actor: store.Texter, Number: to}, desk.Text{Text: "hello"})
	do(desk.Command{ID: id(1), Kind: desk.Claimed, Conversation: conv, Actor: "ada", Role: desk.Specialist}, nil)
	c := d.Conversation(conv)
	do(desk.Command{ID: id(2), Kind: desk.ReplyQueued, Conversation: conv, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Reply{Text: "I am here", Now: true})
	do(desk.Command{ID: id(2) + "/send/1", Kind: desk.SendStarted, Conversation: conv, Ref: id(2), Actor: store.Carrier}, nil)
	return conv, id(2), to
}

// inquire has an inquiry run for some time.
func inquire(t *testing.T, d *Desk, carrier gateway.Gateway, wait time.Duration) {
	t.Helper()
	q := newInquiry(&Intake{desk: d, log: slog.New(slog.DiscardHandler)}, Config{Gateway: carrier, Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	time.Sleep(wait)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
