package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
)

// again begins another console on the same line; end it.
func (s *sitter) again(o Options) *sitter {
	s.Helper()
	if !s.left {
		s.Fatalf("this one has not ended:\n%s", s.screen())
	}
	o.Line, o.Name, o.Zone = s.h, "ada", time.UTC
	next := &sitter{T: s.T, h: s.h, msgs: make(chan tea.Msg, 1000), m: New(o)}
	next.over = next.m
	next.run(next.m.Init())
	next.update(tea.WindowSizeMsg{Width: 100, Height: 30})
	next.wait(100 * time.Millisecond)
	return next
}

func (s *sitter) end() {
	s.run(s.m.leave())
	s.wait(3 * time.Second)
}

// lockEnds is a console that a lock ends.
var lockEnds = Options{LockEnds: true, Unlock: opens("right one")}

// opens is what a passphrase unlocks.
func opens(right string) func([]byte) error {
	return func(typed []byte) error {
		if string(typed) != right {
			return seal.ErrPassphrase
		}
		return nil
	}
}

// The lock ends the console, with all that was written on the disk; the next one begins locked, and the one after it where
// its person was, with what they had not seen of who took what.
func TestALockEndsTheConsole(t *testing.T) {
	sit(t, lockEnds, 100, 30, shared, func(s *sitter) {
		s.press("2", "Are you", "esc", "D", "alt+1", "Hello", "esc", "S", "moved")
		s.h.takenOver("0122")
		s.h.handedToAda("0131")
		s.wait(time.Second)
		s.press("ctrl+l", "rig")
		s.sees("befree is locked", "***_")
		s.seesNot("Are you", "Hello")
		s.wait(4 * time.Second)
		carried := s.m.Carry()
		if !s.left || carried == nil {
			s.Fatalf("it has not ended: %+v", carried)
		}
		raw, err := json.Marshal(carried)
		if words := string(raw); err != nil || strings.Contains(words, "Are you") || strings.Contains(words, "Hello") || strings.Contains(words, "rest") || strings.Contains(words, "moved") {
			s.Errorf("it hands on %s", words)
		}
		if s.h.draft("c0122") != "Are you" || s.h.draft("c0147") != "Hello" {
			s.Errorf("the disk has %q and %q", s.h.draft("c0122"), s.h.draft("c0147"))
		}

		locked := lockEnds
		locked.Locked = carried
		s = s.again(locked)
		s.sees("befree is locked", "***_")
		s.press("x", "enter")
		s.wait(time.Second)
		s.sees("That was not the passphrase")
		s.press("right one", "enter")
		s.wait(time.Second)
		s.seesNot("Hello")
		if !s.left || s.m.Carry() != nil {
			s.Fatalf("it goes on:\n%s", s.screen())
		}

		open := lockEnds
		open.Carried = *carried
		s = s.again(open)
		defer s.end()
		s.wait(time.Second)
		if !s.m.quiet {
			s.Error("they are disturbed again")
		}
		s.sees("is no longer yours", "Ada has to rest")
		s.wait(2 * time.Second)
		s.press("y")
		s.wait(time.Second)
		s.sees("is yours now", "no sirens")
		s.wait(2 * time.Second)
		s.press("y")
		s.wait(time.Second)
		s.sees("Hello", "stop him he's here")
	})
}

// That the relay began anew is told until it was acknowledged, whatever lock comes between.
func TestALockKeepsThatTheRelayBeganAnew(t *testing.T) {
	sit(t, lockEnds, 100, 30, mine, func(s *sitter) {
		at := time.Now()
		s.h.change(func() {
			s.h.status.Renewed = true
			s.h.status.Aside = bolt.Aside{At: at, Until: at.AddDate(0, 1, 0), Conversations: []string{"c0147"}}
		})
		s.wait(time.Second)
		s.press("ctrl+l")
		s.wait(4 * time.Second)
		s.h.change(func() { s.h.status.Renewed, s.h.status.Aside = false, bolt.Aside{} })
		open, carried := lockEnds, s.m.Carry()
		open.Carried = *carried
		if len(carried.Anew.Conversations) > 0 {
			s.Error("it hands on more than it must")
		}
		s = s.again(open)
		defer s.end()
		s.wait(3 * time.Second)
		s.sees("The relay began anew", "befree review --aside")
		s.press("y")
		s.wait(time.Second)
		s.seesNot("The relay began anew")
	})
}

