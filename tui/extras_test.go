package tui

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/triage"
)

// TestSupervisorReassigns: a supervisor gives a conversation of somebody else's to a third, with the reason.
func TestSupervisorReassigns(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		conversation(h)
		h.status.Role, h.status.Staff = desk.Supervisor, []string{"ada", "ben", "zoe"}
	}, func(s *sitter) {
		s.press("G")
		s.sees("> ▲ HIGH", "ben has teal cloud")
		s.press("H")
		s.sees("Hand over teal cloud", "to: _", "zoe")
		s.seesNot("ben  ")
		s.press("eva")
		s.sees("> eva", "as they sign in")
		s.press("enter")
		s.sees("What must they know")
		s.press("Ben has left.", "f9")
		s.wait(time.Second)
		if c := s.h.state.Conversation("c0131"); c.Owner != "eva" {
			s.Errorf("%s has it", c.Owner)
		}
	})
	sit(t, Options{}, 100, 30, conversation, func(s *sitter) {
		s.press("down", "down", "H")
		s.sees("That needs a conversation of yours")
	})
}

// TestDoNotDisturb: somebody who is not to be disturbed is called for imminent danger alone, and sees that.
func TestDoNotDisturb(t *testing.T) {
	var calls []bool
	call := func(urgent bool) { calls = append(calls, urgent) }
	sit(t, Options{Call: call}, 100, 30, mine, func(s *sitter) {
		calls = nil
		s.press("D")
		s.sees("not to be disturbed", "called for imminent danger alone")
		s.h.text("0133", "he locked me in")
		s.h.text("0147", "are you there")
		s.wait(10 * time.Second)
		if len(calls) > 1 || len(calls) == 1 && !calls[0] {
			s.Errorf("called %v", calls)
		}
		s.h.text("0199", "he has a gun")
		s.wait(time.Second)
		if len(calls) == 0 || !calls[len(calls)-1] {
			s.Errorf("imminent danger called %v", calls)
		}
		s.press("D")
		s.wait(5 * time.Second)
		calls = nil
		s.h.text("0188", "he locked me in")
		s.wait(time.Second)
		if len(calls) != 1 {
			s.Errorf("called %v", calls)
		}
	})
	sit(t, Options{Call: call, CallFor: triage.Information}, 100, 30, mine, func(s *sitter) {
		s.wait(5 * time.Second)
		calls = nil
		s.h.text("0188", "INFO")
		s.wait(time.Second)
		if len(calls) != 1 {
			s.Errorf("a question called %v", calls)
		}
	})
}

// returned is somebody who was referred and texts again days later.
func returned(h *hand) {
	mine(h)
	c := h.state.Conversation("c0147")
	h.delivered("0147")
	h.must(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist},
		desk.Closing{Disposition: "referred", Contact: "survivor, out of it", Safety: "safe for now", FollowUp: "2000-01-08"})
	time.Sleep(4 * 24 * time.Hour)
	h.must(desk.Command{ID: "SMagain", Kind: desk.Received, Conversation: "cagain", Actor: "texter", Number: "+12025550147"},
		desk.Text{To: "233733", Text: "hello again", Earlier: "c0147", Params: map[string][]string{"FromCity": {"CHICOPEE"}, "FromState": {"MA"}, "FromCountry": {"US"}}, Triage: triage.Default().Judge("hello again")})
}

// TestHistory shows the conversations that the same person had, with how they ended.
func TestHistory(t *testing.T) {
	sit(t, Options{}, 100, 30, returned, func(s *sitter) {
		s.press("down", "down", "enter", "i")
		s.press("i")
		s.sees("History of this texter", "referred", "survivor, out of it", "safe for now", "number of CHICOPEE, MA")
		s.press("esc")
		s.seesNot("History of this texter")
		s.press("r")
		s.sees("Referrals of this texter", "none yet", "Referral: made", "to be looked after again on 2000-01-08")
	})
}

