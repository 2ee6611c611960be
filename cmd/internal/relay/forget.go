package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
)

// A Keeper keeps what a log is sealed under. A [Data] is one.
type Keeper interface {
	// Keep appends es and returns them as they are read from then on; none where that cannot be had.
	Keep(ctx context.Context, es ...store.Event) ([]store.Event, error)
	// ClearID is the keyed hash under which something from outside is known.
	ClearID(id string) string
	// Shred destroys the keys of some classes of a conversation.
	Shred(conversation string, classes ...store.Class) error
	// Compact takes what was destroyed out of the files, if there is anything.
	Compact() error
	// Remember notes, beside the log and its backups, that all of a conversation is forgotten; Remembered returns those.
	Remember(conversation string) error
	Remembered() (map[string]bool, error)
	// Tick notes when the clock last ran, and returns when it did before; the zero Time for never.
	Tick(now time.Time) (before time.Time, err error)
}

// Limits of the clock that forgets.
const (
	forgetEvery = time.Hour
	forgetMost  = 1000 // conversations in one round; the next ones wait for the next

	// A clock that has leapt may be wrong by a year, and a slip in a file may make everything due: what is destroyed so is
	// destroyed for ever. Then a person looks first.
	leapMost  = 48 * time.Hour
	shareMost = 20 // one in so many conversations
	fewMost   = 10 // conversations, however few there are

	allowedFor = 24 * time.Hour // that a person's yes to it holds
)

// A forgetter is the clock that forgets: what two people agreed on, and what has been kept for its time.
type forgetter struct {
	desk  *Desk
	keys  Keeper
	asks  bool // the carrier can be asked to delete
	log   *slog.Logger
	now   func() time.Time
	every time.Duration
	seen  uint64
	leapt bool // the clock has, and nobody was asked yet
}

func newForgetter(d *Desk, c Config) *forgetter {
	_, asks := c.Gateway.(gateway.Eraser)
	return &forgetter{desk: d, keys: d.keys, asks: asks, log: c.Logger, now: time.Now, every: forgetEvery, seen: d.Head().Seq}
}

// Run forgets until ctx ends.
func (f *forgetter) Run(ctx context.Context) error {
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for timed := true; ; {
		err := f.round(ctx, timed)
		if err == nil {
			timed, err = f.wait(ctx, tick.C)
		}
		if stopped(ctx, err) == nil && (err != nil || ctx.Err() != nil) {
			return nil
		}
		if err != nil { // as while the log is opened again: nothing was left half done
			f.log.Error("what is due could not be forgotten; it is tried again", "in", mendMost, "error", err)
			if !pause(ctx, mendMost, nil) {
				return nil
			}
			timed = true
		}
	}
}

// wait waits for the next hour, or for what a person wants done at once.
func (f *forgetter) wait(ctx context.Context, tick <-chan time.Time) (timed bool, err error) {
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick:
			return true, nil
		case <-f.desk.Changed(f.seen):
		}
		events, _, err := f.desk.Read(ctx, store.Position{Seq: f.seen}, feedMost)
		if err != nil {
			return false, fmt.Errorf("the clock reads the log: %w", err)
		}
		agreed, allowed := false, false
		for _, e := range events {
			f.seen = e.Seq
			agreed = agreed || e.Kind == desk.ForgetApproved
			allowed = allowed || e.Kind == desk.RetentionAllowed
		}
		if agreed || allowed {
			return allowed, nil
		}
	}
}

// A job is one thing to forget, or to leave out of that; ref is where two people agreed on it.
type job struct {
	conversation, ref string
	kind              store.Kind
}

