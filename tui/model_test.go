package tui

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
	"befree.example/tui/theme"

	"befree.example/store/sms/smstest"
)

// mine is two conversations of ada's.
func mine(h *hand) {
	h.text("0147", "stop him he's here")
	h.text("0122", "he locked me in")
	h.take("ada", "0147")
	h.take("ada", "0122")
	time.Sleep(time.Second)
}

// TestSending holds what decides whether a text goes out, to whom, and how often.
func TestSending(t *testing.T) {
	tests := []struct {
		name string
		do   func(*sitter)
		want []string
	}{
		{"enter sends", func(s *sitter) { s.press("1", "Hello", "enter") }, []string{"c0147: Hello"}},
		{"a held enter sends once", func(s *sitter) {
			s.press("1", "Hello")
			for range 30 {
				s.update(named["enter"])
				s.wait(30 * time.Millisecond)
			}
		}, []string{"c0147: Hello"}},
		{"a held enter does not try again what failed", func(s *sitter) {
			s.h.fail = errDisk
			s.press("1", "Hello")
			for range 30 {
				s.update(named["enter"])
				s.wait(30 * time.Millisecond)
			}
			s.sees("Hello")
		}, []string{"c0147: Hello"}},
		{"the end of a pasted line is no enter", func(s *sitter) {
			s.press("1")
			for _, line := range []string{"one", "two", "three"} {
				s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(line)})
				s.update(named["enter"])
			}
			s.wait(time.Second)
			s.sees("one", "two", "three")
		}, nil},
		{"a paste with brackets is text", func(s *sitter) {
			s.press("1")
			s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("one\r\ntwo\x1b[2J\r"), Paste: true})
			s.wait(time.Second)
			s.press("enter")
		}, []string{"c0147: one\ntwo[2J\n"}},
		{"nothing is sent twice when the line is slow", func(s *sitter) {
			s.h.before = func() { time.Sleep(5 * time.Second) }
			s.press("1", "Hello", "enter")
			s.wait(time.Second)
			s.press("enter", "enter")
			s.wait(10 * time.Second)
		}, []string{"c0147: Hello"}},
		{"a text that came this moment is read first", func(s *sitter) {
			s.press("1", "Hello")
			s.h.text("0147", "wait")
			s.wait(200 * time.Millisecond)
			s.press("enter")
			s.sees("Read it first", "Hello")
			s.wait(time.Second)
			s.press("enter")
		}, []string{"c0147: Hello"}},
		{"a text goes to the conversation on the screen", func(s *sitter) {
			s.press("1", "One")
			s.press("alt+2", "Two", "enter")
			s.sees("> To ", "0122")
		}, []string{"c0122: Two"}},
		{"not at the end of the conversation", func(s *sitter) {
			for i := range 30 {
				s.h.text("0147", "text "+strconv.Itoa(i))
			}
			s.wait(time.Second)
			s.press("1", "Hello", "pgup", "enter")
			s.sees("You are not at the end")
		}, nil},
		{"without a connection", func(s *sitter) {
			s.press("1")
			s.h.change(func() { s.h.status.Connected = false })
			s.wait(100 * time.Millisecond)
			s.press("Hello", "enter")
			s.sees("The relay cannot be reached", "Hello")
		}, nil},
		{"behind", func(s *sitter) {
			s.press("1")
			s.h.change(func() { s.h.status.Head = 99 })
			s.wait(100 * time.Millisecond)
			s.press("Hello", "enter")
			s.sees("The newest is still coming in: behind by", "Hello")
		}, nil},
		{"opted out", func(s *sitter) {
			s.press("1")
			s.h.text("0147", "STOP")
			s.wait(time.Second)
			s.press("Hello", "enter")
			s.sees("opted out", "Hello")
		}, nil},
		{"taken over", func(s *sitter) {
			s.press("1", "Hello")
			s.h.must(desk.Command{Kind: desk.TakenOver, Conversation: "c0147", Claim: s.h.state.Conversation("c0147").Claim, Actor: "eve", Role: desk.Supervisor}, desk.Because{Reason: "rest"})
			s.wait(20 * time.Millisecond)
			s.press("y") // meant for the text
			s.sees("is no longer yours", "eve has it now")
			s.wait(time.Second)
			s.press("y", "enter")
			s.sees("Hello", "Not sent, it stays a draft")
		}, nil},
		{"against the gate only with a reason", func(s *sitter) {
			yes := true
			s.h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Hold: &yes})
			s.wait(time.Second)
			s.press("1", "Hello", "enter")
			s.wait(2 * time.Second)
			s.press("enter", "f9", "esc")
			s.sees("Hello")
			s.press("enter")
			s.wait(2 * time.Second)
			s.press("her sister said so", "f9")
		}, []string{"c0147: Hello"}},
		{"nothing but blanks", func(s *sitter) { s.press("1", "space", "enter") }, nil},
		{"in review", func(s *sitter) {
			s.m.Review = true
			s.press("down", "enter", "Hello", "enter")
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sit(t, Options{}, 100, 30, mine, func(s *sitter) {
				test.do(s)
				s.wait(time.Second)
				if got := s.h.replies(); !slices.Equal(got, test.want) {
					s.Errorf("sent %q, want %q; the screen:\n%s", got, test.want, s.screen())
				}
			})
		})
	}
}

