package tui

import (
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/sms"
	"befree.example/tui/text"
)

// A side is what stands beside a conversation when asked for.
type side string

const (
	noSide      side = ""
	notesSide   side = "notes"
	safetySide  side = "safety record"
	planSide    side = "safety plan"
	historySide side = "history"

	referralSide side = "referrals"
	referSide    side = "new referral"
)

// end is below all lines.
const end = 1 << 30

// A scroll is the part in view of lines that there may be no room for.
type scroll struct {
	top  int  // the first line, or end
	tail bool // it stays at its end while it is there
	at   int  // the first line that was in view, and
	room int  // how many there was room for
}

// Key goes up and down, by keys that are not needed to write.
func (s *scroll) Key(k tea.KeyMsg) bool {
	page := max(1, s.room-2) // but for what is said of the others
	switch k.String() {
	case "pgup":
		s.Move(-page)
	case "pgdown":
		s.Move(page)
	case "end":
		if s.top == end {
			return false
		}
		s.top = end
	default:
		return false
	}
	return true
}

// ReadKey goes up and down where nothing is written, too.
func (s *scroll) ReadKey(k tea.KeyMsg) {
	switch k.String() {
	case "up", "k":
		s.Move(-1)
	case "down", "j":
		s.Move(1)
	case "home", "g":
		s.top = 0
	case "G":
		s.top = end
	default:
		s.Key(k)
	}
}

// Move goes down by n lines.
func (s *scroll) Move(n int) { s.top = max(0, s.at+n) }

// Part is the part of lines in view, exactly as many as there is room for.
func (s *scroll) Part(l *look, lines []string, room int) []string {
	last := max(0, len(lines)-room)
	s.at, s.room = min(s.top, last), room
	if s.top >= last && s.tail {
		s.top = end
	}
	lines = l.window(lines, s.at, room)
	for len(lines) < room {
		lines = append(lines, "")
	}
	return lines
}

// window is as many lines as there is room for, and says how many more there are above and below.
func (l *look) window(lines []string, from, room int) []string {
	below := len(lines) - room - from
	lines = slices.Clone(lines[from:min(len(lines), from+room)])
	if from > 0 && room > 0 {
		lines[0] = "    " + l.Theme.Muted.Paint(l.T("{{.Lines}} more lines above", "Lines", from+1))
	}
	if below > 0 && room > 0 {
		lines[room-1] = "    " + l.Theme.Muted.Paint(l.T("{{.Lines}} more lines below", "Lines", below+1))
	}
	return lines
}

// notes are for colleagues and never sent. They can be written without a network.
type notes struct {
	*look
	editors map[string]*editor // what is being written, by conversation
}

func (n *notes) editor(id string) *editor {
	if n.editors[id] == nil {
		n.editors[id] = newEditor(4 * desk.MaxNote) // what is refused comes back into it
	}
	return n.editors[id]
}

// GiveBack puts words after what is being written, once: a crash may have left them in two places.
func (n *notes) GiveBack(id, words string) {
	if e := n.editor(id); e.Text() != words && !strings.HasPrefix(e.Text(), words+"\n") && !strings.HasSuffix(e.Text(), "\n"+words) {
		e.SetText(strings.TrimSpace(e.Text() + "\n" + words))
	}
}

// Key writes.
func (n *notes) Key(id string, k tea.KeyMsg) {
	if k.Type == tea.KeyEnter {
		n.editor(id).Newline()
		return
	}
	n.editor(id).Key(k)
}

