package tui

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/sms"
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
		m.fail(m.plainly(d.err))
		return
	}
	drafts := 0
	for _, e := range d.entries {
		words := draftText(e.Command)
		if e.What == seenDraft {
			m.saw(e.Conversation, words)
			continue
		}
		if e.What == cardDraft {
			m.composer.cards.drafts[e.Conversation] = true
			continue
		}
		if act, is := strings.CutPrefix(e.What, reasonDraft); is {
			m.reasons[deed{e.Conversation, store.Kind(act)}] = words
			continue
		}
		drafts++
		switch e.What {
		case replyDraft:
			m.composer.Restore(e.Conversation, words, e.At)
		case safetyDraft:
			var c changes
			if json.Unmarshal([]byte(words), &c) == nil {
				m.records[e.Conversation] = c
			}
		case referralDraft:
			var c changes
			if json.Unmarshal([]byte(words), &c) == nil {
				m.referring[e.Conversation] = c
			}
		case noteDraft:
			m.notes.GiveBack(e.Conversation, words)
		default:
			m.answersIn(e.Conversation)[strings.TrimPrefix(e.What, planDraft)] = words
		}
	}
	if drafts > 0 {
		m.say(m.N(drafts, "Here are {{.N}} drafts from before."))
	}
}

// A seen is where somebody was in a conversation of theirs.
type seen struct {
	Read uint64 `json:"read"` // Seq of the newest text that was on the screen
	Up   int    `json:"up"`   // lines above the end
	Open bool   `json:"open"`
	Gave uint64 `json:"gave,omitempty"` // Seq up to which withdrawn replies have become drafts again

	Claim uint64 `json:"claim,omitempty"` // by which it is theirs, as far as they were told
}

// saw takes up where its person was when the console ended.
func (m *Model) saw(id, words string) {
	var s seen
	if json.Unmarshal([]byte(words), &s) != nil {
		return // it is only a place
	}
	m.read[id], m.gave[id] = max(m.read[id], s.Read), max(m.gave[id], s.Gave)
	if claim := cmp.Or(s.Claim, s.Read); claim > 0 { // an older console took down no claim
		m.owned[id] = claim
	}
	if s.Open {
		m.resume, m.above = id, s.Up
	}
}

// seen is where its person is in a conversation, empty in one that is not theirs as far as they know.
func (m *Model) seen(id string) string {
	if m.owned[id] == 0 && !m.world.byID.get(id).HeldBy(m.Name) {
		return ""
	}
	s := seen{Read: m.read[id], Open: id == m.open, Gave: m.gave[id], Claim: m.owned[id]}
	if s.Open {
		s.Up = m.chat.up
	}
	raw, _ := json.Marshal(s) // our own type
	return string(raw)
}

// goBack opens the conversation that was open when the console ended, if it is still its person's and they have not
// gone elsewhere. It does not begin to write: nothing that is typed blindly goes into a text.
func (m *Model) goBack() tea.Cmd {
	id := m.resume
	if id == "" || m.world.byID == nil {
		return nil
	}
	m.resume = ""
	if m.open != "" || m.focus != onQueue || !m.world.byID.get(id).HeldBy(m.Name) {
		return nil
	}
	cmd := m.show1(id)
	m.focus, m.chat.up = onChat, m.above
	m.wentBack = m.composer.Text(id) != ""
	return cmd
}

// moved marks that its person is somewhere else in a conversation.
func (m *Model) moved(id string) tea.Cmd {
	if id == "" || m.Review || !m.synced || m.Locked != nil {
		return nil
	}
	m.unsaved[place{id, seenDraft}] = true
	return m.saveSoon()
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
	replyDraft    = ""
	noteDraft     = "note"
	planDraft     = "plan/"    // and the item
	safetyDraft   = "safety"   // changes, as JSON
	referralDraft = "referral" // likewise
	cardDraft     = "card"     // nothing that was written: that the reply began as a card
	seenDraft     = "seen"     // nothing that was written: a seen, as JSON
	reasonDraft   = "reason/"  // and for what kind of act
)

