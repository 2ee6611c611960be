package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"befree.example/store/desk"
	"befree.example/store/triage"
	"befree.example/tui/text"
	"befree.example/tui/theme"
)

// Widths from which more panes stand beside each other.
const (
	wideFrom   = 110
	mediumFrom = 80
)

// draw returns the frame: a top line, the panes, a line for what befree has to say, and the keys.
func (m *Model) draw() string {
	switch {
	case m.width <= 0 || m.height <= 0:
		return ""
	case m.width < leastWidth || m.height < leastHeight:
		return m.tooSmall(m.width, m.height)
	case m.locked != nil:
		return strings.Join(frame(m.height, "", column{m.width, m.lockScreen()}), "\n")
	}
	top, foot := m.head(), m.foot()
	height := m.height - len(top) - len(foot)
	rows := frame(len(top), "", column{m.width, top})
	rows = append(rows, frame(height, m.Theme.Muted.Paint(m.bar), m.columns(height)...)...)
	rows = append(rows, frame(len(foot), "", column{m.width, foot})...)
	return strings.Join(rows, "\n")
}

// lockScreen is what a locked console says, as wide as the window.
func (m *Model) lockScreen() (lines []string) {
	for _, l := range m.locked.Render(&m.look, m.Unlock != nil) {
		for _, one := range wrap(strings.TrimSpace(l), m.width-3) {
			lines = append(lines, "  "+one)
		}
	}
	return lines
}

// head is how things stand, with what waits out of view: in a line of its own where one does not hold both.
func (m *Model) head() []string {
	alarm := m.alarmLines()
	rows := m.height - len(alarm) - len(m.foot())
	waits := m.outOfView(rows - 1)
	top, whole := m.statusLine(waits)
	lines := []string{top}
	if !whole {
		waits = cmp.Or(m.outOfView(rows-2), waits) // that line takes one from the list
		lines = append(lines, " "+cut(waits, m.width-2, m.dots))
	}
	return append(lines, alarm...)
}

// outOfView says what needs its person and has no row on the screen, where there are so many lines for the list.
func (m *Model) outOfView(height int) string {
	if m.Review {
		return ""
	}
	rows := map[string]bool{}
	if width := m.listWidth(); width > 0 {
		rows = m.queue.Shows(width, height, m.now)
	}
	mine, imminent := 0, m.world.urgent
	for id := range rows {
		if calls(m.world.byID.get(id)) {
			imminent--
		}
	}
	count := func(c *desk.Conversation) bool {
		waits := !rows[c.ID] && (!c.Unanswered.IsZero() && c.ID != m.open || c.ID == m.open && !m.inView() && m.read.unread(c) > 0)
		if waits && c.Severity == triage.Imminent {
			imminent++
		}
		return waits
	}
	for _, c := range m.world.mine {
		if count(c) {
			mine++
		}
	}
	if c := m.world.byID.get(m.open); calls(c) && !rows[c.ID] {
		imminent--
		count(c)
	}
	var parts []string
	if mine > 0 {
		parts = append(parts, m.Theme.Focus.Paint(m.N(mine, "{{.N}} of yours wait")))
	}
	if imminent > 0 {
		parts = append(parts, m.severity(triage.Imminent)+m.Theme.Danger.Paint(" "+strconv.Itoa(imminent)))
	}
	return strings.Join(parts, " "+m.dot+" ")
}

// listWidth is how wide the list is, 0 where it is not on the screen.
func (m *Model) listWidth() int {
	open := m.side != noSide && m.chat.conv != nil
	switch w := m.width; {
	case m.covered():
	case w >= wideFrom && open:
		return w*3/10 + 2
	case w >= wideFrom:
		return w / 3
	case w >= mediumFrom && !open:
		return w/2 - 4
	case w < mediumFrom && m.focus == onQueue:
		return w
	}
	return 0
}

// foot is what befree has to say, and the keys.
func (m *Model) foot() []string {
	return slices.Concat(m.handLines(), m.noticeLines(), m.footer())
}

