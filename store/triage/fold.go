package triage

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"befree.example/store/sms"
)

// A token is one word of a text, folded: "HE’S" is "hes", "niña" is "nina", "ｇｕｎ" is "gun".
type token struct {
	word       string
	start, end int  // bytes of the original text
	apart      bool // more than space stands between it and the word before
}

// tokens returns the words of text in order. Case, accents, compatibility forms, apostrophes and whatever cannot be seen
// make no difference; every other character that is not a letter or a digit ends a word. So does a letter after a number
// of two digits or more: "15yo" is two words, "2nite" one.
func tokens(text string) []token {
	f := folder{text: text}
	for i, r := range text {
		if apostrophe(r) || sms.Invisible(r) {
			continue
		}
		f.put(i, r)
	}
	f.flush()
	return f.tokens
}

// A Word is one word of a text, folded as the rules read it, and the bytes of the text where it stands.
type Word struct {
	Folded     string
	Start, End int
}

// Words returns the words of a text in order: letters and digits alone, the same for all that differ by case, accents,
// compatibility forms or apostrophes.
func Words(text string) []Word {
	ts := tokens(text)
	words := make([]Word, len(ts))
	for i, t := range ts {
		words[i] = Word{t.word, t.start, t.end}
	}
	return words
}

// apostrophe tells whether r is one, or what a keyboard offers in its place.
func apostrophe(r rune) bool { return strings.ContainsRune("'’‘‛ʼʹ´`′＇", r) }

// A folder gathers one word at a time.
type folder struct {
	text   string
	tokens []token
	word   []byte
	digits bool // the word has nothing but digits so far
	apart  bool
	start  int
	end    int
}

// put adds the character at byte i, decomposed.
func (f *folder) put(i int, r rune) {
	decomposed := norm.NFKD.PropertiesString(f.text[i:])
	end := i + max(1, decomposed.Size())
	if d := decomposed.Decomposition(); d != nil {
		for _, r := range string(d) {
			f.letter(i, end, r)
		}
		return
	}
	f.letter(i, end, r)
}

func (f *folder) letter(i, end int, r rune) {
	switch {
	case unicode.IsMark(r):
		return
	case !unicode.IsLetter(r) && !unicode.IsDigit(r):
		f.flush()
		f.apart = f.apart || !unicode.IsSpace(r) || r == '\n'
		return
	case unicode.IsLetter(r) && f.digits && len(f.word) > 1:
		f.flush()
	}
	if len(f.word) == 0 {
		f.start, f.digits = i, true
	}
	f.digits = f.digits && unicode.IsDigit(r)
	f.word = append(f.word, string(lower(r))...)
	f.end = end
}

func (f *folder) flush() {
	if len(f.word) == 0 {
		return
	}
	f.tokens = append(f.tokens, token{string(f.word), f.start, f.end, f.apart})
	f.word, f.apart = f.word[:0], false
}

// lower returns the same letter for all that differ by case alone. The dotless i of a Turkish keyboard is an i.
func lower(r rune) rune {
	if r < unicode.MaxASCII {
		return unicode.ToLower(r)
	}
	if r == 'ı' {
		return 'i'
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return unicode.ToLower(least)
}

// shortened returns word with every letter that stands there three times or more in a row kept n times, as in "pleeease".
// Digits stay.
func shortened(word string, n int) string {
	var b strings.Builder
	runes := []rune(word)
	for i := 0; i < len(runes); {
		j := i
		for j < len(runes) && runes[j] == runes[i] {
			j++
		}
		run := j - i
		if run > 2 && !unicode.IsDigit(runes[i]) {
			run = n
		}
		b.WriteString(string(runes[i : i+run]))
		i = j
	}
	return b.String()
}
