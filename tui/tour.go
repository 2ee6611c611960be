package tui

import (
	"slices"

	"befree.example/store/desk"
)

// A tour says, at the foot of the screen, what somebody may do next who sits here for the first time. It goes on by
// itself as each is done, and waits for nobody: everything else can be done meanwhile.
type tour struct{ at int }

// A step is one thing to do, and how one knows that it was done.
type step struct {
	say  func(m *Model) string
	done func(m *Model) bool
}

var steps = []step{
	{
		func(m *Model) string {
			return m.T("Tour 1 of 6. Somebody waits. {{.Key}} takes the most urgent and opens it.", "Key", m.press("n"))
		},
		func(m *Model) bool { return len(m.world.mine) > 0 },
	},
	{
		func(m *Model) string {
			return m.T("Tour 2 of 6. Read, write a few words, then enter. {{.Key}} takes it back for 5 seconds.", "Key", m.press("alt+u"))
		},
		func(m *Model) bool {
			c := m.chat.conv
			return c != nil && slices.ContainsFunc(c.Messages, func(r *desk.Message) bool { return r.Author == m.Name })
		},
	},
	{
		func(m *Model) string {
			return m.T("Tour 3 of 6. Agree on a word that says danger: {{.Key}} opens the safety record, ctrl+s keeps it.", "Key", m.press("F4"))
		},
		func(m *Model) bool { return m.chat.conv != nil && m.chat.conv.SafetySeq > 0 },
	},
	{
		func(m *Model) string {
			return m.T("Tour 4 of 6. {{.Key}} opens the safety plan: a question at a time, pgdown keeps the answer and goes on.", "Key", m.press("F6"))
		},
		func(m *Model) bool { return m.chat.conv != nil && m.chat.conv.Plan().Version > 0 },
	},
	{
		func(m *Model) string {
			return m.T("Tour 5 of 6. Whatever can be done is found by its name: {{.Key}}, then type.", "Key", m.press("F2"))
		},
		func(m *Model) bool { return m.palette != nil },
	},
	{
		func(m *Model) string {
			return m.T("Tour 6 of 6. When it is over, esc, then {{.Key}}: four questions and it is closed. Have a look around.", "Key", m.press("x"))
		},
		func(m *Model) bool { return m.wrapUp != nil },
	},
}

// say is what to do next, empty when all was done.
func (t *tour) say(m *Model) string {
	for t.at < len(steps) && steps[t.at].done(m) {
		t.at++
	}
	if t.at == len(steps) {
		return ""
	}
	return steps[t.at].say(m)
}
