package tui

import (
	"cmp"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/triage"
)

// When the console calls for its person.
const (
	callEvery   = 3 * time.Second  // at most, but for imminent texts
	nobodyTakes = 30 * time.Second // an imminent text that waits longer is loud at every console
	againEvery  = 10 * time.Second // as long as it waits
)

// callFor calls for the person at the console if something in after needs them that was not in before. What is said
// never holds anything of a text, a number or a name.
func (m *Model) callFor(before, after *world) tea.Cmd {
	if before.byID == nil && m.Locked == nil || m.Review {
		return nil
	}
	urgent, worth := false, false
	least := cmp.Or(m.CallFor, triage.High)
	for _, id := range after.news {
		c, old := after.byID.get(id), before.byID.get(id)
		if before.status.Epoch != after.status.Epoch {
			old = nil // a Seq of one log says nothing of another
		}
		newer := c.Heard() != nil && (old == nil && !m.knew(after.status.Epoch, c.LastHeard) || old != nil && c.LastHeard > old.LastHeard)
		switch mine := c.HeldBy(m.Name); {
		case !newer || !mine && c.Phase != desk.Waiting:
		case c.Severity == triage.Imminent:
			urgent = true
		case mine && least != triage.Imminent || c.Severity.Rank() <= least.Rank():
			worth = true
		}
	}
	return m.callOnce(urgent, worth)
}

// knew tells whether an event of a log was known here before the console was locked.
func (m *Model) knew(epoch string, seq uint64) bool {
	return m.Locked != nil && epoch == m.Locked.Epoch && seq <= m.Locked.Since
}

// callOnce calls, for what is not urgent neither too often nor whoever is not to be disturbed.
func (m *Model) callOnce(urgent, worth bool) tea.Cmd {
	if !urgent && (!worth || m.quiet || m.now.Sub(m.called) < callEvery) {
		return nil
	}
	return m.call(urgent)
}

// callAgain is loud while an imminent text waits that nobody takes: at times of its own, however often somebody is called
// for anything else. It is seen also by whoever wants to hear nothing.
func (m *Model) callAgain() tea.Cmd {
	if m.Review {
		return nil
	}
	if !slices.ContainsFunc(m.world.waiting, m.leftAlone) {
		m.cried = time.Time{}
		if m.notice.alone {
			m.notice = notice{}
		}
		return nil
	}
	if m.now.Sub(m.cried) < againEvery {
		return nil
	}
	m.cried = m.now
	m.fail(m.aloneWords())
	m.notice.alone = true
	return m.call(true)
}

// aloneWords say that somebody is left alone, and the keys that take them from where one is.
func (m *Model) aloneWords() string {
	key := m.press("F8")
	if m.covered() && !m.lines {
		key = m.T("esc, then {{.Key}}", "Key", key)
	}
	return m.T("Somebody in imminent danger waits and nobody takes them: {{.Key}}.", "Key", key)
}

// leftAlone tells whether somebody in imminent danger has waited for longer than anybody may.
func (m *Model) leftAlone(c *desk.Conversation) bool {
	return c.Severity == triage.Imminent && !c.Unanswered.IsZero() && m.now.Sub(c.Unanswered) >= nobodyTakes
}

// disturb says whether its person is called for anything but imminent danger.
func (m *Model) disturb() {
	m.quiet = !m.quiet
	if m.quiet {
		m.say(m.T("You are called for imminent danger alone, until {{.Key}} is pressed again.", "Key", m.press("D")))
		return
	}
	m.say(m.T("You are called again for all that needs you."))
}

// retitle has the window say how many wait and whether somebody is in imminent danger: nothing of whom or of what.
func (m *Model) retitle() {
	if m.Title == nil || m.Review {
		return
	}
	urgent := ""
	if len(m.world.waiting) > 0 && m.world.waiting[0].Severity == triage.Imminent {
		urgent = m.Word(triage.Imminent.Word())
	}
	title := m.T("befree: {{.Waiting}} waiting{{if .Urgent}}, {{.Urgent}}{{end}}", "Waiting", len(m.world.waiting), "Urgent", urgent)
	if title != m.title {
		m.title = title
		m.Title(title)
	}
}

func (m *Model) call(urgent bool) tea.Cmd {
	call := m.Call
	if m.called = m.now; call == nil {
		return nil
	}
	return guard(func() tea.Msg {
		call(urgent)
		return nil
	})
}
