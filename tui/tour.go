package tui

import (
	"slices"

	"befree.example/store/desk"
)

// A tour says, at the foot of the screen, what somebody may do next who sits here for the first time. It goes on by
// itself as each is done, in whatever order, and waits for nobody: everything else can be done meanwhile.
type tour struct{ did [6]bool }

// A step is one thing to do, where it can be done, and how one knows that it was.
type step struct {
	say  func(m *Model) string
	here func(m *Model) bool
	done func(m *Model) bool
}

func anywhere(*Model) bool        { return true }
func besideNothing(m *Model) bool { return m.focus != onSide }

var steps = [6]step{
	{
		func(m *Model) string {
			key := "n"
			if m.typing() {
				key = "F8" // where n is a letter
			}
			return m.T("Tour 1 of 6. {{.Key}} takes the most urgent who waits, and opens it.", "Key", m.press(key))
		},
		besideNothing,
		func(m *Model) bool { return len(m.world.mine) > 0 },
	},
	{
		func(m *Model) string {
			if m.focus == onQueue {
				return m.T("Tour 2 of 6. {{.Key}} opens your conversation again. Then read, write a few words, and enter.", "Key", m.press("1"))
			}
			if m.lines {
				return m.T("Tour 2 of 6. Write a line, and an empty line sends it; {{.Key}} takes it back for 5 seconds.", "Key", m.press("alt+u"))
			}
			return m.T("Tour 2 of 6. enter sends what you write; {{.Key}} takes it back for 5 seconds.", "Key", m.press("alt+u"))
		},
		besideNothing,
		func(m *Model) bool {
			c := m.chat.conv
			return c != nil && slices.ContainsFunc(c.Messages, func(r *desk.Message) bool { return r.Author == m.Name })
		},
	},
	{
		func(m *Model) string {
			switch {
			case m.lines:
				return m.T("Tour 3 of 6. {{.Key}} opens the safety record, a field at a time: agree on a word for danger.", "Key", m.press("F4"))
			case m.focus == onSide:
				return m.T("Tour 3 of 6. {{.Key}} keeps it, once the word for danger stands there.", "Key", m.press("ctrl+s"))
			}
			return m.T("Tour 3 of 6. {{.Key}} opens the safety record: agree on a word for danger.", "Key", m.press("F4"))
		},
		func(m *Model) bool { return m.focus != onSide || m.side == safetySide },
		func(m *Model) bool { return m.chat.conv != nil && m.chat.conv.SafetySeq > 0 },
	},
	{
		func(m *Model) string {
			switch {
			case m.lines:
				return m.T("Tour 4 of 6. {{.Key}} opens the safety plan, a question at a time.", "Key", m.press("F6"))
			case m.focus == onSide && m.side == planSide:
				return m.T("Tour 4 of 6. tab keeps the answer and goes on to the next question.")
			}
			return m.T("Tour 4 of 6. {{.Key}} opens the safety plan: answer a question in it.", "Key", m.press("F6"))
		},
		func(m *Model) bool { return m.focus != onSide || m.side == planSide || m.side == safetySide },
		func(m *Model) bool { return m.chat.conv != nil && m.chat.conv.Plan().Version > 0 },
	},
	{
		func(m *Model) string {
			return m.T("Tour 5 of 6. {{.Key}}, then type: whatever can be done is found by its name.", "Key", m.press("F2"))
		},
		anywhere,
		func(m *Model) bool { return m.palette != nil },
	},
	{
		func(m *Model) string {
			if m.lines {
				return m.T("Tour 6 of 6. {{.Key}}, when it is over: four questions and it is closed.", "Key", m.press("x"))
			}
			return m.T("Tour 6 of 6. esc, then {{.Key}}, when it is over: four questions and it is closed.", "Key", m.press("x"))
		},
		besideNothing,
		func(m *Model) bool { return m.wrapUp != nil },
	},
}

// say is what to do next here, empty when all was done, or where it can not be done.
func (t *tour) say(m *Model) string {
	for i, s := range steps {
		t.did[i] = t.did[i] || s.done(m)
	}
	next := slices.Index(t.did[:], false)
	if next < 0 || m.covered() || !steps[next].here(m) {
		return ""
	}
	return steps[next].say(m)
}
