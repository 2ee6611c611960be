package tui

import (
	"context"
	"errors"
	"strconv"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// searchMost is how long a search may take: long enough for a million texts to be unsealed first.
const searchMost = 30 * time.Second

// foundMsg is what a search found.
type foundMsg struct {
	asked *palette // that it was asked from
	found []client.Found
	err   error
}

// preparedMsg says that the words are at hand, or that a search will say why not.
type preparedMsg struct{}

// prepare has the words at hand before anybody searches.
func (m *Model) prepare() tea.Cmd {
	line := m.Line
	return guard(func() tea.Msg {
		_ = line.Prepare()
		return preparedMsg{}
	})
}

// rest has forgotten what can be searched while the screen is locked, also what was made ready meanwhile.
func (m *Model) rest() tea.Cmd {
	if m.locked == nil {
		return nil
	}
	line := m.Line
	return guard(func() tea.Msg {
		line.Rest()
		return nil
	})
}

// search asks for words and looks for them in everything on this machine.
func (m *Model) search() tea.Cmd {
	p := newPalette(m.T("Search"), nil)
	p.enter = m.T("searches")
	p.ask = func(words string) tea.Cmd { return m.lookFor(p, words) }
	p.hint = m.T("Texts, notes and plans on this machine with all these words, or words that begin so. That you search, and for what, is kept.")
	m.palette = p
	return m.prepare()
}

func (m *Model) lookFor(p *palette, words string) tea.Cmd {
	line := m.Line
	p.hint = m.T("Looking")
	return guard(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), searchMost)
		defer cancel()
		found, err := line.Search(ctx, words)
		return foundMsg{p, found, err}
	})
}

// found shows what was found, unless its person went elsewhere meanwhile.
func (m *Model) found(f foundMsg) tea.Cmd {
	if m.palette != f.asked {
		return m.rest()
	}
	m.showFound(f)
	return nil
}

func (m *Model) showFound(f foundMsg) {
	switch {
	case errors.Is(f.err, client.ErrNothingToSearch):
		f.asked.hint = m.T("Write one word or more, at most {{.Most}} characters.", "Most", desk.MaxWords)
		return
	case f.err != nil:
		m.palette = nil
		m.fail(m.plainly(f.err))
		return
	case len(f.found) == 0:
		f.asked.hint = m.T("Nothing on this machine has all of these words. Conversations that were never yours are not searched.")
		return
	}
	offers := make([]offer, len(f.found))
	for i, one := range f.found {
		offers[i] = offer{
			name: m.whoOf(one.Conversation) + "  " + m.sort(one.Kind) + ": " + text.Line(one.Line.Reveal()),
			note: m.dated(one.At), more: text.Clean(one.Line.Reveal()), do: func() tea.Cmd { return m.reach(one) },
		}
	}
	m.palette = newPalette(m.T("Found"), offers)
	m.palette.told, m.palette.enter = true, m.T("opens it")
}

// whoOf is what a conversation is called, though it be known here no more.
func (m *Model) whoOf(id string) string {
	if c := m.world.byID.get(id); c != nil {
		return m.who(c)
	}
	return codename.Of(id)
}

// dated is a moment, with its year where that is another.
func (m *Model) dated(t time.Time) string {
	if year := t.In(m.Zone).Year(); year != m.now.In(m.Zone).Year() {
		return m.moment(t) + " " + strconv.Itoa(year)
	}
	return m.moment(t)
}

// sort names what something is that was written.
func (m *Model) sort(k store.Kind) string {
	switch k {
	case desk.Received:
		return m.T("texter")
	case desk.ReplyQueued:
		return m.T("reply")
	case desk.NoteAdded:
		return m.T("note")
	case desk.PlanSaved:
		return m.T("plan")
	case desk.SafetySaved:
		return m.T("safety record")
	case desk.ReferralSaved:
		return m.T("referral")
	case desk.Closed:
		return m.T("wrap-up")
	}
	return m.T("reason")
}

// reach opens a conversation where something stands in it.
func (m *Model) reach(f client.Found) tea.Cmd {
	if m.world.byID.get(f.Conversation) == nil {
		m.say(m.T("That conversation is not on this machine any more."))
		return nil
	}
	m.sought = f
	return m.show1(f.Conversation)
}

// arrive goes to what was sought, once the conversation is here with its words.
func (m *Model) arrive(c *desk.Conversation) tea.Cmd {
	f := m.sought
	if f.Conversation == "" || c == nil || c.ID != f.Conversation {
		return nil
	}
	m.sought = client.Found{}
	switch f.Kind {
	case desk.NoteAdded:
		return m.beside(notesSide)
	case desk.ReferralSaved:
		return m.beside(referralSide)
	case desk.PlanSaved:
		return m.beside(planSide)
	case desk.SafetySaved:
		return m.beside(safetySide)
	case desk.Received, desk.ReplyQueued:
		m.focus = onChat
		m.chat.Reach(f.ID)
	}
	return nil
}
