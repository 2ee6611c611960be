package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// Times of a sweep.
const (
	sweepEvery   = time.Minute
	sweepPause   = 5 * time.Second  // between two sweeps at least, and after one that failed
	webhookTime  = desk.Bringing    // in which a carrier itself brings a text, or never
	sweepOverlap = 10 * time.Minute // that are looked at again: a list may show a text late
	sweepNote    = time.Hour        // between two notes in the log of how far the sweeps got
	firstSweep   = time.Hour        // before the first start of a new relay, so that it does not take a number's past for its present
	longestGap   = 10 * time.Second // without a text that is never thought long
	wholeTries   = 3                // to get a text's pictures, before it is taken without
	pageTries    = 3                // to get a page
)

// A Sweep fetches what the carrier has and did not bring: a carrier tries for 15 s, and never again. It walks the
// carrier's list from the newest text back to where an earlier sweep had everything, and only then appends what is
// missing, the oldest first. It does so at the start, after any gap in what the carrier brings, and every minute.
//
// Where it got to is a note in the log, by the carrier's clock and at most once an hour: a relay that comes back after
// days, or after it ended in the middle of a sweep, walks back to that and loses nothing.
//
// A Sweep is the [gateway.Receiver] that stands before the Intake, so that it hears how often texts come.
type Sweep struct {
	*Intake
	memory  *memory
	carrier gateway.Gateway
	number  sms.Number
	asks    *rate.Limiter
	soon    chan struct{} // has one element if there is reason to look before the minute is over

	mark   time.Time      // by the carrier's clock: every text before it is in the log; zero: see firstSweep
	noted  time.Time      // ... as far as the log says
	now    time.Time      // when it was last asked, by the carrier's clock
	began  time.Time      // when it was first asked, by the carrier's clock: what came before was not for our webhooks
	trail  *trail         // of a walk that broke, or of which not all could be appended; nil for none
	again  time.Duration  // after which texts that the webhooks may still bring are to be looked at again
	tries  map[string]int // to get the pictures of a text, by SID
	failed int            // sweeps in a row

	started time.Time

	mu     sync.Mutex
	ended  time.Time // when the last whole one did
	rhythm rhythm
}

func newSweep(in *Intake, c Config, m *memory) *Sweep {
	s := &Sweep{
		Intake: in, memory: m, carrier: c.Gateway, number: c.Number, asks: rate.NewLimiter(rate.Every(time.Second), 5),
		soon: make(chan struct{}, 1), tries: map[string]int{}, started: time.Now(),
	}
	in.desk.View(func(state *desk.State) { s.noted, s.mark = state.Swept(), lastSeen(state) })
	return s
}

// lastSeen is up to when the log is sure to have everything: as a sweep noted; without one, the newest text; zero without
// any.
func lastSeen(s *desk.State) time.Time {
	if at := s.Swept(); !at.IsZero() {
		return at
	}
	var newest time.Time
	for c := range s.Conversations() {
		if c.LastTextAt.After(newest) {
			newest = c.LastTextAt
		}
	}
	return newest
}

// Ended is when the last sweep that saw everything ended; zero if there was none since the start.
func (s *Sweep) Ended() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Age is how long nobody has seen everything: since the last sweep that did, or since the start.
func (s *Sweep) Age() time.Duration {
	if ended := s.Ended(); !ended.IsZero() {
		return time.Since(ended)
	}
	return time.Since(s.started)
}

// Receive hands a text on. One that ends a gap, or cannot be taken, is a reason to look for others.
func (s *Sweep) Receive(ctx context.Context, m gateway.Inbound) error {
	err := errShort
	if !s.memory.short.Load() {
		err = s.Intake.Receive(ctx, m)
	}
	s.mu.Lock()
	gap := s.rhythm.heard(time.Now())
	s.mu.Unlock()
	if gap || err != nil {
		select {
		case s.soon <- struct{}{}:
		default:
		}
	}
	return err
}

// Run sweeps until ctx ends. What goes wrong at the carrier is tried again for ever; only the desk's end ends it.
func (s *Sweep) Run(ctx context.Context) error {
	for {
		err := s.sweep(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, errStopping):
			return nil
		case err != nil:
			s.failed++
			s.log.Warn("carrier's list could not be gone through", "error", err, "in a row", s.failed)
		default:
			s.failed = 0
		}
		if !s.wait(ctx, err) {
			return nil
		}
	}
}

// wait waits until the next sweep is due, and tells whether there is to be one.
func (s *Sweep) wait(ctx context.Context, err error) bool {
	least := sweepPause
	var later *gateway.Later
	if errors.As(err, &later) {
		least = max(least, later.After)
	}
	if !pause(ctx, least, nil) {
		return false
	}
	due := sweepEvery
	s.mu.Lock()
	if silent := s.rhythm.silent(time.Now()); silent > 0 {
		due = min(due, silent)
	}
	s.mu.Unlock()
	switch {
	case err != nil: // a text that cannot be taken is no reason to hurry now; that it can be again is one
		return pause(ctx, min(sweepPause<<min(s.failed, 4), sweepEvery)-least, s.mended(err))
	case s.again > 0:
		due = min(due, s.again)
	}
	return pause(ctx, due-least, s.soon)
}

