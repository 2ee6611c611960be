package tui

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/sms/smstest"
	"befree.example/tui/codename"
)

// over is a conversation of ada's that was closed.
func over(h *hand) {
	mine(h)
	h.status.Role = desk.Supervisor
	c := h.state.Conversation("c0122")
	h.must(desk.Command{Kind: desk.Closed, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Supervisor}, desk.Closing{Disposition: "referred"})
}

// by has another member of staff ask for something about a conversation.
func (h *hand) by(who string, kind store.Kind, claim uint64, body any) {
	h.must(desk.Command{Kind: kind, Conversation: "c0122", Claim: claim, Actor: who, Role: desk.Supervisor}, body)
}

func (h *hand) forgetNow() {
	h.t.Helper()
	h.change(func() {
		c := h.state.Conversation("c0122")
		if err := h.decide(desk.Command{ID: "clock", Kind: desk.Forgotten, Conversation: c.ID, Seen: c.Last, Actor: store.Clock}); err != nil {
			h.t.Error(err)
		}
	})
}

func TestForgettingTakesTwo(t *testing.T) {
	sit(t, Options{}, 100, 30, over, func(s *sitter) {
		s.press("C", "enter")
		s.sees("Closed: referred")
		s.press("X", "enter", "the texter asks", "f9")
		s.sees("Somebody else must agree")
		s.press("A")
		s.sees("Waits for another person's yes", "yours")
		s.press("enter")
		s.sees("You asked for this on", "Another supervisor or administrator must agree.", "the texter asks")
		s.seesNot("y  agree", "Once you agree")
		s.press("y")
		if s.m.covered() {
			s.Fatalf("it asks on:\n%s", s.screen())
		}
		s.h.by("eve", desk.ForgetApproved, s.h.state.Conversation("c0122").Forget.Seq, nil)
		s.h.forgetNow()
		s.wait(time.Second)
		s.sees("It has been forgotten")
		s.press("Z", "enter")
		s.sees("ada asked, eve agreed", "What remains")
	})
}

// What was done is said once the console has it: who then looks finds it.
func TestDoneIsSaidOnceItIsHere(t *testing.T) {
	sit(t, Options{}, 100, 30, over, func(s *sitter) {
		s.press("C", "enter")
		s.h.change(func() { s.h.behind = 1 })
		s.press("X", "enter", "the texter asks", "f9")
		s.wait(time.Second)
		s.seesNot("Somebody else must agree")
		s.h.change(func() { s.h.behind = 0 })
		s.wait(time.Second)
		s.sees("Somebody else must agree")
	})
}

// What was to be forgotten too, and is not, stands in the receipt.
func TestAReceiptNamesWhatIsLeftOut(t *testing.T) {
	for words, o := range map[string]Options{"NOT FORGOTTEN: ": {}, "SIN OLVIDAR: ": {Language: "es"}} {
		sit(t, o, 100, 30, over, func(s *sitter) {
			r := desk.Receipt{Conversation: "c0122", Forgettings: []desk.Forgetting{{Kind: desk.Forgotten}}, LeftOut: []string{"c0147", "c0188"}}
			if lines := strings.Join(s.m.receipt(r), "\n"); !strings.Contains(lines, words+codename.Of("c0147")+", "+codename.Of("c0188")) {
				s.Errorf("it says %s", lines)
			}
		})
	}
}

// A receipt is read out, as it is shown.
func TestLinearReceipt(t *testing.T) {
	sit(t, Options{}, 0, 0, func(h *hand) {
		over(h)
		h.by("sam", desk.ForgetAsked, 0, desk.Asking{Reason: "asked"})
		h.by("eve", desk.ForgetApproved, h.state.Conversation("c0122").Forget.Seq, nil)
		h.forgetNow()
	}, func(s *sitter) {
		s.hears(":Z", "Receipts", "1. ")
		s.hears("1", "What became of", "sam asked, eve agreed", "What remains", "understood")
	})
}

