package relay

import (
	"fmt"
	"sync"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// What is kept in memory so that a thousand consoles in step cost one reading and one encoding.
const (
	recentLeast = 1024 // events; twice as many at most
	framesMost  = 64
)

// recent are the newest events of the committed state, oldest first and without a hole. What it holds never changes: who
// reads from an older one may go on.
type recent []store.Event

// add returns it with events at the end.
func (r recent) add(events []store.Event) recent {
	r = append(r, events...)
	if len(r) > 2*recentLeast {
		r = append(make(recent, 0, 2*recentLeast+1), r[len(r)-recentLeast:]...)
	}
	return r
}

// after returns at most limit events after a Seq; no says that they are not all here.
func (r recent) after(seq uint64, limit int) (events []store.Event, ok bool) {
	if len(r) == 0 || seq+1 < r[0].Seq || seq > r[len(r)-1].Seq {
		return nil, false
	}
	rest := r[seq+1-r[0].Seq:]
	return rest[:min(len(rest), limit)], true
}

// frames are encoded pieces of the log that many consoles get alike. What a reader gets of an event is all of it, or it
// without its words, or no more than that something happened; so the events and that choice for each say all of a frame.
type frames struct {
	mu    sync.Mutex
	least uint64 // no frame is kept that was read before this event
	order []frameKey
	kept  map[frameKey][]*websocket.PreparedMessage
}

type frameKey struct {
	first, last, head uint64
	shown             string // for each event what its reader gets of it
}

// get returns the messages for some events, made by this reader or by one who gets the same.
func (f *frames) get(events []store.Event, head uint64, s func(func(*desk.State)), who Member) ([]*websocket.PreparedMessage, error) {
	shown := make([]byte, len(events))
	s(func(st *desk.State) {
		for i := range events {
			shown[i] = byte(pushes(&events[i], st, who))
		}
	})
	key := frameKey{events[0].Seq, events[len(events)-1].Seq, head, string(shown)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if made := f.kept[key]; made != nil {
		return made, nil
	}
	mine := make([]store.Event, len(events))
	s(func(st *desk.State) {
		for i := range events {
			mine[i] = showing(shown[i]).of(withoutForgotten(events[i], st))
		}
	})
	var made []*websocket.PreparedMessage
	for _, piece := range wire.Split(mine) {
		raw, err := wire.Encode(wire.Frame{Events: &wire.Events{Events: piece, Head: head}})
		if err != nil {
			return nil, fmt.Errorf("frame for %s: %w", who.Name, err)
		}
		m, err := websocket.NewPreparedMessage(websocket.TextMessage, raw)
		if err != nil {
			return nil, err
		}
		made = append(made, m)
	}
	f.keep(key, made)
	return made, nil
}

func (f *frames) keep(key frameKey, made []*websocket.PreparedMessage) {
	if key.head < f.least {
		return
	}
	if f.kept == nil {
		f.kept = map[frameKey][]*websocket.PreparedMessage{}
	}
	f.kept[key] = made
	f.order = append(f.order, key)
	if len(f.order) > framesMost {
		delete(f.kept, f.order[0])
		f.order = f.order[1:]
	}
}

// drop forgets all of them, and what is being made of events that were read before this one: by it something is
// forgotten.
func (f *frames) drop(forgetting uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.least, f.order, f.kept = max(f.least, forgetting), nil, nil
}
