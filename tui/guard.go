package tui

import (
	"errors"
	"runtime/debug"

	tea "github.com/charmbracelet/bubbletea"
)

// ErrBroken says that befree stopped because of a mistake of its own. It holds nothing of what was on the screen.
var ErrBroken = errors.New("befree stopped because of a mistake of its own; what was written is kept, start it again")

// brokenMsg is a panic somewhere below: where it was, and nothing of its value, which may hold somebody's words.
type brokenMsg struct{ stack []byte }

// guard makes a command of f that survives a panic in it.
func guard(f func() tea.Msg) tea.Cmd {
	return func() (msg tea.Msg) {
		defer func() {
			if recover() != nil {
				msg = brokenMsg{debug.Stack()}
			}
		}()
		return f()
	}
}

// An actedMsg is the end of an act, whatever came of it.
type actedMsg struct{ tea.Msg }

// act is guard for what must be seen to its end: until then a lock does not end the console.
func (m *Model) act(f func() tea.Msg) tea.Cmd {
	m.acting++
	return guard(func() tea.Msg { return actedMsg{f()} })
}

// guarded ends the program in order if what it is deferred in panics.
func (m *Model) guarded(cmd *tea.Cmd) {
	if recover() != nil {
		*cmd = m.breakDown(debug.Stack())
	}
}

func (m *Model) breakDown(stack []byte) tea.Cmd {
	m.broken = true
	if m.Report != nil {
		m.Report(stack)
	}
	return m.leave()
}

// Err is ErrBroken if the console ended because of a panic; whoever runs it says so once the terminal is restored.
func (m *Model) Err() error {
	if m.broken {
		return ErrBroken
	}
	return nil
}
