package tui

import (
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/tui/text"
)

// unknown is the newest reply of which nobody knows whether it went out, nil for none.
func unknown(c *desk.Conversation) *desk.Message {
	for _, m := range slices.Backward(c.Messages) {
		if m.Delivery == desk.StatusUnknown && m.Author != "" {
			return m
		}
	}
	return nil
}

// sendAgain sends a reply of which nobody knows whether it went out a second time, having said what that may do.
func (m *Model) sendAgain() tea.Cmd {
	if !m.holds() {
		return nil
	}
	c := m.chat.conv
	r := unknown(c)
	if r == nil {
		m.say(m.T("Of every text here it is known what became of it."))
		return nil
	}
	if why := m.held(); why != "" {
		m.fail(m.T("Not sent again. {{.Why}}", "Why", why))
		return nil
	}
	do := func(reason string) tea.Cmd {
		command := about(c, desk.SendAgain, desk.Because{Reason: reason})
		command.Ref = r.ID
		return m.do(doing{what: m.T("It is sent again.")}, command)
	}
	title := m.T("Send it again to {{.Who}}?", "Who", m.who(c))
	lines := []string{
		"\"" + cut(text.Line(r.Text.Reveal()), 200, m.dots) + "\"",
		m.T("Nobody knows whether it went out. If it did, it arrives twice, and whoever holds the phone may wonder."),
		m.T("The carrier goes on being asked. If it turns out to have it before this one starts, it is not sent again."),
	}
	if why := c.Gate(m.now); why != "" {
		m.ask(m.askWhy(desk.SendAgain, title, m.T("do not send it again"), c.ID, do, append(lines, m.Word(why), m.T("Sending all the same needs a reason, which is kept. It may be somebody else who reads it."))...))
		return nil
	}
	m.ask(&dialog{title: title, about: c.ID, lines: lines, choices: []choice{
		{"n", m.T("do not send it again"), nil}, {"y", m.T("send it again"), func() tea.Cmd { return do("") }},
	}})
	return nil
}

// fate says how far a reply got, and what is out of the ordinary about its way.
func (c *chat) fate(m *desk.Message, now time.Time) string {
	if m.Delivery == desk.StatusWaiting && c.conv.Ahead(m) != nil {
		return c.T("waits for the text before it, of which nobody knows yet whether it went out")
	}
	how := c.delivery(m, now)
	switch {
	case len(m.SIDs) > 1:
		how += c.T(" (the carrier took it {{.Times}} times)", "Times", len(m.SIDs))
	case m.Again == "":
	case m.Delivery == desk.StatusWithdrawn && m.Again == store.Carrier:
		how += " " + c.T("(the carrier does not have it)")
	case m.Again == store.Carrier:
		how += " " + c.T("(once more, as the carrier did not have it)")
	case m.Again == c.Name:
		how += " " + c.T("(again by you, it may arrive twice)")
	default:
		how += " " + c.T("(again by {{.Name}}, it may arrive twice)", "Name", text.Line(m.Again))
	}
	return how
}

// since is a time before another, with its day if that is another one.
func (l *look) since(t, now time.Time) string {
	if sameDay(t.In(l.Zone), now.In(l.Zone)) {
		return t.In(l.Zone).Format("15:04")
	}
	return l.moment(t)
}

// takenBack is why a text was withdrawn that its author took back.
const takenBack = "taken back"

// returned makes drafts again of replies that the relay did not let out: too old, not allowed any more, not with the
// carrier. It does so once, and not with what its author has written past. A reply is a draft where it was written: at
// another device of its author it is said that it was not sent, or it would go out from both.
func (m *Model) returned() tea.Cmd {
	if !m.synced || m.Review {
		return nil
	}
	var cmd tea.Cmd
	for _, c := range m.world.mine {
		if len(m.undoing) > 0 && m.undone(c) {
			cmd = m.saveSoon()
		}
		for _, r := range slices.Backward(c.Messages) {
			if r.Inbound || r.Author != m.Name {
				continue
			}
			if r.Delivery != desk.StatusWithdrawn || r.Changed <= m.gave[c.ID] {
				break
			}
			if r.Trouble == takenBack || r.Withheld {
				continue
			}
			why := text.Line(m.Word(r.Trouble))
			if !strings.HasPrefix(r.ID, m.Device) {
				m.fail(m.T("Not sent: {{.Why}}", "Why", why))
				continue
			}
			m.giveBack(c.ID, r.Text.Reveal())
			m.fail(m.T("Not sent, it is a draft again: {{.Why}}", "Why", why))
			cmd = m.saveSoon()
		}
		if at := withdrawn(c, m.Name); at > m.gave[c.ID] {
			m.gave[c.ID] = at
			cmd = tea.Batch(cmd, m.moved(c.ID))
		}
	}
	return cmd
}

// undone makes drafts again of replies that were taken back here, whether or not an answer came, and tells whether there
// were any.
func (m *Model) undone(c *desk.Conversation) (found bool) {
	for _, r := range slices.Backward(c.Messages) {
		if _, here := m.undoing[r.ID]; here && r.Delivery == desk.StatusWithdrawn {
			delete(m.undoing, r.ID)
			m.giveBack(c.ID, r.Text.Reveal())
			if c.ID == m.open {
				m.say(m.T("Taken back: it is a draft again."))
			} else {
				m.say(m.T("Taken back from {{.Who}}: it is a draft again.", "Who", m.who(c)))
			}
			found = true
		}
	}
	return found
}

// withdrawn is the Seq of the newest withdrawal of somebody's replies.
func withdrawn(c *desk.Conversation, name string) (at uint64) {
	for _, r := range c.Messages {
		if r.Author == name && r.Delivery == desk.StatusWithdrawn {
			at = max(at, r.Changed)
		}
	}
	return at
}
