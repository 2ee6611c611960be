package tui

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/tui/text"
)

// A planForm edits a safety plan: a list of what to ask, and one place to write the answer. Each answer is saved when
// one moves on.
type planForm struct {
	*look
	id     string
	theirs string    // the texter's language, empty for not known
	plan   plan.Plan // the version on the screen
	items  []plan.Item
	at     int
	editor *editor
	drafts map[string]string // answers that are not saved, by item, beside the one on the screen
}

// reviewed is, among the items of the form, the day on which the plan is looked at again.
const reviewed = "review"

// longestReview is how many days off that may be.
const longestReview = 3650

// newPlanForm begins at an item with an answer that is not saved, if there is one.
func newPlanForm(l *look, c *desk.Conversation, drafts map[string]string) *planForm {
	p := &planForm{look: l, id: c.ID, theirs: cmp.Or(c.Language, l.Spoken()), editor: newEditor(plan.MaxText), drafts: drafts}
	p.adopt(c.Plan())
	p.at = max(0, slices.IndexFunc(p.items, func(one plan.Item) bool { return drafts[one.ID] != "" }))
	p.load()
	return p
}

// Take shows a newer version. An answer that is being written stays, on the version that it was begun from.
func (p *planForm) Take(newer plan.Plan) {
	if newer.Version == p.plan.Version || p.Changed() {
		return
	}
	before := p.stored()
	p.adopt(newer)
	if p.stored() != before {
		p.load()
	}
}

func (p *planForm) adopt(newer plan.Plan) {
	at := ""
	if p.at < len(p.items) {
		at = p.item()
	}
	p.plan, p.items = newer, nil
	for _, stage := range newer.Stages() {
		for _, item := range plan.Items() {
			if item.Stage == stage {
				p.items = append(p.items, item)
			}
		}
	}
	p.items = append(p.items, plan.Item{ID: reviewed})
	p.at = 0
	for i, item := range p.items {
		if item.ID == at {
			p.at = i
		}
	}
}

func (p *planForm) item() string { return p.items[p.at].ID }

// planTitle names an item of the form, as it is said here.
func (l *look) planTitle(item plan.Item) string {
	if item.ID == reviewed {
		return l.T("Next review")
	}
	return l.Word(item.Title)
}

// reviewDay is the day that words name, a number of days from now or a date, empty for none; or why they do not.
func (l *look) reviewDay(words string, now time.Time) (date, why string) {
	words, today := strings.TrimSpace(words), now.In(l.Zone).Format(time.DateOnly)
	if words == "" {
		return "", ""
	}
	if n, err := strconv.Atoi(words); err == nil && n >= 1 && n <= longestReview {
		return now.In(l.Zone).AddDate(0, 0, n).Format(time.DateOnly), ""
	}
	switch _, err := time.Parse(time.DateOnly, words); {
	case err != nil:
		return "", l.T("A review needs a number of days such as 14 or a date such as 2026-05-31.")
	case words < today:
		return "", l.T("That day is past.")
	}
	return words, ""
}

// NotSaved takes back that an answer counts as saved: it is among the drafts, and shown unless another is being written.
func (p *planForm) NotSaved(item string, was plan.Plan) {
	quiet := !p.Changed()
	if item == reviewed {
		p.plan.Review = was.Review
	} else {
		p.put(item, was.Fields[item])
	}
	if quiet {
		p.load()
	}
}

func (p *planForm) load() { p.editor.SetText(cmp.Or(p.drafts[p.item()], p.stored())) }

func (p *planForm) stored() string {
	if p.item() == reviewed {
		return p.plan.Review
	}
	return text.Input(p.plan.Fields[p.item()].Text)
}

// Changed tells whether the answer on the screen has not been saved.
func (p *planForm) Changed() bool { return p.written() != strings.TrimSpace(p.stored()) }

// written is the answer on the screen. Space around it is no part of it.
func (p *planForm) written() string { return strings.TrimSpace(p.editor.Text()) }

// Wrong says why what is on the screen cannot be saved; empty if it can.
func (p *planForm) Wrong(now time.Time) (why string) {
	if p.item() == reviewed && p.Changed() {
		_, why = p.reviewDay(p.written(), now)
	}
	return why
}

// Edit returns the change to save, and counts it as saved.
func (p *planForm) Edit(now time.Time) plan.Edit {
	id, words := p.item(), p.written()
	delete(p.drafts, id)
	if id == reviewed {
		date, _ := p.reviewDay(words, now)
		p.plan.Review = date
		p.load()
		return plan.Edit{Base: p.plan.Version, Review: &date}
	}
	e := plan.Edit{Base: p.plan.Version, Seen: p.plan.See(id), Fields: map[string]string{id: words}}
	p.assume(id, plan.Field{Text: words, Also: p.plan.Fields[id].Also})
	return e
}

// Choose returns the change that leaves the answer on the screen alone, where several stand.
func (p *planForm) Choose() plan.Edit {
	id, words := p.item(), p.written()
	none := p.plan.Fields[id].None && words == ""
	e := plan.Edit{Base: p.plan.Version, Seen: p.plan.See(id), Choose: map[string]string{id: words}}
	if none {
		e.None = []string{id}
	}
	p.assume(id, plan.Field{Text: words, None: none})
	return e
}

// Check returns the change that the item on the screen was asked and does not apply, alone where several answers stand;
// or, where that is so, that it was not.
func (p *planForm) Check() plan.Edit {
	id := p.item()
	f := p.plan.Fields[id]
	e := plan.Edit{Base: p.plan.Version, Seen: p.plan.See(id)}
	said := map[string]string{id: ""}
	if e.Fields = said; len(f.Also) > 0 {
		e.Fields, e.Choose = nil, said
	}
	if !f.None || len(f.Also) > 0 {
		e.None = []string{id}
	}
	delete(p.drafts, id)
	p.assume(id, plan.Field{None: len(e.None) > 0})
	p.load()
	return e
}

