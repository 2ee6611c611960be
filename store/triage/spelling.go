package triage

import (
	"fmt"
	"strings"
)

// A spelling is one line of the file's list: other ways to write some words.
type spelling struct {
	words  []string
	others []string
}

// UnmarshalText reads "tonight = tonite, 2nite".
func (s *spelling) UnmarshalText(text []byte) error {
	left, right, ok := strings.Cut(string(text), "=")
	for _, t := range tokens(left) {
		s.words = append(s.words, t.word)
	}
	if !ok || len(s.words) == 0 {
		return fmt.Errorf("%q is not a spelling: write \"tonight = tonite, 2nite\"", text)
	}
	for other := range strings.SplitSeq(right, ",") {
		ts := tokens(other)
		if len(ts) != 1 {
			return fmt.Errorf("%q: each spelling is one word, with commas between them", text)
		}
		s.others = append(s.others, ts[0].word)
	}
	return nil
}

// spell returns the words that w stands for in the list: itself if it is not there.
func (r *Rules) spell(w string) []string {
	if words, ok := r.spelling[w]; ok {
		return words
	}
	return []string{w}
}

// read returns the words of text as the rules write them. A word that was stretched ("hurryyy", "kiiill") is the word of the
// rules that it could be.
func (r *Rules) read(text string) []token {
	read := make([]token, 0, len(text)/4)
	for _, t := range tokens(text) {
		for i, w := range r.spell(r.unstretch(t.word)) {
			read = append(read, token{w, t.start, t.end, t.apart && i == 0})
		}
	}
	return read
}

func (r *Rules) unstretch(w string) string {
	once := shortened(w, 1)
	if once == w || r.known[once] {
		return once
	}
	if twice := shortened(w, 2); r.known[twice] {
		return twice
	}
	return once
}
