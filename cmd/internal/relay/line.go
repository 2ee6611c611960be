package relay

import (
	"context"
	crand "crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
)

// A Line is the websocket endpoint that consoles connect to.
type Line struct {
	desk      *Desk
	carrier   gateway.Gateway
	enrolment Enrolment
	log       *slog.Logger
	draining  context.Context // ends when the consoles are to leave; each may finish what it does
	feeds     sync.WaitGroup

	frames frames

	mu       sync.Mutex
	consoles map[*feed]bool // that are signed in
}

// enter counts a console in; the returned function counts it out.
func (l *Line) enter(f *feed) (leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.consoles == nil {
		l.consoles = map[*feed]bool{}
	}
	l.consoles[f] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.consoles, f)
	}
}

// standing tells how many consoles are signed in, and by how many events the slowest is behind.
func (l *Line) standing(last uint64) (consoles int, behind uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := range l.consoles {
		if at := f.sent.Load(); at < last {
			behind = max(behind, last-at)
		}
	}
	return len(l.consoles), behind
}

// When the relay stops, consoles leave one after another, so that they do not all come back at one moment.
const (
	drainEach = 5 * time.Millisecond // for each of them
	drainMost = 5 * time.Second      // for all
)

// leaveWithin is how long a console may stay once the relay is about to stop.
func (l *Line) leaveWithin() time.Duration {
	n, _ := l.standing(0)
	return rand.N(min(drainMost, time.Duration(n)*drainEach) + 1)
}

var upgrader = websocket.Upgrader{
	HandshakeTimeout: wire.WriteTimeout,
	Subprotocols:     []string{wire.Subprotocol},
	ReadBufferSize:   512, // what consoles say is mostly short
	WriteBufferSize:  4 << 10,
	WriteBufferPool:  &sync.Pool{},
}

// ServeHTTP lets one console in, which is then served for as long as it stays. That is done beside the request, so that
// the web server's buffers, and the request, are given back: they are most of what a console costs.
func (l *Line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !private(r) {
		http.Error(w, "Consoles connect over TLS 1.3, or from this machine. Give the relay --tls-cert and --tls-key.", http.StatusForbidden)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	channel := r.TLS
	l.feeds.Go(func() { l.stay(ws, channel) })
}

func (l *Line) stay(ws *websocket.Conn, channel *tls.ConnectionState) {
	defer ws.Close()
	if ws.Subprotocol() != wire.Subprotocol {
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseProtocolError, "subprotocol "+wire.Subprotocol+" is needed"), time.Now().Add(wire.WriteTimeout))
		return
	}
	if err := l.serve(ws, channel); err != nil && !isGone(err) && l.draining.Err() == nil {
		l.log.Warn("console connection ended", "error", err)
	}
}

// private tells whether what is said on this connection stays between the two ends.
func private(r *http.Request) bool {
	if r.TLS != nil {
		return r.TLS.Version >= tls.VersionTLS13
	}
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	host, _, err := net.SplitHostPort(addr.String())
	return err == nil && net.ParseIP(host).IsLoopback()
}

func (l *Line) serve(ws *websocket.Conn, channel *tls.ConnectionState) error {
	ws.SetReadLimit(wire.MaxFrame)
	ws.SetPongHandler(func(string) error { return ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit)) })
	f := &feed{
		desk: l.desk, carrier: l.carrier, ws: ws, log: l.log, frames: &l.frames, answers: make(chan *wire.Frame, 16),
		busy:     make(chan struct{}, 1),
		draining: l.draining.Done(), within: l.leaveWithin,
	}
	if err := l.letIn(f, channel); err != nil {
		return err
	}
	f.sent.Store(f.cursor.Seq)
	defer l.enter(f)()
	return f.run(context.WithoutCancel(l.draining))
}

