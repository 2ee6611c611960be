package desk

import (
	"slices"

	"befree.example/store"
)

// The rules of sending, once a text has left its author.
//
// A conversation's texts are handed to the carrier one at a time, in the order in which they were queued. A text is
// never handed over a second time unless the carrier said that it did not take it, its list shows that it has not got
// it, or a person chooses so.
//
// What is unknown holds back what was queued before that was known: its author took the text before it for granted.
// It waits until that is known, or until it is itself too old, and then is a draft. What is written afterwards was
// written by somebody who saw it, and goes. From then on the unknown text is not sent again by itself: it would come
// after what was written later. It is a draft then.

// start decides once more, at the last moment, whether a text may go out.
func (m moment) start(*store.Event) error {
	msg := m.conv.Message(m.Ref)
	switch {
	case msg == nil || msg.Delivery != StatusWaiting:
		return refuse(CodeNotWaiting, "That text is not waiting to be sent.")
	case slices.ContainsFunc(m.conv.Messages, func(o *Message) bool { return o.Delivery == StatusStarted }):
		return refuse(CodeInFlight, "Another text of this conversation is under way.")
	case msg.DueIn(m.now) > 0:
		return refuse(CodeNotYet, "It can still be taken back.")
	}
	if msg.Automatic != "" {
		return m.startAutomatic(msg)
	}
	switch {
	case m.conv.Phase == ClosedNow:
		return refuse(CodeClosed, "The conversation is closed.")
	case msg.Claim != m.conv.Claim || msg.sender() != m.conv.Owner:
		return refuse(CodeStale, "Somebody else has taken this conversation.")
	case msg.OldIn(m.now, m.Policy) <= 0:
		return refuse(CodeTooOld, "It could not be sent in time.")
	case m.conv.Ahead(msg) != nil:
		return refuse(CodeBehind, "Nobody knows yet whether the text before it went out.")
	case msg.Again == store.Carrier && m.conv.overtaken(msg):
		return refuse(CodeOvertaken, "What was written after it has gone out already.")
	}
	return m.sendable(msg.Reason)
}

// startAutomatic lets through what is owed to an opted-out number too: see owed.
func (m moment) startAutomatic(msg *Message) error {
	if msg.OldIn(m.now, m.Policy) <= 0 {
		return refuse(CodeTooOld, "The text that it answers is too long ago.")
	}
	return nil
}

// absent is what the carrier's list shows; where meanwhile the text turned up, it does not count.
func (m moment) absent(e *store.Event) error {
	if msg := m.conv.Message(m.Ref); msg == nil || msg.Delivery != StatusUnknown {
		return refuse(CodeNotWaiting, "It is known what became of that text.")
	}
	e.Head = store.Head{Ref: m.Ref, Delivery: string(StatusWaiting)}
	return nil
}

// again is a person's choice, made by whoever answers the texter now.
func (m moment) again(e *store.Event) error {
	b, err := body[Because](m.Command)
	if err != nil {
		return err
	}
	if err := m.fenced(nil); err != nil {
		return err
	}
	msg := m.conv.Message(m.Ref)
	switch {
	case msg == nil || msg.Delivery != StatusUnknown || msg.Author == "":
		return refuse(CodeNotWaiting, "Only a text of which nobody knows whether it went out can be sent again.")
	case m.Seen < m.conv.Seen():
		return refuse(CodeNewer, "Something newer came in. Read that first.")
	}
	e.Head = store.Head{Ref: m.Ref, Delivery: string(StatusWaiting)}
	return m.sendable(b.Reason)
}

// sweep makes an event outside all chains.
func (m moment) sweep(e *store.Event) error {
	b, err := body[Sweep](m.Command)
	if err != nil {
		return err
	}
	if b.Through.IsZero() {
		return refuse(CodeBad, "A sweep says until when.")
	}
	e.Conversation = ""
	return nil
}

// outcome is the rule of what became of asking the carrier. A fact is never refused.
func outcome(to Status) func(moment, *store.Event) error {
	return func(m moment, e *store.Event) error {
		if _, err := body[Send](m.Command); err != nil {
			return err
		}
		e.Head = store.Head{Ref: m.Ref, Delivery: string(to), Code: m.Head.Code}
		return nil
	}
}

func (m moment) delivered(e *store.Event) error {
	e.Head = store.Head{Ref: m.Ref, Delivery: m.Head.Delivery, Code: m.Head.Code}
	return nil
}
