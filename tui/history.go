package tui

import (
	"iter"
	"slices"

	"befree.example/store/desk"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// earlierThan yields a conversation and those that the same person had before it, as far as this console knows them, the
// newest first.
func (m *Model) earlierThan(c *desk.Conversation) iter.Seq[*desk.Conversation] {
	return func(yield func(*desk.Conversation) bool) {
		for seen := map[string]bool{}; c != nil && !seen[c.ID]; c = m.world.byID.get(c.Earlier) {
			seen[c.ID] = true
			if !yield(c) {
				return
			}
		}
	}
}

// history tells what this console knows of the same person: each conversation, the newest first, with how it ended and
// when somebody is to look after them again.
func (m *Model) history(c *desk.Conversation, width int) (lines []string) {
	for c := range m.earlierThan(c) {
		lines = append(lines, m.beganAs(c))
		add := func(s string) { lines = append(lines, indented(s, width)...) }
		state := m.severity(c.Severity)
		if v := c.Plan().Version; v > 0 {
			state += ", " + m.T("plan of version {{.Version}}", "Version", v)
		}
		add(state)
		if c.Place != "" {
			add(m.T("number of {{.Place}}", "Place", text.Line(c.Place)))
		}
		for _, staff := range c.Held {
			held := m.T("was held by {{.Name}}", "Name", text.Line(staff))
			if c.HeldBy(staff) {
				held = m.T("held by {{.Name}}", "Name", text.Line(staff))
			}
			add(held)
		}
		for _, r := range c.Referrals {
			if !r.Withheld {
				add(m.T("referred to {{.Name}}: {{.Status}}", "Name", text.Line(r.To.Reveal()), "Status", m.referralStatus(r.Status())))
			}
		}
		if c.Phase == desk.ClosedNow {
			add(m.ended(c))
			for _, said := range []string{c.Closing.Contact, c.Closing.Safety} {
				if said != "" {
					add(text.Line(m.Word(said)))
				}
			}
		}
		if c.Earlier != "" && m.world.byID.get(c.Earlier) == nil {
			lines = append(lines, "  "+m.Theme.Muted.Paint(m.T("An earlier conversation is not on this machine.")))
		}
	}
	return lines
}

// referrals tells to whom this person was passed on in each of their conversations, for what, with what consent and what
// came of it, and when somebody looks after them again.
func (m *Model) referrals(c *desk.Conversation, width int) (lines []string) {
	for c := range m.earlierThan(c) {
		lines = append(lines, m.beganAs(c))
		add := func(s string) { lines = append(lines, indented(s, width)...) }
		if c.Phase == desk.ClosedNow {
			add(m.ended(c))
		}
		for _, r := range c.Referrals {
			lines = append(lines, m.referral(r, width)...)
		}
		switch {
		case len(c.Referrals) > 0 || c.Phase == desk.ClosedNow && c.Closing.Disposition == "":
		case c.Phase != desk.ClosedNow:
			add(m.T("Referral: none yet."))
		case slices.Contains([]string{"referred", "emergency services sent"}, c.Closing.Disposition):
			add(m.T("Referral: made; to whom and what came of it is not recorded."))
		default:
			add(m.T("Referral: none."))
		}
		if c.Closing.Summary != "" {
			add(text.Line(c.Closing.Summary))
		}
		if c.Closing.FollowUp != "" {
			add(m.T("to be looked after again on {{.Day}}", "Day", text.Line(c.Closing.FollowUp)))
		}
	}
	return lines
}

// beganAs names a conversation and when it began.
func (m *Model) beganAs(c *desk.Conversation) string {
	return "  " + m.Theme.Title.Paint(codename.Of(c.ID)+", "+m.moment(c.OpenedAt))
}

func (m *Model) ended(c *desk.Conversation) string {
	return m.T("closed {{.Time}}", "Time", m.moment(c.ClosedAt)) + ": " + text.Line(m.Word(c.Closing.Disposition))
}
