package tui

import (
	"cmp"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/sahilm/fuzzy"

	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/tui/codename"
	"befree.example/tui/replies"
	"befree.example/tui/text"
)

// An offer is one thing to choose in a palette.
type offer struct {
	name, note string
	more       string // shown while it is marked
	do         func() tea.Cmd
}

// A palette offers things by their names; typing narrows them down.
type palette struct {
	title  string
	offers []offer
	query  string
	fit    []offer
	at     int
	ask    func(query string) tea.Cmd // in the place of offers: what is typed is asked for by enter
	told   bool                       // its offers were found by a search
	hint   string                     // in the place of "nothing fits"
	none   string                     // likewise, while nothing is typed
	enter  string                     // what enter does, empty for what the name says
	other  func(query string) offer   // that is offered after what fits; nil for none
}

func newPalette(title string, offers []offer) *palette {
	p := &palette{title: title, offers: offers}
	p.narrow("")
	return p
}

// narrow shows what fits a query, the best first.
func (p *palette) narrow(query string) {
	p.query, p.at = query, 0
	if query == "" {
		p.fit = p.offers
		return
	}
	names := make([]string, len(p.offers))
	for i, o := range p.offers {
		names[i] = o.name
	}
	matches := fuzzy.Find(query, names)
	slices.SortFunc(matches, func(a, b fuzzy.Match) int { return cmp.Or(b.Score-a.Score, a.Index-b.Index) })
	p.fit = nil
	for _, match := range matches {
		p.fit = append(p.fit, p.offers[match.Index])
	}
	if p.other != nil && !slices.Contains(names, query) {
		p.fit = append(p.fit, p.other(query))
	}
}

// Key chooses. done says that the palette is over.
func (p *palette) Key(k tea.KeyMsg) (done bool, cmd tea.Cmd) {
	switch k.String() {
	case "esc":
		return true, nil
	case "enter":
		if p.ask != nil {
			return false, p.ask(p.query)
		}
		if p.at < len(p.fit) {
			return true, p.fit[p.at].do()
		}
	case "up", "ctrl+p", "shift+tab":
		p.at = max(0, p.at-1)
	case "down", "ctrl+n", "tab":
		p.at = max(0, min(len(p.fit)-1, p.at+1))
	default:
		if query, ok := retyped(p.query, k); ok {
			p.narrow(query)
		}
	}
	return false, nil
}

// Render shows what fits around the one that is marked.
func (p *palette) Render(l *look, width, height int) []string {
	lines := []string{l.heading(p.title+": "+p.query+"_", width, true)}
	var more []string
	if p.at < len(p.fit) && p.fit[p.at].more != "" {
		more = append([]string{""}, indented(p.fit[p.at].more, width)...)
	}
	room := max(1, height-1-len(more))
	from := min(max(0, p.at-room/2), max(0, len(p.fit)-room))
	for i, o := range p.fit[from:min(len(p.fit), from+room)] {
		mark, ink := "  ", l.Theme.Texter
		if from+i == p.at {
			mark, ink = "> ", l.Theme.Focus
		}
		name, note := o.columns(width-5, l.dots)
		gap := max(2, width-5-cells(name)-cells(note))
		lines = append(lines, "  "+ink.Paint(mark+name)+strings.Repeat(" ", gap)+l.Theme.Muted.Paint(note))
	}
	switch {
	case p.hint != "":
		lines = append(append(lines, ""), indented(p.hint, width)...)
	case len(p.fit) == 0 && p.query == "" && p.none != "":
		lines = append(lines, indented(p.none, width)...)
	case len(p.fit) == 0:
		lines = append(lines, "  "+l.T("Nothing fits."))
	}
	return append(lines, more...)
}

// columns are the name of an offer and its note, with three cells between: where there is no room for both the note is
// cut, since one chooses by the name, unless the whole of what is named is shown besides.
func (o offer) columns(width int, dots string) (name, note string) {
	if o.more != "" {
		return isolate(cut(o.name, max(8, width-3-cells(o.note)), dots)), o.note
	}
	name = cut(o.name, width, dots)
	return isolate(name), cut(o.note, width-3-cells(name), dots)
}

// everything offers all that can be done here, with its keys.
func (m *Model) everything() tea.Cmd {
	var offers []offer
	for _, c := range m.commands {
		if c.do != nil && !c.itself {
			offers = append(offers, offer{name: m.Word(c.name), note: c.keys(), do: func() tea.Cmd { return c.do(m) }})
		}
	}
	m.palette = newPalette(m.T("Do"), offers)
	return nil
}

