package tui

import (
	"slices"

	"befree.example/store/desk"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// history tells what this console knows of the same person: each conversation, the newest first, with how it ended, what
// they were referred to, and when somebody is to look after them again.
func (m *Model) history(c *desk.Conversation, width, height int, focused bool) []string {
	lines := []string{m.heading(m.T("History of this texter"), width, focused)}
	add := func(s string) {
		for _, l := range wrap(s, width-5) {
			lines = append(lines, "    "+l)
		}
	}
	for seen := map[string]bool{}; c != nil && !seen[c.ID]; c = m.world.byID[c.Earlier] {
		seen[c.ID] = true
		lines = append(lines, "  "+m.Theme.Title.Paint(codename.Of(c.ID)+", "+m.moment(c.OpenedAt)))
		add(m.severity(c.Severity) + ", " + m.T("plan of version {{.Version}}", "Version", c.Plan().Version))
		for _, staff := range c.Held {
			add(m.T("held by {{.Name}}", "Name", text.Line(staff)))
		}
		if c.Phase != desk.ClosedNow {
			continue
		}
		add(m.T("closed {{.Time}}", "Time", m.moment(c.ClosedAt)) + ": " + text.Line(m.Word(c.Closing.Disposition)))
		for _, said := range []string{c.Closing.Contact, c.Closing.Safety} {
			if said != "" {
				add(text.Line(m.Word(said)))
			}
		}
		if c.Closing.FollowUp != "" {
			add(m.T("to be looked after again on {{.Day}}", "Day", text.Line(c.Closing.FollowUp)))
		}
		add(m.referral(c))
		if c.Earlier != "" && m.world.byID[c.Earlier] == nil {
			lines = append(lines, "  "+m.Theme.Muted.Paint(m.T("An earlier conversation is not on this machine.")))
		}
	}
	return lines[:min(len(lines), height)]
}

// referral says whether somebody was passed on, as far as the wrap-up says.
func (m *Model) referral(c *desk.Conversation) string {
	if slices.Contains([]string{"referred", "emergency services sent"}, c.Closing.Disposition) {
		return m.T("Referral: made; whether it was accepted is not recorded.")
	}
	return m.T("Referral: none.")
}
