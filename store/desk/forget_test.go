package desk_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// hashed stands for a keyed hash of a number.
func hashed(n sms.Number) string { return "h" + n.Tail() }

// afterShredding returns events as they open once all keys are destroyed that they say are.
func afterShredding(events []store.Event) []store.Event {
	es := slices.Clone(events)
	for _, f := range events {
		classes := desk.Destroys(f.Kind)
		for i := range es {
			e := &es[i]
			if len(classes) == 0 || e.Conversation != f.Conversation || e.Seq > f.Seq {
				continue
			}
			if slices.Contains(classes, desk.ClassOf(e.Kind)) && len(e.Body) > 0 {
				e.Body, e.Withheld = nil, true
			}
			if slices.Contains(classes, store.Numbers) && e.Number != "" {
				e.Number, e.Withheld = "", true
			}
			if slices.Contains(classes, store.Facts) {
				e.Head, e.Command, e.Withheld = store.Head{}, store.Hash{}, true
				if !store.IsDeviceID(e.ID) {
					e.ID = "h" + fmt.Sprint(e.Seq)
				}
			}
		}
	}
	return es
}

var month = 30 * 24 * time.Hour

var retention = desk.Retention{Text: month, Notes: 2 * month, Plans: 2 * month, Numbers: 3 * month, Facts: 4 * month}

// TestForgettingLeavesOneState: whatever people and clocks do, the state that was there while things were forgotten and
// the one that is folded afterwards, from what can still be read, are the same, and decide the same of what comes next.
// Nothing is forgotten but by two people or by its time, and never what is open, held back, or came in since.
func TestForgettingLeavesOneState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &line{t: noTB{}, state: desk.NewState(desk.Policy{Retention: retention}), now: noon}
		l.state.Key = hashed
		for range rapid.IntRange(20, 90).Draw(t, "steps") {
			l.now = l.now.Add(rapid.SampledFrom([]time.Duration{0, time.Minute, 80 * time.Hour, month}).Draw(t, "pause"))
			c := anything(t, l)
			if rapid.IntRange(0, 2).Draw(t, "forgets") > 0 {
				c = forgetting(t, l)
			}
			before := l.state.Conversation(c.Conversation)
			e, err := l.decide(c)
			if err == nil && len(desk.Forgets(e.Kind)) > 0 {
				if trouble := allowed(l.events, e, before); trouble != "" {
					t.Fatalf("event %d %s: %s", e.Seq, e.Kind, trouble)
				}
			}
		}
		refold := desk.NewState(desk.Policy{Retention: retention})
		refold.Key = hashed
		for _, e := range afterShredding(l.events) {
			refold.Apply(e)
		}
		if d := cmp.Diff(picture(l.state), picture(refold), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("folded again, what is left gives another state (-live +fold):\n%s", d)
		}
		if d := cmp.Diff(picture(atConsole(l.events)), picture(atConsole(afterShredding(l.events))), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("a console that was there and one that begins with what is left differ (-there +left):\n%s", d)
		}
		for i, n := range []sms.Number{texter, "+12025550101", "+12025550102"} {
			if l.state.MayText(n) != refold.MayText(n) {
				t.Fatalf("%s may be texted: %t, folded again %t", n, l.state.MayText(n), refold.MayText(n))
			}
			for _, words := range []string{"hello", "STOP", "START", "HELP", "yes"} {
				next := received(n, words, fmt.Sprint("SMnext", i, words), "fresh")
				a, _ := l.state.Decide(next, l.now)
				b, _ := refold.Decide(next, l.now)
				if d := cmp.Diff(a, b, cmpopts.EquateComparable(store.Hash{})); d != "" {
					t.Fatalf("%q from %s (-live +fold):\n%s", words, n, d)
				}
			}
		}
	})
}

// atConsole folds events as a supervisor's console gets them.
func atConsole(events []store.Event) *desk.State {
	s := desk.NewState(desk.Policy{})
	for _, e := range events {
		e.Number = ""
		s.Apply(e)
	}
	return s
}