// Render shows the notes in view and the place to write.
func (n *notes) Render(c *desk.Conversation, outbox []bolt.Entry, s *scroll, width, height int, focused bool) []string {
	head := n.heading(n.T("Notes: never sent"), width, focused)
	var lines []string
	for _, note := range c.Notes {
		waiting := slices.ContainsFunc(outbox, func(e bolt.Entry) bool { return e.ID == note.ID })
		lines = append(lines, n.note(note.Author, note.At, note.Text.Reveal(), waiting, width)...)
	}
	if len(lines) == 0 {
		lines = []string{"", "  " + n.Theme.Muted.Paint(n.T("No notes yet."))}
	}
	box := max(3, height/3)
	lines = s.Part(n.look, lines, max(0, height-box-2))
	lines = append(append([]string{head}, lines...), n.heading(n.T("New note"), width, false))
	for _, l := range n.editor(c.ID).Render(width-3, box, focused) {
		lines = append(lines, "  "+l)
	}
	return lines
}

func (n *notes) note(by string, at time.Time, words string, waiting bool, width int) []string {
	head := n.moment(at) + " " + text.Line(by)
	if waiting {
		head += ", " + n.T("not at the relay yet")
	}
	var lines []string
	for _, l := range wrap(head, width-3) {
		lines = append(lines, "  "+n.Theme.Staff.Paint(l))
	}
	return append(lines, indented(text.Clean(words), width)...)
}

func indented(s string, width int) []string {
	lines := wrap(s, width-5)
	for i := range lines {
		lines[i] = "    " + lines[i]
	}
	return lines
}

// A field of a form.
type field struct {
	name, help string
	text       *editor // or
	yes        *bool
	was        string
}

// A form is fields under each other, one of which takes the keys.
type form struct {
	fields []field
	at     int
}

// Move goes to another field.
func (f *form) Move(n int) { f.at = (f.at + n + len(f.fields)) % len(f.fields) }

// Key writes into the field, or changes a yes to a no.
func (f *form) Key(k tea.KeyMsg) {
	one := &f.fields[f.at]
	switch k.String() {
	case "up", "shift+tab":
		f.Move(-1)
	case "down", "enter", "tab":
		f.Move(1)
	default:
		if one.yes != nil {
			if s := k.String(); s == " " || s == "y" || s == "n" {
				*one.yes = s == "y" || s == " " && !*one.yes
			}
			return
		}
		one.text.Key(k)
	}
}

// value is what a field holds, and whether that is not what it held.
func (f *form) value(i int) (string, bool) {
	one := f.fields[i]
	if one.yes != nil {
		v := map[bool]string{true: "yes", false: "no"}[*one.yes]
		return v, v != one.was
	}
	v := strings.TrimSpace(strings.ReplaceAll(one.text.Text(), "\n", " "))
	return v, v != one.was
}

// Changed tells whether anything was.
func (f *form) Changed() bool {
	for i := range f.fields {
		if _, changed := f.value(i); changed {
			return true
		}
	}
	return false
}

// changes are the fields of a form that hold something else than they did, by name.
type changes map[string]string

// Changes returns them.
func (f *form) Changes() changes {
	c := changes{}
	for i, one := range f.fields {
		if v, changed := f.value(i); changed {
			c[one.name] = v
		}
	}
	return c
}

// Resume puts changes back that were made before.
func (f *form) Resume(c changes) {
	for i := range f.fields {
		one := &f.fields[i]
		v, ok := c[one.name]
		switch {
		case !ok:
		case one.yes != nil:
			*one.yes = v == "yes"
		default:
			one.text.SetText(v)
		}
	}
}

// Render shows the fields, two lines each, the one with the keys in view, and counts those that there is no room for.
func (f *form) Render(l *look, width, height int, focused bool) []string {
	all := make([][]string, len(f.fields))
	for i := range f.fields {
		all[i] = f.row(l, i, width, focused)
	}
	fits := func(from, to int) bool {
		return len(slices.Concat(all[from:to]...))+rank(from > 0)+rank(to < len(all)) <= height
	}
	from, to := 0, f.at+1
	for from < f.at && !fits(from, f.at+1) {
		from++
	}
	for to < len(all) && fits(from, to+1) {
		to++
	}
	lines := slices.Concat(all[from:to]...)
	if from > 0 {
		lines = append([]string{"  " + l.Theme.Muted.Paint(l.N(from, "{{.N}} more fields above"))}, lines...)
	}
	if n := len(all) - to; n > 0 {
		lines = append(lines, "  "+l.Theme.Muted.Paint(l.N(n, "{{.N}} more fields below")))
	}
	return lines[:min(len(lines), height)]
}

