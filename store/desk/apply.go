package desk

import (
	"slices"
	"strings"
	"time"

	"befree.example/store"
	"befree.example/store/plan"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// codeOptedOut is Twilio's code for a text to a number that opted out at the carrier.
const codeOptedOut = 21610

// The automatic texts, by the ending of the message's ID.
const (
	Compliance   = "compliance"
	Confirmation = "optout"
)

// Apply folds e into s. It never fails: an event of a kind that it does not know is kept and moves its conversation's
// end; an event whose words are withheld changes all that its head says.
func (s *State) Apply(e store.Event) {
	s.last = e.Seq
	s.aside(e)
	switch e.Kind {
	case Swept:
		s.swept = Read[Sweep](e).Through
	case CarrierAsked, Redacted, RedactRefused, CarrierForgot:
		return
	}
	if e.Conversation == "" {
		return
	}
	c := s.edit(e.Conversation)
	c.Last = e.Seq
	c.turned(e)
	c.Has.add(e.Kind)
	if f := applies[e.Kind]; f != nil {
		f(s, c, e)
	}
	if e.Kind != Received || c.Unanswered.IsZero() { // else it is what it was, however many there are
		c.Unanswered = c.unanswered()
	}
}

var applies = map[store.Kind]func(*State, *Conversation, store.Event){
	Received:       (*State).received,
	Claimed:        func(s *State, c *Conversation, e store.Event) { s.own(c, e, e.Actor) },
	TakenOver:      func(s *State, c *Conversation, e store.Event) { s.own(c, e, e.Actor) },
	Transferred:    func(s *State, c *Conversation, e store.Event) { s.own(c, e, e.Head.Staff) },
	Released:       func(s *State, c *Conversation, _ store.Event) { s.disown(c, Waiting, "it was given back") },
	ReplyQueued:    (*State).replyQueued,
	ReplyWithdrawn: func(_ *State, c *Conversation, e store.Event) { c.withdraw(e.Head.Ref, Read[Because](e).Reason, e.Seq) },
	SendStarted:    (*State).sendStarted,
	SendAccepted:   (*State).delivery,
	SendUnknown:    (*State).delivery,
	SendRefused:    (*State).delivery,
	Delivery:       (*State).delivery,
	SendDeferred:   (*State).sendDeferred,
	SendAbsent:     (*State).sendAbsent,
	SendAgain:      (*State).sendAgain,
	NoteAdded: func(_ *State, c *Conversation, e store.Event) {
		c.Notes = append(c.Notes, &NoteLine{ID: e.ID, Seq: e.Seq, At: e.At, Author: e.Actor, Text: Read[Note](e).Text})
	},
	SafetySaved:   (*State).safetySaved,
	PlanSaved:     (*State).planSaved,
	ReferralSaved: (*State).referralSaved,
	FloodLifted:   (*State).lifted,
	SeveritySet:   func(_ *State, c *Conversation, e store.Event) { c.Severity = triage.Severity(e.Head.Severity) },
	Closed:        (*State).closed,
	OptedOut:      func(s *State, c *Conversation, e store.Event) { s.optOut(c, true, e.At) },
	OptedIn:       func(s *State, c *Conversation, _ store.Event) { s.optOut(c, false, time.Time{}) }, // no word of the texter's
}

func (s *State) received(c *Conversation, e store.Event) {
	body, quiet := Read[Text](e), e.Head.Keyword == string(sms.OptOut) || slices.Contains(e.Head.Flags, FlagPassed)
	if c.OpenedAt.IsZero() {
		c.OpenedAt, c.Begun, c.OpenedSeq, c.Earlier, c.Phase = e.At, e.Seq, e.Seq, body.Earlier, Waiting
		if quiet { // nobody needs to answer somebody who says no more than STOP
			c.Phase, c.ClosedAt, c.Closing = ClosedNow, e.At, Closing{Disposition: "opted out"}
		}
	} else if c.Phase == ClosedNow && !quiet {
		c.OpenedSeq, c.Phase, c.Owner, c.Claim = e.Seq, Waiting, "", 0
		c.unask() // what was asked for was something closed
		c.Export = Ask{}
	}
	if c.Phase == ClosedNow { // it needs no answer either, when more comes later
		c.Settled = e.Seq
	}
	if e.Number != "" {
		c.Number = sms.Number(e.Number)
	}
	c.Severity, c.Tail = triage.Severity(e.Head.Severity), e.Head.Tail
	if e.Head.Language != "" {
		c.Language = e.Head.Language
	}
	if place := body.Place(); place != "" {
		c.Place = place
	}
	c.LastText, c.LastTextAt = e.Seq, e.At
	c.Danger = c.Danger || slices.Contains(e.Head.Flags, FlagDangerWord)
	m := &Message{
		ID: e.ID, Seq: e.Seq, At: e.At, Inbound: true, Text: body.Text,
		Withheld: unread(e), Media: body.Media, Flags: e.Head.Flags, Reasons: body.Triage.Reasons, Late: e.Head.Late,
	}
	if slices.Contains(e.Head.Flags, FlagFlood) {
		c.flooded(e, m)
	} else {
		c.LastHeard = e.Seq
	}
	c.Messages = append(c.Messages, m)
	s.keyword(c, e)
}

// keyword does what a carrier keyword asks for, and what every text does to its number.
func (s *State) keyword(c *Conversation, e store.Event) {
	switch sms.Keyword(e.Head.Keyword) {
	case sms.OptOut:
		_, at := cameIn(e)
		s.optOut(c, true, at)
	case sms.OptIn:
		at, _ := cameIn(e)
		s.optOut(c, false, at)
	default:
		c.OptedOut = slices.Contains(e.Head.Flags, FlagOptedOut)
	}
	owed := e.Head.Ref
	if owed != "" {
		c.OwedAt = e.At
		c.Messages = append(c.Messages, &Message{
			ID: owed, Seq: e.Seq, At: e.At, NotBefore: e.At, Since: e.At.Add(-e.Head.Late), Changed: e.Seq,
			Automatic: owed[strings.LastIndexByte(owed, '/')+1:], Delivery: StatusWaiting,
		})
	}
	if strings.HasSuffix(owed, "/"+Compliance) {
		c.HelpedAt = e.At
	}
	s.onLine(c, func(l *line) {
		if !slices.Contains(l.convs, c.ID) {
			l.convs = append(slices.Clip(l.convs), c.ID)
		}
		if c.Phase != ClosedNow {
			l.open = c.ID
		}
	})
}

func (s *State) onLine(c *Conversation, change func(*line)) {
	if c.Number == "" {
		return
	}
	key := s.key(c.Number)
	l, _ := s.lines.get(key)
	change(&l)
	s.lines.put(key, l)
}

func (s *State) optOut(c *Conversation, out bool, at time.Time) {
	c.OptedOut = out
	s.onLine(c, func(l *line) { l.spoken(out, at) })
	if out { // a second STOP does not take back the confirmation of the first
		c.withdrawAll("the texter opted out", "", Compliance)
	} else {
		c.withdrawAll("the texter opted in again", Confirmation)
	}
}

func (s *State) own(c *Conversation, e store.Event, staff string) {
	if c.Phase == Held {
		s.disown(c, Held, "somebody else has the conversation now")
	}
	c.Phase, c.Owner, c.Claim = Held, staff, e.Seq
	if !slices.Contains(c.Held, staff) {
		c.Held = append(c.Held, staff)
	}
	s.hold(staff, c.ID)
}

func (s *State) disown(c *Conversation, next Phase, why string) {
	s.drop(c.Owner, c.ID)
	c.withdrawAll(why, "")
	c.Phase = next
	if next == Waiting {
		c.Owner, c.Claim = "", 0
	}
}

func (s *State) closed(c *Conversation, e store.Event) {
	owner := c.Owner
	s.disown(c, ClosedNow, "the conversation was closed")
	c.Owner, c.Claim, c.ClosedAt, c.Closing, c.Settled = owner, 0, e.At, Read[Closing](e), e.Seq
	c.Danger, c.Flood = false, Flood{}
	if !s.keep { // what is unknown is still looked for
		c.Notes, c.Turns = nil, nil
		c.Messages = slices.DeleteFunc(slices.Clone(c.Messages), func(m *Message) bool { return m.Delivery != StatusUnknown })
	}
	s.onLine(c, func(l *line) { l.open = "" })
}

func (s *State) replyQueued(c *Conversation, e store.Event) {
	body := Read[Reply](e)
	m := &Message{
		ID: e.ID, Seq: e.Seq, At: e.At, Author: e.Actor, Text: body.Text, Withheld: unread(e),
		Delivery: StatusWaiting, Changed: e.Seq, Claim: c.Claim, Reason: body.Reason, NotBefore: e.At,
	}
	if !body.Now {
		m.NotBefore = e.At.Add(s.Policy.Undo)
	}
	m.Since = m.NotBefore
	c.Messages = append(c.Messages, m)
}

func (s *State) sendStarted(c *Conversation, e store.Event) {
	c.change(e.Head.Ref, func(m *Message) {
		m.Delivery, m.Changed = StatusStarted, e.Seq
		m.Attempt++
		if m.Automatic != "" {
			m.Text = Read[Send](e).Text
		}
	})
}

func (s *State) sendDeferred(c *Conversation, e store.Event) {
	c.change(e.Head.Ref, func(m *Message) {
		if m.Delivery == StatusStarted {
			m.Delivery, m.Changed, m.NotBefore = StatusWaiting, e.Seq, e.At.Add(Read[Send](e).After)
		}
	})
}

func (s *State) sendAbsent(c *Conversation, e store.Event) {
	c.doubt(e)
	c.change(e.Head.Ref, func(m *Message) {
		if m.Delivery == StatusUnknown {
			m.Delivery, m.Changed, m.Again = StatusWaiting, e.Seq, e.Actor
		}
	})
}

// sendAgain lets a text begin anew, under the claim of whoever wants it.
func (s *State) sendAgain(c *Conversation, e store.Event) {
	c.change(e.Head.Ref, func(m *Message) {
		if m.Delivery == StatusUnknown {
			m.Delivery, m.Changed, m.Again = StatusWaiting, e.Seq, e.Actor
			m.Claim, m.Reason, m.Since, m.NotBefore = c.Claim, Read[Because](e).Reason, e.At, e.At
		}
	})
}

func (s *State) delivery(c *Conversation, e store.Event) {
	c.doubt(e)
	c.change(e.Head.Ref, func(m *Message) {
		body := Read[Send](e)
		if body.SID != "" && !slices.Contains(m.SIDs, body.SID) {
			m.SIDs = append(slices.Clip(m.SIDs), body.SID)
		}
		if to := Status(e.Head.Delivery); to.Rank() > m.Delivery.Rank() {
			m.Delivery, m.Changed, m.Code, m.Trouble = to, e.Seq, e.Head.Code, body.Reason
			c.Danger = c.Danger && (m.Author == "" || !to.Taken())
		}
	})
	if e.Kind == SendRefused && e.Head.Code == codeOptedOut {
		s.optOut(c, true, e.At)
	}
}

func (s *State) safetySaved(c *Conversation, e store.Event) {
	c.Safety, c.SafetySeq = c.Safety.With(Read[SafetyEdit](e)), e.Seq
	c.withdrawAll("the safety record changed", "")
}

func (s *State) planSaved(c *Conversation, e store.Event) {
	next, err := plan.Apply(c.Plan(), c.planVersion, Read[PlanEdit](e), e.Actor, e.At)
	if err != nil { // its words are withheld: the version counts all the same
		next = c.Plan()
		next.Version++
	}
	c.Plans = append(c.Plans, next)
}

// change replaces a message by a changed copy; one that is not in memory any more is left alone.
func (c *Conversation) change(id string, f func(*Message)) {
	i := c.index(id)
	if i < 0 {
		return
	}
	m := *c.Messages[i]
	f(&m)
	c.Messages[i] = &m
}

func (c *Conversation) withdraw(id, why string, seq uint64) {
	c.change(id, func(m *Message) {
		if m.Delivery == StatusWaiting {
			m.Delivery, m.Changed, m.Trouble = StatusWithdrawn, seq, why
		}
	})
}

// withdrawAll takes back what waits of some sorts of text: "" for replies, or of automatic ones.
func (c *Conversation) withdrawAll(why string, sorts ...string) {
	for _, m := range c.Messages {
		if m.Delivery == StatusWaiting && slices.Contains(sorts, m.Automatic) {
			c.withdraw(m.ID, why, c.Last)
		}
	}
}

// unread tells whether e has words that are not for this reader. A number that is not does not make it so.
func unread(e store.Event) bool { return e.Withheld && len(e.Body) == 0 }
