package triage

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of one phrase, so that judging stays linear in the text whatever a file says.
const (
	maxElements   = 12
	maxLoose      = 4 // elements that are "..." or may be missing
	gapWords      = 3 // what "..." may stand for, at most
	shortestStart = 3 // letters before a "*"
)

// A phrase is one string of words in a rules file; the head of rules.toml explains it.
type phrase struct{ elements []element }

// An element is one step of a phrase: one of several words, or up to gapWords words whatever they are.
type element struct {
	words    map[string]bool // any of these
	rest     [][]atom        // or one of these
	optional bool
	gap      bool
}

// An atom matches one word of a text.
type atom struct {
	word   string // exactly this one
	prefix bool   // or any that begins so
	under  int    // or, where it is not 0, any number from 1 up to but without this one
}

// UnmarshalText reads a phrase.
func (p *phrase) UnmarshalText(text []byte) error {
	for s := range strings.FieldsSeq(string(text)) {
		e, err := parseElement(s)
		if err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		p.elements = append(p.elements, e)
	}
	if err := p.check(); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	return nil
}

func parseElement(s string) (e element, err error) {
	if s == "..." {
		return element{gap: true}, nil
	}
	bare := strings.TrimSuffix(s, "?")
	e.optional = bare != s
	for alternative := range strings.SplitSeq(bare, "|") {
		atoms, err := parseWord(alternative)
		if err != nil {
			return element{}, err
		}
		e.rest = append(e.rest, atoms)
	}
	return e, nil
}

// parseWord returns one alternative: more than one atom for what folds to several words ("co-worker").
func parseWord(s string) ([]atom, error) {
	if digits, ok := strings.CutPrefix(s, "<"); ok {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 2 || n > 1000 {
			return nil, fmt.Errorf("%q is not a number under another: write <18", s)
		}
		return []atom{{under: n}}, nil
	}
	stem, prefix := strings.CutSuffix(s, "*")
	var atoms []atom
	for _, t := range tokens(stem) {
		atoms = append(atoms, atom{word: t.word, prefix: prefix})
	}
	switch {
	case strings.ContainsAny(stem, "*?<>") || len(atoms) == 0:
		return nil, fmt.Errorf("%q is not a word: use letters and digits, with * or ? at the end and | between words", s)
	case prefix && (len(atoms) > 1 || utf8.RuneCountInString(atoms[0].word) < shortestStart):
		return nil, fmt.Errorf("%q matches too much: put at least %d letters before the *", s, shortestStart)
	}
	return atoms, nil
}

// check refuses what would match nothing in particular.
func (p *phrase) check() error {
	loose, words := 0, 0
	for _, e := range p.elements {
		if e.gap || e.optional {
			loose++
		} else {
			words++
		}
	}
	switch {
	case len(p.elements) == 0:
		return errors.New("an empty phrase matches nothing: write words or delete it")
	case len(p.elements) > maxElements:
		return fmt.Errorf("%d words are too many: use at most %d", len(p.elements), maxElements)
	case loose > maxLoose:
		return fmt.Errorf("too much of it may be missing: use ... and ? at most %d times", maxLoose)
	case p.elements[0].gap || p.elements[len(p.elements)-1].gap:
		return errors.New("begins or ends with ...: put a word there")
	case words == 0:
		return errors.New("can match nothing at all: leave one word without ?")
	}
	return nil
}