// forgetting draws a command of those who forget and of the clock.
func forgetting(t *rapid.T, l *line) desk.Command {
	var known []*desk.Conversation
	for c := range l.state.Conversations() {
		known = append(known, c)
	}
	if len(known) == 0 {
		return anything(t, l)
	}
	slices.SortFunc(known, func(a, b *desk.Conversation) int { return strings.Compare(a.ID, b.ID) })
	c := rapid.SampledFrom(known).Draw(t, "conversation")
	who := rapid.SampledFrom([]struct {
		name string
		role desk.Role
	}{{"sue", desk.Supervisor}, {"sam", desk.Supervisor}, {"adm", desk.Administrator}, {"ada", desk.Specialist}, {"rex", desk.Reviewer}}).Draw(t, "who")
	cmd := desk.Command{Conversation: c.ID, Actor: who.name, Role: who.role, Seen: c.Seen(), Claim: c.Claim}
	clock := func(kind store.Kind, ref string) desk.Command {
		if l.state.KeepsOptOut(c) && slices.Contains(desk.Forgets(kind), store.Numbers) { // as the relay does
			_, _ = l.decide(desk.Command{ID: fmt.Sprint("kept", l.n), Kind: desk.OptOutKept, Ref: c.ID, Actor: store.Clock})
		}
		return desk.Command{
			ID: fmt.Sprint("clock", l.n), Kind: kind, Conversation: c.ID, Actor: store.Clock, Ref: ref,
			Seen: c.Last - uint64(rapid.IntRange(0, 5).Draw(t, "stale")/5),
		}
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1:
		cmd.Kind, cmd.Body = desk.ForgetAsked, body(desk.Asking{Number: rapid.Bool().Draw(t, "number"), Reason: "because"})
	case 2, 3:
		cmd.Kind, cmd.Claim = desk.ForgetApproved, c.Forget.Seq
	case 4, 5:
		return clock(desk.Forgotten, "")
	case 6:
		if steps := l.state.Agreed(c); len(steps) > 0 {
			step := rapid.SampledFrom(steps).Draw(t, "step")
			agreed := c.ID
			c = l.state.Conversation(step.Conversation)
			return clock(step.Kind, agreed)
		}
		return clock(desk.ForgottenToo, rapid.SampledFrom(known).Draw(t, "other").ID)
	case 7:
		return clock(rapid.SampledFrom([]store.Kind{desk.TextForgotten, desk.NumberForgotten, desk.NotesForgotten, desk.PlansForgotten}).Draw(t, "class"), "")
	case 8:
		if rapid.IntRange(0, 3).Draw(t, "again") == 0 {
			return clock(desk.ForgottenAgain, "")
		}
		cmd.Kind, cmd.Body = rapid.SampledFrom([]store.Kind{desk.HoldSet, desk.HoldLifted}).Draw(t, "hold"), body(desk.Holding{Number: rapid.Bool().Draw(t, "number"), Reason: "court"})
	case 9: // so that there are closed ones
		cmd.Kind, cmd.Body, cmd.Actor, cmd.Role = desk.Closed, body(desk.Closing{Disposition: "resolved"}), "sue", desk.Supervisor
	}
	return cmd
}

