package tui

import (
	"encoding/json"
	"errors"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// draftsMsg are the drafts that were on the disk when the console started.
type draftsMsg struct {
	entries []bolt.Entry
	err     error
}

// saveMsg says that drafts are due on the disk.
type saveMsg struct{}

func (m *Model) loadDrafts() tea.Cmd {
	line := m.Line
	return guard(func() tea.Msg {
		entries, err := line.Drafts()
		return draftsMsg{entries, err}
	})
}

func (m *Model) restore(d draftsMsg) {
	m.synced = true
	if d.err != nil {
		m.fail(plainly(d.err))
		return
	}
	for _, e := range d.entries {
		m.composer.Restore(e.Conversation, draftText(e.Command), e.At)
	}
	if len(d.entries) > 0 {
		m.say("Here is " + counted(len(d.entries), "draft", "drafts") + " from before.")
	}
}

// draftText reads a draft's words, which a cache keeps as they are or as a JSON string.
func draftText(raw []byte) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// saveSoon puts drafts on the disk within a second of the key that changed them, however fast others follow.
func (m *Model) saveSoon() tea.Cmd {
	if m.composer.saving || len(m.composer.dirty) == 0 {
		return nil
	}
	m.composer.saving = true
	return tea.Tick(saveWithin, func(time.Time) tea.Msg { return saveMsg{} })
}

func (m *Model) save() tea.Cmd {
	m.composer.saving = false
	drafts, line, now := m.composer.Unsaved(), m.Line, m.now
	if len(drafts) == 0 {
		return nil
	}
	return guard(func() tea.Msg {
		var errs []error
		for id, words := range drafts {
			errs = append(errs, line.Draft(id, words, now))
		}
		return kept(errors.Join(errs...))
	})
}

// Keep puts what is being written on the disk. It is for after the console has ended, in whatever way.
func (m *Model) Keep() error {
	var errs []error
	for id, words := range m.composer.Unsaved() {
		errs = append(errs, m.Line.Draft(id, words, m.now))
	}
	return errors.Join(errs...)
}

// kept is nothing to say, or that something could not be kept.
func kept(err error) tea.Msg {
	if err == nil {
		return nil
	}
	return doneMsg{err: err}
}

// takeBack makes refused replies drafts again: on the disk first, then out of the outbox.
func (m *Model) takeBack() tea.Cmd {
	line := m.Line
	var cmds []tea.Cmd
	for _, e := range m.world.outbox {
		if e.Refused == "" || e.Kind != desk.ReplyQueued || m.adopted[e.ID] || !m.synced {
			continue
		}
		m.adopted[e.ID] = true
		m.composer.GiveBack(e.Conversation, written[desk.Reply](e).Text.Reveal())
		delete(m.composer.dirty, e.Conversation)
		m.fail("Not sent: " + plainly(&desk.Refusal{Text: e.Refused}))
		words, now := m.composer.Text(e.Conversation), m.now
		cmds = append(cmds, guard(func() tea.Msg {
			if err := line.Draft(e.Conversation, words, now); err != nil {
				return kept(err)
			}
			return kept(line.Discard(e.ID))
		}))
	}
	return tea.Batch(cmds...)
}
