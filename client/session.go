package client

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// read takes what the relay sends until the connection ends. What is in the outbox goes out from beside it, once the
// console is in step.
func (s *session) read(ctx context.Context) error {
	flushed := make(chan error, 1)
	inStep := make(chan struct{})
	go func() { flushed <- s.empty(ctx, inStep) }()
	var err error
	for err == nil {
		if !s.ready && s.isInStep() {
			s.ready = true
			close(inStep)
			err = s.lacking(ctx)
		}
		var f wire.Frame
		if err == nil {
			f, err = s.receive()
		}
		if err == nil {
			err = s.take(ctx, f)
		}
	}
	_ = s.ws.Close()
	s.cancel()
	return errors.Join(err, <-flushed)
}

func (s *session) isInStep() bool {
	at := s.Cache.Position()
	return at.Seq >= s.goal && (at.Seq > 0 || s.goal == 0)
}

func (s *session) take(ctx context.Context, f wire.Frame) error {
	switch {
	case f.Events != nil:
		return s.events(ctx, *f.Events)
	case f.Part != nil:
		return s.whole(*f.Part)
	case f.Snapshot != nil:
		return s.snapshot(f.Snapshot.Position)
	case f.Bodies != nil:
		s.bodies(f.Bodies.Events)
	case f.Ack != nil:
		return s.settle(f.Ack.ID, f.Ack.Seq)
	case f.Refused != nil:
		return s.refused(*f.Refused)
	case f.Number != nil:
		s.number(*f.Number)
	case f.Piece != nil:
		return s.piece(*f.Piece)
	case f.Checkpoint != nil:
		return s.judge(*f.Checkpoint)
	case f.Prove != nil:
		auth := s.Identity.Prove(f.Prove.Nonce, s.channel)
		return s.ask(ctx, wire.Frame{Auth: &auth})
	case f.Drain != nil:
		s.update(func() { s.status.Draining = true })
	}
	return nil
}

// events puts what follows into the cache, moves the position past it in the same transaction, and only then shows it.
func (s *session) events(ctx context.Context, in wire.Events) error {
	at := s.Cache.Position()
	es := slices.DeleteFunc(in.Events, func(e store.Event) bool { return e.Seq <= at.Seq })
	ahead, err := s.before(es)
	if err != nil {
		return err
	}
	var gained []string
	keep := make([]store.Event, len(es))
	for i, e := range es {
		ahead.Apply(e)
		keep[i] = s.toKeep(e, ahead.Conversation(e.Conversation))
		if s.gains(e) {
			gained = append(gained, e.Conversation)
		}
	}
	if err := s.witness(es); err != nil {
		return err
	}
	if err := s.Cache.Receive(keep...); err != nil {
		return err
	}
	s.update(func() {
		s.state.Merge(ahead)
		s.status.Head, s.status.At = max(in.Head, s.status.Head), s.Cache.Position().Seq
		for i, e := range es {
			if keep[i].Withheld && !e.Withheld {
				s.hold(e)
			}
			if len(desk.Forgets(e.Kind)) > 0 {
				s.forget(e.Conversation)
			}
			if e.Kind == desk.Closed {
				delete(s.loose, e.Conversation)
			}
		}
	})
	s.effects(es)
	for _, id := range gained {
		if err := s.ask(ctx, wire.Frame{Fetch: &wire.Fetch{Conversation: id}}); err != nil {
			return err
		}
	}
	return nil
}