// allowed looks at the events alone.
func allowed(events []store.Event, f store.Event, before *desk.Conversation) string {
	var asked, agreed, held bool
	var by string
	var since time.Time
	numberAsked := map[string]string{} // conversation to who asked for all of its number
	numberAgreed := false
	open := false
	for _, e := range events {
		if e.Kind == desk.ForgetAsked && slices.Contains(e.Head.Flags, desk.FlagNumber) {
			numberAsked[e.Conversation] = e.Actor
		}
		if e.Kind == desk.ForgetApproved && numberAsked[e.Conversation] != "" && numberAsked[e.Conversation] != e.Actor {
			numberAgreed = true
		}
		if e.Conversation != f.Conversation || e.Seq >= f.Seq {
			continue
		}
		switch e.Kind {
		case desk.Received:
			since = e.At
			if e.Head.Keyword != string(sms.OptOut) && !slices.Contains(e.Head.Flags, desk.FlagPassed) {
				open, asked, agreed = true, false, false
			}
		case desk.Closed:
			open, since = false, e.At
		case desk.ForgetAsked:
			asked, agreed, by = true, false, e.Actor
		case desk.ForgetApproved:
			agreed = asked && by != e.Actor
		case desk.HoldSet:
			held = true
		case desk.HoldLifted:
			held = false
		}
	}
	age := f.At.Sub(since)
	switch {
	case f.Kind == desk.ForgottenAgain: // known beside the log alone
	case open:
		return "it is open"
	case held:
		return "there is a legal hold on it"
	case before.Phase != desk.ClosedNow:
		return "it is " + string(before.Phase)
	case f.Kind == desk.Forgotten && !agreed && age < retention.Facts:
		return "nobody agreed and its time is not up"
	case f.Kind == desk.ForgottenToo && !numberAgreed:
		return "nobody agreed to forget the number"
	case f.Kind == desk.TextForgotten && age < retention.Text, f.Kind == desk.NumberForgotten && age < retention.Numbers,
		f.Kind == desk.NotesForgotten && age < retention.Notes, f.Kind == desk.PlansForgotten && age < retention.Plans:
		return "its time is not up"
	}
	return ""
}

// closedOne is a conversation that was closed, with all that one can have.
func closedOne(l *line) *desk.Conversation {
	l.t.Helper()
	c := l.claim(l.text(texter, "he took my passport"))
	l.do(desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: body(desk.Note{Text: "a note"})})
	l.do(desk.Command{Kind: desk.ReferralSaved, Conversation: c.ID, Body: body(passedOn)})
	c = l.fresh(c)
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
	return l.fresh(c)
}

func steer(who string, role desk.Role, kind store.Kind, c *desk.Conversation, claim uint64, b any) desk.Command {
	return desk.Command{Kind: kind, Conversation: c.ID, Actor: who, Role: role, Claim: claim, Body: body(b)}
}

func TestForgettingNeedsTwoPeople(t *testing.T) {
	l := newLine(t)
	c := closedOne(l)
	why := desk.Asking{Reason: "the texter asks for it"}
	for _, role := range []desk.Role{desk.Specialist, desk.Reviewer} {
		l.refused(desk.CodeForbidden, steer("ada", role, desk.ForgetAsked, c, 0, why))
	}
	l.refused(desk.CodeEmpty, steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{}))
	ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, why))
	l.refused(desk.CodeAsked, steer("sam", desk.Supervisor, desk.ForgetAsked, c, 0, why))
	l.refused(desk.CodeTwo, steer("sue", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
	l.refused(desk.CodeForbidden, steer("ada", desk.Specialist, desk.ForgetApproved, c, ask.Seq, nil))
	l.refused(desk.CodeStale, steer("adm", desk.Administrator, desk.ForgetApproved, c, ask.Seq-1, nil))
	forget := desk.Command{ID: "clock1", Kind: desk.Forgotten, Conversation: c.ID, Actor: store.Clock, Seen: l.fresh(c).Last}
	l.refused(desk.CodeForbidden, forget)
	l.do(steer("adm", desk.Administrator, desk.ForgetApproved, c, ask.Seq, nil))
	l.refused(desk.CodeNewer, forget)
	forget.Seen = l.fresh(c).Last
	l.do(forget)
	gone := l.fresh(c)
	if gone.Gone.IsZero() || gone.Number != "" || len(gone.Notes)+len(gone.Referrals)+len(gone.Plans)+len(gone.Messages) != 0 || gone.Tail != "" {
		t.Fatalf("what is left: %+v", gone)
	}
	if f := gone.Forgettings; len(f) != 1 || f[0].By != "sue" || f[0].Approved != "adm" {
		t.Fatalf("the forgetting: %+v", f)
	}
	l.refused(desk.CodeForgotten, desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: body(desk.Note{Text: "late"})})
	l.refused(desk.CodeForgotten, delivery(c, "testtesttesttest-000000000001", "delivered"))
}

