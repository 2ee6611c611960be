package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/plan"
	"befree.example/tui/text"
)

// The ways of a safety plan out of befree: as one text to the person whose it is, and as a file for the advocate.

// card puts the plan as one text into the composer, to be looked at, changed and sent by hand.
func (m *Model) card() tea.Cmd {
	if !m.holds() {
		return nil
	}
	c := m.chat.conv
	words, left, err := plan.Card(c.Plan(), !c.Safety.Watched)
	switch {
	case err != nil:
		m.fail(m.T("No card: {{.Why}}.", "Why", text.Line(m.Word(err.Error()))))
		return nil
	case words == "":
		m.say(m.T("There is nothing in the plan yet that a card could hold."))
		return nil
	case strings.TrimSpace(m.composer.Text(c.ID)) != "":
		m.say(m.T("Something is being written already; send it or clear it first."))
		return nil
	}
	m.composer.Put(c.ID, words)
	m.focus = onComposer
	said := m.T("The card is in the composer, without headings, so that it tells nobody what it is for. Read it, then send it.")
	if len(left) > 0 {
		titles := make([]string, len(left))
		for i, item := range left {
			titles[i] = m.Word(item.Title)
		}
		all := answers(c.Plan())
		said = m.T("The card has {{.In}} of {{.All}} answers and no headings. Left out: {{.Left}}.", "In", all-len(left), "All", all, "Left", strings.Join(titles, ", "))
	}
	m.say(said)
	return m.saveSoon()
}

// answers counts the answers in words that a plan has.
func answers(p plan.Plan) (n int) {
	for _, f := range p.Fields {
		if strings.TrimSpace(f.Text) != "" {
			n++
		}
	}
	return n
}

// planFile writes the plan as Markdown, having asked.
func (m *Model) planFile() tea.Cmd {
	c := m.chat.conv
	if c == nil || c.Plan().Version == 0 {
		m.say(m.T("There is no plan yet."))
		return nil
	}
	if m.Save == nil {
		m.say(m.T("Files cannot be written here."))
		return nil
	}
	save, name := m.Save, "plan-"+dashed(c.ID)
	words := plan.Markdown(c.Plan(), m.Zone)
	m.ask(&dialog{
		title: m.T("Write the plan of {{.Who}} to a file?", "Who", m.who(c)),
		about: c.ID,
		lines: []string{m.T("Whoever can read this machine's files can read it then: it is not sealed. Delete it once it has been handed over.")},
		choices: []choice{{"n", m.T("do not write it"), nil}, {"y", m.T("write it"), func() tea.Cmd {
			return guard(func() tea.Msg {
				path, err := save(name, ".md", []byte(words))
				return writtenMsg{path: path, err: err}
			})
		}}},
	})
	return nil
}
