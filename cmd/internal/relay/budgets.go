package relay

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// budgets say how much that comes to nothing each address may still do. They remember as many addresses as there is room
// for, twice: once that is full, those of whom nothing was heard since the last time are forgotten, debts and all.
type budgets struct {
	each  rate.Limit
	burst int

	mu         sync.Mutex
	young, old map[netip.Prefix]*rate.Limiter
}

func newBudgets(each rate.Limit, burst int) *budgets {
	return &budgets{each: each, burst: burst, young: map[netip.Prefix]*rate.Limiter{}}
}

// find returns the limiter of an address, or nil.
func (b *budgets) find(a netip.Prefix) *rate.Limiter {
	if l := b.young[a]; l != nil {
		return l
	}
	l := b.old[a]
	if l != nil {
		b.keep(a, l)
	}
	return l
}

func (b *budgets) keep(a netip.Prefix, l *rate.Limiter) {
	if len(b.young) >= addressesMost {
		b.old, b.young = b.young, map[netip.Prefix]*rate.Limiter{}
	}
	b.young[a] = l
}

// spent tells whether an address has nothing left, and how long that lasts. This machine never has.
func (b *budgets) spent(a netip.Prefix) (wait time.Duration, is bool) {
	if here(a) {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.find(a)
	if l == nil {
		return 0, false
	}
	lacks := 1 - l.Tokens()
	return time.Duration(lacks / float64(b.each) * float64(time.Second)), lacks > 0
}

// charge takes one from an address, and tells whether it had it.
func (b *budgets) charge(a netip.Prefix) bool {
	if here(a) {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.find(a)
	if l == nil {
		l = rate.NewLimiter(b.each, b.burst)
		b.keep(a, l)
	}
	return l.Allow()
}

// acquaintances are addresses that have shown who they are. Nobody else can fill their memory.
type acquaintances struct {
	mu    sync.Mutex
	until map[netip.Prefix]time.Time
}

func (k *acquaintances) has(a netip.Prefix) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.until[a].After(time.Now())
}

func (k *acquaintances) add(a netip.Prefix) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if _, ok := k.until[a]; !ok && len(k.until) >= knownMost {
		k.forget(now)
	}
	k.until[a] = now.Add(knownFor)
}

// forget makes room: those whose time is over go, and if there are none, anybody.
func (k *acquaintances) forget(now time.Time) {
	for a, until := range k.until {
		if !until.After(now) {
			delete(k.until, a)
		}
	}
	for a := range k.until {
		if len(k.until) < knownMost {
			return
		}
		delete(k.until, a)
	}
}
