package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/tui/theme"
)

// TestWordsComeBackAfterSigningIn: rows whose words are not on this machine get them, the most urgent ones at once, those
// further down when they come into view, each once in a connection.
func TestWordsComeBackAfterSigningIn(t *testing.T) {
	many := func(h *hand) {
		night(h)
		for n := range 120 {
			h.text(fmt.Sprintf("01%02d-%d", n%90, n), fmt.Sprintf("hello, text number %d", n))
		}
		h.forget()
	}
	sit(t, Options{}, 100, 30, many, func(s *sitter) {
		s.wait(3 * time.Second)
		s.sees("stop him he's here")
		s.seesNot("(enter reads it)", "not for this reader")
		if n := len(s.h.previewed); n != 1 || len(s.h.previewed[0]) != mostPreviewed {
			t.Errorf("%d times asked", n)
		}
		s.press("G")
		s.sees("(enter reads it)")
		s.wait(3 * time.Second)
		s.seesNot("(enter reads it)")
		if n := len(s.h.previewed); n != 2 {
			t.Errorf("%d times asked", n)
		}
		s.h.fail = errDisk
		s.h.change(func() { s.h.status.Since = time.Now() })
		s.h.forget()
		s.wait(2 * time.Second)
		s.sees("(enter reads it)")
		s.h.fail = nil
		s.wait(2 * time.Second)
		s.seesNot("(enter reads it)")
	})
	sit(t, Options{Review: true}, 100, 30, func(h *hand) { night(h); h.forget() }, func(s *sitter) {
		s.wait(3 * time.Second)
		s.sees("(words not on this machine)")
		if len(s.h.previewed) > 0 {
			t.Error("a review asked the relay")
		}
	})
}

// TestOlderWordsComeWithTheNewest: of who waits the list has the newest words alone; whoever opens the conversation gets
// all of them, once.
func TestOlderWordsComeWithTheNewest(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		h.text("0150", "i dont want to be alive anymore")
		h.text("0150", "bye")
		h.forget()
	}, func(s *sitter) {
		s.wait(3 * time.Second)
		s.sees("bye")
		s.press("enter")
		s.wait(3 * time.Second)
		s.sees("i dont want to be alive anymore")
		if len(s.h.opened) != 1 {
			t.Errorf("asked for %q", s.h.opened)
		}
	})
}

// TestFilterHidesNobodyInDanger: one's own and those in imminent danger are listed whatever the filter, the rest is
// counted, and / begins anew.
func TestFilterHidesNobodyInDanger(t *testing.T) {
	sit(t, Options{}, 100, 36, func(h *hand) {
		night(h)
		h.take("ada", "0122")
	}, func(s *sitter) {
		s.press("/", "papers", "enter")
		s.sees("Mine 1", "■ IMMINENT", "▲ HIGH", "Waiting 2 of 4", "he took my papers")
		s.seesNot("qué es este", "Nothing fits")
		if c := s.m.queue.Selected(); c.ID != "c0131" {
			s.Errorf("the cursor is on %s", c.ID)
		}
		s.press("/")
		s.sees("Filter: _", "Waiting 4", "qué es este")
		s.press("zzz")
		s.sees("Filter: zzz", "Nothing fits", "■ IMMINENT", "Waiting 1 of 4")
		s.press("esc")
		s.sees("Waiting 4")
	})
}

// TestNewOrderIsAnnounced: while somebody moves in the list rows keep their places, and it says how many are new and when
// they find theirs: within five seconds, whatever is pressed. Where nobody was listed nobody has to wait for that.
func TestNewOrderIsAnnounced(t *testing.T) {
	sit(t, Options{}, 100, 30, nil, func(s *sitter) {
		s.press("k")
		s.h.text("0122", "HELP")
		s.wait(100 * time.Millisecond)
		s.sees("Waiting 1")
		s.seesNot("new order")
		s.press("k")
		s.h.text("0147", "stop him he's here")
		s.wait(100 * time.Millisecond)
		s.sees("Waiting 2", "IMMINENT 1, 1 new, new order in 2 s")
		s.seesNot("stop him")
		s.wait(3 * time.Second)
		s.sees("Waiting 2", "stop him")
		s.seesNot("new order")
		s.press("k")
		s.h.text("0131", "hola")
		for range 12 {
			s.press("k")
			s.wait(500 * time.Millisecond)
		}
		s.sees("Waiting 3", "hola")
	})
}

