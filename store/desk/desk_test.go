package desk_test

import (
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

func TestTextOpensJoinsAndReopens(t *testing.T) {
	l := newLine(t)
	c := l.text(texter, "hes here")
	if c.Phase != desk.Waiting || c.Severity != triage.Imminent || c.Tail != "0147" {
		t.Fatalf("opened as %s, %s, …%s", c.Phase, c.Severity, c.Tail)
	}
	if again := l.text(texter, "are you there"); again.ID != c.ID || again.Severity != triage.Imminent {
		t.Fatalf("a second text opened another conversation, or lowered its severity to %s", again.Severity)
	}
	c = l.claim(l.fresh(c))
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
	if c = l.fresh(c); c.Phase != desk.ClosedNow || len(c.Messages) != 0 {
		t.Fatalf("closed: phase %s, %d messages in memory", c.Phase, len(c.Messages))
	}
	l.now = l.now.Add(72 * time.Hour)
	if again := l.text(texter, "hello?"); again.ID != c.ID || again.Phase != desk.Waiting || again.Owner != "" {
		t.Fatalf("72 h later it is %s of %q", again.Phase, again.Owner)
	}
	c = l.claim(l.fresh(c))
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
	l.now = l.now.Add(72*time.Hour + time.Second)
	if again := l.text(texter, "its me"); again.ID == c.ID || again.Earlier != c.ID {
		t.Fatalf("a second more than 72 h later: same conversation %t, earlier %q", again.ID == c.ID, again.Earlier)
	}
}

func TestClosingIsRefusedOverAnUnreadText(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	closing := desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})}
	l.text(texter, "wait he is back")
	l.refused(desk.CodeNewer, closing)
	closing.Seen = l.fresh(c).Seen()
	closing.Body = body(desk.Closing{})
	l.refused(desk.CodeEmpty, closing)
}

func TestClaims(t *testing.T) {
	l := newLine(t)
	first := l.claim(l.text(texter, "hello"))
	l.refused(desk.CodeClaimed, desk.Command{Kind: desk.Claimed, Conversation: first.ID, Actor: "ben", Role: desk.Specialist})
	l.refused(desk.CodeYours, desk.Command{Kind: desk.Claimed, Conversation: first.ID})
	l.claim(l.text("+12025550101", "hello"))
	l.claim(l.text("+12025550102", "hello"))
	fourth := l.text("+12025550103", "hello")
	l.refused(desk.CodeLimit, desk.Command{Kind: desk.Claimed, Conversation: fourth.ID})
	l.do(desk.Command{Kind: desk.Released, Conversation: first.ID, Claim: first.Claim})
	l.claim(fourth)
	if got := len(l.state.Holds("ada")); got != 3 {
		t.Fatalf("holds %d conversations", got)
	}
	l.refused(desk.CodeForbidden, desk.Command{Kind: desk.Claimed, Conversation: first.ID, Actor: "eve", Role: desk.Reviewer})
	l.refused(desk.CodeForbidden, desk.Command{Kind: desk.Claimed, Conversation: first.ID, Actor: "root", Role: desk.Administrator})
}

func TestTakeoverFencesAndWithdraws(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	queued := l.do(reply(c, "I am here"))
	take := desk.Command{Kind: desk.TakenOver, Conversation: c.ID, Claim: c.Claim, Actor: "sue", Role: desk.Supervisor, Body: body(desk.Because{Reason: "handoff"})}
	l.refused(desk.CodeForbidden, desk.Command{Kind: desk.TakenOver, Conversation: c.ID, Claim: c.Claim, Actor: "ben", Role: desk.Specialist})
	e := l.do(take)
	now := l.fresh(c)
	if now.Owner != "sue" || now.Claim != e.Seq || e.Head.Staff != "ada" {
		t.Fatalf("owner %s, claim %d, from %s", now.Owner, now.Claim, e.Head.Staff)
	}
	if m := now.Message(queued.ID); m.Delivery != desk.StatusWithdrawn {
		t.Fatalf("the reply is %s", m.Delivery)
	}
	l.refused(desk.CodeNotWaiting, start(c, queued.ID))
	l.refused(desk.CodeStale, reply(c, "still there?"))
	l.do(desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: body(desk.Note{Text: "written offline"})})
	l.refused(desk.CodeNotYours, desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Actor: "ben", Role: desk.Specialist, Body: body(desk.Note{Text: "x"})})
	l.refused(desk.CodeStale, take)
}

