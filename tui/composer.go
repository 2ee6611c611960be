package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/tui/text"
)

// Times that tell a person's keys from a paste's and from a key that is held down.
const (
	burstEnd   = 30 * time.Millisecond  // after a burst of letters, in which enter is one of its line ends
	burstGap   = 8 * time.Millisecond   // nobody types two letters so fast
	heldKey    = 700 * time.Millisecond // between two of a key that is held down: the first repeat takes longest
	freshText  = 700 * time.Millisecond // before which nobody has read what came in
	saveWithin = 500 * time.Millisecond // from a key to its draft on disk
)

// roomToWrite is for more than can be sent: what comes back stands before what was written meanwhile, and no word goes.
const roomToWrite = 10 * desk.MaxReply

// A composer holds what is being written to texters: one draft a conversation, each bound to it for ever. The editor
// has the one of the conversation on the screen.
type composer struct {
	*look
	editor *editor
	id     string               // whose draft is in the editor
	drafts map[string]string    // of the other conversations
	since  map[string]time.Time // drafts that were found on the disk, and from when
	places places               // where what is not on the disk yet stands

	cards cards
	back  map[string]bool // drafts with words that came back, which have not been on the screen since

	burst, key time.Time // when the last of each came
}

func newComposer(l *look, p places) composer {
	return composer{
		look: l, editor: newEditor(roomToWrite), drafts: map[string]string{},
		since: map[string]time.Time{}, places: p, back: map[string]bool{},
		cards: cards{drafts: map[string]bool{}, went: map[string]bool{}, places: p},
	}
}

// Show changes to the draft of another conversation. No text moves from one to the other.
func (c *composer) Show(id string) {
	if id == c.id {
		return
	}
	if c.id != "" {
		c.drafts[c.id] = c.editor.Text()
	}
	c.id = id
	c.editor.SetText(c.drafts[id])
}

// Text returns the draft for a conversation.
func (c *composer) Text(id string) string {
	if id == c.id {
		return c.editor.Text()
	}
	return c.drafts[id]
}

// Put makes text the draft for a conversation.
func (c *composer) Put(id, text string) {
	c.cards.Wrote(id, text)
	if c.places[place{id, replyDraft}] = true; id == c.id {
		c.editor.SetText(text)
		return
	}
	c.drafts[id] = text
}

// Restore takes a draft that was on the disk, before what is being written already.
func (c *composer) Restore(id, text string, at time.Time) {
	fresh := c.Text(id) == ""
	if c.GiveBack(id, text); fresh {
		delete(c.places, place{id, replyDraft})
		c.since[id] = at
	}
}

// GiveBack puts a text that did not go out before what has been written meanwhile.
func (c *composer) GiveBack(id, text string) {
	switch now := c.Text(id); {
	case strings.TrimSpace(now) == "":
		c.Put(id, text)
	case now != text && !strings.HasPrefix(now, text+"\n"): // a crash may have left them in two places
		c.Put(id, text+"\n"+now)
	}
	c.back[id] = true
	c.cards.Back(id, text)
}

// Take takes the words that are sent out of a draft, and leaves what came back meanwhile.
func (c *composer) Take(id, words string) {
	c.cards.Went(id, words)
	rest := strings.TrimSuffix(c.Text(id), words)
	if c.Put(id, strings.TrimSuffix(rest, "\n")); rest == "" {
		delete(c.places, place{id, replyDraft}) // it leaves the drafts as it enters the outbox
	}
}

// Pasted tells whether an enter at a time belongs to a burst of letters, and counts it as one of them then.
func (c *composer) Pasted(now time.Time) bool {
	if !c.key.IsZero() && now.Sub(c.key) < burstGap {
		c.burst = now // a first line of one letter is a burst too
	}
	if c.burst.IsZero() || now.Sub(c.burst) > burstEnd {
		return false
	}
	c.burst = now
	return true
}