// TestWritingHoldsNobodyBack: who comes while somebody writes elsewhere is listed at once.
func TestWritingHoldsNobodyBack(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "j", "k")
		s.h.text("0147", "stop him he's here")
		s.wait(100 * time.Millisecond)
		s.sees("stop him")
		s.seesNot("new order")
	})
}

// TestTheCursorComesBack: a list that is gone back to has a cursor, and its first row is the first.
func TestTheCursorComesBack(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		over(h)
		h.text("0109", "hello")
		h.text("0131", "hello")
	}, func(s *sitter) {
		s.press("C", "enter", "esc", "esc")
		if s.m.queue.index() < 0 {
			s.Error("there is no cursor")
		}
		s.m.queue.Select("c0122") // which is closed
		s.press("g")
		if at := s.m.queue.index(); at != 1 {
			s.Errorf("the first is row %d", at)
		}
	})
}

// TestTabStaysInAForm: what is typed after tab goes into the next field, never to the commands.
func TestTabStaysInAForm(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "f4")
		s.sees("tab shift+tab fields", "ctrl+s keep", "esc back")
		s.press("apples", "tab", "xRnST", "shift+tab", "tab", "!")
		s.sees("apples", "xRnST!")
		if len(s.h.asked) > 0 || len(s.m.dialogs) > 0 || s.m.wrapUp != nil {
			s.Fatal("what was typed became a command")
		}
		s.press("esc")
		s.sees("The safety record is not kept yet: F4 goes back to it")
		s.press("f4")
		s.sees("apples", "xRnST!")
		s.press("esc", "f6", "When he drinks", "tab", "My aunt", "shift+tab")
		s.sees("When he drinks", "[x] Red flags", "[x] Trusted person")
	})
}

// TestADialogStandsUnderItsOwnTexts: nobody else's are beside its question.
func TestADialogStandsUnderItsOwnTexts(t *testing.T) {
	sit(t, Options{}, 120, 36, func(h *hand) {
		conversation(h)
		h.status.Role = desk.Supervisor
	}, func(s *sitter) {
		s.press("1")
		s.sees("locked in bathroom")
		s.press("esc", "esc", "G", "T")
		s.sees("Take over teal cloud")
		s.seesNot("locked in bathroom", "stop him")
		s.press("esc", "g", "enter", "esc", "R")
		s.sees("Give back rapid bay", "locked in bathroom")
		s.press("esc", "ctrl+c")
		s.sees("Leave befree?")
		s.seesNot("locked in bathroom")
	})
}

// TestACommandIsNotSent: what looks like one is held once.
func TestACommandIsNotSent(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "/zzz", "enter")
		s.sees("begins like a command", "esc first for commands; enter again sends it")
		if got := s.h.replies(); len(got) > 0 {
			s.Fatalf("sent %q", got)
		}
		s.press("y")
		s.wait(time.Second)
		s.press("enter")
		if got := s.h.replies(); len(got) > 0 {
			s.Fatalf("what was changed since was sent: %q", got)
		}
		s.wait(time.Second)
		s.press("enter")
		if got := s.h.replies(); len(got) != 1 {
			s.Fatalf("sent %q", got)
		}
		s.wait(time.Second)
		s.press(": )", "enter")
		s.sees("begins like a command")
	})
}

// TestLinesNameTheirOwnKeys: a console of lines names what can be typed there, a full stop is never a text, and what
// became of a text is said once.
func TestLinesNameTheirOwnKeys(t *testing.T) {
	sit(t, Options{Tour: true}, 0, 0, mine, func(s *sitter) {
		line := func(l string) {
			s.update(Typed(l))
			s.wait(time.Second)
		}
		line("1")
		line(".")
		line("Hello")
		line(".")
		line("")
		line("1")
		line(".")
		if got := s.h.replies(); len(got) > 0 || s.m.composer.Text(s.m.open) != "Hello" {
			s.Fatalf("sent %q, the draft is %q", got, s.m.composer.Text(s.m.open))
		}
		line("Hello again")
		line("")
		said := s.said.String()
		for _, w := range []string{":u takes it back", "It stays a draft."} {
			if !strings.Contains(said, w) {
				s.Errorf("%q was not said:\n%s", w, said)
			}
		}
		for _, w := range []string{"alt+u", "F4", "ctrl+s"} {
			if strings.Contains(said, w) {
				s.Errorf("%q was said:\n%s", w, said)
			}
		}
		line(":u")
		if !strings.Contains(s.said.String(), "Taken back") {
			s.Error("it cannot be taken back")
		}
	})
}