func TestNothingIsForgottenWhileATextMayBeAtTheCarrier(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "he took my passport"))
	sent := l.do(reply(c, "I am here"))
	l.do(start(c, sent.ID))
	l.do(outcome(c, sent.ID, desk.SendUnknown))
	c = l.fresh(c)
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
	why := desk.Asking{Reason: "asked"}
	l.refused(desk.CodePending, steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, why))
	l.do(delivery(c, sent.ID, "delivered"))
	ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, why))
	l.do(outcome(c, sent.ID+"/again", desk.SendUnknown))
	l.refused(desk.CodePending, steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
	l.now = l.now.Add(72 * time.Hour)
	l.do(steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
}

func TestAnAskGrowsOld(t *testing.T) {
	l := newLine(t)
	c := closedOne(l)
	ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Reason: "asked"}))
	l.now = l.now.Add(desk.AskedFor)
	l.refused(desk.CodeTooOld, steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
	l.do(steer("sam", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Reason: "asked again"}))
}

func TestATextEndsWhatWasAskedFor(t *testing.T) {
	l := newLine(t)
	c := closedOne(l)
	ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Reason: "asked"}))
	l.do(steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
	if again := l.text(texter, "are you there"); again.ID != c.ID {
		t.Fatal("the text opened another conversation")
	}
	l.refused(desk.CodeForbidden, desk.Command{ID: "clock1", Kind: desk.Forgotten, Conversation: c.ID, Actor: store.Clock, Seen: l.fresh(c).Last})
}

// carryOut has the clock do what two people agreed on in a conversation, as the relay does, and returns what it refused.
func carryOut(l *line, c *desk.Conversation) (refused []desk.Code) {
	for _, step := range l.state.Agreed(l.fresh(c)) {
		last := l.state.Conversation(step.Conversation).Last
		_, err := l.decide(desk.Command{
			ID: fmt.Sprint(step, last), Kind: step.Kind, Conversation: step.Conversation, Ref: c.ID, Seen: last, Actor: store.Clock,
		})
		var r *desk.Refusal
		if errors.As(err, &r) {
			refused = append(refused, r.Code)
		} else if err != nil {
			l.t.Fatal(err)
		}
	}
	return refused
}