// letIn signs a console in and takes it to where its copy ends, in a goroutine whose deep stack goes with it.
func (l *Line) letIn(f *feed, channel *tls.ConnectionState) error {
	stop := context.AfterFunc(l.draining, func() { _ = f.ws.SetReadDeadline(time.Now()) }) // who is not in by then stays out
	defer stop()
	in := make(chan error, 1)
	go func() {
		err := l.signIn(f, channel)
		if err == nil {
			err = l.resume(f)
		}
		in <- err
	}()
	return <-in
}

// signIn lets in whoever the enrolment knows, within AuthTimeout.
func (l *Line) signIn(f *feed, tlsState *tls.ConnectionState) error {
	channel, err := wire.Channel(tlsState)
	if err != nil {
		return err
	}
	nonce := make([]byte, 32)
	_, _ = crand.Read(nonce) // never fails
	if err := f.send(wire.Frame{Hello: l.hello(nonce)}); err != nil {
		return err
	}
	_ = f.ws.SetReadDeadline(time.Now().Add(wire.AuthTimeout))
	_, raw, err := f.ws.ReadMessage()
	if err != nil {
		return err
	}
	frame, err := wire.Decode(raw)
	if err != nil || frame.Auth == nil {
		return f.refuse(desk.CodeBad, "This is not a befree console, or one of another age.")
	}
	if f.who, err = l.enrolment.Admit(*frame.Auth, nonce, channel); err != nil {
		return f.refuse(desk.CodeForbidden, errNotAdmitted.Error())
	}
	l.refreshStaff()
	return f.send(wire.Frame{Welcome: &wire.Welcome{Name: f.who.Name, Role: f.who.Role}})
}

func (l *Line) hello(nonce []byte) *wire.Hello {
	h := wire.Hello{Version: wire.Version, Nonce: nonce}
	l.desk.View(func(s *desk.State) {
		h.Limits = wire.Limits{Claims: s.Policy.Limit, ReplyAge: s.Policy.ReplyAge, Undo: s.Policy.Undo}
	})
	head := l.desk.Head()
	h.Epoch, h.Last = head.Epoch, head.Seq
	return &h
}

func (l *Line) refreshStaff() {
	roles, err := l.enrolment.Roles()
	if err != nil {
		l.log.Error("staff could not be read; those known before stay", "error", err)
		return
	}
	l.desk.SetStaff(roles)
}

func (f *feed) refuse(code desk.Code, text string) error {
	return errors.Join(errNotAdmitted, f.send(wire.Frame{Refused: &wire.Refused{Code: code, Text: text}}))
}

// resume learns where the console's copy ends, and gives one without a copy the open conversations.
func (l *Line) resume(f *feed) error {
	frame, err := receive(f.ws)
	if err != nil {
		return err
	}
	if frame.Resume == nil {
		return f.refuse(desk.CodeBad, "The console did not say where its copy ends.")
	}
	head := l.desk.Head()
	f.cursor = store.Position{Epoch: head.Epoch, Seq: frame.Resume.After}
	if frame.Resume.Epoch == head.Epoch && frame.Resume.After > 0 && frame.Resume.After <= head.Seq {
		return nil
	}
	return l.snapshot(f)
}

// snapshot sends every open conversation, and those that the console's owner held, as they are now.
func (l *Line) snapshot(f *feed) error {
	var ids []string
	l.desk.View(func(s *desk.State) {
		f.cursor = store.Position{Epoch: f.cursor.Epoch, Seq: s.Last()}
		for c := range s.Conversations() {
			if c.Phase != desk.ClosedNow {
				ids = append(ids, c.ID)
			}
		}
	})
	for _, id := range ids {
		if err := f.parts(l.draining, id, f.cursor.Seq, f.send); err != nil {
			return err
		}
	}
	return f.send(wire.Frame{Snapshot: &wire.Snapshot{Position: f.cursor}})
}

// isGone tells whether an error only says that the other end left.
func isGone(err error) bool {
	var closed *websocket.CloseError
	var network net.Error
	return errors.As(err, &closed) || errors.As(err, &network) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, errNotAdmitted) || errors.Is(err, context.Canceled) || errors.Is(err, websocket.ErrCloseSent)
}
