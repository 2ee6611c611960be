package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// Limits of the outbox.
const (
	sendTimeout  = 15 * time.Second // for the carrier to say whether it took a text
	deferAtLeast = time.Second      // between offers of a text that the carrier did not take, twice as long each time
	deferAtMost  = 30 * time.Second // where the carrier does not ask for more
	paceBurst    = 30               // segments; the longest text has 24
	sendersMost  = 32               // texts offered to the carrier at once, each of another conversation
)

// An Outbox is the reader of the log that sends. Each step of a text is an event, on disk before the next is taken, and
// none is tried again unless the carrier said that it did not take it.
type Outbox struct {
	desk    *Desk
	carrier gateway.Gateway
	from    sms.Number
	texts   Texts
	pace    *rate.Limiter // of our number
	log     *slog.Logger

	mu   sync.Mutex
	hush time.Time // until when the carrier wants to be offered nothing

	seen uint64          // Seq up to which the log was read
	work map[string]bool // conversations that may have a text to send
	busy map[string]bool // ... of which one is under way
	free chan string     // conversations whose send has ended
}

// paceOf is how many segments a second carriers take from a number (twilio.com/docs/errors/30001): a long code one, a
// short code over a hundred.
func paceOf(n sms.Number) rate.Limit {
	if n.Short() {
		return 100
	}
	return 1
}

func newOutbox(d *Desk, c Config) *Outbox {
	return &Outbox{
		desk: d, carrier: c.Gateway, from: c.Number, texts: c.Texts.withDefaults(), log: c.Logger,
		pace: rate.NewLimiter(paceOf(c.Number), paceBurst), work: map[string]bool{}, busy: map[string]bool{},
		free: make(chan string, sendersMost),
	}
}

// Run sends until ctx ends, and returns when no send is under way and each has its outcome on disk.
func (o *Outbox) Run(ctx context.Context) error {
	var senders sync.WaitGroup
	defer senders.Wait()
	if err := o.begin(ctx); err != nil {
		return err
	}
	for {
		wait := o.launch(ctx, &senders)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case id := <-o.free:
			delete(o.busy, id)
		case <-o.desk.Changed(o.seen):
			if err := o.follow(ctx); err != nil {
				return err
			}
		case <-timer.C:
		}
		timer.Stop()
	}
}

// begin finds what an earlier run left: a send without an outcome is unknown, a waiting text is work.
func (o *Outbox) begin(ctx context.Context) error {
	var lost []desk.Command
	o.desk.View(func(s *desk.State) {
		o.seen = s.Last()
		for c := range s.Conversations() {
			for _, m := range c.Messages {
				switch m.Delivery {
				case desk.StatusStarted:
					lost = append(lost, o.command(c.ID, m, m.Attempt, desk.SendUnknown, "/lost", desk.Send{Attempt: m.Attempt}))
				case desk.StatusWaiting:
					o.work[c.ID] = true
				}
			}
		}
	})
	for _, c := range lost {
		o.work[c.Conversation] = true
		if _, err := o.desk.Patiently(ctx, c); err != nil {
			return stopped(ctx, err)
		}
		o.log.Warn("send was under way when the relay stopped; unknown whether it went out", "conversation", c.Conversation)
	}
	return nil
}

// follow notes which conversations changed.
func (o *Outbox) follow(ctx context.Context) error {
	events, _, err := o.desk.Read(ctx, store.Position{Seq: o.seen}, batchMost)
	if err != nil {
		return stopped(ctx, fmt.Errorf("outbox reads the log: %w", err))
	}
	for _, e := range events {
		o.seen = e.Seq
		if e.Conversation != "" {
			o.work[e.Conversation] = true
		}
	}
	return nil
}

// launch starts a send for every conversation that is due, and says how long nothing more can become due by itself.
func (o *Outbox) launch(ctx context.Context, senders *sync.WaitGroup) time.Duration {
	wait := time.Minute
	var policy desk.Policy
	o.desk.View(func(s *desk.State) { policy = s.Policy })
	for id := range o.work {
		if o.busy[id] || len(o.busy) >= sendersMost {
			continue
		}
		c := o.desk.Conversation(id)
		m := next(c)
		if m == nil {
			delete(o.work, id)
			continue
		}
		if d := o.dueIn(c, m, policy, time.Now()); d > 0 {
			wait = min(wait, d)
			continue
		}
		o.busy[id] = true
		senders.Go(func() {
			o.send(ctx, id)
			o.free <- id // never blocks: as many places as senders
		})
	}
	return wait
}

// dueIn is how long a text must still wait. Where the carrier wants nothing now, or the text waits for the one before
// it, that may be until it is too old: then it is due, to become a draft.
func (o *Outbox) dueIn(c *desk.Conversation, m *desk.Message, p desk.Policy, now time.Time) time.Duration {
	due := m.DueIn(now)
	old := max(m.OldIn(now, p), 0)
	if c.Ahead(m) != nil {
		return max(due, old)
	}
	return max(due, min(o.quiet(now), old))
}