// TestANoticeEndsWhenItIsTrueNoMore: nothing says that a text can be taken back that has gone out.
func TestANoticeEndsWhenItIsTrueNoMore(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		h.status.Limits.Undo = 5 * time.Second
	}, func(s *sitter) {
		s.press("1", "Hello", "enter")
		s.sees("On its way; alt+u takes it back.")
		s.wait(6 * time.Second)
		s.seesNot("On its way")
	})
}

// TestCardSaysWhatItLeavesOut names the answers that are not in it.
func TestCardSaysWhatItLeavesOut(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "f6", "When he drinks", "tab", "My aunt", "tab", "tangerine", "tab", "esc", "alt+c", "y")
		s.sees("1 of 3 answers and no headings", "Left out: Red flags, Safe word and danger word", "My aunt")
	})
}

// TestAllThatIsWrongIsSaid at once, that nothing was kept, and the field is where the cursor goes; it is gone with the
// form.
func TestAllThatIsWrongIsSaid(t *testing.T) {
	for _, width := range []int{60, 120} {
		sit(t, Options{}, width, 20, mine, func(s *sitter) {
			s.press("1", "f4", "tab", "stop", "tab", "8 in the morning", "ctrl+s")
			words := strings.Join(strings.Fields(s.screen()), " ")
			if !strings.Contains(words, "! Not kept: Carriers act on that danger word") {
				s.Errorf("at %d:\n%s", width, s.screen())
			}
			s.sees("> Danger word")
			s.press("backspace", "backspace", "backspace", "backspace", "tangerine", "ctrl+s")
			s.sees("Not kept: Safe hours need two times", "America/Chicago.", "> Safe from")
			s.press("f6")
			s.seesNot("Not kept")
		})
	}
}

// TestWrapUpRemarks: whoever closes is told that nothing was ever sent, and of a draft; and the keys are those of each step.
func TestWrapUpRemarks(t *testing.T) {
	sit(t, Options{}, 80, 24, mine, func(s *sitter) {
		s.press("1", "Are you there", "esc", "x")
		s.sees("Nothing that anybody wrote was ever sent to them.", "A draft to them stays", "1-9 answer")
		s.press("3", "1", "2", "1")
		s.sees("y closes it  esc it stays open")
		s.press("y")
		s.wait(time.Second)
		s.sees("Closed: referred", "esc list  n next")
		s.seesNot("x close", "R give back")
	})
	sit(t, Options{}, 80, 24, conversation, func(s *sitter) {
		s.press("1", "esc", "x")
		s.seesNot("ever sent", "A draft to")
	})
}

// TestReasonsSayHowToGoOn: enter does not answer, and says what does; nothing that was said before stands under what
// opens, nor what was said about it once it is over.
func TestReasonsSayHowToGoOn(t *testing.T) {
	sit(t, Options{}, 80, 24, night, func(s *sitter) {
		s.press("G", "T")
		s.sees("Only supervisors take over.")
		s.press("S")
		s.seesNot("Only supervisors")
		s.press("high", "enter")
		s.sees("F9 goes on  esc nothing is done")
		s.press("enter")
		s.sees("F9 goes on then")
		s.press("f9")
		s.sees("is to be high")
		s.press("She is in a car", "enter")
		s.sees("F9 goes on.")
		s.seesNot("in a few words")
		s.h.slowly(time.Second)
		s.press("f9")
		s.seesNot("F9 goes on")
		s.wait(2 * time.Second)
	})
}