// What is agreed on for a number is carried out for what there was then. What has changed since is left out, and the
// receipts of the others say so for as long as it is there.
func TestForgettingANumberIsNeverSilentlyHalf(t *testing.T) {
	because := desk.Because{Reason: "a court asks"}
	for name, tt := range map[string]struct {
		newer  bool // they agree in the newer one, which a text opens again
		change func(l *line, older, newer *desk.Conversation)
		left   func(older, newer *desk.Conversation) *desk.Conversation
	}{
		"nothing": {true, func(*line, *desk.Conversation, *desk.Conversation) {}, nil},
		"a text to another": {
			false, func(l *line, _, _ *desk.Conversation) { l.text(texter, "are you there") },
			func(_, newer *desk.Conversation) *desk.Conversation { return newer },
		},
		"a text to the one": {
			true, func(l *line, _, _ *desk.Conversation) { l.text(texter, "are you there") },
			func(_, newer *desk.Conversation) *desk.Conversation { return newer },
		},
		"a STOP": {false, func(l *line, _, newer *desk.Conversation) {
			stop := l.text(texter, "STOP")
			confirmation := stop.Messages[len(stop.Messages)-1].ID
			l.do(desk.Command{ID: "late", Kind: desk.ReplyWithdrawn, Conversation: newer.ID, Ref: confirmation, Actor: store.Clock})
		}, nil},
		"a text, and it is closed again": {false, func(l *line, _, _ *desk.Conversation) {
			c := l.claim(l.text(texter, "are you there"))
			l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
		}, func(_, newer *desk.Conversation) *desk.Conversation { return newer }},
		"a hold on another": {true, func(l *line, older, _ *desk.Conversation) {
			l.do(steer("sue", desk.Supervisor, desk.HoldSet, older, 0, because))
		}, func(older, _ *desk.Conversation) *desk.Conversation { return older }},
		"a hold on the one": {true, func(l *line, _, newer *desk.Conversation) {
			l.do(steer("sue", desk.Supervisor, desk.HoldSet, newer, 0, because))
		}, func(_, newer *desk.Conversation) *desk.Conversation { return newer }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			older := closedOne(l)
			l.now = l.now.Add(80 * time.Hour)
			newer := closedOne(l)
			c := older
			if tt.newer {
				c = newer
			}
			ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Number: true, Reason: "asked"}))
			l.do(steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
			l.now = l.now.Add(time.Minute)
			tt.change(l, older, newer)
			if refused := carryOut(l, c); len(refused) > 0 {
				t.Errorf("refused: %v", refused)
			}
			if steps := l.state.Agreed(l.fresh(c)); len(steps) > 0 {
				t.Errorf("still to do: %v", steps)
			}
			refold := desk.NewState(desk.Policy{})
			for _, e := range afterShredding(l.events) {
				refold.Apply(e)
			}
			for _, s := range []*desk.State{l.state, refold} {
				for _, one := range []*desk.Conversation{older, newer} {
					kept := tt.left != nil && tt.left(older, newer).ID == one.ID
					if gone := !s.Conversation(one.ID).Gone.IsZero(); gone == kept {
						t.Errorf("the newer one %t: forgotten %t", one == newer, gone)
					}
					r, _ := s.Receipt(one.ID)
					if tt.left != nil && !kept && !slices.Equal(r.LeftOut, []string{tt.left(older, newer).ID}) || (tt.left == nil || kept) && len(r.LeftOut) > 0 {
						t.Errorf("the receipt names %v", r.LeftOut)
					}
				}
			}
			if tt.left == nil {
				return
			}
			left := tt.left(older, newer)
			l.now = l.now.Add(time.Hour)
			l.do(desk.Command{ID: "again", Kind: desk.ForgottenAgain, Conversation: left.ID, Seen: l.fresh(left).Last, Actor: store.Clock})
			for r := range slices.Values(l.state.Receipts(10)) {
				if len(r.LeftOut) > 0 {
					t.Errorf("what is forgotten since is named: %v", r.LeftOut)
				}
			}
		})
	}
}

// What was there when two people agreed and what has begun since is told apart by the order of the events: clocks leap.
func TestForgettingANumberAfterTheClockWasSetBack(t *testing.T) {
	agree := func(l *line, c *desk.Conversation) {
		ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Number: true, Reason: "asked"}))
		l.do(steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
	}
	for name, begunBefore := range map[string]bool{"before they agree": true, "after they agree": false} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			c := closedOne(l)
			l.now = l.now.Add(80 * time.Hour)
			var other *desk.Conversation
			if begunBefore {
				other = closedOne(l)
				l.now = l.now.Add(-time.Hour)
				agree(l, c)
			} else {
				agree(l, c)
				l.now = l.now.Add(-time.Hour)
				other = closedOne(l)
			}
			if other.ID == c.ID {
				t.Fatal("the text opened no other conversation")
			}
			if refused := carryOut(l, c); len(refused) > 0 || l.fresh(c).Gone.IsZero() {
				t.Fatalf("refused: %v", refused)
			}
			if gone := !l.fresh(other).Gone.IsZero(); gone != begunBefore {
				t.Errorf("the other one: forgotten %t", gone)
			}
			if r, _ := l.state.Receipt(c.ID); len(r.LeftOut) > 0 {
				t.Errorf("the receipt names %v", r.LeftOut)
			}
		})
	}
}

