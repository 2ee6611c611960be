package desk

import (
	"slices"
	"time"

	"befree.example/store"
	"befree.example/store/sms"
)

// Of what a texter says about being texted the newest counts, by when it came to the carrier, whenever it comes to us.
// Where that cannot be told of a STOP and a START, the STOP counts.

// Bringing is how long a carrier tries to bring a text.
const Bringing = 15 * time.Second

// listDoubt is by how much the time may be wrong at which a text that was fetched late came to the carrier: clocks that
// tell seconds, and how long a list takes to come.
const listDoubt = 5 * time.Second

// cameIn is when a text came to the carrier, at the earliest and at the latest, by the relay's clock.
func cameIn(e store.Event) (from, to time.Time) {
	switch {
	case slices.Contains(e.Head.Flags, FlagUndated):
		return time.Time{}, e.At
	case e.Head.Late > 0:
		at := e.At.Add(-e.Head.Late)
		return at.Add(-listDoubt), at.Add(listDoubt)
	}
	return e.At.Add(-Bringing), e.At
}

// passes tells whether a keyword that was fetched late is older than what l's owner said last. Those that the carrier
// brought itself are taken in the order in which they come.
func (m moment) passes(l line, keyword sms.Keyword) bool {
	if m.Head.Late <= 0 {
		return false
	}
	from, to := cameIn(store.Event{At: m.now, Head: m.Head})
	switch keyword {
	case sms.OptIn:
		return l.optedOut && !from.After(l.stop)
	case sms.OptOut: // a clock that was set back since tells nothing
		return !l.optedOut && to.Before(l.start) && !l.start.After(m.now)
	}
	return false
}

// spoken keeps what counts from now on.
func (l *line) spoken(out bool, at time.Time) {
	l.optedOut = out
	since := &l.start
	if out {
		since = &l.stop
	}
	if at.After(*since) {
		*since = at
	}
}