func TestReplyRestsOnWhatWasSeen(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	r := reply(c, "I am here")
	l.text(texter, "dont write now")
	l.refused(desk.CodeNewer, r)
	c = l.fresh(c)
	r = reply(c, "ok")
	r.Age = time.Minute + time.Millisecond
	l.refused(desk.CodeTooOld, r)
	r.Age = time.Minute
	l.do(r)
}

func TestUndo(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	r := reply(c, "I am here")
	r.Body = body(desk.Reply{Text: "I am here"})
	e := l.do(r)
	l.refused(desk.CodeNotYet, start(c, e.ID))
	l.do(desk.Command{Kind: desk.ReplyWithdrawn, Conversation: c.ID, Ref: e.ID})
	l.now = l.now.Add(5 * time.Second)
	l.refused(desk.CodeNotWaiting, start(c, e.ID))
	r.Body = body(desk.Reply{Text: "I am here!"})
	e = l.do(r)
	l.now = l.now.Add(5 * time.Second)
	l.do(start(c, e.ID))
	l.refused(desk.CodeNotWaiting, desk.Command{Kind: desk.ReplyWithdrawn, Conversation: c.ID, Ref: e.ID})
	l.refused(desk.CodePending, desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "x"})})
}

func TestReplyThatCouldNotStartInTimeDoesNotGoOutLate(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	e := l.do(reply(c, "I am here"))
	l.now = l.now.Add(time.Minute + time.Second)
	l.refused(desk.CodeTooOld, start(c, e.ID))
}

func TestOneTextInFlight(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	first, second := l.do(reply(c, "one")), l.do(reply(c, "two"))
	l.do(start(c, first.ID))
	l.refused(desk.CodeInFlight, start(c, second.ID))
	if next := l.fresh(c).Next(); next != nil {
		t.Fatalf("something else is to be sent meanwhile: %s", next.ID)
	}
	l.do(outcome(c, first.ID, desk.SendAccepted))
	l.do(start(c, second.ID))
}

func TestOptOut(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	queued := l.do(reply(c, "I am here"))
	stop := l.text(texter, " Stop. ")
	if stop.ID != c.ID || !stop.OptedOut || l.state.MayText(texter) {
		t.Fatal("STOP did not opt out")
	}
	if got := stop.Message(queued.ID).Delivery; got != desk.StatusWithdrawn {
		t.Fatalf("the reply that waited is %s", got)
	}
	confirmation := stop.Next()
	if confirmation == nil || confirmation.Automatic != desk.Confirmation {
		t.Fatalf("next to go out: %+v", confirmation)
	}
	l.do(start(stop, confirmation.ID))
	l.do(outcome(stop, confirmation.ID, desk.SendAccepted))
	if twice := l.text(texter, "STOP"); twice.Next() != nil {
		t.Fatal("a second STOP is confirmed again")
	}
	l.refused(desk.CodeOptedOut, reply(l.fresh(c), "please"))
	before := l.fresh(c)
	l.text(texter, "STOP")
	l.refused(desk.CodeOptedOut, reply(before, "please")) // said before what is newer
	back := l.text(texter, "yes")
	if back.OptedOut || !l.state.MayText(texter) {
		t.Fatal("YES after STOP did not restore")
	}
	l.do(reply(back, "good to hear from you"))
}

