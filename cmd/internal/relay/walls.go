package relay

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"befree.example/cmd/internal/process"
)

// walls are what stands between the web and the relay: they bound what a stranger can take of it, without ever turning
// away a carrier that signs or a console that is let in. Behind a proxy they go by the address that it adds.
type walls struct {
	log      *slog.Logger
	proxy    bool // what comes from this machine comes from a proxy
	arrivals *budgets
	refusals *budgets
	signIns  *budgets
	asks     *budgets
	known    *acquaintances
	tally    tally
	crew     *crew

	knownLane, strangerLane, spentLane chan struct{}

	mu    sync.Mutex
	paces map[string]*pace // by member of staff
}

func newWalls(log *slog.Logger, proxy bool) *walls {
	return &walls{
		log: log, proxy: proxy, arrivals: newBudgets(arrivalsRate, arrivalsBurst), refusals: newBudgets(refusalsRate, refusalsBurst),
		signIns: newBudgets(signInsRate, signInsBurst), asks: newBudgets(asksRate, asksBurst), known: &acquaintances{until: map[netip.Prefix]time.Time{}},
		knownLane: make(chan struct{}, webhooksKnown), strangerLane: make(chan struct{}, webhooksStranger),
		spentLane: make(chan struct{}, webhooksSpent), paces: map[string]*pace{}, crew: newCrew(),
	}
}

// network is what one peer is taken to be: an address, or the 64 bits of an IPv6 one that its owner can fill at will.
func network(host string) netip.Prefix {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() && !a.IsLoopback() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // there are that many
	return p
}

// here tells whether a peer is this machine: a proxy that ends TLS, or somebody who could do worse.
func here(p netip.Prefix) bool { return !p.IsValid() || p.Addr().IsLoopback() }

func networkOf(a net.Addr) netip.Prefix {
	if a == nil {
		return netip.Prefix{}
	}
	host, _, _ := net.SplitHostPort(a.String())
	return network(host)
}

// caller is whose budget a request is charged to.
func (w *walls) caller(r *http.Request) netip.Prefix {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	p := network(host)
	if all := r.Header.Values("X-Forwarded-For"); w.proxy && here(p) && len(all) > 0 {
		last := all[len(all)-1]
		last = last[strings.LastIndexByte(last, ',')+1:] // all before it is the peer's own word
		if by := network(strings.TrimSpace(last)); by.IsValid() {
			return by
		}
	}
	return p
}

// webhooks lets next take a carrier's calls. Whether one is signed is next's to say, by its answer; it costs less to look
// than to be wrong, so nobody is turned away for their address alone, but all who have spent their budget wait in one
// short lane.
func (w *walls) webhooks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		from := w.caller(r)
		p := w.place(from)
		for end := time.Now().Add(webhookWait); !p.taken(r.Context()); p = w.place(from) { // who it is may have become known
			if time.Now().After(end) || r.Context().Err() != nil {
				w.tally.add("webhooks turned away")
				turnAway(rw, p.refusal(), p.wait)
				return
			}
		}
		defer p.leave()
		v := &verdict{ResponseWriter: rw, place: p}
		next.ServeHTTP(v, r)
		switch {
		case v.code < http.StatusMultipleChoices:
			w.known.add(from)
		case v.code < http.StatusInternalServerError:
			w.tally.add("webhooks refused")
			w.refusals.charge(from)
		}
	})
}

// A place is one among the webhooks that are taken at once.
type place struct {
	lane  chan struct{}
	spent bool          // it is one for those whose budget is spent
	wait  time.Duration // until another attempt is worth while
}

func (w *walls) place(from netip.Prefix) place {
	if w.known.has(from) {
		return place{w.knownLane, false, time.Second}
	}
	if wait, spent := w.refusals.spent(from); spent {
		return place{w.spentLane, true, wait}
	}
	return place{w.strangerLane, false, time.Second}
}