// The conversation in which people agreed waits until each other one can be forgotten, so that none is left behind.
func TestTheLastOfANumberWaitsForTheOthers(t *testing.T) {
	l := newLine(t)
	older := l.claim(l.text(texter, "he took my passport"))
	sent := l.do(reply(older, "I am here"))
	l.do(start(older, sent.ID))
	l.do(outcome(older, sent.ID, desk.SendAccepted))
	older = l.fresh(older)
	l.do(desk.Command{Kind: desk.Closed, Conversation: older.ID, Claim: older.Claim, Seen: older.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
	l.now = l.now.Add(80 * time.Hour)
	newer := closedOne(l)
	ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, newer, 0, desk.Asking{Number: true, Reason: "asked"}))
	l.do(steer("sam", desk.Supervisor, desk.ForgetApproved, newer, ask.Seq, nil))
	l.do(outcome(older, sent.ID+"/again", desk.SendUnknown))
	for range 2 {
		if refused := carryOut(l, newer); !slices.Equal(refused, []desk.Code{desk.CodePending, desk.CodePending}) {
			t.Fatalf("refused: %v", refused)
		}
	}
	l.now = l.now.Add(72 * time.Hour)
	if refused := carryOut(l, newer); len(refused) > 0 || l.fresh(older).Gone.IsZero() || l.fresh(newer).Gone.IsZero() {
		t.Fatalf("refused: %v", refused)
	}
}

// So it does when its time is up, though it was opened again since and is itself left out.
func TestTheOneThatIsLeftOutWaitsForTheOthers(t *testing.T) {
	for _, kind := range []store.Kind{desk.NumberForgotten, desk.Forgotten} {
		l := newLine(t)
		l.state.Policy.Retention = desk.Retention{Numbers: month}
		if kind == desk.Forgotten {
			l.state.Policy.Retention = desk.Retention{Facts: month}
		}
		older := closedOne(l)
		l.now = l.now.Add(80 * time.Hour)
		newer := closedOne(l)
		ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, newer, 0, desk.Asking{Number: true, Reason: "asked"}))
		l.do(steer("sam", desk.Supervisor, desk.ForgetApproved, newer, ask.Seq, nil))
		if again := closedOne(l); again.ID != newer.ID {
			t.Fatal("the text opened another conversation")
		}
		l.now = l.now.Add(month)
		due := desk.Command{ID: "due", Kind: kind, Conversation: newer.ID, Actor: store.Clock, Seen: l.fresh(newer).Last}
		l.refused(desk.CodePending, due)
		if refused := carryOut(l, newer); len(refused) > 0 || l.fresh(older).Gone.IsZero() {
			t.Errorf("%s: refused: %v", kind, refused)
		}
		due.Seen = l.fresh(newer).Last
		l.do(due)
	}
}

// Two agreements about one number are carried out one after the other: the first would take the other with it, or what is
// left out of the first would count as left out of both.
func TestOneAgreementAtATime(t *testing.T) {
	for name, second := range map[string]func(older, newer *desk.Conversation) *desk.Conversation{
		"in another":   func(older, _ *desk.Conversation) *desk.Conversation { return older },
		"in the first": func(_, newer *desk.Conversation) *desk.Conversation { return newer },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			agree := func(c *desk.Conversation) desk.Command {
				ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Number: true, Reason: "asked"}))
				return steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil)
			}
			older := closedOne(l)
			l.now = l.now.Add(80 * time.Hour)
			newer := closedOne(l)
			l.do(agree(newer))
			if again := closedOne(l); again.ID != newer.ID {
				t.Fatal("the text opened another conversation")
			}
			l.now = l.now.Add(80 * time.Hour)
			since := closedOne(l)
			yes := agree(second(older, newer))
			l.refused(desk.CodePending, yes)
			if refused := carryOut(l, newer); len(refused) > 0 || l.fresh(older).Gone.IsZero() {
				t.Fatalf("refused: %v", refused)
			}
			if yes.Conversation == older.ID {
				yes = agree(since)
			}
			l.do(yes)
			if refused := carryOut(l, l.state.Conversation(yes.Conversation)); len(refused) > 0 || l.fresh(newer).Gone.IsZero() || l.fresh(since).Gone.IsZero() {
				t.Fatalf("refused: %v", refused)
			}
		})
	}
}

