package relay

import (
	"log/slog"
	"testing"
)

// A relay that has nearly what it may have takes texts again when what made it too much is gone, and not at once: it would
// go back and forth.
func TestMemoryNearItsLimit(t *testing.T) {
	has := uint64(95)
	m := &memory{most: 100, has: func() uint64 { return has }, log: slog.New(slog.DiscardHandler)}
	looks := func(want bool, why string) {
		t.Helper()
		if m.look(); m.short.Load() != want {
			t.Errorf("%s it is short: %t", why, !want)
		}
	}
	looks(false, "at the start")
	has = 110
	looks(true, "in the burst")
	has = 95
	for range memoryLooks - 1 {
		looks(true, "after the burst")
	}
	has = 110
	looks(true, "in the next burst")
	has = 95
	for range memoryLooks - 1 {
		looks(true, "after the next burst")
	}
	looks(false, "long after the burst")
	has = 110
	looks(true, "once more")
	has = 90
	looks(false, "with a tenth free")
}
