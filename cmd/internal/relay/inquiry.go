package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// A carrier makes a text before it answers, tells of its first steps within seconds, and lists it at once. So a text of
// which nothing is heard, and which three lists do not show, the last of them half a minute after its fate became
// unknown, is not there. Half a minute, because a reply must reach the carrier within a minute of the key press: a
// longer wait would make every such text a draft, a shorter one would believe a list that is behind.
const (
	enoughLooks = 3
	enoughTime  = 30 * time.Second
	lookAtMost  = 10 * time.Minute // between two looks at a text that stays unknown
	lookMargin  = 10 * time.Minute // before a text was written, for clocks that differ
	lookDays    = 24 * time.Hour   // further back, as the list knows days alone
	lookFor     = 72 * time.Hour   // from when it was written: by then no carrier goes on with it, and what its list does not settle stays unknown
)

// looksAfter are the times of the first looks at a text that has become unknown.
var looksAfter = [enoughLooks]time.Duration{5 * time.Second, 15 * time.Second, enoughTime}

// A carrier tries for ten minutes, and tells of the end by a callback; that these come is not promised. A text of which it
// has not told the end long after is looked at in the list, at these ages. In one round all that are due are: one way
// through the list serves them.
const (
	overdueEvery = 10 * time.Minute
	closedMost   = 500 // conversations that are read in one round: others wait for what became of their texts meanwhile
)

var overdueAt = [...]time.Duration{20 * time.Minute, time.Hour, 4 * time.Hour}

// An Inquiry finds out what became of the texts of which nobody knows whether the carrier took them. Mostly a status
// callback tells first. Else it is looked for in the carrier's list, with more and more time between the looks: found,
// it is accepted; shown to be absent, it waits again, and the rules say whether it still may go. While the carrier does
// not answer, it stays unknown. It also asks for the end of those of which no callback told it.
type Inquiry struct {
	in      *Intake
	carrier gateway.Gateway
	number  sms.Number
	asks    *rate.Limiter
	log     *slog.Logger

	seen   uint64            // Seq up to which the log was read
	open   map[string]*doubt // by the ID of the message
	failed int               // looks in a row
	round  time.Time         // when to look for those that are overdue
	looks  map[string]int    // at such ones, by the ID of the message
	closed map[string]shut   // by the ID of the conversation
	skew   time.Duration     // by which the carrier's clock is before ours
}

// A doubt is a text of which nobody knows whether the carrier has it.
type doubt struct {
	conversation, message string

	since time.Time // when it was first seen to be unknown, by the monotonic clock
	looks int
	due   time.Time
}

func newInquiry(in *Intake, c Config) *Inquiry {
	return &Inquiry{
		in: in, carrier: c.Gateway, number: c.Number, log: c.Logger,
		asks: rate.NewLimiter(rate.Every(time.Second), 5), open: map[string]*doubt{},
	}
}

// Run inquires until ctx ends.
func (q *Inquiry) Run(ctx context.Context) error {
	q.in.desk.View(func(s *desk.State) {
		q.seen = s.Last()
		for c := range s.Conversations() {
			for _, m := range c.Messages {
				q.wonder(c.ID, m)
			}
		}
	})
	for {
		timer := time.NewTimer(min(q.wait(time.Now()), time.Until(q.round)))
		var err error
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-q.in.desk.Changed(q.seen):
			err = q.follow(ctx)
		case <-timer.C:
			if q.wait(time.Now()) == 0 {
				q.look(ctx)
			}
			if time.Until(q.round) <= 0 {
				q.lookAtOverdue(ctx)
			}
		}
		timer.Stop()
		if err = stopped(ctx, err); err != nil {
			return err
		}
	}
}

// wonder begins to look for a text if its fate is unknown.
func (q *Inquiry) wonder(conversation string, m *desk.Message) {
	if m == nil || m.Delivery != desk.StatusUnknown {
		return
	}
	now := time.Now()
	q.open[m.ID] = &doubt{conversation: conversation, message: m.ID, since: now, due: now.Add(looksAfter[0])}
}

