package desk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/sms"
)

// TestRules sends random commands of random people, right and wrong ones, and after each looks at the promises through
// eyes of its own: it knows events only, nothing of State.
func TestRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &line{t: noTB{}, state: desk.NewState(desk.Policy{}), now: noon}
		w := newWitness()
		for range rapid.IntRange(20, 80).Draw(t, "steps") {
			l.now = l.now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 6 * time.Second, 2 * time.Minute, 80 * time.Hour}).Draw(t, "pause"))
			if e, err := l.decide(anything(t, l)); err == nil {
				if trouble := w.see(e, l.state); trouble != "" {
					t.Fatalf("event %d %s: %s", e.Seq, e.Kind, trouble)
				}
			}
		}
		refold := desk.NewState(desk.Policy{})
		for _, e := range l.events {
			refold.Apply(e)
		}
		if d := cmp.Diff(picture(l.state), picture(refold), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("folded again, the log gives another state (-live +fold):\n%s", d)
		}
	})
}

func picture(s *desk.State) map[string]*desk.Conversation {
	all := map[string]*desk.Conversation{}
	for c := range s.Conversations() {
		all[c.ID] = c
	}
	return all
}

var people = []struct {
	name string
	role desk.Role
}{{"ada", desk.Specialist}, {"ben", desk.Specialist}, {"sue", desk.Supervisor}, {"rex", desk.Reviewer}}

// anything draws a command: mostly about what there is, sometimes resting on what is no more.
func anything(t *rapid.T, l *line) desk.Command {
	who := rapid.SampledFrom(people).Draw(t, "who")
	var known []*desk.Conversation
	for i := range 200 {
		if c := l.state.Conversation(fmt.Sprintf("conversation%d", i)); c != nil {
			known = append(known, c)
		}
	}
	if len(known) == 0 || rapid.IntRange(0, 3).Draw(t, "text") == 0 {
		from := rapid.SampledFrom([]sms.Number{texter, "+12025550101", "+12025550102"}).Draw(t, "from")
		words := rapid.SampledFrom([]string{"HELP", "stop", "START", "yes", "hes here", "ok", "stop him"}).Draw(t, "words")
		cmd := received(from, words, fmt.Sprintf("SM%d", l.n), fmt.Sprintf("conversation%d", l.n))
		cmd.Head.Late = rapid.SampledFrom([]time.Duration{0, 0, 0, time.Second, 20 * time.Second, 3 * time.Minute, 80 * time.Hour}).Draw(t, "late")
		return cmd
	}
	c := rapid.SampledFrom(known).Draw(t, "conversation")
	var messages []string
	for _, m := range c.Messages {
		if !m.Inbound {
			messages = append(messages, m.ID)
		}
	}
	ref := rapid.SampledFrom(append(messages, "none")).Draw(t, "message")
	carrier := func(kind store.Kind) desk.Command {
		return desk.Command{ID: fmt.Sprintf("%s/%s/%d", ref, kind, l.n), Kind: kind, Conversation: c.ID, Ref: ref, Actor: store.Carrier}
	}
	hold := rapid.Bool().Draw(t, "flag")
	cmd := desk.Command{
		Conversation: c.ID, Actor: who.name, Role: who.role,
		Claim: c.Claim - uint64(rapid.IntRange(0, 5).Draw(t, "stale")/5), Seen: c.Seen() - uint64(rapid.IntRange(0, 5).Draw(t, "unseen")/5),
	}
	switch rapid.IntRange(0, 20).Draw(t, "kind") {
	case 0, 1:
		cmd.Kind = desk.Claimed
	case 2:
		cmd.Kind = desk.Released
	case 3:
		cmd.Kind, cmd.Body = desk.Transferred, body(desk.Handoff{To: rapid.SampledFrom(people).Draw(t, "to").name})
	case 4:
		cmd.Kind, cmd.Body = desk.TakenOver, body(desk.Because{Reason: "because"})
	case 5, 6, 7:
		cmd.Kind, cmd.Body = desk.ReplyQueued, body(desk.Reply{Text: "hello", Now: hold, Reason: rapid.SampledFrom([]string{"", "because"}).Draw(t, "reason")})
	case 8:
		cmd.Kind, cmd.Ref = desk.ReplyWithdrawn, ref
	case 9, 10, 11:
		return carrier(desk.SendStarted)
	case 12:
		return carrier(rapid.SampledFrom([]store.Kind{desk.SendAccepted, desk.SendUnknown, desk.SendRefused, desk.SendDeferred}).Draw(t, "outcome"))
	case 13:
		d := carrier(desk.Delivery)
		d.Head.Delivery = rapid.SampledFrom([]string{"queued", "sent", "delivered", "undelivered", "failed"}).Draw(t, "state")
		return d
	case 14:
		cmd.Kind, cmd.Body = desk.SafetySaved, body(desk.SafetyEdit{Hold: &hold})
	case 15:
		cmd.Kind, cmd.Body = desk.PlanSaved, body(plan.Edit{Base: rapid.IntRange(0, c.Plan().Version).Draw(t, "base"), Fields: map[string]string{"leaving/bag": rapid.StringMatching("[a-z]{1,8}").Draw(t, "words")}})
	case 16:
		cmd.Kind, cmd.Body = desk.Closed, body(desk.Closing{Disposition: "resolved"})
	case 17:
		cmd.Kind = desk.OptedOut
	case 18:
		return carrier(desk.SendAbsent)
	case 20:
		edit := passedOn
		if n := len(c.Referrals); n > 0 && hold {
			edit = desk.ReferralEdit{Of: c.Referrals[n-1].ID, Status: desk.ReferralAccepted}
		}
		cmd.Kind, cmd.Body = desk.ReferralSaved, body(edit)
	case 19:
		cmd.Kind, cmd.Ref, cmd.Body = desk.SendAgain, ref, body(desk.Because{Reason: rapid.SampledFrom([]string{"", "because"}).Draw(t, "reason")})
	}
	return cmd
}