// panes is how many rows there are for the panes.
func (m *Model) panes() int { return m.height - len(m.head()) - len(m.foot()) }

// columns are the panes that there is room for.
func (m *Model) columns(height int) []column {
	middle := func(w int) column { return column{w, m.middle(w, height)} }
	beside := func(w int) column { return column{w, m.besidePane(w, height)} }
	w := m.width
	if over := m.overlay(w, height); over != nil {
		return []column{{w, over}}
	}
	var columns []column
	left := m.listWidth()
	if left > 0 {
		columns = []column{{left, m.queue.Render(left, height, m.now, m.focus == onQueue)}}
	}
	switch open := m.side != noSide && m.chat.conv != nil; {
	case w >= wideFrom && open:
		third := w / 3
		return append(columns, middle(w-left-third-2), beside(third))
	case w >= mediumFrom && open:
		return []column{beside(w/2 - 2), middle(w - w/2 + 1)}
	case w >= mediumFrom:
		return append(columns, middle(w-left-1))
	case m.focus == onQueue:
		return columns
	case m.focus == onSide:
		return []column{beside(w)}
	}
	return []column{middle(w)}
}

// overlay is what takes all the keys, drawn in the place of the panes: nothing ever covers part of a text.
func (m *Model) overlay(width, height int) []string {
	if n := len(m.dialogs); n > 0 {
		d := m.dialogs[n-1]
		return m.under(d.Render(&m.look, width, height), d.about, width, height)
	}
	switch {
	case m.wrapUp != nil:
		return m.under(m.wrapUp.Render(&m.look, width, height), m.wrapUp.id, width, height)
	case m.help != nil:
		return m.help.Render(&m.look, width, height)
	case m.palette != nil:
		return m.palette.Render(&m.look, width, height)
	case m.versions != nil:
		return m.versions.Render(&m.look, width, height)
	}
	return nil
}

// A cover is what takes all the keys.
type cover struct {
	dialog   *dialog
	wrapUp   *wrapUp
	question int
	help     *help
	palette  *palette
	versions *versions
}

func (m *Model) cover() cover {
	c := cover{wrapUp: m.wrapUp, help: m.help, palette: m.palette, versions: m.versions}
	if n := len(m.dialogs); n > 0 {
		c.dialog = m.dialogs[n-1]
	}
	if m.wrapUp != nil {
		c.question = m.wrapUp.at
	}
	return c
}

// covered tells whether something takes all the keys.
func (m *Model) covered() bool { return m.cover() != cover{} }

// under puts lines under the conversation that they are about, where that is open and there is room for it. Nobody
// else's texts are ever shown beside a question.
func (m *Model) under(lines []string, about string, width, height int) []string {
	if m.chat.conv == nil || m.chat.conv.ID != about || height-len(lines) <= 8 {
		return lines
	}
	return append(append(m.chat.Render(width, height-len(lines)-1, m.now, false), ""), lines...)
}

// middle is the conversation with its composer.
func (m *Model) middle(width, height int) []string {
	c, box := m.chat.conv, m.boxRows(width)
	if c == nil || m.Review || box == 0 {
		return m.chat.Render(width, height, m.now, m.focus == onChat)
	}
	held := m.holding()
	least := 3 + len(m.composer.counted(width))
	if held != "" {
		box, least = box+1, least+1
	}
	if height < leastHeight { // what is written gives way to what is to be read
		const texts = 3
		box = max(least, min(box, height-1-texts-len(m.chat.banner(width, m.now))))
	}
	lines := m.chat.Render(width, height-box, m.now, m.focus == onChat)
	for len(lines) < height-box {
		lines = append(lines, "")
	}
	return append(lines[:height-box], m.composer.Render(c, width, box, held, m.focus == onComposer)...)
}