// row is a field: its name, what it holds and, where it has the keys, what it is for.
func (f *form) row(l *look, i, width int, focused bool) []string {
	one, mark := f.fields[i], "  "
	if i == f.at {
		mark = "> "
	}
	name := l.Theme.Title.Paint(mark + l.Word(one.name))
	v, changed := f.value(i)
	if changed {
		name += l.Theme.Muted.Paint(" " + l.T("(changed)"))
	}
	lines := []string{name}
	switch {
	case one.yes != nil:
		lines = append(lines, "    "+l.Word(v))
	case i == f.at:
		lines = append(lines, "    "+one.text.Render(width-6, 1, focused)[0])
	default:
		lines = append(lines, "    "+cut(text.Line(v), width-5, l.dots))
	}
	if i == f.at {
		for _, h := range wrap(l.Word(one.help), width-5) {
			lines = append(lines, "    "+l.Theme.Muted.Paint(h))
		}
	}
	return lines
}

// beside opens a pane beside the conversation.
func (m *Model) beside(s side) tea.Cmd {
	c := m.chat.conv
	if m.focus == onQueue && m.queue.Selected() != nil && (c == nil || c.ID != m.queue.selected) {
		opened := m.show1(m.queue.selected)
		m.focus = onChat
		return tea.Batch(opened, m.beside(s))
	}
	if c == nil {
		return nil
	}
	cmd := m.keep()
	m.side, m.focus, m.notice = s, onSide, notice{}
	m.scroll = scroll{}
	if s == notesSide {
		m.scroll = scroll{top: end, tail: true}
	}
	switch {
	case s == safetySide && (m.safety == nil || m.safety.id != c.ID || !m.safety.Changed()):
		m.safety = newSafety(c)
		m.safety.Resume(m.records[c.ID])
		if !m.lines { // which ask for each field in turn
			m.safety.at = safeWord
		}
	case s == referSide && (m.refer == nil || m.refer.id != c.ID):
		m.refer = newRefer(c.ID)
		m.refer.Resume(m.referring[c.ID])
	case s == planSide && (m.plan == nil || m.plan.id != c.ID):
		m.plan = newPlanForm(&m.look, c, m.answersIn(c.ID))
	}
	if s == safetySide && m.Review {
		m.say(m.T("In review the safety record can be read, not changed."))
	}
	if s == referSide && m.Review {
		m.side = referralSide
		m.say(m.T("In review referrals can be read, not changed."))
	}
	return cmd
}

// keep saves the answer that was being written into the plan, if it changed. Where it could not be saved it is a draft.
func (m *Model) keep() tea.Cmd {
	if m.side != planSide || m.plan == nil || m.chat.conv == nil || m.plan.id != m.chat.conv.ID {
		return nil
	}
	p, item, words := m.plan, m.plan.item(), m.plan.editor.Text()
	at, was := place{p.id, planDraft + item}, p.plan
	if !p.Changed() {
		if p.drafts[item] != "" { // what it was is written again
			delete(p.drafts, item)
			m.unsaved[at] = true
		}
		return m.saveSoon()
	}
	m.unsaved[at] = true // which it is no more
	if why := p.Wrong(m.now); why != "" {
		p.drafts[item] = words
		m.fail(m.T("Not kept: {{.Why}}", "Why", why))
		return m.saveSoon()
	}
	undo := func() {
		m.answersIn(p.id)[item], m.unsaved[at] = words, true
		if m.plan != nil && m.plan.id == p.id {
			m.plan.NotSaved(item, was)
		}
	}
	return tea.Batch(m.do(doing{what: m.T("Plan saved."), kept: keptPlan, undo: undo}, about(m.chat.conv, desk.PlanSaved, p.Edit(m.now))), m.saveSoon())
}

