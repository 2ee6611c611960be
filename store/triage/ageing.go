package triage

import (
	"cmp"
	"time"
)

// targets is how soon a text is to be answered. Imminent danger within a minute and everybody within five are the aims of
// the line (95 in 100 texters); who only asks about the number may wait a little longer.
var targets = map[Severity]time.Duration{
	Imminent:    1 * time.Minute,
	High:        2 * time.Minute,
	Standard:    5 * time.Minute,
	Information: 10 * time.Minute,
}

// start is the wait that everybody is credited with, so that severity decides among those who have just come: a high
// text starts as urgent as a standard one of a minute and a half, or an information of four.
const start = time.Minute

// longestWait is where waiting stops counting, so that no clock, however wrong, overflows a comparison.
const longestWait = 366 * 24 * time.Hour

// Target is how soon a text of severity s is to be answered.
func Target(s Severity) time.Duration { return targets[grades[s.Rank()].Severity] }

// Urgency grows with waiting, faster the more severe: it is (waited + 1 min) / Target. A fresh imminent text has 1, a
// fresh information 0.1. A negative wait counts as none.
func Urgency(s Severity, waited time.Duration) float64 {
	return float64(clamp(waited)+start) / float64(Target(s))
}

func clamp(waited time.Duration) time.Duration { return max(0, min(waited, longestWait)) }

// Compare orders two who wait: negative if a is to be answered before b, positive if after. Imminent goes before
// everything else, the longest wait first. The others go by [Urgency], so that whoever waits is in the end before
// everybody who comes later, save in imminent danger; equal ones by severity, then by waiting. It is 0 only for the same
// severity and the same wait.
func Compare(a Severity, waitedA time.Duration, b Severity, waitedB time.Duration) int {
	waitedA, waitedB = clamp(waitedA), clamp(waitedB)
	if (a.Rank() == 0) != (b.Rank() == 0) {
		return cmp.Compare(a.Rank(), b.Rank())
	}
	// Both urgencies times both targets, in whole minutes of target, so that equal ones are equal.
	urgencyA := (waitedA + start) * (Target(b) / time.Minute)
	urgencyB := (waitedB + start) * (Target(a) / time.Minute)
	return cmp.Or(cmp.Compare(urgencyB, urgencyA), cmp.Compare(a.Rank(), b.Rank()))
}
