package desk_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
)

// late has texter say something that is fetched only now.
func (l *line) late(words string, late time.Duration) *desk.Conversation {
	l.t.Helper()
	cmd := received(texter, words, fmt.Sprintf("SM%d", l.n), fmt.Sprintf("conversation%d", l.n))
	cmd.Head.Late = late
	return l.state.Conversation(l.do(cmd).Conversation)
}

// TestNewestWordCounts: of STOP and START the one counts that came to the carrier last, whenever it comes to us; where that
// cannot be told, STOP. One that does not count changes nothing and is not confirmed.
func TestNewestWordCounts(t *testing.T) {
	for _, c := range []struct {
		before, words string
		ago           time.Duration // since before was brought
		late          time.Duration
		out, passed   bool
	}{
		{"STOP", "START", time.Minute, 2 * time.Minute, true, true},
		{"STOP", "START", time.Minute, time.Minute, true, true}, // at the same time
		{"STOP", "START", time.Minute, 56 * time.Second, true, true},
		{"STOP", "START", time.Minute, 54 * time.Second, false, false},
		{"STOP", "yes", time.Minute, 2 * time.Minute, true, true},
		{"STOP", "STOP", time.Minute, 2 * time.Minute, true, false},
		{"START", "STOP", time.Minute, 2 * time.Minute, false, true},
		{"START", "STOP", time.Minute, 81 * time.Second, false, true},
		{"START", "STOP", time.Minute, 79 * time.Second, true, false}, // START may have been on its way since then
		{"START", "STOP", time.Minute, time.Minute, true, false},
		{"START", "STOP", -time.Hour, 2 * time.Minute, true, false}, // the clock was set back
	} {
		t.Run(fmt.Sprintf("%s, then %s %v late", c.before, c.words, c.late), func(t *testing.T) {
			l := newLine(t)
			l.text(texter, "hello")
			l.text(texter, c.before)
			l.now = l.now.Add(c.ago)
			before := len(l.state.Conversation(l.events[0].Conversation).Messages)
			now := l.late(c.words, c.late)
			if now.OptedOut != c.out || l.state.MayText(texter) == c.out {
				t.Errorf("opted out %t, may be texted %t", now.OptedOut, l.state.MayText(texter))
			}
			if passed := slices.Contains(now.Newest().Flags, desk.FlagPassed); passed != c.passed {
				t.Errorf("flags %q", now.Newest().Flags)
			}
			if owed := len(now.Messages) - before - 1; (owed > 0) != (c.words == "STOP" && c.before != "STOP" && !c.passed) {
				t.Errorf("%d texts are owed", owed)
			}
			console := desk.NewState(desk.Policy{}) // knows no number
			for _, e := range l.events {
				e.Number = ""
				console.Apply(e)
			}
			if got := console.Conversation(now.ID).OptedOut; got != c.out {
				t.Errorf("a console has opted out %t", got)
			}
		})
	}
}

// TestUndatedWord: of one of which nobody knows when it was said, STOP counts and START does not undo it.
func TestUndatedWord(t *testing.T) {
	for before, words := range map[string]string{"STOP": "START", "START": "STOP"} {
		l := newLine(t)
		l.text(texter, before)
		l.now = l.now.Add(time.Hour)
		cmd := received(texter, words, "SM", "fresh")
		cmd.Head.Late, cmd.Head.Flags = time.Second, []string{desk.FlagUndated}
		l.do(cmd)
		if l.state.MayText(texter) {
			t.Errorf("after %s, an undated %s lets the number be texted", before, words)
		}
	}
}

// TestReplyAndALateWord: a STOP that counts takes back what waits, one that a newer START has passed does not; and a START
// that a newer STOP has passed does not take back that STOP's confirmation.
func TestReplyAndALateWord(t *testing.T) {
	for late, want := range map[time.Duration]desk.Status{time.Minute: desk.StatusWithdrawn, time.Hour: desk.StatusWaiting} {
		l := newLine(t)
		l.text(texter, "START")
		l.now = l.now.Add(30 * time.Minute)
		c := l.claim(l.text(texter, "hello"))
		ref := l.do(reply(c, "hi")).ID
		if got := l.late("STOP", late).Message(ref).Delivery; got != want {
			t.Errorf("STOP %v late: the reply is %s", late, got)
		}
	}
	l := newLine(t)
	confirmation := l.text(texter, "STOP").Next().ID
	if got := l.late("START", time.Minute).Message(confirmation).Delivery; got != desk.StatusWaiting {
		t.Errorf("the confirmation is %s", got)
	}
}

// TestPassedWordWakesNobody: what counts no more opens nothing that is closed, however long ago.
func TestPassedWordWakesNobody(t *testing.T) {
	for words, opposite := range map[string]string{"STOP": "START", "START": "STOP"} {
		l := newLine(t)
		l.state.Policy.CarrierAnswers = true
		l.text(texter, "hello")
		c := l.claim(l.text(texter, opposite))
		l.do(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: body(desk.Closing{Disposition: "resolved"})})
		l.now = l.now.Add(100 * time.Hour)
		if now := l.late(words, 101*time.Hour); now.ID != c.ID || now.Phase != desk.ClosedNow {
			t.Errorf("after %s: %s is %s", words, now.ID, now.Phase)
		}
	}
}

// TestWordsOfOthers: what a person or the carrier says of a number stands against a START that is older. A supervisor's
// undoing of an opt-out is no word of the texter's: any STOP that comes after it counts.
func TestWordsOfOthers(t *testing.T) {
	for name, opt := range map[string]func(*line, *desk.Conversation) desk.Command{
		"a specialist": func(_ *line, c *desk.Conversation) desk.Command {
			return desk.Command{Kind: desk.OptedOut, Conversation: c.ID, Claim: c.Claim}
		},
		"the carrier": func(l *line, c *desk.Conversation) desk.Command {
			ref := l.do(reply(c, "hi")).ID
			l.do(start(c, ref))
			refused := outcome(c, ref, desk.SendRefused)
			refused.Head.Code = 21610
			return refused
		},
		"what is kept": func(l *line, c *desk.Conversation) desk.Command {
			l.text(texter, "STOP")
			return desk.Command{ID: "kept", Kind: desk.OptOutKept, Ref: c.ID, Actor: store.Clock}
		},
	} {
		l := newLine(t)
		c := l.claim(l.text(texter, "hello"))
		l.do(opt(l, c))
		l.now = l.now.Add(time.Hour)
		if l.late("START", 2*time.Hour); l.state.MayText(texter) {
			t.Errorf("an older START undoes what %s said", name)
		}
		if l.late("START", time.Minute); !l.state.MayText(texter) {
			t.Errorf("a newer START does not undo what %s said", name)
		}
	}
	l := newLine(t)
	l.text(texter, "START")
	l.now = l.now.Add(time.Hour)
	c := l.text(texter, "STOP")
	l.now = l.now.Add(time.Hour)
	l.do(desk.Command{Kind: desk.OptedIn, Conversation: c.ID, Actor: "sue", Role: desk.Supervisor, Body: body(desk.Because{Reason: "a mistake"})})
	if l.late("STOP", 2*time.Minute); l.state.MayText(texter) {
		t.Error("a supervisor passes a STOP that nobody had seen")
	}
}
