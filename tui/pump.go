package tui

import (
	"cmp"
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
	byID    *known
	news    []string // IDs of what is not in it as it was in the world before
	outbox  []bolt.Entry

	state   *desk.State // where it was taken, for the next alone
	changes int         // how many that had had
	ordered time.Time   // when those who wait were put in order

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
	w := world{status: line.Status(), openID: open}
	if before.status.Role != w.status.Role {
		before = &world{}
	}
	line.View(func(s *desk.State) {
		w.retention, w.state, w.changes = s.Retention(), s, s.Changes()
		w.read(s, before)
		for _, id := range s.Holds(name) {
			w.mine = append(w.mine, w.byID.get(id))
		}
	})
	if line.Status().Epoch != w.status.Epoch { // the log has just become another one: the two would not be of the same
		return collect(line, name, open, review, before)
	}
	w.sort(name, review, before, began)
	var err error
	if w.outbox, err = line.Outbox(); err != nil {
		w.err = err
	}
	if w.open, err = whole(line, open, w.byID.get(open)); err != nil {
		w.err = err
	}
	return worldMsg{world: w, changed: changed, took: time.Since(began)}
}

// read takes what the state has, and what of it is news.
func (w *world) read(s *desk.State, before *world) {
	ids, told := s.Since(before.changes)
	if told && s == before.state {
		slices.Sort(ids)
		w.byID = before.byID.with(ids, s)
		w.news = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return before.byID.get(id) == w.byID.get(id) })
		return
	}
	w.byID = knowing(s)
	for c := range w.byID.all() {
		if before.byID.get(c.ID) != c {
			w.news = append(w.news, c.ID)
		}
	}
}

// fewNews is how much may be news for each conversation to be put where it belongs by itself, and orderTime how long
// those who wait stay in the order of one moment.
const (
	fewNews   = 256
	orderTime = time.Second
)

// sort puts the conversations into their lists. Where it can it takes over those of before, which costs what is news; once
// in orderTime it costs what there is, since the order changes by waiting, too.
func (w *world) sort(name string, review bool, before *world, now time.Time) {
	w.mine = slices.DeleteFunc(w.mine, func(c *desk.Conversation) bool { return c == nil })
	if w.state == before.state && len(w.news) <= fewNews {
		w.takeOver(name, review, before, now)
	} else {
		w.begin(name, review, now)
	}
	if now.Sub(w.ordered) >= orderTime {
		w.ordered = now
		for _, l := range []*[]*desk.Conversation{&w.waiting, &w.others, &w.closed} {
			slices.SortFunc(*l, w.order(l))
		}
	}
	slices.SortFunc(w.asked, func(a, b *desk.Conversation) int { return int(int64(a.Last) - int64(b.Last)) })
}

// begin makes the lists, in no order yet.
func (w *world) begin(name string, review bool, now time.Time) {
	for c := range w.byID.all() {
		w.count(c, 1)
		if c.Asked(now) {
			w.asked = append(w.asked, c)
		}
		if l := w.kept(c, name, review); l != nil {
			*l = append(*l, c)
		}
	}
}

// takeOver makes the lists of those of before, moving what is news.
func (w *world) takeOver(name string, review bool, before *world, now time.Time) {
	room := func(l []*desk.Conversation) []*desk.Conversation {
		return append(make([]*desk.Conversation, 0, len(l)+len(w.news)), l...)
	}
	w.waiting, w.others, w.closed = room(before.waiting), room(before.others), room(before.closed)
	w.urgent, w.forgotten, w.ordered = before.urgent, before.forgotten, before.ordered
	w.asked = slices.DeleteFunc(slices.Clone(before.asked), func(c *desk.Conversation) bool { return w.byID.get(c.ID) != c || !c.Asked(now) })
	for _, id := range w.news {
		old, c := before.byID.get(id), w.byID.get(id)
		w.count(old, -1)
		w.count(c, 1)
		if c.Asked(now) {
			w.asked = append(w.asked, c)
		}
		if l := w.kept(old, name, review); l != nil {
			if i, ok := slices.BinarySearchFunc(*l, old, w.order(l)); ok {
				*l = slices.Delete(*l, i, i+1)
			}
		}
		if l := w.kept(c, name, review); l != nil {
			i, _ := slices.BinarySearchFunc(*l, c, w.order(l))
			*l = slices.Insert(*l, i, c)
		}
	}
}

// order is that of one of w's lists.
func (w *world) order(l *[]*desk.Conversation) func(a, b *desk.Conversation) int {
	if l == &w.closed {
		return func(a, b *desk.Conversation) int {
			return cmp.Or(b.ClosedAt.Compare(a.ClosedAt), strings.Compare(a.ID, b.ID))
		}
	}
	return func(a, b *desk.Conversation) int { return urgent(a, b, w.ordered) }
}

// count adds what a conversation is to what is counted, or takes it away.
func (w *world) count(c *desk.Conversation, by int) {
	if c == nil {
		return
	}
	w.forgotten += by * len(c.Forgettings)
	if calls(c) {
		w.urgent += by
	}
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

// kept is the list that w keeps a conversation in the order of, nil for none: whose are mine, and their order, the state says.
func (w *world) kept(c *desk.Conversation, name string, review bool) *[]*desk.Conversation {
	if l := w.list(c, name, review); l != &w.mine {
		return l
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
	c := w.byID.get(id)
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

// inOrder tells whether those who wait are still in the order in which they should be taken: it changes by waiting alone.
func (w *world) inOrder(now time.Time) bool {
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
		second := time.NewTicker(orderTime)
		defer second.Stop()
		for {
			select {
			case <-after.changed:
				return collect(line, name, open, review, &after.world)
			case now := <-second.C:
				if !after.inOrder(now) {
					return collect(line, name, open, review, &after.world)
				}
			case <-stop:
				return nil
			}
		}
	})
}

// loadedMsg is a conversation that was asked for.
type loadedMsg struct {
	id   string
	open *desk.Conversation
	err  error
}

func (m *Model) load(id string) tea.Cmd {
	line, known := m.Line, m.world.byID.get(id)
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
