package tui

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/triage"
)

// Limits of the pump: how often the screen may change by itself, and which part of the time it may take.
const (
	frameTime = 16 * time.Millisecond
	pumpShare = 8
)

// A world is everything that the console shows of the line, taken at one moment. Nothing in it changes.
type world struct {
	status  client.Status
	mine    []*desk.Conversation // in the order in which they were claimed
	waiting []*desk.Conversation // the most urgent first
	urgent  int                  // how many of those are in imminent danger and unanswered
	others  []*desk.Conversation // held by others; for supervisors
	closed  []*desk.Conversation // for review, the newest first
	byID    map[string]*desk.Conversation
	news    []string // IDs of what is not in it as it was in the world before
	outbox  []bolt.Entry

	asked     []*desk.Conversation // of which somebody asks for something that needs another person
	retention desk.Wait
	forgotten int // how many times something was

	openID string
	open   *desk.Conversation // with what waits in the outbox
	err    error
}

type worldMsg struct {
	world
	changed <-chan struct{} // closed once the world is older than the line
	took    time.Duration
}

// collect takes a world, the next after one that was. It may read the disk.
func collect(line Line, name, open string, review bool, before *world) worldMsg {
	began := time.Now()
	changed := line.Changed()
	w := world{status: line.Status(), openID: open, byID: make(map[string]*desk.Conversation, len(before.byID)+1)}
	line.View(func(s *desk.State) {
		for c := range s.Conversations() {
			w.byID[c.ID] = c
			w.forgotten += len(c.Forgettings)
			if c.Asked(began) {
				w.asked = append(w.asked, c)
			}
		}
		w.retention = s.Retention()
		for _, id := range s.Holds(name) {
			w.mine = append(w.mine, w.byID[id])
		}
	})
	w.sort(name, review, before, began)
	var err error
	if w.outbox, err = line.Outbox(); err != nil {
		w.err = err
	}
	if w.open, err = whole(line, open, w.byID[open]); err != nil {
		w.err = err
	}
	return worldMsg{world: w, changed: changed, took: time.Since(began)}
}

// sort puts the conversations into their lists. What has not changed is taken over in the order of before: that is
// nearly the one of now.
func (w *world) sort(name string, review bool, before *world, now time.Time) {
	w.mine = slices.DeleteFunc(w.mine, func(c *desk.Conversation) bool { return c == nil })
	if before.status.Role != w.status.Role {
		before = &world{}
	}
	still := func(all []*desk.Conversation) []*desk.Conversation {
		kept := make([]*desk.Conversation, 0, len(all)+1)
		for _, c := range all {
			if w.byID[c.ID] == c {
				kept = append(kept, c)
			}
		}
		return kept
	}
	w.waiting, w.others, w.closed = still(before.waiting), still(before.others), still(before.closed)
	for id, c := range w.byID {
		if before.byID[id] == c {
			continue
		}
		w.news = append(w.news, id)
		if l := w.list(c, name, review); l != nil && l != &w.mine {
			*l = append(*l, c)
		}
	}
	for _, c := range w.waiting {
		if calls(c) {
			w.urgent++
		}
	}
	slices.SortFunc(w.asked, func(a, b *desk.Conversation) int { return int(int64(a.Last) - int64(b.Last)) })
	slices.SortFunc(w.waiting, func(a, b *desk.Conversation) int { return urgent(a, b, now) })
	slices.SortFunc(w.others, func(a, b *desk.Conversation) int { return urgent(a, b, now) })
	slices.SortFunc(w.closed, func(a, b *desk.Conversation) int { return b.ClosedAt.Compare(a.ClosedAt) })
}

// calls tells whether somebody is in imminent danger, unanswered, and nobody's.
func calls(c *desk.Conversation) bool {
	return c != nil && c.Phase == desk.Waiting && c.Severity == triage.Imminent && !c.Unanswered.IsZero()
}

// list is the one of w's lists that a conversation belongs to, nil for none.
func (w *world) list(c *desk.Conversation, name string, review bool) *[]*desk.Conversation {
	switch {
	case c == nil:
	case c.HeldBy(name):
		return &w.mine
	case c.Phase == desk.Waiting:
		return &w.waiting
	case c.Phase == desk.Held && w.status.Role == desk.Supervisor:
		return &w.others
	case c.Phase == desk.ClosedNow && c.Gone.IsZero() && review:
		return &w.closed
	}
	return nil
}

// urgent is desk.Urgent, made one order for any two conversations.
func urgent(a, b *desk.Conversation, now time.Time) int {
	if d := desk.Urgent(a, b, now); d != 0 {
		return d
	}
	return strings.Compare(a.ID, b.ID)
}

// whole returns a conversation for reading: a closed one is folded anew from the disk.
func whole(line Line, id string, known *desk.Conversation) (*desk.Conversation, error) {
	switch {
	case id == "":
		return nil, nil
	case known != nil && known.Phase == desk.ClosedNow:
		return line.Whole(id)
	}
	return line.Conversation(id)
}

// gone tells whether a conversation was forgotten. Of the open one the disk may know that a moment earlier.
func (w *world) gone(id string) bool {
	c := w.byID[id]
	return c != nil && !c.Gone.IsZero() || w.open != nil && w.open.ID == id && !w.open.Gone.IsZero()
}

// going returns the replies to a conversation that the relay has not got yet.
func (w *world) going(id string) (es []bolt.Entry) {
	for _, e := range w.outbox {
		if e.Conversation == id && e.Kind == desk.ReplyQueued && e.Refused == "" {
			es = append(es, e)
		}
	}
	return es
}

// start takes the first world at once.
func (m *Model) start() tea.Cmd {
	line, name, review := m.Line, m.Name, m.Review
	return guard(func() tea.Msg { return collect(line, name, "", review, &world{}) })
}

// ordered tells whether those who wait are still in the order in which they should be taken: it changes by waiting alone.
func (w *world) ordered(now time.Time) bool {
	order := func(a, b *desk.Conversation) int { return urgent(a, b, now) }
	return slices.IsSortedFunc(w.waiting, order) && slices.IsSortedFunc(w.others, order)
}

// pump waits for the line to change, or the order of those who wait, and takes a world. There is one under way at a time:
// the next is started when this one has been shown, so neither a burst of events nor a slow screen ever makes a queue.
func (m *Model) pump(after worldMsg) tea.Cmd {
	line, name, open, review, stop := m.Line, m.Name, m.open, m.Review, m.stop
	rest := max(frameTime, pumpShare*after.took)
	return guard(func() tea.Msg {
		pause := time.NewTimer(rest)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-stop:
			return nil
		}
		second := time.NewTicker(time.Second)
		defer second.Stop()
		for after.ordered(time.Now()) {
			select {
			case <-after.changed:
				return collect(line, name, open, review, &after.world)
			case <-second.C:
			case <-stop:
				return nil
			}
		}
		return collect(line, name, open, review, &after.world)
	})
}

// loadedMsg is a conversation that was asked for.
type loadedMsg struct {
	id   string
	open *desk.Conversation
	err  error
}

func (m *Model) load(id string) tea.Cmd {
	line, known := m.Line, m.world.byID[id]
	return guard(func() tea.Msg {
		c, err := whole(line, id, known)
		return loadedMsg{id, c, err}
	})
}

// written returns what a refused command of ours held.
func written[T any](e bolt.Entry) T {
	var c desk.Command
	var v T
	if json.Unmarshal(e.Command, &c) == nil {
		_ = json.Unmarshal(c.Body, &v) // else there is nothing to give back
	}
	return v
}
