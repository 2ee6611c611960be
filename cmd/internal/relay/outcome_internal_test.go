package relay

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// A full carrier takes nothing the first time, when the disk of the relay is full as well.
type fullCarrier struct {
	gateway.Gateway
	log   *forgetful
	asked atomic.Int64
}

func (c *fullCarrier) Send(context.Context, gateway.Outgoing) (string, error) {
	if c.asked.Add(1) == 1 {
		c.log.FailAppend(errors.New("no space left on device"))
		return "", &gateway.Later{}
	}
	return "SMout", nil
}

// TestOutcomeOutlivesAFailedAppend: what became of a send is on disk once that can be written to again; the text, and
// those after it, go on.
func TestOutcomeOutlivesAFailedAppend(t *testing.T) {
	failing := storetest.Failing(storetest.Memory())
	log := &forgetful{FailingLog: failing, noKeys: noKeys{failing}}
	d, err := NewDesk(t.Context(), log, desk.Policy{Limit: 3, ReplyAge: time.Minute}, map[string]desk.Role{"ada": desk.Specialist})
	if err != nil {
		t.Fatal(err)
	}
	stop := d.start()
	defer func() { _ = stop() }()
	do := func(c desk.Command, body any) uint64 {
		t.Helper()
		c.Body, _ = json.Marshal(body)
		seq, err := d.Do(t.Context(), c)
		if err != nil {
			t.Fatal(c.Kind, err)
		}
		return seq
	}
	do(desk.Command{ID: "SM1", Kind: desk.Received, Conversation: "c1", Actor: store.Texter, Number: "+12025550147"}, desk.Text{Text: "help me"})
	ada := func(n uint64, kind store.Kind, body any) {
		t.Helper()
		c := d.Conversation("c1")
		do(desk.Command{ID: store.DeviceID("aaaaaaaaaaaaaaaa", n), Kind: kind, Conversation: "c1", Actor: "ada", Role: desk.Specialist, Claim: c.Claim, Seen: c.Seen()}, body)
	}
	ada(1, desk.Claimed, nil)
	ctx, cancel := context.WithCancel(t.Context())
	o := newOutbox(d, Config{Gateway: &fullCarrier{log: log}, Number: "233733", Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	ada(2, desk.ReplyQueued, desk.Reply{Text: "I am here", Now: true})
	for over := time.After(30 * time.Second); ; {
		messages := d.Conversation("c1").Messages
		if messages[len(messages)-1].Delivery == desk.StatusAccepted {
			break
		}
		select {
		case <-d.Changed(d.Head().Seq):
		case <-over:
			t.Fatalf("the reply is %s for good", messages[len(messages)-1].Delivery)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