// What is left out names each of the others once, however often it was left out before.
func TestLeftOutOnceMore(t *testing.T) {
	l := newLine(t)
	oldest := closedOne(l)
	l.now = l.now.Add(80 * time.Hour)
	older := closedOne(l)
	l.now = l.now.Add(80 * time.Hour)
	newer := closedOne(l)
	hold := func(kind store.Kind, cs ...*desk.Conversation) {
		for _, c := range cs {
			l.do(steer("sue", desk.Supervisor, kind, c, 0, desk.Because{Reason: "a court asks"}))
		}
	}
	forget := func() {
		ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, newer, 0, desk.Asking{Number: true, Reason: "asked"}))
		l.do(steer("sam", desk.Supervisor, desk.ForgetApproved, newer, ask.Seq, nil))
	}
	forget()
	hold(desk.HoldSet, oldest, older, newer)
	if refused := carryOut(l, newer); len(refused) > 0 {
		t.Fatalf("refused: %v", refused)
	}
	hold(desk.HoldLifted, oldest, older, newer)
	forget()
	hold(desk.HoldSet, oldest)
	if refused := carryOut(l, newer); len(refused) > 0 || l.fresh(older).Gone.IsZero() || l.fresh(newer).Gone.IsZero() {
		t.Fatalf("refused: %v", refused)
	}
	left := l.fresh(oldest).LeftOut
	if last := left[len(left)-1]; len(left) != 2 || !slices.Equal(last.With, []string{older.ID}) {
		t.Errorf("left out %d times, at last with %v", len(left), last.With)
	}
}

func TestLegalHold(t *testing.T) {
	l := newLine(t)
	l.state.Policy.Retention = retention
	c := closedOne(l)
	because := desk.Because{Reason: "a court asks"}
	l.refused(desk.CodeForbidden, steer("ada", desk.Specialist, desk.HoldSet, c, 0, because))
	l.refused(desk.CodeEmpty, steer("sue", desk.Supervisor, desk.HoldSet, c, 0, desk.Because{}))
	ask := l.do(steer("sue", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Reason: "asked"}))
	l.do(steer("sue", desk.Supervisor, desk.HoldSet, c, 0, because))
	l.refused(desk.CodeStale, steer("sam", desk.Supervisor, desk.ForgetApproved, c, ask.Seq, nil))
	l.refused(desk.CodeLegalHold, steer("sam", desk.Supervisor, desk.ForgetAsked, c, 0, desk.Asking{Reason: "asked"}))
	l.now = l.now.Add(10 * retention.Facts)
	if due := l.state.Due(l.fresh(c), l.now); len(due) != 0 {
		t.Fatalf("due under a hold: %v", due)
	}
	l.do(steer("adm", desk.Administrator, desk.HoldLifted, c, 0, because))
	if due := l.state.Due(l.fresh(c), l.now); !slices.Equal(due, []store.Kind{desk.Forgotten}) {
		t.Fatalf("due after it: %v", due)
	}
}

func TestAnOptOutOutlivesItsNumber(t *testing.T) {
	l := newLine(t)
	l.state.Key = hashed
	l.state.Policy.Retention = retention
	c := closedOne(l)
	confirmation := l.text(texter, "STOP").Messages[1].ID
	l.do(desk.Command{ID: "late", Kind: desk.ReplyWithdrawn, Conversation: c.ID, Ref: confirmation, Actor: store.Clock})
	l.now = l.now.Add(4 * month)
	c = l.fresh(c)
	if !l.state.KeepsOptOut(c) {
		t.Fatal("the opt-out would go with the number")
	}
	l.do(desk.Command{ID: "kept", Kind: desk.OptOutKept, Ref: c.ID, Actor: store.Clock})
	l.do(desk.Command{ID: "clock", Kind: desk.Forgotten, Conversation: c.ID, Actor: store.Clock, Seen: c.Last})
	refold := desk.NewState(desk.Policy{})
	refold.Key = hashed
	for _, e := range afterShredding(l.events) {
		if strings.Contains(e.String()+fmt.Sprintf("%+v", e.Head)+string(e.Body)+e.Number, "2025550147") {
			t.Fatalf("event %d still has the number", e.Seq)
		}
		refold.Apply(e)
	}
	if refold.MayText(texter) || l.state.MayText(texter) {
		t.Fatal("the number may be texted again")
	}
	again := l.text(texter, "hello")
	if !again.OptedOut || again.Earlier != "" || again.ID == c.ID {
		t.Fatalf("the next text: opted out %t, earlier %q", again.OptedOut, again.Earlier)
	}
	if back := l.text(texter, "yes"); back.OptedOut || !l.state.MayText(texter) {
		t.Fatal("YES does not opt in again")
	}
}

