package tui

import (
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/tui/text"
)

// mostLaid is how many messages are kept wrapped.
const mostLaid = 2048

// A chat is one conversation's texts, read from the end. It follows the end only when it is there.
type chat struct {
	*look
	conv  *desk.Conversation
	up    int          // lines between the bottom of the pane and the end
	below int          // texts that came since the end was last in view
	going []bolt.Entry // replies to it that the relay has not got yet
	laid  map[*desk.Message][]string
	told  map[*desk.Turn][]string
	width int
	found string // ID of the text that was looked for
	whole bool   // the texts of a flood are shown one by one
	from  uint64 // Seq up to which it was read when it was opened

	heads []head          // of the texts that were laid out last
	began map[uint64]bool // Seqs of the new texts whose first line was in view since it was opened
	room  int             // lines for texts
}

// A head is where a text begins: so many lines above the end.
type head struct {
	seq   uint64
	above int
}

// Show puts a conversation, or its newer self, on the screen.
func (c *chat) Show(conv *desk.Conversation) {
	if conv == nil || c.conv == nil || conv.ID != c.conv.ID {
		c.conv, c.up, c.below, c.found, c.whole, c.heads = conv, 0, 0, "", false, nil
		clear(c.began)
		clear(c.laid)
		clear(c.told)
		return
	}
	zone := c.conv.Safety.Zone
	if c.up > 0 {
		c.append(conv)
	}
	c.conv = conv
	if zone != conv.Safety.Zone { // each text says what time it was there
		clear(c.laid)
	}
}

// append keeps what is on the screen where it is while texts and turns come in below.
func (c *chat) append(conv *desk.Conversation) {
	known := uint64(0)
	if was := c.conv.Messages; len(was) > 0 {
		known = was[len(was)-1].Seq
	}
	if was := c.conv.Turns; len(was) > 0 {
		known = max(known, was[len(was)-1].Seq)
	}
	_, lines := c.turnsAfter(conv.Turns, known)
	c.up += len(lines)
	for _, m := range slices.Backward(conv.Messages) {
		if m.Seq <= known {
			break
		}
		c.below++
		switch {
		case !c.folds(conv, m):
			c.up += len(c.message(m, time.Time{}))
		case m.Flood == 1:
			c.up += len(c.flood([]*desk.Message{m}))
		}
	}
}

// AtEnd tells whether the newest text is on the screen.
func (c *chat) AtEnd() bool { return c.up == 0 }

// Scroll moves by n lines, up if n is positive.
func (c *chat) Scroll(n int) {
	c.up = max(0, c.up+n)
	if c.up == 0 {
		c.below = 0
	}
}

// Reach scrolls to a message, as far as it still stands there.
func (c *chat) Reach(id string) {
	if m := c.conv.Message(id); m != nil && m.Flood > 0 {
		c.whole = true
	}
	lines, turns, ms := 0, c.conv.Turns, c.conv.Messages
	for i := len(ms) - 1; i >= 0; i-- {
		var block []string
		turns, block = c.turnsAfter(turns, ms[i].Seq)
		lines += len(block)
		if ms[i].ID == id {
			c.up = lines
			return
		}
		i, block = c.block(i, ms[i].At)
		lines += len(block)
	}
}

// Key handles the keys of reading.
func (c *chat) Key(k tea.KeyMsg) bool {
	switch k.String() {
	case "up", "k":
		c.Scroll(1)
	case "down", "j":
		c.Scroll(-1)
	case "pgup":
		c.Scroll(c.page())
	case "pgdown":
		c.Scroll(-c.page())
	case "home", "g":
		c.Scroll(1 << 20)
	case "end", "G":
		c.Scroll(-c.up)
	default:
		return false
	}
	return true
}

// page is how far one turns: no line is left out.
func (c *chat) page() int { return min(10, max(1, c.room-1)) }

// Begins tells whether the first line of a text was in view when the conversation was laid out last.
func (c *chat) Begins(m *desk.Message) bool {
	return slices.ContainsFunc(c.heads, func(h head) bool { return h.seq == m.Seq && h.above > c.up && h.above <= c.up+c.room })
}

// Render lays out what is in view from the bottom; wrapped lines are kept by message and width. A message never
// changes, so what is kept of one is right for as long as the zone is.
func (c *chat) Render(width, height int, now time.Time, focused bool) []string {
	if c.conv == nil {
		return []string{c.heading(c.T("No conversation"), width, focused), "", "  " + c.press("n") + "  " + c.T("takes the next most urgent"), "  enter  " + c.T("opens the one selected")}
	}
	if c.width != width || len(c.laid) > mostLaid {
		c.laid, c.told, c.width = map[*desk.Message][]string{}, map[*desk.Turn][]string{}, width
	}
	head := []string{c.heading(c.title(), width, focused)}
	head = append(head, c.banner(width, now)...)
	room := max(0, height-len(head))
	if c.below > 0 && room > 0 {
		room--
	}
	lines := c.visible(room, now)
	if c.below > 0 {
		lines = append(lines, c.Theme.Danger.Paint("  "+c.N(c.below, "{{.N}} new texts below: press end")))
	}
	for len(lines) < height-len(head) {
		head = append(head, "")
	}
	return append(head, lines...)
}

