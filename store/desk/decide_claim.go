package desk

import (
	"strings"
	"time"

	"befree.example/store"
)

func (m moment) claim(*store.Event) error {
	switch {
	case m.conv.Phase == ClosedNow:
		return refuse(CodeClosed, "The conversation is closed. It opens again when the texter writes.")
	case m.conv.Phase == Held && m.conv.Owner == m.Actor:
		return refuse(CodeYours, "You hold this conversation already.")
	case m.conv.Phase == Held:
		return refuse(CodeClaimed, "%s was quicker and has this conversation. Take the next one.", m.conv.Owner)
	}
	return m.room(m.Actor)
}

// room refuses a specialist one conversation too many.
func (m moment) room(staff string) error {
	ids, _ := m.holds.get(staff)
	if len(ids) < m.Policy.Limit {
		return nil
	}
	if staff == m.Actor {
		return refuse(CodeLimit, "You hold %d conversations, which is the limit. Close or release one first.", len(ids))
	}
	return refuse(CodeLimit, "%s holds %d conversations, which is the limit.", staff, len(ids))
}

// transfer is a warm handoff by the owner, or an assignment by a supervisor.
func (m moment) transfer(e *store.Event) error {
	b, err := body[Handoff](m.Command)
	if err != nil {
		return err
	}
	if m.Role != Supervisor {
		err = m.fenced(nil)
	} else if m.conv.Phase != Waiting {
		err = m.held()
	}
	if err != nil {
		return err
	}
	switch {
	case !m.mayOwn(b.To):
		return refuse(CodeBad, "Nobody of that name can answer texters.")
	case m.conv.Phase == Held && b.To == m.conv.Owner:
		return refuse(CodeYours, "%s holds this conversation already.", b.To)
	}
	e.Head.Staff = b.To
	return m.room(b.To)
}

func (m moment) mayOwn(staff string) bool {
	if m.Staff == nil {
		return staff != "" && staff != store.Texter && staff != store.Carrier && staff != store.Clock
	}
	return m.Staff[staff].Answers()
}

// takeOver names the claim that it ends, so that it never takes from somebody whom the supervisor did not see.
func (m moment) takeOver(e *store.Event) error {
	b, err := body[Because](m.Command)
	if err != nil {
		return err
	}
	if err := m.held(); err != nil {
		return err
	}
	switch {
	case m.conv.Owner == m.Actor:
		return refuse(CodeYours, "You hold this conversation already.")
	case strings.TrimSpace(b.Reason) == "":
		return refuse(CodeEmpty, "Say why you take it over; both of you will see it.")
	}
	e.Head.Staff = m.conv.Owner
	return nil
}

// close is refused while a text is on its way out, and when something came that the one who closes has not seen.
func (m moment) close(*store.Event) error {
	b, err := body[Closing](m.Command)
	if err != nil {
		return err
	}
	if m.Role == Supervisor && m.conv.Phase == Waiting {
		err = nil
	} else {
		err = m.fenced(nil)
	}
	if err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(b.Disposition) == "":
		return refuse(CodeEmpty, "Say how it ended: a disposition is needed to close.")
	case b.FollowUp != "" && !isDay(b.FollowUp):
		return refuse(CodeBad, "The day of the follow-up must be a date such as 2026-03-31.")
	case m.Seen < m.conv.LastHeard:
		return refuse(CodeNewer, "The texter wrote again. Read it before you close.")
	}
	for _, msg := range m.conv.Messages {
		if msg.Delivery == StatusWaiting || msg.Delivery == StatusStarted {
			return refuse(CodePending, "A text is still on its way out. Wait for it, or take it back.")
		}
	}
	return nil
}

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}
