package desk

import (
	"slices"
	"strings"
	"time"

	"befree.example/store"
	"befree.example/store/sms"
)

// MaxReferral bounds each thing that a referral says, in characters.
const MaxReferral = 500

// A ReferralEdit is the body of [ReferralSaved]: a new referral, or what came of one.
type ReferralEdit struct {
	Of     string         `json:"of,omitempty"`     // ID of the event that made it; empty for a new one
	To     sms.Text       `json:"to,omitempty"`     // whom: a provider
	Need   sms.Text       `json:"need,omitempty"`   // for what
	Scope  sms.Text       `json:"scope,omitempty"`  // what the person agreed that they are told
	Until  string         `json:"until,omitempty"`  // the last day of that, as 2006-01-02
	Status ReferralStatus `json:"status,omitempty"` // of an earlier one; a new one is sent
}

// A ReferralStatus says what came of a referral.
type ReferralStatus string

// The statuses.
const (
	ReferralSent     ReferralStatus = "sent"
	ReferralAccepted ReferralStatus = "accepted"
	ReferralDeclined ReferralStatus = "declined"
	ReferralNoAnswer ReferralStatus = "no answer"
)

// A Referral passes a person on to a provider, with as much as the person agreed to. It never changes either.
type Referral struct {
	ID       string
	To       sms.Text       `json:",omitzero"`
	Need     sms.Text       `json:",omitzero"`
	Scope    sms.Text       `json:",omitzero"`
	Until    string         `json:",omitzero"`
	Steps    []ReferralStep // oldest first; the last is what is known now
	Withheld bool           `json:",omitzero"` // something was saved, and it is not for this reader
}

// A ReferralStep is what somebody learnt of a referral.
type ReferralStep struct {
	Status ReferralStatus
	By     string
	At     time.Time
}

// Status is what is known of it now.
func (r *Referral) Status() ReferralStatus { return r.Steps[len(r.Steps)-1].Status }

// Over tells whether on the day of now nothing may be passed on any more by what was agreed.
func (r *Referral) Over(now time.Time) bool {
	return r.Until != "" && r.Until < now.Format(time.DateOnly)
}

// Outline is r without what people wrote in it.
func (r *Referral) Outline() *Referral { return &Referral{ID: r.ID, Steps: r.Steps, Withheld: true} }

func (c *Conversation) referral(id string) int {
	return slices.IndexFunc(c.Referrals, func(r *Referral) bool { return r.ID == id })
}

func (s *State) referralSaved(c *Conversation, e store.Event) {
	b := Read[ReferralEdit](e)
	step := ReferralStep{b.Status, e.Actor, e.At}
	switch i := c.referral(b.Of); {
	case unread(e):
		c.Referrals = append(c.Referrals, &Referral{ID: e.ID, Steps: []ReferralStep{step}, Withheld: true})
	case b.Of == "":
		step.Status = ReferralSent
		c.Referrals = append(c.Referrals, &Referral{ID: e.ID, To: b.To, Need: b.Need, Scope: b.Scope, Until: b.Until, Steps: []ReferralStep{step}})
	case i >= 0:
		r := *c.Referrals[i]
		r.Steps = append(slices.Clip(r.Steps), step)
		c.Referrals = slices.Clone(c.Referrals)
		c.Referrals[i] = &r
	}
}

// referral is taken from whoever holds or held the conversation: a provider answers long after it was closed.
func (m moment) referral(*store.Event) error {
	b, err := body[ReferralEdit](m.Command)
	if err != nil {
		return err
	}
	if err := m.involved(); err != nil {
		return err
	}
	if b.Of != "" {
		return m.cameOf(b)
	}
	return b.Check(m.now)
}

// Check says, by a *Refusal, what a new referral lacks.
func (b ReferralEdit) Check(now time.Time) error {
	for _, t := range []sms.Text{b.To, b.Need, b.Scope} {
		if strings.TrimSpace(t.Reveal()) == "" {
			return refuse(CodeEmpty, "A referral says to whom, for what, and what this person agreed that they are told.")
		}
		if err := words(t.Reveal(), MaxReferral); err != nil {
			return err
		}
	}
	day, err := time.Parse(time.DateOnly, b.Until)
	switch {
	case err != nil:
		return refuse(CodeBad, "Say until which day this person agreed to that, such as 2026-12-24.")
	case now.Sub(day) > 48*time.Hour: // wherever it is still that day
		return refuse(CodeBad, "The day until which this person agreed to that has passed. Ask them again.")
	case b.Status != "" && b.Status != ReferralSent:
		return refuse(CodeBad, "A new referral is sent; what came of it is said afterwards.")
	}
	return nil
}

func (m moment) cameOf(b ReferralEdit) error {
	switch {
	case m.conv.referral(b.Of) < 0:
		return refuse(CodeBad, "There is no such referral.")
	case b.Status != ReferralSent && b.Status != ReferralAccepted && b.Status != ReferralDeclined && b.Status != ReferralNoAnswer:
		return refuse(CodeBad, "A referral is one of sent, accepted, declined, no answer.")
	case b != (ReferralEdit{Of: b.Of, Status: b.Status}):
		return refuse(CodeBad, "What a referral says cannot be changed. Make another one.")
	}
	return nil
}