func TestRevealAndExport(t *testing.T) {
	l := newLine(t)
	c := closedOne(l)
	because := desk.Because{Reason: "to call the police there"}
	l.refused(desk.CodeEmpty, steer("ada", desk.Specialist, desk.NumberRevealed, c, 0, desk.Because{}))
	l.refused(desk.CodeForbidden, steer("ben", desk.Specialist, desk.NumberRevealed, c, 0, because))
	l.refused(desk.CodeForbidden, steer("adm", desk.Administrator, desk.NumberRevealed, c, 0, because))
	if e := l.do(steer("ada", desk.Specialist, desk.NumberRevealed, c, 0, because)); e.Conversation != "" || e.Head.Ref != c.ID || e.Number != "" {
		t.Fatalf("the event of a number that was shown: %+v", e)
	}
	why := desk.Asking{Reason: "the advocate asks"}
	l.refused(desk.CodeForbidden, steer("adm", desk.Administrator, desk.ExportAsked, c, 0, why))
	ask := l.do(steer("sue", desk.Supervisor, desk.ExportAsked, c, 0, why))
	l.refused(desk.CodeTwo, steer("sue", desk.Supervisor, desk.ExportApproved, c, ask.Seq, nil))
	l.refused(desk.CodeStale, steer("sue", desk.Supervisor, desk.Exported, c, ask.Seq, nil))
	yes := l.do(steer("adm", desk.Administrator, desk.ExportApproved, c, ask.Seq, nil))
	l.refused(desk.CodeNotYours, steer("sam", desk.Supervisor, desk.Exported, c, yes.Seq, nil))
	l.do(steer("sue", desk.Supervisor, desk.Exported, c, yes.Seq, nil))
	if _, err := l.decide(steer("sue", desk.Supervisor, desk.Exported, c, yes.Seq, nil)); !errors.Is(err, &desk.Refusal{Code: desk.CodeStale}) {
		t.Fatalf("exported twice: %v", err)
	}
}

func TestWhatTheCarrierIsToForget(t *testing.T) {
	l := newLine(t)
	c := closedOne(l)
	list := desk.RedactionID(c.ID, "9")
	texts := []desk.CarrierText{{SID: "SM1"}, {SID: "SM2", Media: []string{"https://example.org/ME1"}}}
	l.do(desk.Command{ID: "list", Kind: desk.CarrierAsked, Conversation: list, Actor: store.Clock, Body: body(desk.Redacting{Texts: texts})})
	say := func(kind store.Kind, sid string) desk.Command {
		return desk.Command{ID: list + sid, Kind: kind, Conversation: list, Ref: sid, Actor: store.Carrier}
	}
	end := desk.Command{ID: "end", Kind: desk.CarrierForgot, Conversation: list, Actor: store.Clock}
	l.do(say(desk.Redacted, "SM1"))
	l.refused(desk.CodeBad, say(desk.Redacted, "SM1"))
	l.refused(desk.CodeBad, end)
	l.do(say(desk.RedactRefused, "SM2"))
	l.do(end)
	refold := desk.NewState(desk.Policy{})
	for _, e := range afterShredding(l.events) {
		refold.Apply(e)
	}
	for _, s := range []*desk.State{l.state, refold} {
		for r := range s.Redactions() {
			if r.Of() != c.ID || r.Done != 1 || r.Refused != 1 || r.Ended.IsZero() || len(r.Due) != 0 {
				t.Fatalf("the list: %+v", r)
			}
		}
	}
}