// quiet is how long the carrier wants to be offered nothing.
func (o *Outbox) quiet(now time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hush.Sub(now)
}

// heed keeps the carrier's pace: a 429 is about our account, not about the text that met it.
func (o *Outbox) heed(later *gateway.Later) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if until := time.Now().Add(later.After); later.After > 0 && until.After(o.hush) {
		o.hush = until
	}
}

func next(c *desk.Conversation) *desk.Message {
	if c == nil {
		return nil
	}
	return c.Next()
}

// send takes one text of a conversation from waiting to an outcome.
func (o *Outbox) send(ctx context.Context, id string) {
	c := o.desk.Conversation(id)
	m := next(c)
	if m == nil || o.pace.WaitN(ctx, min(max(sms.Segments(m.Text.Reveal()).Segments, 1), paceBurst)) != nil {
		return
	}
	ctx, done := outlasting(ctx, sendTimeout+mendMost) // once started, a send gets its outcome, if the log can take it
	defer done()
	attempt := m.Attempt + 1
	began := desk.Send{Attempt: attempt}
	text := m.Text
	if m.Automatic != "" {
		text = o.texts.For(m.Automatic, c.Language)
		began.Text = text
	}
	if _, err := o.desk.Patiently(ctx, o.command(id, m, attempt, desk.SendStarted, "", began)); err != nil {
		o.held(ctx, id, m, attempt, err)
		return
	}
	sid, err := o.post(ctx, gateway.Outgoing{ID: m.ID, To: c.Number, From: o.from, Body: text})
	if _, err := o.desk.Patiently(ctx, o.outcome(id, m, attempt, sid, err)); err != nil {
		o.log.Error("outcome of a send is not on disk; it counts as unknown", "conversation", id, "error", err)
	}
}

func (o *Outbox) post(ctx context.Context, m gateway.Outgoing) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return o.carrier.Send(ctx, m)
}

// outcome makes the event of what the carrier said. Whatever is not a clear answer is unknown, never failed.
func (o *Outbox) outcome(id string, m *desk.Message, attempt int, sid string, err error) desk.Command {
	var refused *gateway.Refused
	var later *gateway.Later
	b := desk.Send{Attempt: attempt}
	switch {
	case err == nil:
		b.SID = sid
		c := o.command(id, m, attempt, desk.SendAccepted, "/accepted", b)
		c.ID = acceptedID(sid)
		return c
	case errors.As(err, &refused):
		b.Reason = refused.Reason
		c := o.command(id, m, attempt, desk.SendRefused, "/refused", b)
		c.Head.Code = refused.Code
		return c
	case errors.As(err, &later):
		o.heed(later)
		b.After = max(min(later.After, deferAtMost), min(deferAtLeast<<min(attempt-1, 8), deferAtMost))
		return o.command(id, m, attempt, desk.SendDeferred, "/deferred", b)
	}
	o.log.Warn("unknown whether the carrier took a text", "conversation", id)
	return o.command(id, m, attempt, desk.SendUnknown, "/unknown", b)
}

// held deals with a text that the rules did not let out at the last moment: one that will never go is withdrawn, so
// that its author sees it as a draft again.
func (o *Outbox) held(ctx context.Context, id string, m *desk.Message, attempt int, err error) {
	var r *desk.Refusal
	if !errors.As(err, &r) {
		return
	}
	switch r.Code {
	case desk.CodeInFlight, desk.CodeNotYet, desk.CodeNotWaiting, desk.CodeBehind:
		return
	}
	c := o.command(id, m, attempt, desk.ReplyWithdrawn, "/withdrawn", desk.Because{Reason: r.Text})
	c.Actor = store.Clock
	if _, err := o.desk.Patiently(ctx, c); err != nil && !errors.Is(err, &desk.Refusal{Code: desk.CodeNotWaiting}) {
		o.log.Error("text that may not go out could not be withdrawn", "conversation", id, "error", err)
	}
}

func (o *Outbox) command(id string, m *desk.Message, attempt int, kind store.Kind, suffix string, body any) desk.Command {
	raw, _ := json.Marshal(body) // only our own types come here
	return desk.Command{
		ID: fmt.Sprintf("%s/send/%d%s", m.ID, attempt, suffix), Kind: kind, Conversation: id, Ref: m.ID,
		Actor: store.Carrier, Body: raw,
	}
}

// outlasting is ctx with its end put off: so long a relay that stops waits for a log that cannot be written to.
func outlasting(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return later, func() {
		stop()
		cancel()
	}
}

// stopped passes on an error, unless it is only that everything ends.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, errStopping) {
		return nil
	}
	return err
}
