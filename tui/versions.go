package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/plan"
	"befree.example/tui/text"
)

// versions shows two versions of a plan side by side: one, and the one before it. It changes nothing.
type versions struct {
	plans []plan.Plan
	at    int // of the newer of the two
	top   int
}

// planVersions opens the open conversation's plan as it was and as it is.
func (m *Model) planVersions() {
	if m.chat.conv == nil || len(m.chat.conv.Plans) == 0 {
		m.say(m.T("There is no plan yet."))
		return
	}
	plans := slices.Clone(m.chat.conv.Plans)
	m.versions = &versions{plans: plans, at: len(plans) - 1}
}

// Key goes to older and newer versions, and up and down in them; any other key ends it.
func (v *versions) Key(k tea.KeyMsg) (done bool) {
	switch k.String() {
	case "left", "h", "pgup":
		v.at, v.top = max(0, v.at-1), 0
	case "right", "l", "pgdown":
		v.at, v.top = min(len(v.plans)-1, v.at+1), 0
	case "down", "j":
		v.top++
	case "up", "k":
		v.top = max(0, v.top-1)
	default:
		return true
	}
	return false
}

// Render has the older version left and the newer right; items that differ are marked.
func (v *versions) Render(l *look, width, height int) []string {
	newer, older := v.plans[v.at], plan.Plan{}
	if v.at > 0 {
		older = v.plans[v.at-1]
	}
	half := (width - 3) / 2
	lines := []string{
		l.heading(l.T("Versions of the plan: left and right for others"), width, true),
		l.beside("  "+v.title(l, older), "  "+v.title(l, newer), half),
	}
	var body []string
	for _, item := range append(plan.Items(), plan.Item{ID: reviewed}) {
		was, is := l.versionOf(older, item.ID), l.versionOf(newer, item.ID)
		if strings.TrimSpace(was+is) == "" {
			continue
		}
		mark, ink := "    ", l.Theme.Muted
		if was != is {
			mark, ink = "  * ", l.Theme.Focus
		}
		body = append(body, ink.Paint(mark+l.planTitle(item)))
		left, right := wrap(was, half-7), wrap(is, half-7)
		for i := range max(len(left), len(right)) {
			var a, b string
			if i < len(left) {
				a = left[i]
			}
			if i < len(right) {
				b = right[i]
			}
			body = append(body, l.beside("      "+a, "      "+b, half))
		}
	}
	v.top = min(v.top, max(0, len(body)-(height-len(lines))))
	return append(lines, body[v.top:min(len(body), v.top+max(0, height-len(lines)))]...)
}

// changes are the newest versions in lines, the newest first, each with what it changed.
func (v *versions) changes(l *look) (lines []string) {
	const most = 20
	for i := len(v.plans) - 1; i >= max(0, len(v.plans)-most); i-- {
		newer, older := v.plans[i], plan.Plan{}
		if i > 0 {
			older = v.plans[i-1]
		}
		lines = append(lines, v.title(l, newer))
		for _, item := range append(plan.Items(), plan.Item{ID: reviewed}) {
			is := l.versionOf(newer, item.ID)
			if is != l.versionOf(older, item.ID) {
				lines = append(lines, l.T("Plan, {{.Item}}: {{.Words}}", "Item", l.planTitle(item), "Words", cmp.Or(is, l.T("(no words)"))))
			}
		}
	}
	return lines
}

// versionOf is what stands under an item in a version, on a line.
func (l *look) versionOf(p plan.Plan, id string) string {
	if id == reviewed {
		return p.Review
	}
	return l.answerOf(p.Fields[id].Text, p.Fields[id].None)
}

func (v *versions) title(l *look, p plan.Plan) string {
	if p.Version == 0 {
		return l.T("Safety plan, not begun")
	}
	return strconv.Itoa(p.Version) + ", " + text.Line(p.By) + ", " + l.moment(p.At)
}

// beside puts two texts on one row.
func (l *look) beside(a, b string, half int) string {
	a = isolate(cut(a, half, l.dots))
	return a + strings.Repeat(" ", max(0, half-cells(a))) + " " + l.Theme.Muted.Paint(l.bar) + isolate(cut(b, half, l.dots))
}
