package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
)

// Limits of what is asked of the carrier where something is forgotten.
const (
	eraseTimeout = 30 * time.Second
	eraseFirst   = 2 * time.Second // before a text is asked for again, twice as long each time
	eraseMost    = time.Hour
	erasePace    = 5   // texts a second, so that replies never wait for it
	listMost     = 300 // texts in one list, which is one event
)

// askCarrier puts on disk which texts of a conversation the carrier is to delete. It is done before their keys go: their
// names at the carrier are nowhere else.
func (f *forgetter) askCarrier(ctx context.Context, c *desk.Conversation) error {
	events, err := f.desk.log.Conversation(ctx, c.ID)
	if err != nil {
		return err
	}
	texts := atCarrier(events)
	for part := 0; len(texts) > 0; part++ {
		n := min(len(texts), listMost)
		raw, err := json.Marshal(desk.Redacting{Texts: texts[:n]})
		if err != nil {
			return err
		}
		list := desk.RedactionID(c.ID, fmt.Sprintf("%d-%d", c.Last, part))
		if _, err := f.desk.Patiently(ctx, desk.Command{ID: list + "/asked", Kind: desk.CarrierAsked, Conversation: list, Actor: store.Clock, Body: raw}); err != nil {
			return err
		}
		texts = texts[n:]
	}
	return nil
}

// atCarrier lists the texts of a conversation that the carrier has a name for, as far as that can still be read.
func atCarrier(events []store.Event) (texts []desk.CarrierText) {
	known := map[string]bool{}
	add := func(t desk.CarrierText) {
		if t.SID != "" && !known[t.SID] {
			known[t.SID] = true
			texts = append(texts, t)
		}
	}
	for _, e := range events {
		switch e.Kind {
		case desk.Received:
			if len(e.Body) == 0 {
				continue // asked for when its words were forgotten
			}
			t := desk.CarrierText{SID: e.ID}
			for _, m := range desk.Read[desk.Text](e).Media {
				t.Media = append(t.Media, m.URL)
			}
			add(t)
		case desk.SendAccepted, desk.Delivery:
			add(desk.CarrierText{SID: desk.Read[desk.Send](e).SID})
		}
	}
	return texts
}

// A redactor has the carrier delete what is forgotten here, for as long as it takes.
type redactor struct {
	desk    *Desk
	carrier gateway.Eraser // nil for one that keeps nothing
	pace    *rate.Limiter
	log     *slog.Logger
	seen    uint64
	again   map[string]attempt // by the carrier's ID
}

// An attempt is one that was in vain.
type attempt struct {
	next time.Time
	wait time.Duration
}

func newRedactor(d *Desk, c Config) *redactor {
	eraser, _ := c.Gateway.(gateway.Eraser)
	return &redactor{desk: d, carrier: eraser, pace: rate.NewLimiter(erasePace, 1), log: c.Logger, again: map[string]attempt{}}
}

// Run asks until ctx ends.
func (r *redactor) Run(ctx context.Context) error {
	if r.carrier == nil {
		return nil
	}
	for ctx.Err() == nil {
		wait, err := r.round(ctx)
		if err == nil {
			timer := time.NewTimer(wait)
			err = r.news(ctx, timer.C)
			timer.Stop()
		}
		if stopped(ctx, err) == nil && err != nil {
			return nil
		}
		if err != nil {
			r.log.Error("the carrier's answers could not be written down; it is asked again", "in", mendMost, "error", err)
			if !pause(ctx, mendMost, nil) {
				return nil
			}
		}
	}
	return nil
}

// news waits for a new list, or for the time of the next attempt.
func (r *redactor) news(ctx context.Context, due <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-due:
			return nil
		case <-r.desk.Changed(r.seen):
		}
		events, _, err := r.desk.Read(ctx, store.Position{Seq: r.seen}, feedMost)
		if err != nil {
			return fmt.Errorf("what the carrier is to delete: %w", err)
		}
		for _, e := range events {
			r.seen = e.Seq
			if e.Kind == desk.CarrierAsked {
				return nil
			}
		}
	}
}

// round asks for everything whose time it is, and says when the next is due.
func (r *redactor) round(ctx context.Context) (wait time.Duration, err error) {
	var lists []*desk.Redaction
	r.desk.View(func(s *desk.State) {
		if r.seen == 0 {
			r.seen = s.Last()
		}
		for list := range s.Redactions() {
			if list.Ended.IsZero() {
				lists = append(lists, list)
			}
		}
	})
	wait = eraseMost
	for _, list := range lists {
		left := 0
		for _, t := range list.Due {
			if d := time.Until(r.again[t.SID].next); d > 0 {
				wait = min(wait, d)
				left++
				continue
			}
			done, err := r.erase(ctx, list.ID, t)
			if err != nil {
				return 0, err
			}
			if !done {
				wait = min(wait, r.again[t.SID].wait)
				left++
			}
		}
		if left == 0 {
			end := desk.Command{ID: list.ID + "/ended", Kind: desk.CarrierForgot, Conversation: list.ID, Actor: store.Clock}
			if err := r.do(ctx, end); err != nil {
				return 0, err
			}
		}
	}
	return wait, nil
}

// erase asks for one text, and puts on disk what the carrier says.
func (r *redactor) erase(ctx context.Context, list string, t desk.CarrierText) (done bool, err error) {
	if err := r.pace.Wait(ctx); err != nil {
		return false, err
	}
	asked, cancel := context.WithTimeout(ctx, eraseTimeout)
	err = r.carrier.Erase(asked, t.SID, t.Media)
	cancel()
	c := desk.Command{ID: list + "/" + t.SID, Kind: desk.Redacted, Conversation: list, Ref: t.SID, Actor: store.Carrier}
	var refused *gateway.Refused
	var later *gateway.Later
	switch {
	case err == nil:
	case errors.As(err, &refused):
		r.log.Warn("the carrier will not delete a text that is forgotten here", "code", refused.Code)
		c.Kind, c.Head.Code = desk.RedactRefused, refused.Code
	default:
		wait := min(max(2*r.again[t.SID].wait, eraseFirst), eraseMost)
		if errors.As(err, &later) {
			wait = max(wait, min(later.After, eraseMost))
		}
		r.again[t.SID] = attempt{next: time.Now().Add(wait), wait: wait}
		r.log.Info("the carrier did not delete a text that is forgotten here; it is asked again", "in", wait)
		return false, nil
	}
	delete(r.again, t.SID)
	return true, r.do(ctx, c)
}

// do asks the desk; what it refuses has been done.
func (r *redactor) do(ctx context.Context, c desk.Command) error {
	_, err := r.desk.Patiently(ctx, c)
	if errors.Is(err, &desk.Refusal{Code: desk.CodeBad}) {
		return nil
	}
	return err
}
