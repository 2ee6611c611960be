package tui

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/seal"
	"befree.example/tui/text"
)

// A lock hides the screen. Where there is a passphrase it takes that to see it again; whoever judges it counts the wrong
// ones and takes longer for each.
type lock struct {
	typed  string
	wrong  int
	fault  error // why the right one did not open it
	trying bool
	since  time.Time
	unsent int  // things of the console before that had not reached the relay
	shut   bool // the console ends, to go on without a key in memory
}

// unlockedMsg is what became of a passphrase.
type unlockedMsg struct{ err error }

// lockUp hides the screen at once, and has what was found, what can be searched, a number that is shown and what was
// copied forgotten.
func (m *Model) lockUp() tea.Cmd {
	m.locked = &lock{since: m.now}
	kept := tea.Batch(m.moved(m.open), m.keepReasons())
	m.dialogs = slices.DeleteFunc(m.dialogs, func(d *dialog) bool { return d.fleeting })
	if m.palette != nil && (m.palette.ask != nil || m.palette.told) {
		m.palette = nil
	}
	if m.Copy == nil {
		return tea.Batch(kept, m.rest())
	}
	forget := m.Copy
	return tea.Batch(kept, m.rest(), guard(func() tea.Msg {
		forget("")
		return nil
	}))
}

// lockKey types the passphrase, or shows the screen again where there is none.
func (m *Model) lockKey(k tea.KeyMsg) tea.Cmd {
	l := m.locked
	switch {
	case m.Unlock == nil:
		if k.Type == tea.KeyCtrlL {
			m.locked = nil
			return m.prepare()
		}
	case l.trying:
	case k.Type == tea.KeyEnter && l.typed != "":
		return m.unlock()
	case k.Type == tea.KeyEsc || k.Type == tea.KeyCtrlL:
		l.typed = ""
	default:
		l.typed, _ = retyped(l.typed, k)
	}
	return nil
}

func (m *Model) unlock() tea.Cmd {
	l, try := m.locked, m.Unlock
	passphrase := []byte(l.typed)
	l.typed, l.trying, l.fault = "", true, nil
	return guard(func() tea.Msg { return unlockedMsg{try(passphrase)} })
}

func (m *Model) unlocked(u unlockedMsg) tea.Cmd {
	switch l := m.locked; {
	case l == nil:
	case u.err == nil:
		if m.Locked != nil {
			return m.leave()
		}
		m.locked = nil
		return m.prepare()
	case errors.Is(u.err, seal.ErrPassphrase):
		l.wrong++
		l.trying = false
	default:
		l.fault, l.trying = u.err, false
	}
	return nil
}

// unsent is how many things that go to the relay however long that takes have not reached it.
func (w *world) unsent() (n int) {
	for _, e := range w.outbox {
		if e.Refused == "" && client.Durable(e.Kind) {
			n++
		}
	}
	return n
}

// endLocked ends a console that is locked, once all that was written is on the disk and all that was begun has its end.
// Whoever runs it drops what it knew and begins another, by Carry.
func (m *Model) endLocked() tea.Cmd {
	l := m.locked
	switch {
	case !m.LockEnds || m.Locked != nil || l == nil || l.shut || l.trying:
		return nil
	case !m.synced || m.acting > 0 || len(m.early) > 0 || len(m.unsaved) > 0 && !m.Aside:
		return nil
	case len(m.world.outbox) > 0 && m.now.Sub(l.since) < m.outboxMost():
		return nil
	}
	l.shut = true
	close(m.stop)
	return tea.Quit
}

// outboxMost is how long a lock waits for what is on its way to the relay. It is on the disk, and without a connection it is
// not on its way; with one it is sent, since whoever locks may not come back before the morning.
func (m *Model) outboxMost() time.Duration {
	if m.world.status.Connected && m.world.unsent() > 0 {
		return 2 * time.Minute
	}
	return 2 * time.Second
}