func TestSecondStopLeavesTheConfirmationOfTheFirst(t *testing.T) {
	l := newLine(t)
	l.text(texter, "stop")
	if c := l.text(texter, "STOP"); c.Next() == nil || c.Next().Automatic != desk.Confirmation {
		t.Fatal("the opt-out is not confirmed")
	}
	if c := l.text(texter, "start"); c.Next() != nil {
		t.Fatal("an opt-out that was taken back is confirmed")
	}
}

func TestStopHimIsNoOptOut(t *testing.T) {
	l := newLine(t)
	c := l.text(texter, "stop him he's here")
	if c.OptedOut || c.Severity != triage.Imminent || c.Next() != nil {
		t.Fatalf("opted out %t, %s", c.OptedOut, c.Severity)
	}
}

func TestLoneStopOfAStrangerOpensNothing(t *testing.T) {
	l := newLine(t)
	if c := l.text(texter, "STOP"); c.Phase != desk.ClosedNow || c.Next() == nil || c.Next().Automatic != desk.Confirmation {
		t.Fatalf("it is %s", c.Phase)
	}
	if c := l.text(texter, "help me"); c.Phase != desk.Waiting || !c.OptedOut {
		t.Fatalf("a cry for help after STOP: %s, opted out %t", c.Phase, c.OptedOut)
	}
}

// TestNobodyWaitsSinceALoneSTOP: how long a texter has waited is counted from what needs an answer.
func TestNobodyWaitsSinceALoneSTOP(t *testing.T) {
	l := newLine(t)
	check := func(from sms.Number) {
		t.Helper()
		if c := l.text(from, "STOP"); c.Phase != desk.ClosedNow || !c.Unanswered.IsZero() {
			t.Fatalf("after a lone STOP it is %s, unanswered since %v", c.Phase, c.Unanswered)
		}
		l.now = l.now.Add(time.Hour)
		if c := l.text(from, "he found me"); !c.Unanswered.Equal(l.now) {
			t.Fatalf("unanswered since %v, an hour before it came", c.Unanswered)
		}
	}
	check(texter)
	const again = sms.Number("+12025550148")
	c := l.claim(l.text(again, "please"))
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: []byte(`{"disposition":"safe for now"}`)})
	check(again)
}

func TestHelp(t *testing.T) {
	l := newLine(t)
	c := l.text(texter, "HELP")
	if c.Phase != desk.Waiting || c.Next() == nil || c.Next().Automatic != desk.Compliance {
		t.Fatal("HELP opens a conversation and is answered")
	}
	l.do(start(c, c.Next().ID))
	l.do(outcome(c, l.fresh(c).Messages[1].ID, desk.SendAccepted))
	if !l.fresh(c).Unanswered.Equal(c.Unanswered) {
		t.Fatal("an automatic text counts as an answer")
	}
	if again := l.text(texter, "help"); again.Next() != nil || again.Newest().Flags[0] != desk.FlagHelpAgain {
		t.Fatal("HELP again within 24 h is answered again, or not flagged")
	}
	l.now = l.now.Add(24 * time.Hour)
	if again := l.text(texter, "info"); again.Next() == nil {
		t.Fatal("HELP 24 h later is not answered")
	}
}

func TestGate(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	hours := desk.Hours{From: "22:00", Until: "06:30", Zone: "America/Chicago"}
	l.do(desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Body: body(desk.SafetyEdit{Hours: &hours})})
	c = l.fresh(c)
	l.do(reply(c, "hello")) // noon UTC is 06:00 in Chicago in winter
	l.now = l.now.Add(30 * time.Minute)
	l.refused(desk.CodeGate, reply(c, "hello"))
	l.now = l.now.Add(15*time.Hour + 30*time.Minute)
	l.do(reply(c, "hello"))
}

