package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
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
}

func (l *lister) List(context.Context, gateway.Query) (gateway.Page, error) {
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
		do := func(c desk.Command, body any) {
			t.Helper()
			if body != nil {
				if c.Body, err = json.Marshal(body); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := d.Do(t.Context(), c); err != nil {
				t.Fatal(c.Kind, err)
			}
		}
		carrier := &lister{}
		for i, sid := range []string{strings.Repeat("S", desk.MaxBody), "SM2"} {
			conv, to := fmt.Sprint("c", i), sms.Number(fmt.Sprint("+1202555010", i))
			id := func(n int) string { return fmt.Sprintf("aaaaaaaaaaaaaaaa-%06d%06d", i+1, n) }
			do(desk.Command{ID: "in" + conv, Kind: desk.Received, Conversation: conv, Actor: store.Texter, Number: to}, desk.Text{Text: "hello"})
			do(desk.Command{ID: id(1), Kind: desk.Claimed, Conversation: conv, Actor: "ada", Role: desk.Specialist}, nil)
			c := d.Conversation(conv)
			do(desk.Command{ID: id(2), Kind: desk.ReplyQueued, Conversation: conv, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Reply{Text: "I am here", Now: true})
			do(desk.Command{ID: id(2) + "/send/1", Kind: desk.SendStarted, Conversation: conv, Ref: id(2), Actor: store.Carrier}, nil)
			do(desk.Command{ID: id(2) + "/send/1/unknown", Kind: desk.SendUnknown, Conversation: conv, Ref: id(2), Actor: store.Carrier}, nil)
			carrier.texts = append(carrier.texts, gateway.Listed{SID: sid, To: to, Body: "I am here", At: time.Now(), Status: gateway.Status{SID: sid, State: "sent"}})
		}
		q := newInquiry(&Intake{desk: d, log: slog.New(slog.DiscardHandler)}, Config{Gateway: carrier, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		for conv, want := range map[string]desk.Status{"c0": desk.StatusUnknown, "c1": desk.StatusSent} {
			if m := d.Conversation(conv).Messages[1]; m.Delivery != want {
				t.Errorf("in %s it is %s", conv, m.Delivery)
			}
		}
	})
}