// holding says what stands under the composer of why its text would not go out, empty if it would.
func (m *Model) holding() string {
	c, why := m.chat.conv, m.held()
	switch gate := c.Gate(m.now); {
	case c.Phase == desk.Waiting:
		key := m.press("c")
		if m.focus == onComposer {
			key = "esc, " + key
		}
		return m.T("Cannot send: nobody has this conversation yet. {{.Key}} claims it.", "Key", key)
	case why != "":
		return m.T("Held: {{.Why}}", "Why", why)
	case gate != "":
		return m.T("Held: {{.Why}}", "Why", m.T("{{.Why}} Enter asks for a reason.", "Why", m.Word(gate)))
	}
	return ""
}

// boxRows is how many rows the composer has, with its frame and its count: none where the conversation is closed and no
// draft is left.
func (m *Model) boxRows(width int) int {
	if m.shut() && m.composer.Text(m.open) == "" {
		return 0
	}
	return 1 + m.composer.Rows(width) + len(m.composer.counted(width))
}

func (m *Model) besidePane(width, height int) []string {
	focused, c := m.focus == onSide, m.chat.conv
	switch {
	case m.side == notesSide:
		return m.notes.Render(c, m.world.outbox, &m.scroll, width, height, focused)
	case m.side == safetySide && m.safety != nil:
		return append([]string{m.heading(m.T("Safety record"), width, focused)}, m.safety.Render(&m.look, width, height-1, focused && !m.Review)...)
	case m.side == referSide && m.refer != nil:
		return append([]string{m.heading(m.T("New referral"), width, focused)}, m.refer.Render(&m.look, width, height-1, focused)...)
	case m.side == planSide && m.plan != nil:
		return m.plan.Render(width, height, focused)
	case m.side == historySide:
		return m.readable(m.T("History of this texter"), m.history(c, width), width, height, focused)
	case m.side == referralSide:
		return m.readable(m.T("Referrals of this texter"), m.referrals(c, width), width, height, focused)
	}
	return nil
}

// readable is a pane in which nothing is written.
func (m *Model) readable(name string, lines []string, width, height int, focused bool) []string {
	return append([]string{m.heading(name, width, focused)}, m.scroll.Part(&m.look, lines, max(0, height-1))...)
}

// statusLine says who is here, what waits out of view and how the console stands to the relay. The connection comes first
// where room is short; whole tells whether there was any for what waits.
func (m *Model) statusLine(waits string) (line string, whole bool) {
	s := m.world.status
	state := m.connection(s)
	ink := m.Theme.Good
	if !s.InStep() || s.Draining {
		ink = m.Theme.Danger
	}
	who := "befree  " + text.Line(m.Name)
	if s.Role != "" {
		who += ", " + text.Line(m.Word(string(s.Role)))
	}
	if m.quiet {
		who += ", " + m.T("not to be disturbed")
	}
	clock := m.now.In(m.Zone).Format("15:04")
	crumbs := ""
	if m.width < mediumFrom && m.focus != onQueue && m.chat.conv != nil {
		crumbs = " > " + m.who(m.chat.conv)
		who = "befree"
	}
	left := cut(" "+who+crumbs, max(8, m.width-cells(state)-12), m.dots)
	gap := m.width - cells(left) - cells(state) - cells(clock) - 4
	end := ink.Paint(state) + "  " + clock
	if whole = cells(waits)+4 <= gap; whole && waits != "" {
		gap -= cells(waits) + 2
		end = waits + "  " + end
	}
	return m.Theme.Title.Paint(left) + strings.Repeat(" ", max(1, gap)) + end, whole || waits == ""
}

// noticeLines are what befree has to say.
func (m *Model) noticeLines() []string { return m.said(m.noticeWords()) }

// said is words at the foot of the screen: one line, two where one does not hold them.
func (m *Model) said(words string, ink theme.Ink) []string {
	lines := wrap(words, m.width-2)
	if len(lines) > 2 {
		lines = []string{lines[0], cut(strings.Join(lines[1:], " "), m.width-2, m.dots)}
	}
	for i, l := range lines {
		lines[i] = " " + ink.Paint(l)
	}
	return lines
}

