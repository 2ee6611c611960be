package sms

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// A Keyword is the class of a text that is one of the words which carriers reserve, alone.
type Keyword string

// The classes.
const (
	Help   Keyword = "help"   // asks who is there; here it also asks for help
	OptOut Keyword = "optout" // wants no more texts
	OptIn  Keyword = "optin"  // takes that back
	None   Keyword = "none"
)

// keywords are the words that carriers ask for (Twilio's default list, and AYUDA for HELP in Spanish).
var keywords = map[string]Keyword{
	"help": Help, "info": Help, "ayuda": Help,
	"stop": OptOut, "stopall": OptOut, "unsubscribe": OptOut, "cancel": OptOut, "end": OptOut, "quit": OptOut,
	"revoke": OptOut, "optout": OptOut,
	"start": OptIn, "unstop": OptIn,
}

// restoring takes back an opt-out besides START and UNSTOP, but means nothing to a number that has not opted out.
const restoring = "yes"

// Class tells which keyword text is. It is one only if the word stands alone: case, the space and punctuation around it
// and characters that nobody sees are ignored, and ｗｉｄｅ or 𝐛𝐨𝐥𝐝 letters are letters. Everything else is [None], above
// all a sentence that begins with such a word. YES is None: see [MayRestore].
func Class(text string) Keyword {
	if k, ok := keywords[alone(text)]; ok {
		return k
	}
	return None
}

// MayRestore tells whether text, from a number that has opted out, takes that back: START, UNSTOP or YES alone.
func MayRestore(text string) bool {
	word := alone(text)
	return word == restoring || keywords[word] == OptIn
}

// LeadsWithOptOut tells whether text begins with an opt-out word and goes on. That is a cry ("stop him he's here"), never
// an opt-out, so no text is both this and of class [OptOut]. Here accents make no difference.
func LeadsWithOptOut(text string) bool {
	whole := strings.Map(unmarked, norm.NFD.String(alone(text)))
	word, _, _ := strings.Cut(strings.Map(wordOnly, whole), " ")
	return word != whole && keywords[word] == OptOut
}

// alone returns text as keywords are written: lower case, nothing around it, nothing in it that cannot be seen.
func alone(text string) string {
	text = strings.TrimFunc(strings.Map(seen, text), around)
	text = strings.Map(seen, norm.NFKC.String(text))
	return cases.Fold().String(strings.TrimFunc(text, around))
}

// Invisible tells whether r is drawn by no screen: formatting, joiners, directions, variation selectors, and the Hangul
// fillers and the braille blank, which are letters and a symbol by their category.
func Invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2800'
}

func seen(r rune) rune {
	if Invisible(r) {
		return -1
	}
	return r
}

// around tells whether r may stand around a word without being part of the text: spaces, controls and punctuation, and
// the marks that people take for punctuation.
func around(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.IsPunct(r) || unicode.Is(unicode.Sk, r) ||
		r == utf8.RuneError || r < utf8.RuneSelf && unicode.IsSymbol(r)
}

func unmarked(r rune) rune {
	if unicode.IsMark(r) {
		return -1
	}
	return r
}

// wordOnly turns everything that is not part of a word into a space.
func wordOnly(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) {
		return r
	}
	return ' '
}
