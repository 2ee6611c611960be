package desk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

const (
	ours   = sms.Number("233733")
	texter = sms.Number("+12025550147")
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// A line is a desk without a relay: it decides, numbers and applies.
type line struct {
	t      testing.TB
	state  *desk.State
	events []store.Event
	now    time.Time
	n      uint64
}

func newLine(t testing.TB) *line {
	return &line{t: t, state: desk.NewState(desk.Policy{}), now: noon}
}

func (l *line) decide(c desk.Command) (store.Event, error) {
	l.n++
	if c.ID == "" {
		c.ID = store.DeviceID("testtesttesttest", l.n)
	}
	if c.Role == "" && c.Actor == "" {
		c.Actor, c.Role = "ada", desk.Specialist
	}
	e, err := l.state.Decide(c, l.now)
	if err != nil {
		return e, err
	}
	e.Seq = l.state.Last() + 1
	fork := l.state.Fork()
	fork.Apply(e)
	l.state.Merge(fork)
	l.events = append(l.events, e)
	return e, nil
}

func (l *line) do(c desk.Command) store.Event {
	l.t.Helper()
	e, err := l.decide(c)
	if err != nil {
		l.t.Fatalf("%s: %v", c.Kind, err)
	}
	return e
}

func (l *line) refused(code desk.Code, c desk.Command) {
	l.t.Helper()
	if _, err := l.decide(c); !errors.Is(err, &desk.Refusal{Code: code}) {
		l.t.Fatalf("%s: got %v, want a refusal %q", c.Kind, err, code)
	}
}

func body(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (l *line) text(from sms.Number, words string) *desk.Conversation {
	l.t.Helper()
	e := l.do(received(from, words, fmt.Sprintf("SM%d", l.n), fmt.Sprintf("conversation%d", l.n)))
	return l.state.Conversation(e.Conversation)
}

func received(from sms.Number, words, sid, fresh string) desk.Command {
	return desk.Command{
		ID: sid, Kind: desk.Received, Conversation: fresh, Actor: store.Texter, Number: from,
		Body: body(desk.Text{To: ours, Text: sms.Text(words), Triage: triage.Default().Judge(words)}),
	}
}

func (l *line) claim(c *desk.Conversation) *desk.Conversation {
	l.t.Helper()
	l.do(desk.Command{Kind: desk.Claimed, Conversation: c.ID, Actor: "ada", Role: desk.Specialist})
	return l.state.Conversation(c.ID)
}

func reply(c *desk.Conversation, words string) desk.Command {
	return desk.Command{
		Kind: desk.ReplyQueued, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: c.Owner,
		Role: desk.Specialist, Body: body(desk.Reply{Text: sms.Text(words), Now: true}),
	}
}

func start(c *desk.Conversation, ref string) desk.Command {
	return desk.Command{ID: ref + "/send/1", Kind: desk.SendStarted, Conversation: c.ID, Ref: ref, Actor: store.Carrier}
}

func outcome(c *desk.Conversation, ref string, kind store.Kind) desk.Command {
	return desk.Command{ID: ref + "/send/1/" + string(kind), Kind: kind, Conversation: c.ID, Ref: ref, Actor: store.Carrier}
}

func delivery(c *desk.Conversation, ref, state string) desk.Command {
	return desk.Command{
		ID: ref + ":" + state, Kind: desk.Delivery, Conversation: c.ID, Ref: ref, Actor: store.Carrier,
		Head: store.Head{Delivery: state},
	}
}

func (l *line) fresh(c *desk.Conversation) *desk.Conversation { return l.state.Conversation(c.ID) }
