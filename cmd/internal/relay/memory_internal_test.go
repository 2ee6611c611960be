package relay

import (
	"log/slog"
	"runtime"
	"testing"
)

// A relay that has nearly what it may have takes texts again when what made it too much is gone.
func TestMemoryNearItsLimit(t *testing.T) {
	base := make([]byte, 200<<20)
	m := &memory{log: slog.New(slog.DiscardHandler), most: occupied() + 20<<20}
	if m.look(); m.short.Load() {
		t.Fatal("it is short at the start")
	}
	burst := make([]byte, 40<<20)
	if m.look(); !m.short.Load() {
		t.Fatal("it is not short in the burst")
	}
	runtime.KeepAlive(burst)
	for n := range memoryLooks + 1 {
		if m.look(); n == 1 && !m.short.Load() {
			t.Error("it goes back and forth")
		}
	}
	if m.short.Load() {
		t.Error("it is short for ever")
	}
	runtime.KeepAlive(base)
}