// TestDrafts holds where words are that did not go out.
func TestDrafts(t *testing.T) {
	tests := []struct {
		name string
		do   func(*sitter)
		disk string // of 0147
	}{
		{"within a second on the disk", func(s *sitter) {
			s.press("1", "Hel")
			s.wait(900 * time.Millisecond)
		}, "Hel"},
		{"while somebody types on without a pause", func(s *sitter) {
			s.press("1", strings.Repeat("a", 40))
			if got := len(s.h.draft("c0147")); got < 20 {
				s.Errorf("%d letters of 40 are on the disk", got)
			}
			s.wait(time.Second)
		}, strings.Repeat("a", 40)},
		{"each stays with its conversation", func(s *sitter) {
			s.press("1", "One", "alt+2", "Two")
			s.wait(time.Second)
			s.sees("Two", "1 other draft kept")
			s.press("alt+1")
			s.sees("One")
			s.seesNot("Two")
		}, "One"},
		{"a refused reply is a draft again", func(s *sitter) {
			s.press("1", "Hello")
			s.h.before = func() {
				s.h.before = nil
				s.h.must(desk.Command{Kind: desk.Received, ID: "SMx", Conversation: "cx", Actor: "texter", Number: "+12025550147"}, desk.Text{To: "233733", Text: "wait"})
			}
			s.press("enter")
			s.wait(2 * time.Second)
			s.sees("t is a draft again", "Hello")
		}, "Hello"},
		{"a reply that could not be kept is in the composer", func(s *sitter) {
			s.h.fail = errDisk
			s.press("1", "Hello", "enter")
			s.sees("Hello", "could not keep")
			s.seesNot("Jane")
			s.h.fail = nil
			s.press("!")
			s.wait(time.Second)
		}, "Hello!"},
		{"a disk that was full is tried again", func(s *sitter) {
			s.press("1")
			s.h.fail = errDisk
			s.press("Hello")
			s.wait(2 * time.Second)
			s.sees("could not keep")
			s.h.fail = nil
			s.wait(time.Second)
		}, "Hello"},
		{"a refused reply comes back once, however slow the disk", func(s *sitter) {
			s.press("1", "Hello")
			s.h.before = func() {
				s.h.before = nil
				s.h.slow = 3 * time.Second
				s.h.must(desk.Command{Kind: desk.Received, ID: "SMx", Conversation: "cx", Actor: "texter", Number: "+12025550147"}, desk.Text{To: "233733", Text: "wait"})
			}
			s.press("enter")
			s.wait(time.Second)
			s.press("backspace", "backspace")
			s.h.text("0122", "another world")
			s.wait(time.Second)
			s.sees("Hel")
			s.seesNot("Hello")
			s.h.slow = 0
			s.wait(8 * time.Second)
		}, "Hel"},
		{"taken back", func(s *sitter) {
			s.press("1", "Hello", "enter")
			s.wait(time.Second)
			s.sees("goes out in")
			s.press("alt+u")
			s.sees("Taken back", "Hello")
			s.wait(time.Second)
		}, "Hello"},
		{"nothing is taken back twice", func(s *sitter) {
			s.press("1", "Hello", "enter", "alt+u", "alt+u")
			s.wait(time.Second)
		}, "Hello"},
		{"leaving keeps what was just typed", func(s *sitter) {
			s.press("1", "Hello", "ctrl+c", "ctrl+c")
			s.wait(time.Second)
			if !s.left {
				s.Error("the console did not end")
			}
		}, "Hello"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sit(t, Options{}, 100, 30, mine, func(s *sitter) {
				test.do(s)
				if got := s.h.draft("c0147"); got != test.disk {
					s.Errorf("the disk has %q, want %q; the screen:\n%s", got, test.disk, s.screen())
				}
			})
		})
	}
}

func TestDraftsOfBeforeAreThere(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		if err := h.Draft("c0147", "", "from before", time.Now()); err != nil {
			t.Fatal(err)
		}
	}, func(s *sitter) {
		s.sees("1 draft from before")
		s.press("1")
		s.sees("from before", "draft from 00:00")
	})
}

// TestNotesAndAnswersAreDraftsToo: what was half written in them is there again, until it is kept.
func TestNotesAndAnswersAreDraftsToo(t *testing.T) {
	disk := map[string]bolt.Entry{}
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "f4", "apples", "f3", "Half a note", "f6", "pgdown", "Half an answer")
		s.wait(time.Second)
		disk = maps.Clone(s.h.drafts)
	})
	sit(t, Options{}, 120, 36, func(h *hand) {
		mine(h)
		h.drafts = disk
	}, func(s *sitter) {
		s.press("1", "f3")
		s.sees("Half a note")
		s.press("f6")
		s.sees("> [ ] Trusted person", "Half an answer")
		s.press("ctrl+s", "f3", "ctrl+s", "f4")
		s.sees("apples")
		s.press("alt+2", "alt+1", "f4")
		s.sees("apples")
		s.press("ctrl+s")
		s.wait(time.Second)
		maps.DeleteFunc(s.h.drafts, func(_ string, e bolt.Entry) bool { return e.What == seenDraft })
		if len(s.h.drafts) > 0 {
			s.Errorf("the disk still has %v", slices.Collect(maps.Keys(s.h.drafts)))
		}
	})
}

// TestRefusedNotesPlansAndRecords: what the relay refuses becomes a note to be looked at, with every word.
func TestRefusedNotesPlansAndRecords(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		word := sms.Text("apples")
		s.h.change(func() {
			for i, c := range []struct {
				kind store.Kind
				body any
			}{
				{desk.NoteAdded, desk.Note{Text: "a note"}},
				{desk.PlanSaved, desk.PlanEdit{Fields: map[string]string{"leaving/bag": "under the bed"}}},
				{desk.SafetySaved, desk.SafetyEdit{SafeWord: &word}},
			} {
				raw, _ := json.Marshal(c.body)
				command, _ := json.Marshal(desk.Command{Body: raw})
				s.h.outbox = append(s.h.outbox, bolt.Entry{ID: strconv.Itoa(i), Conversation: "c0147", Kind: c.kind, Command: command, Refused: "No room."})
			}
		})
		s.wait(time.Second)
		s.sees("Not taken, and a note to be looked at now: No room.")
		want := "a note\nPlan, Bag: under the bed\nSafety record, Safe word: apples"
		if got := s.h.draft("c0147note"); got != want || len(s.h.outbox) > 0 {
			s.Errorf("the disk has %q, want %q; %d are left in the outbox", got, want, len(s.h.outbox))
		}
		s.press("1", "f3")
		s.sees("a note", "under the bed", "apples")
	})
}

// TestDraftsToOthers: every draft can be reached, also one to somebody who is not on the line any more.
func TestDraftsToOthers(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		for id, words := range map[string]string{"c0122": "to one of mine", "cgone": "to nobody"} {
			if err := h.Draft(id, "", words, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
	}, func(s *sitter) {
		s.press("1")
		s.sees("2 drafts from before")
		s.wait(10 * time.Second)
		s.sees("2 other drafts kept: alt+d")
		s.press("alt+d", "mine", "enter")
		s.sees("> To ", "0122", "to one of mine")
		s.press("alt+d", "nobody", "enter")
		s.sees("knows no more", "to nobody")
		s.press("enter")
		if s.h.draft("cgone") == "" {
			s.Error("enter alone dropped it")
		}
		s.press("alt+d", "nobody", "enter", "y")
		s.wait(time.Second)
		if got := s.h.draft("cgone"); got != "" || s.h.draft("c0122") == "" {
			s.Errorf("%q is still there, or another went with it", got)
		}
	})
}