// TestNobodyHasItYet is said in one piece, with the keys that help there.
func TestNobodyHasItYet(t *testing.T) {
	sit(t, Options{}, 120, 36, night, func(s *sitter) {
		s.press("enter")
		s.sees("Cannot send: nobody has this conversation yet. c claims it.")
		s.press("enter", "Hi", "enter")
		s.sees("Not sent, it stays a draft. Nobody has this conversation yet: esc, c claims it.", "esc, c claim  F8 next")
		s.seesNot("Held:", "enter send")
		s.press("f8")
		s.wait(time.Second)
		s.sees("enter send  F8 next")
	})
	sit(t, Options{Tour: true}, 60, 20, night, func(s *sitter) {
		s.sees("Tour 1 of 6. n takes the most urgent")
		s.press("enter", "enter")
		s.sees("Tour 1 of 6. F8 takes the most urgent", "esc, c claim  F8 next")
	})
}

// TestALockTakesNothingElse: ctrl+c behind it asks nobody.
func TestALockTakesNothingElse(t *testing.T) {
	sit(t, Options{}, 80, 24, mine, func(s *sitter) {
		s.press("1", "ctrl+l", "ctrl+c", "ctrl+c", "f3")
		if s.left || len(s.m.dialogs) > 0 {
			s.Fatal("something was done behind the lock")
		}
		s.press("ctrl+l")
		s.sees("> To rapid bay")
	})
}

// TestPanesNameWhatWorksInThem: nothing is kept where nothing is written.
func TestPanesNameWhatWorksInThem(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		for _, key := range []string{"alt+h", "alt+r"} {
			s.press("1", key)
			s.sees("esc back")
			s.seesNot("ctrl+s")
		}
	})
}

// TestAPaneOpensWithItsConversation: one key opens both, and what is typed then is an answer.
func TestAPaneOpensWithItsConversation(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("down", "f6", "xRnq")
		s.sees("Safety plan", "xRnq")
		if len(s.m.dialogs) > 0 || s.m.wrapUp != nil || s.m.open == "" {
			s.Errorf("what was typed became commands:\n%s", s.screen())
		}
	})
}

// TestWhatCannotBeDoneSaysWhy: a closed row, no drafts, nothing marked to take over.
func TestWhatCannotBeDoneSaysWhy(t *testing.T) {
	sit(t, Options{}, 120, 36, func(h *hand) {
		conversation(h)
		h.status.Role = desk.Supervisor
		c := h.state.Conversation("c0147")
		h.must(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Closing{Disposition: "referred"})
	}, func(s *sitter) {
		s.m.show1("c0147")
		s.press("S")
		s.sees("This one is closed.")
		s.press("H")
		s.sees("This one is closed.")
		s.press("T")
		s.sees("G in the list goes to the end, where they are.")
		s.press("alt+d")
		s.sees("No drafts to others.")
		s.seesNot("Nothing fits")
	})
}

// TestKeepingStays: ctrl+s keeps and the form stays, with what was changed meanwhile still to be kept.
func TestKeepingStays(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "f4", "apples", "ctrl+s")
		s.wait(time.Second)
		s.sees("Safety record saved.", "> Safety record", "apples")
		s.seesNot("(changed)")
		s.press("!")
		s.sees("(changed)")
		s.press("ctrl+s")
		s.wait(time.Second)
		s.seesNot("(changed)")
		if got := s.h.state.Conversation("c0147").Safety.SafeWord.Reveal(); got != "apples!" {
			s.Errorf("the record has %q", got)
		}
		s.press("esc")
		s.seesNot("> Safety record", "not kept yet")
	})
}

// TestSmallestWindowIsWhole: in the smallest window nothing of the lock and of the closing is cut off, in each language.
func TestSmallestWindowIsWhole(t *testing.T) {
	for language, words := range map[string][]string{
		"en": {"drafts are kept.", "Each wrong one takes longer.", "A new text within three days opens it again."},
		"es": {"los borradores se guardan.", "Cada error tarda más.", "Un texto nuevo en tres días la abre otra vez."},
	} {
		sit(t, Options{Language: language, Unlock: opens("right")}, leastWidth, leastHeight, conversation, func(s *sitter) {
			s.press("1", "ctrl+l", "wrong", "enter")
			s.wait(time.Second)
			if at := strings.Join(strings.Fields(s.screen()), " "); !strings.Contains(at, words[0]) || !strings.Contains(at, words[1]) {
				s.Errorf("the lock is cut off:\n%s", s.screen())
			}
			s.press("right", "enter")
			s.wait(time.Second)
			s.press("esc", "x")
			s.sees(words[2])
			s.press("1", "1", "1", "1")
			s.sees(words[2])
		})
	}
}

