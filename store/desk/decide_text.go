package desk

import (
	"slices"
	"strings"

	"befree.example/store"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// received finds the conversation that a text belongs to: its number's open one; one closed not long ago, which opens
// again; else a new one under the random ID that the command proposes. It says what the text changes for everybody:
// severity, opt-out, and the automatic text that is owed.
func (m moment) received(e *store.Event) error {
	b, err := body[Text](m.Command)
	if err != nil {
		return err
	}
	l, _ := m.lines.get(m.key(m.Number))
	keyword := sms.Class(b.Text.Reveal())
	if l.optedOut && sms.MayRestore(b.Text.Reveal()) {
		keyword = sms.OptIn
	}
	passed := m.passes(l, keyword)
	c := m.home(l, keyword == sms.OptOut || passed)
	if passed {
		keyword = sms.None
	}
	if c == nil {
		c = &Conversation{Phase: ClosedNow}
		b.Earlier = l.last()
	} else {
		e.Conversation = c.ID
	}
	live, flood := c.Phase != ClosedNow, m.flood(c, b)
	h := store.Head{
		Severity: string(b.Triage.Severity), Language: b.Triage.Language, Tail: m.Number.Tail(),
		Keyword: string(keyword), Ref: m.owed(l, c, keyword, b, flood),
	}
	if keyword == sms.None {
		h.Keyword = ""
	}
	if live && (flood || c.Severity.Rank() < b.Triage.Severity.Rank()) {
		h.Severity = string(c.Severity)
	}
	flag := func(name string, when bool) {
		if when {
			h.Flags = append(h.Flags, name)
		}
	}
	flag(FlagReturned, l.last() != "" && !live)
	flag(FlagOptedOut, l.optedOut && keyword != sms.OptIn)
	flag(FlagPassed, passed)
	flag(FlagHelpAgain, live && keyword == sms.Help)
	flag(FlagFlood, flood)
	flag(FlagMedia, len(b.Media) > 0)
	flag(FlagLate, m.Head.Late > 0)
	flag(FlagUndated, slices.Contains(m.Head.Flags, FlagUndated))
	h.Late = max(m.Head.Late, 0)
	flag(FlagSafeWord, says(b.Text, c.Safety.SafeWord))
	if says(b.Text, c.Safety.DangerWord) {
		flag(FlagDangerWord, true)
		h.Severity = string(triage.Imminent)
	}
	e.Head, e.Number, e.Body = h, m.Number.Reveal(), encode(b)
	return nil
}

// home returns the conversation that a text from l belongs to, nil if it opens a new one. One that nobody needs to answer,
// as a lone STOP, never does that while there is any other to stand in.
func (m moment) home(l line, quiet bool) *Conversation {
	if l.open != "" {
		return m.State.Conversation(l.open)
	}
	last := m.State.Conversation(l.last())
	if last == nil || !quiet && m.now.Sub(last.ClosedAt) > m.Policy.ReopenWithin {
		return nil
	}
	return last
}

// owed returns the ID of the automatic text that this one calls for, empty if none. The carriers want an answer to
// HELP and one confirmation of an opt-out; where the carrier gives them itself, a second would only be one more text
// on a phone that somebody may be watching.
func (m moment) owed(l line, c *Conversation, keyword sms.Keyword, b Text, flood bool) string {
	if m.Policy.CarrierAnswers || len(b.Params["OptOutType"]) > 0 || m.answered(c, flood) {
		return ""
	}
	switch keyword {
	case sms.OptOut:
		if !l.optedOut {
			return m.ID + "/" + Confirmation
		}
	case sms.Help:
		due := c.Phase == ClosedNow || m.now.Sub(c.HelpedAt) >= m.Policy.ComplianceEvery
		if due && (!l.optedOut || b.To.Short()) {
			return m.ID + "/" + Compliance
		}
	}
	return ""
}

// says tells whether a text holds an agreed word, however it is written.
func says(text, word sms.Text) bool {
	return strings.TrimSpace(word.Reveal()) != "" && triage.Contains(text.Reveal(), word.Reveal())
}

func (m moment) reply(*store.Event) error {
	b, err := body[Reply](m.Command)
	if err != nil {
		return err
	}
	if err := words(b.Text.Reveal(), MaxReply); err != nil {
		return err
	}
	if err := m.fenced(nil); err != nil {
		return err
	}
	switch {
	case m.optedOut(): // before what is newer, which may be a second STOP
		return errOptedOut
	case m.Age < 0 || m.Age > m.Policy.ReplyAge:
		return refuse(CodeTooOld, "It was written more than %v ago and was not sent. It is a draft again: read it once more.", m.Policy.ReplyAge)
	case m.Seen < m.conv.Seen():
		return refuse(CodeNewer, "Something newer came in before it was sent. It is a draft again: read that first.")
	}
	return m.sendable(b.Reason)
}

// sendable refuses a text to somebody who opted out, or whom the safety record protects without a reason stated.
func (m moment) sendable(reason string) error {
	if m.optedOut() {
		return errOptedOut
	}
	if why := m.conv.Gate(m.now); why != "" && strings.TrimSpace(reason) == "" {
		return refuse(CodeGate, "%s Sending all the same needs a stated reason, which is kept.", why)
	}
	return nil
}

var errOptedOut = refuse(CodeOptedOut, "This person opted out. Nothing can be sent until they text START.")

func (m moment) optedOut() bool { return m.conv.OptedOut || !m.MayText(m.conv.Number) }

func (m moment) withdraw(e *store.Event) error {
	msg := m.conv.Message(m.Ref)
	switch {
	case msg == nil:
		return refuse(CodeBad, "There is no such text to take back.")
	case m.Role == Specialist && msg.Author != m.Actor && m.conv.Owner != m.Actor:
		return refuse(CodeNotYours, "Somebody else wrote that text.")
	case msg.Delivery != StatusWaiting:
		return refuse(CodeNotWaiting, "It is too late to take it back: the carrier has been asked to send it.")
	}
	if len(e.Body) == 0 {
		e.Body = encode(Because{Reason: "taken back"})
	}
	return nil
}
