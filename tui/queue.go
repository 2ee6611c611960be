package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/triage"
)

// Rows keep their places for as long as somebody moves among them: a while after each such key, and no longer than one can
// do without knowing who else waits.
const (
	calm     = 2 * time.Second
	calmMost = 5 * time.Second
)

// A queue is the list of one's own conversations and of those who wait. What is selected is a conversation, not a row.
type queue struct {
	*look
	rows     sections
	listed   world           // the one that rows are of
	world    *world          // newer than rows while somebody moves among them
	changed  map[string]bool // IDs of what is not in it as it is in listed
	stale    bool            // the order of rows is not that of world
	since    time.Time       // when that began
	touched  time.Time       // when somebody moved among them last
	selected string
	chosen   bool // somebody has pressed a key: the mark stays where it is
	found    found
	unlisted int // how many will be rows then that are not
	imminent int // how many of those are in imminent danger
	filter   string
	typing   bool // into the filter
	read     reading
	drawn    []string // the conversation on each line that was drawn last, empty for none
	minute   time.Time
	shut     map[desk.Hours]bool // safe hours that it is outside of in that minute
}

// A found row is where the selected conversation was when it was looked for last.
type found struct {
	id string
	at int // less than 0 where it was not listed
}

// Take shows a newer world. Rows keep their places until they may settle; what the sections count is true at once.
func (q *queue) Take(w *world, now time.Time, inUse bool) {
	q.world = w
	next := q.order()
	switch {
	case !inUse || !now.Before(q.Settles()) || q.rows.empty():
		q.place(next)
		return
	case next.same(q.rows):
		q.list(next)
		return
	case !q.stale:
		q.stale, q.since = true, now
	}
	for _, id := range w.news {
		q.changed[id] = true
	}
	q.unlisted, q.imminent = q.missing()
	for i, s := range q.rows {
		if n := slices.IndexFunc(next, func(o section) bool { return o.name == s.name }); n >= 0 {
			q.rows[i].count = next[n].count
		}
	}
}

// Settles is when rows find their places, if nobody moves among them until then.
func (q *queue) Settles() time.Time {
	at, most := q.touched.Add(calm), q.since.Add(calmMost)
	if q.stale && most.Before(at) {
		return most
	}
	return at
}

// Settle puts the rows into their order.
func (q *queue) Settle() {
	if q.world != nil {
		q.place(q.order())
	}
}

func (q *queue) place(rs sections) {
	q.list(rs)
	if !q.chosen || q.index() < 0 {
		q.selected = ""
		q.Move(0)
	}
}

func (q *queue) list(rs sections) {
	q.rows, q.listed, q.stale, q.found.id = rs, *q.world, false, ""
	q.changed = map[string]bool{}
}

// order is what the rows should be.
func (q *queue) order() (rs sections) {
	w, waiting := q.world, q.T("Waiting")
	add := func(name string, all []*desk.Conversation, numbered bool) {
		s := section{name, strconv.Itoa(len(all)), all, numbered}
		if !numbered && q.filter != "" {
			s.convs = slices.DeleteFunc(slices.Clone(all), func(c *desk.Conversation) bool { return !q.always(c) && !q.matches(c) })
			if n := len(s.convs); n < len(all) {
				s.count = q.T("{{.Shown}} of {{.All}}", "Shown", n, "All", len(all))
			}
		}
		if len(s.convs) > 0 || name == waiting {
			rs = append(rs, s)
		}
	}
	add(q.T("Mine"), w.mine, true)
	add(waiting, w.waiting, false)
	add(q.T("Held by others"), w.others, false)
	add(q.T("Closed"), w.closed, false)
	return rs
}

// lists tells whether a conversation is a row of w's list.
func (q *queue) lists(w *world, c *desk.Conversation) bool {
	l := w.list(c, q.Name, q.Review)
	return l == &w.mine || l != nil && (q.always(c) || q.matches(c))
}

