package tui

import (
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/sms"
)

// key gives a key to the top of what is open, then to what means the same everywhere, then to the pane in focus.
func (m *Model) key(k tea.KeyMsg) tea.Cmd {
	m.lastKey = m.now
	switch n := len(m.dialogs); {
	case k.Type == tea.KeyCtrlC:
		return m.quit()
	case m.blank:
		m.blank = k.Type != tea.KeyCtrlL
		return nil
	case m.help:
		m.help = false
		return nil
	case n > 0:
		top := m.dialogs[n-1]
		done, cmd := top.Key(k, m.now)
		if done {
			m.drop(top)
		}
		return cmd
	}
	if cmd, ok := m.everywhere(k); ok {
		return cmd
	}
	if m.typing() {
		return m.typed(k)
	}
	if cmd, ok := m.inLists(k); ok {
		return cmd
	}
	switch m.focus {
	case onChat:
		m.chat.Key(k)
	case onQueue:
		m.queue.Key(k)
	}
	return nil
}

// typing tells whether letters are letters.
func (m *Model) typing() bool {
	return m.focus == onComposer || m.focus == onSide || m.queue.typing && m.focus == onQueue
}

// everywhere handles the keys that mean the same while typing too.
func (m *Model) everywhere(k tea.KeyMsg) (tea.Cmd, bool) {
	s := k.String()
	if number, ok := strings.CutPrefix(s, "alt+"); ok && len(number) == 1 && number[0] >= '1' && number[0] <= '9' {
		return m.mine(number), true
	}
	switch s {
	case "f1":
		m.help = true
	case "f3":
		return m.beside(notesSide), true
	case "f4":
		return m.beside(safetySide), true
	case "f5":
		return tea.ClearScreen, true
	case "f6":
		return m.beside(planSide), true
	case "f8", "alt+n":
		return m.next(), true
	case "alt+u":
		return m.undo(), true
	case "ctrl+l":
		m.blank = true
	case "tab", "shift+tab":
		m.rotate(map[string]int{"tab": 1, "shift+tab": -1}[s])
	default:
		return nil, false
	}
	return nil, true
}

// inLists handles the keys of a pane in which nothing is written.
func (m *Model) inLists(k tea.KeyMsg) (tea.Cmd, bool) {
	s := k.String()
	if len(s) == 1 && s[0] >= '1' && s[0] <= '9' {
		return m.mine(s), true
	}
	switch s {
	case "?":
		m.help = true
	case "n":
		return m.next(), true
	case "c":
		return m.claim(m.chosen()), true
	case "R":
		m.release()
		return nil, true
	case "x":
		m.closing()
		return nil, true
	case "u":
		return m.undo(), true
	case "t":
		return m.beside(notesSide), true
	case "s":
		return m.beside(safetySide), true
	case "p":
		return m.beside(planSide), true
	case "q":
		return m.quit(), true
	case "enter":
		return m.enter(), true
	case "esc":
		return nil, m.back()
	default:
		return nil, false
	}
	return nil, true
}

// enter opens what is selected, and begins to write in what is open.
func (m *Model) enter() tea.Cmd {
	if m.focus == onChat {
		if m.Review {
			return m.beside(notesSide)
		}
		m.focus = onComposer
		return nil
	}
	if c := m.queue.Selected(); c != nil {
		return m.show1(c.ID)
	}
	return nil
}

// back goes one step towards the list. It never destroys anything.
func (m *Model) back() bool {
	m.notice = notice{}
	switch m.focus {
	case onQueue:
		return false
	case onSide:
		m.side, m.focus = noSide, onChat
	case onComposer:
		m.focus = onChat
	default:
		m.focus = onQueue
	}
	return true
}

// rotate moves the focus to the next pane that there is.
func (m *Model) rotate(step int) {
	m.queue.typing = false
	panes := []pane{onQueue}
	if m.chat.conv != nil {
		panes = append(panes, onChat)
		if !m.Review {
			panes = append(panes, onComposer)
		}
		if m.side != noSide {
			panes = append(panes, onSide)
		}
	}
	for i, p := range panes {
		if p == m.focus {
			m.focus = panes[(i+step+len(panes))%len(panes)]
			return
		}
	}
}

// typed gives a key to what is being written.
func (m *Model) typed(k tea.KeyMsg) tea.Cmd {
	switch {
	case m.focus == onQueue:
		m.queue.Key(k)
	case m.focus == onSide:
		return m.sideKey(k)
	case k.Type == tea.KeyEsc:
		m.back()
	case k.Type == tea.KeyPgUp || k.Type == tea.KeyPgDown:
		m.chat.Key(k)
	case k.Type == tea.KeyEnd && !m.chat.AtEnd():
		m.chat.Key(k)
	case k.Type == tea.KeyF7:
		m.composer.Put(m.open, sms.Replace(m.composer.Text(m.open)))
		return m.saveSoon()
	case k.Type == tea.KeyEnter && !k.Alt:
		return m.enterTyped()
	default:
		m.composer.Key(k, m.now)
		return m.saveSoon()
	}
	return nil
}

// enterTyped sends, unless the enter is part of a paste or one held down.
func (m *Model) enterTyped() tea.Cmd {
	if m.composer.Pasted(m.now) {
		m.composer.Newline()
		return m.saveSoon()
	}
	if m.composer.Repeated(m.now) {
		return nil
	}
	return m.send()
}

// sideKey gives a key to the pane beside the conversation.
func (m *Model) sideKey(k tea.KeyMsg) tea.Cmd {
	switch {
	case k.Type == tea.KeyEsc:
		cmd := m.keep()
		m.back()
		return cmd
	case k.Type == tea.KeyCtrlS:
		return m.keepSide()
	case m.side == notesSide:
		m.notes.Key(m.open, k)
		return m.wrote(noteDraft)
	case m.side == safetySide && m.safety != nil:
		m.safety.Key(k)
	case m.side == planSide && m.plan != nil:
		return m.planKey(k)
	}
	return nil
}

func (m *Model) planKey(k tea.KeyMsg) tea.Cmd {
	step := map[string]int{"pgdown": 1, "pgup": -1, "alt+down": 1, "alt+up": -1}[k.String()]
	switch {
	case step != 0:
		cmd := m.keep()
		m.plan.Move(step)
		return cmd
	case k.Type == tea.KeyF7 && m.plan.Contested():
		return m.do(doing{what: "The plan has this one answer now.", kept: keptPlan}, m.about(desk.PlanSaved, m.plan.Choose()))
	case k.Type == tea.KeyF9:
		return m.suicide()
	default:
		m.plan.Key(k)
		return m.wrote(planDraft + m.plan.item())
	}
}

// mine opens one's own conversation by its number.
func (m *Model) mine(number string) tea.Cmd {
	n, _ := strconv.Atoi(number)
	if n < 1 || n > len(m.world.mine) {
		m.say("You hold " + counted(len(m.world.mine), "conversation", "conversations") + ".")
		return nil
	}
	return m.show1(m.world.mine[n-1].ID)
}
