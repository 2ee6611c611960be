package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/desk"
)

// doubtful has ada's newest waiting reply handed to a carrier that does not say whether it took it.
func (h *hand) doubtful(tail string) (ref string) {
	id := "c" + tail
	h.mu.Lock()
	for _, m := range h.state.Conversation(id).Messages {
		if m.Delivery == desk.StatusWaiting {
			ref = m.ID
		}
	}
	h.mu.Unlock()
	h.must(desk.Command{ID: ref + "/send/1", Kind: desk.SendStarted, Conversation: id, Ref: ref, Actor: store.Carrier}, desk.Send{Attempt: 1})
	h.must(desk.Command{ID: ref + "/send/1/unknown", Kind: desk.SendUnknown, Conversation: id, Ref: ref, Actor: store.Carrier}, desk.Send{Attempt: 1})
	return ref
}

func (h *hand) absent(tail, ref string) {
	h.must(desk.Command{ID: ref + "/send/1/absent", Kind: desk.SendAbsent, Conversation: "c" + tail, Ref: ref, Actor: store.Carrier}, desk.Send{Attempt: 1})
}

func said(s *sitter) (ref string) {
	s.press("1", "I am here", "enter")
	s.wait(6 * time.Second)
	ref = s.h.doubtful("0147")
	s.wait(time.Second)
	return ref
}

func TestSendAgainAsksFirst(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "alt+a")
		s.sees("Of every text here it is known")
		said(s)
		s.sees("nobody knows yet whether it went out", "What you write now goes out past it", "alt+a sends it again")
		s.press("alt+a")
		s.sees("Send it again to", "I am here", "it arrives twice")
		s.press("esc")
		s.wait(time.Second)
		s.sees("nobody knows yet whether it went out")
		s.press("alt+a", "y")
		s.wait(time.Second)
		s.sees("It is sent again", "again by you, it may arrive twice")
		s.h.delivered("0147")
		s.wait(time.Second)
		s.sees("delivered (again by you")
		s.seesNot("What you write now goes out past it")
	})
}

func TestSendAgainAgainstTheGateNeedsAReason(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		said(s)
		yes := true
		s.h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Hold: &yes})
		s.wait(time.Second)
		s.press("alt+a")
		s.sees("Do not text until they text", "needs a reason")
		s.press("y", "f9") // the reason
		s.wait(time.Second)
		s.sees("again by you")
	})
}

// TestWithdrawnReplyIsADraftAgain: once, in the order in which it was written, also over a restart, and not what was
// taken back by hand.
func TestWithdrawnReplyIsADraftAgain(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		ref := said(s)
		s.h.absent("0147", ref)
		s.h.must(desk.Command{ID: ref + "/send/2/withdrawn", Kind: desk.ReplyWithdrawn, Conversation: "c0147", Ref: ref, Actor: store.Clock}, desk.Because{Reason: "It could not be sent in time."})
		s.wait(time.Second)
		s.sees("Not sent, it is a draft again: It could not be sent in time.", "(the carrier does not", "have it)")
		if got := s.m.composer.Text("c0147"); got != "I am here" {
			s.Fatalf("the draft is %q", got)
		}
		s.wait(time.Second)
		if got := s.h.draft("c0147"); got != "I am here" {
			s.Fatalf("on the disk the draft is %q", got)
		}
		s.press(" still")
		s.h.text("0147", "hello")
		s.wait(time.Second)
		if got := s.m.composer.Text("c0147"); got != "I am here still" {
			s.Fatalf("the draft is %q", got)
		}
		again := New(s.m.Options)
		drafts, err := s.h.Drafts()
		again.restore(draftsMsg{drafts, err})
		again.take(collect(s.h, "ada", "", false, &world{}))
		if got := again.composer.Text("c0147"); strings.Count(got, "I am here") != 1 {
			s.Fatalf("after a restart the draft is %q", got)
		}
	})
}