// TestKeepWritesWhatIsLeft: a console whose window is gone ends without an Update.
func TestKeepWritesWhatIsLeft(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "Hel")
		if err := s.m.Keep(); err != nil || s.h.draft("c0147") != "Hel" {
			s.Errorf("%v, the disk has %q", err, s.h.draft("c0147"))
		}
		s.press("lo")
		s.m.save() // which was begun, and never came to an end
		if err := s.m.Keep(); err != nil || s.h.draft("c0147") != "Hello" {
			s.Errorf("%v, the disk has %q", err, s.h.draft("c0147"))
		}
	})
}

// TestRowsKeepStillWhileKeysArePressed: a row under the cursor is not another's by the time that enter is pressed.
func TestRowsKeepStillWhileKeysArePressed(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		h.text("0109", "hello")
		h.text("0122", "hello")
		h.text("0131", "hello")
	}, func(s *sitter) {
		s.press("g", "down")
		before := s.m.queue.selected
		s.h.text("0147", "stop him he's here")
		s.press("down", "up")
		if s.m.queue.selected != before {
			s.Errorf("the cursor is on %s, was on %s", s.m.queue.selected, before)
		}
		s.sees("new order in")
		s.wait(4 * time.Second)
		if s.m.queue.selected != before || s.m.queue.rows.at(1).id != "c0147" {
			s.Errorf("after a pause the cursor is on %s and the first is %s", s.m.queue.selected, s.m.queue.rows.at(1).id)
		}
	})
}

// TestWrapUp: nothing is closed before every question is answered and the last one says so.
func TestWrapUp(t *testing.T) {
	for name, test := range map[string]struct {
		keys []string
		want *desk.Closing
	}{
		"by keys":            {[]string{"3", "1", "2", "4", "y"}, &desk.Closing{Disposition: "referred", Contact: "person in the situation", Safety: "safe for now", FollowUp: "2000-01-08"}},
		"an answer changed":  {[]string{"3", "1", "up", "up", "1", "down", "6", "1", "y"}, &desk.Closing{Disposition: "safe for now", Contact: "person in the situation", Safety: "not known"}},
		"kept open":          {[]string{"3", "1", "2", "4", "n", "y"}, nil},
		"left":               {[]string{"3", "1", "esc", "1"}, nil},
		"a key held down":    {[]string{"1", "1", "1", "1", "1", "1", "1", "1"}, nil},
		"enter does nothing": {[]string{"enter", "enter", "3", "enter", "down", "y", "9", "enter"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, 100, 30, mine, func(s *sitter) {
				s.press("1", "esc", "x")
				s.press(test.keys...)
				c := s.h.state.Conversation("c0147")
				if closed := c.Phase == desk.ClosedNow; closed != (test.want != nil) {
					s.Fatalf("closed: %t; the screen:\n%s", closed, s.screen())
				}
				if test.want != nil && c.Closing != *test.want {
					s.Errorf("got %+v, want %+v", c.Closing, *test.want)
				}
			})
		})
	}
}

// TestQuickReplies: what is chosen stands in the composer, and goes nowhere by itself.
func TestQuickReplies(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "Hello.", "alt+q", "wait en")
		s.sees("> I wait (en)", "GSM-7", "Take your time")
		s.press("enter")
		if got := s.h.replies(); len(got) > 0 {
			s.Errorf("sent %q", got)
		}
		s.wait(time.Second)
		s.press("enter")
		if got, want := s.h.replies(), []string{"c0147: Hello. Take your time. I am here and I wait for you."}; !slices.Equal(got, want) {
			s.Errorf("sent %q, want %q", got, want)
		}
	})
}

// TestRepliesInTheirLanguage: those that the texter can read come first.
func TestRepliesInTheirLanguage(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		h.text("0147", "hola necesito ayuda")
		h.take("ada", "0147")
		h.text("0122", "he locked me in")
		h.take("ada", "0122")
	}, func(s *sitter) {
		s.press("1", "alt+q", "safe")
		s.sees("> Safe to text? (es)")
		s.press("esc", "alt+2", "alt+q", "safe")
		s.sees("> Safe to text? (en)")
	})
}

// TestPaletteDoesWhatKeysDo claims the most urgent by name.
func TestPaletteDoesWhatKeysDo(t *testing.T) {
	sit(t, Options{}, 100, 30, night, func(s *sitter) {
		s.press(":", "next most", "enter")
		s.sees("You have", "> To ", "0147")
	})
}

// TestEveryKeyIsInTheHelp: no key does what the help does not name, and every command is in the palette or has its
// reason not to be.
func TestEveryKeyIsInTheHelp(t *testing.T) {
	l := newLook(Options{})
	shown := strings.Join((&help{}).Render(&l, 200, 100), "\n")
	for _, c := range commands() {
		if !strings.Contains(shown, c.name) || len(c.keys()) <= 22 && !strings.Contains(shown, c.keys()) {
			t.Errorf("%q with %q is not in the help", c.name, c.keys())
		}
		if len(c.keys()) == 0 {
			t.Errorf("%q has no key", c.name)
		}
	}
	seen := map[string]string{}
	for _, c := range commands() {
		for _, k := range slices.Concat(c.any, c.list) {
			if other, ok := seen[k]; ok {
				t.Errorf("%q is %q and %q", k, other, c.name)
			}
			seen[k] = c.name
		}
	}
}

// TestUnread: what came while another conversation was on the screen is counted, and marked once it is opened.
func TestUnread(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "alt+2")
		s.h.text("0147", "are you there")
		s.h.text("0147", "pls")
		s.wait(3 * time.Second)
		s.sees("2 new")
		s.press("alt+1")
		s.wait(time.Second)
		s.sees("new since you looked", "are you there")
		s.seesNot("2 new")
		s.press("alt+2", "alt+1")
		s.seesNot("new since you looked")
	})
}

// TestPlanOut: a plan leaves befree as a card that is sent by hand, or as a file that was asked for.
func TestPlanOut(t *testing.T) {
	var name, file string
	save := func(n, ending string, markdown []byte) (string, error) {
		if ending != ".md" {
			t.Errorf("the plan's file ends in %q", ending)
		}
		name, file = n, string(markdown)
		return "/home/ada/plan.md", nil
	}
	sit(t, Options{Save: save}, 120, 36, mine, func(s *sitter) {
		s.press("1", "alt+c")
		s.sees("nothing in the plan yet")
		s.press("alt+p")
		s.sees("There is no plan yet")
		s.h.must(desk.Command{Kind: desk.PlanSaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist},
			desk.PlanEdit{Fields: map[string]string{"situation/numbers": "555 0199", "situation/words": "tangerine"}})
		s.wait(time.Second)
		s.press("alt+c", "y")
		if got := s.m.composer.Text("c0147"); !strings.Contains(got, "555 0199") || strings.Contains(got, "tangerine") || len(s.h.replies()) > 0 {
			s.Errorf("the composer has %q, sent %q", got, s.h.replies())
		}
		s.press("alt+p", "enter")
		if file != "" {
			s.Error("enter alone wrote the file")
		}
		s.press("alt+p", "y")
		s.sees("Written to plan.md in /home/ada")
		if !strings.Contains(file, "555 0199") || strings.ContainsAny(name, "/. ") {
			s.Errorf("%q has %q", name, file)
		}
	})
	sit(t, Options{Save: save}, 120, 36, func(h *hand) {
		mine(h)
		watched := true
		h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Watched: &watched})
		h.must(desk.Command{Kind: desk.PlanSaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist},
			desk.PlanEdit{Fields: map[string]string{"situation/numbers": "555 0199"}})
	}, func(s *sitter) {
		s.press("1", "alt+c")
		s.sees("No card: the phone is shared or watched")
	})
}