// TestHelpIsWhole: no name of a command is cut off, whatever the width and language.
func TestHelpIsWhole(t *testing.T) {
	for _, language := range []string{"en", "es"} {
		for _, width := range []int{60, 80, 120, 200} {
			sit(t, Options{Language: language}, width, 200, nil, func(s *sitter) {
				s.press("?")
				for _, c := range commands() {
					for _, word := range append(strings.Fields(s.m.Word(c.name)), strings.Fields(c.keys())...) {
						s.sees(word)
					}
				}
				s.seesNot("…")
			})
		}
	}
}

// TestTourIsWhole: each step is said whole in the smallest window, in each language, and only where it can be done.
func TestTourIsWhole(t *testing.T) {
	for _, language := range []string{"en", "es"} {
		for _, focus := range []pane{onQueue, onComposer, onSide} {
			for i := range steps {
				m := New(Options{Language: language, Name: "ada"})
				m.focus = focus
				if n := len(wrap(steps[i].say(m), leastWidth-2)); n > 2 {
					t.Errorf("%d lines: %s", n, steps[i].say(m))
				}
			}
		}
	}
	sit(t, Options{Tour: true}, 80, 24, mine, func(s *sitter) {
		s.press("1")
		s.sees("Tour 2 of 6. enter sends what you write")
		s.press("f6")
		s.seesNot("Tour 2")
		s.press("esc", "?")
		s.seesNot("Tour 2")
		s.press("esc", "esc")
		s.sees("Tour 2 of 6. 1 opens your conversation again.")
		s.press("f2", "esc", "1", "Hi", "enter", "f4", "a", "ctrl+s", "esc", "f6", "b", "tab", "esc", "esc")
		s.wait(9 * time.Second)
		s.sees("Tour 6 of 6")
	})
}

// TestBottomLine names what nobody can do without, in every window.
func TestBottomLine(t *testing.T) {
	for _, width := range []int{60, 80, 120} {
		sit(t, Options{}, width, 24, mine, func(s *sitter) {
			s.press("1")
			s.sees("enter send", "F8 next", "F4 safety", "F6 plan", "F3 notes", "esc read", "F1 help")
		})
	}
}

// TestThePlanNamesItsKeys in every window, and so does the help.
func TestThePlanNamesItsKeys(t *testing.T) {
	for _, width := range []int{60, 80} {
		sit(t, Options{}, width, 24, mine, func(s *sitter) {
			s.press("1", "f6")
			s.sees("tab next, saved  alt+s suicide steps  F1 help  esc back")
			s.press("f9") // which goes on elsewhere
			s.sees("F9 goes on where a reason is asked.")
			s.press("f7")
			s.sees("Plain quotes are for a reply.")
			s.press("alt+s")
			s.wait(time.Second)
			s.sees("The plan has been changed.")
		})
	}
}

// TestPlanFormInSpanish: the question is in the language of who reads it, then in the texter's; a list that goes on says so.
func TestPlanFormInSpanish(t *testing.T) {
	sit(t, Options{Language: "es"}, 120, 36, func(h *hand) {
		mine(h)
		h.text("0147", "he locked me in and i dont know where i am please come")
	}, func(s *sitter) {
		s.press("1", "f6")
		words := strings.Join(strings.Fields(strings.ReplaceAll(s.screen(), "│", " ")), " ")
		for _, w := range []string{"Señales de alarma", "¿Qué notas primero", "en: What do you notice", "líneas más abajo"} {
			if !strings.Contains(words, w) {
				s.Errorf("%q is not there:\n%s", w, s.screen())
			}
		}
		s.press("esc", "f2")
		s.sees("arriba y abajo")
		s.seesNot("up down")
	})
}

// TestFocusIsReadableOnAnyGround: it has no colour of its own that a ground could swallow.
func TestFocusIsReadableOnAnyGround(t *testing.T) {
	for name, th := range map[string]theme.Theme{"dark": theme.Dark(), "light": theme.Light()} {
		if got := th.Focus.Paint("x"); got != "\x1b[1mx\x1b[0m" {
			t.Errorf("%s paints what has the focus %q", name, got)
		}
	}
}