// always tells whether a conversation is listed whatever the filter: nobody in imminent danger waits unseen. One's own
// are, too.
func (q *queue) always(c *desk.Conversation) bool {
	return c.Phase == desk.Waiting && c.Severity == triage.Imminent
}

// fits tells whether anything is listed because of the filter.
func (q *queue) fits() bool {
	for r := range q.rows.conversations() {
		if c := q.world.byID.get(r.id); c != nil && q.matches(c) {
			return true
		}
	}
	return false
}

func (q *queue) matches(c *desk.Conversation) bool {
	if q.filter == "" {
		return true
	}
	all := q.who(c) + " " + q.Word(c.Severity.Word()) + " " + c.Owner + " " + firstWords(c) + " " + q.reasons(c.Heard()) + " " + c.Place + " " + q.language(c.Language)
	return strings.Contains(strings.ToLower(all), strings.ToLower(q.filter))
}

func firstWords(c *desk.Conversation) string {
	if m := c.Heard(); m != nil {
		return m.Text.Reveal()
	}
	return ""
}

// Selected returns the conversation under the cursor as it is now, nil if there is none.
func (q *queue) Selected() *desk.Conversation {
	if q.world == nil {
		return nil
	}
	return q.world.byID.get(q.selected)
}

// Select puts the cursor on a conversation.
func (q *queue) Select(id string) { q.selected, q.chosen = id, true }

// Mark has the cursor stand on a row that there is.
func (q *queue) Mark() {
	if q.index() < 0 {
		q.Move(0)
	}
}

// index is the row under the cursor, less than 0 where that is not listed. It is looked for once, from where it was.
func (q *queue) index() int {
	switch {
	case q.selected == "":
		return -1
	case q.found.id == q.selected:
		return q.found.at
	}
	n := q.rows.len()
	from := min(max(q.found.at, 0), n)
	q.found = found{q.selected, -1}
	for d := 0; d <= max(from, n-from); d++ {
		for _, i := range [...]int{from - d, from + d} {
			if i >= 0 && i < n && q.rows.at(i).id == q.selected {
				q.found.at = i
				return i
			}
		}
	}
	return -1
}

// at is the conversation on a line of the pane, empty for none.
func (q *queue) at(line int) string {
	if line < 0 || line >= len(q.drawn) {
		return ""
	}
	return q.drawn[line]
}

// Move moves the cursor by n conversations, as far as there are any. Where there is none it comes to the first.
func (q *queue) Move(n int) {
	at, step := q.index(), 1
	switch {
	case at < 0:
		n = 1
	case n < 0:
		n, step = -n, -1
	}
	for at += step; n > 0 && at >= 0 && at < q.rows.len(); at += step {
		if id := q.rows.at(at).id; id != "" {
			q.selected, q.found = id, found{id, at}
			n--
		}
	}
}

// Key handles the keys of a list.
func (q *queue) Key(k tea.KeyMsg) bool {
	if q.typing {
		return q.filterKey(k)
	}
	switch k.String() {
	case "up", "k":
		q.Move(-1)
	case "down", "j":
		q.Move(1)
	case "pgup":
		q.Move(-8)
	case "pgdown":
		q.Move(8)
	case "g", "home":
		q.Move(-q.rows.len())
	case "G", "end":
		q.Move(q.rows.len())
	case "esc":
		q.refilter("")
	default:
		return false
	}
	return true
}

func (q *queue) filterKey(k tea.KeyMsg) bool {
	switch k.Type {
	case tea.KeyEnter, tea.KeyTab, tea.KeyDown:
		q.typing = false
	case tea.KeyEsc:
		q.typing = false
		q.refilter("")
	default:
		filter, ok := retyped(q.filter, k)
		q.refilter(filter)
		return ok
	}
	return true
}