// follow notes which texts have become unknown.
func (q *Inquiry) follow(ctx context.Context) error {
	events, _, err := q.in.desk.Read(ctx, store.Position{Seq: q.seen}, batchMost)
	if err != nil {
		return fmt.Errorf("inquiry reads the log: %w", err)
	}
	for _, e := range events {
		q.seen = e.Seq
		if c := q.in.desk.Conversation(e.Conversation); e.Kind == desk.SendUnknown && c != nil {
			q.wonder(c.ID, c.Message(e.Head.Ref))
		}
	}
	return nil
}

// wait is how long until the next look is due.
func (q *Inquiry) wait(now time.Time) time.Duration {
	wait := time.Hour
	for _, d := range q.open {
		wait = min(wait, d.due.Sub(now))
	}
	return max(wait, 0)
}

// look goes through the list once for all texts that are open, whichever of them is due.
func (q *Inquiry) look(ctx context.Context) {
	open := q.still()
	if len(open) == 0 {
		return
	}
	began, oldest := time.Now(), open[0].at
	for _, w := range open {
		if w.at.Before(oldest) {
			oldest = w.at
		}
	}
	list, err := q.list(ctx, oldest)
	if err != nil {
		q.later(ctx, err)
		return
	}
	q.failed = 0
	flying := q.flying()
	for _, d := range open {
		if d.due.After(began) || flying[d.to] {
			continue
		}
		d.looks++
		err := q.judge(ctx, d, list[d.to])
		refused := (*desk.Refusal)(nil)
		switch {
		case errors.As(err, &refused): // as it will be each time: no other text waits for that
			q.log.Error("what became of a text is refused by the desk", "conversation", d.conversation, "why", refused.Code)
		case err != nil:
			q.unsettled(ctx, err)
			return
		}
		if d.old && d.looked() {
			delete(q.open, d.message)
		}
	}
	now := time.Now()
	for _, d := range open {
		if !d.due.After(now) {
			d.due = d.next(now)
		}
	}
}

// looked tells whether it was looked for often enough to say that it is not there.
func (d *doubt) looked() bool { return d.looks >= enoughLooks && time.Since(d.since) >= enoughTime }

// next is when to look again.
func (d *doubt) next(now time.Time) time.Time {
	if d.looks < enoughLooks {
		return now.Add(max(d.since.Add(looksAfter[d.looks]).Sub(now), time.Second))
	}
	return now.Add(min(enoughTime<<min(d.looks-enoughLooks, 8), lookAtMost))
}

// later puts off what is due, because the carrier does not answer.
func (q *Inquiry) later(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	wait := min(looksAfter[0]<<min(q.failed, 8), lookAtMost)
	q.failed++
	var later *gateway.Later
	if errors.As(err, &later) {
		wait = max(wait, later.After)
	}
	q.log.Warn("carrier could not be asked what became of texts; they stay unknown", "texts", len(q.open), "error", err, "in a row", q.failed)
	q.putOff(wait)
}

// unsettled puts off what is due, because the log cannot be read or written to: what was found is found again.
func (q *Inquiry) unsettled(ctx context.Context, err error) {
	if err = stopped(ctx, err); err != nil {
		q.log.Error("the log does not take, or tell, what became of a text; it is looked for again", "in", mendMost, "error", err)
	}
	q.putOff(mendMost)
}

func (q *Inquiry) putOff(wait time.Duration) {
	now := time.Now()
	for _, d := range q.open {
		if due := now.Add(wait); d.due.Before(due) {
			d.due = due
		}
	}
}

// A wanted text is one that is looked for.
type wanted struct {
	*doubt

	to    sms.Number
	words string
	at    time.Time // since when it may have been sent, by our clock as it goes now
	sure  bool      // that it was not sent before
	old   bool      // this is the last that is looked for it
}

