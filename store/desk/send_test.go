package desk_test

import (
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
)

// send queues a reply and starts it; what became of it is unknown.
func (l *line) doubtful(c *desk.Conversation, words string) (ref string) {
	l.t.Helper()
	ref = l.do(reply(l.fresh(c), words)).ID
	l.do(start(c, ref))
	l.do(outcome(c, ref, desk.SendUnknown))
	return ref
}

func absent(c *desk.Conversation, ref string) desk.Command {
	return desk.Command{ID: ref + "/send/1/absent", Kind: desk.SendAbsent, Conversation: c.ID, Ref: ref, Actor: store.Carrier}
}

func again(c *desk.Conversation, ref string) desk.Command {
	return desk.Command{
		Kind: desk.SendAgain, Conversation: c.ID, Ref: ref, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist,
	}
}

func restart(c *desk.Conversation, ref string) desk.Command {
	s := start(c, ref)
	s.ID = ref + "/send/2"
	return s
}

func TestUnknownHoldsBackWhatWasQueuedBefore(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	first, before := l.do(reply(c, "one")), l.do(reply(c, "two"))
	l.do(start(c, first.ID))
	l.do(outcome(c, first.ID, desk.SendUnknown))
	l.refused(desk.CodeBehind, start(c, before.ID))
	if now := l.fresh(c); now.Ahead(now.Message(before.ID)) != now.Message(first.ID) {
		t.Fatal("it is not said what the second one waits for")
	}
	l.now = l.now.Add(time.Minute + 1)
	l.refused(desk.CodeTooOld, start(c, before.ID)) // it does not wait for ever
	after := l.do(reply(c, "three"))
	l.do(desk.Command{ID: "w", Kind: desk.ReplyWithdrawn, Conversation: c.ID, Ref: before.ID, Actor: store.Clock, Body: body(desk.Because{Reason: "too old"})})
	l.do(start(c, after.ID)) // its author knew
	l.do(delivery(c, first.ID, "delivered"))
	if got := l.fresh(c).Message(first.ID).Delivery; got != desk.StatusDelivered {
		t.Fatalf("what was unknown turned up and is %s", got)
	}
}

func TestOptOutIsConfirmedPastAnUnknownReply(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	ref := l.do(reply(c, "one")).ID
	l.do(start(c, ref))
	c = l.text(texter, "STOP")
	l.do(outcome(c, ref, desk.SendUnknown))
	l.do(start(c, l.fresh(c).Next().ID))
}

func TestAbsentIsSentAgainByTheRules(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*line, *desk.Conversation)
		want   desk.Code
	}{
		"":        {func(*line, *desk.Conversation) {}, ""},
		"too old": {func(l *line, _ *desk.Conversation) { l.now = l.now.Add(time.Minute + 1) }, desk.CodeTooOld},
		"closed": {func(l *line, c *desk.Conversation) {
			l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
		}, desk.CodeClosed},
		"taken over": {func(l *line, c *desk.Conversation) {
			l.do(desk.Command{Kind: desk.TakenOver, Conversation: c.ID, Claim: c.Claim, Actor: "sue", Role: desk.Supervisor, Body: body(desk.Because{Reason: "handoff"})})
		}, desk.CodeStale},
		"opted out": {func(l *line, _ *desk.Conversation) { l.text(texter, "STOP") }, desk.CodeOptedOut},
		"held": {func(l *line, c *desk.Conversation) {
			yes := true
			l.do(desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Body: body(desk.SafetyEdit{Hold: &yes})})
		}, desk.CodeGate},
		"written on": {func(l *line, c *desk.Conversation) {
			later := l.do(reply(c, "two"))
			l.do(start(c, later.ID))
			l.do(outcome(c, later.ID, desk.SendAccepted))
		}, desk.CodeOvertaken},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			conv := l.claim(l.text(texter, "hello"))
			ref := l.doubtful(conv, "one")
			l.refused(desk.CodeNotWaiting, start(conv, ref))
			c.before(l, conv)
			l.do(absent(conv, ref))
			if m := l.fresh(conv).Message(ref); m.Delivery != desk.StatusWaiting || m.Again != store.Carrier {
				t.Fatalf("it is %s, again by %q", m.Delivery, m.Again)
			}
			if c.want != "" {
				l.refused(c.want, restart(conv, ref))
				return
			}
			l.do(restart(conv, ref))
			l.refused(desk.CodeNotWaiting, absent(conv, ref))
		})
	}
}

func TestAbsentThatTurnsUpIsNotSentAgain(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	ref := l.doubtful(c, "one")
	l.do(absent(c, ref))
	l.do(delivery(c, ref, "sent"))
	l.refused(desk.CodeNotWaiting, restart(c, ref))
	l.refused(desk.CodeNotWaiting, again(c, ref))
}

// TestTwiceIsSaid: where in spite of all a text went out twice, the conversation knows.
func TestTwiceIsSaid(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	ref := l.doubtful(c, "one")
	l.do(again(c, ref))
	l.do(restart(c, ref))
	for _, sid := range []string{"SMa", "SMb", "SMb"} {
		l.n++
		accepted := outcome(c, ref, desk.SendAccepted)
		accepted.ID, accepted.Body = sid+store.DeviceID("x", l.n), body(desk.Send{SID: sid})
		l.do(accepted)
	}
	if m := l.fresh(c).Message(ref); len(m.SIDs) != 2 || m.Again != "ada" {
		t.Fatalf("the carrier took it as %q, again by %q", m.SIDs, m.Again)
	}
}

