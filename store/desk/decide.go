package desk

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"befree.example/store"
	"befree.example/store/plan"
)

// Limits on what a person writes, in characters. Twilio takes 1,600 of a text; the rest keeps one frame under 64 KB.
const (
	MaxReply = 1600
	MaxNote  = 8000
	MaxBody  = 40 << 10 // bytes of JSON, of any command
)

// Decide says which event c makes of s at the time now, or why none: then the error is a *Refusal. It changes nothing.
// Every rule of the line stands behind it.
func (s *State) Decide(c Command, now time.Time) (store.Event, error) {
	r, known := rules[c.Kind]
	switch {
	case !known || c.ID == "" || len(c.Body) > MaxBody:
		return store.Event{}, refuse(CodeBad, "This befree does not know that command. Update the older side.")
	case c.Role != "" && (!store.IsDeviceID(c.ID) || strings.Contains(c.ID, "/")):
		return store.Event{}, refuse(CodeBad, "That command does not have a console's number.") // nor may it take a carrier's
	case c.Role != "" && c.Ref != "" && c.Kind != ReplyWithdrawn && c.Kind != SendAgain:
		return store.Event{}, refuse(CodeBad, "That command is about no message.") // anybody would read what stands there
	case !r.by(c):
		return store.Event{}, refuse(CodeForbidden, "Your role does not allow that.")
	}
	at := moment{State: s, Command: c, now: now.Round(0).UTC(), conv: s.Conversation(c.Conversation)}
	switch {
	case apart[c.Kind] || AboutStaff(c.Kind):
	case at.conv == nil && c.Kind != Received && c.Kind != ForgottenAgain:
		return store.Event{}, refuse(CodeUnknown, "There is no such conversation.")
	case at.conv != nil && !at.conv.Gone.IsZero():
		return store.Event{}, refuse(CodeForgotten, "This conversation has been forgotten.")
	}
	e := store.Event{
		ID: c.ID, Conversation: c.Conversation, At: at.now, Actor: c.Actor, Kind: c.Kind,
		Head: store.Head{Ref: c.Ref}, Body: c.Body,
	}
	if c.Role != "" { // of others' it is never asked, and a number could be guessed from it
		e.Command = c.Hash()
	}
	if err := r.decide(at, &e); err != nil {
		return store.Event{}, err
	}
	if end := s.Conversation(e.Conversation); end != nil {
		e.Prev = end.Last
	} else if list, ok := s.redactions.get(e.Conversation); ok {
		e.Prev = list.Last
	}
	return e, nil
}

// A moment is what a rule looks at.
type moment struct {
	*State
	Command
	now  time.Time
	conv *Conversation
}

// A rule says who may ask for a kind, and fills in the event or refuses it.
type rule struct {
	by     func(Command) bool
	decide func(moment, *store.Event) error
}

var rules map[store.Kind]rule

func init() { // the rules refer to Decide's types, so a plain literal would be a cycle
	rules = map[store.Kind]rule{
		Received:       {texter, moment.received},
		Claimed:        {answering, moment.claim},
		Released:       {answeringOrClock, moment.release},
		Transferred:    {answering, moment.transfer},
		TakenOver:      {supervising, moment.takeOver},
		ReplyQueued:    {answering, moment.reply},
		ReplyWithdrawn: {answeringOrClock, moment.withdraw},
		SendStarted:    {carrier, moment.start},
		SendAccepted:   {carrier, outcome(StatusAccepted)},
		SendRefused:    {carrier, outcome(StatusRefused)},
		SendDeferred:   {carrier, outcome(StatusWaiting)},
		SendUnknown:    {carrier, outcome(StatusUnknown)},
		SendAbsent:     {carrier, moment.absent},
		SendAgain:      {answering, moment.again},
		Delivery:       {carrier, moment.delivered},
		NoteAdded:      {answering, moment.note},
		SafetySaved:    {answering, moment.safety},
		PlanSaved:      {answering, moment.plan},
		ReferralSaved:  {answering, moment.referral},
		SeveritySet:    {answering, moment.severity},
		FloodLifted:    {answering, moment.lift},
		Closed:         {answering, moment.close},
		OptedOut:       {answering, moment.optOut},
		OptedIn:        {supervising, moment.optIn},
		Viewed:         {answering, moment.view},
		Swept:          {carrier, moment.sweep},
	}
	maps.Copy(rules, ofStaff)
}

func texter(c Command) bool      { return c.Role == "" && c.Actor == store.Texter && c.Number != "" }
func carrier(c Command) bool     { return c.Role == "" && c.Actor == store.Carrier }
func answering(c Command) bool   { return c.Role.Answers() && c.Actor != "" }
func supervising(c Command) bool { return c.Role == Supervisor && c.Actor != "" }
func steering(c Command) bool    { return c.Role.Steers() && c.Actor != "" }
func anybody(c Command) bool     { return c.Role.Known() && c.Actor != "" }
func clock(c Command) bool       { return c.Role == "" && c.Actor == store.Clock }
func answeringOrClock(c Command) bool {
	return answering(c) || clock(c)
}

