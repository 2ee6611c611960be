package tui

import (
	"encoding/json"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// TestASentTextIsNoDraft: a save that was under way when enter was pressed does not bring it back.
func TestASentTextIsNoDraft(t *testing.T) {
	sit(t, Options{}, 100, 24, mine, func(s *sitter) {
		s.h.slow = 300 * time.Millisecond
		s.press("1", "Hello")
		s.wait(250 * time.Millisecond)
		s.press("enter")
		s.wait(10 * time.Second)
		if got := s.h.draft("c0147"); got != "" {
			s.Errorf("sent %q and the disk has the draft %q", s.h.replies(), got)
		}
	})
}

// TestLeavingDuringASave: what is on its way to a slow disk is not counted as there.
func TestLeavingDuringASave(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1")
		s.h.slow = 2 * time.Second
		s.press("Hello")
		s.wait(400 * time.Millisecond)
		if err := s.m.Keep(); err != nil || s.h.draft("c0147") != "Hello" {
			s.Errorf("%v, the disk has %q", err, s.h.draft("c0147"))
		}
		s.h.slow = 0
		s.wait(3 * time.Second)
	})
}

// another is a second process at the same line.
func (s *sitter) another(line Line, f func(*sitter)) {
	m := New(Options{Line: line, Name: "ada"})
	again := &sitter{T: s.T, h: s.h, msgs: make(chan tea.Msg, 1000), m: m, over: m}
	again.run(m.Init())
	again.update(tea.WindowSizeMsg{Width: 120, Height: 36})
	again.wait(time.Second)
	f(again)
	again.run(m.leave())
	again.wait(3 * time.Second)
}

// lateDrafts is a disk whose drafts come after the first world.
type lateDrafts struct{ Line }

func (l lateDrafts) Drafts() ([]bolt.Entry, error) {
	time.Sleep(20 * time.Millisecond)
	return l.Line.Drafts()
}

// TestRefusedWhileNobodySatHere: what an earlier process was refused is there at once, though nothing happens.
func TestRefusedWhileNobodySatHere(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		body, _ := json.Marshal(desk.Reply{Text: sms.Text("I am with you")})
		command, _ := json.Marshal(desk.Command{Body: body})
		s.h.outbox = []bolt.Entry{{ID: "1", Conversation: "c0147", Kind: desk.ReplyQueued, Command: command, Refused: "Too old."}}
		s.another(lateDrafts{s.h}, func(s *sitter) {
			if got := s.m.composer.Text("c0147"); got != "I am with you" || s.h.draft("c0147") != got || len(s.h.outbox) > 0 {
				s.Errorf("the draft is %q, on the disk %q, %d in the outbox", got, s.h.draft("c0147"), len(s.h.outbox))
			}
		})
	})
}

// TestWhatMayHaveGoneOutIsNotSaidToBeUnsent: not of a reply that the relay may have had before it was restored.
func TestWhatMayHaveGoneOutIsNotSaidToBeUnsent(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		body, _ := json.Marshal(desk.Reply{Text: sms.Text("I am with you")})
		command, _ := json.Marshal(desk.Command{Body: body})
		s.h.outbox = []bolt.Entry{{ID: "1", Conversation: "c0147", Kind: desk.ReplyQueued, Command: command, Refused: client.MayBeSent}}
		s.another(s.h, func(s *sitter) {
			s.sees("It may have gone out: the relay was restored since")
			s.seesNot("Not sent")
		})
	})
}

// TestADiskThatFailsForAMoment: a refused reply leaves the outbox as soon as it is a draft on the disk, and is no draft
// again after a restart once it was sent.
func TestADiskThatFailsForAMoment(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "Hello")
		s.h.overtaken(0, func() { s.h.slow = 500 * time.Millisecond })
		s.press("enter")
		s.wait(100 * time.Millisecond)
		s.h.change(func() { s.h.fail = errDisk })
		s.wait(700 * time.Millisecond)
		s.press("backspace", "!")
		s.h.change(func() { s.h.fail, s.h.slow = nil, 0 })
		s.wait(3 * time.Second)
		if got := s.m.composer.Text("c0147"); got != "Hell!" || s.h.draft("c0147") != got || len(s.h.outbox) > 0 {
			s.Errorf("the draft is %q, on the disk %q, %d in the outbox", got, s.h.draft("c0147"), len(s.h.outbox))
		}
		s.press("enter")
		s.sent("c0147: Hello", "c0147: Hell!")
		s.another(s.h, func(s *sitter) {
			if got := s.m.composer.Text("c0147"); got != "" {
				s.Errorf("sent, and a draft again: %q", got)
			}
		})
	})
}

// TestWhoComesBackTypesNoCommands: whoever goes on typing where they were writing takes nobody else and closes nothing;
// they are told, and one key goes on.
func TestWhoComesBackTypesNoCommands(t *testing.T) {
	sit(t, Options{}, 120, 36, mine, func(s *sitter) {
		s.press("1", "Are you safe?")
		s.wait(2 * time.Second)
		asked := len(s.h.asked)
		s.another(s.h, func(s *sitter) {
			s.press("n", "e", "x", " ", "n")
			s.sees("letters are commands here. enter goes on writing.")
			if len(s.h.asked) != asked || s.m.wrapUp != nil {
				t.Errorf("it did %v", s.h.asked[asked:])
			}
			s.press("enter", " now")
			s.sees("Are you safe? now")
		})
	})
}