func TestSafetyRecord(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	queued := l.do(reply(c, "is it safe to text?"))
	word, yes := sms.Text("tangerine"), true
	l.do(desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Body: body(desk.SafetyEdit{DangerWord: &word})})
	if got := l.fresh(c).Message(queued.ID).Delivery; got != desk.StatusWithdrawn {
		t.Fatalf("a reply that did not know the safety record is %s", got)
	}
	l.do(desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Body: body(desk.SafetyEdit{Hold: &yes})})
	c = l.fresh(c)
	if c.Safety.DangerWord != word || !c.Safety.Hold {
		t.Fatal("the second edit undid the first")
	}
	l.refused(desk.CodeGate, reply(c, "hello"))
	held := reply(c, "the police are at the door")
	held.Body = body(desk.Reply{Text: "the police are at the door", Reason: "they asked to be told", Now: true})
	e := l.do(held)
	l.do(start(c, e.ID))
	c = l.text(texter, "i bought TANGERINES today, a tangerine for you")
	if !c.Danger || c.Severity != triage.Imminent {
		t.Fatalf("danger word: danger %t, %s", c.Danger, c.Severity)
	}
	same := sms.Text("a Tangerine, please")
	l.refused(desk.CodeBad, desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Body: body(desk.SafetyEdit{SafeWord: &same})})
	stop := sms.Text("Quit!")
	l.refused(desk.CodeBad, desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Body: body(desk.SafetyEdit{DangerWord: &stop})})
}

func TestDeliveryNeverGoesBack(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	e := l.do(reply(c, "hi"))
	l.do(start(c, e.ID))
	for _, step := range []struct {
		c    desk.Command
		want desk.Status
	}{
		{delivery(c, e.ID, "sent"), desk.StatusSent}, // before the carrier answered the request
		{outcome(c, e.ID, desk.SendAccepted), desk.StatusSent},
		{delivery(c, e.ID, "queued"), desk.StatusSent},
		{delivery(c, e.ID, "a word of next year"), desk.StatusSent},
		{delivery(c, e.ID, "delivered"), desk.StatusDelivered},
		{delivery(c, e.ID, "undelivered"), desk.StatusDelivered},
	} {
		l.do(step.c)
		if got := l.fresh(c).Message(e.ID).Delivery; got != step.want {
			t.Fatalf("after %s: %s, want %s", step.c.Kind, got, step.want)
		}
	}
	if !l.fresh(c).Unanswered.IsZero() {
		t.Fatal("a delivered reply leaves the texter unanswered")
	}
}

func TestCarrierOptOut(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	e := l.do(reply(c, "hi"))
	l.do(start(c, e.ID))
	refusal := outcome(c, e.ID, desk.SendRefused)
	refusal.Head.Code = 21610
	l.do(refusal)
	if c = l.fresh(c); !c.OptedOut || c.Unanswered.IsZero() {
		t.Fatal("21610 is not taken for an opt-out, or for an answer")
	}
}

func TestConsoleCannotTakeACarriersID(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	for _, id := range []string{"SM1", "testtesttesttest-000000000009/send/1", "x"} {
		l.refused(desk.CodeBad, desk.Command{ID: id, Kind: desk.NoteAdded, Conversation: c.ID, Actor: "ada", Role: desk.Specialist, Body: body(desk.Note{Text: "x"})})
	}
	for _, kind := range []store.Kind{desk.Received, desk.SendStarted, desk.SendAccepted, desk.Delivery, "nonsense"} {
		if _, err := l.decide(desk.Command{Kind: kind, Conversation: c.ID}); err == nil {
			t.Fatalf("a console may %s", kind)
		}
	}
}

func TestOpening(t *testing.T) {
	l := newLine(t)
	c := l.text(texter, "hello")
	l.do(desk.Command{Kind: desk.Viewed, Conversation: c.ID})
	c = l.claim(c)
	l.refused(desk.CodeForbidden, desk.Command{Kind: desk.Viewed, Conversation: c.ID, Actor: "ben", Role: desk.Specialist})
	view := desk.Command{Kind: desk.Viewed, Conversation: c.ID, Actor: "sue", Role: desk.Supervisor}
	l.refused(desk.CodeEmpty, view)
	view.Body = body(desk.Because{Reason: "asked for help"})
	e := l.do(view)
	if e.Conversation != "" || e.Prev != 0 || e.Head.Ref != c.ID {
		t.Fatalf("audit event in the chain of %q after %d", e.Conversation, e.Prev)
	}
	if l.fresh(c).Last != c.Last {
		t.Fatal("an opening moved the end of the conversation")
	}
}