// find offers the texts of the open conversation, the newest first; the chosen one is scrolled to.
func (m *Model) find() tea.Cmd {
	c := m.chat.conv
	if c == nil {
		m.say(m.T("Open a conversation first."))
		return nil
	}
	var offers []offer
	for _, message := range slices.Backward(c.Messages) {
		words := m.chat.words(message)
		offers = append(offers, offer{
			name: strings.ReplaceAll(words, "\n", " "), more: words, note: m.moment(message.At),
			do: func() tea.Cmd {
				m.focus = onChat
				m.chat.Reach(message.ID)
				m.chat.found = message.ID
				return nil
			},
		})
	}
	m.palette = newPalette(m.T("Find"), offers)
	m.palette.enter = m.T("opens it")
	return nil
}

// copy offers the open conversation's texts; the chosen one goes to the terminal's clipboard, fit to be shown.
func (m *Model) copy() tea.Cmd {
	if m.Copy == nil {
		m.say(m.T("Nothing can be copied here."))
		return nil
	}
	cmd := m.find()
	if m.palette == nil {
		return cmd
	}
	m.palette.title, m.palette.enter = m.T("Copy"), m.T("copies it")
	for i := range m.palette.offers {
		words, copied := m.palette.offers[i].more, m.Copy
		m.palette.offers[i].do = func() tea.Cmd {
			m.say(m.T("Copied. Whatever else runs on this machine may read the clipboard."))
			return guard(func() tea.Msg {
				copied(words)
				return nil
			})
		}
	}
	return cmd
}

// otherDrafts offers what was written to others and not sent. One whose conversation is not known here any more, or is
// closed, can be read, and dropped.
func (m *Model) otherDrafts() tea.Cmd {
	var offers []offer
	for _, id := range m.composer.Others() {
		words := text.Clean(m.composer.Text(id))
		open := func() tea.Cmd { return m.show1(id) }
		drop := choice{"y", m.T("drop it"), func() tea.Cmd {
			m.composer.Put(id, "")
			return m.saveSoon()
		}}
		switch c := m.world.byID.get(id); {
		case c == nil:
			open = m.asking(&dialog{
				title: m.T("A draft to {{.Who}}, whom this console knows no more", "Who", codename.Of(id)), lines: []string{words},
				choices: []choice{{"n", m.T("keep it"), nil}, drop},
			})
		case c.Phase == desk.ClosedNow:
			open = m.asking(&dialog{
				title: m.T("A draft to {{.Who}}: closed", "Who", m.who(c)), lines: []string{words},
				choices: []choice{{"n", m.T("keep it"), nil}, {"o", m.T("open it"), open}, drop},
			})
		}
		offers = append(offers, offer{name: codename.Of(id) + ": " + strings.ReplaceAll(words, "\n", " "), more: words, do: open})
	}
	if len(offers) == 0 {
		m.say(m.T("No drafts to others."))
		return nil
	}
	m.palette = newPalette(m.T("Drafts"), offers)
	m.palette.enter = m.T("opens it")
	return nil
}

// quickReplies offers texts to begin from, those in the texter's language first. What is chosen stands in the composer,
// to be changed and sent by hand.
func (m *Model) quickReplies() tea.Cmd {
	if !m.holds() {
		return nil
	}
	id, s := m.open, m.chat.conv.Safety
	hours := ""
	if s.From != "" {
		hours = s.From + " - " + s.Until
	}
	theirs := cmp.Or(m.chat.conv.Language, "en")
	all := slices.Clone(m.Replies)
	slices.SortStableFunc(all, func(a, b replies.Reply) int { return rank(a.Language != theirs) - rank(b.Language != theirs) })
	var offers []offer
	for _, r := range all {
		words, ok := r.Fill(s.Opening.Reveal(), hours)
		if !ok {
			continue
		}
		cost := sms.Segments(words)
		offers = append(offers, offer{
			name: m.Word(r.Title) + " (" + r.Language + ")", more: text.Clean(words),
			note: cost.Encoding + " " + m.dot + " " + m.N(cost.Segments, "{{.N}} segments"),
			do: func() tea.Cmd {
				if m.open != id {
					return nil
				}
				if before := strings.TrimRight(m.composer.Text(id), " \n"); before != "" {
					words = before + " " + words
				}
				m.composer.Put(id, words)
				m.focus = onComposer
				return m.saveSoon()
			},
		})
	}
	m.palette = newPalette(m.T("Quick reply"), offers)
	m.palette.enter = m.T("puts it into the composer")
	return nil
}

// rank puts what is not so before what is.
func rank(is bool) int {
	if is {
		return 1
	}
	return 0
}