// TestAttachments: what came with a text is named, and becomes a file only after a warning; what it is said to be never
// becomes a program.
func TestAttachments(t *testing.T) {
	var name, end string
	var file []byte
	save := func(n, ending string, data []byte) (string, error) {
		name, end, file = n, ending, data
		return "/home/ada/" + n + ending, nil
	}
	sit(t, Options{Save: save}, 120, 36, func(h *hand) {
		mine(h)
		h.must(desk.Command{ID: "SMmedia", Kind: desk.Received, Conversation: "c0147", Actor: store.Texter, Number: "+12025550147"},
			desk.Text{To: "233733", Text: "look", Triage: triage.Default().Judge("look"), Media: []desk.Media{{URL: "https://media.example/1", Type: "image/jpeg"}, {URL: "https://media.example/2", Type: "application/x-\x1b[2Jmsdownload"}}})
	}, func(s *sitter) {
		s.press("1", "esc")
		s.sees("look", "attachment 1: image/jpeg, not fetched (o)", "attachment 2: application/x-‹ESC›")
		s.seesNot("media.example")
		s.press("o", "enter")
		s.sees("Write what", "it may be evidence")
		s.press("enter")
		if file != nil {
			t.Error("enter alone wrote the file")
		}
		s.press("o", "enter", "y")
		s.wait(time.Second)
		s.sees("Written to attachment-")
		if len(file) != 3 || end != ".jpg" || strings.ContainsAny(name, "/. ") {
			t.Errorf("%q%s has %q", name, end, file)
		}
		s.h.fail = &desk.Refusal{Code: desk.CodeForbidden, Text: "The carrier does not have it any more."}
		s.press("o", "enter", "y")
		s.wait(time.Second)
		s.sees("The carrier does not have it any more.")
		s.press("alt+2", "esc", "o")
		s.sees("No picture or file came")
	})
	for kind, want := range map[string]string{"image/JPEG; x=y": ".jpg", "application/x-sh": ".bin", "": ".bin", "image/svg+xml": ".bin", "text/html": ".bin"} {
		if got := ending(kind); got != want {
			t.Errorf("%q ends in %q", kind, got)
		}
	}
}

func TestFind(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		for i := range 60 {
			h.text("0147", fmt.Sprintf("number %d", i))
			time.Sleep(2 * time.Second)
		}
	}, func(s *sitter) {
		s.press("1")
		s.seesNot("number 7")
		s.press("ctrl+f", "number 7")
		s.sees("> number 7")
		s.press("enter")
		s.sees(">   number 7 ")
		s.press("esc", "enter")
		s.seesNot(">   number 7")
		s.press("esc")
		s.press("G")
		s.sees("number 59")
	})
}

func TestHandingOver(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "esc", "H")
		s.sees("Hand over rapid bay", "to: _")
		s.press("ben", "enter")
		s.sees("to ben", "What must they know")
		s.press("esc")
		if got := s.h.state.Conversation("c0147").Owner; got != "ada" {
			s.Fatalf("esc gave it to %s", got)
		}
		s.press("H", "ben", "enter", "He is outside the door", "f9")
		if got := s.h.state.Conversation("c0147").Owner; got != "ben" {
			s.Errorf("%s has it; the screen:\n%s", got, s.screen())
		}
		s.sees("ben has", "ben holds this conversation")
		s.wait(time.Second)
		s.seesNot("is no longer yours")
	})
}

func TestJudging(t *testing.T) {
	sit(t, Options{}, 100, 30, night, func(s *sitter) {
		s.press("G", "S")
		s.sees("> imminent", "target 10:00")
		s.press("high", "enter", "f9")
		if got := s.h.state.Conversation("c0109").Severity; got == triage.High {
			s.Fatal("it was set without a reason")
		}
		s.press("a child is with them", "f9")
		if got := s.h.state.Conversation("c0109").Severity; got != triage.High {
			s.Errorf("severity is %s; the screen:\n%s", got, s.screen())
		}
	})
}

// TestWroteBefore: somebody who closed a conversation and comes back is known, and what was said then is one key away.
func TestWroteBefore(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		h.must(desk.Command{Kind: desk.Closed, Conversation: "c0147", Claim: h.state.Conversation("c0147").Claim, Seen: h.state.Conversation("c0147").Seen(), Actor: "ada", Role: desk.Specialist}, desk.Closing{Disposition: "referred"})
		time.Sleep(100 * time.Hour)
		h.must(desk.Command{ID: "SMlater", Kind: desk.Received, Conversation: "clater", Actor: store.Texter, Number: "+12025550147"}, desk.Text{To: "233733", Text: "hola necesito ayuda", Triage: triage.Default().Judge("hola necesito ayuda")})
	}, func(s *sitter) {
		s.sees("    again ", "Spanish: hola")
		s.press("G", "e")
		s.sees("stop him he's here", "Closed")
	})
}

func TestTakingOver(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		night(h)
		h.take("ben", "0131")
		h.status.Role = desk.Supervisor
	}, func(s *sitter) {
		s.press("G", "T", "enter", "f9")
		if got := s.h.state.Conversation("c0131").Owner; got != "ben" {
			s.Fatalf("without a reason %s has it", got)
		}
		s.press("Ben has to rest", "f9")
		s.sees("Show that it is you")
		s.press("q", "enter")
		s.wait(time.Second)
		s.sees("That was not the passphrase. Nothing was done")
		if got := s.h.state.Conversation("c0131").Owner; got != "ben" {
			s.Fatalf("by a wrong passphrase %s has it", got)
		}
		s.press("T", "Ben has to rest", "f9", "right one")
		s.seesNot("right one")
		s.press("enter")
		if got := s.h.state.Conversation("c0131").Owner; got != "ada" {
			s.Errorf("%s has it; the screen:\n%s", got, s.screen())
		}
	})
	sit(t, Options{}, 100, 30, func(h *hand) {
		night(h)
		h.take("ben", "0131")
	}, func(s *sitter) {
		s.press("G", "T")
		s.sees("Only supervisors take over")
	})
}