// A witness derives from events alone what must be true.
type witness struct {
	number   map[string]string // conversation to number
	words    map[string][]word // of a number, on whether it may be texted
	owed     map[string]string // automatic message to what it is
	sent     map[string]int    // automatic message to how often it was started
	owner    map[string]string
	claim    map[string]uint64 // Seq of the event that made the owner
	resting  map[string]uint64 // reply to the claim under which it was queued
	rank     map[string]int
	finished map[string]bool   // reply was withdrawn by what happened
	queued   map[string]uint64 // replies
	doubt    map[string]uint64 // Seq of the event that made a reply unknown, until something is known
	chosen   map[string]bool   // a person has it sent again
	absent   map[string]bool   // the carrier did not have it
	home     map[string]string
}

func newWitness() *witness {
	return &witness{
		number: map[string]string{}, words: map[string][]word{}, owed: map[string]string{}, sent: map[string]int{},
		owner: map[string]string{}, claim: map[string]uint64{}, resting: map[string]uint64{}, rank: map[string]int{}, finished: map[string]bool{},
		queued: map[string]uint64{}, doubt: map[string]uint64{}, chosen: map[string]bool{}, absent: map[string]bool{}, home: map[string]string{},
	}
}

func (w *witness) see(e store.Event, s *desk.State) string {
	switch e.Kind {
	case desk.Received:
		w.number[e.Conversation] = e.Number
		words := strings.ToLower(desk.Read[desk.Text](e).Text.Reveal())
		if words == "stop" || words == "start" || words == "yes" && w.out(e.Number) {
			w.words[e.Number] = append(w.words[e.Number], said(e, words == "stop"))
		}
		if s.MayText(sms.Number(e.Number)) == w.out(e.Number) {
			return fmt.Sprintf("a number has opted out %t", w.out(e.Number))
		}
	case desk.OptedOut:
		w.stopped(e)
	case desk.SendRefused:
		if e.Head.Code == 21610 {
			w.stopped(e)
		}
	case desk.Claimed:
		if w.owner[e.Conversation] != "" {
			return "claimed while " + w.owner[e.Conversation] + " owns it"
		}
		w.owner[e.Conversation], w.claim[e.Conversation] = e.Actor, e.Seq
	case desk.TakenOver:
		w.owner[e.Conversation], w.claim[e.Conversation] = e.Actor, e.Seq
	case desk.Transferred:
		w.owner[e.Conversation], w.claim[e.Conversation] = e.Head.Staff, e.Seq
	case desk.Released, desk.Closed:
		w.owner[e.Conversation], w.claim[e.Conversation] = "", 0
	case desk.ReplyQueued:
		if w.owner[e.Conversation] != e.Actor {
			return "a reply by somebody who does not own it"
		}
		w.resting[e.ID], w.queued[e.ID], w.home[e.ID] = w.claim[e.Conversation], e.Seq, e.Conversation
	case desk.SendUnknown:
		if w.rank[e.Head.Ref] < desk.StatusUnknown.Rank() {
			w.doubt[e.Head.Ref] = e.Seq
		}
	case desk.SendAbsent:
		if w.doubt[e.Head.Ref] == 0 && !automatic(e.Head.Ref) {
			return "absent, though it is not unknown"
		}
		delete(w.doubt, e.Head.Ref)
		w.absent[e.Head.Ref], w.chosen[e.Head.Ref] = true, false
	case desk.SendAgain:
		if w.doubt[e.Head.Ref] == 0 || w.owner[e.Conversation] != e.Actor {
			return "sent again by somebody who does not own it, or though it is not unknown"
		}
		delete(w.doubt, e.Head.Ref)
		w.resting[e.Head.Ref], w.chosen[e.Head.Ref] = w.claim[e.Conversation], true
	case desk.SendAccepted, desk.Delivery:
		delete(w.doubt, e.Head.Ref)
	case desk.SendStarted:
		return w.started(e)
	}
	return w.whole(e, s)
}

