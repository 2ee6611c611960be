package tui

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/text/unicode/bidi"
)

// Smallest screen on which the console can be worked with.
const (
	leastWidth  = 60
	leastHeight = 20
)

// A column is a part of the screen: its lines, and how wide it is.
type column struct {
	width int
	lines []string
}

// frame puts columns beside each other, with a line between two, into exactly height rows. It is the one place where
// lines are cut and padded: a column's line that is too long loses its end, one that is missing is blank. Each column
// begins with a cursor movement, so that a terminal that finds a character wider than we do cannot shift the next one.
func frame(height int, between string, columns ...column) []string {
	rows := make([]string, height)
	var b strings.Builder
	for y := range rows {
		b.Reset()
		at := 1
		for i, c := range columns {
			if i > 0 {
				moveTo(&b, at)
				b.WriteString(between)
				at++
			}
			if i > 0 {
				moveTo(&b, at)
			}
			var line string
			if y < len(c.lines) {
				line = c.lines[y]
			}
			fit(&b, line, c.width)
			at += c.width
		}
		rows[y] = b.String()
	}
	return rows
}

func moveTo(b *strings.Builder, column int) {
	b.WriteString("\x1b[")
	b.WriteString(strconv.Itoa(column))
	b.WriteByte('G')
}

// fit writes line, cut or padded to exactly width cells.
func fit(b *strings.Builder, line string, width int) {
	w := ansi.StringWidth(line)
	if w > width {
		line = ansi.Truncate(line, width, "")
		w = ansi.StringWidth(line) // a wide character may have stood on the edge
	}
	b.WriteString(isolate(line))
	for ; w < width; w++ {
		b.WriteByte(' ')
	}
}

// isolate keeps letters that are written from right to left from moving what stands beside them, on terminals that
// order letters. Every other terminal shows the same.
func isolate(s string) string {
	const first, pop = "\u2068", "\u2069"
	if !strings.ContainsFunc(s, leftwards) || strings.Contains(s, first) {
		return s
	}
	return first + s + pop
}

func leftwards(r rune) bool {
	if r < 0x0590 || r >= 0x2000 && r < 0xd800 { // no script before, and those of the far east
		return false
	}
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL
}

// cut returns s in at most width cells, with a sign that something is missing.
func cut(s string, width int, sign string) string {
	if len(s) <= width || ansi.StringWidth(s) <= width {
		return s
	}
	return ansi.Truncate(s, max(width, 0), sign)
}

// wrap returns the lines of s, none wider than width.
func wrap(s string, width int) []string {
	return strings.Split(ansi.Wrap(s, max(width, 2), " "), "\n")
}

// bottom returns at most the last n of lines.
func bottom(lines []string, n int) []string { return lines[max(0, len(lines)-max(n, 0)):] }

// tooSmall says what size is needed, however little room there is to say it.
func (l *look) tooSmall(width, height int) string {
	lines := wrap(l.T("befree needs a window of at least 60 by 20. Nothing is lost."), width)
	return strings.Join(frame(height, "", column{width, lines}), "\n")
}