func TestOptOutBelongsToTheNumber(t *testing.T) {
	l := newLine(t)
	old := l.claim(l.text(texter, "hello"))
	l.do(desk.Command{Kind: desk.Closed, Conversation: old.ID, Claim: old.Claim, Seen: old.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
	l.now = l.now.Add(100 * time.Hour)
	c := l.claim(l.text(texter, "hello again"))
	if c.ID == old.ID {
		t.Fatal("one conversation is not two")
	}
	l.do(desk.Command{Kind: desk.OptedOut, Conversation: old.ID, Actor: "sue", Role: desk.Supervisor})
	l.refused(desk.CodeOptedOut, reply(c, "hello"))
	l.do(desk.Command{Kind: desk.OptedIn, Conversation: old.ID, Actor: "sue", Role: desk.Supervisor, Body: body(desk.Because{Reason: "wrong number"})})
	l.do(reply(c, "hello"))
}

func TestPublishedConversationNeverChanges(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	e := l.do(reply(c, "hi"))
	before := l.fresh(c)
	l.do(desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: body(desk.Note{Text: "one"})})
	withNote := l.fresh(c)
	l.do(start(c, e.ID))
	l.do(outcome(c, e.ID, desk.SendAccepted))
	l.do(desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: body(desk.Note{Text: "two"})})
	if got := before.Message(e.ID).Delivery; got != desk.StatusWaiting || len(before.Notes) != 0 || len(withNote.Notes) != 1 {
		t.Fatalf("what was published changed: %s, %d notes, %d notes", got, len(before.Notes), len(withNote.Notes))
	}
}

func TestDroppedForkLeavesNoTrace(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	note := func(words string) store.Event {
		return store.Event{Seq: l.state.Last() + 1, ID: words, Conversation: c.ID, Kind: desk.NoteAdded, Actor: "ada", Body: body(desk.Note{Text: sms.Text(words)})}
	}
	for _, words := range []string{"one", "two", "three"} { // so that there is room behind them
		l.do(desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: body(desk.Note{Text: sms.Text(words)})})
	}
	dropped, kept := l.state.Fork(), l.state.Fork()
	dropped.Apply(note("dropped"))
	kept.Apply(note("kept"))
	dropped.Apply(note("dropped too"))
	kept.Apply(store.Event{Seq: l.state.Last() + 2, ID: "x", Conversation: c.ID, Kind: desk.SeveritySet, Head: store.Head{Severity: "high"}})
	dropped.Apply(note("dropped at last"))
	l.state.Merge(kept)
	alone := l.state.Fork()
	alone.Apply(note("dropped as well"))
	if notes := l.fresh(c).Notes; len(notes) != 4 || notes[3].Text != "kept" {
		t.Fatalf("%d notes, the last one %q", len(notes), notes[len(notes)-1].Text.Reveal())
	}
}

// TestClockSetBack: that by which a clock was set back hides how long a text has waited. Where it is more than any text is
// held, the text is not held for as long, and does not go out.
func TestClockSetBack(t *testing.T) {
	l := newLine(t)
	l.now = noon.AddDate(1, 0, 0)
	c := l.claim(l.text(texter, "hello"))
	ref := l.do(reply(c, "hi")).ID
	help := l.text("+12025550123", "HELP")
	l.now = l.now.Add(-time.Minute)
	l.refused(desk.CodeNotYet, start(c, ref))
	l.now = noon
	l.refused(desk.CodeTooOld, start(c, ref))
	l.refused(desk.CodeTooOld, start(help, help.Next().ID))
	if l.text(texter, "thanks").Newest().At.After(noon) {
		t.Fatal("an event is stamped by a clock that was wrong")
	}
}
