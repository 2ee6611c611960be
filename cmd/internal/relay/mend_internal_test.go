package relay

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestElapsed: while a machine sleeps its wall clock goes on, and a clock that is set back makes nothing younger.
func TestElapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		time.Sleep(time.Minute)
		for set, want := range map[time.Duration]time.Duration{0: time.Minute, time.Hour: time.Hour + time.Minute, -time.Hour: time.Minute} {
			if got := elapsed(began, time.Now().Add(set)); got != want {
				t.Errorf("with a clock set by %v: %v", set, got)
			}
		}
	})
}
