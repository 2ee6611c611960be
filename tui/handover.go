package tui

import (
	"maps"
	"slices"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/triage"
	"befree.example/tui/text"
)

// A handover is a conversation that somebody else made the person's at the console, or made it theirs no more.
type handover struct {
	conv *desk.Conversation
	turn *desk.Turn // by which it was; nil of one that is closed since
	mine bool       // now
}

// A claims says which conversations are somebody's as far as they know, each with the Seq of the claim that made it so.
// It outlasts the console: what changed hands while there was none is told by the next.
type claims map[string]uint64

// handovers are what changed hands without the person at the console having done it, here or elsewhere, and is not being
// told.
func (m *Model) handovers() (all []handover) {
	for _, id := range slices.Sorted(maps.Keys(m.owned)) {
		c, claim := m.world.byID.get(id), m.owned[id]
		if c == nil || c.Owner == m.Name || c.Last <= claim || !c.Gone.IsZero() || m.telling(c) {
			continue
		}
		if t := passed(c, claim+1); t == nil || t.Actor != m.Name {
			all = append(all, handover{conv: c, turn: t})
		}
	}
	for _, c := range m.world.mine {
		if m.owned[c.ID] == c.Claim || m.telling(c) || m.knew(m.world.status.Epoch, c.Claim) {
			continue
		}
		if t := passed(c, c.Claim); t != nil && t.Kind == desk.Transferred && t.Actor != m.Name {
			all = append(all, handover{conv: c, turn: t, mine: true})
		}
	}
	return all
}

// telling tells whether it is being told that c is theirs, or is not.
func (m *Model) telling(c *desk.Conversation) bool {
	mine, ok := m.untaught[c.ID]
	return ok && mine == c.HeldBy(m.Name)
}

// teach tells what changed hands, once it is known how far an earlier console had told that.
func (m *Model) teach() tea.Cmd {
	if m.Review || !m.synced || m.world.byID == nil {
		return nil
	}
	return tea.Batch(m.tellHands(m.handovers()), m.settle())
}

// settle takes down whose conversations are, but for what their person has yet to be told.
func (m *Model) settle() tea.Cmd {
	var moved []tea.Cmd
	for _, c := range m.world.mine {
		if _, untaught := m.untaught[c.ID]; !untaught && m.owned[c.ID] != c.Claim {
			m.owned[c.ID] = c.Claim
			moved = append(moved, m.moved(c.ID))
		}
	}
	for id := range m.owned {
		c := m.world.byID.get(id)
		if _, untaught := m.untaught[id]; !untaught && c != nil && !c.HeldBy(m.Name) {
			delete(m.owned, id)
			moved = append(moved, m.moved(id)) // its place is kept no more
		}
	}
	return tea.Batch(moved...)
}

// taught is for when a person has been told whose a conversation is.
func (m *Model) taught(id string) tea.Cmd {
	delete(m.untaught, id)
	return m.settle()
}

// passed is the first turn from seq on by which c went from one person to another, or back to the queue; nil for none.
func passed(c *desk.Conversation, seq uint64) *desk.Turn {
	for _, t := range c.Turns {
		if t.Seq >= seq && (t.Kind == desk.Released || t.Kind == desk.Transferred || t.Kind == desk.TakenOver) {
			return t
		}
	}
	return nil
}

// tellHands tells of what changed hands. Of the open conversation that is at once: nothing that is typed there goes to
// anybody. Of others a line stands on the screen until a question can be asked without taking a key from what is being
// written.
func (m *Model) tellHands(all []handover) tea.Cmd {
	urgent, worth := false, false
	var taught tea.Cmd
	for _, h := range all {
		m.untaught[h.conv.ID] = h.mine
		urgent = urgent || h.mine && h.conv.Severity == triage.Imminent
		worth = worth || m.CallFor != triage.Imminent
		m.untold = slices.DeleteFunc(m.untold, func(old handover) bool { return old.conv.ID == h.conv.ID })
		switch {
		case h.conv.ID != m.open:
			m.untold = append(m.untold, h)
		case h.mine:
			m.say(m.handed(h))
			taught = tea.Batch(taught, m.taught(h.conv.ID))
		default:
			m.askHand(h)
		}
	}
	return tea.Batch(taught, m.callOnce(urgent, worth))
}

// askHands asks about what changed hands as soon as nobody writes and nothing else is asked.
func (m *Model) askHands() {
	if len(m.untold) == 0 || m.lines || m.writing() || m.covered() {
		return
	}
	h := m.untold[0]
	m.untold = m.untold[1:]
	m.askHand(h)
}

func (m *Model) askHand(h handover) {
	c := h.conv
	d := &dialog{title: m.T("{{.Who}} is no longer yours", "Who", m.who(c)), itself: true, about: c.ID, hand: &h, choices: []choice{{"y", m.T("understood"), func() tea.Cmd { return m.taught(c.ID) }}}}
	if h.turn != nil {
		d.lines = append(d.lines, m.chat.turnWords(h.turn))
	}
	if h.turn != nil && h.turn.At.Before(m.began) {
		d.lines = append(d.lines, m.T("That was {{.Time}}, while you were away.", "Time", m.moment(h.turn.At)))
	}
	if h.mine {
		d.title = m.T("{{.Who}} is yours now", "Who", m.who(c))
		d.lines = append(d.lines, m.severity(c.Severity)+", "+m.waits(c, m.now))
		d.choices = append(d.choices, choice{"o", m.T("open it"), func() tea.Cmd { return m.show1(c.ID) }})
	} else {
		d.lines = append(d.lines, m.whose(c), m.T("What you were writing stays here as a draft and goes to nobody."))
	}
	m.ask(d)
}

// whose says who has a conversation that is another's.
func (m *Model) whose(c *desk.Conversation) string {
	switch c.Phase {
	case desk.Held:
		return m.T("{{.Name}} has it now.", "Name", text.Line(c.Owner))
	case desk.ClosedNow:
		return m.T("It was closed.")
	}
	return m.T("Nobody holds it now; it is back in the queue.")
}

// handed says in a line what changed hands, by whom and why, and which key leads to it from what is being written.
func (m *Model) handed(h handover) string {
	what, key := m.whose(h.conv), ""
	if h.turn != nil {
		what = m.chat.turnWords(h.turn)
	}
	if !m.lines {
		key = "esc"
	}
	if !h.mine {
		return m.T("{{.Who}} is no longer yours{{if .Key}} ({{.Key}}){{end}}: {{.What}}", "Who", m.who(h.conv), "Key", key, "What", what)
	}
	if n := slices.IndexFunc(m.world.mine, func(c *desk.Conversation) bool { return c.ID == h.conv.ID }); n >= 0 && n < 9 && !m.lines {
		key = "alt+" + strconv.Itoa(n+1)
	}
	return m.T("{{.Who}} is yours now{{if .Key}} ({{.Key}}){{end}}: {{.What}}", "Who", m.who(h.conv), "Key", key, "What", what)
}

// handLines stand over what befree says, for as long as somebody who writes has not been told more.
func (m *Model) handLines() []string {
	if len(m.untold) == 0 {
		return nil
	}
	return m.said("! "+m.handed(m.untold[0]), m.Theme.Danger)
}
