package tui

import (
	"slices"

	"befree.example/store/desk"
	"befree.example/tui/text"
)

// turnsAfter takes the turns that came after a text, and returns those before them with the lines of what it took. What
// one person did several times in a row is one turn.
func (c *chat) turnsAfter(turns []*desk.Turn, seq uint64) (before []*desk.Turn, lines []string) {
	n := len(turns)
	var blocks [][]string
	for n > 0 && turns[n-1].Seq > seq {
		last := turns[n-1]
		same := func(t *desk.Turn) bool {
			return t.Seq > seq && t.Kind == last.Kind && t.Actor == last.Actor && last.Reason == ""
		}
		blocks = append(blocks, c.turn(last))
		n--
		for n > 0 && same(turns[n-1]) {
			n--
		}
	}
	slices.Reverse(blocks)
	return turns[:n], slices.Concat(blocks...)
}

// turn returns a turn's lines: one, unless there are words that somebody must read.
func (c *chat) turn(t *desk.Turn) []string {
	if lines, ok := c.told[t]; ok {
		return lines
	}
	ink := c.Theme.Muted
	words := t.At.In(c.Zone).Format("15:04") + " " + c.dot + " " + c.turnWords(t)
	lines := []string{"  " + ink.Paint(cut(words, max(c.width, 10)-3, c.dots))}
	if t.Kind == desk.Transferred || t.Kind == desk.TakenOver {
		ink, lines = c.Theme.Staff, nil
		for _, l := range wrap(words, max(c.width, 10)-3) {
			lines = append(lines, "  "+ink.Paint(l))
		}
	}
	if c.told != nil {
		c.told[t] = lines
	}
	return lines
}

func (c *chat) turnWords(t *desk.Turn) string {
	name, why := text.Line(t.Actor), text.Line(t.Reason)
	switch t.Kind {
	case desk.Claimed:
		return c.T("{{.Name}} took the conversation", "Name", name)
	case desk.Released:
		return c.T("{{.Name}} gave it back to the queue", "Name", name)
	case desk.Transferred:
		return c.T("{{.Name}} handed it over to {{.Staff}}{{if .Why}}: {{.Why}}{{end}}", "Name", name, "Staff", text.Line(t.Staff), "Why", why)
	case desk.TakenOver:
		return c.T("{{.Name}} took it over{{if .Why}}: {{.Why}}{{end}}", "Name", name, "Why", why)
	case desk.SeveritySet:
		return c.T("{{.Name}} set it to {{.Severity}}{{if .Why}}: {{.Why}}{{end}}", "Name", name, "Severity", c.Word(t.Severity.Word()), "Why", why)
	case desk.FloodLifted:
		return c.T("{{.Name}} knows that it is a person, not a flood", "Name", name)
	case desk.SafetySaved:
		return c.T("{{.Name}} changed the safety record", "Name", name)
	case desk.PlanSaved:
		return c.T("{{.Name}} saved the safety plan", "Name", name)
	case desk.NoteAdded:
		return c.T("{{.Name}} wrote a note", "Name", name)
	case desk.ReferralSaved:
		return c.T("{{.Name}} noted a referral", "Name", name)
	case desk.Closed:
		return c.T("{{.Name}} closed it: {{.How}}", "Name", name, "How", c.Word(why))
	case desk.OptedOut:
		return c.T("{{.Name}} recorded an opt-out{{if .Why}}: {{.Why}}{{end}}", "Name", name, "Why", why)
	case desk.OptedIn:
		return c.T("{{.Name}} took an opt-out back{{if .Why}}: {{.Why}}{{end}}", "Name", name, "Why", why)
	}
	return text.Line(string(t.Kind))
}