// A lock leaves nothing half done: what is under way comes to its end first, however long that takes, and what the disk
// does not take stays where it is.
func TestALockWaitsForWhatIsUnderWay(t *testing.T) {
	written := false
	slow := lockEnds
	slow.Save = func(string, string, []byte) (string, error) {
		time.Sleep(30 * time.Second)
		written = true
		return "/home/ada/files/x", nil
	}
	for name, begin := range map[string]func(s *sitter) (over func() bool){
		"a file": func(s *sitter) func() bool {
			s.h.must(desk.Command{Kind: desk.PlanSaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist},
				desk.PlanEdit{Fields: map[string]string{"situation/numbers": "555 0199"}})
			s.wait(time.Second)
			s.press("1", "alt+p", "y")
			return func() bool { return written }
		},
		"a reply": func(s *sitter) func() bool {
			s.h.slowly(15 * time.Second)
			s.press("1", "Hello", "enter")
			return func() bool { return len(s.h.replies()) == 1 }
		},
		"a disk that is full": func(s *sitter) func() bool {
			s.press("1", "Hello")
			s.h.fail = errDisk
			time.AfterFunc(20*time.Second, func() { s.h.change(func() { s.h.fail = nil }) })
			return func() bool { return s.h.draft("c0147") == "Hello" }
		},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, slow, 100, 30, mine, func(s *sitter) {
				over := begin(s)
				s.press("ctrl+l")
				s.wait(5 * time.Second)
				if s.left || over() {
					s.Fatal("it has ended, or there was nothing to wait for")
				}
				s.wait(40 * time.Second)
				if !s.left || !over() {
					s.Errorf("left %t, over %t:\n%s", s.left, over(), s.screen())
				}
			})
		})
	}
}

// What waits for a connection is on the disk: a lock waits for it no longer than 2 s, and the next console says so.
func TestALockDoesNotWaitForTheNetwork(t *testing.T) {
	sit(t, lockEnds, 100, 30, mine, func(s *sitter) {
		s.press("1", "esc", "t", "Room 9")
		s.h.change(func() { s.h.status.Connected = false })
		s.wait(time.Second)
		s.press("ctrl+s", "ctrl+l")
		s.wait(time.Second)
		if s.left {
			s.Error("it did not wait at all")
		}
		s.wait(4 * time.Second)
		if !s.left || len(s.h.outbox) != 1 {
			s.Errorf("left %t, %d wait", s.left, len(s.h.outbox))
		}
		locked := lockEnds
		locked.Locked = s.m.Carry()
		s = s.again(locked)
		defer s.end()
		s.sees("befree is locked", "1 thing has not reached the relay yet. It goes once the passphrase opens befree.")
	})
}

// What the relay is taking is sent before the console ends, if that takes no longer than 2 minutes; nothing of it is shown.
// What it has refused, or what comes back as a draft, is not.
func TestALockWaitsForWhatTheRelayIsTaking(t *testing.T) {
	for name, c := range map[string]struct {
		entry bolt.Entry
		taken time.Duration // after which the relay has it
		least time.Duration // for which the lock waits
	}{
		"a safety record":         {bolt.Entry{Kind: desk.SafetySaved}, 30 * time.Second, 30 * time.Second},
		"one that it never takes": {bolt.Entry{Kind: desk.SafetySaved}, time.Hour, 2 * time.Minute},
		"one that it refused":     {bolt.Entry{Kind: desk.SafetySaved, Refused: "no"}, time.Hour, 2 * time.Second},
		"a reply":                 {bolt.Entry{Kind: desk.ReplyQueued}, time.Hour, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, lockEnds, 100, 30, mine, func(s *sitter) {
				s.press("1")
				s.h.change(func() { s.h.outbox = []bolt.Entry{c.entry} })
				time.AfterFunc(c.taken, func() { s.h.change(func() { s.h.outbox = nil }) })
				s.press("ctrl+l")
				s.sees("befree is locked")
				s.wait(c.least - 2*time.Second)
				s.seesNot("stop him")
				if s.left {
					s.Error("it has ended")
				}
				s.wait(5 * time.Second)
				if !s.left {
					s.Error("it goes on")
				}
			})
		})
	}
}

// A locked console calls for what is new, and not for what was there when it was locked.
func TestALockedConsoleCallsForWhatIsNew(t *testing.T) {
	var calls []bool
	line := client.Status{Connected: true, Since: time.Now(), Role: desk.Specialist}
	o := lockEnds
	o.Call = func(urgent bool) { calls = append(calls, urgent) }
	o.Locked = &Carried{}
	known := newHand(t)
	mine(known)
	known.text("0131", "he locked me in")
	known.take("ben", "0131")
	known.handedToAda("0131")
	known.text("0133", "he has a gun")
	o.Locked.Since = known.state.Last()
	sit(t, o, 100, 30, nil, func(s *sitter) {
		s.h.change(func() {
			for _, e := range known.events {
				e.At = time.Now()
				s.h.state.Apply(e)
				s.h.events = append(s.h.events, e)
			}
			s.h.n, s.h.status = known.n, line
		})
		s.wait(5 * time.Second)
		if len(calls) != 0 {
			s.Errorf("it calls for what was there: %v", calls)
		}
		s.h.text("0188", "he took my phone, he locked me in")
		s.wait(2 * time.Second)
		if len(calls) != 1 || calls[0] {
			s.Errorf("a text that is new: %v", calls)
		}
		s.wait(30 * time.Second)
		if len(calls) < 2 || !calls[1] {
			s.Errorf("somebody in imminent danger whom nobody takes: %v", calls)
		}
		s.sees("befree is locked")
		s.seesNot("gun")
	})
}

