package tui

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/triage"
	"befree.example/tui/text"
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

// A section is a part of the list: a row with its name, then those of its conversations. These are never changed: they
// may be the world's own.
type section struct {
	name     string
	count    string // how many there are in it, listed or not
	convs    []*desk.Conversation
	numbered bool // one's own, which keys open
}

// sections one after the other are the rows of a list.
type sections []section

// A row is a conversation, or the name of the section that begins there.
type row struct {
	*section
	id     string
	number int // the key that opens it, for one's own
}

func (rs sections) len() (n int) {
	for _, s := range rs {
		n += 1 + len(s.convs)
	}
	return n
}

func (rs sections) at(i int) row {
	for n := range rs {
		s := &rs[n]
		switch {
		case i == 0:
			return row{section: s}
		case i <= len(s.convs) && s.numbered:
			return row{s, s.convs[i-1].ID, i}
		case i <= len(s.convs):
			return row{s, s.convs[i-1].ID, 0}
		}
		i -= 1 + len(s.convs)
	}
	return row{}
}

// conversations yields the rows that are no names.
func (rs sections) conversations() iter.Seq[row] {
	return func(yield func(row) bool) {
		for i := range rs.len() {
			if r := rs.at(i); r.id != "" && !yield(r) {
				return
			}
		}
	}
}

func (rs sections) empty() bool { return rs.len() == len(rs) }

// same tells whether two lists show the same conversations in the same order.
func (rs sections) same(other sections) bool {
	return slices.EqualFunc(rs, other, func(a, b section) bool {
		return a.name == b.name && slices.EqualFunc(a.convs, b.convs, func(a, b *desk.Conversation) bool { return a == b || a.ID == b.ID })
	})
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
	all := q.who(c) + " " + q.Word(c.Severity.Word()) + " " + c.Owner + " " + firstWords(c) + " " + q.reasons(c.Newest()) + " " + c.Place + " " + q.language(c.Language)
	return strings.Contains(strings.ToLower(all), strings.ToLower(q.filter))
}

func firstWords(c *desk.Conversation) string {
	if m := c.Newest(); m != nil {
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
		if why := q.reasons(c.Newest()); why != "" {
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

// said is the newest text, with its language where that is not English.
func (q *queue) said(c *desk.Conversation, n int) string {
	if c.Language == "" || c.Language == "en" {
		return q.firstOf(c, n)
	}
	return q.language(c.Language) + ": " + q.firstOf(c, n)
}

// firstOf is at most the first n bytes or so of the newest text: a row never shows more, so the rest need not be
// looked at.
func (l *look) firstOf(c *desk.Conversation, n int) string {
	m := c.Newest()
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
