package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"befree.example/store/desk"
	"befree.example/tui/text"
)

// row lays a row out. Where room is short the code name and the newest words are cut, and the place has a line under the
// cursor alone: never a flag, an owner, or the clock.
func (q *queue) row(r row, width int, now time.Time) []string {
	if r.id == "" {
		return []string{q.Theme.Title.Paint("  " + r.name + " " + r.count)}
	}
	c := q.world.byID.get(r.id)
	if c == nil {
		return []string{"  " + q.Theme.Muted.Paint(q.T("(gone)"))}
	}
	mark, ink := "  ", q.Theme.Texter
	if r.id == q.selected {
		mark, ink = "> ", q.Theme.Focus
	}
	if r.number > 0 && r.number <= 9 {
		mark += strconv.Itoa(r.number) + " "
	}
	head, clock, flags := ink.Paint(mark)+q.severity(c.Severity)+"  ", q.clock(c, now), q.flags(c, now)
	beside := width >= leastWidth // the clock stands beside the name
	room := width - 1 - cells(head)
	if beside {
		room -= 2 + cells(clock)
	}
	if owner := q.owner(c); owner != "" {
		has := q.T("{{.Name}} has", "Name", owner) + " "
		if left := room - cells(has); left > cells(q.tail(c)) {
			head, room = head+q.Theme.Staff.Paint(has), left
		} else {
			flags = append([]string{q.T("held by {{.Name}}", "Name", owner)}, flags...)
		}
	}
	head += ink.Paint(q.whoIn(c, room))
	var lines, clocked []string // the place stands beside the clock if it fits there
	if beside {
		clocked = flow(append([]string{head + "  " + clock}, q.from(c)...), width-1)
		lines = append(clocked[:1:1], flow(flags, width-5)...)
	} else {
		clocked = flow(append([]string{clock}, q.from(c)...), width-5)
		lines = append(append([]string{head}, flow(flags, width-5)...), clocked[0])
	}
	lines = append(lines, q.said(c, 4*width))
	if r.id == q.selected {
		lines = append(lines, clocked[1:]...)
		if c.Flooding(now) {
			lines = append(lines, q.Theme.Muted.Paint(q.flooded(c)))
		}
		if why := q.reasons(c.Heard()); why != "" {
			lines = append(lines, q.Theme.Muted.Paint(q.T("why: {{.Reasons}}", "Reasons", why)))
		}
	}
	for i := range lines {
		if i > 0 {
			lines[i] = "    " + lines[i]
		}
		lines[i] = isolate(cut(lines[i], width-1, q.dots))
	}
	return lines
}

// flow puts words after each other, with commas between, into as many lines as it takes.
func flow(words []string, width int) (lines []string) {
	for _, w := range words {
		if n := len(lines); n > 0 && cells(lines[n-1]+", "+w) <= width {
			lines[n-1] += ", " + w
			continue
		}
		lines = append(lines, w)
	}
	return lines
}

// state is what a row says but for who it is and their words, in one line.
func (q *queue) state(c *desk.Conversation, now time.Time) string {
	all := append(q.flags(c, now), q.clock(c, now))
	if owner := q.owner(c); owner != "" {
		all = append([]string{q.T("held by {{.Name}}", "Name", owner)}, all...)
	}
	all = append(all, q.from(c)...)
	return strings.Join(all, ", ")
}

// from is where somebody's number is from, nothing where that is not known.
func (q *queue) from(c *desk.Conversation) []string {
	if c.Place == "" {
		return nil
	}
	return []string{q.T("number of {{.Place}}", "Place", text.Line(c.Place))}
}

// owner is who else holds a conversation, empty for nobody.
func (q *queue) owner(c *desk.Conversation) string {
	if c.Phase != desk.Held || c.HeldBy(q.Name) {
		return ""
	}
	return text.Line(c.Owner)
}

// clock is how long somebody waits, or why that does not matter.
func (q *queue) clock(c *desk.Conversation, now time.Time) string {
	switch out := q.waits(c, now); {
	case c.Phase == desk.ClosedNow:
		return q.T("closed {{.Time}}", "Time", q.moment(c.ClosedAt))
	case late(c, now):
		return q.Theme.Danger.Paint(out)
	default:
		return out
	}
}

// flags are what there is to be careful about with somebody, the worst first.
func (q *queue) flags(c *desk.Conversation, now time.Time) (all []string) {
	if n := q.read.unread(c); n > 0 && c.HeldBy(q.Name) {
		all = append(all, q.Theme.Focus.Paint(q.N(n, "{{.N}} new")))
	}
	beware := func(words string) { all = append(all, q.Theme.Danger.Paint(words)) }
	if c.Danger {
		beware(q.T("DANGER WORD"))
	}
	if c.Flooding(now) {
		beware(strings.TrimSpace(q.surge + " " + q.T("FLOOD")))
	}
	if c.OptedOut {
		beware(q.T("opted out"))
	}
	if c.Safety.Hold {
		beware(q.T("do not text"))
	}
	if q.outside(c, now) {
		beware(q.T("outside safe hours"))
	}
	if c.Safety.Watched {
		beware(q.T("phone watched"))
	}
	if c.Earlier != "" {
		all = append(all, q.T("again"))
	}
	return all
}

// outside tells whether it is outside somebody's safe hours. It is asked of each row in view for each frame, and a zone
// is read from the disk: what is known holds for a minute.
func (q *queue) outside(c *desk.Conversation, now time.Time) bool {
	hours := desk.Hours{From: c.Safety.From, Until: c.Safety.Until, Zone: c.Safety.Zone}
	if hours == (desk.Hours{}) {
		return false
	}
	if minute := now.Truncate(time.Minute); !minute.Equal(q.minute) {
		q.minute, q.shut = minute, map[desk.Hours]bool{}
	}
	shut, known := q.shut[hours]
	if !known {
		shut = !hours.Open(now)
		q.shut[hours] = shut
	}
	return shut
}

// said is the newest text that is not of a flood, with its language where that is not English.
func (q *queue) said(c *desk.Conversation, n int) string {
	if c.Language == "" || c.Language == "en" {
		return q.firstOf(c, n)
	}
	return q.language(c.Language) + ": " + q.firstOf(c, n)
}

// firstOf is at most the first n bytes or so of that text: a row never shows more, so the rest need not be
// looked at.
func (l *look) firstOf(c *desk.Conversation, n int) string {
	m := c.Heard()
	if m == nil {
		return l.T("(ended: {{.How}})", "How", text.Line(l.Word(c.Closing.Disposition)))
	}
	words := m.Text.Reveal()
	switch {
	case m.Withheld && l.Review:
		return l.T("(words not on this machine)")
	case m.Withheld && c.Phase == desk.Waiting:
		return l.T("(enter reads it)")
	case m.Withheld:
		return l.T("(words not for this reader)")
	case strings.TrimSpace(words) == "" && len(m.Media) > 0:
		return l.T("(a picture or file, no words)")
	case len(words) > n:
		words = strings.ToValidUTF8(words[:n], "")
	}
	return text.Line(words)
}

// reasons names the rules that spoke, each once, and the flags.
func (l *look) reasons(m *desk.Message) string {
	if m == nil {
		return ""
	}
	var all []string
	for _, f := range m.Flags {
		if f != desk.FlagOptedOut {
			all = append(all, text.Line(l.Word(f)))
		}
	}
	for _, r := range m.Reasons {
		if name := text.Line(l.Word(r.Rule)); !slices.Contains(all, name) && len(all) < 4 {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}
