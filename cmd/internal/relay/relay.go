// Package relay is the program behind the line: it takes what a carrier brings, decides, keeps, sends, and feeds the
// consoles. Everything in it either asks the [Desk] for an event or reads on in the log.
package relay

import (
	"context"
	"crypto/tls"
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

// Time limits of the relay's web side. A carrier gives a webhook 15 s in all.
const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 25 * time.Second
	readyTimeout    = 5 * time.Second
	maxHeader       = 16 << 10 // bytes
)

// A Config is all that the relay needs from outside.
type Config struct {
	Listener  net.Listener
	TLS       *tls.Config // nil for loopback, or behind something on this machine that ends TLS
	Log       store.Log
	Number    sms.Number // ours
	Gateway   gateway.Gateway
	Webhooks  func(gateway.Receiver) http.Handler           // nil for a carrier that does not call us
	Inbound   func(context.Context, gateway.Receiver) error // nil for a carrier that does
	Enrolment Enrolment
	Rules     *triage.Rules
	Policy    desk.Policy
	Texts     Texts
	Logger    *slog.Logger
	Measures  *Measures // nil for none
	Folder    string    // of the log, whose disk is watched; may be empty
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
	line := &Line{desk: d, carrier: c.Gateway, enrolment: c.Enrolment, log: c.Logger, draining: ctx}
	web.ready(in, line, d)
	if c.Measures != nil {
		c.Measures.registry.MustRegister(standing{d, line, c.Folder})
	}
	group.Go(func() error { return web.failed(ctx) })
	group.Go(func() error { // nobody is let in any more
		<-ctx.Done()
		web.stop()
		return nil
	})
	group.Go(func() error { return newOutbox(d, c).Run(ctx) })
	group.Go(func() error { return d.failed(ctx) })
	if c.Inbound != nil {
		group.Go(func() error { return c.Inbound(ctx, in) })
	}
	err = group.Wait() // the senders have their outcomes, the carrier brings nothing more
	line.feeds.Wait()  // the consoles have left, one after another
	if cause := stopDesk(); cause != nil {
		return cause // whatever else ended did so because of it
	}
	return err
}

func openDesk(ctx context.Context, c Config) (*Desk, error) {
	roles, err := c.Enrolment.Roles()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	d, err := NewDesk(ctx, c.Log, c.Policy, roles)
	if err == nil {
		d.logger, d.counts = c.Logger, c.Measures
		c.Logger.Info("log folded", "events", d.Head().Seq, "took", time.Since(began).Round(time.Millisecond))
	}
	return d, err
}

// A web is the listener and what it serves; it answers 503 until the rest stands behind it.
type web struct {
	Config
	server *http.Server
	routes atomic.Pointer[http.ServeMux]
	desk   atomic.Pointer[Desk]
	ended  chan error
}

func newWeb(c Config) *web {
	w := &web{Config: c, ended: make(chan error, 1)}
	w.server = &http.Server{
		Handler: w, TLSConfig: c.TLS, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
	}
	go func() {
		if c.TLS != nil {
			w.ended <- w.server.ServeTLS(c.Listener, "", "")
		} else {
			w.ended <- w.server.Serve(c.Listener)
		}
	}()
	return w
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
	_ = w.server.Shutdown(ctx)
}

func (w *web) ready(in *Intake, line *Line, d *Desk) {
	mux := http.NewServeMux()
	if w.Webhooks != nil {
		mux.Handle("/twilio/", http.TimeoutHandler(w.Webhooks(in), requestTimeout, ""))
	}
	mux.Handle("GET /line", line)
	w.desk.Store(d)
	w.routes.Store(mux)
}

// ServeHTTP answers healthz and readyz itself and hands on the rest.
func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	routes := w.routes.Load()
	switch {
	case r.URL.Path == "/healthz":
		_, _ = fmt.Fprintln(rw, "ok")
	case routes == nil:
		rw.Header().Set("Retry-After", "1")
		http.Error(rw, "starting", http.StatusServiceUnavailable)
	case r.URL.Path == "/readyz":
		w.readyz(rw, r)
	default:
		routes.ServeHTTP(rw, r)
	}
}

// readyz says yes where the log has just written something, and why not elsewhere.
func (w *web) readyz(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := w.desk.Load().Probe(ctx); err != nil {
		http.Error(rw, "no: the log cannot be written to", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(rw, "ready")
}
