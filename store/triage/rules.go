package triage

import (
	"bytes"
	_ "embed" // for the rules that befree comes with
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// maxFile is how long a rules file may be, in bytes.
const maxFile = 256 << 10

// The languages of the rules, ISO 639-1.
const (
	english = "en"
	spanish = "es"
)

// Names of the reasons that no file need give. No rule of a file can have one of them.
const (
	HelpAlone      = "HELP alone"                  // standard: it may be all that somebody can type
	InfoAlone      = "INFO alone"                  // information
	LeadsWithStop  = "begins with an opt-out word" // raises by one step, to high at least
	MoreThanAsking = "more than a question"        // raises information to standard
	maxAside       = 12                            // words beside its question that leave a text a question
	maxPerRule     = 8                             // places that one rule is reported at
)

// Rules turn words into a severity. They never change, and are safe for use by many goroutines at once.
type Rules struct {
	rules    []rule
	index    index
	spelling map[string][]string
	known    map[string]bool   // every word that stands in a phrase or a spelling
	language map[string]string // words that tell a language
}

type rule struct {
	name     string
	severity Severity
}

//go:embed rules.toml
var defaults []byte

// DefaultFile returns the file that [Default] reads, for an operator to begin with.
func DefaultFile() []byte { return slices.Clone(defaults) }

// Default returns the rules that befree comes with.
var Default = sync.OnceValue(func() *Rules {
	r, err := Load("rules.toml", bytes.NewReader(defaults))
	if err != nil {
		panic(err) // a test loads them
	}
	return r
})

// Load reads rules from a file called name, of 256 KiB at most. Its errors are one line that says the file, the line in
// it, what is wrong and what to do.
func Load(name string, from io.Reader) (*Rules, error) {
	b, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d KiB: this is hardly a rules file", name, maxFile>>10)
	}
	f, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f.build(), nil
}

// build makes rules of a file that was checked.
func (f *file) build() *Rules {
	r := &Rules{index: index{words: map[string][]*pattern{}}, spelling: map[string][]string{}, known: map[string]bool{}, language: map[string]string{}}
	for _, s := range f.Spelling {
		for _, other := range s.others {
			r.spelling[other], r.known[other] = s.words, true
		}
	}
	for i, e := range f.Rules {
		r.rules = append(r.rules, rule{e.Name, e.Severity.Severity})
		r.put(e.English, pattern{rule: i})
		r.put(e.Spanish, pattern{rule: i})
		r.put(e.Unless, pattern{rule: i, except: true})
	}
	r.learn(f)
	return r
}

// put adds a pattern like p for each of the phrases.
func (r *Rules) put(phrases []phrase, p pattern) {
	for _, ph := range phrases {
		p := p
		for _, e := range ph.elements {
			p.elements = append(p.elements, r.spelled(e))
		}
		r.index.add(&p)
	}
}

// spelled returns e spelled as texts are read, its single words apart from the rest.
func (r *Rules) spelled(e element) element {
	s := element{optional: e.optional, gap: e.gap, words: map[string]bool{}}
	for _, atoms := range e.rest {
		var spelled []atom
		for _, a := range atoms {
			spelled = append(spelled, r.spellAtom(a)...)
		}
		if len(spelled) == 1 && spelled[0] == (atom{word: spelled[0].word}) {
			s.words[spelled[0].word] = true
			continue
		}
		s.rest = append(s.rest, spelled)
	}
	return s
}

func (r *Rules) spellAtom(a atom) (spelled []atom) {
	if a.prefix || a.under > 0 {
		return []atom{a}
	}
	for _, w := range r.spell(a.word) {
		spelled, r.known[w] = append(spelled, atom{word: w}), true
	}
	return spelled
}

// learn finds out which words tell a language: those that stand in phrases of one language alone, and those that the file
// lists.
func (r *Rules) learn(f *file) {
	in := map[string]map[string]bool{english: {}, spanish: {}}
	for _, e := range f.Rules {
		for _, w := range r.words(e.English) {
			in[english][w] = true
		}
		for _, w := range r.words(e.Spanish) {
			in[spanish][w] = true
		}
	}
	for w := range in[english] {
		if !in[spanish][w] {
			r.language[w] = english
		}
	}
	for w := range in[spanish] {
		if !in[english][w] {
			r.language[w] = spanish
		}
	}
	for _, w := range r.words(f.English) {
		r.language[w] = english
	}
	for _, w := range r.words(f.Spanish) {
		r.language[w] = spanish
	}
}

// words returns the single words of phrases.
func (r *Rules) words(phrases []phrase) (words []string) {
	for _, p := range phrases {
		for _, e := range p.elements {
			words = slices.AppendSeq(words, maps.Keys(r.spelled(e).words))
		}
	}
	return words
}
