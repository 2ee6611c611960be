package desk

import (
	"maps"
	"slices"
	"time"

	"befree.example/store"
	"befree.example/store/sms"
)

// The kinds by which something is forgotten, held back from that, or leaves befree. What a kind means stands in its
// name alone: its head and body may be forgotten with the rest.
const (
	ForgetAsked     store.Kind = "forget asked"          // one person asks that a conversation be forgotten, ...
	ForgetApproved  store.Kind = "forget approved"       // ... and another agrees
	Forgotten       store.Kind = "forgotten"             // all of the conversation; its keys are destroyed once this is on disk
	ForgottenToo    store.Kind = "forgotten with others" // likewise, because all of its texter's are
	ForgottenAgain  store.Kind = "forgotten again"       // likewise, because a restored backup had it once more
	LeftOut         store.Kind = "left out"              // of what two people agreed on for all of its texter's; see [State.Agreed]
	TextForgotten   store.Kind = "text forgotten"        // its time was up, as of the next three
	NumberForgotten store.Kind = "number forgotten"      //
	NotesForgotten  store.Kind = "notes forgotten"       //
	PlansForgotten  store.Kind = "plans forgotten"       //
	OptOutKept      store.Kind = "opt-out kept"          // whether a forgotten number opted out, by its keyed hash; outside all chains
	Erased          store.Kind = "erased"                // a console has forgotten all that it was to, up to an event; outside all chains
	HoldSet         store.Kind = "hold set"              // nothing of it may be forgotten
	HoldLifted      store.Kind = "hold lifted"           //
	CarrierAsked    store.Kind = "carrier is to forget"  // which texts the carrier is to delete; in a chain of its own
	Redacted        store.Kind = "redacted"              // the carrier has deleted one
	RedactRefused   store.Kind = "redaction refused"     // the carrier never will
	CarrierForgot   store.Kind = "carrier was asked"     // for all of them; the list's own key is destroyed
	NumberRevealed  store.Kind = "number revealed"       // somebody was shown a whole number; outside its chain
	ExportAsked     store.Kind = "export asked"          // one person asks to write a closed conversation to a file, ...
	ExportApproved  store.Kind = "export approved"       // ... another agrees
	Exported        store.Kind = "exported"              // ... and the first does it, once

	// RetentionWaits says that the clock would forget so much at once, or after such a leap of time, that a person is to
	// look first; RetentionAllowed that one has. Both are outside all chains.
	RetentionWaits   store.Kind = "retention waits"
	RetentionAllowed store.Kind = "retention allowed"
)

// How long an agreement of two people holds.
const (
	AskedFor  = 7 * 24 * time.Hour // that the second may take to agree
	ExportFor = 24 * time.Hour     // that the first may take to export then
)

// everything is all classes.
var everything = []store.Class{store.Numbers, store.Text, store.Notes, store.Plans, store.Facts}

func init() {
	maps.Copy(applies, map[store.Kind]func(*State, *Conversation, store.Event){
		ForgetAsked: func(_ *State, c *Conversation, e store.Event) { c.Forget = asked(e) },
		ForgetApproved: func(_ *State, c *Conversation, e store.Event) {
			c.Forget.Approved, c.Forget.Decided = e.Actor, e.Seq
		},
		Forgotten:      (*State).forgotten,
		ForgottenToo:   (*State).forgotten,
		ForgottenAgain: (*State).forgotten,
		LeftOut: func(_ *State, c *Conversation, e store.Event) {
			o := Read[Omission](e)
			o.Seq = e.Seq
			c.LeftOut = append(slices.Clip(c.LeftOut), o)
		},
		TextForgotten:   (*State).forgotten,
		NumberForgotten: (*State).forgotten,
		NotesForgotten:  (*State).forgotten,
		PlansForgotten:  (*State).forgotten,
		HoldSet:         func(s *State, c *Conversation, e store.Event) { s.preserve(c, e, LegalHold{By: e.Actor, At: e.At}) },
		HoldLifted:      func(s *State, c *Conversation, e store.Event) { s.preserve(c, e, LegalHold{}) },
		ExportAsked:     func(_ *State, c *Conversation, e store.Event) { c.Export = asked(e) },
		ExportApproved: func(_ *State, c *Conversation, e store.Event) {
			c.Export.Approved, c.Export.Decided, c.Export.AgreedAt = e.Actor, e.Seq, e.At
		},
		Exported: func(_ *State, c *Conversation, _ store.Event) { c.Export = Ask{} },
	})
}