// mended is closed when the log can be written to again; nil where nothing says that it cannot.
func (s *Sweep) mended(err error) <-chan struct{} {
	ended, why := s.desk.Broken()
	if why == nil && !errors.Is(err, errUnavailable) && !errors.Is(err, errUnclear) {
		return nil
	}
	return ended
}

// pause waits, less long where there is something on soon, and tells whether ctx has not ended.
func pause(ctx context.Context, d time.Duration, soon <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-soon:
	case <-timer.C:
	}
	return true
}

// A trail is what was seen of the list from a text back to another.
type trail struct {
	newest time.Time // text there
	next   string    // the page to go on with
	whole  bool      // there is nothing to go on with
	found  []found   // the newest first
	young  bool      // there are some that the webhooks may still bring
}

// found is a text that the log does not have.
type found struct {
	gateway.Listed

	at    time.Time // when it was at the carrier, by our clock; zero: nobody knows
	about bool      // that is not known well enough to say what it came before
}

// head is what is known of it beside what it says.
func (f found) head() store.Head {
	if f.at.IsZero() {
		return store.Head{Late: time.Second, Flags: []string{desk.FlagUndated}}
	}
	h := store.Head{Late: max(time.Since(f.at), time.Second)}
	if f.about {
		h.Flags = []string{desk.FlagUndated}
	}
	return h
}

// sweep walks and appends. Where the walk fails once more, what it saw is appended all the same: order is worth a few
// seconds, not a text. The next one goes on from there.
func (s *Sweep) sweep(ctx context.Context) error {
	missing, err := s.walk(ctx)
	if ctx.Err() != nil { // the next start finds it all, and in order
		return ctx.Err()
	}
	if err != nil && s.failed == 0 { // what stands behind the page that cannot be had is older: a few seconds for order
		return err
	}
	n, failed := s.take(ctx, missing)
	if n > 0 {
		s.log.Warn("texts were fetched that the carrier had not brought", "texts", n)
	}
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	t := s.trail
	s.trail = nil
	if t.newest.After(s.mark) {
		s.mark = t.newest
	}
	if s.mark.After(s.now) {
		s.mark = s.now
	}
	s.again = 0
	if t.young { // they are well within what is looked at again
		s.again = webhookTime
	}
	s.mu.Lock()
	s.ended = time.Now()
	s.mu.Unlock()
	return s.note(ctx, n)
}

// walk goes back to what an earlier sweep had whole, and returns what is missing. Where a walk broke, the next one goes
// back from the newest text to where that one began, and then on from where it broke: a carrier that gives a few pages at
// a time gives them all.
func (s *Sweep) walk(ctx context.Context) ([]found, error) {
	newer, since := &trail{}, s.since()
	if s.trail != nil {
		if from := s.trail.newest.Add(-sweepOverlap); from.After(since) {
			since = from
		}
	}
	err := s.down(ctx, newer, since)
	if s.trail == nil {
		if newer.whole || newer.next != "" {
			s.trail = newer
		}
		return newer.found, err
	}
	older := s.trail
	missing := slices.Concat(newer.found, older.found)
	if err != nil {
		return missing, err
	}
	t := &trail{newest: older.newest, next: older.next, whole: older.whole, found: missing, young: newer.young}
	if newer.newest.After(t.newest) {
		t.newest = newer.newest
	}
	s.trail = t
	err = s.down(ctx, t, s.since())
	s.trail = t
	var later *gateway.Later
	if err != nil && t.next == older.next && !errors.As(err, &later) { // the page may be gone for ever
		s.trail = nil
	}
	return t.found, err
}

// down goes on with t page by page, to one that is known whole and older than since.
func (s *Sweep) down(ctx context.Context, t *trail, since time.Time) error {
	for !t.whole {
		page, err := s.page(ctx, gateway.Query{Inbound: true, Ours: s.number, Since: since, Next: t.next})
		if err != nil {
			return err
		}
		if s.mark.IsZero() || s.since().After(page.Now) { // it is of no clock of the carrier's
			s.mark, s.noted, s.trail = page.Now.Add(-firstSweep), time.Time{}, nil
			since = s.since()
			*t = trail{}
			continue
		}
		known, err := s.look(ctx, t, page)
		if err != nil {
			return err
		}
		oldest := page.Oldest()
		t.next = page.Next
		t.whole = page.Next == "" || known && !oldest.IsZero() && oldest.Before(since)
	}
	return nil
}

// since is how far back a walk goes.
func (s *Sweep) since() time.Time {
	if s.mark.IsZero() {
		return time.Now()
	}
	return s.mark.Add(-sweepOverlap)
}

