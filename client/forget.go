package client

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// confirmAgain is how long a console waits before it tries again to make a file without what has been forgotten.
const confirmAgain = time.Minute

// remembered is e without what has been forgotten of its conversation since: the relay may have sent it before it forgot,
// by another way than the event that says so.
func remembered(e store.Event, c *desk.Conversation) store.Event {
	if c == nil {
		return e
	}
	if len(e.Body) > 0 && c.Forgot(e.Seq, desk.ClassOf(e.Kind)) {
		e.Body, e.Withheld = nil, true
	}
	if e.Conversation != "" && c.Forgot(e.Seq, store.Facts) {
		e.Head = store.Head{}
	}
	return e
}

// forget drops from memory what has been forgotten of a conversation, and sees to it that the relay is told. The caller
// holds mu.
func (s *session) forget(conversation string) {
	c := s.state.Conversation(conversation)
	for _, of := range []string{conversation, ""} { // those of none may be about it
		maps.DeleteFunc(s.loose[of], func(_ uint64, e store.Event) bool {
			return desk.About(e) == conversation && len(remembered(e, c).Body) == 0
		})
	}
	s.toConfirm()
}

// toConfirm sees to it that the relay is told what has been forgotten here.
func (s *session) toConfirm() {
	select {
	case s.erased <- struct{}{}:
	default: // it looks for all there is
	}
}

// confirm tells the relay what has been forgotten here, once it is in no file any more: what this connection brings, and what
// an earlier one has. Where the disk has no room for a file without it, the console stays on the line and tries again. What
// was set aside ends here, too, when its time is over: by a clock that the relay has found to be right.
func (s *session) confirm(ctx context.Context) {
	for {
		var failed <-chan time.Time
		if err := s.confirmErased(); err != nil {
			s.Logger.Error("what has been forgotten is still in this console's file; is there room on the disk?", "error", err)
			failed = time.After(confirmAgain)
		}
		select {
		case <-s.erased:
		case <-s.asideEnds():
		case <-failed:
		case <-ctx.Done():
			return
		}
	}
}

// confirmErased asks first up to where: what is forgotten while the file is written anew may still be in it.
func (c *Client) confirmErased() error {
	upto, err := c.Cache.Erased()
	if err == nil {
		err = c.Cache.EndAside(time.Now())
	}
	if err == nil {
		err = c.Cache.Compact()
	}
	if err != nil || upto.Seq == 0 {
		return err
	}
	body, err := json.Marshal(desk.Erasure{Upto: upto.Seq, Epoch: upto.Epoch})
	if err != nil {
		return err
	}
	// It belongs to no conversation: one that is forgotten must not get a key again.
	if _, _, err := c.queue(desk.Command{Kind: desk.Erased, Body: body}, nil); err != nil {
		return err
	}
	return c.Cache.Confirmed(upto)
}

// asideEnds tells when the time is over of what is set aside; never where nothing is.
func (c *Client) asideEnds() <-chan time.Time {
	a, err := c.Cache.Aside()
	if err != nil || a.Until.IsZero() {
		return nil
	}
	return time.After(time.Until(a.Ends()))
}

// gone tells whether all of a conversation is forgotten.
func (c *Client) gone(conversation string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.state.Conversation(conversation)
	return known != nil && !known.Gone.IsZero()
}

// errForgotten answers whoever would write in a conversation that is forgotten: its words must not get a key again.
var errForgotten = &desk.Refusal{Code: desk.CodeForgotten, Text: "This conversation has been forgotten."}

// told puts into words that the cache writes nothing in a conversation that is forgotten. It knows that first.
func told(err error) error {
	if errors.Is(err, bolt.ErrForgotten) {
		return errForgotten
	}
	return err
}

// Draft keeps what is being written in a conversation; a *desk.Refusal says that this is forgotten. See [bolt.Cache.Draft].
func (c *Client) Draft(conversation, what, text string, at time.Time) error {
	if c.Aside {
		return errAside
	}
	return told(c.Cache.Draft(conversation, what, text, at))
}