// A relay that was restored counts anew: what it has is news to a locked console, also in a conversation of one's own.
func TestALockedConsoleHearsARestoredRelay(t *testing.T) {
	for name, before := range map[string]func(*hand){
		"while it is locked": func(h *hand) {
			for range 20 {
				h.text("0147", "more")
			}
			h.status.Epoch = "before"
		},
		"before it hears anything": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var calls []bool
			o := lockEnds
			o.Call = func(urgent bool) { calls = append(calls, urgent) }
			o.Locked = &Carried{Epoch: "before", Since: 500}
			sit(t, o, 100, 30, before, func(s *sitter) {
				s.wait(5 * time.Second)
				if len(calls) != 0 {
					s.Fatalf("it calls for what was there: %v", calls)
				}
				restored := newHand(t)
				restored.text("0147", "are you there")
				restored.take("ada", "0147")
				restored.text("0147", "he has a gun")
				s.h.change(func() { s.h.state, s.h.n, s.h.status.Epoch = restored.state, restored.n, "after" })
				s.wait(2 * time.Second)
				if len(calls) != 1 || !calls[0] {
					s.Errorf("what came while it was restored: %v", calls)
				}
				s.h.text("0147", "he is going to kill me")
				s.wait(2 * time.Second)
				if len(calls) != 2 || !calls[1] {
					s.Errorf("what comes then: %v", calls)
				}
			})
		})
	}
}

// What does not open for another reason than the passphrase is told as that, in words, and can be tried again.
func TestALockTellsWhyItDoesNotOpen(t *testing.T) {
	for language, words := range map[string]string{"en": "the passphrase is not why: no space left on device.", "es": "no es por la frase de acceso: no space left on device."} {
		for _, columns := range []int{100, 0} {
			t.Run(fmt.Sprint(language, columns), func(t *testing.T) {
				err := errors.New("no space left on device")
				o := Options{Language: language, Locked: &Carried{}, LockEnds: true, Unlock: func([]byte) error { return err }}
				sit(t, o, columns, 30, nil, func(s *sitter) {
					try := func() string {
						if columns == 0 {
							return s.line("right one")
						}
						s.press("right one", "enter")
						s.wait(time.Second)
						return s.screen()
					}
					if said := try(); !strings.Contains(said, words) || strings.Contains(said, s.m.T("That was not the passphrase. Each wrong one takes longer.")) {
						s.Errorf("it says\n%s", said)
					}
					if err = nil; s.left {
						s.Fatal("it ends")
					}
					if try(); !s.left {
						s.Errorf("it does not open any more:\n%s", s.screen())
					}
				})
			})
		}
	}
}

// What was being given as a reason outlives the lock.
func TestAReasonOutlivesTheLock(t *testing.T) {
	sit(t, lockEnds, 100, 30, func(h *hand) {
		shared(h)
		h.status.Role = desk.Supervisor
	}, func(s *sitter) {
		reason := s.m.askWhy(desk.TakenOver, "Take over?", "no", "c0131", func(string) tea.Cmd { return nil })
		s.m.ask(reason)
		s.press("Ben has to rest", "ctrl+l")
		s.wait(4 * time.Second)
		s = s.again(lockEnds)
		defer s.end()
		s.wait(time.Second)
		if got := s.m.reasons[deed{"c0131", desk.TakenOver}]; got != "Ben has to rest" {
			s.Errorf("it has %q", got)
		}
		s.run(s.m.gaveReason(deed{"c0131", desk.TakenOver}))
		s.wait(2 * time.Second)
		drafts, _ := s.h.Drafts()
		for _, d := range drafts {
			if strings.HasPrefix(d.What, reasonDraft) {
				s.Errorf("the disk has it still: %+v", d)
			}
		}
	})
}

// A line that is overheard does nothing and knows nothing to read.
func TestNothingIsDoneByEar(t *testing.T) {
	l, err := client.Listen(client.Config{}, client.Ears{Name: "ada", Device: []byte("{}")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	line := Overhear(l)
	if _, err := line.Do(context.Background(), desk.Command{Kind: desk.Claimed}); err == nil {
		t.Error("it does something")
	}
	if c, err := line.Conversation("c1"); c != nil || err != nil {
		t.Error(c, err)
	}
}