func TestMyNextUnanswered(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "Hello", "enter")
		s.wait(6 * time.Second)
		s.h.delivered("0147")
		s.wait(time.Second)
		s.press("alt+j")
		s.sees("> To ", "0122")
		s.press("alt+j")
		s.sees("Nobody else of yours waits")
	})
}

func TestClaimingTheMostUrgent(t *testing.T) {
	sit(t, Options{}, 100, 30, night, func(s *sitter) {
		s.press("n")
		s.sees("You have", "> To ", "0147", "stop him he's here")
		if got := s.h.state.Conversation("c0147").Owner; got != "ada" {
			s.Errorf("owner %q", got)
		}
	})
}

// TestAClaimThatIsLost: somebody was quicker, and nothing can be sent to whom they have.
func TestAClaimThatIsLost(t *testing.T) {
	sit(t, Options{}, 100, 30, night, func(s *sitter) {
		s.h.before = func() {
			s.h.before = nil
			s.h.take("ben", "0147")
		}
		s.press("n")
		s.wait(time.Second)
		s.sees("ben was quicker", "ben holds this conversation")
		s.press("Hello", "enter")
		s.sees("Not sent, it stays a draft. ben has this conversation now.")
		s.sent()
	})
}

// TestTypingAheadOfAClaim: what is typed while the relay decides is the draft of whom the key opened, and nobody else's.
func TestTypingAheadOfAClaim(t *testing.T) {
	slow := func(s *sitter) { s.h.before = func() { time.Sleep(2 * time.Second) } }
	sit(t, Options{}, 100, 30, night, func(s *sitter) {
		slow(s)
		s.press("n", "I am hers", "backspace", "e", "enter")
		s.sees("I am here", "Whether it is yours is being decided")
		s.wait(3 * time.Second)
		s.sees("> To ", "0147", "I am here")
		s.h.before = nil
		if got := s.h.replies(); len(got) != 0 {
			s.Errorf("sent before it was seen: %q", got)
		}
		s.press("enter")
		if got := s.h.replies(); !slices.Equal(got, []string{"c0147: I am here"}) {
			s.Errorf("sent %q", got)
		}
	})
	sit(t, Options{}, 100, 30, func(h *hand) { mine(h); h.text("0133", "help") }, func(s *sitter) { // another draft has the keys
		s.press("1", "Hello")
		slow(s)
		s.press("f8", " there")
		s.wait(3 * time.Second)
		s.sees("0133", " there")
		s.press("alt+1")
		s.sees("Hello")
		s.seesNot("Hello there")
	})
	sit(t, Options{}, 100, 30, night, func(s *sitter) { // somebody was quicker
		s.h.before = func() {
			time.Sleep(time.Second)
			s.h.before = nil
			s.h.take("ben", "0147")
		}
		s.press("n", "qxH words")
		s.wait(3 * time.Second)
		s.sees("ben was quicker", "qxH words")
		s.press("enter")
		s.sent()
	})
}

// TestEscapeDestroysNothing presses esc everywhere.
func TestEscapeDestroysNothing(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "Hello", "esc", "esc", "esc")
		for _, way := range [][]string{{"1", "esc", "x"}, {"1", "esc", "R"}, {"q"}, {"1", "f3", "note"}, {"1", "f4"}, {"1", "f6", "words"}, {"?"}, {"esc", "/", "x"}} {
			s.press(way...)
			s.press("esc", "esc", "esc", "esc")
		}
		for _, c := range s.h.asked {
			if c.Kind != desk.PlanSaved {
				s.Errorf("esc did %s", c.Kind)
			}
		}
		s.press("1")
		s.sees("Hello")
	})
}

// reasoned are all dialogs in which a reason is written, each with what leads to it twice over.
var reasoned = []struct {
	name  string
	world func(*hand)
	open  []string
	again []string
}{
	{"against the gate", func(h *hand) {
		mine(h)
		yes := true
		h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Hold: &yes})
	}, []string{"1", "Hello", "enter"}, []string{"enter"}},
	{"again against the gate", func(h *hand) {
		mine(h)
		c, yes := h.state.Conversation("c0147"), true
		h.must(desk.Command{Kind: desk.ReplyQueued, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Reply{Text: "Hello", Now: true})
		h.doubtful("0147")
		h.must(desk.Command{Kind: desk.SafetySaved, Conversation: c.ID, Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Hold: &yes})
	}, []string{"1", "alt+a"}, []string{"alt+a"}},
	{"hand over", mine, []string{"1", "esc", "H", "ben", "enter"}, []string{"H", "eve", "enter"}},
	{"severity", mine, []string{"1", "esc", "S", "high", "enter"}, []string{"S", "info", "enter"}},
	{"take over", supervised, []string{"G", "T"}, []string{"T"}},
	{"whole number", mine, []string{"1", "esc", "W"}, []string{"W"}},
	{"forget", over, []string{"C", "enter", "X", "enter"}, []string{"X", "enter"}},
	{"legal hold", over, []string{"C", "enter", "L", "enter"}, []string{"L", "down", "enter"}},
	{"lift it", func(h *hand) { over(h); h.by("eve", desk.HoldSet, 0, desk.Holding{Reason: "court"}) }, []string{"C", "enter", "L"}, []string{"L"}},
	{"export", over, []string{"C", "enter", "E"}, []string{"E"}},
	{"read another's", func(h *hand) { supervised(h); h.forget() }, []string{"G", "enter"}, []string{"1", "esc", "esc", "G", "enter"}},
}

// supervised is a conversation of somebody else's, at a supervisor's console.
func supervised(h *hand) {
	mine(h)
	h.text("0199", "please help me")
	h.take("ben", "0199")
	h.status.Role = desk.Supervisor
}

