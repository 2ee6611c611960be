package plan

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Markdown returns the whole plan to be printed or read: stage by stage, with who wrote what and when, in the zone of
// loc, texts that were written beside each other marked, and at the end what has not been asked. What people wrote
// cannot break out of its place: Markdown's own characters are escaped, control characters shown.
func Markdown(p Plan, loc *time.Location) string {
	if loc == nil {
		loc = time.UTC
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Safety plan, version %d\n", p.Version)
	if p.Version > 0 {
		fmt.Fprintf(&b, "\nLast saved by %s, %s.\n", escape(p.By), stamp(p.At, loc))
	}
	if p.Review != "" {
		fmt.Fprintf(&b, "\nTo be looked at again on %s.\n", escape(p.Review))
	}
	var missing []string
	for _, stage := range p.Stages() {
		fmt.Fprintf(&b, "\n## %s\n", stage.Title())
		for _, item := range items {
			if item.Stage != stage {
				continue
			}
			f, ok := p.Fields[item.ID]
			if !ok {
				missing = append(missing, fmt.Sprintf("- %s, %s: %s", stage.Title(), strings.ToLower(item.Title), item.Ask))
				continue
			}
			writeField(&b, item, f, loc)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, "\n## Not asked yet\n\n%s\n", strings.Join(missing, "\n"))
	}
	return b.String()
}

func writeField(b *strings.Builder, item Item, f Field, loc *time.Location) {
	fmt.Fprintf(b, "\n**%s** (%s, %s)\n\n%s\n", item.Title, escape(f.By), stamp(f.At, loc), said(f.Text, f.None))
	for _, a := range f.Also {
		fmt.Fprintf(b, "\n*Or, written at the same time by %s, %s:*\n\n%s\n", escape(a.By), stamp(a.At, loc), said(a.Text, a.None))
	}
}

func stamp(t time.Time, loc *time.Location) string { return t.In(loc).Format("2006-01-02 15:04 MST") }

func said(text string, none bool) string {
	if none {
		return "*Asked; does not apply.*"
	}
	return quote(text)
}

// quote puts every line of text behind "> ".
func quote(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085' })
	for i, line := range lines {
		lines[i] = "> " + escape(line)
	}
	if len(lines) == 0 {
		return "> (emptied)"
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
