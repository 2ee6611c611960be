// Package relay is the program behind the line: it takes what a carrier brings, decides, keeps, sends, and feeds the
// consoles. Everything in it either asks the [Desk] for an event or reads on in the log.
package relay

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// A Config is all that the relay needs from outside.
type Config struct {
	Listener net.Listener
	TLS      *tls.Config  // nil for loopback, or behind something on this machine that ends TLS
	Carrier  net.Listener // another one for the carrier alone, without TLS; nil for none
	// BehindProxy says that what comes from this machine comes from a proxy, which adds its peer's address at the end of
	// X-Forwarded-For.
	BehindProxy bool
	Log         store.Log  // a Keeper too, where it is sealed
	Tree        Tree       // of the log; nil where it has none
	Number      sms.Number // ours
	Gateway     gateway.Gateway
	Webhooks    func(gateway.Receiver) http.Handler           // nil for a carrier that does not call us
	Inbound     func(context.Context, gateway.Receiver) error // nil for a carrier that does
	Enrolment   Enrolment
	Offline     time.Duration // for which a console shows what it keeps without having been here; 0 for 30 days
	Session     time.Duration // after which a console must show again who is there; 0 for 12 hours
	Rules       *triage.Rules
	Policy      desk.Policy
	Texts       Texts
	Privacy     Privacy // what texters are told at /privacy
	Logger      *slog.Logger
	Measures    *Measures // nil for none
	Folder      string    // of the log, whose disk is watched; may be empty
	Memory      uint64    // bytes above which nothing new is taken; 0 for any number
}

// Serve runs the relay until ctx ends (then it returns nil once everything has ended and is on disk) or something
// fails that it cannot go on without.
func Serve(ctx context.Context, c Config) error {
	web := newWeb(c)
	defer web.stop()
	d, err := openDesk(ctx, c)
	if err != nil {
		return err
	}
	stopDesk := d.start()
	in := &Intake{desk: d, rules: c.Rules, log: c.Logger}
	group, ctx := errgroup.WithContext(ctx)
	sweep := newSweep(in, c, web.memory)
	line := &Line{
		desk: d, carrier: c.Gateway, enrolment: c.Enrolment, tree: c.Tree, session: cmp.Or(c.Session, defaultSession), offline: cmp.Or(c.Offline, offlineDefault), backups: c.Privacy.Retention.Backups, log: c.Logger, draining: ctx, walls: web.walls, roll: newRoll(d, c),
	}
	forgetter := newForgetter(d, c)
	if err := forgetter.again(ctx); err != nil {
		return errors.Join(stopped(ctx, err), stopDesk())
	}
	stopTelling := line.startTelling()
	web.memory.look()
	web.ready(sweep, line, d)
	if c.Measures != nil {
		c.Measures.registry.MustRegister(standing{d, line, sweep, c.Folder, web.memory})
	}
	group.Go(func() error { return web.failed(ctx) })
	group.Go(func() error { // nobody is let in any more
		<-ctx.Done()
		web.stop()
		return nil
	})
	group.Go(func() error { return web.walls.watch(ctx) })
	group.Go(func() error { return web.memory.watch(ctx) })
	group.Go(func() error { return newOutbox(d, c).Run(ctx) })
	group.Go(func() error { return newInquiry(in, c).Run(ctx) })
	group.Go(func() error { return sweep.Run(ctx) })
	group.Go(func() error { return d.failed(ctx) })
	group.Go(func() error { return line.watch(ctx) })
	group.Go(func() error { return line.roll.Run(ctx) })
	group.Go(func() error { return forgetter.Run(ctx) })
	group.Go(func() error { return newRedactor(d, c).Run(ctx) })
	if c.Inbound != nil {
		group.Go(func() error { return c.Inbound(ctx, sweep) })
	}
	err = group.Wait() // the senders have their outcomes, the carrier brings nothing more
	line.feeds.Wait()  // the consoles have left, one after another
	stopTelling()
	if cause := stopDesk(); cause != nil {
		return cause // whatever else ended did so because of it
	}
	return err
}

func openDesk(ctx context.Context, c Config) (*Desk, error) {
	staff, err := c.Enrolment.Read()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	d, err := NewDesk(ctx, c.Log, c.Policy, staff.Roles())
	if err == nil {
		d.logger, d.counts = c.Logger, c.Measures
		c.Logger.Info("log folded", "events", d.Head().Seq, "took", time.Since(began).Round(time.Millisecond))
	}
	return d, err
}