// refilter narrows the list down. The cursor goes to what was looked for.
func (q *queue) refilter(to string) {
	if q.filter == to {
		return
	}
	q.filter = to
	q.Settle()
	if c := q.Selected(); to == "" || c == nil || q.matches(c) {
		return
	}
	for r := range q.rows.conversations() {
		if c := q.world.byID.get(r.id); c != nil && q.matches(c) {
			q.selected = r.id
			return
		}
	}
}

// Render returns the list; only rows in view are laid out.
func (q *queue) Render(width, height int, now time.Time, focused bool) []string {
	title := q.T("Conversations")
	if q.filter != "" || q.typing {
		title = q.T("Filter:") + " " + q.filter
		if q.typing {
			title += "_"
		}
	}
	lines := []string{q.heading(title, width, focused)}
	q.drawn = append(q.drawn[:0], "")
	if q.world == nil {
		return append(lines, "  "+q.T("Fetching the conversations")+q.dots)
	}
	rows, drawn := q.layOut(width, height-1, now)
	lines, q.drawn = append(lines, rows...), append(q.drawn, drawn...)
	switch {
	case q.filter != "" && !q.fits():
		lines = append(lines, "", "  "+q.T("Nothing fits; {{.Key}} shows all.", "Key", "esc"))
	case len(q.world.waiting) == 0 && q.filter == "" && !q.Review:
		lines = append(lines, "", "  "+q.T("Nobody is waiting."))
	}
	if q.stale && height > 2 {
		left := max(1, int((q.Settles().Sub(now)+time.Second-1)/time.Second))
		words := q.T("new order in {{.Seconds}} s", "Seconds", left)
		if q.unlisted > 0 {
			words = q.N(q.unlisted, "{{.N}} new") + ", " + words
		}
		ink := q.Theme.Muted
		if q.imminent > 0 {
			words, ink = strings.ToUpper(q.Word(triage.Imminent.Word()))+" "+strconv.Itoa(q.imminent)+", "+words, q.Theme.Danger
		}
		lines = append(lines[:min(len(lines), height-1)], ink.Paint("  "+cut(words, width-3, q.dots)))
	}
	return lines
}

// layOut returns the lines of the rows in view, and the conversation on each.
func (q *queue) layOut(width, height int, now time.Time) (lines, drawn []string) {
	laid := map[int][]string{}
	lay := func(i int) []string {
		if laid[i] == nil {
			laid[i] = q.row(q.rows.at(i), width, now)
		}
		return laid[i]
	}
	for i := q.top(height, lay); i < q.rows.len() && len(lines) < height; i++ {
		r := q.rows.at(i)
		lines = append(lines, lay(i)...)
		for len(drawn) < len(lines) {
			drawn = append(drawn, r.id)
		}
	}
	return lines, drawn
}

// Shows tells whose rows would be in view in a pane of that size.
func (q *queue) Shows(width, height int, now time.Time) map[string]bool {
	_, drawn := q.layOut(width, height-1, now)
	if q.stale { // the last line says so
		height--
	}
	rows := map[string]bool{}
	for _, id := range drawn[:max(0, min(len(drawn), height-1))] {
		rows[id] = true
	}
	return rows
}

// missing is how many are not listed that should be, and how many of those wait in imminent danger.
func (q *queue) missing() (n, imminent int) {
	for id := range q.changed {
		c := q.world.byID.get(id)
		if !q.lists(q.world, c) || q.lists(&q.listed, q.listed.byID.get(id)) {
			continue
		}
		n++
		if q.always(c) {
			imminent++
		}
	}
	return n, imminent
}

// top is the first row to draw so that the cursor is in view, near the middle of a long list.
func (q *queue) top(height int, lay func(int) []string) int {
	at, room := q.index(), height
	for at > 0 {
		if room -= len(lay(at)); room < height/2 {
			break
		}
		at--
	}
	at = max(at, 0)
	for end, room := q.rows.len(), height; at > 0 && room > 0; { // do not leave room below the end
		end--
		if end < 0 {
			return 0
		}
		if room -= len(lay(end)); room >= 0 && end < at {
			at = end
		}
	}
	return at
}
