package tui

import (
	"cmp"
	"maps"
	"slices"
	"strings"

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
	p.at = 0
	for i, item := range p.items {
		if item.ID == at {
			p.at = i
		}
	}
}

func (p *planForm) item() string { return p.items[p.at].ID }

// NotSaved takes back that an answer counts as saved: it is among the drafts, and shown unless another is being written.
func (p *planForm) NotSaved(item string, was plan.Field) {
	quiet := !p.Changed()
	p.put(item, was)
	if quiet {
		p.load()
	}
}

func (p *planForm) load() { p.editor.SetText(cmp.Or(p.drafts[p.item()], p.stored())) }

func (p *planForm) stored() string { return text.Input(p.plan.Fields[p.item()].Text) }

// Changed tells whether the answer on the screen has not been saved.
func (p *planForm) Changed() bool { return p.editor.Text() != p.stored() }

// Edit returns the change to save, and counts it as saved.
func (p *planForm) Edit() plan.Edit {
	id, words := p.item(), p.editor.Text()
	e := plan.Edit{Base: p.plan.Version, Seen: p.plan.See(id), Fields: map[string]string{id: words}}
	delete(p.drafts, id)
	p.assume(id, words, p.plan.Fields[id].Also)
	return e
}

// Choose returns the change that leaves the answer on the screen alone, where several stand.
func (p *planForm) Choose() plan.Edit {
	id, words := p.item(), p.editor.Text()
	e := plan.Edit{Base: p.plan.Version, Seen: p.plan.See(id), Choose: map[string]string{id: words}}
	p.assume(id, words, nil)
	return e
}

// assume lets the screen show what was just saved until the line does.
func (p *planForm) assume(id, words string, also []plan.Alternative) {
	p.put(id, plan.Field{Text: words, By: p.Name, Also: also})
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
		if at := (p.at + n) % len(p.items); strings.TrimSpace(p.plan.Fields[p.items[at].ID].Text) == "" {
			p.at = at
			p.load()
			return true
		}
	}
	return false
}

// answered counts the items that have an answer.
func (p *planForm) answered() (n int) {
	for _, item := range p.items {
		if strings.TrimSpace(p.plan.Fields[item.ID].Text) != "" {
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

func (p *planForm) list(width int) (lines []string, at int) {
	stage := plan.Stage("")
	for i, item := range p.items {
		if item.Stage != stage {
			stage = item.Stage
			lines = append(lines, "  "+p.Theme.Title.Paint(p.Word(stage.Title())))
		}
		mark, state := "  ", "[ ] "
		f := p.plan.Fields[item.ID]
		switch {
		case len(f.Also) > 0:
			state = "[2] "
		case strings.TrimSpace(f.Text) != "":
			state = "[x] "
		}
		line := state + p.Word(item.Title)
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
	lines := []string{p.heading(p.Word(item.Title), width, false)}
	ask := map[string]string{"en": item.Ask, "es": item.AskES}
	questions := []string{cmp.Or(ask[p.Spoken()], item.Ask)}
	if theirs := ask[p.theirs]; theirs != "" && p.theirs != p.Spoken() {
		questions = append(questions, p.theirs+": "+theirs)
	}
	for _, q := range questions {
		for _, l := range wrap(q, width-3) {
			lines = append(lines, "  "+p.Theme.Muted.Paint(l))
		}
	}
	if f := p.plan.Fields[item.ID]; !f.At.IsZero() && f.Text != "" {
		lines = append(lines, "  "+p.Theme.Staff.Paint(p.T("by {{.Name}}, {{.Time}}", "Name", text.Line(f.By), "Time", p.moment(f.At))))
	}
	for _, also := range p.plan.Fields[item.ID].Also {
		words := p.T("also, by {{.Name}}: {{.Words}}", "Name", text.Line(also.By), "Words", text.Line(also.Text))
		for _, l := range wrap(words, width-3) {
			lines = append(lines, "  "+p.Theme.Danger.Paint(l))
		}
	}
	for _, l := range p.editor.Render(width-3, box, focused) {
		lines = append(lines, "  "+l)
	}
	return lines
}
