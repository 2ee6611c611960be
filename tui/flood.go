package tui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
)

// flooded says of somebody what their flood does, and what it does not.
func (l *look) flooded(c *desk.Conversation) string {
	return l.N(c.Flood.Texts, "{{.N}} texts beyond 30 in a minute: they change neither place nor bell.")
}

// folds tells whether a text of a conversation stands in one line with the others of its flood.
func (c *chat) folds(conv *desk.Conversation, m *desk.Message) bool {
	return m.Flood > 0 && !conv.Flood.Lifted && (!c.whole || c.conv == nil || c.conv.ID != conv.ID)
}

// block returns the lines of a text, or of those of a flood that end with it, and the first that they stand for.
func (c *chat) block(i int, now time.Time) (first int, lines []string) {
	ms := c.conv.Messages
	if !c.folds(c.conv, ms[i]) {
		return i, c.message(ms[i], now)
	}
	first = max(0, i+1-ms[i].Flood)
	return first, c.flood(ms[first : i+1])
}

// flood is the one line of so many texts.
func (c *chat) flood(ms []*desk.Message) []string {
	from, to := ms[0].At.In(c.Zone).Format("15:04"), ms[len(ms)-1].At.In(c.Zone).Format("15:04")
	if from != to {
		from += "-" + to
	}
	words := c.N(len(ms), "{{.N}} texts of a flood: {{.Key}} shows them", "Key", c.press("v"))
	if c.lines { // more of them come unsaid
		words = c.T("texts of a flood: {{.Key}} shows them", "Key", c.press("v"))
	}
	return wrapHead(c.Theme.Texter.Paint(from+" "+c.T("texter"))+" "+c.Theme.Danger.Paint(c.dot+" "+words), max(c.width, 10))
}

// unfold shows the texts of the open conversation's floods, or has them stand in one line each again.
func (m *Model) unfold() tea.Cmd {
	c := m.chat.conv
	if c == nil {
		m.say(m.T("Open a conversation first."))
		return nil
	}
	m.chat.whole = !m.chat.whole
	if m.chat.whole {
		return m.fetchWords(c)
	}
	return nil
}

// lift says of a flood that it is a person in danger.
func (m *Model) lift() tea.Cmd {
	c := m.chosen()
	switch {
	case !m.goesOn(c):
		return nil
	case !c.Flooding(m.now):
		m.say(m.T("There is no flood in it: its texts count like anybody's."))
		return nil
	}
	d := doing{what: m.T("The texts of {{.Who}} count like anybody's now.", "Who", m.who(c)), then: func() tea.Cmd { return m.load(m.open) }}
	return m.do(d, desk.Command{Kind: desk.FloodLifted, Conversation: c.ID})
}