// Key writes.
func (c *composer) Key(k tea.KeyMsg, now time.Time) {
	if k.Type == tea.KeyRunes || k.Type == tea.KeySpace {
		if len(k.Runes) > 1 || now.Sub(c.key) < burstGap && !c.key.IsZero() {
			c.burst = now
		}
		c.key = now
	}
	before := c.editor.Text()
	if c.editor.Key(k); c.editor.Text() != before {
		c.changed()
	}
}

// Newline begins a new line.
func (c *composer) Newline() {
	c.editor.Newline()
	c.changed()
}

func (c *composer) changed() {
	c.places[place{c.id, replyDraft}] = true
	delete(c.since, c.id)
	c.cards.Wrote(c.id, c.editor.Text())
}

// Others returns the other conversations that have a draft.
func (c *composer) Others() []string {
	var ids []string
	for id, t := range c.drafts {
		if id != c.id && t != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Rows is how many lines the text has room for: as many as it needs, two at least and five at most.
func (c *composer) Rows(width int) (n int) {
	const least, most = 2, 5
	for line := range strings.Lines(c.editor.Text() + "_") {
		if n += len(wrap(line, width-4)); n >= most {
			return most
		}
	}
	return max(least, n)
}

// Render has the addressee in its frame; held says that nothing can be sent and why, empty if it can.
func (c *composer) Render(conv *desk.Conversation, width, height int, held string, focused bool) []string {
	to := c.T("To {{.Who}}", "Who", c.who(conv))
	if at := c.since[c.id]; !at.IsZero() {
		to = c.T("To {{.Who}}, draft from {{.Time}}", "Who", c.who(conv), "Time", at.In(c.Zone).Format("15:04"))
	}
	lines := []string{c.heading(to, width, focused)}
	var foot []string
	for _, l := range c.counted(width) {
		foot = append(foot, "  "+c.Theme.Muted.Paint(l))
	}
	if held != "" {
		for _, l := range bottom(wrap(held, width-3), 2) {
			foot = append(foot, "  "+c.Theme.Danger.Paint(l))
		}
	}
	for _, l := range c.editor.Render(width-3, max(1, height-1-len(foot)), focused) {
		lines = append(lines, "  "+l)
	}
	return append(lines, foot...)
}

// counted is the count in as many lines as it needs.
func (c *composer) counted(width int) (lines []string) {
	for _, cost := range c.costs() {
		n := len(lines) - 1
		if n >= 0 && cells(lines[n]+" "+c.dot+" "+cost) <= width-3 {
			lines[n] += " " + c.dot + " " + cost
		} else {
			lines = append(lines, wrap(cost, width-3)...)
		}
	}
	return lines
}

// count says what the text costs on the air.
func (c *composer) count() string { return strings.Join(c.costs(), " "+c.dot+" ") }

func (c *composer) costs() []string {
	t := c.editor.Text()
	n := utf8.RuneCountInString(t)
	costs := []string{fmt.Sprintf("%d/%d %s", n, desk.MaxReply, c.T("characters"))}
	if n == 0 {
		return costs
	}
	s := sms.Segments(t)
	costs = append(costs, c.N(s.Segments, "{{.N}} segments"))
	if s.Encoding != sms.UCS2 {
		return append(costs, s.Encoding)
	}
	costs = append(costs, c.T("{{.Encoding}} because of {{.Characters}}", "Encoding", s.Encoding, "Characters", forcing(t)))
	if sms.Segments(sms.Replace(t)).Segments < s.Segments {
		costs = append(costs, c.press("F7")+" "+c.T("plain quotes"))
	}
	return costs
}

// forcing names the first few characters that make a text UCS-2.
func forcing(t string) string {
	const few = 3
	all := sms.Forcing(t)
	var names []string
	for _, r := range all[:min(few, len(all))] {
		names = append(names, text.Line(string(r)))
	}
	if len(all) > few {
		names = append(names, "...")
	}
	return strings.Join(names, " ")
}