func TestWhatIsBeingWrittenGoesToo(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		over(h)
		_ = h.Draft("c0122", replyDraft, "my aunt Rosa", time.Now())
		_ = h.Draft("c0122", noteDraft, "her aunt Rosa", time.Now())
	}, func(s *sitter) {
		s.press("C", "enter", "t", " once more")
		s.sees("her aunt Rosa once more")
		s.h.by("sam", desk.ForgetAsked, 0, desk.Asking{Reason: "asked"})
		s.wait(time.Second)
		s.sees("1 thing waits for another person's yes")
		s.h.by("eve", desk.ForgetApproved, s.h.state.Conversation("c0122").Forget.Seq, nil)
		s.h.change(func() { clear(s.h.drafts) }) // as a cache does
		s.h.forgetNow()
		s.wait(3 * time.Second)
		s.seesNot("Rosa")
		if len(s.h.drafts) > 0 {
			s.Errorf("%d drafts are on the disk again", len(s.h.drafts))
		}
		if err := s.m.Keep(); err != nil || len(s.h.drafts) > 0 {
			s.Errorf("at the end %d drafts are on the disk, %v", len(s.h.drafts), err)
		}
	})
}

// Files that were written of what is forgotten stay, and whoever sits at that machine is told what deletes them.
func TestFilesOfWhatIsForgottenAreTold(t *testing.T) {
	dashed := dashed("c0122")
	for name, c := range map[string]struct {
		files []string
		want  string
		o     Options
	}{
		"two":     {files: []string{"plan-" + dashed + "-1.md", "export-" + dashed + "-2.csv", "plan-opal-mill-3.md"}, want: "2 files that bear its name are still on this machine"},
		"others":  {files: []string{"plan-opal-mill-3.md"}},
		"Spanish": {files: []string{"attachment-" + dashed + "-1.jpg"}, want: "1 archivo que lleva su nombre sigue en este equipo", o: Options{Language: "es"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.Files = func() []string { return c.files }
			sit(t, c.o, 100, 30, func(h *hand) {
				over(h)
				h.by("sam", desk.ForgetAsked, 0, desk.Asking{Reason: "asked"})
				h.by("eve", desk.ForgetApproved, h.state.Conversation("c0122").Forget.Seq, nil)
			}, func(s *sitter) {
				s.h.forgetNow()
				s.wait(time.Second)
				if c.want == "" {
					s.seesNot("forget-files")
					return
				}
				s.sees(c.want, "befree forget-files")
				s.wait(2 * time.Second)
				s.press("y")
				s.seesNot("forget-files")
			})
		})
	}
}

// The disk may tell of a forgetting a moment before the rest does. What is opened in between stays.
func TestForgottenIsToldOnce(t *testing.T) {
	sit(t, Options{}, 100, 30, over, func(s *sitter) {
		s.press("C", "enter")
		first := s.m.world
		gone := *s.m.chat.conv
		gone.Gone = time.Now()
		first.openID, first.open = gone.ID, &gone
		s.update(worldMsg{world: first, changed: make(chan struct{})})
		s.sees("It has been forgotten")
		s.press("f2")
		s.sees("Claim the next most urgent")
		then := s.m.world
		then.byID = &known{most: map[string]*desk.Conversation{gone.ID: &gone}}
		s.update(worldMsg{world: then, changed: make(chan struct{})})
		s.sees("Claim the next most urgent")
	})
}

// The disk knows before the screen does: whoever writes on meanwhile is told.
func TestWhoWritesInWhatIsForgottenIsTold(t *testing.T) {
	for words, o := range map[string]Options{"This conversation has been forgotten.": {}, "Esta conversación se olvidó.": {Language: "es"}} {
		sit(t, o, 100, 30, over, func(s *sitter) {
			s.press("C", "enter", "t", "her aunt")
			s.h.change(func() {
				s.h.fail = &desk.Refusal{Code: desk.CodeForgotten, Text: "This conversation has been forgotten."}
			})
			s.press(" Rosa")
			s.wait(3 * time.Second)
			s.sees(words)
		})
	}
}

func TestANumberGoesWhenTheScreenIsLocked(t *testing.T) {
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "esc", "W", "the police ask", "f9", "right one", "enter")
		s.sees("+12025550147")
		s.press("ctrl+l")
		s.seesNot("+12025550147")
		s.press("ctrl+l")
		s.seesNot("+12025550147", "The number of")
		s.press("W", "esc")
		if asked := s.h.asked[len(s.h.asked)-1]; asked.Kind != desk.NumberRevealed || !strings.Contains(string(asked.Body), "the police ask") {
			s.Errorf("the last that was asked: %s", asked.Kind)
		}
	})
}