// Carried is what a console hands on to the next one when it is locked, and that to the one after it. It holds nobody's
// words.
type Carried struct {
	Since  uint64       `json:"since"` // Seq of the newest event that the console knew: what is newer is news
	Epoch  string       `json:"epoch"` // of the log that Since is of
	Quiet  bool         `json:"quiet"`
	Mouse  bool         `json:"mouse"`
	Typed  string       `json:"typed"`  // of the passphrase already
	Unsent int          `json:"unsent"` // how many things have not reached the relay
	Hands  []HandedOver `json:"hands"`
	Anew   *bolt.Aside  `json:"anew,omitempty"` // the relay began anew, and its person has not acknowledged that
}

// A HandedOver is a conversation that changed hands, which its person has not acknowledged.
type HandedOver struct {
	ID   string `json:"id"`
	Turn uint64 `json:"turn"` // Seq; 0 for none
	Mine bool   `json:"mine"`
}

// Carry is what the next console is to have, once a lock has ended this one; nil where something else did.
func (m *Model) Carry() *Carried {
	if m.locked == nil || !m.locked.shut {
		return nil
	}
	c := Carried{Since: m.world.status.At, Epoch: m.world.status.Epoch, Quiet: m.quiet, Mouse: m.mouse, Typed: m.locked.typed, Unsent: m.world.unsent()}
	hands := m.untold
	for _, d := range m.dialogs {
		if d.hand != nil {
			hands = append(hands, *d.hand)
		}
		if d.anew != nil {
			c.Anew = d.anew
		}
	}
	for _, h := range hands {
		one := HandedOver{ID: h.conv.ID, Mine: h.mine}
		if h.turn != nil {
			one.Turn = h.turn.Seq
		}
		c.Hands = append(c.Hands, one)
	}
	return &c
}

// takeUp goes on as the console before was.
func (m *Model) takeUp() {
	c := m.Carried
	if l := m.Locked; l != nil {
		c, m.locked = *l, &lock{typed: l.Typed, unsent: l.Unsent}
	}
	m.quiet, m.mouse = c.Quiet, c.Mouse
}

// recallTold has its person told of what they had not acknowledged, as far as it is so still.
func (m *Model) recallTold() {
	if aside := m.Carried.Anew; aside != nil {
		m.askAnew(*aside)
	}
	for _, h := range m.Carried.Hands {
		c := m.world.byID.get(h.ID)
		if c == nil || c.HeldBy(m.Name) != h.Mine || !c.Gone.IsZero() {
			continue
		}
		recalled := handover{conv: c, mine: h.Mine}
		if h.Turn > 0 {
			recalled.turn = passed(c, h.Turn)
		}
		m.untaught[h.ID] = h.Mine
		m.untold = append(m.untold, recalled)
	}
}

// Render says how to see the screen again, and nothing else.
func (l *lock) Render(look *look, passphrase bool) []string {
	lines := []string{"", "  " + look.T("befree is locked. Texts come in and drafts are kept.")}
	if l.unsent > 0 && !look.Review {
		lines = append(lines, "", "  "+look.N(l.unsent, "{{.N}} things have not reached the relay yet. They go once the passphrase opens befree."))
	}
	switch {
	case !passphrase:
		return append(lines, "", "  "+look.T("{{.Key}} shows the screen again.", "Key", look.press("ctrl+l")))
	case l.trying:
		return append(lines, "", "  "+look.T("Looking")+strings.Repeat(".", min(l.wrong+3, 10)))
	case l.fault != nil:
		lines = append(lines, "", "  "+look.T("What is kept here does not open, and the passphrase is not why: {{.Why}}.", "Why", text.Line(look.Error(l.fault))))
	case l.wrong > 0:
		lines = append(lines, "", "  "+look.T("That was not the passphrase. Each wrong one takes longer."))
	}
	return append(lines, "", "  "+look.hidden(l.typed))
}

// hidden is a passphrase that is being typed, as it is shown.
func (l *look) hidden(typed string) string {
	return l.T("Passphrase:") + " " + strings.Repeat("*", min(utf8.RuneCountInString(typed), 40)) + "_"
}
