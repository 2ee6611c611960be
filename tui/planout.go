package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/plan"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// The ways of a safety plan out of befree: as one text to the person whose it is, and as a file for the advocate.

// card puts the plan as one text into the composer, to be looked at, changed and sent by hand.
func (m *Model) card() tea.Cmd {
	if !m.holds() {
		return nil
	}
	c := m.chat.conv
	words, err := plan.Card(c.Plan(), !c.Safety.Watched)
	switch {
	case err != nil:
		m.fail("No card: " + text.Line(err.Error()) + ".")
		return nil
	case words == "":
		m.say("There is nothing in the plan yet that a card could hold.")
		return nil
	case strings.TrimSpace(m.composer.Text(c.ID)) != "":
		m.say("Something is being written already; send it or clear it first.")
		return nil
	}
	m.composer.Put(c.ID, words)
	m.focus = onComposer
	m.say("The card is in the composer. It names no word that was agreed; read it, then send it.")
	return m.saveSoon()
}

// planFile writes the plan as Markdown, having asked.
func (m *Model) planFile() tea.Cmd {
	c := m.chat.conv
	if c == nil || c.Plan().Version == 0 {
		m.say("There is no plan yet.")
		return nil
	}
	if m.SavePlan == nil {
		m.say("Plans cannot be written to files here.")
		return nil
	}
	save, name := m.SavePlan, strings.ReplaceAll(codename.Of(c.ID), " ", "-")
	words := plan.Markdown(c.Plan(), m.Zone)
	m.ask(&dialog{
		title: "Write the plan of " + m.who(c) + " to a file?",
		lines: []string{"Whoever can read this machine's files can read it then: it is not sealed. Delete it once it has been handed over."},
		choices: []choice{{"n", "do not write it", nil}, {"y", "write it", func() tea.Cmd {
			return guard(func() tea.Msg {
				path, err := save(name, []byte(words))
				return savedPlanMsg{path, err}
			})
		}}},
	})
	return nil
}

// savedPlanMsg is where a plan was written.
type savedPlanMsg struct {
	path string
	err  error
}

func (m *Model) savedPlan(s savedPlanMsg) {
	if s.err != nil {
		m.fail("The plan was not written: is there room, and may you write in your home folder?")
		return
	}
	m.say("Written to " + text.Line(s.path) + ", for you alone to read.")
}