func TestExport(t *testing.T) {
	var name, ending string
	var data []byte
	save := func(n, e string, d []byte) (string, error) {
		name, ending, data = n, e, d
		return "/home/ada/" + n + e, nil
	}
	sit(t, Options{Save: save}, 100, 30, over, func(s *sitter) {
		s.press("C", "enter", "E", "the advocate asks", "f9")
		s.sees("Somebody else must agree")
		s.press("E")
		s.sees("Somebody else must agree")
		for i, ends := range []string{".md", ".csv"} {
			if i > 0 {
				s.h.by("ada", desk.ExportAsked, 0, desk.Asking{Reason: "again"})
			}
			s.h.by("eve", desk.ExportApproved, s.h.state.Conversation("c0122").Export.Seq, nil)
			s.wait(time.Second)
			s.press("E")
			if i > 0 {
				s.press("down")
			}
			s.press("enter", "right one", "enter")
			s.wait(time.Second)
			s.sees("Written to")
			if ending != ends || !strings.HasPrefix(name, "export-") || !strings.Contains(string(data), "he locked me in") {
				s.Errorf("%s%s: %s", name, ending, data)
			}
		}
	})
}

// What was made to do harm does none in a file: nothing is computed, nothing moves a cursor, no heading is forged.
func TestHostileTextsInExports(t *testing.T) {
	c := &desk.Conversation{ID: "c1"}
	hostile := append(smstest.Hostile(), "=HYPERLINK(\"http://example.org\")", "@SUM(A1)", "+1", "-1", "\t=1", "\r=1", "＝1", "# forged\n\n## heading", "a\x1b[2Jb")
	for _, words := range hostile {
		c.Messages = append(c.Messages, &desk.Message{Inbound: true, Text: sms.Text(words)})
	}
	page := string(New(Options{}).markdown(c, time.UTC))
	for line := range strings.Lines(page) {
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
			t.Errorf("a control character in %q", line)
		}
		if strings.HasPrefix(line, "#") && strings.Contains(line, "forged") {
			t.Errorf("a forged heading: %q", line)
		}
	}
	cells, err := csv.NewReader(strings.NewReader(string(table(c, time.UTC)))).ReadAll()
	if err != nil || len(cells) != len(hostile)+1 {
		t.Fatalf("%d lines, %v", len(cells), err)
	}
	for _, line := range cells {
		for _, cell := range line {
			if strings.ContainsAny(strings.TrimLeft(cell, " ")[:min(1, len(strings.TrimLeft(cell, " ")))], "=+-@\t\r") || strings.HasPrefix(cell, "＝") {
				t.Errorf("a spreadsheet computes %q", cell)
			}
		}
	}
}

// TestTheSecondAgrees: enter is the harmless answer, and whoever agrees shows that it is them.
func TestTheSecondAgrees(t *testing.T) {
	sit(t, Options{}, 100, 30, func(h *hand) {
		over(h)
		h.by("sam", desk.ForgetAsked, 0, desk.Asking{Reason: "the texter asks"})
	}, func(s *sitter) {
		s.press("A", "enter")
		s.sees("sam asks for it", "the texter asks", "Nobody can undo that")
		s.press("enter")
		if s.h.state.Conversation("c0122").Forget.Approved != "" || s.m.covered() {
			s.Fatal("enter agreed")
		}
		s.press("A", "enter", "y")
		s.sees("Show that it is you")
		s.press("right one", "enter")
		s.wait(time.Second)
		if by := s.h.state.Conversation("c0122").Forget.Approved; by != "ada" {
			s.Errorf("%q agreed", by)
		}
	})
}

// TestAChoiceIsWhole: where there is no room for what stands beside it, that gives way.
func TestAChoiceIsWhole(t *testing.T) {
	for language, choices := range map[string][]string{
		"en": {"all conversations of this person's number  ", "on all that comes from this number, later too  "},
		"es": {"todas las conversaciones del número de esta persona", "sobre todo lo que venga de este número, también después"},
	} {
		sit(t, Options{Language: language}, 60, 20, over, func(s *sitter) {
			for i, key := range []string{"X", "L"} {
				s.press("C", "enter", key)
				s.sees(choices[i])
				s.press("esc", "esc")
			}
		})
	}
}
