package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"befree.example/store/desk"
)

// How a desk comes back after its log could not write.
const (
	mendFirst  = 500 * time.Millisecond // after the first failure
	mendMost   = 5 * time.Second        // between two attempts
	probeFresh = 2 * time.Second        // how old a proof that the log writes may be
)

// errUnavailable answers commands while the log cannot write; they were not decided. The carrier comes again.
var errUnavailable = errors.New("the log cannot be written to at the moment")

// errUnclear answers commands of a batch that could not be written: the same command again, by its ID, is answered as the
// first time once the log is read over.
var errUnclear = errors.New("nobody knows yet whether it was done")

// A mender is a log that can be opened again after it could not write. Nothing is appended meanwhile.
type mender interface {
	// Mend closes the log, opens it again and reads all of it over. Nil says that it can be read and, as far as that is
	// known, written to.
	Mend(ctx context.Context) error
	// Probe writes something that is no event, and returns once it is on stable storage.
	Probe() error
}

// probe shows that the log writes, unless that was shown a moment ago. It is the desk goroutine's alone.
func (d *Desk) probe() error {
	m, can := d.log.(mender)
	if !can || time.Since(d.wrote) < probeFresh {
		return nil
	}
	if err := m.Probe(); err != nil {
		return fmt.Errorf("probe of the log: %w", err)
	}
	d.wrote = time.Now()
	return nil
}

// Probe returns nil if the log has written something, to stable storage, at most two seconds ago.
func (d *Desk) Probe(ctx context.Context) error {
	_, err := d.ask(ctx, request{probe: true, answer: make(chan answer, 1)})
	return err
}

// mend brings the desk back after a failure to write: nothing is tried again, but the log is opened anew, read over and
// folded, and whoever asks meanwhile is told to come again. It returns an error where there is no way back, nil once
// there is or ctx has ended.
func (d *Desk) mend(ctx context.Context, cause error) error {
	m, can := d.log.(mender)
	if !can {
		return cause
	}
	d.trouble(cause)
	d.logger.Error("the log cannot be written to; nothing that was acknowledged is lost, and what comes is refused until it can", "error", cause)
	for wait := mendFirst; ; wait = min(2*wait, mendMost) {
		if !d.turnAway(ctx, wait) {
			return nil
		}
		err := m.Mend(ctx)
		if err == nil {
			err = m.Probe()
		}
		if err == nil {
			err = d.refold(ctx)
			if errors.Is(err, errShorter) {
				return err
			}
		}
		if err == nil {
			d.wrote = time.Now()
			d.trouble(nil)
			d.logger.Info("the log can be written to again")
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
		d.logger.Error("the log still cannot be written to", "error", err)
	}
}

// turnAway answers all that is asked until the time is over. It tells whether the desk goes on.
func (d *Desk) turnAway(ctx context.Context, wait time.Duration) bool {
	for over := time.After(wait); ; {
		select {
		case r := <-d.queue:
			r.answer <- answer{err: errUnavailable}
		case <-over:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// errShorter is a log that came back without events which were acknowledged: it must not go on.
var errShorter = errors.New("the log has lost events that were acknowledged; restore it from a backup")

// refold makes the state anew from the log.
func (d *Desk) refold(ctx context.Context) error {
	d.mu.RLock()
	was := d.state
	d.mu.RUnlock()
	s, err := fold(ctx, d.log, d.keys, was.Policy, was.Staff)
	if err != nil {
		return err
	}
	if s.Epoch != was.Epoch || s.Last() < was.Last() {
		return errShorter
	}
	defer d.frames.drop(s.Last())
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Staff = d.state.Staff // it may have changed meanwhile
	d.state, d.recent = s, nil
	close(d.changed)
	d.changed = make(chan struct{})
	return nil
}

// trouble says that commands are turned away, and why, or no more.
func (d *Desk) trouble(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken == nil && why != nil {
		d.mended = make(chan struct{})
	} else if d.broken != nil && why == nil {
		close(d.mended)
	}
	d.broken = why
}

// Broken says why commands are turned away, and when that ends; nil if they are not.
func (d *Desk) Broken() (ended <-chan struct{}, why error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.mended, d.broken
}

// whole waits until a log that is broken is whole again; no says that nobody mends it, or that ctx has ended.
func (d *Desk) whole(ctx context.Context) bool {
	ended, why := d.Broken()
	if why == nil {
		return false
	}
	select {
	case <-ended:
		return true
	case <-d.done:
	case <-ctx.Done():
	}
	return false
}

// Patiently is Do for somebody who can wait until the log can be written to again. What that takes is part of the age of
// a command.
func (d *Desk) Patiently(ctx context.Context, c desk.Command) (uint64, error) {
	began, age := time.Now(), c.Age
	for {
		c.Age = age + elapsed(began, time.Now())
		seq, err := d.Do(ctx, c)
		if !errors.Is(err, errUnavailable) && !errors.Is(err, errUnclear) {
			return seq, err
		}
		ended, _ := d.Broken()
		if ended == nil {
			continue
		}
		select {
		case <-ended:
		case <-d.done:
			return 0, errStopping
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// elapsed is how long ago t was, by the monotonic clock or by the wall clock if that says more: the monotonic one stands
// still while a machine sleeps or is held.
func elapsed(t, wall time.Time) time.Duration { return max(time.Since(t), wall.Round(0).Sub(t)) }
