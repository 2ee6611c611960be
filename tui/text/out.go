package text

import (
	"fmt"
	"regexp"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns JSON so that it can be printed on a terminal, and means what it meant: what Clean would show as a mark is
// escaped.
func JSON(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		switch {
		case r == utf8.RuneError && n == 1:
			out = append(out, `\ufffd`...)
		case r > '~' && (mark(r) != "" || unicode.In(r, unicode.Zl, unicode.Zp)):
			for _, u := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, u)
			}
		default:
			out = append(out, raw[:n]...)
		}
		raw = raw[n:]
	}
	return out
}

// computed is where what a spreadsheet computes begins, in the widths that spreadsheets fold into one: in a cell, and
// after what parts cells where the comma is for decimals.
var computed = regexp.MustCompile(`(^)([ \n'"‹›]*[=+@|%＝＋－＠｜％-])|([;\n])([ "‹›]*[=+@|%＝＋－＠｜％-])`)

// Cell is Clean for a cell of a table that a spreadsheet may open: what would be computed begins with an apostrophe, which
// makes it words. Every CSV file of befree is made of it; a test looks for those that are not.
func Cell(s string) string {
	return computed.ReplaceAllString(Clean(s), "$1$3'$2$4")
}
