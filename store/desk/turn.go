package desk

import (
	"time"

	"befree.example/store"
	"befree.example/store/triage"
)

// A Turn is what happened in a conversation besides its texts: who took it, who gave it to whom and what they said then,
// what was kept in it. It never changes.
type Turn struct {
	Seq      uint64
	At       time.Time
	Kind     store.Kind
	Actor    string
	Staff    string          // whom it went to
	Severity triage.Severity // that a person set
	Reason   string          // why, or what the next one must know; empty where it is not for this reader
}

// turns are the kinds that are one, with the words that go with each.
var turns = map[store.Kind]func(store.Event) string{
	Claimed:       nil,
	Released:      nil,
	Transferred:   func(e store.Event) string { return Read[Handoff](e).Reason },
	TakenOver:     because,
	SeveritySet:   func(e store.Event) string { return Read[Ruling](e).Reason },
	FloodLifted:   nil,
	SafetySaved:   nil,
	PlanSaved:     nil,
	NoteAdded:     nil,
	ReferralSaved: nil,
	Closed:        func(e store.Event) string { return Read[Closing](e).Disposition },
	OptedOut:      because,
	OptedIn:       because,
}

func because(e store.Event) string { return Read[Because](e).Reason }

// turned keeps e as a turn of c, where it is one.
func (c *Conversation) turned(e store.Event) {
	words, is := turns[e.Kind]
	if !is {
		return
	}
	t := &Turn{Seq: e.Seq, At: e.At, Kind: e.Kind, Actor: e.Actor, Staff: e.Head.Staff, Severity: triage.Severity(e.Head.Severity)}
	if words != nil {
		t.Reason = words(e)
	}
	c.Turns = append(c.Turns, t)
}
