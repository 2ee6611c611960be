package relay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// errShort answers the carrier while there is too little memory for what is new. It comes again.
var errShort = errors.New("there is too little memory at the moment")

// A memory is how much the relay may have. While it has more, it takes no texts that are brought and lets nobody in whose
// address it does not know. Who is here, or comes back, is served, what became of texts is taken, and the sweep fetches
// what was turned away, one text after another.
type memory struct {
	most  uint64 // bytes that the Go runtime may have; 0 for any number
	has   func() uint64
	log   *slog.Logger
	short atomic.Bool
	looks int // in a row at which there was enough while it was short
}

// occupied is how many bytes the Go runtime has from the system, as its own limit counts them.
func occupied() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// watch looks now and then, until ctx ends.
func (m *memory) watch(ctx context.Context) error {
	if m.most == 0 {
		return nil
	}
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			m.look()
		}
	}
}

// look tells whether there is too little. What is garbage does not count.
func (m *memory) look() {
	if m.most == 0 {
		return
	}
	has, was := m.has(), m.short.Load()
	if has > m.most {
		debug.FreeOSMemory()
		has = m.has()
	}
	if m.looks++; has > m.most {
		m.looks = 0
	}
	is := has > m.most || was && has > m.most-m.most/memoryBack && m.looks < memoryLooks
	switch {
	case is && !was:
		m.short.Store(true)
		m.log.Error("memory is short; nothing that was acknowledged is lost, and new texts and consoles are refused until there is more", "MB", has>>20, "may be", m.most>>20)
	case was && !is:
		m.short.Store(false)
		m.log.Info("there is enough memory again", "MB", has>>20, "may be", m.most>>20)
	}
}

// line lets next let consoles in; while memory is short, those of known addresses alone: they come back.
func (m *memory) line(known func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if m.short.Load() && !known(r) {
			turnAway(rw, http.StatusServiceUnavailable, memoryEvery)
			return
		}
		next.ServeHTTP(rw, r)
	})
}
