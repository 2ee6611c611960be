// Package desk holds the rules of the line.
//
// [State] is what the events so far amount to. [State.Apply] folds one more event into it; [State.Decide] says which
// event a [Command] makes, or refuses it in words. Both are pure: no clock, no file, no network. The relay and every
// console run the same Apply, so they cannot disagree about what happened; only the relay decides.
package desk

import (
	"time"

	"befree.example/store"
)

// The kinds of event, which are also the kinds of command that ask for them.
const (
	Received       store.Kind = "received"        // a text came in; opens or reopens its conversation
	Claimed        store.Kind = "claimed"         // a specialist took a waiting conversation
	Released       store.Kind = "released"        // its owner gave it back to the queue
	Transferred    store.Kind = "transferred"     // warm handoff: it has another owner now
	TakenOver      store.Kind = "taken over"      // a supervisor took it from its owner
	ReplyQueued    store.Kind = "reply queued"    // a text to the texter is to go out
	ReplyWithdrawn store.Kind = "reply withdrawn" // ... and was taken back before it was started
	SendStarted    store.Kind = "send started"    // on disk before the carrier is asked
	SendAccepted   store.Kind = "send accepted"   // the carrier has it
	SendRefused    store.Kind = "send refused"    // the carrier will never send it
	SendDeferred   store.Kind = "send deferred"   // the carrier did not take it; it may be offered again
	SendUnknown    store.Kind = "send unknown"    // nobody knows whether the carrier has it
	SendAbsent     store.Kind = "send absent"     // ... and its list shows that it has not: it waits again
	SendAgain      store.Kind = "send again"      // ... and a person has it sent once more, though it may arrive twice
	Delivery       store.Kind = "delivery"        // the carrier says how far it got
	NoteAdded      store.Kind = "note"            // for colleagues, never sent
	SafetySaved    store.Kind = "safety record"   // what makes it safe to text this person
	PlanSaved      store.Kind = "plan saved"      // an edit of the safety plan
	ReferralSaved  store.Kind = "referral saved"  // to whom this person is passed on, or what came of that
	SeveritySet    store.Kind = "severity set"    // a person overrules triage
	FloodLifted    store.Kind = "flood lifted"    // a person knows that its many texts are a person's
	Closed         store.Kind = "closed"          // with a disposition
	OptedOut       store.Kind = "opted out"       // a person recorded the texter's wish, said in other words than STOP
	OptedIn        store.Kind = "opted in"        // a supervisor undoes a mistaken opt-out
	Viewed         store.Kind = "viewed"          // somebody opened a conversation; outside its chain
	Swept          store.Kind = "swept"           // all that the carrier had until then is in the log; outside all chains
)

// Dangerous tells whether a kind is done only by somebody who has just shown again who they are, by the passphrase: the
// one list of such acts. The console asks for it, and the relay refuses the command without the device's proof.
func Dangerous(k store.Kind) bool {
	switch k {
	case TakenOver, ForgetApproved, ExportApproved, Exported, NumberRevealed, RetentionAllowed:
		return true
	}
	return false
}

// ClassOf says under which key the body of a kind is sealed. Unknown kinds are text, the shortest kept.
func ClassOf(k store.Kind) store.Class {
	if _, ok := ofForgetting[k]; ok || AboutStaff(k) {
		return store.Facts
	}
	switch k {
	case NoteAdded, ReferralSaved:
		return store.Notes
	case PlanSaved, SafetySaved:
		return store.Plans
	case Closed, SeveritySet, FloodLifted, Viewed, Searched, OptedOut, OptedIn, Claimed, Released, Transferred, TakenOver, Delivery,
		SendAccepted, SendRefused, SendDeferred, SendUnknown, SendAbsent, SendAgain, ReplyWithdrawn, Swept:
		return store.Facts
	default:
		return store.Text
	}
}

// A Role says what a member of staff is there for.
type Role string

// The roles. An administrator looks after staff and keys and reads no conversation.
const (
	Specialist    Role = "specialist"
	Supervisor    Role = "supervisor"
	Reviewer      Role = "reviewer"
	Administrator Role = "administrator"
)

// Known tells whether r is one of the roles.
func (r Role) Known() bool {
	return r == Specialist || r == Supervisor || r == Reviewer || r == Administrator
}

// Answers tells whether a member of staff with this role can own conversations.
func (r Role) Answers() bool { return r == Specialist || r == Supervisor }

// Steers tells whether a member of staff with this role has a say in what is forgotten and what leaves befree.
func (r Role) Steers() bool { return r == Supervisor || r == Administrator }

// A Policy holds the operator's numbers. A zero field stands for its default.
type Policy struct {
	Limit           int           // conversations that one specialist claims at once; 3
	ReopenWithin    time.Duration // after closing, a new text reopens the conversation; 72 h
	ReplyAge        time.Duration // from the key press, and again from the end of the undo, to the carrier; 60 s
	Undo            time.Duration // in which a reply can be taken back; 5 s
	AutomaticAge    time.Duration // after which an automatic text no longer answers "a text just received"; 10 min
	ComplianceEvery time.Duration // HELP again in a live conversation; 24 h
	CarrierAnswers  bool          // the carrier itself answers HELP and STOP, so that nothing is owed
	Retention       Retention     // how long what is closed is kept; for ever
}

func (p Policy) withDefaults() Policy {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if p.Limit == 0 {
		p.Limit = 3
	}
	set(&p.ReopenWithin, 72*time.Hour)
	set(&p.ReplyAge, time.Minute)
	set(&p.Undo, 5*time.Second)
	set(&p.AutomaticAge, 10*time.Minute)
	set(&p.ComplianceEvery, 24*time.Hour)
	return p
}

// Flags of a Head: what everybody who sees the queue must know of a text.
const (
	FlagDangerWord = "danger word"                // the texter's agreed word for danger is in it; never which word
	FlagSafeWord   = "safe word"                  // the agreed word that says "it is me"
	FlagOptedOut   = "opted out"                  // the number may not be texted
	FlagReturned   = "returned"                   // this number has texted before
	FlagHelpAgain  = "help again"                 // HELP in the middle of a conversation
	FlagFlood      = "flood"                      // one more than a person sends
	FlagMedia      = "media"                      // a picture or file came with it
	FlagPassed     = "newer STOP or START counts" // this one was fetched late, and changes nothing
	FlagLate       = "fetched late"               // the carrier did not bring it, or could not: the relay found it in the carrier's list
	FlagUndated    = "time unknown"               // ... nor does it say since when it had it
)