// still returns what is open and unknown, the oldest first, and forgets the rest.
func (q *Inquiry) still() (all []wanted) {
	now := time.Now()
	seqs := map[string]uint64{}
	for id, d := range q.open {
		c := q.in.desk.Conversation(d.conversation)
		if c == nil || c.Message(id) == nil || c.Message(id).Delivery != desk.StatusUnknown {
			delete(q.open, id)
			continue
		}
		m := c.Message(id)
		seqs[id] = m.Seq
		w := wanted{doubt: d, to: c.Number, old: now.Sub(m.At) > lookFor, words: plain(m.Text), at: now.Add(-now.Sub(d.since)), sure: true}
		if !m.At.After(w.at) {
			w.at = m.At
		} else { // a clock was set back, and when it was sent can no longer be told
			w.sure = false
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b wanted) int { return int(int64(seqs[a.message]) - int64(seqs[b.message])) })
	return all
}

// plain are words as they can be compared: what a carrier does to spaces says nothing.
func plain(t sms.Text) string { return strings.Join(strings.Fields(t.Reveal()), " ") }

// list returns what we sent since a time by our clock, by number, the oldest first.
func (q *Inquiry) list(ctx context.Context, oldest time.Time) (map[sms.Number][]gateway.Listed, error) {
	since := func() time.Time { return oldest.Add(q.skew - lookMargin) }
	ask := gateway.Query{Ours: q.number, Since: since().Add(-lookDays)}
	all := map[sms.Number][]gateway.Listed{}
	for {
		page, err := listed(ctx, q.carrier, q.asks, ask)
		if err != nil {
			return nil, err
		}
		was := q.skew
		q.skew = time.Until(page.Now)
		if d := q.skew - was; d.Abs() > lookMargin/2 { // from another day, perhaps
			ask.Since, ask.Next = since().Add(-lookDays), ""
			clear(all)
			continue
		}
		for _, l := range page.Texts {
			all[l.To] = append(all[l.To], l)
		}
		if oldest := page.Oldest(); page.Next == "" || !oldest.IsZero() && oldest.Before(since()) {
			break
		}
		ask.Next = page.Next
	}
	for _, texts := range all {
		slices.Reverse(texts)
	}
	return all, nil
}

// flying are the numbers to which a text is under way this moment: the list may have it before the log says under which
// SID, and it might be taken for another one.
func (q *Inquiry) flying() map[sms.Number]bool {
	all := map[sms.Number]bool{}
	q.in.desk.View(func(s *desk.State) {
		for c := range s.Conversations() {
			for _, m := range c.Messages {
				if m.Delivery == desk.StatusStarted {
					all[c.Number] = true
				}
			}
		}
	})
	return all
}

// judge says what became of a text, if that can be told: it is a text in the list which is nobody else's. One with other
// words, which is nobody's, may be it all the same: then it stays unknown.
func (q *Inquiry) judge(ctx context.Context, w wanted, texts []gateway.Listed) error {
	strange := false
	for _, l := range texts {
		if !l.At.IsZero() && l.At.Before(w.at.Add(q.skew-lookMargin)) {
			continue
		}
		whose, err := q.in.desk.log.Find(ctx, acceptedID(l.SID))
		switch {
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		case err == nil && whose.Head.Ref != w.message:
			continue
		case plain(l.Body) != w.words:
			strange = true
			continue
		}
		s := l.Status
		s.ID = w.message
		q.log.Info("a text of which nobody knew is with the carrier", "conversation", w.conversation)
		return q.in.Delivered(ctx, s)
	}
	if strange || !w.sure || !w.looked() {
		return nil
	}
	return q.absent(ctx, w)
}

// An overdue text is one that the carrier took long ago, and of which it has not told the end.
type overdue struct {
	*desk.Message

	to sms.Number
}

// endless are those of a conversation's texts that the carrier took and of which it has not told the end, without their
// words.
func endless(c *desk.Conversation) (all []*desk.Message) {
	for _, m := range c.Messages {
		if r := m.Delivery.Rank(); !m.Inbound && r >= desk.StatusAccepted.Rank() && r <= desk.StatusSent.Rank() {
			all = append(all, &desk.Message{ID: m.ID, At: m.At, SIDs: m.SIDs, Delivery: m.Delivery})
		}
	}
	return all
}