func TestSendAgainIsAPersonsChoice(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	ref := l.do(reply(c, "one")).ID
	l.refused(desk.CodeNotWaiting, again(c, ref))
	l.do(start(c, ref))
	l.refused(desk.CodeNotWaiting, again(c, ref))
	l.do(outcome(c, ref, desk.SendUnknown))
	stranger := again(c, ref)
	stranger.Actor = "ben"
	l.refused(desk.CodeNotYours, stranger)
	later := l.do(reply(c, "two"))
	l.do(start(c, later.ID))
	l.do(outcome(c, later.ID, desk.SendAccepted))
	unread := again(c, ref)
	l.text(texter, "who is this")
	l.refused(desk.CodeNewer, unread)
	l.now = l.now.Add(time.Hour)
	l.do(again(l.fresh(c), ref)) // however long ago, and though others went out since
	l.do(restart(c, ref))
}

func TestSendAgainByWhoeverAnswersNow(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	ref := l.doubtful(c, "one")
	l.do(desk.Command{Kind: desk.Released, Conversation: c.ID, Claim: c.Claim})
	l.do(desk.Command{Kind: desk.Claimed, Conversation: c.ID, Actor: "ben", Role: desk.Specialist})
	choice := again(l.fresh(c), ref)
	l.refused(desk.CodeNotYours, choice)
	choice.Actor = "ben"
	l.do(choice)
	l.do(restart(c, ref))
}

// TestDeferredGrowsOld: a carrier that asks to wait, again and again, does not make a text go out an hour late.
func TestDeferredGrowsOld(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	ref := l.do(reply(c, "one")).ID
	for i := range 3 {
		s := start(c, ref)
		s.ID = store.DeviceID("x", uint64(i))
		if i == 2 {
			l.refused(desk.CodeTooOld, s)
			break
		}
		l.do(s)
		l.n++
		d := outcome(c, ref, desk.SendDeferred)
		d.ID, d.Body = s.ID+"/deferred", body(desk.Send{After: 30 * time.Second})
		l.do(d)
		l.now = l.now.Add(30*time.Second + 1)
	}
}

func TestClosedKeepsWhatIsUnknown(t *testing.T) {
	l := newLine(t)
	c := l.claim(l.text(texter, "hello"))
	ref := l.doubtful(c, "one")
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
	if m := l.fresh(c).Messages; len(m) != 1 || m[0].ID != ref {
		t.Fatalf("%d texts are in memory", len(m))
	}
}

func TestLateTextHasWaitedSinceItWasWritten(t *testing.T) {
	l := newLine(t)
	cmd := received(texter, "hello", "SM1", "one")
	cmd.Head.Late = 20 * time.Minute
	c := l.fresh(&desk.Conversation{ID: l.do(cmd).Conversation})
	if got := l.now.Sub(c.Unanswered); got != 20*time.Minute {
		t.Fatalf("waits %v", got)
	}
	if m := c.Newest(); m.Flags[len(m.Flags)-1] != desk.FlagLate || !m.Written().Equal(l.now.Add(-20*time.Minute)) {
		t.Fatalf("flags %q, written %v", m.Flags, m.Written())
	}
}

// TestLateTextIsNotAnsweredByItself: an automatic text belongs to one just received; hours later it may be read by
// somebody else. The opt-out counts all the same.
func TestLateTextIsNotAnsweredByItself(t *testing.T) {
	for words, out := range map[string]bool{"HELP": false, "STOP": true} {
		for late, code := range map[time.Duration]desk.Code{9 * time.Minute: "", 11 * time.Minute: desk.CodeTooOld} {
			l := newLine(t)
			cmd := received(texter, words, "SM1", "one")
			cmd.Head.Late = late
			c := l.fresh(&desk.Conversation{ID: l.do(cmd).Conversation})
			if c.OptedOut != out {
				t.Errorf("%s, %v late: opted out %t", words, late, c.OptedOut)
			}
			if code == "" {
				l.do(start(c, c.Next().ID))
			} else {
				l.refused(code, start(c, c.Next().ID))
			}
		}
	}
}

func TestSwept(t *testing.T) {
	l := newLine(t)
	sweep := desk.Command{ID: "swept/1", Kind: desk.Swept, Actor: store.Carrier, Body: body(desk.Sweep{Through: noon})}
	if e := l.do(sweep); e.Conversation != "" || e.Prev != 0 || !l.state.Swept().Equal(noon) {
		t.Fatalf("in the chain of %q; swept until %v", e.Conversation, l.state.Swept())
	}
	l.refused(desk.CodeBad, desk.Command{ID: "swept/2", Kind: desk.Swept, Actor: store.Carrier})
	sweep.ID, sweep.Actor, sweep.Role = "", "sue", desk.Supervisor
	l.refused(desk.CodeForbidden, sweep)
}
