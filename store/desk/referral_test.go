package desk_test

import (
	"slices"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// passedOn is a referral that a person agreed to for long.
var passedOn = desk.ReferralEdit{To: "House of Doors", Need: "a bed tonight", Scope: "first name and age", Until: "2099-12-31"}

// TestReferral: whom somebody is passed on to, for what, with what consent, and what came of it by whom and when. It is
// for those who have a part in the conversation, also once it is closed, and goes with the notes.
func TestReferral(t *testing.T) {
	l := newLine(t)
	l.state = desk.NewState(desk.Policy{Retention: retention})
	c := l.claim(l.text(texter, "he took my passport"))
	save := func(b desk.ReferralEdit) desk.Command {
		return desk.Command{Kind: desk.ReferralSaved, Conversation: c.ID, Body: body(b)}
	}
	day := func(d time.Duration) string { return l.now.Add(d).Format(time.DateOnly) }
	for name, change := range map[string]func(*desk.ReferralEdit){
		"to nobody":              func(b *desk.ReferralEdit) { b.To = " " },
		"for nothing":            func(b *desk.ReferralEdit) { b.Need = "" },
		"without consent":        func(b *desk.ReferralEdit) { b.Scope = "" },
		"consent without an end": func(b *desk.ReferralEdit) { b.Until = "" },
		"consent that has ended": func(b *desk.ReferralEdit) { b.Until = day(-72 * time.Hour) },
		"no day":                 func(b *desk.ReferralEdit) { b.Until = "tomorrow" },
		"answered at once":       func(b *desk.ReferralEdit) { b.Status = desk.ReferralAccepted },
	} {
		b := passedOn
		change(&b)
		if _, err := l.decide(save(b)); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	stranger := save(passedOn)
	stranger.Actor, stranger.Role = "ben", desk.Specialist
	l.refused(desk.CodeNotYours, stranger)

	made := l.do(save(passedOn))
	second := passedOn
	second.To, second.Until = "Legal Aid", day(0)
	l.do(save(second))
	before := l.fresh(c).Referrals
	l.do(save(desk.ReferralEdit{Of: made.ID, Status: desk.ReferralNoAnswer}))
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "referred"})})
	l.now = l.now.Add(48 * time.Hour)
	l.do(save(desk.ReferralEdit{Of: made.ID, Status: desk.ReferralAccepted}))
	for _, b := range []desk.ReferralEdit{
		{Of: "nothing", Status: desk.ReferralAccepted},
		{Of: made.ID},
		{Of: made.ID, Status: "perhaps"},
		{Of: made.ID, Status: desk.ReferralDeclined, To: "another"},
	} {
		l.refused(desk.CodeBad, save(b))
	}
	now := l.fresh(c)
	var steps []desk.ReferralStatus
	for _, s := range now.Referrals[0].Steps {
		steps = append(steps, s.Status)
		if s.By != "ada" || s.At.IsZero() {
			t.Errorf("%+v", s)
		}
	}
	if r := now.Referrals[0]; len(now.Referrals) != 2 || r.To != passedOn.To || r.Need != passedOn.Need || r.Scope != passedOn.Scope || r.Until != passedOn.Until ||
		!slices.Equal(steps, []desk.ReferralStatus{desk.ReferralSent, desk.ReferralNoAnswer, desk.ReferralAccepted}) {
		t.Errorf("%+v", r)
	}
	if now.Referrals[0].Over(l.now) || !now.Referrals[1].Over(l.now) || len(before[0].Steps) != 1 {
		t.Errorf("which consent is over, or what was published changed: %+v", before[0])
	}
	if words := now.Referrals[0].Outline(); words.To != "" || words.Need != "" || words.Scope != "" || words.Until != "" || words.Status() != desk.ReferralAccepted {
		t.Errorf("the outline says %+v", words)
	}
	l.now = l.now.Add(retention.Notes)
	l.do(desk.Command{ID: "clock1", Kind: desk.NotesForgotten, Conversation: c.ID, Actor: store.Clock, Seen: now.Last})
	if now := l.fresh(c); len(now.Referrals) > 0 {
		t.Errorf("with the notes it is not forgotten: %+v", now.Referrals)
	}
}

// TestReferralThatIsNotForThisReader: that there is one is known, and no more.
func TestReferralThatIsNotForThisReader(t *testing.T) {
	s := desk.NewState(desk.Policy{})
	s.Apply(store.Event{Seq: 1, ID: "SM1", Conversation: "c", Kind: desk.Received, Number: string(texter), Body: body(desk.Text{Text: sms.Text("HELP")})})
	s.Apply(store.Event{Seq: 2, ID: "r", Conversation: "c", Kind: desk.ReferralSaved, Actor: "ada", Withheld: true})
	if r := s.Conversation("c").Referrals; len(r) != 1 || !r[0].Withheld || r[0].Status() != "" {
		t.Errorf("%+v", r)
	}
}