// words are what stands in a place now and has not been sent or saved.
func (m *Model) words(p place) string {
	switch {
	case p.what == replyDraft:
		return m.composer.Text(p.conversation)
	case p.what == noteDraft:
		return m.notes.editor(p.conversation).Text()
	case p.what == seenDraft:
		return m.seen(p.conversation)
	case strings.HasPrefix(p.what, reasonDraft):
		return m.reasons[deed{p.conversation, store.Kind(strings.TrimPrefix(p.what, reasonDraft))}]
	case p.what == cardDraft && m.composer.cards.drafts[p.conversation]:
		return "yes"
	case p.what == safetyDraft:
		return asJSON(m.records[p.conversation])
	case p.what == referralDraft:
		return asJSON(m.referring[p.conversation])
	case m.plan == nil || m.plan.id != p.conversation || planDraft+m.plan.item() != p.what:
		return m.answers[p.conversation][strings.TrimPrefix(p.what, planDraft)]
	case m.plan.Changed():
		return m.plan.editor.Text()
	}
	return ""
}

// asJSON are the changes in a form, empty for none.
func asJSON(c changes) string {
	if len(c) == 0 {
		return ""
	}
	raw, _ := json.Marshal(c) // strings, which are JSON
	return string(raw)
}

// wrote marks that something was written, and sees to it that the disk has it soon.
func (m *Model) wrote(what string) tea.Cmd {
	m.unsaved[place{m.open, what}] = true
	return m.saveSoon()
}

// saveSoon puts drafts on the disk within a second of the key that changed them, however fast others follow.
func (m *Model) saveSoon() tea.Cmd {
	if m.saving || len(m.unsaved) == 0 || m.Aside {
		return nil
	}
	m.saving = true
	return tea.Tick(saveWithin, func(time.Time) tea.Msg { return saveMsg{} })
}

func (m *Model) save() tea.Cmd {
	if m.saving = len(m.unsaved) > 0; !m.saving {
		return nil
	}
	drafts, line, now := m.unkept(), m.Line, m.now
	return guard(func() tea.Msg { return savedMsg{drafts: drafts, err: keepAll(line, drafts, now), all: true} })
}

// unkept returns the drafts that the disk is not known to have.
func (m *Model) unkept() map[place]string {
	drafts := map[place]string{}
	for p := range m.unsaved {
		drafts[p] = m.words(p)
	}
	if m.Aside { // nothing is written there
		clear(drafts)
	}
	return drafts
}

func keepAll(line Line, drafts map[place]string, now time.Time) error {
	var errs []error
	for p, words := range drafts {
		errs = append(errs, line.Draft(p.conversation, p.what, words, now))
	}
	return errors.Join(errs...)
}

// savedMsg is what became of drafts on their way to the disk, and of refused commands that they were made of.
type savedMsg struct {
	drafts map[place]string
	err    error
	back   []string // IDs
	all    bool     // a save that was due; the next one may begin
}

// saved tries again if the disk did not take the drafts. Until it has, they count as unsaved.
func (m *Model) saved(s savedMsg) tea.Cmd {
	m.saving = m.saving && !s.all
	for p, words := range s.drafts {
		if s.err != nil {
			m.unsaved[p] = true
		} else if m.words(p) == words {
			delete(m.unsaved, p)
		}
	}
	if s.err == nil {
		return tea.Batch(m.takeBack(), m.saveSoon())
	}
	m.fail(m.plainly(s.err))
	for _, id := range s.back {
		delete(m.dropping, id)
	}
	return m.saveSoon()
}

// Keep puts what is being written on the disk. It is for after the console has ended, in whatever way.
func (m *Model) Keep() error { return keepAll(m.Line, m.unkept(), time.Now()) }

