package triage

import (
	"strconv"
	"strings"
)

// A pattern is a phrase as a text is matched with it: spelled as the text will be.
type pattern struct {
	elements []element
	rule     int  // index into Rules.rules
	except   bool // it stands under "unless"
}

// An index finds the patterns that may begin with a word.
type index struct {
	words  map[string][]*pattern
	others []opening
}

// An opening is an atom that is not one word, and a pattern that may begin with it.
type opening struct {
	atom
	*pattern
}

// add puts p where its first word is looked for, or its second if the first may be missing.
func (x *index) add(p *pattern) {
	for _, e := range p.elements {
		for w := range e.words {
			x.words[w] = append(x.words[w], p)
		}
		for _, atoms := range e.rest {
			if first := atoms[0]; first.prefix || first.under > 0 {
				x.others = append(x.others, opening{first, p})
			} else {
				x.words[first.word] = append(x.words[first.word], p)
			}
		}
		if !e.optional {
			return
		}
	}
}

// A find is a pattern found in a text.
type find struct {
	*pattern
	end int // the token after its last
}

// search appends to found what begins at token i, each pattern at its longest. A pattern may be there twice.
func (x *index) search(ts []token, i int, found []find) []find {
	for _, p := range x.words[ts[i].word] {
		if end := match(p.elements, ts, i); end > i {
			found = append(found, find{p, end})
		}
	}
	for _, o := range x.others {
		if !o.matches(ts[i].word) {
			continue
		}
		if end := match(o.elements, ts, i); end > i {
			found = append(found, find{o.pattern, end})
		}
	}
	return found
}

// match returns the end of the longest stretch of tokens from i that the elements match, -1 if there is none. Its work
// is bounded by the elements alone: see maxElements and maxLoose.
func match(es []element, ts []token, i int) int {
	if len(es) == 0 {
		return i
	}
	e, after := es[0], es[1:]
	longest := -1
	if e.optional {
		longest = match(after, ts, i)
	}
	if e.gap {
		for skip := 0; skip <= gapWords && i+skip < len(ts); skip++ {
			longest = max(longest, match(after, ts, i+skip))
		}
		return longest
	}
	if i < len(ts) && e.words[ts[i].word] {
		longest = max(longest, match(after, ts, i+1))
	}
	for _, atoms := range e.rest {
		if follow(atoms, ts, i) {
			longest = max(longest, match(after, ts, i+len(atoms)))
		}
	}
	return longest
}

// follow tells whether atoms match the tokens from i, one each.
func follow(atoms []atom, ts []token, i int) bool {
	if i+len(atoms) > len(ts) {
		return false
	}
	for k, a := range atoms {
		if !a.matches(ts[i+k].word) {
			return false
		}
	}
	return true
}

func (a atom) matches(w string) bool {
	switch {
	case a.under > 0:
		return small(w, a.under)
	case a.prefix:
		return strings.HasPrefix(w, a.word)
	default:
		return w == a.word
	}
}

// small tells whether w is a number from 1 to limit-1.
func small(w string, limit int) bool {
	if len(w) > 3 {
		return false
	}
	n, err := strconv.Atoi(w)
	return err == nil && n > 0 && n < limit
}
