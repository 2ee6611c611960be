package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"befree.example/store/desk"
)

// A roll has the log say who is on the staff: what differs from what it says is entered, whoever changed the staff, and
// though no relay ran then.
type roll struct {
	desk *Desk
	log  *slog.Logger
	news chan Staff // the newest, until it is looked at
}

func newRoll(d *Desk, c Config) *roll {
	return &roll{desk: d, log: c.Logger, news: make(chan Staff, 1)}
}

// enter has the log say so of the staff, soon. One goroutine at a time may call it.
func (r *roll) enter(s Staff) {
	select {
	case <-r.news: // of which there is newer
	default:
	}
	r.news <- s
}

// Run enters what it is told of until ctx ends. What could not be entered is tried again, unless there is newer.
func (r *roll) Run(ctx context.Context) error {
	var s Staff
	var again <-chan time.Time
	for {
		select {
		case s = <-r.news:
		case <-again:
		case <-ctx.Done():
			return nil
		}
		again = nil
		if err := stopped(ctx, r.compare(ctx, s.standings())); err != nil {
			r.log.Error("what has changed of the staff could not be entered in the log; it is tried again", "in", mendMost, "error", err)
			again = time.After(mendMost)
		}
	}
}

// compare enters what differs. While the log cannot be written to it waits. What is refused is so for good: it keeps
// nothing else out.
func (r *roll) compare(ctx context.Context, now []desk.Standing) error {
	var changes []desk.Command
	var last uint64
	r.desk.View(func(s *desk.State) { changes, last = s.StaffChanges(now), s.Last() })
	for i, c := range changes {
		c.ID = fmt.Sprintf("staff/%d/%d", last, i)
		_, err := r.desk.Patiently(ctx, c)
		if refused := (*desk.Refusal)(nil); errors.As(err, &refused) {
			r.log.Error("a change of the staff is not in the log", "what", c.Kind, "why", refused.Code)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