// assume lets the screen show what was just saved until the line does.
func (p *planForm) assume(id string, f plan.Field) {
	f.By = p.Name
	p.put(id, f)
}

// put leaves the version that others see as it is.
func (p *planForm) put(id string, f plan.Field) {
	fields := maps.Clone(p.plan.Fields)
	if fields == nil {
		fields = map[string]plan.Field{}
	}
	fields[id] = f
	p.plan.Fields = fields
}

// Contested tells whether several answers stand under the item on the screen.
func (p *planForm) Contested() bool { return len(p.plan.Fields[p.item()].Also) > 0 }

// Move goes to another item. Save what is on the screen before.
func (p *planForm) Move(n int) {
	p.at = (p.at + n + len(p.items)) % len(p.items)
	p.load()
}

// Missing goes to the next item that has no answer, and tells whether there is one. Save what is on the screen before.
func (p *planForm) Missing() bool {
	for n := 1; n <= len(p.items); n++ {
		if at := (p.at + n) % len(p.items); !p.has(p.items[at].ID) {
			p.at = at
			p.load()
			return true
		}
	}
	return false
}

// has tells whether an item has an answer, or was asked and does not apply.
func (p *planForm) has(id string) bool {
	f := p.plan.Fields[id]
	return f.None || strings.TrimSpace(f.Text) != "" || id == reviewed && p.plan.Review != ""
}

// answered counts the items that are done.
func (p *planForm) answered() (n int) {
	for _, item := range p.items {
		if p.has(item.ID) {
			n++
		}
	}
	return n
}

// Key writes.
func (p *planForm) Key(k tea.KeyMsg) {
	if k.Type == tea.KeyEnter {
		p.editor.Newline()
		return
	}
	p.editor.Key(k)
}

// Render shows the items around the one on the screen, its question, and its answer.
func (p *planForm) Render(width, height int, focused bool) []string {
	title := p.T("Safety plan, not begun")
	if p.plan.Version > 0 {
		title = p.T("Safety plan, version {{.Version}} by {{.Name}}", "Version", p.plan.Version, "Name", text.Line(p.plan.By))
	}
	lines := []string{p.heading(title, width, focused)}
	if n := len(p.items) - p.answered(); n > 0 && height > 12 {
		for _, l := range wrap(p.N(n, "{{.N}} questions have no answer yet: {{.Key}} goes to the next", "Key", p.press("ctrl+n")), width-3) {
			lines = append(lines, "  "+p.Theme.Muted.Paint(l))
		}
	}
	list, at := p.list(width)
	below := p.answer(width, max(3, height/4), focused)
	room := max(1, height-len(lines)-len(below))
	if len(list) > room {
		list = p.window(list, min(max(0, at-room/2), len(list)-room), room)
	}
	for len(list) < room {
		list = append(list, "")
	}
	return append(append(lines, list...), below...)
}

// answerOf is an answer of a plan as it is shown on a line.
func (l *look) answerOf(words string, none bool) string {
	if none {
		return l.T("asked, does not apply")
	}
	return text.Line(words)
}

func (p *planForm) list(width int) (lines []string, at int) {
	stage := plan.Stage("")
	for i, item := range p.items {
		if item.Stage != stage && item.ID != reviewed {
			stage = item.Stage
			lines = append(lines, "  "+p.Theme.Title.Paint(p.Word(stage.Title())))
		}
		mark, state := "  ", "[ ] "
		f := p.plan.Fields[item.ID]
		switch {
		case len(f.Also) > 0:
			state = "[2] "
		case f.None:
			state = "[-] "
		case p.has(item.ID):
			state = "[x] "
		}
		line := state + p.planTitle(item)
		if i == p.at {
			mark, at = "> ", len(lines)
			line = p.Theme.Focus.Paint(line)
		}
		lines = append(lines, "  "+mark+cut(line, width-5, p.dots))
	}
	return lines, at
}

func (p *planForm) answer(width, box int, focused bool) []string {
	item := p.items[p.at]
	lines := []string{p.heading(p.planTitle(item), width, false)}
	questions := []string{cmp.Or(item.In(p.Spoken()), item.Ask)}
	if item.ID == reviewed {
		questions[0] = p.T("When is this plan looked at again? In days, such as 14, or on a date, such as 2026-05-31.")
	}
	if theirs := item.In(p.theirs); theirs != "" && p.theirs != p.Spoken() {
		questions = append(questions, p.theirs+": "+theirs)
	}
	for _, q := range questions {
		for _, l := range wrap(q, width-3) {
			lines = append(lines, "  "+p.Theme.Muted.Paint(l))
		}
	}
	f := p.plan.Fields[item.ID]
	said := ""
	if f.None {
		said = p.answerOf(f.Text, f.None)
	}
	if !f.At.IsZero() && (f.None || f.Text != "") {
		said = strings.TrimPrefix(said+", "+p.T("by {{.Name}}, {{.Time}}", "Name", text.Line(f.By), "Time", p.moment(f.At)), ", ")
	}
	for _, l := range wrap(said, width-3) {
		if l != "" {
			lines = append(lines, "  "+p.Theme.Staff.Paint(l))
		}
	}
	for _, also := range f.Also {
		words := p.T("also, by {{.Name}}: {{.Words}}", "Name", text.Line(also.By), "Words", p.answerOf(also.Text, also.None))
		for _, l := range wrap(words, width-3) {
			lines = append(lines, "  "+p.Theme.Danger.Paint(l))
		}
	}
	for _, l := range p.editor.Render(width-3, box, focused) {
		lines = append(lines, "  "+l)
	}
	return lines
}
