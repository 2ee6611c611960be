package tui

import (
	tea "github.com/charmbracelet/bubbletea"
)

// toggleMouse turns the mouse on or off; it is off until it is asked for, since a terminal selects text with it.
func (m *Model) toggleMouse() {
	if m.Mouse == nil {
		m.say(m.T("There is no mouse here."))
		return
	}
	m.mouse = !m.mouse
	m.Mouse(m.mouse)
	if m.mouse {
		m.say(m.T("The mouse clicks and scrolls. The terminal selects text with shift held."))
		return
	}
	m.say(m.T("The mouse is the terminal's again."))
}

// clicked gives a click or a turn of the wheel to the pane under it. A click never does more than open or begin to write.
func (m *Model) clicked(e tea.MouseMsg) tea.Cmd {
	if !m.mouse || m.locked != nil || m.covered() {
		return nil
	}
	m.lastKey = m.now
	p, row := m.under1(e.X, e.Y)
	turn := map[tea.MouseButton]int{tea.MouseButtonWheelUp: 1, tea.MouseButtonWheelDown: -1}[e.Button]
	switch {
	case turn != 0 && p == onQueue:
		m.queue.Move(-turn)
	case turn != 0 && p == onChat:
		m.chat.Scroll(3 * turn)
		return m.moved(m.open)
	case turn != 0 && p == onSide:
		m.scroll.Move(-3 * turn)
	case e.Button != tea.MouseButtonLeft || e.Action != tea.MouseActionPress:
	case p == onQueue:
		if id := m.queue.at(row); id != "" {
			m.focus = onQueue
			return m.show1(id)
		}
	case p == onComposer && m.shut():
		m.focus = onChat
	case m.chat.conv != nil:
		m.focus = p
	}
	return nil
}

// under1 is the pane at a cell of the screen, and the row in it.
func (m *Model) under1(x, y int) (pane, int) {
	height := m.panes()
	y -= len(m.head()) - 1
	for i, c := range m.columns(height) {
		if x < c.width {
			p := m.columnPanes()[i]
			if p == onChat && y-1 >= height-m.boxRows(c.width) && !m.Review {
				p = onComposer
			}
			return p, y - 1
		}
		x -= c.width + 1
	}
	return onChat, y - 1
}

// columnPanes are the panes of columns, in their order.
func (m *Model) columnPanes() []pane {
	open := m.side != noSide && m.chat.conv != nil
	switch {
	case m.width >= wideFrom && open:
		return []pane{onQueue, onChat, onSide}
	case m.width >= mediumFrom && open:
		return []pane{onSide, onChat}
	case m.width >= mediumFrom:
		return []pane{onQueue, onChat}
	case m.focus == onQueue || m.focus == onSide:
		return []pane{m.focus}
	}
	return []pane{onChat}
}