// TestWithdrawnReplyOfAnotherDevice: its author is told, and it is no draft here: it is one where it was written.
func TestWithdrawnReplyOfAnotherDevice(t *testing.T) {
	sit(t, Options{Device: "elsewhere"}, 120, 36, mine, func(s *sitter) {
		ref := said(s)
		s.h.absent("0147", ref)
		s.h.must(desk.Command{ID: ref + "/send/2/withdrawn", Kind: desk.ReplyWithdrawn, Conversation: "c0147", Ref: ref, Actor: store.Clock}, desk.Because{Reason: "It could not be sent in time."})
		s.wait(time.Second)
		s.sees("Not sent: It could not be sent in time.")
		if got := s.m.composer.Text("c0147"); got != "" {
			t.Errorf("the draft is %q", got)
		}
		s.press("esc")
		s.h.text("0147", "hello")
		s.wait(time.Second)
		s.seesNot("Not sent: It could")
	})
}

func TestWaitingForTheTextBefore(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "one", "enter")
		s.wait(time.Second)
		s.press("two", "enter")
		s.wait(6 * time.Second)
		c := s.h.state.Conversation("c0147")
		first := c.Messages[1].ID
		s.h.must(desk.Command{ID: first + "/send/1", Kind: desk.SendStarted, Conversation: c.ID, Ref: first, Actor: store.Carrier}, desk.Send{Attempt: 1})
		s.h.must(desk.Command{ID: first + "/send/1/unknown", Kind: desk.SendUnknown, Conversation: c.ID, Ref: first, Actor: store.Carrier}, desk.Send{Attempt: 1})
		s.wait(time.Second)
		s.sees("waits for the text before it")
		s.h.absent("0147", first)
		s.h.must(desk.Command{ID: first + "/send/2", Kind: desk.SendStarted, Conversation: c.ID, Ref: first, Actor: store.Carrier}, desk.Send{Attempt: 2})
		s.wait(time.Second)
		s.sees("(once more, as the carrier")
		for _, sid := range []string{"SMa", "SMb"} {
			s.h.must(desk.Command{ID: sid + "/accepted", Kind: desk.SendAccepted, Conversation: c.ID, Ref: first, Actor: store.Carrier}, desk.Send{Attempt: 2, SID: sid})
		}
		s.wait(time.Second)
		s.sees("the carrier took it 2 times")
	})
}

func TestLateTextSaysSo(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.wait(2 * time.Hour)
		s.h.late("0147", "are you there", 90*time.Minute)
		s.wait(time.Second)
		s.press("1")
		s.sees("fetched late: the carrier had it at 00:30", "why: fetched late")
		s.h.late("0147", "please", 26*time.Hour)
		s.wait(time.Second)
		s.sees("the carrier had it at 31 Dec 00:00")
	})
}

// Two replies are on their way, and both are to be taken back at once.
func TestTwoAreTakenBack(t *testing.T) {
	sit(t, Options{}, 120, 36, func(h *hand) { mine(h); h.status.Limits.Undo = 5 * time.Second }, func(s *sitter) {
		s.press("1", "one", "enter")
		s.wait(time.Second)
		s.press("two", "enter")
		s.wait(time.Second)
		s.h.slowly(800 * time.Millisecond)
		s.press("alt+u", "alt+u")
		s.wait(10 * time.Second)
		for _, m := range s.h.state.Conversation("c0147").Messages {
			if m.Author == "ada" && m.Delivery != "withdrawn" {
				s.Errorf("%q is %s; notice %q", m.Text.Reveal(), m.Delivery, s.m.notice.text)
			}
		}
		if got := s.m.composer.Text("c0147"); !strings.Contains(got, "one") || !strings.Contains(got, "two") {
			s.Errorf("the draft is %q", got)
		}
	})
}

// lostAnswer is a line that breaks after a withdrawal was done and before it is answered.
type lostAnswer struct{ Line }

