package relay

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many wrong codes may be tried from one address: so many at once, then one in so much time. A code has 104 random
// bits; this keeps guessing from costing the relay anything, and has it told.
const (
	guessesAtOnce = 5
	guessEvery    = 30 * time.Second
	guessersMost  = 10_000 // addresses that are remembered
)

// guesses counts wrong codes. A right one costs nothing. The zero value is ready.
type guesses struct {
	mu    sync.Mutex
	from  map[string]*rate.Limiter
	wrong int
}

// wait is how long an address must wait before it may try another code.
func (g *guesses) wait(address string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.from[address]
	if l == nil || l.Tokens() >= 1 {
		return 0
	}
	return time.Duration((1 - l.Tokens()) * float64(guessEvery))
}

// miss counts a wrong one, and returns how many there were in all.
func (g *guesses) miss(address string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrong++
	if g.from == nil || len(g.from) >= guessersMost {
		g.from = map[string]*rate.Limiter{}
	}
	if g.from[address] == nil {
		g.from[address] = rate.NewLimiter(rate.Every(guessEvery), guessesAtOnce)
	}
	g.from[address].Allow()
	return g.wrong
}
