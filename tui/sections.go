package tui

import (
	"iter"
	"slices"

	"befree.example/store/desk"
)

// A section is a part of the list: a row with its name, then those of its conversations. These are never changed: they
// may be the world's own.
type section struct {
	name     string
	count    string // how many there are in it, listed or not
	convs    []*desk.Conversation
	numbered bool // one's own, which keys open
}

// sections one after the other are the rows of a list.
type sections []section

// A row is a conversation, or the name of the section that begins there.
type row struct {
	*section
	id     string
	number int // the key that opens it, for one's own
}

func (rs sections) len() (n int) {
	for _, s := range rs {
		n += 1 + len(s.convs)
	}
	return n
}

func (rs sections) at(i int) row {
	for n := range rs {
		s := &rs[n]
		switch {
		case i == 0:
			return row{section: s}
		case i <= len(s.convs) && s.numbered:
			return row{s, s.convs[i-1].ID, i}
		case i <= len(s.convs):
			return row{s, s.convs[i-1].ID, 0}
		}
		i -= 1 + len(s.convs)
	}
	return row{}
}

// conversations yields the rows that are no names.
func (rs sections) conversations() iter.Seq[row] {
	return func(yield func(row) bool) {
		for i := range rs.len() {
			if r := rs.at(i); r.id != "" && !yield(r) {
				return
			}
		}
	}
}

func (rs sections) empty() bool { return rs.len() == len(rs) }

// same tells whether two lists show the same conversations in the same order.
func (rs sections) same(other sections) bool {
	return slices.EqualFunc(rs, other, func(a, b section) bool {
		return a.name == b.name && slices.EqualFunc(a.convs, b.convs, func(a, b *desk.Conversation) bool { return a == b || a.ID == b.ID })
	})
}