// check says of the item on the screen that it was asked and does not apply, or no longer.
func (m *Model) check() tea.Cmd {
	if m.focus != onSide || m.side != planSide || m.plan == nil {
		return m.beside(planSide) // nobody has read yet what it would be said of
	}
	p := m.plan
	switch {
	case p.item() == reviewed:
		m.say(m.T("That is for what is asked. No date is no review."))
		return nil
	case p.written() != "":
		m.say(m.T("There is an answer here. Clear it first."))
		return nil
	}
	item, was := p.item(), p.plan
	undo := func() {
		if m.plan != nil && m.plan.id == p.id {
			m.plan.NotSaved(item, was)
		}
	}
	m.unsaved[place{p.id, planDraft + item}] = true
	return tea.Batch(m.do(doing{what: m.T("Plan saved."), kept: keptPlan, undo: undo}, about(m.chat.conv, desk.PlanSaved, p.Check())), m.saveSoon())
}

// answersIn are the answers in a conversation's plan that are not saved, by item, beside the one on the screen.
func (m *Model) answersIn(id string) map[string]string {
	if m.answers[id] == nil {
		m.answers[id] = map[string]string{}
	}
	return m.answers[id]
}

// inPlan does something in the plan, having opened it.
func (m *Model) inPlan(do func() tea.Cmd) tea.Cmd {
	var open tea.Cmd
	if m.focus != onSide || m.side != planSide {
		open = m.beside(planSide)
	}
	if m.focus != onSide || m.plan == nil {
		m.say(m.T("Open a conversation first."))
		return open
	}
	return tea.Batch(open, do())
}

// nextQuestion goes to the next question without an answer.
func (m *Model) nextQuestion() tea.Cmd {
	return m.inPlan(func() tea.Cmd {
		cmd := m.keep()
		if m.plan.Wrong(m.now) == "" && !m.plan.Missing() {
			m.say(m.T("Nothing is missing in this plan."))
		}
		return cmd
	})
}

// onlyThis leaves the answer on the screen alone, where several stand.
func (m *Model) onlyThis() tea.Cmd {
	return m.inPlan(func() tea.Cmd {
		if !m.plan.Contested() {
			m.say(m.T("There is only one answer here."))
			return nil
		}
		return m.do(doing{what: m.T("The plan has this one answer now."), kept: keptPlan}, about(m.chat.conv, desk.PlanSaved, m.plan.Choose()))
	})
}

// suicide asks or no longer asks the steps for when that is in play.
func (m *Model) suicide() tea.Cmd { return m.inPlan(m.suicideSteps) }

func (m *Model) suicideSteps() tea.Cmd {
	to := !m.plan.plan.Suicide
	e := plan.Edit{Base: m.plan.plan.Version, Suicide: &to}
	return tea.Sequence(m.keep(), m.do(doing{what: m.T("The plan has been changed."), kept: keptPlan}, about(m.chat.conv, desk.PlanSaved, e)))
}

// keepSide saves what is in the pane beside the conversation.
func (m *Model) keepSide() tea.Cmd {
	switch m.side {
	case notesSide:
		e := m.notes.editor(m.open)
		words := e.Text()
		if strings.TrimSpace(words) == "" {
			return nil
		}
		e.SetText("")
		m.scroll.top = end // where it will stand
		at := place{m.open, noteDraft}
		m.unsaved[at] = true
		back := func() {
			e.SetText(words + e.Text())
			m.unsaved[at] = true
		}
		do := m.do(doing{what: m.T("Note kept."), kept: keptNote, undo: back}, about(m.chat.conv, desk.NoteAdded, desk.Note{Text: sms.Text(words)}))
		return tea.Batch(do, m.saveSoon())
	case safetySide:
		return m.keepSafety()
	case referSide:
		return m.keepReferral()
	case planSide:
		return m.keep()
	}
	m.say(m.T("Nothing is open that has to be kept by hand."))
	return nil
}
