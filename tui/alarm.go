package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store/bolt"
)

// alarm says what is wrong with the relay's log, in words that nobody takes for a network's mood; nothing where all is
// well.
func (l *look) alarm(a bolt.Alarm) string {
	switch a.What {
	case "":
		return ""
	case client.AlarmRewritten:
		return l.T("THE RELAY'S LOG WAS REWRITTEN: of the {{.Events}} events that this console has seen, some are others now. Trust nothing on this screen, and tell whoever runs the relay by another way.", "Events", a.Size)
	case client.AlarmShorter:
		return l.T("THE RELAY HAS LOST WHAT IT HAD: of the events that this console has seen, {{.Events}} are gone, and texts and notes may be among them. It was restored from an older backup, or cut back. Tell whoever runs it.", "Events", a.Gone)
	case client.AlarmReplaced:
		return l.T("THE RELAY HAS ANOTHER LOG than the one that this console knew, and does not say that it goes on from that. Trust nothing on this screen, and tell whoever runs the relay by another way.")
	case client.AlarmShown:
		return l.T("THE RELAY SHOWED THIS CONSOLE ANOTHER EVENT than the one in its log. Trust nothing on this screen, and tell whoever runs the relay by another way.")
	default: // client.AlarmKey
		return l.T("THE RELAY DOES NOT SIGN ANY MORE, OR NOT WITH THE KEY that this console knows: somebody else may stand in its place. Trust nothing on this screen, and tell whoever runs the relay by another way.")
	}
}

// alarmLines stand over everything else for as long as there is something to be alarmed about.
func (m *Model) alarmLines() []string {
	words := m.alarm(m.world.status.Alarm)
	if words == "" {
		return nil
	}
	lines := wrap(words, m.width-4)
	for i, line := range lines {
		mark := "  "
		if i == 0 {
			mark = "! "
		}
		pad := max(0, m.width-3-cells(line))
		lines[i] = m.Theme.Danger.Paint(" " + mark + line + strings.Repeat(" ", pad))
	}
	return lines
}

// acceptMsg says how accepting went.
type acceptMsg struct{ err error }

// alarmed shows what is wrong with the relay's log, and takes a person's word that it is known and well.
func (m *Model) alarmed() tea.Cmd {
	words := m.alarm(m.world.status.Alarm)
	if words == "" {
		m.say(m.T("Nothing is wrong with the relay's log: it goes on from all that this console has seen of it."))
		return nil
	}
	line := m.Line
	m.ask(&dialog{
		title: m.T("The relay's log is not the one that it was"),
		lines: []string{words, m.T("The checkpoint that this console kept stays aside. Accept the log as it is now only if you know why: whoever runs the relay told you, by another way, that it was restored.")},
		choices: []choice{{"n", m.T("leave the warning"), nil}, {"y", m.T("accept the log as it is now"), func() tea.Cmd {
			return guard(func() tea.Msg { return acceptMsg{line.Accept()} })
		}}},
	})
	return nil
}

func (m *Model) accepted(a acceptMsg) {
	if a.err != nil {
		m.fail(m.T("That could not be kept on this machine's disk; the warning stays."))
		return
	}
	m.say(m.T("From now on the relay's log is held against what it is now."))
}