func (m *Model) noticeWords() (string, theme.Ink) {
	switch {
	case m.notice.alone:
		return "! " + m.aloneWords(), m.Theme.Danger
	case m.notice.text != "" && m.notice.bad:
		return "! " + m.notice.text, m.Theme.Danger
	case m.notice.text != "":
		return m.notice.text, m.Theme.Good
	}
	if m.tour != nil && !m.Review {
		if words := m.tour.say(m); words != "" {
			return words, m.Theme.Focus
		}
	}
	if n := len(m.composer.Others()); n > 0 {
		return m.N(n, "{{.N}} other drafts kept: {{.Key}}", "Key", m.press("alt+d")), m.Theme.Muted
	}
	return "", m.Theme.Muted
}

// footer names the few keys that matter where one is: as many as one line has room for. Those that nobody can do
// without get a second line in a narrow window.
func (m *Model) footer() []string {
	keys, need := m.footerKeys()
	lines := []string{""}
	for i, key := range keys {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = key
		case cells(*last+"  "+key) <= m.width-2:
			*last += "  " + key
		case i < need && len(lines) == 1:
			lines = append(lines, key)
		}
	}
	for i, l := range lines {
		lines[i] = " " + m.Theme.Muted.Paint(l)
	}
	return lines
}

// footerKeys are the keys that matter, the ones to be named first in front, and how many nobody can do without.
func (m *Model) footerKeys() (keys []string, need int) {
	if m.focus == onComposer && !m.covered() {
		return m.composerKeys(), 7
	}
	if m.inForm() && m.side == planSide && !m.covered() {
		return m.otherKeys(), 5
	}
	return m.otherKeys(), 0
}

func (m *Model) composerKeys() []string {
	first := "enter " + m.T("send")
	if c := m.chat.conv; c != nil && c.Phase == desk.Waiting && c.ID != m.claiming {
		first = "esc, " + m.press("c") + " " + m.T("claim")
	}
	if m.others() {
		return []string{"esc " + m.T("read it"), m.press("F8") + " " + m.T("next"), m.press("F4") + " " + m.T("safety"), m.press("F6") + " " + m.T("plan"), m.press("F3") + " " + m.T("notes"), m.press("F1") + " " + m.T("help")}
	}
	return []string{
		first, m.press("F8") + " " + m.T("next"), m.press("F4") + " " + m.T("safety"), m.press("F6") + " " + m.T("plan"), m.press("F3") + " " + m.T("notes"),
		"esc " + m.T("read it"), m.press("F1") + " " + m.T("help"), m.press("alt+u") + " " + m.T("take back"), m.press("alt+q") + " " + m.T("quick reply"), m.press("ctrl+j") + " " + m.T("new line"),
	}
}

