package desk_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// pours has texter send so many texts, so far apart.
func (l *line) pours(n int, words string, apart time.Duration) *desk.Conversation {
	l.t.Helper()
	var c *desk.Conversation
	for range n {
		c = l.text(texter, words)
		l.now = l.now.Add(apart)
	}
	return c
}

func ofFlood(c *desk.Conversation) (n int) {
	for _, m := range c.Messages {
		if slices.Contains(m.Flags, desk.FlagFlood) {
			n++
		}
	}
	return n
}

// TestNobodyIsTakenForAFlood: whoever sends as many texts as a person can is treated as ever, however they come here.
func TestNobodyIsTakenForAFlood(t *testing.T) {
	late := func(n int, apart time.Duration) func(*line) *desk.Conversation {
		return func(l *line) (c *desk.Conversation) {
			for i := range n {
				c = l.late("pls", time.Duration(n-i)*apart)
			}
			return c
		}
	}
	for name, sends := range map[string]func(*line) *desk.Conversation{
		"30 short lines in ten minutes":            func(l *line) *desk.Conversation { return l.pours(29, "pls", 20*time.Second) },
		"30 at once":                               func(l *line) *desk.Conversation { return l.pours(29, "pls", 0) },
		"one every two seconds for half an hour":   func(l *line) *desk.Conversation { return l.pours(900, "pls", 2*time.Second) },
		"40 of an hour fetched at once":            late(40, 90*time.Second),
		"300 fetched whose time nobody knows":      undated,
		"30 right now, and more such":              func(l *line) *desk.Conversation { l.pours(30, "pls", 0); return undated(l) },
		"30 fetched, of an hour, and 30 right now": func(l *line) *desk.Conversation { late(30, 2*time.Minute)(l); return l.pours(29, "pls", 0) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			if c := sends(l); ofFlood(c) > 0 || c.Flooding(l.now) {
				t.Fatalf("%d of %d texts are a flood", ofFlood(c), len(c.Messages))
			}
			if c := l.text(texter, "he has a gun"); c.Severity != triage.Imminent || c.LastHeard != c.LastText {
				t.Fatalf("it is %s then", c.Severity)
			}
		})
	}
}

func undated(l *line) (c *desk.Conversation) {
	for range 300 {
		cmd := received(texter, "pls", fmt.Sprintf("SM%d", l.n), fmt.Sprintf("conversation%d", l.n))
		cmd.Head.Flags = []string{desk.FlagUndated}
		c = l.state.Conversation(l.do(cmd).Conversation)
	}
	return c
}

// TestFloodChangesNothing: the texts of a flood are all kept; neither their number nor their words change severity, wait or
// call, and what the first ones said stays. It is over as soon as a minute has fewer, and its mark goes after a while.
func TestFloodChangesNothing(t *testing.T) {
	l := newLine(t)
	other := l.text("+12025550101", "he locked me in")
	l.now = l.now.Add(time.Second)
	before := l.pours(30, "hello", 0)
	c := l.pours(270, "he has a gun", 100*time.Millisecond)
	if ofFlood(c) != 270 || c.Flood.Texts != 270 || len(c.Messages) != 300 || !c.Flooding(l.now) {
		t.Fatalf("%d of %d texts are a flood, it says %d", ofFlood(c), len(c.Messages), c.Flood.Texts)
	}
	if c.Severity != before.Severity || c.Unanswered != before.Unanswered || c.LastHeard != before.LastText || c.Heard().Seq != before.LastText {
		t.Errorf("it went from %s to %s, heard up to %d, not %d", before.Severity, c.Severity, c.LastHeard, before.LastText)
	}
	if desk.Urgent(other, c, l.now) >= 0 {
		t.Error("it is before whoever wrote first, and worse")
	}
	if last := c.Newest(); last.Text != "he has a gun" || len(last.Reasons) == 0 || last.Flood != 270 {
		t.Errorf("of its newest text is known: %+v", last)
	}
	claimed := l.claim(c)
	l.text(texter, "more")
	answered := l.do(reply(claimed, "I am here")) // though more came
	l.do(desk.Command{Kind: desk.ReplyWithdrawn, Conversation: c.ID, Ref: answered.ID})
	l.text(texter, "more")
	closing := desk.Command{ID: store.DeviceID("adaadaadaadaadaa", 1), Kind: desk.Closed, Conversation: c.ID, Claim: claimed.Claim, Seen: claimed.Seen(), Actor: "ada", Role: desk.Specialist}
	closing.Body = body(desk.Closing{Disposition: "hoax"})
	if _, err := l.state.Decide(closing, l.now); err != nil {
		t.Errorf("it cannot be closed: %v", err)
	}

	l.now = l.now.Add(time.Minute)
	if c = l.text(texter, "he has a knife"); c.Severity != triage.Imminent || c.LastHeard != c.LastText || !c.Flooding(l.now) {
		t.Errorf("a minute later it is %s", c.Severity)
	}
	if l.now = l.now.Add(9 * time.Minute); c.Flooding(l.now) {
		t.Error("ten minutes later it is still marked")
	}
}