func (l lostAnswer) Do(ctx context.Context, c desk.Command) (client.Outcome, error) {
	out, err := l.Line.Do(ctx, c)
	if err == nil && c.Kind == desk.ReplyWithdrawn {
		return client.Outcome{}, client.ErrNotKnown
	}
	return out, err
}

func TestTakenBackWithoutAnAnswer(t *testing.T) {
	sit(t, Options{}, 120, 36, func(h *hand) { mine(h); h.status.Limits.Undo = 5 * time.Second }, func(s *sitter) {
		s.another(lostAnswer{s.h}, func(s *sitter) {
			s.press("1", "I am here", "enter")
			s.wait(time.Second)
			s.press("alt+u")
			s.wait(5 * time.Second)
			c := s.h.state.Conversation("c0147")
			last := c.Messages[len(c.Messages)-1]
			if last.Delivery != desk.StatusWithdrawn {
				s.Fatalf("%s", last.Delivery)
			}
			if got := s.m.composer.Text("c0147"); got != "I am here" {
				s.Errorf("it was taken back, and the draft is %q", got)
			}
		})
	})
}

// brokenRelease breaks off before the relay has got it.
type brokenRelease struct{ Line }

func (l brokenRelease) Do(ctx context.Context, c desk.Command) (client.Outcome, error) {
	if c.Kind == desk.Released {
		return client.Outcome{}, client.ErrNotKnown
	}
	return l.Line.Do(ctx, c)
}

func TestTakenOverAfterALostRelease(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.another(brokenRelease{s.h}, func(s *sitter) {
			s.press("1")
			s.m.release()
			s.press("y")
			s.wait(time.Minute)
			c := s.h.state.Conversation("c0147")
			s.h.must(desk.Command{Kind: desk.TakenOver, Conversation: c.ID, Actor: "sue", Role: desk.Supervisor, Claim: c.Claim, Seen: c.Seen()}, desk.Because{Reason: "she asked"})
			s.wait(time.Second)
			if len(s.m.dialogs) == 0 {
				s.Error("sue has it, and nobody was told")
			}
		})
	})
}

// TestTakenBackFromElsewhere: whoever went on to another conversation takes the newest reply back all the same, and is
// told whose it was.
func TestTakenBackFromElsewhere(t *testing.T) {
	for _, columns := range []int{120, 0} {
		for _, away := range []string{"alt+2", "f8"} {
			sit(t, Options{}, columns, 36, queued, func(s *sitter) {
				who := s.m.who(s.m.world.byID.get("c0147"))
				sends, back := func() { s.press("1", "Go now", "enter", away) }, func() { s.press("alt+u") }
				if columns == 0 {
					line := map[string]string{"alt+2": ":2", "f8": ":n"}[away]
					sends = func() {
						s.line("1")
						s.line("Go now")
						s.update(Typed(""))
						s.wait(200 * time.Millisecond)
						s.update(Typed(line))
					}
					back = func() { s.update(Typed(":u")) }
				}
				sends()
				s.wait(time.Second)
				if s.m.open == "c0147" {
					t.Fatal("it is still open")
				}
				back()
				s.wait(time.Second)
				sent := s.h.state.Conversation("c0147").Messages
				if m := sent[len(sent)-1]; m.Delivery != desk.StatusWithdrawn || s.m.composer.Text("c0147") != "Go now" || s.m.composer.Text(s.m.open) != "" {
					t.Errorf("%s: it is %s, the draft %q, that of the open one %q", away, m.Delivery, s.m.composer.Text("c0147"), s.m.composer.Text(s.m.open))
				}
				if got := s.screen() + s.said.String(); !strings.Contains(strings.Join(strings.Fields(got), " "), "Taken back from "+who+": it is a draft again.") {
					t.Errorf("whose it was is not said:\n%s", got)
				}
			})
		}
	}
}