func (m *Model) otherKeys() []string {
	lists := []string{m.press("?") + " " + m.T("help"), m.press(":") + " " + m.T("all"), "tab " + m.T("panes"), m.press("q") + " " + m.T("leave")}
	switch {
	case len(m.dialogs) == 0 && m.wrapUp != nil && m.wrapUp.at == len(questions):
		return []string{"y " + m.T("closes it"), "esc " + m.T("it stays open"), m.T("up") + " " + m.T("to change one")}
	case len(m.dialogs) == 0 && m.wrapUp != nil:
		return []string{"1-9 " + m.T("answer"), m.T("up") + " " + m.T("to change one"), "esc " + m.T("it stays open")}
	case len(m.dialogs) == 0 && (m.help != nil || m.versions != nil):
		return []string{"esc " + m.T("back")}
	case len(m.dialogs) == 0 && m.palette != nil:
		return []string{"enter " + cmp.Or(m.palette.enter, m.T("does it")), "esc " + m.T("back"), m.T("up and down"), m.T("type to find")}
	case len(m.dialogs) > 0:
		switch d := m.dialogs[len(m.dialogs)-1]; {
		case d.reason != nil:
			return []string{m.press("F9") + " " + m.T("goes on"), "esc " + m.T("nothing is done")}
		case d.itself || d.writes():
			return []string{"esc " + m.T("nothing is done")}
		}
		return []string{"esc " + m.T("nothing is done"), "enter " + m.T("the marked answer")}
	case m.queue.typing && m.focus == onQueue:
		return []string{"enter " + m.T("done"), "esc " + m.T("no filter")}
	case m.focus == onSide && m.Aside:
		return []string{"esc " + m.T("back"), "pgup pgdown " + m.T("read on"), m.press("F1") + " " + m.T("help")}
	case m.focus == onSide && m.side == planSide:
		return []string{
			"tab " + m.T("next, saved"), m.press("alt+s") + " " + m.T("suicide steps"), m.press("F1") + " " + m.T("help"), "esc " + m.T("back"),
			m.press("ctrl+x") + " " + m.T("does not apply"), m.press("alt+o") + " " + m.T("only this answer"), m.press("ctrl+s") + " " + m.T("save"),
		}
	case m.focus == onSide && m.side == referralSide && !m.Review:
		return []string{"esc " + m.T("back"), m.press("alt+e") + " " + m.T("new one"), m.press("alt+w") + " " + m.T("what came of it"), "pgup pgdown " + m.T("read on"), m.press("F1") + " " + m.T("help"), "tab " + m.T("panes")}
	case m.focus == onSide && (m.side == historySide || m.side == referralSide):
		return []string{"esc " + m.T("back"), "pgup pgdown " + m.T("read on"), m.press("F1") + " " + m.T("help"), "tab " + m.T("panes")}
	case m.focus == onSide && (m.side == safetySide || m.side == referSide):
		return []string{"tab shift+tab " + m.T("fields"), m.press("ctrl+s") + " " + m.T("keep"), "esc " + m.T("back"), m.press("F1") + " " + m.T("help")}
	case m.focus == onSide:
		return []string{m.press("ctrl+s") + " " + m.T("keep"), "esc " + m.T("back"), "pgup pgdown " + m.T("read on"), m.press("F1") + " " + m.T("help"), "tab " + m.T("panes")}
	case m.Review:
		return append([]string{"enter " + m.T("open"), m.press("t") + " " + m.T("notes"), m.press("p") + " " + m.T("plan"), m.press("s") + " " + m.T("safety")}, lists...)
	case m.focus == onQueue:
		return append([]string{m.press("n") + " " + m.T("next"), "enter " + m.T("open"), m.press("c") + " " + m.T("claim")}, append(lists, m.press("/")+" "+m.T("filter"), "1-9 "+m.T("mine"))...)
	case m.shut():
		return append(m.shutKeys(), lists...)
	case m.chat.conv != nil && m.chat.conv.Phase == desk.Waiting:
		return append([]string{m.press("c") + " " + m.T("claim"), "esc " + m.T("list")}, lists...)
	case m.others():
		keys := []string{"esc " + m.T("list"), m.press("n") + " " + m.T("next")}
		if m.world.status.Role == desk.Supervisor {
			keys = append(keys, m.press("T")+" "+m.T("take over"))
		}
		return append(keys, lists...)
	}
	return append([]string{"enter " + m.T("write"), m.press("x") + " " + m.T("close"), m.press("R") + " " + m.T("give back")}, append(lists, m.press("u")+" "+m.T("take back"), m.press("t")+" "+m.T("notes"), m.press("s")+" "+m.T("safety"), m.press("p")+" "+m.T("plan"))...)
}

// others tells whether somebody else holds the open conversation.
func (m *Model) others() bool {
	c := m.chat.conv
	return c != nil && c.Phase == desk.Held && !c.HeldBy(m.Name)
}

// shutKeys are what can be done about a closed conversation by whoever is here.
func (m *Model) shutKeys() []string {
	keys := []string{"esc " + m.T("list"), m.press("n") + " " + m.T("next"), m.press("e") + " " + m.T("earlier")}
	if role := m.world.status.Role; role.Steers() {
		keys = append(keys, m.press("X")+" "+m.T("ask to forget"))
		if role == desk.Supervisor {
			keys = append(keys, m.press("E")+" "+m.T("export"))
		}
	}
	return keys
}