// round forgets what is due now: what was agreed on, and if timed also what has been kept for its time.
func (f *forgetter) round(ctx context.Context, timed bool) error {
	jobs := f.agreed()
	if timed {
		due, err := f.due(ctx)
		if err != nil {
			return err
		}
		jobs = append(jobs, due...)
	}
	for _, j := range jobs {
		err := f.forget(ctx, j)
		var refused *desk.Refusal
		if errors.As(err, &refused) { // something came in meanwhile; it is looked at again in the next round
			f.log.Info("not forgotten now", "conversation", j.conversation, "why", refused.Code)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if err := f.keys.Compact(); err != nil {
		f.log.Error("keys are destroyed, but their bytes could not be taken out of the file yet", "error", err)
	}
	return nil
}

// agreed lists what is to be done because two people agreed on it.
func (f *forgetter) agreed() (jobs []job) {
	f.desk.View(func(s *desk.State) {
		for c := range s.Conversations() {
			for _, step := range s.Agreed(c) {
				jobs = append(jobs, job{step.Conversation, c.ID, step.Kind})
			}
		}
	})
	return jobs
}

// due lists what has been kept for its time, unless a person must look first.
func (f *forgetter) due(ctx context.Context) (jobs []job, err error) {
	now := f.now()
	before, err := f.keys.Tick(now)
	if err != nil {
		return nil, err
	}
	conversations, most := 0, 0
	var wait desk.Wait
	f.desk.View(func(s *desk.State) {
		wait = s.Retention()
		for c := range s.Conversations() {
			if c.Gone.IsZero() {
				most++
			}
			kinds := s.Due(c, now)
			for _, kind := range kinds {
				jobs = append(jobs, job{conversation: c.ID, kind: kind})
			}
			if len(kinds) > 0 {
				conversations++
			}
		}
	})
	f.leapt = f.leapt || !before.IsZero() && (now.Sub(before) > leapMost || before.Sub(now) > leapMost)
	leap := f.leapt
	asked := wait.Seq > 0 && !wait.Allowed
	allowed := wait.Allowed && conversations <= wait.Conversations && now.Sub(wait.AllowedAt) < allowedFor
	if conversations == 0 || allowed || !leap && !asked && conversations <= max(fewMost, most/shareMost) {
		f.leapt = false
		return jobs[:min(len(jobs), forgetMost)], nil
	}
	err = f.ask(ctx, desk.Wait{Conversations: conversations, Leap: leap}, wait)
	f.leapt = f.leapt && err != nil
	return nil, err
}

// ask has a person look before so much is forgotten.
func (f *forgetter) ask(ctx context.Context, w, asked desk.Wait) error {
	f.log.Warn("nothing is forgotten by the clock before a supervisor agrees", "conversations", w.Conversations, "clock leapt", w.Leap)
	if asked.Seq > 0 && !asked.Allowed && asked.Conversations >= w.Conversations {
		return nil // it waits already
	}
	raw, err := json.Marshal(w)
	if err != nil {
		return err
	}
	_, err = f.desk.Patiently(ctx, desk.Command{
		ID: fmt.Sprintf("retention/%d", f.desk.Head().Seq), Kind: desk.RetentionWaits, Actor: store.Clock, Body: raw,
	})
	return err
}

// forget does one job: what must outlive the keys first.
func (f *forgetter) forget(ctx context.Context, j job) error {
	c := f.desk.Conversation(j.conversation)
	if c == nil {
		return nil
	}
	classes := desk.Forgets(j.kind)
	if f.asks && slices.Contains(classes, store.Text) {
		if err := f.askCarrier(ctx, c); err != nil {
			return err
		}
	}
	if slices.Contains(classes, store.Numbers) {
		keeps := false
		f.desk.View(func(s *desk.State) { keeps = s.KeepsOptOut(c) })
		if keeps {
			kept := desk.Command{ID: fmt.Sprintf("%s/kept/%d", c.ID, f.desk.Head().Seq), Kind: desk.OptOutKept, Ref: c.ID, Actor: store.Clock}
			if _, err := f.desk.Patiently(ctx, kept); err != nil {
				return err
			}
		}
	}
	_, err := f.desk.Patiently(ctx, desk.Command{
		ID: fmt.Sprintf("%s/%s/%d", c.ID, j.kind, c.Last), Kind: j.kind, Conversation: c.ID, Ref: j.ref, Seen: c.Last, Actor: store.Clock,
	})
	if err == nil && slices.Contains(classes, store.Facts) {
		err = f.keys.Remember(c.ID)
	}
	return err
}

// again forgets what a restored backup brought back, before anything can come in. Of what it has nothing it says so too:
// a console may have been away when it was forgotten.
func (f *forgetter) again(ctx context.Context) error {
	remembered, err := f.keys.Remembered()
	if err != nil {
		return err
	}
	var unnoted, back, unknown []string
	f.desk.View(func(s *desk.State) {
		for c := range s.Conversations() {
			switch known := remembered[c.ID]; {
			case !c.Gone.IsZero() && !known:
				unnoted = append(unnoted, c.ID)
			case c.Gone.IsZero() && known:
				back = append(back, c.ID)
			}
		}
		for id := range remembered {
			if id != "" && s.Conversation(id) == nil {
				unknown = append(unknown, id)
			}
		}
	})
	for _, id := range unnoted { // a crash came between
		if err := f.keys.Remember(id); err != nil {
			return err
		}
	}
	for _, id := range back {
		f.log.Warn("a conversation that was forgotten is here again, as after a backup was restored; it is forgotten once more", "conversation", id)
		if err := f.forget(ctx, job{conversation: id, kind: desk.ForgottenAgain}); err != nil {
			return err
		}
	}
	slices.Sort(unknown)
	for _, id := range unknown {
		_, err := f.desk.Patiently(ctx, desk.Command{ID: id + "/" + string(desk.ForgottenAgain), Kind: desk.ForgottenAgain, Conversation: id, Actor: store.Clock})
		if err != nil {
			return err
		}
	}
	return nil
}