func (c *chat) title() string { return c.who(c.conv) }

// banner says what must be known before the first reply.
func (c *chat) banner(width int, now time.Time) []string {
	var lines []string
	add := func(ink func(string) string, s string) {
		for _, l := range wrap(s, width-3) {
			lines = append(lines, "  "+ink(l))
		}
	}
	s := c.conv.Safety
	switch {
	case c.conv.Phase == desk.Waiting:
		add(c.Theme.Muted.Paint, c.T("Nobody holds this conversation. {{.Key}} claims it.", "Key", c.press("c")))
	case !c.conv.Gone.IsZero():
		add(c.Theme.Muted.Paint, c.T("It has been forgotten."))
	case c.conv.Phase == desk.ClosedNow:
		add(c.Theme.Muted.Paint, c.T("Closed: {{.How}}", "How", text.Line(c.Word(c.conv.Closing.Disposition))))
	case c.conv.Owner != c.Name:
		add(c.Theme.Danger.Paint, c.T("{{.Name}} holds this conversation.", "Name", text.Line(c.conv.Owner)))
	}
	if c.conv.LegalHold != (desk.LegalHold{}) {
		add(c.Theme.Muted.Paint, c.T("There is a legal hold on it."))
	}
	if c.conv.Flooding(now) {
		add(c.Theme.Danger.Paint, c.flooded(c.conv)+" "+c.T("{{.Key}} shows them; {{.Lift}} says that it is a person in danger: then they count.", "Key", c.press("v"), "Lift", c.press("B")))
	}
	if c.conv.OptedOut {
		add(c.Theme.Danger.Paint, c.T("This person opted out. Nothing can be sent until they text START."))
	}
	if c.conv.HeldBy(c.Name) && unknown(c.conv) != nil {
		add(c.Theme.Danger.Paint, c.T("Nobody knows yet whether a text of yours went out; the carrier is being asked. What you write now goes out past it. {{.Key}} sends it again.", "Key", c.press("alt+a")))
	}
	if s.Watched {
		add(c.Theme.Danger.Paint, c.T("The phone is shared or watched."))
	}
	if s.Hold {
		add(c.Theme.Danger.Paint, c.T("Do not text until they text."))
	}
	if c.conv.Earlier != "" {
		add(c.Theme.Muted.Paint, c.T("They have texted before: {{.Key}} shows it.", "Key", c.press("alt+h")))
	}
	if s.From != "" {
		add(c.Theme.Muted.Paint, c.T("Safe hours {{.From}} to {{.Until}} {{.Zone}}", "From", text.Line(s.From), "Until", text.Line(s.Until), "Zone", text.Line(s.Zone)))
	}
	if s.Opening != "" && !slices.ContainsFunc(c.conv.Messages, func(m *desk.Message) bool { return m.Author != "" }) {
		add(c.Theme.Muted.Paint, c.T("Agreed to begin with: {{.Words}}", "Words", text.Line(s.Opening.Reveal())))
	}
	return lines
}

// visible returns the lines in view. Where less is left above than was asked for, it scrolls back to what there is.
func (c *chat) visible(room int, now time.Time) []string {
	ms := c.conv.Messages
	var blocks [][]string
	have := 0
	c.room, c.heads = room, c.heads[:0]
	for _, e := range slices.Backward(c.going) {
		block := c.waiting(e)
		blocks = append(blocks, block)
		have += len(block)
	}
	turns := c.conv.Turns
	for i := len(ms) - 1; i >= 0 && have < room+c.up; i-- {
		var block []string
		turns, block = c.turnsAfter(turns, ms[i].Seq)
		blocks = append(blocks, block)
		have += len(block)
		seq, found := ms[i].Seq, ms[i].ID == c.found
		i, block = c.block(i, now)
		if found {
			block = c.mark(block)
		}
		blocks = append(blocks, block)
		have += len(block)
		c.heads = append(c.heads, head{seq, have})
		if c.firstNew(i) {
			blocks = append(blocks, []string{c.Theme.Focus.Paint("  " + c.T("new since you looked"))})
			have++
		}
		if day := ms[i].At.In(c.Zone); i == 0 || !sameDay(day, ms[i-1].At.In(c.Zone)) {
			blocks = append(blocks, []string{c.Theme.Muted.Paint("  " + c.day(day))})
			have++
		}
	}
	lines := make([]string, 0, have)
	for _, block := range slices.Backward(blocks) {
		lines = append(lines, block...)
	}
	c.up = min(c.up, max(0, have-room))
	return bottom(lines[:len(lines)-c.up], room)
}

// mark puts a sign before the lines of the text that was looked for.
func (c *chat) mark(block []string) []string {
	marked := make([]string, len(block))
	for i, l := range block {
		marked[i] = c.Theme.Focus.Paint(">") + strings.TrimPrefix(l, " ")
	}
	return marked
}