// Forgets says which classes of its conversation are forgotten by an event of a kind; none for most.
func Forgets(k store.Kind) []store.Class {
	switch k {
	case Forgotten, ForgottenToo, ForgottenAgain:
		return everything
	case TextForgotten:
		return []store.Class{store.Text}
	case NumberForgotten:
		return []store.Class{store.Numbers}
	case NotesForgotten:
		return []store.Class{store.Notes}
	case PlansForgotten:
		return []store.Class{store.Plans}
	}
	return nil
}

// Destroys says of which classes the keys of its conversation are destroyed once an event of a kind is on disk, before
// anything else is sealed.
func Destroys(k store.Kind) []store.Class {
	if k == CarrierForgot {
		return everything
	}
	return Forgets(k)
}

// A Retention says how long after a conversation was closed each class of it is kept; 0 for as long as nobody asks.
// Facts are kept longest, because without them nobody can tell what the rest is.
type Retention struct {
	Numbers, Text, Notes, Plans, Facts time.Duration
}

// An Ask is something that needs two people.
type Ask struct {
	By       string
	At       time.Time
	Seq      uint64    // of the event that asked
	Number   bool      // for all conversations of the texter's number
	Reason   string    // empty where it is not for this reader
	Approved string    // who agreed, empty until somebody does
	Decided  uint64    // Seq of the event that approved, ...
	AgreedAt time.Time // ... and when, of an export
}

// Waits tells whether a second person may still agree.
func (a Ask) Waits(now time.Time) bool {
	return a.By != "" && a.Approved == "" && now.Sub(a.At) < AskedFor
}

// Asked tells whether somebody asks for something of c that needs another person, or may still do what was agreed to.
func (c *Conversation) Asked(now time.Time) bool {
	return c.Forget.Waits(now) || c.Export.Waits(now) || c.Export.Ready(now)
}

// Ready tells whether an export has been agreed to and not been made.
func (a Ask) Ready(now time.Time) bool { return a.Approved != "" && now.Sub(a.AgreedAt) < ExportFor }

// An Asking is the body of [ForgetAsked] and [ExportAsked].
type Asking struct {
	Number bool   `json:"number,omitempty"` // all conversations of the texter's number
	Reason string `json:"reason"`
}

// A Holding is the body of [HoldSet] and [HoldLifted].
type Holding struct {
	Number bool   `json:"number,omitempty"` // whatever comes from the texter's number, later too
	Reason string `json:"reason"`
}

// A Wait is a [RetentionWaits] and what became of it.
type Wait struct {
	Seq           uint64    `json:"-"`
	Conversations int       `json:"conversations"`  // that something would be forgotten of
	Leap          bool      `json:"leap,omitempty"` // the clock had been standing still, or is wrong
	Allowed       bool      `json:"-"`
	AllowedAt     time.Time `json:"-"`
}

// A LegalHold keeps a conversation from being forgotten. The zero value holds nothing.
type LegalHold struct {
	By string
	At time.Time
}

// A Forgetting is one of a conversation's.
type Forgetting struct {
	Seq          uint64
	At           time.Time
	Kind         store.Kind
	By, Approved string // who asked and who agreed; empty where a clock did it
}

// An Omission is one of a conversation from what two people agreed on, and the body of [LeftOut].
type Omission struct {
	Seq  uint64   `json:"seq,omitempty"`  // of the event
	Of   string   `json:"of"`             // the conversation in which two people agreed
	With []string `json:"with,omitempty"` // the others that they agreed on
}

// An Erasure is the body of [Erased].
type Erasure struct {
	Upto  uint64 `json:"upto"`            // Seq up to which nothing is left there of what was forgotten
	Epoch string `json:"epoch,omitempty"` // of the log whose Seq that is; a restored backup is another
}

// Holdings are the classes of which a conversation has something that was not forgotten since.
type Holdings struct {
	Numbers, Text, Notes, Plans bool
}

func (h *Holdings) add(k store.Kind) {
	h.Numbers = h.Numbers || k == Received
	switch ClassOf(k) {
	case store.Text:
		h.Text = true
	case store.Notes:
		h.Notes = true
	case store.Plans:
		h.Plans = true
	}
}

// FlagNumber says of [ForgetAsked] that it is for all conversations of the number.
const FlagNumber = "number"

// A Doubt is a text that the carrier may have under a name that nobody knows, and since when.
type Doubt struct {
	Ref string
	At  time.Time
}

