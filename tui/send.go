package tui

import (
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/tui/text"
)

// undo takes back the newest reply to anybody that has not gone out and is not being taken back.
func (m *Model) undo() tea.Cmd {
	var c *desk.Conversation
	var newest *desk.Message
	for _, one := range m.world.mine {
		for _, r := range one.Messages {
			if r.Author == m.Name && !r.Inbound && r.Delivery == desk.StatusWaiting && !m.undoing[r.ID] && (newest == nil || r.Seq > newest.Seq) {
				c, newest = one, r
			}
		}
	}
	if newest == nil {
		m.say(m.T("There is no text that could still be taken back."))
		return nil
	}
	command := about(c, desk.ReplyWithdrawn, desk.Because{Reason: takenBack})
	command.Ref = newest.ID
	m.undoing[newest.ID] = true
	return m.do(doing{undoes: newest.ID}, command)
}

// send sends what is in the composer to the conversation on the screen, unless something holds it.
func (m *Model) send() tea.Cmd {
	words := m.composer.Text(m.open)
	if m.chat.conv == nil || strings.TrimSpace(words) == "" {
		return nil
	}
	if why := m.held(); why != "" {
		m.fail(m.T("Not sent, it stays a draft. {{.Why}}", "Why", why))
		return nil
	}
	if !m.unsafeCard(words) {
		return nil
	}
	return m.sendChecked(words)
}

// sendChecked sends words that were looked at, unless it is not safe to text now.
func (m *Model) sendChecked(words string) tea.Cmd {
	if why := m.chat.conv.Gate(m.now); why != "" {
		m.gate(why, words)
		return nil
	}
	return m.reply(m.chat.conv, words, "")
}

// gate asks for the reason without which a reply is held.
func (m *Model) gate(why, words string) {
	c := m.chat.conv
	d := m.askWhy(desk.ReplyQueued, m.T("Held: {{.Who}}", "Who", m.who(c)), m.T("do not send; it stays a draft"), c.ID, func(reason string) tea.Cmd {
		if held := m.held(); held != "" || m.open != c.ID {
			m.fail(m.T("Not sent, it stays a draft. {{.Why}}", "Why", held))
			return nil
		}
		return m.reply(c, words, reason)
	}, m.Word(why), m.T("Sending all the same needs a reason, which is kept. It may be somebody else who reads it."))
	d.itself = true
	m.ask(d)
}

// reply is bound to the conversation as it was on the screen at the key press.
func (m *Model) reply(c *desk.Conversation, words, reason string) tea.Cmd {
	m.composer.Take(c.ID, words)
	d := doing{what: m.T("On its way; {{.Key}} takes it back.", "Key", m.press("alt+u")), kept: keptReply, reply: words, lasts: m.world.status.Limits.Undo}
	return tea.Batch(m.do(d, about(c, desk.ReplyQueued, desk.Reply{Text: sms.Text(words), Reason: reason})), m.saveSoon())
}

// plainQuotes says the draft on the screen with characters that cost less.
func (m *Model) plainQuotes() tea.Cmd {
	words := m.composer.Text(m.open)
	plain := sms.Replace(words)
	switch {
	case m.focus == onSide && m.side == planSide:
		m.say(m.T("Plain quotes are for a reply. Only this answer in the plan: {{.Key}}.", "Key", m.press("alt+o")))
		return nil
	case plain == words:
		m.say(m.T("Nothing in the reply on the screen can be said with plainer characters."))
		return nil
	}
	m.composer.Put(m.open, plain)
	return m.saveSoon()
}

// giveBack makes a text that did not go out a draft again. Nobody has read yet what stands in the composer then.
func (m *Model) giveBack(id, words string) {
	if m.composer.GiveBack(id, words); id == m.open {
		m.unread(id)
	}
}

// unread has the next enter wait until somebody can have read what an open conversation has come to hold.
func (m *Model) unread(id string) {
	c := m.world.byID.get(id)
	if m.composer.back[id] {
		m.cameBack = m.now
	}
	if c != nil && m.read.unread(c) > 0 && m.composer.Text(id) != "" {
		m.fresh = m.now
	}
	delete(m.composer.back, id)
}

// held says in words why nothing may be sent to the open conversation now; empty if it may, perhaps with a reason.
func (m *Model) held() string {
	c := m.chat.conv
	s := m.world.status
	switch {
	case c.Phase == desk.ClosedNow:
		return m.T("This conversation is closed.")
	case c.ID == m.claiming && c.Owner != m.Name:
		return m.T("Whether it is yours is being decided.")
	case c.Phase == desk.Waiting:
		return m.T("Nobody has this conversation yet: {{.Key}} claims it.", "Key", "esc, "+m.press("c"))
	case c.Owner != m.Name:
		return m.T("{{.Name}} has this conversation now.", "Name", text.Line(c.Owner))
	case c.OptedOut:
		return m.T("This person opted out. Nothing can be sent until they text START.")
	case !s.Connected:
		return m.T("The relay cannot be reached. What you write is kept.")
	case !s.InStep():
		return m.T("The newest is still coming in: {{.State}}.", "State", m.connection(s))
	case !m.chat.AtEnd():
		return m.T("You are not at the end of the conversation: press end, and read it first.")
	case m.now.Sub(m.fresh) < freshText:
		return m.T("A text came in this very moment. Read it first.")
	case m.read.unread(c) > 0:
		return m.T("Not all that is new was on the screen yet: pgup goes to where it begins, then end.")
	case m.now.Sub(m.cameBack) < freshText:
		return m.T("What came back stands here again. Read it first.")
	}
	if over := utf8.RuneCountInString(m.composer.Text(m.open)) - desk.MaxReply; over > 0 {
		return m.N(over, "It is {{.N}} characters too long.")
	}
	return ""
}