// TestReasonsAreKept: what was written as a reason stands there when it is asked for again, until it is done.
func TestReasonsAreKept(t *testing.T) {
	for _, one := range reasoned {
		t.Run(one.name, func(t *testing.T) {
			sit(t, Options{}, 120, 36, one.world, func(s *sitter) {
				s.press(one.open...)
				s.sees("Why:")
				s.wait(time.Second)
				s.press("He has left town", "esc")
				s.seesNot("Why:")
				s.wait(time.Second)
				if len(s.h.asked) > 0 {
					t.Errorf("esc did %s", s.h.asked[0].Kind)
				}
				s.press(one.again...)
				s.sees("Why:", "He has left town")
			})
		})
	}
	sit(t, Options{}, 100, 30, mine, func(s *sitter) { // it could not be done
		s.h.fail = errDisk
		s.press("1", "esc", "H", "ben", "enter", "Her sister waits", "f9")
		s.wait(time.Second)
		s.h.fail = nil
		s.press("H", "ben", "enter")
		s.sees("Her sister waits")
		s.press("f9")
		s.wait(time.Second)
		if h := s.h.state.Conversation("c0147"); h.Owner != "ben" || len(s.m.reasons) > 0 {
			t.Errorf("%s has it, kept are %v", h.Owner, s.m.reasons)
		}
	})
	sit(t, Options{}, 0, 0, mine, func(s *sitter) {
		s.h.fail = errDisk
		s.line("1")
		s.line(":H")
		s.line("ben")
		s.line("1")
		s.line("Her sister waits")
		s.h.fail = nil
		s.line(":H")
		s.line("ben")
		s.hears("1", "Draft:", "Her sister waits", "a full stop alone takes it as it is")
		s.line(".")
		if h := s.h.state.Conversation("c0147"); h.Owner != "ben" {
			t.Errorf("%s has it", h.Owner)
		}
	})
}

// TestWrapUpKeepsItsAnswers until the conversation is closed; after a new text each is asked for once more.
func TestWrapUpKeepsItsAnswers(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "esc", "x", "3", "1", "esc", "x")
		s.sees("How did it end? referred", "Who wrote? person in the situation", "1  safe")
		s.press("2", "1", "esc", "x")
		s.sees("y  close it")
		s.press("esc")
		s.h.text("0147", "he is back")
		s.wait(2 * time.Second)
		s.press("x")
		s.sees("> 3  referred")
		s.seesNot("y  close it")
		s.press("down", "down", "down", "down", "y")
		s.wait(time.Second)
		if c := s.h.state.Conversation("c0147"); c.Phase != desk.ClosedNow || c.Closing.Disposition != "referred" || len(s.m.wrapped) > 0 {
			t.Errorf("%+v, kept are %v", c.Closing, s.m.wrapped)
		}
	})
}

// TestDialogsOpenedBySomethingElseTakeNoKeyAtOnce: who types on while one opens answers nothing.
func TestDialogsOpenedBySomethingElseTakeNoKeyAtOnce(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1")
		s.h.must(desk.Command{Kind: desk.TakenOver, Conversation: "c0147", Claim: s.h.state.Conversation("c0147").Claim, Actor: "eve", Role: desk.Supervisor}, desk.Because{Reason: "rest"})
		s.wait(30 * time.Millisecond)
		s.press("y", "y", "y", "y", "y")
		s.sees("is no longer yours")
		s.wait(time.Second)
		s.press("enter")
		s.sees("is no longer yours")
		s.press("y")
		s.seesNot("is no longer yours")
	})
}

