// Package text makes what came from outside fit to be shown. Whatever a phone, a file or a paste holds passes here on
// its way to any screen, notice, title or clipboard.
package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"befree.example/store/sms"
)

// mostMarks is how many combining marks in a row are shown; no living orthography needs more.
const mostMarks = 4

// tabWidth is what a tab is shown as, in spaces: a terminal's own tab stops depend on the column.
const tabWidth = 4

// Clean returns s so that it can be printed on a terminal: no control sequence survives, nothing is hidden, nothing
// reorders what stands around it. Of all control characters only the line feed is left as it is; the others, bidi
// controls, characters without width or meaning are shown as marks between ‹ and ›. Bytes that are not UTF-8 become
// U+FFFD. A joiner between two emoji and the variation selectors after one are left out, since terminals disagree
// about their width. Clean of what is clean changes nothing.
func Clean(s string) string {
	if plain(s) {
		return s
	}
	c := cleaner{}
	c.Grow(len(s) + 16)
	runes := []rune(strings.ReplaceAll(s, "\r\n", "\n")) // each bad byte becomes U+FFFD
	for i, r := range runes {
		var next rune
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		c.rune(r, next)
	}
	c.endMarks()
	return c.String()
}

// Line is Clean for a place that has one line: line feeds become a space.
func Line(s string) string {
	s = Clean(s)
	if strings.IndexByte(s, '\n') < 0 {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' }), " ")
}

// Input returns what somebody typed or pasted as it may stand in a field: line feeds are kept, tabs become spaces,
// every other control character and whatever nobody sees is left out.
func Input(s string) string {
	if plain(s) {
		return s
	}
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", strings.Repeat(" ", tabWidth)).Replace(s)
	return strings.Map(func(r rune) rune {
		if r != '\n' && (r == utf8.RuneError || mark(r) != "") {
			return -1
		}
		return r
	}, s)
}

// plain tells whether s is of printable ASCII and line feeds alone, as most texts are.
func plain(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < ' ' || b > '~') && b != '\n' {
			return false
		}
	}
	return true
}

// A cleaner builds the shown text rune by rune.
type cleaner struct {
	strings.Builder
	last  rune // shown before, 0 at the beginning of a line
	marks int  // combining marks since the last letter
}

func (c *cleaner) rune(r, next rune) {
	if unicode.In(r, unicode.Mn, unicode.Me) && mark(r) == "" {
		c.mark(r)
		return
	}
	c.endMarks()
	switch {
	case r == '\u2028' || r == '\u2029':
		r = '\n'
	case r == '\t':
		c.WriteString(strings.Repeat(" ", tabWidth))
		c.last = ' '
		return
	case joins(c.last, r, next):
		return
	case r == '\u3000':
		c.WriteByte(' ')
		r = ' '
	case unicode.Is(unicode.Zs, r):
		r = ' '
	}
	if shown := mark(r); shown != "" {
		c.WriteString(shown)
		c.last = '›'
		return
	}
	c.WriteRune(r)
	c.last = r
	if r == '\n' {
		c.last = 0
	}
}

// mark takes one combining mark; one with no letter to stand on gets a dotted circle.
func (c *cleaner) mark(r rune) {
	if c.last == 0 || c.last == '›' {
		c.WriteRune('◌')
		c.last = '◌'
	}
	if c.marks++; c.marks <= mostMarks {
		c.WriteRune(r)
	}
}

func (c *cleaner) endMarks() {
	if over := c.marks - mostMarks; over > 0 {
		fmt.Fprintf(c, "‹+%d marks›", over)
		c.last = '›'
	}
	c.marks = 0
}

// joins tells whether r only says how the emoji around it are to be drawn.
func joins(last, r, next rune) bool {
	switch r {
	case '\u200d':
		return pictorial(last) && pictorial(next)
	case '\ufe0e', '\ufe0f':
		return pictorial(last) || last >= '0' && last <= '9' || last == '#' || last == '*'
	}
	return false
}

func pictorial(r rune) bool { return unicode.In(r, unicode.So, unicode.Sk) && r > 0x2000 }

// controls are the names of U+0000 to U+001F.
var controls = [...]string{
	"NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF", "CR", "SO", "SI", "DLE", "DC1",
	"DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
}

var names = map[rune]string{
	'\x7f':   "DEL",
	'\u200b': "ZWSP", '\u200c': "ZWNJ", '\u200d': "ZWJ", '\u200e': "LRM", '\u200f': "RLM", '\u061c': "ALM",
	'\u202a': "LRE", '\u202b': "RLE", '\u202c': "PDF", '\u202d': "LRO", '\u202e': "RLO",
	'\u2066': "LRI", '\u2067': "RLI", '\u2068': "FSI", '\u2069': "PDI", '\u2060': "WJ", '\ufeff': "BOM", '\u00ad': "SHY",
}

// mark returns what is shown in the place of r, empty if r may show itself.
func mark(r rune) string {
	switch {
	case r == '\n':
		return ""
	case r < ' ':
		return "‹" + controls[r] + "›"
	case names[r] != "":
		return "‹" + names[r] + "›"
	case r == ' ', r == utf8.RuneError:
		return ""
	case r == '\ufffc', sms.Invisible(r), !unicode.IsGraphic(r):
		return fmt.Sprintf("‹U+%04X›", r)
	}
	return ""
}