// TestFirstWordsOfAFloodStay: who says at first that they are in danger is not lowered by what follows.
func TestFirstWordsOfAFloodStay(t *testing.T) {
	l := newLine(t)
	l.text(texter, "he has a gun")
	if c := l.pours(100, "INFO", 0); c.Severity != triage.Imminent || c.Flood.Texts != 71 {
		t.Errorf("it is %s, with %d texts beyond", c.Severity, c.Flood.Texts)
	}
}

// TestAgreedWordsAreHeardInAFlood: somebody else may send it in their name; whoever knows the word is them.
func TestAgreedWordsAreHeardInAFlood(t *testing.T) {
	for _, word := range []sms.Text{"tangerine", "apples"} {
		l := newLine(t)
		c := l.claim(l.text(texter, "hello"))
		danger, safe := sms.Text("tangerine"), sms.Text("apples")
		l.do(desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Body: body(desk.SafetyEdit{DangerWord: &danger, SafeWord: &safe})})
		l.pours(100, "x", 0)
		c = l.text(texter, word.Reveal())
		if c.LastHeard != c.LastText || (word == danger) != (c.Severity == triage.Imminent) || (word == danger) != c.Danger {
			t.Errorf("%q: %s, heard up to %d of %d", word, c.Severity, c.LastHeard, c.LastText)
		}
		if after := l.text(texter, "x"); after.Newest().Flood != 1 {
			t.Error("the flood ended by it")
		}
	}
}

// TestFloodIsAnsweredOnce: who has a phone ring by sending STOP and START in turn has it ring once; each still counts.
func TestFloodIsAnsweredOnce(t *testing.T) {
	owed := func(c *desk.Conversation) (n int) {
		for _, m := range c.Messages {
			if m.Automatic != "" {
				n++
			}
		}
		return n
	}
	l := newLine(t)
	l.text(texter, "HELP")
	l.now = l.now.Add(time.Second)
	l.pours(35, "x", 0)
	if c := l.text(texter, "STOP"); !c.OptedOut || owed(c) != 1 {
		t.Errorf("opted out %t; within a minute %d texts are owed", c.OptedOut, owed(c))
	}
	l.now = l.now.Add(61 * time.Second)
	l.text(texter, "START")
	l.pours(35, "x", 0)
	for range 100 {
		if c := l.text(texter, "STOP"); !c.OptedOut || l.state.MayText(texter) {
			t.Fatal("a STOP does not count")
		}
		if c := l.text(texter, "START"); c.OptedOut {
			t.Fatal("a START does not count")
		}
		l.now = l.now.Add(1500 * time.Millisecond)
	}
	c := l.text(texter, "STOP")
	if owed(c) != 2 {
		t.Errorf("%d texts are owed for a flood of five minutes, beside the one before", owed(c))
	}
	l.now = l.now.Add(10 * time.Minute)
	l.text(texter, "START")
	if c = l.text(texter, "STOP"); owed(c) != 3 {
		t.Errorf("once it is over, %d texts are owed", owed(c))
	}
}