// lacking asks for what the console's owner holds and has not all words of that there are: the connection on which they
// were on their way broke.
func (s *session) lacking(ctx context.Context) error {
	var held []*desk.Conversation
	s.View(func(state *desk.State) {
		for _, id := range state.Holds(s.Identity.Name) {
			if c := state.Conversation(id); c != nil {
				held = append(held, c)
			}
		}
	})
	for _, c := range held {
		es, err := s.Cache.Conversation(c.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(es, func(e store.Event) bool {
			return e.Withheld && len(e.Body) == 0 && e.Kind != desk.LeftOut && !c.Forgot(e.Seq, desk.ClassOf(e.Kind))
		}) {
			if err := s.ask(ctx, wire.Frame{Fetch: &wire.Fetch{Conversation: c.ID}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// gains tells whether by this event the console's owner came to hold a conversation.
func (s *session) gains(e store.Event) bool {
	switch e.Kind {
	case desk.Claimed, desk.TakenOver:
		return e.Actor == s.Identity.Name
	case desk.Transferred:
		return e.Head.Staff == s.Identity.Name
	}
	return false
}

// toKeep is e as it may lie on this disk: with its words only where the console's owner holds or held the conversation.
// What is left out when others are forgotten has none, and the receipts rest on it.
func (s *session) toKeep(e store.Event, c *desk.Conversation) store.Event {
	e = remembered(e, c)
	if len(e.Body) == 0 || e.Kind == desk.LeftOut || c != nil && slices.Contains(c.Held, s.Identity.Name) || e.Actor == s.Identity.Name {
		return e
	}
	e.Body, e.Withheld = nil, true
	return e
}

// hold keeps an event's words in memory alone.
func (s *session) hold(e store.Event) {
	if e = remembered(e, s.state.Conversation(desk.About(e))); len(e.Body) == 0 {
		return
	}
	if s.loose[e.Conversation] == nil {
		s.loose[e.Conversation] = map[uint64]store.Event{}
	}
	s.loose[e.Conversation][e.Seq] = e
}

// effects answers whoever waits for a command that the log shows to be done, its ack being lost.
func (s *session) effects(es []store.Event) {
	for _, e := range es {
		s.mu.Lock()
		_, waited := s.waiting[e.ID]
		s.mu.Unlock()
		if waited {
			s.answer(e.ID, answered{Outcome: Outcome{Seq: e.Seq}})
		}
	}
}

// whole puts a conversation that comes in parts in the place of what is known of it.
func (s *session) whole(p wire.Part) error {
	if p.First {
		s.part = nil
	}
	s.part = append(s.part, p.Events...)
	if p.More {
		return nil
	}
	defer s.arrived(p.Conversation)
	if len(s.part) == 0 {
		return nil
	}
	at, es := s.Cache.Position(), s.part
	s.part = nil
	if at.Seq > 0 { // what is newer follows in its turn
		es = slices.DeleteFunc(es, func(e store.Event) bool { return e.Seq > at.Seq })
	}
	if s.gone(p.Conversation) {
		return nil
	}
	s.mu.Lock()
	known := s.state.Conversation(p.Conversation)
	s.mu.Unlock()
	for i, e := range es {
		es[i] = remembered(e, known)
	}
	c := desk.Fold(es)
	keep := make([]store.Event, len(es))
	for i, e := range es {
		keep[i] = s.toKeep(e, c)
	}
	if err := s.Cache.Fill(keep...); err != nil {
		return err
	}
	here, err := s.Cache.Conversation(p.Conversation)
	if err != nil {
		return err
	}
	s.update(func() {
		for i, e := range es {
			if keep[i].Withheld && !e.Withheld {
				s.hold(e)
			}
		}
		if c := desk.Fold(s.withLoose(p.Conversation, here)); c != nil {
			s.state.Replace(c)
			delete(s.short, c.ID)
		}
	})
	return nil
}

func (s *session) snapshot(p store.Position) error {
	if err := s.Cache.Follow(p); err != nil {
		return err
	}
	s.update(func() { s.status.At, s.status.Head = p.Seq, max(p.Seq, s.status.Head) })
	s.toConfirm()
	return nil
}

func (s *session) bodies(es []store.Event) {
	s.update(func() {
		for _, e := range es {
			if e = remembered(e, s.state.Conversation(e.Conversation)); len(e.Body) > 0 {
				s.hold(e)
				s.state.Reveal(e)
			}
		}
	})
}

// refused ends one command, or the connection.
func (s *session) refused(r wire.Refused) error {
	if r.ID == "" {
		return s.refusal(r)
	}
	outbox, err := s.Cache.Outbox()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(outbox, func(e bolt.Entry) bool { return e.ID == r.ID })
	if i < 0 {
		return nil
	}
	return s.turnDown(outbox[i], &desk.Refusal{Code: r.Code, Text: r.Text})
}

// empty hands over what is in the outbox, now and whenever there is more.
func (s *session) empty(ctx context.Context, inStep <-chan struct{}) error {
	select {
	case <-inStep:
	case <-ctx.Done():
		return nil
	}
	for {
		if err := s.flush(ctx); err != nil {
			_ = s.ws.Close()
			return err
		}
		select {
		case <-s.wake:
		case f := <-s.asks:
			if err := s.ask(ctx, f); err != nil {
				return nil //nolint:nilerr // the connection is over
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// flush hands over what has not been on this connection, oldest first.
func (s *session) flush(ctx context.Context) error {
	s.queuing.Lock()
	outbox, err := s.Cache.Outbox()
	s.queuing.Unlock()
	if err != nil {
		return err
	}
	for _, e := range outbox {
		if e.Refused != "" || s.sent[e.ID] {
			continue
		}
		s.sent[e.ID] = true
		if err := s.hand(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// MayBeSent is why a reply is a draft again that the relay may have had, and sent, before it was restored: its log does not
// tell.
const MayBeSent = "It may have gone out: the relay was restored since and does not know. It is a draft again; sent once more, it may arrive twice."

// hand gives one command to the relay, unless it is one that must not come late.
func (s *session) hand(ctx context.Context, e bolt.Entry) error {
	var command desk.Command
	if err := json.Unmarshal(e.Command, &command); err != nil {
		return s.turnDown(e, &desk.Refusal{Code: desk.CodeBad, Text: "It cannot be read any more."})
	}
	s.mu.Lock()
	pressed, ours := s.pressed[e.ID]
	certain := s.certain[e.ID]
	age := max(time.Since(pressed), s.wall().Sub(e.At)) // the monotonic clock stands still while a machine sleeps
	late := !Durable(e.Kind) && (!ours || age > staleAfter)
	_, queued := s.waiting[e.ID] // by this process: else nobody knows whether it was handed over
	lost := !ours && s.status.Renewed && (s.handed[e.ID] || !queued)
	if ours && !late {
		s.handed[e.ID] = true // from here on nobody can say that nothing was done
	}
	s.mu.Unlock()
	if late && lost {
		return s.turnDown(e, &desk.Refusal{Code: desk.CodeTooOld, Text: MayBeSent})
	}
	if late {
		return s.turnDown(e, &desk.Refusal{
			Code: desk.CodeTooOld,
			Text: "It was not sent before the connection was lost. It is a draft again: read it once more.",
		})
	}
	command.ID, command.Age = e.ID, age
	if !ours {
		command.Age = 0
	}
	if desk.Dangerous(e.Kind) {
		if certain == nil {
			return s.turnDown(e, needsPassphrase)
		}
		command.Proof = s.Identity.certain(certain, command, s.nonce, s.channel)
	}
	return s.ask(ctx, wire.Frame{Command: &command})
}
