package desk

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"befree.example/store"
)

// ofForgetting are the rules of all kinds of forget.go, whose bodies are facts.
var ofForgetting map[store.Kind]rule

func init() { // decide.go makes rules first
	ofForgetting = map[store.Kind]rule{
		ForgetAsked:      {steering, moment.askForget},
		ForgetApproved:   {steering, moment.approveForget},
		Forgotten:        {clock, moment.forget},
		ForgottenToo:     {clock, moment.forget},
		ForgottenAgain:   {clock, moment.forgetAgain},
		LeftOut:          {clock, moment.leaveOut},
		TextForgotten:    {clock, moment.forget},
		NumberForgotten:  {clock, moment.forget},
		NotesForgotten:   {clock, moment.forget},
		PlansForgotten:   {clock, moment.forget},
		OptOutKept:       {clock, moment.keepOptOut},
		Erased:           {anybody, moment.erased},
		HoldSet:          {steering, moment.setHold},
		HoldLifted:       {steering, moment.liftHold},
		CarrierAsked:     {clock, moment.askCarrier},
		Redacted:         {carrier, moment.redacted},
		RedactRefused:    {carrier, moment.redacted},
		CarrierForgot:    {clock, moment.carrierForgot},
		RetentionWaits:   {clock, moment.retentionWaits},
		RetentionAllowed: {steering, moment.allowRetention},
		NumberRevealed:   {answering, moment.reveal},
		ExportAsked:      {supervising, moment.askExport},
		ExportApproved:   {steering, moment.approveExport},
		Exported:         {supervising, moment.export},
	}
	maps.Copy(rules, ofForgetting)
}

// apart are the kinds, but for those of the staff, that are not about one conversation of the line.
var apart = map[store.Kind]bool{
	OptOutKept:       true,
	Erased:           true,
	CarrierAsked:     true,
	Redacted:         true,
	RedactRefused:    true,
	CarrierForgot:    true,
	RetentionWaits:   true,
	RetentionAllowed: true,
	Searched:         true,
	Swept:            true,
}

// askForget is refused while somebody may still be written to: what is forgotten is closed.
func (m moment) askForget(e *store.Event) error {
	b, err := body[Asking](m.Command)
	if err != nil {
		return err
	}
	if strings.TrimSpace(b.Reason) == "" {
		return refuse(CodeEmpty, "Say why it is to be forgotten; whoever agrees reads it.")
	}
	e.Head = store.Head{}
	if b.Number {
		e.Head.Flags = []string{FlagNumber}
	}
	if m.conv.Forget.Waits(m.now) {
		return refuse(CodeAsked, "%s has asked for that already. Somebody else must agree.", m.conv.Forget.By)
	}
	if b.Number && m.conv.Number == "" {
		return refuse(CodeForgotten, "The number of this conversation has been forgotten already.")
	}
	return m.forgettable(b.Number)
}

// unsureFor is how long the carrier may still bring news of a text that had no clear outcome.
const unsureFor = 72 * time.Hour

// forgettable refuses what is open or held back, of the conversation or of all with its number.
func (m moment) forgettable(number bool) error {
	all := []*Conversation{m.conv}
	if number {
		all = m.OfNumber(m.conv)
	}
	for _, c := range all {
		switch {
		case m.LegalHold(c) != (LegalHold{}):
			return refuse(CodeLegalHold, "%s has set a legal hold on it. Nothing is forgotten until that is lifted.", m.LegalHold(c).By)
		case c.Phase != ClosedNow:
			return refuse(CodeOpen, "It is not closed, or another conversation of the same person is not. Close it first.")
		case slices.ContainsFunc(c.Unsure, func(d Doubt) bool { return m.now.Sub(d.At) < unsureFor }):
			return refuse(CodePending, "It is not known yet whether a text went out, and so what the carrier is to delete. That is told within three days.")
		}
	}
	return nil
}

// second refuses whoever may not be the second of two people who agree on what a asks.
func (m moment) second(a Ask) error {
	switch {
	case a.By == "" || a.Approved != "" || m.Claim != a.Seq:
		return refuse(CodeStale, "Nobody asks for that now. Look again.")
	case !a.Waits(m.now):
		return refuse(CodeTooOld, "That was asked for more than a week ago. Whoever wants it asks again.")
	case a.By == m.Actor:
		return refuse(CodeTwo, "You asked for it yourself. Somebody else must agree.")
	}
	return nil
}

