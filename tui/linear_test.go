package tui

import (
	"strings"
	"testing"
	"time"

	"befree.example/store/desk"
	"befree.example/store/sms/smstest"
)

// line types one line and returns what is said then.
func (s *sitter) line(words string) string {
	s.Helper()
	from := s.said.Len()
	s.update(Typed(words))
	s.wait(2 * time.Second)
	return s.said.String()[from:]
}

// hears fails unless typing a line is answered by words.
func (s *sitter) hears(line string, words ...string) {
	s.Helper()
	got := s.line(line)
	for _, w := range words {
		if !strings.Contains(got, w) {
			s.Fatalf("after %q, %q is not said:\n%s", line, w, got)
		}
	}
}

// TestLinear: a whole conversation by lines alone: claimed, read, answered, noted, planned and closed.
func TestLinear(t *testing.T) {
	sit(t, Options{}, 0, 0, night, func(s *sitter) {
		for _, w := range []string{"befree: in step", "1. IMMINENT, rapid bay ...0147, waits 1:0", "stop him he's here", "A number opens a row"} {
			if !strings.Contains(s.said.String(), w) {
				t.Fatalf("%q is not said at the beginning:\n%s", w, s.said.String())
			}
		}
		s.hears("n", "You have rapid bay ...0147 now.", "00:00 texter", "stop him he's here")
		s.hears("I am here.", "To rapid bay ...0147: 10/1600", "1 segment", "An empty line sends it")
		s.hears("I am here. Are you safe?", "24/1600")
		s.hears("", "On its way", "I am here. Are you safe?")
		if got := s.h.replies(); len(got) != 1 || got[0] != "c0147: I am here. Are you safe?" {
			t.Fatalf("sent: %q", got)
		}
		s.hears("", "1. IMMINENT, rapid bay") // nothing is sent twice
		if got := s.h.replies(); len(got) != 1 {
			t.Fatalf("sent: %q", got)
		}
		s.wait(6 * time.Second)
		s.h.delivered("0147")
		s.hears(":1", "")
		if !strings.Contains(s.said.String(), "you - delivered") {
			t.Errorf("the delivery is not said:\n%s", s.said.String())
		}
		s.h.text("0147", "locked in the bathroom")
		s.wait(time.Second)
		if got := s.said.String(); !strings.HasSuffix(strings.TrimSpace(got), "locked in") {
			t.Errorf("what came is not said:\n%s", got)
		}
		s.hears(":t", "Notes: never sent", "Write a note")
		s.hears("No sirens.", "Note kept.", "No sirens.")
		s.hears("")
		s.hears(":p", "Red flags", "What do you notice first")
		s.hears("When he drinks", "Plan saved.", "Trusted person")
		s.hears(".")
		s.hears("And now?", "To rapid bay ...0147: 8/1600") // what is written is a reply again
		s.hears(".", "It stays a draft.")
		s.hears(":s", "Phone shared or watched")
		s.hears("sister", "neither y nor n") // a safe word, too early
		s.hears("", "Do not text until they text")
		s.hears("", "Safe word")
		s.hears("apples", "Danger word")
		for range 4 {
			s.line("")
		}
		s.hears("", "Safety record saved.")
		s.hears(":close", "How did it end?", "3  referred")
		for _, answer := range []string{"3", "1", "2", "1"} {
			s.line(answer)
		}
		s.hears("y", "Closed: referred")
		c, _ := s.h.Whole("c0147")
		if c.Phase != desk.ClosedNow || c.Safety.SafeWord != "apples" || len(c.Notes) != 1 || c.Plan().Fields["situation/red-flags"].Text != "When he drinks" {
			t.Errorf("%+v", c)
		}
	})
}

// TestLinearHolds: what holds a reply on the screen holds it in lines.
func TestLinearHolds(t *testing.T) {
	yes := true
	sit(t, Options{}, 0, 0, conversation, func(s *sitter) {
		s.hears("1", "locked in bathroom")
		s.h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Hold: &yes})
		s.line("Hello")
		s.hears("", "Held: rapid bay ...0147", "do not send; it stays a draft", "Why:")
		s.hears("")
		s.line("Hello")
		s.line("")
		s.hears("They asked for it", "On its way")
		s.h.take("ben", "0122")
		s.hears(":nothing of that name", "Do")
		s.hears("")
		s.hears(":lock", "befree is locked", "ctrl+l shows the screen again")
		if got := s.line("anything"); !strings.Contains(got, "\x1b[2J\x1b[3J") || strings.Contains(got, "Hello") {
			t.Errorf("after the lock: %q", got)
		}
		s.hears(":?", "Claim the next most urgent: :n")
		s.hears(":99", "There is no row 99.")
		s.hears(":q", "Leave befree?", "y leave")
		s.line("y")
		if !s.left {
			t.Error("the console did not end")
		}
	})
}