// firstNew tells whether a message is the texter's first since the conversation was on the screen last.
func (c *chat) firstNew(i int) bool {
	ms := c.conv.Messages
	theirs := func(m *desk.Message) bool { return m.Inbound && m.Seq > c.from }
	if c.from == 0 || c.conv.Phase == desk.ClosedNow || !theirs(ms[i]) {
		return false
	}
	for i--; i >= 0 && ms[i].Seq > c.from; i-- {
		if theirs(ms[i]) {
			return false
		}
	}
	return true
}

// waiting is a reply that has left the composer and is not at the relay yet.
func (c *chat) waiting(e bolt.Entry) []string {
	lines := []string{"  " + c.Theme.Staff.Paint(e.At.In(c.Zone).Format("15:04")+" "+c.T("you")) + " " + c.Theme.Danger.Paint(c.dot+" "+c.T("not at the relay yet"))}
	return append(lines, indented(text.Clean(written[desk.Reply](e).Text.Reveal()), max(c.width, 10))...)
}

func sameDay(a, b time.Time) bool {
	return a.YearDay() == b.YearDay() && a.Year() == b.Year()
}

// message returns a text's lines. One that can still be taken back counts seconds and is laid out each time.
func (c *chat) message(m *desk.Message, now time.Time) []string {
	if lines, ok := c.laid[m]; ok {
		return lines
	}
	lines := c.layOut(m, now)
	if m.Delivery != desk.StatusWaiting {
		if c.laid == nil {
			c.laid = map[*desk.Message][]string{}
		}
		c.laid[m] = lines
	}
	return lines
}

func (c *chat) layOut(m *desk.Message, now time.Time) []string {
	lines := wrapHead(c.head(m, now), max(c.width, 10))
	for _, l := range wrap(c.words(m), max(c.width, 10)-5) {
		if l == "" && len(m.Media) > 0 {
			continue
		}
		lines = append(lines, "    "+l)
	}
	for n, media := range m.Media {
		name := c.T("attachment {{.Number}}: {{.Type}}, not fetched ({{.Key}})", "Number", n+1, "Type", text.Line(media.Type), "Key", c.press("o"))
		for _, l := range wrap(name, max(c.width, 10)-5) {
			lines = append(lines, "    "+c.Theme.Focus.Paint(l))
		}
	}
	if why := c.reasons(m); why != "" {
		for _, l := range wrap(c.T("why: {{.Reasons}}", "Reasons", why), max(c.width, 10)-5) {
			lines = append(lines, "    "+c.Theme.Muted.Paint(l))
		}
	}
	return lines
}

// wrapHead wraps the line above a text, of which only the first words are painted.
func wrapHead(head string, width int) []string {
	lines := wrap(head, width-3)
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}

// head says when a text was written, by whom, and how far it got.
func (c *chat) head(m *desk.Message, now time.Time) string {
	at := m.At.In(c.Zone).Format("15:04")
	if there, err := time.LoadLocation(c.conv.Safety.Zone); err == nil && c.conv.Safety.Zone != "" && m.At.In(there).Format("15:04") != at {
		at += " " + c.T("({{.Time}} there)", "Time", m.At.In(there).Format("15:04"))
	}
	switch {
	case m.Inbound && m.Late > 0:
		return c.Theme.Texter.Paint(at+" "+c.T("texter")) + " " + c.Theme.Danger.Paint(c.dot+" "+c.T("fetched late: the carrier had it at {{.Time}}", "Time", c.since(m.Written(), m.At)))
	case m.Inbound:
		return c.Theme.Texter.Paint(at + " " + c.T("texter"))
	case m.Automatic != "":
		return c.Theme.Muted.Paint(at+" "+c.T("system")) + " " + c.Theme.Muted.Paint(c.dot+" "+c.delivery(m, now))
	}
	name := text.Line(m.Author)
	if m.Author == c.Name {
		name = c.T("you")
	}
	ink := c.Theme.Muted
	if m.Delivery.Lost() || m.Delivery == desk.StatusUnknown {
		ink = c.Theme.Danger
	}
	return c.Theme.Staff.Paint(at+" "+name) + " " + ink.Paint(c.dot+" "+c.fate(m, now))
}

func (c *chat) words(m *desk.Message) string {
	switch {
	case m.Withheld && m.Flood > 0 && !c.Review:
		return c.T("(words not fetched; {{.Key}} and {{.Key}} again fetches them)", "Key", c.press("v"))
	case m.Withheld:
		return c.T("(words not for this reader)")
	case m.Automatic != "" && m.Text == "":
		return c.automatic(m.Automatic)
	case m.Text == "" && len(m.Media) > 0:
		return ""
	case m.Text == sms.Text(""):
		return c.T("(no words)")
	}
	return text.Clean(m.Text.Reveal())
}

func (l *look) automatic(sort string) string {
	switch sort {
	case desk.Compliance:
		return l.T("(the reply to HELP that carriers ask for)")
	case desk.Confirmation:
		return l.T("(the confirmation of the opt-out)")
	}
	return l.T("(automatic text)")
}