// doubt follows what is heard of texts without a clear outcome.
func (c *Conversation) doubt(e store.Event) {
	c.Unsure = slices.DeleteFunc(slices.Clone(c.Unsure), func(d Doubt) bool { return d.Ref == e.Head.Ref })
	if e.Kind == SendUnknown {
		c.Unsure = append(c.Unsure, Doubt{e.Head.Ref, e.At})
	}
}

// preserve sets or lifts a legal hold.
func (s *State) preserve(c *Conversation, e store.Event, h LegalHold) {
	c.LegalHold = h
	c.unask()
	if slices.Contains(e.Head.Flags, FlagNumber) {
		s.onLine(c, func(l *line) { l.hold = h })
	}
}

// unask ends what was asked of c itself. What was agreed on for all of its number is carried out for the others.
func (c *Conversation) unask() {
	if c.Forget.Approved != "" && c.Forget.Number {
		c.Rest = c.Forget
	}
	c.Forget = Ask{}
}

// A Step is one conversation's part in what two people agreed on.
type Step struct {
	Conversation string
	Kind         store.Kind // [LeftOut], [ForgottenToo] or [Forgotten]
}

// Agreed lists what is still to be done because two people agreed on it in c, in this order.
//
// What they agreed on is carried out for what there was when the second of them agreed: c, or all conversations of its
// number, all of them closed then. Where one of those was opened again since, by a text that neither of the two has seen,
// or is under a legal hold, it is left out, and the receipts of the others name it until it is forgotten itself; whoever
// still wants that asks again. What has begun since is no part of it. c goes last, once each of the others is forgotten or
// left out: nothing ends half done. Until then nobody can agree to anything else about the number.
func (s *State) Agreed(c *Conversation) (steps []Step) {
	var last []Step
	for _, a := range []Ask{c.Rest, c.Forget} {
		for _, o := range s.agreedOn(c, a) {
			switch step := (Step{o.ID, s.owed(c, a, o)}); step.Kind {
			case LeftOut:
				steps = append(steps, step)
			case ForgottenToo, Forgotten:
				last = append(last, step)
			}
		}
	}
	return append(steps, last...)
}

// agreedOn lists the conversations that an agreement in c is about, c last.
func (s *State) agreedOn(c *Conversation, a Ask) []*Conversation {
	if a.Approved == "" {
		return nil
	}
	var all []*Conversation
	if a.Number {
		all = slices.DeleteFunc(s.OfNumber(c), func(o *Conversation) bool { return o.ID == c.ID || o.Begun > a.Decided })
	}
	return append(all, c)
}

// owed is by which kind o, one of those that an agreement in c is about, is to be dealt with; empty for one that is left
// out already.
func (s *State) owed(c *Conversation, a Ask, o *Conversation) store.Kind {
	switch itself := o.ID == c.ID; {
	case slices.ContainsFunc(o.LeftOut, func(l Omission) bool { return l.Of == c.ID && l.Seq > a.Decided }):
		return ""
	case itself && a.Seq == c.Rest.Seq, !itself && o.OpenedSeq > a.Decided, a.Number && s.LegalHold(o) != (LegalHold{}):
		return LeftOut
	case itself:
		return Forgotten
	}
	return ForgottenToo
}

// owes tells whether a step is among what is to be done because of an agreement in c.
func (s *State) owes(c *Conversation, step Step) bool {
	return c != nil && slices.Contains(s.Agreed(c), step)
}

func asked(e store.Event) Ask {
	return Ask{By: e.Actor, At: e.At, Seq: e.Seq, Number: slices.Contains(e.Head.Flags, FlagNumber), Reason: Read[Asking](e).Reason}
}

// forgotten drops what is in memory of what an event forgets. What is left is the same whether the words were still
// there before or had been unreadable for long: it rests on nothing that is sealed.
func (s *State) forgotten(c *Conversation, e store.Event) {
	f := Forgetting{Seq: e.Seq, At: e.At, Kind: e.Kind}
	if e.Kind == Forgotten && c.Forget.Approved != "" {
		f.By, f.Approved = c.Forget.By, c.Forget.Approved
	}
	done := append(slices.Clip(c.Forgettings), f)
	for _, class := range Forgets(e.Kind) {
		switch class {
		case store.Numbers:
			s.forgetNumber(c)
		case store.Text:
			c.Messages, c.Earlier, c.Place, c.Has.Text = nil, "", "", false
		case store.Notes:
			c.Notes, c.Referrals, c.Has.Notes = nil, nil, false
		case store.Plans:
			c.Plans, c.Safety, c.Has.Plans = nil, Safety{}, false
		case store.Facts:
			if c.Phase == Held {
				s.drop(c.Owner, c.ID)
			}
			*c = Conversation{ID: c.ID, Last: c.Last, Phase: ClosedNow, Gone: e.At}
		}
	}
	c.Forgettings = done
}