// A shut conversation is a closed one, as it was after an event, and what of it is endless.
type shut struct {
	last  uint64
	texts []*desk.Message
}

// overdue returns those that are due to be looked at. The texts of a closed conversation are in the log alone, and are
// read there once, as long as nothing happens in it.
func (q *Inquiry) overdue(ctx context.Context) (due []overdue, err error) {
	now, looks, closed := time.Now(), map[string]int{}, map[string]shut{}
	take := func(to sms.Number, texts []*desk.Message) {
		for _, m := range texts {
			n, age := q.looks[m.ID], now.Sub(m.At)
			looks[m.ID] = n
			if n < len(overdueAt) && age >= overdueAt[n] && age < lookFor {
				due = append(due, overdue{m, to})
			}
		}
	}
	var lately []*desk.Conversation
	q.in.desk.View(func(s *desk.State) {
		for c := range s.Conversations() {
			switch {
			case c.Phase != desk.ClosedNow:
				take(c.Number, endless(c))
			case c.Gone.IsZero() && (now.Sub(c.ClosedAt) < lookFor || now.Sub(c.LastTextAt) < lookFor):
				lately = append(lately, c)
			}
		}
	})
	reads := 0
	for _, c := range lately {
		was := q.closed[c.ID]
		if was.last != c.Last && reads < closedMost {
			events, err := q.in.desk.log.Conversation(ctx, c.ID)
			if err != nil {
				return nil, err
			}
			reads++
			was.last = c.Last
			if whole := desk.Fold(events); whole != nil {
				was.texts = endless(whole)
			}
		}
		closed[c.ID] = was
		take(c.Number, was.texts)
	}
	q.looks, q.closed = looks, closed
	return due, nil
}

// lookAtOverdue enters what the list tells of those whose end nobody told.
func (q *Inquiry) lookAtOverdue(ctx context.Context) {
	q.round = time.Now().Add(overdueEvery)
	due, err := q.overdue(ctx)
	var list map[sms.Number][]gateway.Listed
	if len(due) > 0 {
		list, err = q.list(ctx, slices.MinFunc(due, func(a, b overdue) int { return a.At.Compare(b.At) }).At)
	}
	for _, o := range due {
		if err != nil {
			break
		}
		if err = q.enterEnd(ctx, o, list[o.to]); err == nil {
			q.looks[o.ID]++
		}
	}
	if err = stopped(ctx, err); err != nil {
		q.log.Warn("what became of texts whose end the carrier did not tell is not known; they are looked for again", "texts", len(due), "error", err)
	}
}

func (q *Inquiry) enterEnd(ctx context.Context, o overdue, texts []gateway.Listed) error {
	for _, l := range texts {
		if !slices.Contains(o.SIDs, l.SID) || desk.Status(l.Status.State).Rank() <= o.Delivery.Rank() {
			continue
		}
		s := l.Status
		s.ID = o.ID
		refused := (*desk.Refusal)(nil)
		if err := q.in.Delivered(ctx, s); err != nil && !errors.As(err, &refused) { // refused, it would be each time
			return err
		}
	}
	return nil
}

// absent lets a text that the carrier does not have wait again; whether it still may go is decided as for any other.
func (q *Inquiry) absent(ctx context.Context, w wanted) error {
	c := q.in.desk.Conversation(w.conversation)
	if c == nil || c.Message(w.message) == nil {
		return nil
	}
	attempt := c.Message(w.message).Attempt
	raw, err := json.Marshal(desk.Send{Attempt: attempt})
	if err != nil {
		return err
	}
	_, err = q.in.desk.Do(ctx, desk.Command{
		ID: fmt.Sprintf("%s/send/%d/absent", w.message, attempt), Kind: desk.SendAbsent, Conversation: w.conversation,
		Ref: w.message, Actor: store.Carrier, Body: raw,
	})
	var refusal *desk.Refusal
	if errors.As(err, &refusal) { // it turned up this moment
		return nil
	}
	if err != nil {
		return err
	}
	q.log.Warn("the carrier does not have a text of which nobody knew", "conversation", w.conversation)
	return nil
}