// takeBack makes drafts again of what the relay refused: on the disk first, then out of the outbox. A reply goes back to
// the composer; everything else becomes a note that is being written, which loses no word and can be kept or dropped.
func (m *Model) takeBack() tea.Cmd {
	var back []string
	at := places{}
	for _, e := range m.world.outbox {
		if e.Refused == "" || m.dropping[e.ID] || !m.synced {
			continue
		}
		m.dropping[e.ID] = true
		back = append(back, e.ID)
		at[m.adopt(e)] = true
	}
	if len(back) == 0 {
		return nil
	}
	drafts, line, now := map[place]string{}, m.Line, m.now
	for p := range at {
		m.unsaved[p] = true
		drafts[p] = m.words(p)
	}
	return guard(func() tea.Msg {
		if err := keepAll(line, drafts, now); err != nil {
			return savedMsg{drafts: drafts, err: err, back: back}
		}
		var errs []error
		for _, id := range back {
			errs = append(errs, line.Discard(id))
		}
		return savedMsg{drafts: drafts, err: errors.Join(errs...), back: back}
	})
}

// adopt puts what was refused where it can be written on, once, and tells where.
func (m *Model) adopt(e bolt.Entry) place {
	at := place{e.Conversation, noteDraft}
	if e.Kind == desk.ReplyQueued {
		at.what = replyDraft
	}
	if m.adopted[e.ID] {
		return at
	}
	m.adopted[e.ID] = true
	why := m.plainly(&desk.Refusal{Text: e.Refused})
	if e.Kind == desk.ReplyQueued {
		m.giveBack(e.Conversation, written[desk.Reply](e).Text.Reveal())
		if e.Refused != client.MayBeSent {
			why = m.T("Not sent: {{.Why}}", "Why", why)
		}
		m.fail(why)
		return at
	}
	m.notes.GiveBack(e.Conversation, m.asNote(e))
	m.fail(m.T("Not taken, and a note to be looked at now: {{.Why}}", "Why", why))
	return at
}

// asNote is what a refused command held, in words.
func (l *look) asNote(e bolt.Entry) string {
	switch e.Kind {
	case desk.NoteAdded:
		return written[desk.Note](e).Text.Reveal()
	case desk.PlanSaved:
		edit := written[desk.PlanEdit](e)
		var lines []string
		for _, texts := range []map[string]string{edit.Fields, edit.Choose} {
			for _, item := range slices.Sorted(maps.Keys(texts)) {
				title, _ := plan.Find(item)
				lines = append(lines, l.T("Plan, {{.Item}}: {{.Words}}", "Item", l.Word(cmp.Or(title.Title, item)), "Words", cmp.Or(texts[item], l.answerOf("", slices.Contains(edit.None, item)))))
			}
		}
		if edit.Review != nil {
			lines = append(lines, l.T("Plan, {{.Item}}: {{.Words}}", "Item", l.T("Next review"), "Words", *edit.Review))
		}
		return strings.Join(lines, "\n")
	case desk.ReferralSaved:
		edit := written[desk.ReferralEdit](e)
		if edit.Of != "" {
			return l.T("What came of a referral") + ": " + l.referralStatus(edit.Status)
		}
		return l.T("Referral to {{.Name}}: {{.Need}}", "Name", edit.To.Reveal(), "Need", edit.Need.Reveal()) + "\n" +
			l.T("may be told until {{.Day}}: {{.Scope}}", "Day", edit.Until, "Scope", edit.Scope.Reveal())
	case desk.SafetySaved:
		edit := written[desk.SafetyEdit](e)
		var lines []string
		for _, f := range []struct {
			name string
			text *sms.Text
		}{{"Safe word", edit.SafeWord}, {"Danger word", edit.DangerWord}, {"Begin with", edit.Opening}} {
			if f.text != nil {
				lines = append(lines, l.T("Safety record, {{.Item}}: {{.Words}}", "Item", l.Word(f.name), "Words", f.text.Reveal()))
			}
		}
		if h := edit.Hours; h != nil {
			lines = append(lines, l.T("Safety record, hours: {{.From}} to {{.Until}} {{.Zone}}", "From", h.From, "Until", h.Until, "Zone", h.Zone))
		}
		return strings.Join(lines, "\n")
	}
	return ""
}