// look adds to t what the log does not have, and tells whether nothing on the page was new.
func (s *Sweep) look(ctx context.Context, t *trail, page gateway.Page) (known bool, err error) {
	known = true
	for _, l := range page.Texts {
		if l.At.After(t.newest) {
			t.newest = l.At
		}
		there, err := s.has(ctx, l.SID)
		if err != nil {
			return false, err
		}
		if there {
			continue
		}
		known = false
		s.judge(t, l, page)
	}
	return known, nil
}

// judge decides about a text that the log does not have. One that is on its way here by itself is left to that, for as
// long as the carrier tries: fetching it would only say that it was late.
func (s *Sweep) judge(t *trail, l gateway.Listed, page gateway.Page) {
	switch {
	case l.At.IsZero():
		t.found = append(t.found, found{Listed: l})
	case !l.At.Before(s.began) && page.Now.Sub(l.At) < webhookTime:
		t.young = true
	default:
		t.found = append(t.found, found{l, time.Now().Add(l.At.Sub(page.Now)), page.Took > slowPage})
	}
}

// page asks more than once: what was found on the pages before it is newer than what stands on it.
func (s *Sweep) page(ctx context.Context, q gateway.Query) (page gateway.Page, err error) {
	for again := range pageTries {
		if page, err = listed(ctx, s.carrier, s.asks, q); err == nil {
			break
		}
		wait := time.Second << again
		var later *gateway.Later
		if errors.As(err, &later) {
			wait = max(wait, later.After)
		}
		if wait > sweepEvery || !pause(ctx, wait, nil) {
			break
		}
	}
	if err != nil {
		return page, err
	}
	s.now = page.Now
	if s.began.IsZero() {
		s.began = page.Now
	}
	return page, nil
}

// listTimeout is how long a page of the carrier's list may take. Of one that took longer than slowPage it is not known well
// when the carrier's clock was looked at: desk counts on 5 s in all, of which a second is lost to whole seconds.
const (
	listTimeout = 30 * time.Second
	slowPage    = 4 * time.Second
)

// listed asks for a page of the list when it is its turn.
func listed(ctx context.Context, carrier gateway.Gateway, turn *rate.Limiter, q gateway.Query) (gateway.Page, error) {
	if err := turn.Wait(ctx); err != nil {
		return gateway.Page{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	asked := time.Now()
	page, err := carrier.List(ctx, q)
	page.Took = time.Since(asked)
	return page, err
}

// take appends what is missing, the oldest first, and says how much there was of it. It stops at the first that cannot
// be had now, so that nothing passes it.
func (s *Sweep) take(ctx context.Context, missing []found) (n int, err error) {
	for _, f := range slices.Backward(missing) {
		there, err := s.has(ctx, f.SID)
		if err != nil {
			return n, err
		}
		if there { // by now
			continue
		}
		m, err := s.carrier.Whole(ctx, f.Listed)
		if err != nil {
			if s.tries[f.SID]++; s.tries[f.SID] < wholeTries {
				return n, err
			}
			m = gateway.Inbound{SID: f.SID, From: f.From, To: f.To, Body: f.Body}
			m.Params = map[string][]string{"befree": {"pictures and files could not be had from the carrier"}}
		}
		delete(s.tries, f.SID)
		err = s.receive(ctx, m, f.head())
		var refusal *desk.Refusal
		switch {
		case errors.As(err, &refusal): // it never will be taken, and must not keep others out
			s.log.Error("a text in the carrier's list is none", "error", err)
		case err != nil:
			return n, err
		default:
			n++
		}
	}
	return n, nil
}

// note keeps in the log how far the sweeps got.
func (s *Sweep) note(ctx context.Context, n int) error {
	if n == 0 && !s.noted.IsZero() && s.mark.Sub(s.noted) < sweepNote {
		return nil
	}
	raw, err := json.Marshal(desk.Sweep{Through: s.mark.UTC(), Found: n})
	if err != nil {
		return err
	}
	_, err = s.desk.Do(ctx, desk.Command{
		ID: fmt.Sprintf("swept/%d", s.mark.UnixNano()), Kind: desk.Swept, Actor: store.Carrier, Body: raw,
	})
	if err == nil {
		s.noted = s.mark
	}
	return err
}

// A rhythm is how often texts come.
type rhythm struct {
	last  time.Time
	usual time.Duration // between two of them, of late
}

// manyTimes the usual time between two texts is a gap.
const manyTimes = 8

// heard notes that a text came, and tells whether that ended a gap.
func (r *rhythm) heard(now time.Time) (gap bool) {
	before := r.last
	r.last = now
	if before.IsZero() {
		return false
	}
	d := now.Sub(before)
	gap = r.usual > 0 && d > r.most()
	r.usual += (d - r.usual) / manyTimes
	return gap
}

// most is the longest silence that is not a gap.
func (r *rhythm) most() time.Duration { return max(manyTimes*r.usual, longestGap) }

// silent is how long until the silence is a gap; no more than zero if it is one, or if nothing is usual.
func (r *rhythm) silent(now time.Time) time.Duration {
	if r.usual == 0 {
		return 0
	}
	return r.last.Add(r.most()).Sub(now)
}
