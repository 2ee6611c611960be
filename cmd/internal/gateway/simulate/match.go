package simulate

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold returns what text says as words in small letters with one space between and around them: accents and apostrophes
// are dropped, everything else that is neither letter nor digit parts words.
func fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’':
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
	}
	return " " + strings.Join(strings.Fields(b.String()), " ") + " "
}

// matches tells whether what was said, folded, has one of the rule's words; a rule without words takes everything.
func (r *rule) matches(said string) bool {
	for _, w := range r.words {
		if strings.Contains(said, w) {
			return true
		}
	}
	return len(r.words) == 0
}
