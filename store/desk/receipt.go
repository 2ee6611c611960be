package desk

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"befree.example/store"
)

// A Receipt says what became of a conversation that was forgotten, in whole or in part.
type Receipt struct {
	Conversation string
	Gone         time.Time // when all of it was, zero if not
	Forgettings  []Forgetting
	Carrier      []Redaction // what the carrier was asked to delete, oldest first
	Consoles     []Console   // that were there before the newest forgetting, by name; see Confirmed
	LeftOut      []string    // conversations that were to be forgotten with it and are not; see [State.Agreed]
}

// Newest is when something of it was forgotten last.
func (r Receipt) Newest() time.Time { return r.Forgettings[len(r.Forgettings)-1].At }

// Confirmed tells whether a console has said that all of it is gone there.
func (r Receipt) Confirmed(c Console) bool {
	return len(r.Forgettings) > 0 && c.Erased >= r.Forgettings[len(r.Forgettings)-1].Seq
}

// Receipt returns what is known of the forgetting of a conversation; ok is false where nothing of it was forgotten.
func (s *State) Receipt(conversation string) (r Receipt, ok bool) {
	c := s.Conversation(conversation)
	if c == nil || len(c.Forgettings) == 0 {
		return r, false
	}
	var lists []Redaction
	for list := range s.redactions.values() {
		if list.Of() == c.ID {
			lists = append(lists, *list)
		}
	}
	return s.receipt(c, lists, s.leftOut()[c.ID]), true
}

// Receipts returns those of all conversations of which something was forgotten, the newest first, at most so many.
func (s *State) Receipts(most int) (all []Receipt) {
	lists := map[string][]Redaction{}
	for list := range s.redactions.values() {
		lists[list.Of()] = append(lists[list.Of()], *list)
	}
	var convs []*Conversation
	for c := range s.Conversations() {
		if len(c.Forgettings) > 0 {
			convs = append(convs, c)
		}
	}
	newest := func(c *Conversation) uint64 { return c.Forgettings[len(c.Forgettings)-1].Seq }
	slices.SortFunc(convs, func(a, b *Conversation) int { return cmp.Compare(newest(b), newest(a)) })
	left := s.leftOut()
	for _, c := range convs[:min(len(convs), most)] {
		all = append(all, s.receipt(c, lists[c.ID], left[c.ID]))
	}
	return all
}

// leftOut lists, by each conversation that was to be forgotten with them, those that were left out and are still there.
func (s *State) leftOut() map[string][]string {
	left := map[string][]string{}
	for o := range s.Conversations() {
		of := map[string]bool{}
		for _, l := range o.LeftOut {
			for _, id := range append(slices.Clip(l.With), l.Of) {
				of[id] = id != o.ID
			}
		}
		for id, other := range of {
			if other {
				left[id] = append(left[id], o.ID)
			}
		}
	}
	return left
}

func (s *State) receipt(c *Conversation, lists []Redaction, left []string) Receipt {
	r := Receipt{Conversation: c.ID, Gone: c.Gone, Forgettings: c.Forgettings, Carrier: lists}
	if !c.Gone.IsZero() {
		r.LeftOut = slices.Sorted(slices.Values(left))
	}
	slices.SortFunc(r.Carrier, func(a, b Redaction) int { return a.At.Compare(b.At) })
	newest := c.Forgettings[len(c.Forgettings)-1].Seq
	for console := range s.consoles.values() {
		if console.First < newest {
			r.Consoles = append(r.Consoles, console)
		}
	}
	slices.SortFunc(r.Consoles, func(a, b Console) int {
		return cmp.Or(strings.Compare(a.Staff, b.Staff), strings.Compare(a.Device, b.Device))
	})
	return r
}

// A Console is one that has ever asked for something.
type Console struct {
	Device   string // its birth name
	Staff    string
	First    uint64    // Seq of the first event that it asked for
	LastAt   time.Time // of the last
	Erased   uint64    // the newest event up to which it has forgotten all that it was to
	ErasedAt time.Time
}

// console notes who was heard from.
func (s *State) console(e store.Event) {
	switch e.Actor {
	case "", store.Texter, store.Carrier, store.Clock:
		return
	}
	device, _, ok := strings.Cut(e.ID, "-") // whatever staff ask for has a device's ID
	if !ok {
		return
	}
	c, known := s.consoles.get(device)
	if !known {
		c = Console{Device: device, First: e.Seq}
	}
	c.Staff, c.LastAt = e.Actor, e.At
	if e.Kind == Erased {
		if upto := Read[Erasure](e).Upto; upto >= c.Erased && upto > 0 {
			c.Erased, c.ErasedAt = upto, e.At
		}
	}
	s.consoles.put(device, c)
}