// A word is a STOP or a START, and when it may have come to the carrier.
type word struct {
	stop, late bool
	seq        uint64
	from, to   time.Time
}

// said is a texter's: one that is fetched late came when it was late, within 5 s, any other in the 15 s before.
func said(e store.Event, stop bool) word {
	at := e.At.Add(-e.Head.Late)
	if e.Head.Late > 0 {
		return word{stop, true, e.Seq, at.Add(-5 * time.Second), at.Add(5 * time.Second)}
	}
	return word{stop, false, e.Seq, at.Add(-15 * time.Second), at}
}

func (w *witness) stopped(e store.Event) {
	number := w.number[e.Conversation]
	w.words[number] = append(w.words[number], word{stop: true, seq: e.Seq, from: e.At, to: e.At})
}

// out tells whether there is a STOP that no START is sure to have followed.
func (w *witness) out(number string) bool {
	return slices.ContainsFunc(w.words[number], func(stop word) bool {
		return stop.stop && !slices.ContainsFunc(w.words[number], func(start word) bool {
			return !start.stop && (start.from.After(stop.to) || !start.late && start.seq > stop.seq)
		})
	})
}

func automatic(ref string) bool {
	return strings.HasSuffix(ref, "/compliance") || strings.HasSuffix(ref, "/optout")
}

// started: nothing goes to a number that opted out save the one confirmation and, on a short code, the answer to HELP;
// and no reply goes out on a claim that is no more.
func (w *witness) started(e store.Event) string {
	ref := e.Head.Ref
	w.sent[ref]++
	automatic := automatic(ref)
	for o, doubt := range w.doubt {
		if !automatic && !w.chosen[ref] && w.home[o] == e.Conversation && w.queued[o] < w.queued[ref] && doubt > w.queued[ref] {
			return "a reply passes one that is unknown, though its author did not know"
		}
	}
	for o, seq := range w.queued {
		if w.sent[ref] > 1 && !w.chosen[ref] && w.home[o] == e.Conversation && seq > w.queued[ref] && w.rank[o] >= desk.StatusAccepted.Rank() && w.absent[ref] {
			return "a reply is sent again by itself after what was written later"
		}
	}
	switch {
	case w.out(w.number[e.Conversation]) && !automatic:
		return "a reply to a number that opted out"
	case automatic && w.sent[ref] > 1 && w.rank[ref] > 1:
		return "an automatic text twice"
	case !automatic && (w.claim[e.Conversation] == 0 || w.resting[ref] != w.claim[e.Conversation]):
		return "a reply on a claim that is no more"
	}
	return ""
}

// whole looks at the state for what no event shows.
func (w *witness) whole(e store.Event, s *desk.State) string {
	holds := map[string]int{}
	for c := range s.Conversations() {
		if c.Phase == desk.Held {
			holds[c.Owner]++
			if c.Owner != w.owner[c.ID] {
				return fmt.Sprintf("%s owned by %s, the events say %s", c.ID, c.Owner, w.owner[c.ID])
			}
		}
		flying := 0
		var since time.Time // the oldest text that nothing has answered
		for _, m := range c.Messages {
			switch {
			case m.Inbound && m.Seq > c.Settled && since.IsZero():
				since = m.Written()
			case m.Author != "" && m.Delivery.Taken():
				since = time.Time{}
			}
			if m.Inbound {
				continue
			}
			if m.Delivery == desk.StatusStarted {
				flying++
			}
			if m.Delivery.Rank() < w.rank[m.ID] && (e.Head.Ref != m.ID || e.Kind != desk.SendDeferred && e.Kind != desk.SendAbsent && e.Kind != desk.SendAgain) {
				return fmt.Sprintf("%s went back to %s", m.ID, m.Delivery)
			}
			w.rank[m.ID] = m.Delivery.Rank()
		}
		if !since.Equal(c.Unanswered) {
			return fmt.Sprintf("%s waits since %v, not %v", c.ID, since, c.Unanswered)
		}
		if flying > 1 {
			return "two texts in flight"
		}
	}
	for _, who := range people {
		if holds[who.name] != len(s.Holds(who.name)) {
			return who.name + " holds other conversations than it says"
		}
		if holds[who.name] > 3 && who.role == desk.Specialist {
			return who.name + " holds more than the limit"
		}
	}
	return ""
}

type noTB struct{ testing.TB }