func (m moment) approveForget(e *store.Event) error {
	e.Head = store.Head{}
	if err := m.second(m.conv.Forget); err != nil {
		return err
	}
	for _, o := range m.OfNumber(m.conv) {
		if len(m.Agreed(o)) > 0 {
			return refuse(CodePending, "Another conversation of the same person must be forgotten first.")
		}
	}
	return m.forgettable(m.conv.Forget.Number)
}

// forget is the clock's: what was approved, or whose time is up. It rests on the conversation as the clock saw it, so
// that nothing is forgotten that came in meanwhile.
func (m moment) forget(e *store.Event) error {
	e.Head = store.Head{}
	switch {
	case m.Seen != m.conv.Last:
		return refuse(CodeNewer, "Something came in meanwhile.")
	case !m.agreed() && !slices.Contains(m.Due(m.conv, m.now), m.Kind):
		return refuse(CodeForbidden, "Nobody has agreed to that, and its time is not up.")
	}
	// what was agreed on in it would go with it, or with its number
	if steps := m.Agreed(m.conv); (m.Kind == Forgotten || m.Kind == NumberForgotten) && len(steps) > 0 && steps[0] != (Step{m.conv.ID, Forgotten}) {
		return refuse(CodePending, "Another conversation of the same person must be forgotten first.")
	}
	for _, msg := range m.conv.Messages {
		if msg.Delivery == StatusWaiting || msg.Delivery == StatusStarted {
			return refuse(CodePending, "A text is still on its way out. Wait for it, or take it back.")
		}
	}
	return m.forgettable(false)
}

// agreed tells whether two people want what the clock is about to do.
func (m moment) agreed() bool {
	switch m.Kind {
	case Forgotten:
		return m.conv.Forget.Approved != ""
	case ForgottenToo:
		return m.owes(m.State.Conversation(m.Ref), Step{m.conv.ID, ForgottenToo})
	}
	return false
}

// leaveOut is the clock's: the body says of what.
func (m moment) leaveOut(e *store.Event) error {
	c := m.State.Conversation(m.Ref)
	if !m.owes(c, Step{m.conv.ID, LeftOut}) {
		return refuse(CodeForbidden, "Nobody has agreed to that, and its time is not up.")
	}
	o := Omission{Of: c.ID}
	for _, a := range []Ask{c.Rest, c.Forget} {
		for _, other := range m.agreedOn(c, a) {
			if other.ID != c.ID && other.ID != m.conv.ID && !slices.Contains(o.With, other.ID) {
				o.With = append(o.With, other.ID)
			}
		}
	}
	raw, err := json.Marshal(o)
	e.Head, e.Body = store.Head{}, raw
	return err
}

// forgetAgain is the clock's, where a restored backup brought back what had been forgotten, or has nothing of it where
// consoles may. Whether it had been is known beside the log alone.
func (m moment) forgetAgain(e *store.Event) error {
	e.Head = store.Head{}
	if m.conv != nil && m.Seen != m.conv.Last {
		return refuse(CodeNewer, "Something came in meanwhile.")
	}
	return nil
}

// FlagLeap says of [RetentionWaits] that the clock had been standing still, or is wrong.
const FlagLeap = "leap"

// retentionWaits is the clock's: the body says how much would be forgotten.
func (m moment) retentionWaits(e *store.Event) error {
	b, err := body[Wait](m.Command)
	if err != nil {
		return err
	}
	e.Conversation, e.Body, e.Head = "", nil, store.Head{Code: b.Conversations}
	if b.Leap {
		e.Head.Flags = []string{FlagLeap}
	}
	return nil
}

// allowRetention rests on what a person has seen.
func (m moment) allowRetention(e *store.Event) error {
	e.Conversation, e.Head = "", store.Head{}
	if m.wait.Seq == 0 || m.wait.Allowed || m.Claim != m.wait.Seq {
		return refuse(CodeStale, "Nobody asks for that now. Look again.")
	}
	return nil
}

// keepOptOut says whether the number of the conversation that Ref names has opted out, by its keyed hash.
func (m moment) keepOptOut(e *store.Event) error {
	c := m.State.Conversation(m.Ref)
	if c == nil || c.Number == "" {
		return refuse(CodeBad, "There is no number to keep an opt-out of.")
	}
	e.Head = store.Head{Ref: m.key(c.Number)}
	if !m.MayText(c.Number) {
		e.Head.Flags = []string{FlagOptedOut}
	}
	return nil
}

