package tui

import (
	"iter"
	"maps"

	"befree.example/store/desk"
)

// A known is the conversations that a world has, by their IDs. It never changes; nil has none.
type known struct {
	most  map[string]*desk.Conversation
	newer map[string]*desk.Conversation // hides what most has
}

// knowing makes one of what is in a state.
func knowing(s *desk.State) *known {
	k := &known{most: map[string]*desk.Conversation{}}
	for c := range s.Conversations() {
		k.most[c.ID] = c
	}
	return k
}

// get returns a conversation, or nil.
func (k *known) get(id string) *desk.Conversation {
	if k == nil {
		return nil
	}
	if c, ok := k.newer[id]; ok {
		return c
	}
	return k.most[id]
}

// all yields every conversation, in no order.
func (k *known) all() iter.Seq[*desk.Conversation] {
	return func(yield func(*desk.Conversation) bool) {
		if k == nil {
			return
		}
		for _, c := range k.newer {
			if !yield(c) {
				return
			}
		}
		for id, c := range k.most {
			if _, hidden := k.newer[id]; !hidden && !yield(c) {
				return
			}
		}
	}
}

// with is k where these are as in a state. It costs what is newer in it, which is a small part of what there is.
func (k *known) with(ids []string, s *desk.State) *known {
	next := &known{k.most, maps.Clone(k.newer)}
	if next.newer == nil {
		next.newer = map[string]*desk.Conversation{}
	}
	for _, id := range ids {
		next.newer[id] = s.Conversation(id)
	}
	if len(next.newer) > len(next.most)/16+64 {
		next.most = maps.Clone(next.most)
		maps.Copy(next.most, next.newer)
		next.newer = nil
	}
	return next
}