// TestFloodIsLifted: whoever may read it says that it is a person: then all that they wrote counts, and what they write.
func TestFloodIsLifted(t *testing.T) {
	l := newLine(t)
	c := l.pours(31, "hello", 0)
	lift := desk.Command{Kind: desk.FloodLifted, Conversation: c.ID, Actor: "ben", Role: desk.Specialist}
	c = l.text(texter, "he locked me in")
	severe := c.Severity
	e := l.do(lift)
	c = l.fresh(c)
	if severe == triage.High || c.Severity != triage.High || c.LastHeard != c.LastText || c.Flooding(l.now) || e.Actor != "ben" {
		t.Errorf("it was %s and is %s, heard up to %d of %d", severe, c.Severity, c.LastHeard, c.LastText)
	}
	if c = l.pours(100, "he has a gun", 0); c.Severity != triage.Imminent || c.LastHeard != c.LastText || c.Flooding(l.now) {
		t.Errorf("what came then made it %s", c.Severity)
	}
	l.refused(desk.CodeNoFlood, lift)
	lift.Role = desk.Reviewer
	l.refused(desk.CodeForbidden, lift)

	c = l.claim(c)
	l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "hoax"})})
	lift.Role = desk.Specialist
	l.refused(desk.CodeClosed, lift)
	if c = l.pours(31, "hello", 0); !c.Flooding(l.now) {
		t.Error("opened again, no flood is one any more")
	}
	l.claim(c)
	l.refused(desk.CodeNotYours, lift)
	lift.Actor, lift.Role = "sue", desk.Supervisor
	l.do(lift)
}

// TestFloodIsTheSameForEverybody: a console that has no words, and one that folds it all again, know what the relay knows.
func TestFloodIsTheSameForEverybody(t *testing.T) {
	l := newLine(t)
	l.pours(40, "he has a gun", time.Second)
	c := l.text(texter, "hello")
	l.do(desk.Command{Kind: desk.FloodLifted, Conversation: c.ID})
	c = l.fresh(c)
	console := desk.NewState(desk.Policy{})
	for _, e := range l.events {
		e.Number, e.Body, e.Withheld = "", nil, true
		console.Apply(e)
	}
	k := console.Conversation(c.ID)
	if k.Flood != c.Flood || k.Severity != c.Severity || k.LastHeard != c.LastHeard || k.OwedAt != c.OwedAt || k.Newest().Flood != c.Newest().Flood || k.Seen() != c.Seen() {
		t.Errorf("the relay has %+v, %s, %d; a console %+v, %s, %d", c.Flood, c.Severity, c.LastHeard, k.Flood, k.Severity, k.LastHeard)
	}
	old := desk.NewState(desk.Policy{}) // a log of before has no such flag
	for _, e := range l.events {
		if e.Kind != desk.Received {
			continue
		}
		e.Head.Flags = slices.DeleteFunc(slices.Clone(e.Head.Flags), func(f string) bool { return f == desk.FlagFlood })
		old.Apply(e)
		if o := old.Conversation(c.ID); o.LastHeard != o.LastText || o.Flood != (desk.Flood{}) || o.Heard().ID != e.ID {
			t.Fatalf("of an old log: %+v, heard up to %d of %d", o.Flood, o.LastHeard, o.LastText)
		}
	}
}

// BenchmarkTextOfALongFlood is one more text of a conversation that has so many, in a batch of its own.
func BenchmarkTextOfALongFlood(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, i := desk.NewState(desk.Policy{}), 0
			one := func(s *desk.State) {
				i++
				e, err := s.Decide(received(texter, "x", fmt.Sprintf("SM%d", i), "c"), noon.Add(time.Duration(i)*time.Millisecond))
				if err != nil {
					b.Fatal(err)
				}
				e.Seq = uint64(i)
				s.Apply(e)
			}
			f := s.Fork()
			for range n {
				one(f)
			}
			s.Merge(f)
			for b.Loop() {
				f := s.Fork()
				one(f)
				s.Merge(f)
			}
		})
	}
}
