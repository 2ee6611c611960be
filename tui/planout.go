package tui

import (
	"cmp"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/tui/text"
)

// The ways of a safety plan out of befree: as one text to the person whose it is, and as a file for the advocate.

// card puts the plan as one text into the composer, to be looked at, changed and sent by hand. Where nobody has said
// whether the phone is safe, it asks that first.
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
	case c.Safety.PhoneKnown:
		return m.putCard(c, words, left)
	}
	m.ask(&dialog{
		title: m.T("Is the phone of {{.Who}} safe?", "Who", m.who(c)), about: c.ID,
		lines: []string{m.T("The safety record does not say. A card tells of the plan to whoever else reads it. What you answer goes into the record.")},
		choices: []choice{
			{"n", m.T("nobody knows: no card"), nil},
			{"y", m.T("it is theirs alone: put the card into the composer"), func() tea.Cmd {
				return tea.Batch(m.phone(c, false, ""), m.putCard(c, words, left))
			}},
			{"w", m.T("it is shared or watched: no card"), func() tea.Cmd { return m.phone(c, true, m.T("Safety record saved.")) }},
		},
	})
	return nil
}

// phone keeps in the safety record whether somebody else reads the phone.
func (m *Model) phone(c *desk.Conversation, watched bool, said string) tea.Cmd {
	return m.do(doing{what: said, kept: keptSafety}, about(c, desk.SafetySaved, desk.SafetyEdit{Watched: &watched}))
}

func (m *Model) putCard(c *desk.Conversation, words string, left []plan.Item) tea.Cmd {
	m.composer.Put(c.ID, words)
	m.composer.cards.Began(c.ID)
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

// cards are the drafts that began as a card, until nothing is left of them.
type cards struct {
	drafts map[string]bool // by conversation
	went   map[string]bool // by conversation and words: they may come back
	places places
}

// Began marks a draft as a card.
func (c *cards) Began(id string) { c.set(id, true) }

// Wrote ends a card of which nothing is left.
func (c *cards) Wrote(id, words string) {
	if strings.TrimSpace(words) == "" {
		c.set(id, false)
	}
}

// Went remembers a card that is sent.
func (c *cards) Went(id, words string) {
	if c.drafts[id] {
		c.went[id+"\n"+words] = true
	}
}

// Back makes a card of a draft again if words that came back were one.
func (c *cards) Back(id, words string) {
	if c.went[id+"\n"+words] {
		c.set(id, true)
	}
}

func (c *cards) set(id string, is bool) {
	if c.drafts[id] != is {
		c.drafts[id], c.places[place{id, cardDraft}] = is, true
	}
}

// unsafeCard says what is unsafe in words that began as a card and asks whether they go out all the same; ok is true
// where there is nothing to ask.
func (m *Model) unsafeCard(words string) (ok bool) {
	c := m.chat.conv
	if !m.composer.cards.drafts[c.ID] {
		return true
	}
	problems := plan.CardProblems(c.Plan(), words)
	if c.Safety.Watched {
		problems = append(problems, plan.ErrPhoneNotSafe.Error())
	}
	if len(problems) == 0 {
		return true
	}
	for i, p := range problems {
		problems[i] = m.Word(p)
	}
	m.ask(&dialog{
		title: m.T("This card is not safe"), about: c.ID, lines: problems,
		choices: []choice{
			{"n", m.T("do not send; it stays a draft"), func() tea.Cmd {
				m.say(m.T("It stays a draft."))
				return nil
			}},
			{"y", m.T("send it all the same"), func() tea.Cmd {
				if held := m.held(); held != "" || m.open != c.ID || m.composer.Text(c.ID) != words {
					m.fail(m.T("Not sent, it stays a draft. {{.Why}}", "Why", cmp.Or(held, m.T("What came back stands here again. Read it first."))))
					return nil
				}
				return m.sendChecked(words)
			}},
		},
	})
	return false
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
	words := plan.Markdown(c.Plan(), m.Zone, m)
	m.ask(&dialog{
		title: m.T("Write the plan of {{.Who}} to a file?", "Who", m.who(c)),
		about: c.ID,
		lines: []string{m.T("Whoever can read this machine's files can read it then: it is not sealed. Once it has been handed over, delete it: befree forget-files does.")},
		choices: []choice{{"n", m.T("do not write it"), nil}, {"y", m.T("write it"), func() tea.Cmd {
			return m.act(func() tea.Msg {
				path, err := save(name, ".md", []byte(words))
				return writtenMsg{path: path, err: err}
			})
		}}},
	})
	return nil
}
