package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
)

// mostPreviewed is how many rows are asked about at once: those of a tall screen.
const mostPreviewed = 100

// previews are the rows whose words were asked for, each with its newest text then that was not of a flood, in one connection.
type previews struct {
	since time.Time
	asked map[string]uint64
}

// previewFailedMsg says that rows are to be asked for again.
type previewFailedMsg struct{}

// preview asks for the words of who waits that this machine has not: of the most urgent, and of the rows in view. Words
// of those who wait lie on no specialist's disk, so there are none after every start.
func (m *Model) preview() tea.Cmd {
	s := m.world.status
	if m.Review || !s.InStep() {
		return nil
	}
	if p := &m.previews; p.asked == nil || p.since != s.Since {
		*p = previews{since: s.Since, asked: map[string]uint64{}}
	}
	var ids []string
	want := func(c *desk.Conversation) {
		if c == nil || len(ids) == mostPreviewed || c.Phase != desk.Waiting || !c.MayRead(m.Name, s.Role) || m.previews.asked[c.ID] == c.LastHeard {
			return
		}
		if newest := c.Heard(); newest != nil && newest.Withheld {
			m.previews.asked[c.ID] = c.LastHeard
			ids = append(ids, c.ID)
		}
	}
	for _, id := range m.queue.drawn {
		want(m.world.byID.get(id))
	}
	for _, c := range m.world.waiting[:min(len(m.world.waiting), mostPreviewed)] {
		want(c)
	}
	if len(ids) == 0 {
		return nil
	}
	line := m.Line
	return guard(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), doMost)
		defer cancel()
		if line.Preview(ctx, ids) != nil {
			return previewFailedMsg{}
		}
		return nil
	})
}
