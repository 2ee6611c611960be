package desk

import (
	"slices"
	"time"

	"befree.example/store"
	"befree.example/store/triage"
)

// A text of a flood is kept, shown and found like any other; but it neither raises its conversation's severity nor calls
// anybody, and its words go unasked to nobody but who holds the conversation.

// Nobody types so fast, and a long text comes as one: beyond so many in a minute Android asks a phone's owner before it
// sends more (AOSP, SmsUsageMonitor). Who sends fewer is never part of a flood.
const (
	floodMost   = 30 // texts of a number that were written within floodWithin
	floodWithin = time.Minute

	floodQuiet  = 10 * time.Minute // without a text of it, and a flood is over
	floodAnswer = time.Minute      // at least, between two automatic texts while there is one
)

// A Flood is the newest one of a conversation since it was opened.
type Flood struct {
	Since  time.Time `json:",omitzero"` // of its first text
	Last   time.Time `json:",omitzero"` // of its newest
	Texts  int       `json:",omitzero"`
	Lifted bool      `json:",omitzero"` // somebody knows that it is none: until it is closed nothing is one
}

// Flooding tells whether there is a flood that is not over.
func (c *Conversation) Flooding(now time.Time) bool {
	return c.Flood.Texts > 0 && !c.Flood.Lifted && c.Phase != ClosedNow && now.Sub(c.Flood.Last) < floodQuiet
}

// Heard returns the newest text from the texter that is not of a flood, nil if there is none. Where somebody knows that
// there was none, it is the newest.
func (c *Conversation) Heard() *Message {
	if c.Flood.Lifted {
		return c.Newest()
	}
	for i := len(c.Messages) - 1; i >= 0; i-- {
		m := c.Messages[i]
		if m.Inbound && m.Flood == 0 {
			return m
		}
		i -= max(m.Flood-1, 0)
	}
	return nil
}

// flood tells whether a text to c is one more than a person sends: if it was written within a minute with the newest
// there are. That takes no account of how they came, for a relay that was down fetches many at once; and where it is not
// known when one was written, nothing is said. What holds an agreed word is by whoever agreed on it.
func (m moment) flood(c *Conversation, b Text) bool {
	if c.Phase == ClosedNow || c.Flood.Lifted || slices.Contains(m.Head.Flags, FlagUndated) ||
		says(b.Text, c.Safety.SafeWord) || says(b.Text, c.Safety.DangerWord) {
		return false
	}
	first := m.now.Add(-max(m.Head.Late, 0))
	last, n := first, 0
	for _, o := range slices.Backward(c.Messages) {
		if !o.Inbound {
			continue
		}
		at := o.Written()
		if at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
		if last.Sub(first) >= floodWithin || slices.Contains(o.Flags, FlagUndated) {
			return false
		}
		if n++; n == floodMost {
			return true
		}
	}
	return false
}

// answered tells whether a flood has had its automatic text: it gets one, and none within a minute of another.
func (m moment) answered(c *Conversation, flood bool) bool {
	switch {
	case c.OwedAt.IsZero():
		return false
	case c.Flooding(m.now):
		return !c.OwedAt.Before(c.Flood.Since) || m.now.Sub(c.OwedAt) < floodAnswer
	}
	return flood && m.now.Sub(c.OwedAt) < floodAnswer
}

// flooded takes in one more text of a flood.
func (c *Conversation) flooded(e store.Event, m *Message) {
	if c.Flood.Texts == 0 || e.At.Sub(c.Flood.Last) >= floodQuiet {
		c.Flood = Flood{Since: e.At}
	}
	c.Flood.Last = e.At
	c.Flood.Texts++
	m.Flood = 1
	if n := len(c.Messages); n > 0 {
		m.Flood += c.Messages[n-1].Flood
	}
}

// lift is for whoever knows that it is a person: what they wrote counts as anybody's, and what they write.
func (m moment) lift(e *store.Event) error {
	switch {
	case m.conv.Phase == ClosedNow:
		return refuse(CodeClosed, "The conversation is closed.")
	case !m.conv.MayRead(m.Actor, m.Role):
		return refuse(CodeNotYours, "Somebody else holds this conversation.")
	case !m.conv.Flooding(m.now):
		return refuse(CodeNoFlood, "There is no flood in it: its texts count like anybody's.")
	}
	worst := m.conv.Severity
	for _, o := range m.conv.Messages {
		if o.Flood > 0 && len(o.Reasons) > 0 && o.Reasons[0].Severity.Rank() < worst.Rank() {
			worst = o.Reasons[0].Severity
		}
	}
	e.Head.Severity = string(worst)
	return nil
}

// lifted has the texts that there are count, and those that come.
func (s *State) lifted(c *Conversation, e store.Event) {
	c.Flood.Lifted, c.LastHeard, c.Severity = true, c.LastText, triage.Severity(e.Head.Severity)
}
