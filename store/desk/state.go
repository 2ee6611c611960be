package desk

import (
	"iter"
	"maps"
	"slices"
	"time"

	"befree.example/store"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// A State is what all events so far amount to. One goroutine at a time may change it; [State.Fork] and [State.Merge]
// let a whole batch be decided before anybody sees any of it.
type State struct {
	Policy Policy          // read by Decide alone
	Staff  map[string]Role // who may be handed a conversation; nil stands for everybody
	Epoch  string          // of the log, read by Decide alone

	// Key gives the keyed hash that a number's line goes by, so that it outlives the number; nil for the number itself.
	Key func(sms.Number) string

	last     uint64 // Seq of the newest event applied
	swept    time.Time
	newest   time.Time
	wait     Wait
	recalled uint64 // Seq of the newest event that was in a ledger
	keep     bool   // the words of closed conversations too
	shared   bool   // what own maps hold has been seen by others, so it is copied before it is changed

	convs   layer[string, *Conversation]
	changes changes

	lines layer[string, line]     // by the numbers' keys
	holds layer[string, []string] // staff to the conversations that they hold

	redactions layer[string, *Redaction]
	consoles   layer[string, Console]  // by birth name
	standings  layer[string, Standing] // by name
}

// A line is what is known of a number across its conversations.
type line struct {
	open     string   // its conversation that is not closed, if any
	convs    []string // all that have the number, oldest first
	optedOut bool
	stop     time.Time // when its owner said so last, at the latest
	start    time.Time // ... and took it back, at the earliest
	kept     bool      // its opt-out was kept when a conversation was forgotten
	hold     LegalHold
}

// last is its newest conversation, empty if there is none.
func (l line) last() string {
	if len(l.convs) == 0 {
		return ""
	}
	return l.convs[len(l.convs)-1]
}

// NewState returns the state of an empty log.
func NewState(p Policy) *State {
	return &State{
		Policy: p.withDefaults(), convs: newLayer[string, *Conversation](nil),
		lines: newLayer[string, line](nil), holds: newLayer[string, []string](nil),
		redactions: newLayer[string, *Redaction](nil), consoles: newLayer[string, Console](nil),
		standings: newLayer[string, Standing](nil),
	}
}

// Fork returns a state that begins as s is and changes apart from it. s must not change until the fork is merged or
// dropped.
func (s *State) Fork() *State {
	s.shared = true
	return &State{
		Policy: s.Policy, Staff: s.Staff, Epoch: s.Epoch, Key: s.Key, last: s.last, swept: s.swept, newest: s.newest, wait: s.wait, recalled: s.recalled,
		convs: newLayer(&s.convs), lines: newLayer(&s.lines), holds: newLayer(&s.holds),
		redactions: newLayer(&s.redactions), consoles: newLayer(&s.consoles), standings: newLayer(&s.standings),
	}
}

// Merge makes s what its fork has become. The fork is of no use afterwards.
func (s *State) Merge(fork *State) {
	s.last, s.swept, s.newest, s.wait, s.shared = fork.last, fork.swept, fork.newest, fork.wait, true
	s.convs.merge(fork.convs)
	for id := range fork.convs.own {
		s.changes.add(id)
	}
	s.lines.merge(fork.lines)
	s.holds.merge(fork.holds)
	s.redactions.merge(fork.redactions)
	s.consoles.merge(fork.consoles)
	s.standings.merge(fork.standings)
}

// Last returns the Seq of the newest event applied.
func (s *State) Last() uint64 { return s.last }

// Swept is until when, by the carrier's clock, the log is known to have every text that the carrier had; zero if that
// was never looked at.
func (s *State) Swept() time.Time { return s.swept }

// Conversation returns a conversation, or nil.
func (s *State) Conversation(id string) *Conversation {
	c, _ := s.convs.get(id)
	return c
}

// Conversations yields every conversation, in no order.
func (s *State) Conversations() iter.Seq[*Conversation] { return s.convs.values() }

// Changes is how many changes of conversations there have been, for [State.Since].
func (s *State) Changes() int { return s.changes.forgotten + len(s.changes.ids) }

// Since names the conversations that changed after so many changes, some of them more than once; known is false where
// that is too long ago.
func (s *State) Since(changes int) (ids []string, known bool) {
	if n := changes - s.changes.forgotten; n >= 0 && n <= len(s.changes.ids) {
		return slices.Clone(s.changes.ids[n:]), true
	}
	return nil, false
}

// changesMost is how many changes of conversations are remembered at most.
const changesMost = 1 << 12

// changes are the newest of them: whose each was.
type changes struct {
	ids       []string
	forgotten int // how many there were before those
}

func (c *changes) add(id string) {
	if len(c.ids) == changesMost {
		c.forgotten += changesMost / 2
		c.ids = append(c.ids[:0], c.ids[changesMost/2:]...)
	}
	c.ids = append(c.ids, id)
}

// Holds returns the conversations that a member of staff holds, in the order in which they came to hold them.
func (s *State) Holds(staff string) []string {
	ids, _ := s.holds.get(staff)
	return slices.Clone(ids)
}

// MayText tells whether a number has not opted out.
func (s *State) MayText(n sms.Number) bool {
	l, _ := s.lines.get(s.key(n))
	return !l.optedOut
}

// Replace puts a conversation that was folded whole (see [Fold]) in the place of what s knows of it.
func (s *State) Replace(c *Conversation) {
	before := s.Conversation(c.ID)
	s.convs.put(c.ID, c)
	s.changes.add(c.ID)
	if before != nil && before.Phase == Held {
		s.drop(before.Owner, c.ID)
	}
	if c.Phase == Held {
		s.hold(c.Owner, c.ID)
	}
}

// Fold returns what one conversation's events, oldest first, amount to, with all its words though it be closed; nil
// for no events.
func Fold(events []store.Event) *Conversation { return folded(events, true) }

// Known returns what one conversation's events, oldest first, amount to as a State knows it: the words are kept of what
// is open. Nil for no events.
func Known(events []store.Event) *Conversation { return folded(events, false) }

func folded(events []store.Event, keep bool) *Conversation {
	s := NewState(Policy{})
	s.keep = keep
	for _, e := range events {
		s.Apply(e)
	}
	if len(events) == 0 {
		return nil
	}
	return s.Conversation(events[0].Conversation)
}

// Urgent puts conversations in the order in which they should be taken.
func Urgent(a, b *Conversation, now time.Time) int {
	if d := triage.Compare(a.Severity, a.wait(now), b.Severity, b.wait(now)); d != 0 {
		return d
	}
	if d := a.Unanswered.Compare(b.Unanswered); d != 0 {
		return d
	}
	return int(min(a.LastText, 1)) - int(min(b.LastText, 1))
}

func (c *Conversation) wait(now time.Time) time.Duration {
	if c.Unanswered.IsZero() {
		return 0
	}
	return now.Sub(c.Unanswered)
}

// edit returns the conversation to be changed, a copy where somebody may be looking at it.
func (s *State) edit(id string) *Conversation {
	s.changes.add(id)
	if c, ok := s.convs.own[id]; ok && !s.shared {
		return c
	}
	c := &Conversation{ID: id}
	if old := s.Conversation(id); old != nil {
		c = old.clone()
	}
	s.convs.put(id, c)
	return c
}

func (s *State) hold(staff, id string) { s.holds.put(staff, append(s.Holds(staff), id)) }

func (s *State) drop(staff, id string) {
	s.holds.put(staff, slices.DeleteFunc(s.Holds(staff), func(h string) bool { return h == id }))
}

// A layer is a map upon a map: reads fall through to the one below, writes stay in its own.
type layer[K comparable, V any] struct {
	below *layer[K, V]
	own   map[K]V
}

func newLayer[K comparable, V any](below *layer[K, V]) layer[K, V] {
	return layer[K, V]{below: below, own: map[K]V{}}
}

func (l *layer[K, V]) get(k K) (V, bool) {
	if v, ok := l.own[k]; ok || l.below == nil {
		return v, ok
	}
	return l.below.get(k)
}

func (l *layer[K, V]) put(k K, v V) { l.own[k] = v }

func (l *layer[K, V]) merge(above layer[K, V]) { maps.Copy(l.own, above.own) }

func (l *layer[K, V]) values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range l.own {
			if !yield(v) {
				return
			}
		}
		if l.below == nil {
			return
		}
		for k, v := range l.below.own { // a fork stands on a state that has none below it
			if _, hidden := l.own[k]; !hidden && !yield(v) {
				return
			}
		}
	}
}