// TestNothingIsWrittenToAClosedOne: it has no composer, a letter there is a command or nothing, and the foot names what
// can be done about it; a draft left to it can be dropped; once it is open again it can be written to as before.
func TestNothingIsWrittenToAClosedOne(t *testing.T) {
	ended := func(h *hand) {
		mine(h)
		c := h.state.Conversation("c0122")
		h.must(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, desk.Closing{Disposition: "referred"})
		_ = h.Draft("c0122", replyDraft, "my late words", time.Now())
	}
	sit(t, Options{}, 100, 30, ended, func(s *sitter) {
		s.press("C", "enter")
		s.sees("my late words", "esc list", "e earlier")
		s.seesNot("ask to forget", "E export")
		s.press("enter", "bk")
		s.sees("This one is closed.")
		s.press("c", "bk", "tab", "tab", "bk")
		if got := s.m.composer.Text("c0122"); got != "my late words" || s.m.focus == onComposer {
			s.Fatalf("the draft is %q", got)
		}
		s.press("esc", "g", "1", "alt+d", "enter")
		s.sees("A draft to", "my late words", "o  open it")
		s.press("y", "alt+d")
		s.sees("No drafts to others.")
		s.press("esc", "C", "enter")
		s.seesNot("> To", "  To ")
		s.h.text("0122", "are you there")
		s.wait(time.Second)
		s.press("enter", "Yes")
		s.sees("> To", "Yes")
	})
	sit(t, Options{}, 60, 20, over, func(s *sitter) {
		s.press("C", "enter")
		s.sees("X ask to forget", "E export")
	})
}

// TestSafetyRecordSaysWhatIsOutOfView, whichever field has the keys; what holds every text comes first, and words typed at
// once are the safe word.
func TestSafetyRecordSaysWhatIsOutOfView(t *testing.T) {
	sit(t, Options{}, 60, 20, func(h *hand) {
		h.text("0147", "stop him he's here")
		h.take("ada", "0147")
	}, func(s *sitter) {
		s.press("1", "f4", "apples")
		s.sees("Phone shared or watched", "Do not text until they text", "> Safe word", "apples", "1 more field below")
		s.seesNot("above", "Begin with")
		s.press("up", "up", "up")
		s.sees("> Begin with", "more field", "above")
		s.seesNot("below", "Phone shared")
		for range s.m.safety.fields {
			s.press("down")
			s.sees("> " + s.m.safety.fields[s.m.safety.at].name)
		}
	})
}

// TestPalettesSayWhatEnterDoes, and what is missing where there is nothing to choose though nothing was typed.
func TestPalettesSayWhatEnterDoes(t *testing.T) {
	alone := func(h *hand) {
		h.text("0147", "he locked me in")
		h.take("ada", "0147")
	}
	sit(t, Options{Copy: func(string) {}}, 80, 24, alone, func(s *sitter) {
		s.press("C")
		s.sees("No closed conversations yet.")
		s.press("1", "esc", "H")
		s.sees("Nobody to hand over to is known here.")
		s.seesNot("Nothing fits")
		s.press("eve")
		s.sees("as they sign in")
		s.press("esc", "alt+q")
		s.sees("enter puts it into the composer")
		s.press("esc", "ctrl+f")
		s.sees("enter opens it")
		s.press("zzz")
		s.sees("Nothing fits")
		s.press("esc", "y")
		s.sees("enter copies it")
		s.press("esc", "F")
		s.sees("enter searches")
		s.press("locked", "enter")
		s.wait(time.Second)
		s.sees("enter opens it")
		s.press("esc", "f2")
		s.sees("enter does it")
	})
}

// TestWhatCostsIsNamed: the characters that make a text dearer, and the key that replaces them, are never cut off.
func TestWhatCostsIsNamed(t *testing.T) {
	for _, language := range []string{"en", "es"} {
		for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 36}} {
			sit(t, Options{Language: language}, size[0], size[1], mine, func(s *sitter) {
				s.press("1")
				s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("She said “stay”, didn’t she… ", 12)), Paste: true})
				s.wait(time.Second)
				for _, word := range strings.Fields(s.m.composer.count()) {
					s.sees(word)
				}
				s.sees("UCS-2", "“ ” ’ ...", "F7 "+s.m.T("plain quotes"))
			})
		}
	}
}
