package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
)

// A chronicle reads a log along as it grows and says, by rules written anew from what people are told, what must never
// stand in it.
type chronicle struct {
	log   store.Log
	wrong func(format string, args ...any)

	mu      sync.Mutex
	events  []store.Event // all, by Seq-1
	state   *desk.State
	owners  map[string]string // who holds a conversation
	numbers map[string]string // of conversations
	authors map[string]string // of replies
	wishes  map[string][]wish // of numbers, on whether they may be texted
	owed    map[string]bool   // texts whose STOP is to be confirmed
}

func newChronicle(log store.Log, p desk.Policy, wrong func(string, ...any)) *chronicle {
	return &chronicle{
		log: log, wrong: wrong, state: desk.NewState(p), owners: map[string]string{}, numbers: map[string]string{},
		authors: map[string]string{}, wishes: map[string][]wish{}, owed: map[string]bool{},
	}
}

// upTo returns all events, at least up to one that is in the log.
func (c *chronicle) upTo(seq uint64) []store.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	for uint64(len(c.events)) < seq && c.more() {
	}
	return c.events
}

// all returns every event that there is.
func (c *chronicle) all() []store.Event { return c.upTo(1 << 62) }

// view shows what the log amounts to, as far as it was read. What f takes out of it may be kept.
func (c *chronicle) view(f func(*desk.State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.state)
}

// numberOf is whose conversation it is.
func (c *chronicle) numberOf(conversation string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.numbers[conversation]
}

// more reads on, and tells whether there was anything. The caller holds mu.
func (c *chronicle) more() bool {
	events, _, err := c.log.Read(context.Background(), store.Position{Seq: uint64(len(c.events))}, 1024)
	if err != nil {
		c.wrong("the log cannot be read: %v", err)
		return false
	}
	fork := c.state.Fork()
	for _, e := range events {
		c.watch(e)
		fork.Apply(e)
	}
	c.state.Merge(fork)
	c.events = append(c.events, events...)
	return len(events) > 0
}

func (c *chronicle) watch(e store.Event) {
	id := e.Conversation
	owner := c.owners[id]
	switch e.Kind {
	case desk.Received:
		c.numbers[id] = e.Number
		switch desk.Read[desk.Text](e).Text {
		case "STOP":
			before := c.silent(e.Number)
			c.said(e, true)
			c.owed[e.ID] = !before && c.silent(e.Number)
		case "START":
			c.said(e, false)
		}
	case desk.Claimed:
		if owner != "" {
			c.wrong("event %d: %s took what %s held", e.Seq, e.Actor, owner)
		}
		c.owners[id] = e.Actor
	case desk.TakenOver:
		if owner == "" || owner != e.Head.Staff {
			c.wrong("event %d: %s took over from %s what %q held", e.Seq, e.Actor, e.Head.Staff, owner)
		}
		c.owners[id] = e.Actor
	case desk.Transferred:
		c.owners[id] = e.Head.Staff
	case desk.Released, desk.Closed:
		if owner != e.Actor {
			c.wrong("event %d: %s by %s of what %q held", e.Seq, e.Kind, e.Actor, owner)
		}
		c.owners[id] = ""
	case desk.ReplyQueued:
		if owner != e.Actor {
			c.wrong("event %d: a reply by %s in what %q held", e.Seq, e.Actor, owner)
		}
		c.authors[e.ID] = e.Actor
	case desk.SendStarted:
		c.started(e)
	}
}

// A wish is a STOP or a START. What the carrier brought came to it in the 15 s before; of what was fetched from its list
// the time is known within 5 s.
type wish struct {
	stop, brought bool
	seq           uint64
	from, to      time.Time
}

func (c *chronicle) said(e store.Event, stop bool) {
	w := wish{stop, e.Head.Late == 0, e.Seq, e.At.Add(-15 * time.Second), e.At}
	if !w.brought {
		at := e.At.Add(-e.Head.Late)
		w.from, w.to = at.Add(-5*time.Second), at.Add(5*time.Second)
	}
	c.wishes[e.Number] = append(c.wishes[e.Number], w)
}

// silent tells whether a number must not be texted: there is a STOP that no START has surely followed, by when they came
// to the carrier, or as it brought that START after it.
func (c *chronicle) silent(number string) bool {
	return slices.ContainsFunc(c.wishes[number], func(stop wish) bool {
		return stop.stop && !slices.ContainsFunc(c.wishes[number], func(w wish) bool {
			return !w.stop && (w.from.After(stop.to) || w.brought && w.seq > stop.seq)
		})
	})
}

// started judges a text that is about to be handed to the carrier. On a short code HELP is answered for everybody.
func (c *chronicle) started(e store.Event) {
	text, sort, automatic := strings.Cut(e.Head.Ref, "/")
	switch {
	case automatic && sort == desk.Confirmation:
		if !c.owed[text] {
			c.wrong("event %d: an opt-out is confirmed that was none, or was before", e.Seq)
		}
	case automatic:
	case c.silent(c.numbers[e.Conversation]):
		c.wrong("event %d: a reply goes to a number after its STOP", e.Seq)
	case c.owners[e.Conversation] != c.authors[e.Head.Ref]:
		c.wrong("event %d: a reply of %q goes out in what %q holds", e.Seq, c.authors[e.Head.Ref], c.owners[e.Conversation])
	}
}

// shown says how a console was shown an event that is in the log: "" for not as it is there, nor as any reader may get it.
func (c *chronicle) shown(e store.Event) string {
	if e.Seq == 0 {
		return ""
	}
	all := c.upTo(e.Seq)
	if uint64(len(all)) < e.Seq {
		return ""
	}
	t := all[e.Seq-1]
	t.Number, t.Command = "", store.Hash{}
	how := "whole"
	switch {
	case t.Conversation == "" && e.Actor == "":
		t, how = store.Event{Seq: t.Seq, ID: fmt.Sprintf("seq-%d", t.Seq), At: t.At, Kind: t.Kind, Withheld: true}, "happened"
	case e.Withheld && len(e.Body) == 0:
		t.Body, t.Withheld, how = nil, true, "outline"
	}
	if !e.At.Equal(t.At) || !bytes.Equal(e.Body, t.Body) || !slices.Equal(e.Head.Flags, t.Head.Flags) {
		return ""
	}
	e.At, e.Body, e.Head.Flags = t.At, t.Body, t.Head.Flags
	if !reflect.DeepEqual(e, t) {
		return ""
	}
	return how
}

// course is all that a queue row and a conversation's course say of it, whoever looks. Of what was closed before a
// console's snapshot it has nothing, or no more than what came after it.
func course(c *desk.Conversation, after uint64) string {
	if c == nil || c.Phase == desk.ClosedNow || c.Phase == "" {
		return "closed"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q claim %d, last %d, text %d at %d, %s, unanswered %d, opted out %t", c.Phase, c.Owner, c.Claim, c.Last,
		c.LastText, c.LastTextAt.UnixNano(), c.Severity, c.Unanswered.UnixNano(), c.OptedOut)
	for _, m := range c.Messages {
		if m.Seq > max(c.Settled, after) {
			fmt.Fprintf(&b, ", %d %s", m.Seq, m.Delivery)
		}
	}
	return b.String()
}

// same tells where the state of a console that began after an event is not what the log amounts to.
func (c *chronicle) same(who string, s *desk.State, after uint64) {
	c.view(func(truth *desk.State) {
		for want := range truth.Conversations() {
			got, want := course(s.Conversation(want.ID), after), course(want, after)
			if got != want {
				c.wrong("%s has a conversation as\n%s, and it is\n%s", who, got, want)
			}
		}
	})
}
