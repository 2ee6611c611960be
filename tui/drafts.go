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
		switch words := draftText(e.Command); e.What {
		case replyDraft:
			m.composer.Restore(e.Conversation, words, e.At)
		case noteDraft:
			m.notes.editor(e.Conversation).SetText(words)
		default:
			m.answers[e.Conversation] = e
		}
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

// A place is where something is being written: what it will be, and in which conversation.
type place struct{ conversation, what string }

type places map[place]bool

// What a draft will be.
const (
	replyDraft = ""
	noteDraft  = "note"
	planDraft  = "plan/" // and the item
)

// words are what stands in a place now and has not been sent or saved.
func (m *Model) words(p place) string {
	switch {
	case p.what == replyDraft:
		return m.composer.Text(p.conversation)
	case p.what == noteDraft:
		return m.notes.editor(p.conversation).Text()
	case m.plan != nil && m.plan.id == p.conversation && planDraft+m.plan.item() == p.what && m.plan.Changed():
		return m.plan.editor.Text()
	}
	return ""
}

// wrote marks that something was written, and sees to it that the disk has it soon.
func (m *Model) wrote(what string) tea.Cmd {
	m.unsaved[place{m.open, what}] = true
	return m.saveSoon()
}

// saveSoon puts drafts on the disk within a second of the key that changed them, however fast others follow.
func (m *Model) saveSoon() tea.Cmd {
	if m.saving || len(m.unsaved) == 0 {
		return nil
	}
	m.saving = true
	return tea.Tick(saveWithin, func(time.Time) tea.Msg { return saveMsg{} })
}

func (m *Model) save() tea.Cmd {
	m.saving = false
	if len(m.unsaved) == 0 {
		return nil
	}
	drafts, line, now := m.unkept(), m.Line, m.now
	return guard(func() tea.Msg { return savedMsg{drafts, keepAll(line, drafts, now)} })
}

// unkept returns the drafts that the disk does not have, and counts them as there.
func (m *Model) unkept() map[place]string {
	drafts := map[place]string{}
	for p := range m.unsaved {
		drafts[p] = m.words(p)
	}
	clear(m.unsaved)
	return drafts
}

func keepAll(line Line, drafts map[place]string, now time.Time) error {
	var errs []error
	for p, words := range drafts {
		errs = append(errs, line.Draft(p.conversation, p.what, words, now))
	}
	return errors.Join(errs...)
}

type savedMsg struct {
	drafts map[place]string
	err    error
}

// saved tries again if the disk did not take the drafts.
func (m *Model) saved(s savedMsg) tea.Cmd {
	if s.err == nil {
		return nil
	}
	m.fail(plainly(s.err))
	for p := range s.drafts {
		m.unsaved[p] = true
	}
	return m.saveSoon()
}

// Keep puts what is being written on the disk. It is for after the console has ended, in whatever way.
func (m *Model) Keep() error { return keepAll(m.Line, m.unkept(), m.now) }

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
		delete(m.unsaved, place{e.Conversation, replyDraft})
		m.fail("Not sent: " + plainly(&desk.Refusal{Text: e.Refused}))
		words, now := m.composer.Text(e.Conversation), m.now
		cmds = append(cmds, guard(func() tea.Msg {
			if err := line.Draft(e.Conversation, replyDraft, words, now); err != nil {
				return kept(err)
			}
			return kept(line.Discard(e.ID))
		}))
	}
	return tea.Batch(cmds...)
}
