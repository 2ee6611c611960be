package client

import (
	"errors"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/tree"
)

// What an alarm says of the relay's log. None of them ends the connection: texters wait, and who sits there decides.
const (
	AlarmRewritten = "rewritten" // it does not hold what it held when its checkpoint was kept
	AlarmShorter   = "shorter"   // events that it held are gone: it was cut back, or restored from an older backup
	AlarmReplaced  = "replaced"  // it is another log, which does not go on from the one that was kept
	AlarmKey       = "key"       // its checkpoints are signed by another key, or it shows none any more
	AlarmShown     = "shown"     // an event that came here is not the one that the log has
)

// judge looks whether the relay's log goes on from all that this console has seen of it. The checkpoint that shows it
// takes the place of the one kept; one that does not raises an alarm, and the old one stays.
func (s *session) judge(in wire.Checkpoint) error {
	s.judging.Lock()
	defer s.judging.Unlock()
	k, err := s.Cache.Kept()
	if err != nil {
		return err
	}
	if k.Key == "" {
		k.Key = in.Key // trusted since it was first seen
	}
	now, err := tree.Open(in.Signed, in.Key)
	if err != nil || in.Key != k.Key || now.Epoch != s.Cache.Position().Epoch {
		return s.alarm(k, in, bolt.Alarm{What: AlarmKey})
	}
	held := s.held
	if s.accepted {
		held, s.accepted = tree.State{}, false
	} else if held.Epoch == "" { // not the first one on this connection, which goes on from that
		if held, err = signedBefore(k); err != nil {
			return err
		}
	}
	if held.Epoch != "" {
		if a := weigh(held, now, in); a.What != "" {
			return s.alarm(k, in, a)
		}
		if held.Epoch != now.Epoch && len(k.Signed) > 0 {
			k.Aside = append(k.Aside, k.Signed)
		}
	}
	s.held = tree.State{}
	if err := s.begin(in, now); err != nil {
		return err
	}
	if k.Alarm.What != "" {
		return nil // a person has to say that it is well
	}
	k.Signed, k.Seen = in.Signed, tree.State{}
	if err := s.Cache.Keep(k); err != nil {
		return err
	}
	s.signed = now.State
	s.update(func() {})
	return s.compare(now.State)
}

// signedBefore is the state at the checkpoint that is kept; none at first.
func signedBefore(k bolt.Kept) (tree.State, error) {
	if len(k.Signed) == 0 {
		return tree.State{}, nil
	}
	c, err := tree.Open(k.Signed, k.Key)
	return c.State, err
}

// holdAgainst sets what the relay's log is held against when a connection begins: the checkpoint that is kept, or what
// this console has itself received since, to the last event.
func (s *session) holdAgainst() error {
	k, err := s.Cache.Kept()
	if err != nil {
		return err
	}
	s.held, err = signedBefore(k)
	if err != nil || k.Alarm.What != "" {
		return err
	}
	s.signed = s.held
	at := s.Cache.Position()
	if k.Seen.Size > s.held.Size {
		s.held = k.Seen
	} else if e, known := s.Cache.Edge(); known && at.Seq > s.held.Size && at.Epoch != "" {
		s.held = tree.State{Epoch: at.Epoch, Size: at.Seq, Hash: e.Root()}
	}
	return nil
}

// remember keeps what a copy had that is begun anew.
func (s *session) remember() error {
	k, err := s.Cache.Kept()
	if err != nil || k.Alarm.What != "" || s.held.Epoch == "" {
		return err
	}
	k.Seen = s.held
	return s.Cache.Keep(k)
}

// weigh tells what is wrong with a log's checkpoint, given what the log was earlier.
func weigh(kept tree.State, now tree.Checkpoint, in wire.Checkpoint) (a bolt.Alarm) {
	a.Epoch, a.Size = kept.Epoch, kept.Size
	has, known := now.Has(kept.Epoch)
	switch {
	case !known:
		a.What = AlarmReplaced
	case has < kept.Size:
		a.What, a.Gone = AlarmShorter, kept.Size-has
	case in.From != kept.Size || tree.CheckExtension(in.Proof, kept, now.State) != nil:
		a.What = AlarmRewritten
	}
	return a
}

