package plan

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Words say things in the language of whoever reads the plan.
type Words interface {
	T(english string, pairs ...any) string
	Word(english string) string
	Spoken() string // by its two letters
}

// Markdown returns the whole plan to be printed or read: stage by stage, with who wrote what and when, in the zone of
// loc, texts that were written beside each other marked, and at the end what has not been asked. What people wrote
// cannot break out of its place: Markdown's own characters are escaped, control characters shown.
func Markdown(p Plan, loc *time.Location, w Words) string {
	if loc == nil {
		loc = time.UTC
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", w.T("Safety plan, version {{.Version}}", "Version", p.Version))
	if p.Version > 0 {
		fmt.Fprintf(&b, "\n%s\n", w.T("Last saved by {{.Name}}, {{.Time}}.", "Name", escape(p.By), "Time", stamp(p.At, loc)))
	}
	if p.Review != "" {
		fmt.Fprintf(&b, "\n%s\n", w.T("To be looked at again on {{.Day}}.", "Day", escape(p.Review)))
	}
	var missing []string
	for _, stage := range p.Stages() {
		fmt.Fprintf(&b, "\n## %s\n", w.Word(stage.Title()))
		for _, item := range items {
			if item.Stage != stage {
				continue
			}
			f, ok := p.Fields[item.ID]
			if !ok {
				missing = append(missing, fmt.Sprintf("- %s, %s: %s", w.Word(stage.Title()), strings.ToLower(w.Word(item.Title)), cmp.Or(item.In(w.Spoken()), item.Ask)))
				continue
			}
			writeField(&b, item, f, loc, w)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", w.T("Not asked yet"), strings.Join(missing, "\n"))
	}
	return b.String()
}

func writeField(b *strings.Builder, item Item, f Field, loc *time.Location, w Words) {
	fmt.Fprintf(b, "\n**%s** (%s, %s)\n\n%s\n", w.Word(item.Title), escape(f.By), stamp(f.At, loc), said(f.Text, f.None, w))
	for _, a := range f.Also {
		also := w.T("Or, written at the same time by {{.Name}}, {{.Time}}:", "Name", escape(a.By), "Time", stamp(a.At, loc))
		fmt.Fprintf(b, "\n*%s*\n\n%s\n", also, said(a.Text, a.None, w))
	}
}

func stamp(t time.Time, loc *time.Location) string { return t.In(loc).Format("2006-01-02 15:04 MST") }

func said(text string, none bool, w Words) string {
	switch {
	case none:
		return "*" + w.T("Asked; does not apply.") + "*"
	case strings.TrimSpace(text) == "":
		return "> " + w.T("(emptied)")
	}
	return quote(text)
}

// quote puts every line of text behind "> ".
func quote(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085' })
	for i, line := range lines {
		lines[i] = "> " + escape(line)
	}
	return strings.Join(lines, "  \n")
}

// escape makes text of one line harmless in Markdown and on a screen.
func escape(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, "\\<U+%04X\\>", r)
		case strings.ContainsRune("\\`*_{}[]<>#|~&=$^", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return startEscaped(b.String())
}

// startEscaped keeps a line from being taken for a list, a heading, a number or code by how it begins.
func startEscaped(line string) string {
	trimmed := strings.TrimLeft(line, " ")
	if trimmed == "" {
		return ""
	}
	if strings.ContainsRune("-+=", rune(trimmed[0])) {
		return "\\" + trimmed
	}
	if i := strings.IndexFunc(trimmed, func(r rune) bool { return r < '0' || r > '9' }); i > 0 && strings.ContainsRune(".)", rune(trimmed[i])) {
		return trimmed[:i] + "\\" + trimmed[i:]
	}
	return trimmed
}