// body decodes what a command brought, and refuses what is not that.
func body[T any](c Command) (T, error) {
	var v T
	if len(c.Body) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(c.Body, &v); err != nil {
		return v, refuse(CodeBad, "That command cannot be read. Update the older side.")
	}
	return v, nil
}

// words checks something that a person wrote.
func words(text string, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		return refuse(CodeEmpty, "There is nothing in it.")
	case !utf8.ValidString(text):
		return refuse(CodeBad, "It holds bytes that are not text.")
	case n > most:
		return refuse(CodeTooLong, "It has %d characters; at most %d can be kept. Shorten it by %d.", n, most, n-most)
	}
	return nil
}

// held refuses unless the conversation is held, and held by the claim that the command rests on.
func (m moment) held() error {
	switch {
	case m.conv.Phase == ClosedNow:
		return refuse(CodeClosed, "The conversation is closed.")
	case m.conv.Phase == Waiting:
		return refuse(CodeStale, "Nobody holds this conversation. Claim it first.")
	case m.Claim != m.conv.Claim && m.conv.Owner == m.Actor:
		return refuse(CodeStale, "The conversation has changed hands since. Look at it again.")
	case m.Claim != m.conv.Claim:
		return refuse(CodeStale, "Somebody else has taken this conversation.")
	}
	return nil
}

// fenced refuses unless the actor holds the conversation by the claim that the command rests on.
func (m moment) fenced(*store.Event) error {
	if err := m.held(); err != nil {
		return err
	}
	if m.conv.Owner != m.Actor {
		return refuse(CodeNotYours, "Somebody else holds this conversation.")
	}
	return nil
}

// release is by the owner, or by the clock where the owner can no longer sign in: nobody else would answer the texter.
func (m moment) release(e *store.Event) error {
	if m.Role == "" {
		return m.held()
	}
	return m.fenced(e)
}

// involved refuses unless the actor holds or ever held the conversation: what is written offline outlasts a takeover.
func (m moment) involved() error {
	if m.Role != Supervisor && !slices.Contains(m.conv.Held, m.Actor) {
		return refuse(CodeNotYours, "You do not hold this conversation. Claim it first.")
	}
	return nil
}

func (m moment) note(*store.Event) error {
	b, err := body[Note](m.Command)
	if err != nil {
		return err
	}
	if err := words(b.Text.Reveal(), MaxNote); err != nil {
		return err
	}
	return m.involved()
}

func (m moment) safety(*store.Event) error {
	b, err := body[SafetyEdit](m.Command)
	if err != nil {
		return err
	}
	if b == (SafetyEdit{}) {
		return refuse(CodeEmpty, "Nothing was changed in the safety record.")
	}
	if err := b.check(); err != nil {
		return err
	}
	if s := m.conv.Safety.With(b); says(s.SafeWord, s.DangerWord) {
		return refuse(CodeBad, "The danger word is in the safe word: whoever says that they are well would call for help. Agree on another one.")
	}
	return m.involved()
}

func (m moment) plan(*store.Event) error {
	b, err := body[PlanEdit](m.Command)
	if err != nil {
		return err
	}
	if _, err := plan.Apply(m.conv.Plan(), m.conv.planVersion, b, m.Actor, m.now); err != nil {
		return refuse(CodeBad, "The plan cannot be saved: %v.", err)
	}
	return m.involved()
}

func (m moment) severity(e *store.Event) error {
	b, err := body[Ruling](m.Command)
	switch {
	case err != nil:
		return err
	case !b.Severity.Known():
		return refuse(CodeBad, "Severity is one of imminent, high, standard, information.")
	case m.conv.Phase == ClosedNow:
		return refuse(CodeClosed, "The conversation is closed.")
	case !m.conv.MayRead(m.Actor, m.Role):
		return refuse(CodeNotYours, "Somebody else holds this conversation.")
	}
	e.Head.Severity = string(b.Severity)
	return nil
}

func (m moment) optOut(*store.Event) error {
	if m.Role == Supervisor && m.conv.Phase != Held {
		return nil
	}
	return m.fenced(nil)
}

func (m moment) optIn(*store.Event) error {
	b, err := body[Because](m.Command)
	if err != nil {
		return err
	}
	if strings.TrimSpace(b.Reason) == "" {
		return refuse(CodeEmpty, "Say why this number may be texted again: opting in is the texter's to do, with START.")
	}
	return nil
}

// view makes an event outside the conversation's chain: who looked is nobody's business but the supervisors'.
func (m moment) view(e *store.Event) error {
	b, err := body[Because](m.Command)
	if err != nil {
		return err
	}
	if !m.conv.MayRead(m.Actor, m.Role) {
		return refuse(CodeForbidden, "Somebody else holds this conversation.")
	}
	own := m.conv.Phase == Waiting || m.conv.Owner == m.Actor
	if !own && strings.TrimSpace(b.Reason) == "" {
		return refuse(CodeEmpty, "Say why you open a conversation that is not yours; it is kept.")
	}
	e.Conversation, e.Head.Ref = "", m.conv.ID
	return nil
}

// Kinds returns every kind that can be asked for, in the order of their names.
func Kinds() []store.Kind { return slices.Sorted(maps.Keys(rules)) }
