// Package search finds words in what a console has unsealed, in memory alone. What is kept of it on a disk is
// store/bolt's to seal.
package search

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"befree.example/store/triage"
)

// A Query is words to look for, folded as triage folds them. Something has it if for each of them it has a word that
// begins so: "habit" finds "Habitación".
type Query struct {
	words []string // the longest first, as the one that the fewest have
}

// Parse reads a query. One without a letter or a digit finds nothing.
func Parse(words string) Query {
	var q Query
	for _, w := range triage.Words(words) {
		q.words = append(q.words, w.Folded)
	}
	slices.SortFunc(q.words, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	q.words = slices.Compact(q.words)
	return q
}

// Empty tells whether there is nothing to look for.
func (q Query) Empty() bool { return len(q.words) == 0 }

// String says how many words there are, not which.
func (q Query) String() string {
	return map[bool]string{true: "an empty query", false: "a query"}[q.Empty()]
}

// GoString says as much as String.
func (q Query) GoString() string { return q.String() }

// A List is the words of one thing, each once, each behind a space.
type List string

// ListOf returns the words of all these texts.
func ListOf(texts ...string) List {
	var b strings.Builder
	seen := map[string]bool{}
	for _, text := range texts {
		for _, w := range triage.Words(text) {
			if !seen[w.Folded] {
				seen[w.Folded] = true
				b.WriteByte(' ')
				b.WriteString(w.Folded)
			}
		}
	}
	return List(b.String())
}

// String says how long a list is, not what is in it.
func (l List) String() string { return "list of words" }

// GoString says as much as String.
func (l List) GoString() string { return l.String() }

// In tells whether l has all of q.
func (q Query) In(l List) bool {
	for _, w := range q.words {
		if !strings.Contains(string(l), " "+w) {
			return false
		}
	}
	return !q.Empty()
}

// before is how many characters of a long text are shown before the first word that was found.
const before = 30

// Line returns the line of the texts with the first word that q finds, begun shortly before it where it is long.
func (q Query) Line(texts ...string) string {
	for _, text := range texts {
		for _, w := range triage.Words(text) {
			if slices.ContainsFunc(q.words, func(begins string) bool { return strings.HasPrefix(w.Folded, begins) }) {
				return around(text, w.Start)
			}
		}
	}
	return ""
}

// around is the line of text in which the byte at stands.
func around(text string, at int) string {
	start := strings.LastIndexByte(text[:at], '\n') + 1
	line, at := text[start:], at-start
	if end := strings.IndexByte(line[at:], '\n'); end >= 0 {
		line = line[:at+end]
	}
	if utf8.RuneCountInString(line[:at]) <= before {
		return line
	}
	from := at
	for range before {
		_, size := utf8.DecodeLastRuneInString(line[:from])
		from -= size
	}
	if space := strings.IndexByte(line[from:at], ' '); space >= 0 {
		from += space + 1
	}
	return "... " + line[from:]
}
