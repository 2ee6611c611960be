package tui

import (
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/bolt"
	"befree.example/store/desk"
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
)

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

// Render shows the newest notes and the place to write.
func (n *notes) Render(c *desk.Conversation, outbox []bolt.Entry, width, height int, focused bool) []string {
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
	room := max(0, height-box-2)
	lines = bottom(lines, room)
	for len(lines) < room {
		lines = append(lines, "")
	}
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