// TestLinearIsSafe: no text makes a line that is more than words.
func TestLinearIsSafe(t *testing.T) {
	sit(t, Options{}, 0, 0, func(h *hand) {
		for _, text := range smstest.Hostile() {
			h.text("0147", text)
			time.Sleep(2 * time.Second)
		}
		h.take("ada", "0147")
	}, func(s *sitter) {
		s.line("1")
		s.line(":*")
		if got := s.said.String(); len(got) < 5000 || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
}

// TestLinearTellsTurns: what the next owner must know is said when a conversation is opened, then what others do in it;
// history and referrals are read out.
func TestLinearTellsTurns(t *testing.T) {
	sit(t, Options{}, 0, 0, func(h *hand) {
		mine(h)
		h.must(desk.Command{Kind: desk.Transferred, Conversation: "c0147", Claim: h.state.Conversation("c0147").Claim, Actor: "ada", Role: desk.Specialist}, desk.Handoff{To: "ben", Reason: "speak slowly"})
		h.must(desk.Command{Kind: desk.Transferred, Conversation: "c0147", Claim: h.state.Conversation("c0147").Claim, Actor: "ben", Role: desk.Specialist}, desk.Handoff{To: "ada", Reason: "no sirens"})
	}, func(s *sitter) {
		if got := s.line("2"); !strings.Contains(got, "ben handed it over to ada: no sirens") || strings.Contains(got, "speak slowly") {
			t.Errorf("when it is opened: %s", got)
		}
		s.h.must(desk.Command{Kind: desk.NoteAdded, Conversation: "c0147", Actor: "ben", Role: desk.Specialist}, desk.Note{Text: "x"})
		s.wait(time.Second)
		if !strings.HasSuffix(strings.TrimSpace(s.said.String()), "ben wrote a note") {
			t.Errorf("what happens is not said: %s", s.said.String())
		}
		s.hears(":history", "History of this texter", "held by ada")
		s.hears(":referrals", "Referrals of this texter", "none yet")
		s.hears("Hello", "To rapid bay ...0147: 5/1600")
	})
}

// TestLinearSendsWhatWasReadBack, all of it and nothing else.
func TestLinearSendsWhatWasReadBack(t *testing.T) {
	sit(t, Options{}, 0, 0, queued, func(s *sitter) { // a claim changed what is in the composer
		s.m.composer.Put("c0188", "Leave the house now or")
		s.line("1")
		s.h.slowly(2200 * time.Millisecond)
		s.update(Typed(":n"))
		s.wait(500 * time.Millisecond)
		s.update(Typed("Are you safe?"))
		if got := s.said.String(); !strings.HasSuffix(got, ": 36/1600 characters - 1 segment - GSM-7\nLeave the house now or\nAre you safe?\nAn empty line sends it, a full stop alone keeps it as a draft, another text takes its place.\n") {
			s.Errorf("what would be sent is not read back: %s", got)
		}
		s.hears("", "Whether it is yours is being decided")
		s.sent()
	})
	sit(t, Options{}, 0, 0, mine, func(s *sitter) { // words came back
		s.line("1")
		s.line("Yes, go out now")
		s.h.overtaken(2500 * time.Millisecond)
		s.update(Typed(""))
		s.wait(1500 * time.Millisecond)
		s.update(Typed("I wait with you"))
		s.wait(2500 * time.Millisecond)
		if got := s.said.String(); !strings.Contains(got, "Draft:\nYes, go out now\nI wait with you") {
			s.Errorf("what came back is not said: %s", got)
		}
		s.hears("", "To rapid bay ...0147: 31/1600", "Yes, go out now\nI wait with you")
		s.sent("c0147: Yes, go out now")
		s.hears("", "On its way")
		s.sent("c0147: Yes, go out now", "c0147: Yes, go out now\nI wait with you")
	})
	sit(t, Options{}, 0, 0, mine, func(s *sitter) { // half a text
		s.line("1")
		s.hears(strings.Repeat("words ", 266)+"Do not go out", "It is 9 characters too long")
		s.hears("", "It is 9 characters too long")
		s.sent()
		s.hears("Do not go out", ": 13/1600")
		s.hears("", "On its way")
	})
}

// TestLinearLosesNoLine: what was written before is said and added to, and what answers nothing is in a draft.
func TestLinearLosesNoLine(t *testing.T) {
	yes := func(s *sitter, draft string) {
		s.Helper()
		if got := s.m.composer.Text("c0147"); got != draft || len(s.h.replies()) > 0 {
			s.Errorf("the draft is %q, want %q; sent %q", got, draft, s.h.replies())
		}
	}
	sit(t, Options{}, 0, 0, func(h *hand) {
		mine(h)
		_ = h.Draft("c0147", "", "of an hour ago", time.Now())
		_ = h.Draft("c0147", noteDraft, "a refused note", time.Now())
	}, func(s *sitter) {
		s.hears("1", "Draft:", "of an hour ago")
		s.hears("Hello", "of an hour ago\nHello")
		s.line(".")
		yes(s, "of an hour ago\nHello")
		s.hears(":t", "Draft:", "a refused note")
		s.hears("Another", "Note kept.", "a refused note", "Another")
	})
	taken := func(s *sitter) {
		s.line("1")
		s.h.must(desk.Command{Kind: desk.TakenOver, Conversation: "c0147", Claim: s.h.state.Conversation("c0147").Claim, Actor: "eve", Role: desk.Supervisor}, desk.Because{Reason: "rest"})
	}
	sit(t, Options{}, 0, 0, mine, func(s *sitter) { // a dialog opened under the line
		taken(s)
		s.wait(300 * time.Millisecond)
		s.hears("A text typed for a minute", "kept in the draft to rapid bay", "is no longer yours")
		yes(s, "A text typed for a minute")
	})
	sit(t, Options{}, 0, 0, mine, func(s *sitter) { // and stood there
		taken(s)
		s.wait(3 * time.Second)
		s.hears("yes I know", "kept in the draft to rapid bay", "is no longer yours")
		yes(s, "yes I know")
		s.line("y")
		if len(s.m.dialogs) > 0 {
			s.Error("it is still asked")
		}
	})
	sit(t, Options{}, 0, 0, mine, func(s *sitter) { // a question of the wrap-up
		s.line("1")
		s.line(":close")
		s.hears("1 moment", "kept in the draft", "How did it end?")
		yes(s, "1 moment")
		if s.m.wrapUp == nil || s.m.wrapUp.at != 0 {
			s.Error("it was answered")
		}
	})
	sit(t, Options{}, 0, 0, queued, func(s *sitter) { // the record was saved
		s.line("1")
		s.line(":s")
		for _, answer := range []string{"", "", "apples", "", "", "", "", ""} {
			s.line(answer)
		}
		s.hears("Are you safe now?", "To rapid bay")
		s.line(".")
		s.line("")
		s.hears("n", "You have") // the list was read
	})
	sit(t, Options{}, 0, 0, queued, func(s *sitter) { // the list was read, and the line is no command
		s.line("1")
		s.line("")
		s.hears("Leave the house now", "To rapid bay ...0147: 19/1600")
	})
}

// TestLinearDoubtsCommands: what is a command's key or name is no text until it is written once more.
func TestLinearDoubtsCommands(t *testing.T) {
	const notSent = "An empty line does not send it"
	for line, asked := range map[string]string{
		"F4": "Did you mean :s (Safety record)?", "safety": "Did you mean :s (Safety record)?", "q": "Did you mean :q (Leave befree)?",
		"back": "Did you mean : (Back; destroys nothing)?", "T": "Did you mean :T (Take over, as a supervisor)?", "Close": "Did you mean :x (Close)?",
		"alt+q": "Did you mean :f10 (Quick reply)?", "2": "Did you mean :2 (", "/jane": "Did you mean :/jane (Filter the list)?",
		"note": "Did you mean :t (Notes)?", "severity": "(Set the severity)?", "*": "Did you mean :* (", "send": "That is of the screen alone (Send)", "next pane": "That is of the screen alone (Next pane)",
	} {
		t.Run(line, func(t *testing.T) {
			sit(t, Options{}, 0, 0, mine, func(s *sitter) {
				s.line("1")
				s.hears(line, asked, notSent)
				s.hears("", asked, notSent)
				if got := s.m.composer.Text("c0147"); got != "" {
					t.Errorf("the draft is %q", got)
				}
				s.hears(line, "To rapid bay", line, "An empty line sends it")
				s.sent()
				s.hears("", "On its way")
				s.sent("c0147: " + line)
			})
		})
	}
	sit(t, Options{}, 0, 0, mine, func(s *sitter) { // what was read back stays
		s.line("1")
		s.line("Hello")
		s.hears("q", "Did you mean :q")
		s.line("")
		s.hears(".", "It stays a draft.")
		s.hears("safety first", "To rapid bay", "Hello\nq\nsafety first")
		s.hears("q", "Did you mean :q")
		s.hears(":q", "Leave befree?")
		s.line("")
		s.line("")
		s.sent()
	})
}

// TestLinearBreaksOff: what comes unasked begins on a line of its own, whatever the terminal shows of a half-typed one; an
// answer to a line follows it at once.
func TestLinearBreaksOff(t *testing.T) {
	sit(t, Options{}, 0, 0, mine, func(s *sitter) {
		s.line("1")
		s.said.WriteString("hello there") // as the terminal echoes it
		s.h.text("0199", "he will kill me")
		s.wait(time.Second)
		if got := s.said.String(); !strings.Contains(got, "hello there\nIMMINENT: ") {
			t.Errorf("it is not told apart: %s", got)
		}
		s.said.WriteString(", are you")
		s.h.text("0147", "not yet")
		s.wait(time.Second)
		if got := s.said.String(); !strings.Contains(got, ", are you\n") || strings.Contains(got, "\n\n") {
			t.Errorf("it is not told apart: %s", got)
		}
		if got := s.line("Are you safe?"); !strings.HasPrefix(got, "To rapid bay") {
			t.Errorf("an answer begins with %q", got)
		}
	})
}

// TestLinearHelp: ? names what works in lines, by the line that does it, and nothing else.
func TestLinearHelp(t *testing.T) {
	sit(t, Options{Keys: map[string]string{"Notes": "f12"}}, 0, 0, mine, func(s *sitter) {
		got := s.line("?")
		for _, w := range []string{"Claim the next most urgent: :n\n", "Take over, as a supervisor: :T\n", "Quick reply: :f10\n", "Notes: :f12\n", "Hide and lock the screen: :ctrl+l\n", "Filter the list: :/\n", "* reads a conversation whole"} {
			if !strings.Contains(got, w) {
				t.Errorf("%q is not said:\n%s", w, got)
			}
		}
		for _, w := range []string{"Next pane", "Mouse", "Draw the screen", "Move: ", "Send: ", "Copy", "Back", "tab"} {
			if strings.Contains(got, w) {
				t.Errorf("%q is said, which does nothing in lines:\n%s", w, got)
			}
		}
		s.line("1")
		if got := s.line(":f2"); strings.Contains(got, "Mouse") || strings.Contains(got, "alt+n") || !strings.Contains(got, "1. Claim the next most urgent :n\n") {
			t.Errorf("what is offered: %s", got)
		}
		s.line("")
		s.hears(":nt", "Notes")
	})
}

// TestLinearKnows: nothing is said that is not known yet, or is being decided.
func TestLinearKnows(t *testing.T) {
	sit(t, Options{}, 0, 0, queued, func(s *sitter) {
		s.h.slowly(time.Second)
		if got := s.line("n"); strings.Contains(got, "Nobody holds") || !strings.Contains(got, "he took my phone") || !strings.Contains(got, "You have ") {
			t.Errorf("while it is claimed: %s", got)
		}
	})
	sit(t, Options{}, 0, 0, queued, func(s *sitter) { // nothing came of it
		s.h.fail = errDisk
		s.hears("n", "could not keep", "Nobody holds this conversation. :c claims it.")
	})
	sit(t, Options{}, 0, 0, func(h *hand) { h.status.Connected, h.status.At = false, 0 }, func(s *sitter) {
		if got := s.said.String() + s.line(""); strings.Contains(got, "Nobody is waiting") || !strings.Contains(got, "befree: connecting") {
			t.Errorf("before anything is known: %s", got)
		}
	})
}

// TestLinearIsAtTheEnd: what was found is chosen, and a reply goes out all the same: lines have no end to scroll to.
func TestLinearIsAtTheEnd(t *testing.T) {
	sit(t, Options{}, 0, 0, mine, func(s *sitter) {
		for _, words := range []string{"one", "two", "three"} {
			s.h.text("0147", words)
		}
		s.wait(time.Second)
		s.line("1")
		s.hears(":ctrl+f", "1. three")
		s.line("4")
		s.hears("I am here.", "To rapid bay")
		s.hears("", "On its way")
		s.sent("c0147: I am here.")
	})
}

// TestWhatCannotBeReadSendsNothing: a line with a key in it is no empty line, which sends; the key that locks does.
func TestWhatCannotBeReadSendsNothing(t *testing.T) {
	sit(t, Options{Unlock: opens("right one")}, 0, 0, mine, func(s *sitter) {
		s.line("1")
		s.line("I am here")
		s.hears("\x1b\n", "Nothing in that line can be read")
		s.hears("\x01\n", "Nothing in that line can be read")
		s.hears("\f\n", "befree is locked")
		s.line("")
		s.wait(10 * time.Second)
		s.sent()
	})
}

// TestYesInSpanish: whoever reads Spanish says yes by s as well as by y, on the screen and in lines.
func TestYesInSpanish(t *testing.T) {
	sit(t, Options{Language: "es"}, 0, 0, mine, func(s *sitter) {
		s.hears(":q", "¿Salir de befree?")
		s.line("s")
		select {
		case <-s.m.stop:
		default:
			t.Error("it does not leave")
		}
	})
}