// TestCutKeys: the parts of a key that a slow line cut in two are never typed.
func TestCutKeys(t *testing.T) {
	runes := func(s string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)} }
	alt := func(s string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s), Alt: true} }
	for name, parts := range map[string][]tea.KeyMsg{
		"an arrow":              {named["esc"], runes("[A")},
		"an arrow in three":     {named["esc"], runes("["), runes("A")},
		"a function key":        {named["esc"], runes("[20~")},
		"a function key in two": {named["esc"], runes("[2"), runes("0~")},
		"the colour of the ground": {
			alt("]"), runes("11;rgb:1e1e/1e1e/2e2e"), alt(`\`),
		},
		"a mouse": {named["esc"], runes("[<35;10;20M")},
	} {
		t.Run(name, func(t *testing.T) {
			sit(t, Options{}, 100, 30, mine, func(s *sitter) {
				s.press("1", "ok")
				for _, p := range parts {
					s.update(p)
				}
				s.wait(time.Second)
				if got := s.m.composer.Text("c0147"); got != "ok" {
					s.Errorf("typed %q", got)
				}
			})
		})
	}
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "esc")
		s.wait(100 * time.Millisecond)
		if s.m.focus != onChat {
			s.Error("an escape by itself does nothing")
		}
	})
}

// TestBreakingDown: a mistake of befree's own ends the console in order, with drafts kept and nobody's words told.
func TestBreakingDown(t *testing.T) {
	var told []byte
	sit(t, Options{Report: func(stack []byte) { told = stack }}, 100, 30, mine, func(s *sitter) {
		s.press("1", "Hel")
		s.h.before = func() { panic("what Jane wrote") }
		s.press("lo", "enter")
		s.wait(time.Second)
		if s.m.Err() == nil || !s.left || strings.Contains(s.m.Err().Error(), "Jane") {
			s.Errorf("%v, left %t", s.m.Err(), s.left)
		}
		if len(told) == 0 || strings.Contains(string(told), "Jane") {
			s.Errorf("told:\n%s", told)
		}
	})
}

func TestBlank(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "Hello", "ctrl+l")
		s.seesNot("stop him", "Hello", "0147", "ada")
		s.press("x", "y", "enter", "n")
		s.seesNot("stop him")
		s.press("ctrl+l")
		s.sees("stop him", "Hello")
		if len(s.h.asked) > 0 {
			s.Errorf("behind a blank screen %s was done", s.h.asked[0].Kind)
		}
	})
}

// TestLock: a locked screen takes the passphrase and nothing else, and each wrong one makes the next one wait.
func TestLock(t *testing.T) {
	tries := 0
	o := Options{Idle: 10 * time.Minute, Unlock: func(p []byte) error {
		time.Sleep(time.Duration(tries) * time.Second)
		tries++
		return opens("right one")(p)
	}}
	sit(t, o, 100, 30, mine, func(s *sitter) {
		s.press("1", "Hello", "ctrl+l", "x", "enter")
		s.seesNot("stop him", "Hello", "0147")
		s.wait(500 * time.Millisecond)
		s.sees("That was not the passphrase")
		s.press("right one")
		s.seesNot("right one")
		began := time.Now()
		s.press("enter")
		s.seesNot("Hello")
		s.wait(1500 * time.Millisecond)
		s.sees("Hello")
		if tries != 2 || len(s.h.asked) > 0 || time.Since(began) < time.Second {
			s.Errorf("%d tries in %v, %d commands", tries, time.Since(began), len(s.h.asked))
		}
		s.wait(9 * time.Minute)
		s.sees("Hello")
		s.wait(90 * time.Second)
		s.seesNot("Hello")
		s.sees("befree is locked")
	})
}

// TestCalls holds when a person is called for, and how often.
func TestCalls(t *testing.T) {
	for name, test := range map[string]struct {
		do          func(*sitter)
		calls, loud int
	}{
		"something imminent":      {func(s *sitter) { s.h.text("0131", "he has a gun") }, 1, 1},
		"something high":          {func(s *sitter) { s.h.text("0131", "he locked me in") }, 1, 0},
		"an answer to me":         {func(s *sitter) { s.h.text("0147", "ok") }, 1, 0},
		"somebody asks about it":  {func(s *sitter) { s.h.text("0131", "who is this") }, 0, 0},
		"a text to somebody else": {func(s *sitter) { s.h.text("0122", "he has a gun") }, 0, 0},
		"two in a moment are one": {func(s *sitter) { s.h.text("0147", "ok"); s.wait(time.Second); s.h.text("0147", "yes") }, 1, 0},
		"nobody takes what is imminent": {func(s *sitter) {
			s.h.text("0131", "he has a gun")
			s.wait(52 * time.Second)
			s.sees("nobody takes them: F8")
		}, 4, 4},
		"nobody takes what is imminent on a busy line": {func(s *sitter) {
			s.h.text("0131", "he has a gun")
			for i := range 12 {
				s.wait(5 * time.Second)
				s.h.text(fmt.Sprintf("02%02d", i), "he locked me in")
			}
			s.sees("nobody takes them: F8")
		}, 17, 5},
		"taken in time": {func(s *sitter) {
			s.h.text("0131", "he has a gun")
			s.wait(20 * time.Second)
			s.h.take("ben", "0131")
			s.wait(30 * time.Second)
		}, 1, 1},
		"taken late": {func(s *sitter) {
			s.h.text("0131", "he has a gun")
			s.wait(32 * time.Second)
			s.sees("nobody takes them")
			s.h.take("ben", "0131")
			s.wait(2 * time.Second)
			s.seesNot("nobody takes them")
		}, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			calls, loud := 0, 0
			o := Options{Call: func(urgent bool) {
				mu.Lock()
				defer mu.Unlock()
				if calls++; urgent {
					loud++
				}
			}}
			sit(t, o, 100, 30, func(h *hand) {
				h.text("0147", "hello")
				h.take("ada", "0147")
				h.text("0122", "hello")
				h.take("ben", "0122")
			}, func(s *sitter) {
				s.wait(5 * time.Second)
				test.do(s)
				s.wait(time.Second)
			})
			if calls != test.calls || loud != test.loud {
				t.Errorf("called %d times, %d loudly, want %d and %d", calls, loud, test.calls, test.loud)
			}
		})
	}
}

// TestNoNoticesAtAll: whoever wants to hear nothing still sees that somebody in imminent danger is left alone.
func TestNoNoticesAtAll(t *testing.T) {
	sit(t, Options{}, 60, 20, mine, func(s *sitter) {
		s.press("1")
		s.h.text("0131", "he has a gun")
		s.wait(25 * time.Second)
		s.seesNot("nobody takes them")
		s.wait(10 * time.Second)
		s.sees("waits and nobody takes them:")
	})
}

func TestNotesPlansAndSafetyWithoutANetwork(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1")
		s.h.change(func() { s.h.status.Connected = false })
		s.wait(100 * time.Millisecond)
		s.press("f3", "A note.", "ctrl+s")
		s.sees("Note kept on this machine")
		s.press("f6", "Quiet voice", "pgdown")
		s.sees("Plan kept on this machine")
		s.press("f4", "apples", "ctrl+s")
		s.sees("Safety record kept on this machine")
		var kinds []string
		for _, e := range s.h.outbox {
			if e.Kind == desk.PlanSaved && !strings.Contains(string(e.Command), `"seen":{`) {
				s.Errorf("the edit does not say what it has seen: %s", e.Command)
			}
			kinds = append(kinds, string(e.Kind))
		}
		if want := []string{string(desk.NoteAdded), string(desk.PlanSaved), string(desk.SafetySaved)}; !slices.Equal(kinds, want) {
			s.Errorf("kept %v, want %v", kinds, want)
		}
	})
}

// TestConnection holds what the top line says.
func TestConnection(t *testing.T) {
	sit(t, Options{}, 100, 30, nil, func(s *sitter) {
		s.h.text("0147", "HELP")
		for want, status := range map[string]client.Status{
			"in step":   {Connected: true},
			"behind by": {Connected: true, Head: 7},

			"offline since 00:00: notes and plans are kept": {Trouble: "no route", Since: time.Now()},
			"the relay is about to restart":                 {Connected: true, Draining: true},
		} {
			s.h.change(func() { s.h.status = status })
			s.wait(100 * time.Millisecond)
			s.sees(want)
		}
	})
}

// TestHostileTexts shows every text of a file that was made to do harm, in every theme: what reaches the terminal is made
// of befree's own movements and colours, and of signs.
func TestHostileTexts(t *testing.T) {
	texts := smstest.Hostile()
	for _, look := range []Options{{Theme: theme.Dark()}, {Theme: theme.Plain(), ASCII: true}} {
		for _, text := range texts {
			sit(t, look, 100, 30, func(h *hand) {
				h.text("0147", text)
				h.take("ada", "0147")
				h.must(desk.Command{Kind: desk.NoteAdded, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.Note{Text: sms.Text("note " + text)})
			}, func(s *sitter) {
				harmless(t, s.m.View(), text)
				exact(t, s.m.View(), 100, 30)
				s.press("1", "f3")
				s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
				harmless(t, s.m.View(), text)
				exact(t, s.m.View(), 100, 30)
			})
		}
	}
}

func harmless(t *testing.T, view, from string) {
	t.Helper()
	p, state := ansi.NewParser(), byte(0)
	for len(view) > 0 {
		seq, _, n, next := ansi.DecodeSequence(view, state, p)
		view, state = view[n:], next
		if seq[0] >= ' ' && seq[0] != 0x7f || seq == "\n" {
			continue
		}
		if last := seq[len(seq)-1]; !strings.HasPrefix(seq, "\x1b[") || last != 'm' && last != 'G' {
			t.Errorf("%q writes %q", from, seq)
		}
	}
}

// TestOtherKeys: a person's own keys stand for what they say, in lists, in the help and at the foot; what cannot be is
// refused in words.
func TestOtherKeys(t *testing.T) {
	keys := map[string]string{
		"claim the next most urgent": "z f12", "Notes": "alt+y", "Safety record": "N", "Suicide steps of the plan, or no longer": "alt+g",
		"Go on with a reason": "f9 ctrl+g", "mis conversaciones": "f7", "Plain quotes: fewer segments": "ctrl+n", "Next question of the plan without an answer": "ctrl+j", "New line": "ctrl+o",
	}
	if err := Bind(keys); err != nil {
		t.Fatal(err)
	}
	sit(t, Options{Keys: keys}, 80, 24, night, func(s *sitter) {
		s.sees("z next")
		s.press("n")
		if len(s.m.world.mine) > 0 {
			t.Error("the old key still claims")
		}
		s.press("z")
		s.sees("You have rapid bay")
		s.press("alt+y")
		s.sees("Notes: never sent")
		s.press("esc", "N")
		s.sees("Safe word")
		s.press("esc", "?")
		s.sees("z", "f12")
		s.press("esc", "esc", "1")
		s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("“Stay”")})
		s.update(tea.KeyMsg{Type: tea.KeyCtrlO})
		s.press("ctrl+n")
		if got := s.m.composer.Text(s.m.open); got != "\"Stay\"\n" {
			t.Errorf("the draft is %q", got)
		}
		s.press("f7")
		s.sees("enter opens it")
		s.press("esc", "esc", "S", "high", "enter", "why")
		s.sees("f9   go on with this")
	})
	for want, keys := range map[string]map[string]string{
		"no command":          {"Dance": "z"},
		"needs a key":         {"Notes": " "},
		"means the same":      {"Notes": "enter"},
		"means the same ever": {"Notes": "3"},
		"would be both":       {"Notes": "p"},
		"is no key":           {"Notes": "hyper+x"},
		"could be changed":    {"Send": "z"},
		"both \"New line\"":   {"Notes": "ctrl+j"},
		"both \"Plain":        {"Notes": "f7"},
		"both \"Next":         {"Legal hold": "ctrl+n"},
		"and \"Go on":         {"Versions of the plan": "f9"},
		"as enter":            {"Notes": "ctrl+m"},
		"as tab":              {"Notes": "ctrl+i"},
		"as backspace":        {"Notes": "ctrl+h"},
		"by its number":       {"Notes": "alt+1"},
		"means the same e":    {"Notes": "j"},
		"is a letter":         {"New line": "z"},
	} {
		if err := Bind(keys); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", keys, err)
		}
	}
}

// TestErrorsInWords: of a failure only what it means is said.
func TestErrorsInWords(t *testing.T) {
	l := newLook(Options{})
	for err, want := range map[error]string{
		client.ErrOffline:        "nothing was done",
		client.ErrNotKnown:       "Whether it was done will be seen here",
		context.DeadlineExceeded: "has not answered yet",
		errDisk:                  "is its disk full?",
		&desk.Refusal{Text: "ben\x1b[2J was quicker"}: "ben‹ESC›[2J was quicker",
	} {
		if got := l.plainly(err); !strings.Contains(got, want) || strings.Contains(got, "Jane") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWrittenBeforeTheDisk: what is written before a slow disk has said what it kept stands beside that.
func TestWrittenBeforeTheDisk(t *testing.T) {
	sit(t, Options{}, 80, 24, conversation, func(s *sitter) {
		s.press("1", "new", "f3", "also")
		for what, words := range map[string]string{replyDraft: "old words", noteDraft: "an old note"} {
			s.update(draftsMsg{entries: []bolt.Entry{{Conversation: "c0147", What: what, Command: []byte(`"` + words + `"`)}}})
		}
		s.wait(time.Second)
		if got := s.h.draft("c0147"); got != "old words\nnew" {
			s.Errorf("the draft is %q", got)
		}
		s.sees("also", "an old note")
	})
}

// TestKeysThatArriveTogether: a slow line brings several letters in one piece. They are the keys that they are; what is
// longer is a paste, and does nothing where nothing is written.
func TestKeysThatArriveTogether(t *testing.T) {
	together := func(letters string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(letters)} }
	sit(t, Options{}, 80, 24, conversation, func(s *sitter) {
		s.update(together("xn"))
		s.wait(time.Second)
		s.sees("> To ") // x needs a conversation of one's own on the screen; n claimed the next
		s.press("esc", "1", "esc")
		s.update(together("x3"))
		s.update(together("12"))
		s.wait(time.Second)
		s.sees("When do we look after them again?", "How did it end? referred")
		s.press("esc", "esc")
		s.update(together("nothing that was pasted"))
		s.wait(time.Second)
		if n := len(s.m.world.mine); n != 2 || s.m.composer.Text("c0147") != "" {
			s.Errorf("a paste was taken for keys: %d conversations, %q", n, s.m.composer.Text("c0147"))
		}
		s.press("1")
		s.update(together("Hi"))
		s.wait(time.Second)
		s.sees("  Hi")
	})
}

// TestWhereOneWas: a console that starts again is where it was: the same conversation, as far up, with what came
// meanwhile marked as new. Nothing is being written until somebody begins to.
func TestWhereOneWas(t *testing.T) {
	many := func(h *hand) {
		for i := range 30 {
			h.text("0147", fmt.Sprintf("text %d", i))
		}
		h.take("ada", "0147")
		h.text("0122", "HELP")
		h.take("ada", "0122")
	}
	var disk map[string]bolt.Entry
	sit(t, Options{}, 80, 24, many, func(s *sitter) {
		s.press("2", "esc", "1", "esc", "pgup")
		s.sees("text 20")
		s.wait(time.Second)
		disk = maps.Clone(s.h.drafts)
	})
	sit(t, Options{}, 80, 24, func(h *hand) {
		many(h)
		h.delivered("0122")
		h.text("0122", "are you there")
		h.drafts = disk
	}, func(s *sitter) {
		s.sees("rapid bay", "text 20", "1 new")
		if strings.Count(ansi.Strip(s.m.View()), "text 29") > 1 { // it stands in the list, too
			s.Error("the conversation is at its end")
		}
		s.press("x")
		s.sees("How did it end?")
		s.press("esc", "2")
		s.sees("new since you looked")
		s.press("esc", "x", "1", "1", "1", "1", "y")
		s.wait(time.Second)
		for _, e := range s.h.drafts {
			if e.Conversation == "c0122" {
				s.Errorf("a place is kept in a conversation that is closed: %+v", e)
			}
		}
	})
	disk["c0147seen"] = bolt.Entry{Conversation: "c0147", What: seenDraft, Command: []byte(`"rubbish"`)}
	sit(t, Options{}, 80, 24, func(h *hand) {
		many(h)
		h.drafts = disk
	}, func(s *sitter) { s.sees("Conversations") })
}
