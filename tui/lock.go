package tui

import (
	"slices"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
)

// A lock hides the screen. Where there is a passphrase it takes that to see it again; whoever judges it counts the wrong
// ones and takes longer for each.
type lock struct {
	typed  string
	wrong  int
	trying bool
}

// unlockedMsg is what became of a passphrase.
type unlockedMsg struct{ right bool }

// lockUp hides the screen at once, and has what was found, what can be searched, a number that is shown and what was
// copied forgotten.
func (m *Model) lockUp() tea.Cmd {
	m.locked = &lock{}
	m.dialogs = slices.DeleteFunc(m.dialogs, func(d *dialog) bool { return d.fleeting })
	if m.palette != nil && (m.palette.ask != nil || m.palette.told) {
		m.palette = nil
	}
	if m.Copy == nil {
		return m.rest()
	}
	forget := m.Copy
	return tea.Batch(m.rest(), guard(func() tea.Msg {
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
	l.typed, l.trying = "", true
	return guard(func() tea.Msg { return unlockedMsg{try(passphrase)} })
}

func (m *Model) unlocked(u unlockedMsg) tea.Cmd {
	switch l := m.locked; {
	case l == nil:
	case u.right:
		m.locked = nil
		return m.prepare()
	default:
		l.wrong++
		l.trying = false
	}
	return nil
}

// Render says how to see the screen again, and nothing else.
func (l *lock) Render(look *look, passphrase bool) []string {
	lines := []string{"", "  " + look.T("befree is locked. Texts come in and drafts are kept.")}
	switch {
	case !passphrase:
		return append(lines, "", "  "+look.T("{{.Key}} shows the screen again.", "Key", look.press("ctrl+l")))
	case l.trying:
		return append(lines, "", "  "+look.T("Looking")+strings.Repeat(".", min(l.wrong+3, 10)))
	case l.wrong > 0:
		lines = append(lines, "", "  "+look.T("That was not the passphrase. Each wrong one takes longer."))
	}
	return append(lines, "", "  "+look.hidden(l.typed))
}

// hidden is a passphrase that is being typed, as it is shown.
func (l *look) hidden(typed string) string {
	return l.T("Passphrase:") + " " + strings.Repeat("*", min(utf8.RuneCountInString(typed), 40)) + "_"
}