// taken waits a moment for the place.
func (p place) taken(ctx context.Context) bool {
	t := time.NewTimer(webhookLook)
	defer t.Stop()
	select {
	case p.lane <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (p place) leave() { <-p.lane }

func (p place) refusal() int {
	if p.spent {
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// turnAway answers before anything of a request's body is read.
func turnAway(rw http.ResponseWriter, code int, wait time.Duration) {
	rw.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(max(wait, time.Second).Seconds()))))
	rw.Header().Set("Connection", "close")
	http.Error(rw, http.StatusText(code), code)
}

// A verdict is an answer on its way out. One that refuses somebody whose budget is spent says when to come again.
type verdict struct {
	http.ResponseWriter
	place
	code int
}

func (v *verdict) WriteHeader(code int) {
	if v.code = code; v.spent && code >= 400 && code < 500 {
		turnAway(v.ResponseWriter, http.StatusTooManyRequests, v.wait)
		return
	}
	v.ResponseWriter.WriteHeader(code)
}

func (v *verdict) Write(b []byte) (int, error) {
	if v.code == 0 {
		v.WriteHeader(http.StatusOK)
	}
	if v.spent && v.code >= 400 && v.code < 500 {
		return len(b), nil
	}
	return v.ResponseWriter.Write(b)
}

// knows tells whether a request comes from an address that has shown who it is.
func (w *walls) knows(r *http.Request) bool { return w.known.has(w.caller(r)) }

// line lets next take consoles, unless too many sign-ins from their address have failed.
func (w *walls) line(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if wait, broke := w.signIns.spent(w.caller(r)); broke {
			w.tally.add("sign-ins turned away")
			turnAway(rw, http.StatusTooManyRequests, wait)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// asked lets next answer what anybody may ask, unless their address has asked too often.
func (w *walls) asked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if from := w.caller(r); !w.asks.charge(from) {
			w.tally.add("questions turned away")
			wait, _ := w.asks.spent(from)
			turnAway(rw, http.StatusTooManyRequests, wait)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// strange counts a connection to the line that never became a console's.
func (w *walls) strange(from netip.Prefix) {
	w.tally.add("sign-ins failed")
	w.signIns.charge(from)
}

// recovered answers 503 for a request that breaks down, and keeps the relay up. Where it broke is logged, never on what:
// that may be anybody's words.
func (w *walls) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				w.broke("a request", process.Place())
				turnAway(rw, http.StatusServiceUnavailable, time.Second)
			}
		}()
		next.ServeHTTP(rw, r)
	})
}

// errBroke ends a connection that we made a mistake with.
type errBroke struct{ where string }

func (e errBroke) Error() string { return "broke down at " + e.where }

// safely is f, its panics being errors without what they were about.
func (w *walls) safely(what string, f func() error) (err error) {
	defer func() {
		if recover() != nil {
			where := process.Place()
			w.broke(what, where)
			err = errBroke{where}
		}
	}()
	return f()
}

func (w *walls) broke(what, where string) {
	w.tally.add("broke down")
	w.log.Error("a mistake of befree's own: "+what+" broke down", "where", where)
}

// serverLog takes what net/http has to say: of each peer that did not keep to the protocol, which are counted alone. It
// never gets a panic, which recovered keeps from it.
func (w *walls) serverLog() *log.Logger { return log.New(counter{w}, "", 0) }

type counter struct{ *walls }

func (c counter) Write(b []byte) (int, error) {
	if !strings.Contains(string(b), "Accept error") {
		c.tally.add("bad connections")
	} else if c.tally.add("accepting failed") == 1 {
		c.log.Error("connections cannot be taken; they wait until they can", "error", strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// A pace is how fast one member of staff is read.
type pace struct{ commands, frames *rate.Limiter }

func (w *walls) paceOf(name string) *pace {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.paces[name]
	if p == nil {
		p = &pace{rate.NewLimiter(commandsRate, commandsBurst), rate.NewLimiter(framesRate, framesBurst)}
		w.paces[name] = p
	}
	return p
}

// wait returns once the next frame may be dealt with.
func (p *pace) wait(ctx context.Context, command bool) error {
	if err := p.frames.Wait(ctx); err != nil || !command {
		return err
	}
	return p.commands.Wait(ctx)
}

// watch says now and then what the walls have kept out, until ctx ends.
func (w *walls) watch(ctx context.Context) error {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			w.tally.report(w.log)
			return nil
		case <-tick.C:
			w.tally.report(w.log)
		}
	}
}

// A tally counts what is too much to be logged one by one.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

// add returns how often that was since the last report.
func (t *tally) add(what string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[what]++
	return t.counts[what]
}

func (t *tally) report(log *slog.Logger) {
	t.mu.Lock()
	counts := t.counts
	t.counts = nil
	t.mu.Unlock()
	var said []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		said = append(said, fmt.Sprintf("%s %d", what, counts[what]))
	}
	if len(said) > 0 {
		log.Warn("kept out since the last report", "what", strings.Join(said, ", "))
	}
}
