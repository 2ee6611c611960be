package desk

import (
	"slices"
	"time"

	"befree.example/store"
)

// A Ledger is what a State knows beside the conversations and the numbers: of the clock, of consoles, of the staff, and of
// what the carrier was asked to delete. It has no words.
type Ledger struct {
	Last       uint64 // Seq of the newest event in it
	Newest     time.Time
	Wait       Wait
	WaitSeq    uint64
	Allowed    bool
	AllowedAt  time.Time
	Redactions []*Redaction
	Consoles   []Console
	Standings  []Standing
}

// Ledger returns s's.
func (s *State) Ledger() Ledger {
	return Ledger{
		Last: s.last, Newest: s.newest, Wait: s.wait, WaitSeq: s.wait.Seq, Allowed: s.wait.Allowed, AllowedAt: s.wait.AllowedAt,
		Redactions: slices.Collect(s.redactions.values()), Consoles: slices.Collect(s.consoles.values()),
		Standings: slices.Collect(s.standings.values()),
	}
}

// Recall puts a ledger in the place of s's. Events that are in it already change nothing of it when they are applied.
func (s *State) Recall(l Ledger) {
	s.recalled, s.newest = l.Last, l.Newest
	s.wait = Wait{
		Seq: l.WaitSeq, Conversations: l.Wait.Conversations, Leap: l.Wait.Leap, Allowed: l.Allowed, AllowedAt: l.AllowedAt,
	}
	for _, r := range l.Redactions {
		s.redactions.put(r.ID, r)
	}
	for _, c := range l.Consoles {
		s.consoles.put(c.Device, c)
	}
	for _, st := range l.Standings {
		s.standings.put(st.Name, st)
	}
}

// aside folds what an event says beside its conversation.
func (s *State) aside(e store.Event) {
	if e.Seq <= s.recalled || e.Kind == "" {
		return
	}
	s.newest = e.At
	s.console(e)
	if AboutStaff(e.Kind) {
		s.staffed(e)
	}
	switch e.Kind {
	case OptOutKept:
		s.optOutKept(e)
	case CarrierAsked, Redacted, RedactRefused, CarrierForgot:
		s.redaction(e)
	case RetentionWaits:
		s.wait = Wait{Seq: e.Seq, Conversations: e.Head.Code, Leap: slices.Contains(e.Head.Flags, FlagLeap)}
	case RetentionAllowed:
		s.wait.Allowed, s.wait.AllowedAt = true, e.At
	}
}