// begin takes the edge of the relay's tree where this console has none: what follows shows whether it was the right one.
func (s *session) begin(in wire.Checkpoint, now tree.Checkpoint) error {
	if _, known := s.Cache.Edge(); known || in.At != s.Cache.Position().Seq || in.At > now.Size {
		return nil
	}
	e, ok := tree.EdgeOf(in.At, in.Edge)
	if !ok {
		return nil
	}
	return s.Cache.Begin(e)
}

// compare holds the tree of the events that came here against what the relay signed, now or as soon as all of them have
// come.
func (s *session) compare(signed tree.State) error {
	at := s.Cache.Position()
	if at.Seq < signed.Size {
		s.expected = signed
		return nil
	}
	e, known := s.Cache.Edge()
	if !known || at.Seq > signed.Size || e.Root() == signed.Hash {
		return nil
	}
	return s.mismatch(signed)
}

func (s *session) mismatch(signed tree.State) error {
	k, err := s.Cache.Kept()
	if err != nil {
		return err
	}
	return s.alarm(k, wire.Checkpoint{}, bolt.Alarm{What: AlarmShown, Epoch: signed.Epoch, Size: signed.Size})
}

// witness looks whether events are those that the relay signed.
func (s *session) witness(es []store.Event) error {
	s.judging.Lock()
	defer s.judging.Unlock()
	if err := s.unsigned(es); err != nil {
		return err
	}
	e, known := s.Cache.Edge()
	for _, event := range es {
		known = known && !event.Leaf.IsZero()
		if isOther(event) {
			return s.mismatch(tree.State{Epoch: s.Cache.Position().Epoch, Size: event.Seq})
		}
		if known {
			e.Grow(event.Leaf)
		}
		if known && e.Size() == s.expected.Size && e.Root() != s.expected.Hash {
			return s.mismatch(s.expected)
		}
	}
	return nil
}

// unsigned raises an alarm where a relay that has shown checkpoints goes far on without any, or with none but old ones.
func (s *session) unsigned(es []store.Event) error {
	at := s.Cache.Position()
	if s.signed.Epoch == "" || len(es) == 0 {
		return nil
	}
	least := s.signed.Size
	if s.signed.Epoch != at.Epoch {
		least = 0
	}
	if es[len(es)-1].Seq <= least+2*wire.CheckpointEvery {
		return nil
	}
	s.signed = tree.State{}
	k, err := s.Cache.Kept()
	if err != nil {
		return err
	}
	return s.alarm(k, wire.Checkpoint{}, bolt.Alarm{What: AlarmKey})
}

// isOther tells whether an event cannot be the one that its leaf stands for. Of events whose ID came from outside, and
// of those that are not for this reader at all, that cannot be told here: their place in the tree can.
func isOther(e store.Event) bool {
	return !e.Leaf.IsZero() && e.Conversation != "" && store.IsDeviceID(e.ID) && tree.HashOf(e) != e.Leaf
}

// alarm keeps what is wrong and shows it. The first one stays: the others follow from it.
func (s *session) alarm(k bolt.Kept, in wire.Checkpoint, a bolt.Alarm) error {
	k.Other, k.Under = in.Signed, in.Key
	if k.Alarm.What == "" {
		k.Alarm = a
		s.Logger.Error("the relay's log is not the one that it was", "what", a.What, "events", a.Size, "gone", a.Gone)
	}
	if err := s.Cache.Keep(k); err != nil {
		return err
	}
	s.update(func() { s.status.Alarm = k.Alarm })
	return nil
}

// Accept ends an alarm: from now on the relay's log is held against what it is now. The checkpoint that was kept goes
// aside.
func (c *Client) Accept() error {
	c.judging.Lock()
	defer c.judging.Unlock()
	k, err := c.Cache.Kept()
	if err != nil || k.Alarm.What == "" {
		return err
	}
	if len(k.Signed) > 0 {
		k.Aside = append(k.Aside, k.Signed)
	}
	k.Alarm, k.Signed, k.Key = bolt.Alarm{}, k.Other, k.Under
	if _, err := tree.Open(k.Signed, k.Key); err != nil { // nothing to hold on to: the next one is the first
		k.Signed, k.Key = nil, ""
	}
	k.Other, k.Under, k.Seen = nil, "", tree.State{}
	if err := errors.Join(c.Cache.Keep(k), c.Cache.Begin(tree.Edge{})); err != nil {
		return err
	}
	c.accepted = true
	c.update(func() { c.status.Alarm = bolt.Alarm{} })
	return nil
}
