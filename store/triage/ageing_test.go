package triage

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var all = []Severity{Imminent, High, Standard, Information}

func TestSeverity(t *testing.T) {
	marks := map[string]bool{}
	for i, s := range all {
		if s.Rank() != i || s.Word() != string(s) {
			t.Errorf("%s has rank %d and word %s", s, s.Rank(), s.Word())
		}
		marks[s.Mark()] = true
		if i > 0 && Target(all[i-1]) >= Target(s) {
			t.Errorf("%s has the target %v, %s %v", all[i-1], Target(all[i-1]), s, Target(s))
		}
	}
	if len(marks) != 4 {
		t.Errorf("marks are alike: %v", marks)
	}
	for _, s := range []Severity{"", "unknown"} {
		if s.Rank() != Standard.Rank() || s.Word() != "standard" || Target(s) != Target(Standard) || Urgency(s, 0) != Urgency(Standard, 0) {
			t.Errorf("%q is not taken for standard", s)
		}
	}
}

func TestRaised(t *testing.T) {
	for s, want := range map[Severity]Severity{Information: High, Standard: High, High: Imminent, Imminent: Imminent, "": High} {
		if s.raised() != want {
			t.Errorf("%q is raised to %s, want %s", s, s.raised(), want)
		}
	}
}

func TestUrgency(t *testing.T) {
	for _, c := range []struct {
		s      Severity
		waited time.Duration
		want   float64
	}{
		{Imminent, 0, 1},
		{High, 0, 0.5},
		{Standard, 0, 0.2},
		{Information, 0, 0.1},
		{High, time.Minute, 1},
		{Standard, 4 * time.Minute, 1},
		{Information, 9 * time.Minute, 1},
		{High, -time.Hour, 0.5},
	} {
		if got := Urgency(c.s, c.waited); got != c.want {
			t.Errorf("%s after %v has %v, want %v", c.s, c.waited, got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, c := range []struct {
		a     Severity
		waitA time.Duration
		b     Severity
		waitB time.Duration
		want  int
	}{
		{Imminent, 0, High, 0, -1},
		{Imminent, 0, Information, 100 * h, -1},
		{Imminent, 2 * s, Imminent, s, -1},
		{High, 0, Standard, 89 * s, -1},
		{High, 0, Standard, 90 * s, -1}, // equally urgent
		{High, 0, Standard, 91 * s, 1},
		{High, 0, Information, 4*m + s, 1},
		{Standard, 0, Information, 59 * s, -1},
		{Standard, m, Standard, m, 0},
		{High, 1 << 62, Information, 1 << 62, -1},
		{High, -h, High, 0, 0},
	} {
		if got := Compare(c.a, c.waitA, c.b, c.waitB); got != c.want {
			t.Errorf("%s after %v, %s after %v: %d, want %d", c.a, c.waitA, c.b, c.waitB, got, c.want)
		}
		if got := Compare(c.b, c.waitB, c.a, c.waitA); got != -c.want {
			t.Errorf("%s after %v, %s after %v: %d, want %d", c.b, c.waitB, c.a, c.waitA, got, -c.want)
		}
	}
}

// A waiter is a row of a queue.
type waiter struct {
	severity Severity
	waited   time.Duration
	n        int
}

func compare(a, b waiter) int { return Compare(a.severity, a.waited, b.severity, b.waited) }

func waiters() *rapid.Generator[waiter] {
	return rapid.Custom(func(t *rapid.T) waiter {
		wait := rapid.OneOf(rapid.Int64Range(0, int64(time.Hour)), rapid.Int64(), rapid.Map(rapid.Int64Range(0, 600), func(s int64) int64 {
			return s * int64(time.Second)
		}))
		return waiter{severity: rapid.SampledFrom(all).Draw(t, "severity"), waited: time.Duration(wait.Draw(t, "waited"))}
	})
}

// Any two are in one order, whichever is asked first, and three agree; nobody but a twin is equal.
func TestOrderIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := waiters().Draw(t, "a"), waiters().Draw(t, "b"), waiters().Draw(t, "c")
		if compare(a, b) != -compare(b, a) || compare(a, a) != 0 {
			t.Fatalf("%v and %v: %d and %d", a, b, compare(a, b), compare(b, a))
		}
		if compare(a, b) <= 0 && compare(b, c) <= 0 && compare(a, c) > 0 {
			t.Fatalf("%v, %v, %v go round", a, b, c)
		}
		if compare(a, b) == 0 && (a.severity != b.severity || clamp(a.waited) != clamp(b.waited)) {
			t.Fatalf("%v equals %v", a, b)
		}
	})
}

// A queue sorted in any order comes out the same, those of equal urgency as they stood.
func TestOrderIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queue := rapid.SliceOfN(waiters(), 0, 30).Draw(t, "queue")
		for i := range queue {
			queue[i].n = i
		}
		slices.SortStableFunc(queue, compare)
		for i := 1; i < len(queue); i++ {
			if d := compare(queue[i-1], queue[i]); d > 0 || d == 0 && queue[i-1].n > queue[i].n {
				t.Fatalf("%v before %v", queue[i-1], queue[i])
			}
		}
	})
}

// Whoever waits is in the end before everybody who comes later, save in imminent danger, and stays so; imminent danger is
// never behind anything less, however long that has waited.
func TestNobodyStarves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, fresh := rapid.SampledFrom(all).Draw(t, "waiting"), rapid.SampledFrom(all[1:]).Draw(t, "fresh")
		patience := start*(Target(s)/time.Minute)/(Target(High)/time.Minute) - start // until as urgent as a fresh high one
		waited := max(0, patience) + 1 + time.Duration(rapid.Int64Range(0, int64(longestWait/2)).Draw(t, "more"))
		if Compare(s, waited, fresh, 0) >= 0 {
			t.Fatalf("%s is after %v still behind a fresh %s", s, waited, fresh)
		}
		later := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "later"))
		if s != Imminent && Compare(Imminent, 0, s, waited+later) >= 0 {
			t.Fatalf("%s is after %v before imminent danger", s, waited+later)
		}
		if waited <= 24*time.Hour && Compare(s, waited+later, s, later) >= 0 {
			t.Fatal("who came later goes first")
		}
	})
}

func TestWaitingRaises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := waiters().Draw(t, "w")
		longer := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "longer"))
		if clamp(w.waited) < time.Duration(1<<61) && Urgency(w.severity, clamp(w.waited)+longer) < Urgency(w.severity, w.waited) {
			t.Fatalf("%v is less urgent after %v more", w, longer)
		}
	})
}