// erased is a console's word. It counts for the log that it names: what was forgotten in another is not what it is to
// forget in this one.
func (m moment) erased(e *store.Event) error {
	b, err := body[Erasure](m.Command)
	if err != nil {
		return err
	}
	if b.Epoch != m.Epoch || b.Upto == 0 || b.Upto > m.last {
		return refuse(CodeBad, "Nothing was to be forgotten there.")
	}
	e.Conversation, e.Head = "", store.Head{}
	return nil
}

func (m moment) setHold(e *store.Event) error {
	if err := m.holding(e); err != nil {
		return err
	}
	if h := m.LegalHold(m.conv); h != (LegalHold{}) {
		return refuse(CodeLegalHold, "%s has set a legal hold on it already.", h.By)
	}
	return m.reasoned("Say why nothing of it may be forgotten; that is kept.")
}

// holding says of a hold whether it is on the number.
func (m moment) holding(e *store.Event) error {
	b, err := body[Holding](m.Command)
	e.Head = store.Head{}
	if b.Number {
		e.Head.Flags = []string{FlagNumber}
	}
	if err == nil && b.Number && m.conv.Number == "" {
		return refuse(CodeForgotten, "The number of this conversation has been forgotten already.")
	}
	return err
}

func (m moment) liftHold(e *store.Event) error {
	if err := m.holding(e); err != nil {
		return err
	}
	if m.LegalHold(m.conv) == (LegalHold{}) {
		return refuse(CodeBad, "There is no legal hold on it.")
	}
	if l, _ := m.lines.get(m.key(m.conv.Number)); m.conv.Number != "" && l.hold != (LegalHold{}) {
		e.Head.Flags = []string{FlagNumber}
	}
	return m.reasoned("Say why it may be forgotten again; that is kept.")
}

// reasoned refuses a command without a reason.
func (m moment) reasoned(ask string) error {
	b, err := body[Because](m.Command)
	if err == nil && strings.TrimSpace(b.Reason) == "" {
		err = &Refusal{Code: CodeEmpty, Text: ask}
	}
	return err
}

// reveal makes an event outside the conversation's chain, as view does: it is for the supervisors.
func (m moment) reveal(e *store.Event) error {
	switch {
	case !m.conv.MayRead(m.Actor, m.Role):
		return refuse(CodeForbidden, "Somebody else holds this conversation.")
	case m.conv.Number == "":
		return refuse(CodeForgotten, "The number of this conversation has been forgotten already.")
	}
	e.Conversation, e.Head = "", store.Head{Ref: m.conv.ID}
	return m.reasoned("Say why you need the whole number; that is kept.")
}

func (m moment) askExport(e *store.Event) error {
	b, err := body[Asking](m.Command)
	e.Head = store.Head{}
	switch {
	case err != nil:
		return err
	case strings.TrimSpace(b.Reason) == "":
		return refuse(CodeEmpty, "Say why it is to leave befree; whoever agrees reads it.")
	case m.conv.Phase != ClosedNow:
		return refuse(CodeOpen, "Only a closed conversation can be exported. Close it first.")
	case m.conv.Export.Waits(m.now):
		return refuse(CodeAsked, "%s has asked for that already. Somebody else must agree.", m.conv.Export.By)
	}
	return nil
}

func (m moment) approveExport(e *store.Event) error {
	e.Head = store.Head{}
	return m.second(m.conv.Export)
}

// export is done by whoever asked, once, and soon: an agreement is no licence for ever.
func (m moment) export(e *store.Event) error {
	a := m.conv.Export
	e.Head = store.Head{}
	switch {
	case a.Approved == "" || a.Decided != m.Claim:
		return refuse(CodeStale, "Nobody has agreed to that export. Look again.")
	case a.By != m.Actor:
		return refuse(CodeNotYours, "%s asked for that export, not you.", a.By)
	case m.now.Sub(a.AgreedAt) >= ExportFor:
		return refuse(CodeTooOld, "That was agreed to more than a day ago. Ask again.")
	case m.conv.Phase != ClosedNow:
		return refuse(CodeOpen, "Only a closed conversation can be exported. Close it first.")
	}
	return nil
}