// forgetNumber takes a conversation from its number's line.
func (s *State) forgetNumber(c *Conversation) {
	s.onLine(c, func(l *line) {
		l.convs = slices.DeleteFunc(slices.Clone(l.convs), func(id string) bool { return id == c.ID })
		if l.open == c.ID {
			l.open = ""
		}
	})
	c.Number, c.Tail, c.Place, c.Has.Numbers = "", "", "", false
}

// key is what a number's line goes by.
func (s *State) key(n sms.Number) string {
	if s.Key == nil {
		return string(n)
	}
	return s.Key(n)
}

// KeepsOptOut tells whether forgetting c's number must first be followed by an [OptOutKept], because what is known of
// its opt-out rests on more than will be left.
func (s *State) KeepsOptOut(c *Conversation) bool {
	if c.Number == "" {
		return false
	}
	l, _ := s.lines.get(s.key(c.Number))
	return l.optedOut || l.kept || len(l.convs) > 1
}

func (s *State) optOutKept(e store.Event) {
	if e.Head.Ref == "" {
		return // not for this reader
	}
	l, _ := s.lines.get(e.Head.Ref)
	l.optedOut, l.kept = slices.Contains(e.Head.Flags, FlagOptedOut), true
	l.stop, l.start = e.At, time.Time{} // when anything was said is forgotten
	s.lines.put(e.Head.Ref, l)
}

// OfNumber returns the conversations of c's number that have it, oldest first.
func (s *State) OfNumber(c *Conversation) []*Conversation {
	if c == nil || c.Number == "" {
		return nil
	}
	l, _ := s.lines.get(s.key(c.Number))
	var all []*Conversation
	for _, id := range l.convs {
		all = append(all, s.Conversation(id))
	}
	return all
}

// LegalHold returns the legal hold on c or on its number, zero if there is none.
func (s *State) LegalHold(c *Conversation) LegalHold {
	if c.LegalHold != (LegalHold{}) || c.Number == "" {
		return c.LegalHold
	}
	l, _ := s.lines.get(s.key(c.Number))
	return l.hold
}

// Retention returns what the clock waits for, zero if it waits for nothing.
func (s *State) Retention() Wait { return s.wait }

// Newest is when the newest event was.
func (s *State) Newest() time.Time { return s.newest }

// Due says by which kinds something of c is to be forgotten now because its time is up.
func (s *State) Due(c *Conversation, now time.Time) []store.Kind {
	r := s.Policy.Retention
	since := c.ClosedAt
	if c.LastTextAt.After(since) {
		since = c.LastTextAt
	}
	up := func(d time.Duration) bool { return d > 0 && now.Sub(since) >= d }
	if c.Phase != ClosedNow || !c.Gone.IsZero() || s.LegalHold(c) != (LegalHold{}) || c.Forget.Approved != "" {
		return nil
	}
	if up(r.Facts) {
		return []store.Kind{Forgotten}
	}
	var due []store.Kind
	for _, class := range []struct {
		kind store.Kind
		has  bool
		keep time.Duration
	}{
		{TextForgotten, c.Has.Text, r.Text},
		{NotesForgotten, c.Has.Notes, r.Notes},
		{PlansForgotten, c.Has.Plans, r.Plans},
		{NumberForgotten, c.Has.Numbers, r.Numbers},
	} {
		if class.has && up(class.keep) {
			due = append(due, class.kind)
		}
	}
	return due
}

// About is which conversation an event is about: its own, or the one that somebody looked at.
func About(e store.Event) string {
	if e.Kind == Viewed || e.Kind == NumberRevealed {
		return e.Head.Ref
	}
	return e.Conversation
}

// Forgot tells whether what an event said of a class has been forgotten since.
func (c *Conversation) Forgot(seq uint64, class store.Class) bool {
	return slices.ContainsFunc(c.Forgettings, func(f Forgetting) bool {
		return f.Seq > seq && slices.Contains(Forgets(f.Kind), class)
	})
}