// TestVersions shows a plan's versions side by side, the changed items marked, and who wrote what.
func TestVersions(t *testing.T) {
	sit(t, Options{}, 100, 30, conversation, func(s *sitter) {
		s.press("1", "alt+v")
		s.sees("There is no plan yet.")
		s.press("f6", "When he drinks", "pgdown", "My aunt", "ctrl+n")
		s.sees("Safe word and danger word", "questions have no answer yet")
		s.press("pgup", "pgup", "home", "Mostly: ", "ctrl+s")
		s.sees("by ada, 1 Jan")
		s.press("alt+v")
		view := s.screen()
		if !strings.Contains(view, "* Red flags") || !strings.Contains(view, "  Trusted person") {
			s.Errorf("what differs is not marked:\n%s", view)
		}
		s.press("left")
		s.sees("* Trusted person")
		s.press("esc", "esc")
		s.seesNot("Versions of the plan")
	})
}

// TestCopy: a text goes to the clipboard only when it was chosen, and holds nothing that a terminal could act on.
func TestCopy(t *testing.T) {
	var copied []string
	sit(t, Options{Copy: func(s string) { copied = append(copied, s) }}, 100, 30, func(h *hand) {
		mine(h)
		h.text("0147", "room 12\x1b]52;c;ZXZpbA==\a")
	}, func(s *sitter) {
		s.press("1", "esc", "y")
		s.sees("Copy", "room 12")
		if copied != nil {
			s.Error("it was copied before it was chosen")
		}
		s.press("enter")
		s.wait(time.Second)
		if want := "room 12‹ESC›]52;c;ZXZpbA==‹BEL›"; fmt.Sprint(copied) != "["+want+"]" {
			s.Errorf("copied %q", copied)
		}
		if s.press("ctrl+l"); len(copied) != 2 || copied[1] != "" {
			s.Errorf("locked, and the clipboard holds %q", copied)
		}
	})
}

// TestMouse: clicks open and focus, the wheel scrolls, once somebody has asked for it; nothing is ever sent by it.
func TestMouse(t *testing.T) {
	asked := []bool{}
	sit(t, Options{Mouse: func(on bool) { asked = append(asked, on) }}, 80, 24, conversation, func(s *sitter) {
		click := func(x, y int, b tea.MouseButton) {
			s.update(tea.MouseMsg{X: x, Y: y, Button: b, Action: tea.MouseActionPress})
			s.wait(100 * time.Millisecond)
		}
		click(3, 4, tea.MouseButtonLeft)
		if s.m.open != "" {
			s.Error("a click did something before the mouse was asked for")
		}
		s.press("M")
		click(3, 4, tea.MouseButtonLeft)
		if s.m.open != "c0147" {
			s.Errorf("a click opened %q", s.m.open)
		}
		click(60, 22, tea.MouseButtonLeft)
		if s.m.focus != onComposer {
			s.Errorf("a click in the composer made %d the focus", s.m.focus)
		}
		click(60, 5, tea.MouseButtonWheelUp)
		click(60, 5, tea.MouseButtonLeft)
		if s.m.focus != onChat {
			s.Errorf("a click in the conversation made %d the focus", s.m.focus)
		}
		was := s.m.queue.selected
		click(3, 8, tea.MouseButtonWheelDown)
		if s.m.queue.selected == was {
			s.Error("the wheel does not scroll the list")
		}
		for x := range 82 {
			for y := range 26 {
				s.update(tea.MouseMsg{X: x, Y: y, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
			}
		}
		if len(s.h.asked) > 0 {
			s.Errorf("clicks asked for %v", s.h.asked)
		}
		s.press("esc", "esc", "esc", "M")
		if fmt.Sprint(asked) != "[true false]" {
			s.Errorf("the terminal was asked %v", asked)
		}
	})
}

// TestTour leads somebody from a text that waits to its end, a step at a time.
func TestTour(t *testing.T) {
	sit(t, Options{Tour: true}, 120, 36, night, func(s *sitter) {
		s.sees("Tour 1 of 6", "n takes the most urgent")
		s.press("n")
		s.wait(10 * time.Second)
		s.sees("Tour 2 of 6")
		s.press("Hello", "enter")
		s.wait(6 * time.Second)
		s.h.delivered("0147")
		s.wait(10 * time.Second)
		s.sees("Tour 3 of 6")
		s.press("f4", "down", "apples", "ctrl+s")
		s.wait(10 * time.Second)
		s.sees("Tour 4 of 6")
		s.press("f6", "When he drinks", "pgdown")
		s.wait(10 * time.Second)
		s.sees("Tour 5 of 6")
		s.press("f2", "esc", "esc", "esc")
		s.wait(10 * time.Second)
		s.sees("Tour 6 of 6")
		s.press("x", "esc")
		s.wait(10 * time.Second)
		s.seesNot("Tour")
	})
}

// TestTurns: what happened besides texts is a line where it happened, what was done several times one; what the next
// owner must know is there in full.
func TestTurns(t *testing.T) {
	know := "She has two children with her and asks that nobody calls between five and seven in the evening, when he is at home."
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		c := h.state.Conversation("c0147")
		h.must(desk.Command{Kind: desk.SeveritySet, Conversation: c.ID, Actor: "ada", Role: desk.Specialist}, desk.Ruling{Severity: triage.High, Reason: "he is asleep\x1b[2J"})
		for range 3 {
			h.must(desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Actor: "ada", Role: desk.Specialist}, desk.Note{Text: "asked for no sirens"})
		}
		h.text("0147", "still here")
		h.must(desk.Command{Kind: desk.Transferred, Conversation: "c0122", Claim: h.state.Conversation("c0122").Claim, Actor: "ada", Role: desk.Specialist}, desk.Handoff{To: "ben", Reason: know})
		h.must(desk.Command{Kind: desk.Transferred, Conversation: "c0122", Claim: h.state.Conversation("c0122").Claim, Actor: "ben", Role: desk.Specialist}, desk.Handoff{To: "ada", Reason: know})
	}, func(s *sitter) {
		s.wait(time.Second)
		s.press("y", "1") // it is told that one was handed over
		s.sees("ada took the conversation", "ada set it to high: he is asleep‹ESC›[2J", "ada wrote a note")
		view := middleOf(s)
		if n := strings.Count(view, "wrote a note"); n != 1 {
			s.Errorf("three notes in a row are %d lines", n)
		}
		if strings.Index(view, "wrote a note") > strings.Index(view, "still here") {
			s.Error("a turn stands after the text that came after it")
		}
		s.press("alt+2")
		words := strings.Join(strings.Fields(strings.ReplaceAll(s.screen(), "│", " ")), " ")
		if !strings.Contains(words, "ben handed it over to ada") || !strings.Contains(words, "when he is at home.") {
			s.Errorf("what must be known is cut off:\n%s", s.screen())
		}
	})
}