// A web is the listeners and what they serve; it answers 503 until the rest stands behind it.
type web struct {
	Config
	walls   *walls
	memory  *memory
	servers []*http.Server
	routes  atomic.Pointer[http.ServeMux]
	swept   func() time.Time // see Sweep.Ended; set before routes
	desk    atomic.Pointer[Desk]
	ended   chan error
}

func newWeb(c Config) *web {
	w := &web{Config: c, walls: newWalls(c.Logger, c.BehindProxy), memory: &memory{most: c.Memory, has: occupied, log: c.Logger}, ended: make(chan error, 2)}
	w.listen(c.Listener, c.TLS, w)
	if c.Carrier != nil {
		w.listen(c.Carrier, nil, w.withoutLine())
	}
	return w
}

// listen serves h at a listener, with TLS where there is a config for it.
func (w *web) listen(l net.Listener, secured *tls.Config, h http.Handler) {
	s := &http.Server{
		Handler: w.walls.recovered(h), TLSConfig: modern(secured), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout,
		WriteTimeout: answerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: w.walls.serverLog(),
	}
	w.servers = append(w.servers, s)
	door := w.walls.door(l, connsNow())
	go func() {
		if secured != nil {
			w.ended <- s.ServeTLS(door, "", "")
		} else {
			w.ended <- s.Serve(door)
		}
	}()
}

// withoutLine is w for whoever has nothing to do with consoles.
func (w *web) withoutLine() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/line" {
			http.NotFound(rw, r)
			return
		}
		w.ServeHTTP(rw, r)
	})
}

// failed waits for the listener to fail, or for ctx.
func (w *web) failed(ctx context.Context) error {
	select {
	case err := <-w.ended:
		return fmt.Errorf("web server: %w", err)
	case <-ctx.Done():
		return nil
	}
}

func (w *web) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	for _, s := range w.servers {
		_ = s.Shutdown(ctx)
	}
}

func (w *web) ready(in *Sweep, line *Line, d *Desk) {
	w.swept = in.Ended
	mux := http.NewServeMux()
	if w.Webhooks != nil {
		hooks := w.walls.recovered(w.Webhooks(in)) // within the time limit, which has a goroutine of its own
		mux.Handle("/twilio/", w.walls.webhooks(http.TimeoutHandler(hooks, requestTimeout, "")))
	}
	mux.Handle("GET /line", w.memory.line(w.walls.knows, w.walls.line(line)))
	if w.Privacy.Number != "" {
		mux.Handle("GET /privacy", w.walls.asked(w.Privacy))
	}
	mux.Handle("/readyz", w.walls.asked(http.HandlerFunc(w.readyz)))
	w.desk.Store(d)
	w.routes.Store(mux)
}

// ServeHTTP answers healthz itself, whatever there is behind it, and hands on the rest.
func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	routes := w.routes.Load()
	switch {
	case r.URL.Path == "/healthz":
		w.walls.asked(http.HandlerFunc(healthz)).ServeHTTP(rw, r)
	case routes == nil:
		rw.Header().Set("Retry-After", "1")
		http.Error(rw, "starting", http.StatusServiceUnavailable)
	default:
		routes.ServeHTTP(rw, r)
	}
}

func healthz(rw http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(rw, "ok") }

// readyz says yes where the log has just written something and there is memory, and why not elsewhere. That the carrier
// cannot be asked is said as well, and no reason to say no: what it brings is taken.
func (w *web) readyz(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := w.desk.Load().Probe(ctx); err != nil {
		http.Error(rw, "no: the log cannot be written to", http.StatusServiceUnavailable)
		return
	}
	if w.memory.short.Load() {
		http.Error(rw, "no: there is too little memory", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(rw, "ready")
	switch ended := w.swept(); {
	case ended.IsZero():
		_, _ = fmt.Fprintln(rw, "the carrier's list was not seen whole yet")
	case time.Since(ended) > sweepLate:
		_, _ = fmt.Fprintf(rw, "the carrier cannot be asked: its list was last seen whole %v ago\n", time.Since(ended).Round(time.Second))
	default:
		_, _ = fmt.Fprintf(rw, "the carrier's list was seen whole %v ago\n", time.Since(ended).Round(time.Second))
	}
}

// sweepLate is the age from which a sweep says that the carrier cannot be asked.
const sweepLate = 5 * sweepEvery