// TestTurnsKeepTheirPlace: what happens below does not move what is being read.
func TestTurnsKeepTheirPlace(t *testing.T) {
	sit(t, Options{}, 100, 20, func(h *hand) {
		mine(h)
		for i := range 30 {
			h.text("0147", fmt.Sprint("text number ", i))
		}
	}, func(s *sitter) {
		s.press("1", "pgup", "pgup")
		reading := func() string {
			first := regexp.MustCompile(`text number \d+`).FindString(middleOf(s))
			return first + " at " + fmt.Sprint(strings.Count(middleOf(s)[:strings.Index(middleOf(s), first)], "\n"))
		}
		before := reading()
		for range 3 {
			s.h.must(desk.Command{Kind: desk.SeveritySet, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.Ruling{Severity: triage.High, Reason: "calm"})
			s.wait(time.Second)
		}
		if after := reading(); before == "" || before != after {
			s.Errorf("what was read has moved from %s to %s:\n%s", before, after, s.screen())
		}
	})
}

// middleOf is what stands to the right of the list.
func middleOf(s *sitter) string {
	var b strings.Builder
	for l := range strings.SplitSeq(s.screen(), "\n") {
		if _, right, ok := strings.Cut(l, "│"); ok {
			b.WriteString(right + "\n")
		}
	}
	return b.String()
}

// TestTitle: the window says how many wait, and that there is danger: nothing else.
func TestTitle(t *testing.T) {
	var titles []string
	sit(t, Options{Title: func(s string) { titles = append(titles, s) }}, 100, 30, nil, func(s *sitter) {
		s.h.text("0122", "hola, me llamo Jane")
		s.wait(time.Second)
		s.h.text("0147", "stop him he's here")
		s.wait(time.Second)
		s.press("n")
		want := []string{"befree: 0 waiting", "befree: 1 waiting", "befree: 2 waiting, imminent", "befree: 1 waiting"}
		if fmt.Sprint(titles) != fmt.Sprint(want) {
			s.Errorf("titles %q", titles)
		}
	})
}

// TestHelpBeginsWhereOneIs: the keys that work where one is come first.
func TestHelpBeginsWhereOneIs(t *testing.T) {
	sit(t, Options{}, 80, 30, mine, func(s *sitter) {
		s.press("?")
		s.sees("Keys here", "Claim the marked one")
		s.press("down", "down", "down", "down", "down", "down")
		s.sees("While you write", "New line")
		s.press("esc", "1", "f1")
		s.sees("Keys while you write", "New line")
		s.seesNot("Claim the marked one")
		s.press("down", "down", "down", "down", "down", "down")
		s.sees("Where nothing is written", "Claim the marked one")
	})
}

// TestEveryCommandIsInThePalette: what can be done can be found by its name, save what is nothing without its key.
func TestEveryCommandIsInThePalette(t *testing.T) {
	without := map[string]string{
		"Open, then write":                  "it is of the pane that the palette covers",
		"My conversations by their numbers": "nine keys; My conversations offers all of them",
		"Send":                              "what goes out stands on the screen at the key, and the palette covers it",
		"New line":                          "it is where the cursor is, which the palette has",
		"Go on with a reason":               "a question takes all keys, that of the palette too",
		"Move":                              "it is of the pane that the palette covers",
		"Read on while writing":             "it is of the pane that the palette covers",
		"Next pane":                         "it is of the pane that the palette covers",
		"Next field or question of a form, and back": "it is of the pane that the palette covers",
		"Back; destroys nothing":                     "it leaves the palette",
		"Everything that can be done":                "it is the palette",
	}
	sit(t, Options{}, 120, 80, mine, func(s *sitter) {
		s.press("f2")
		for _, c := range commands() {
			if without[c.name] != "" {
				s.seesNot("  " + c.name + "  ")
				delete(without, c.name)
				continue
			}
			s.sees(c.name, c.keys())
		}
		if len(without) > 0 {
			t.Errorf("no commands: %v", without)
		}
	})
}

// TestEverythingIsDoneByItsName: what is done where something is written is done from the palette too, and in lines.
func TestEverythingIsDoneByItsName(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1")
		s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("“Stay” there"), Paste: true})
		s.wait(time.Second)
		s.press("f2", "plain", "enter")
		if got := s.m.composer.Text("c0147"); got != "\"Stay\" there" {
			t.Errorf("the draft is %q", got)
		}
		s.press("f2", "suicide", "enter")
		s.wait(time.Second)
		s.sees("The plan has been changed.")
		if !s.h.state.Conversation("c0147").Plan().Suicide {
			t.Error("it asks no suicide steps")
		}
		s.press("f2", "next question", "enter", "f2", "only this", "enter")
		s.sees("There is only one answer here.")
		s.press("f3", "Quiet", "f2", "keep", "enter")
		s.wait(time.Second)
		s.sees("Note kept.")
		s.press("esc", "f2", "keep", "enter")
		s.sees("Nothing is open that has to be kept by hand.")
		s.press("f2", "my conversations", "enter", "down", "enter")
		s.sees("> To spring larch")
	})
	sit(t, Options{}, 0, 0, mine, func(s *sitter) {
		s.line("1")
		s.hears(":suicide", "The plan has been changed.")
		s.hears("He shouts", "Plan saved.")
		s.line(".")
		s.hears(":alt+v", "2, ada", "Plan, ", "He shouts")
		s.hears(":alt+o", "There is only one answer here.")
		s.line(".")
		s.line("“Stay” there")
		s.hears(":f7", "\"Stay\" there")
		s.hears(":my conversations", "2  spring larch")
	})
}

// TestKeysAreWrittenDown compares the page of keys with the commands.
func TestKeysAreWrittenDown(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The console's keys\n\nAll of them, as `?` shows them in the console. `befree config` says how to give a command others.\n\n")
	b.WriteString("`T` and `E` are for supervisors; `X`, `A` and `L` for supervisors and administrators; `W` for whoever may read the conversation.\n\n")
	b.WriteString("| what | in lists | everywhere | while writing |\n| --- | --- | --- | --- |\n")
	keys := func(all []string) string {
		if len(all) == 0 {
			return ""
		}
		return "`" + strings.Join(all, "` `") + "`"
	}
	for _, c := range commands() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.name, keys(c.list), keys(c.any), keys(c.write))
	}
	if *update {
		if err := os.WriteFile("KEYS.md", []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := os.ReadFile("KEYS.md"); err != nil || string(raw) != b.String() {
		t.Errorf("KEYS.md is not what the console does; go test ./tui -update writes it: %v", err)
	}
}
