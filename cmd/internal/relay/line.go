package relay

import (
	"context"
	crand "crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
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
	tree      Tree
	session   time.Duration
	offline   time.Duration
	backups   time.Duration // after which backups go with the next one
	log       *slog.Logger
	draining  context.Context // ends when the consoles are to leave; each may finish what it does
	walls     *walls
	feeds     sync.WaitGroup
	guesses   guesses
	roll      *roll
	reading   sync.Mutex    // held by staff
	told      atomic.Uint64 // Seq up to which the consoles are told

	mu       sync.Mutex
	consoles map[*feed]bool // that are signed in
}

// enter counts a console in, and leave counts it out.
func (l *Line) enter(f *feed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.consoles == nil {
		l.consoles = map[*feed]bool{}
	}
	l.consoles[f] = true
}

func (l *Line) leave(f *feed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.consoles, f)
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

// startTelling tells the consoles of what is new until the returned function is called.
func (l *Line) startTelling() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.tell(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// tell goes round the consoles whenever there is something new. In one round all are told up to the same event, so that
// those in step get the same frames, and what comes meanwhile is told together.
func (l *Line) tell(ctx context.Context) {
	for draining := l.draining.Done(); ; {
		l.told.Store(l.desk.Head().Seq)
		l.walls.crew.round(l.idle())
		select {
		case <-l.desk.Changed(l.told.Load()):
		case <-draining:
			draining = nil
		case <-ctx.Done():
			return
		}
	}
}

// idle are the consoles that the crew has to be given now; those that it has already it looks at once more.
func (l *Line) idle() (idle []*feed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := range l.consoles {
		if f.woken.Add(1) == 1 {
			idle = append(idle, f)
		}
	}
	return idle
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
	CheckOrigin:      func(r *http.Request) bool { return r.Header.Get("Origin") == "" }, // no web page is a console
}

// ServeHTTP lets one console in, which is then served for as long as it stays. That is done beside the request, so that
// the web server's buffers, and the request, are given back: they are most of what a console costs.
func (l *Line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.feeds.Add(1) // a web server that stops waits for no request that is a console's by then
	defer l.feeds.Done()
	if !private(r) {
		http.Error(w, "Consoles connect over TLS 1.3, or from this machine. Give the relay --tls-cert and --tls-key, --acme or --tls-own.", http.StatusForbidden)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		l.walls.strange(l.walls.caller(r))
		return // Upgrade has answered
	}
	c := caller{r.TLS, host(r.RemoteAddr), l.walls.caller(r)}
	l.feeds.Go(func() { l.stay(ws, c) })
}

// A caller is what is known of a connection before anything was said.
type caller struct {
	channel *tls.ConnectionState
	from    string       // address
	near    netip.Prefix // the addresses that count as one with it
}

// stay signs a console in and has it served in a goroutine of its own, so that the deep stack of a sign-in goes too.
func (l *Line) stay(ws *websocket.Conn, c caller) {
	f := &feed{Line: l, ws: ws, heard: make(chan *arrival, heardMost), answers: make(chan *wire.Frame, 16), busy: make(chan struct{}, 1)}
	f.woken.Store(1) // until run, there is nothing for the crew to say
	if err := l.walls.safely("a sign-in", func() error { return l.letIn(f, c) }); err != nil {
		f.gone(err)
		return
	}
	l.feeds.Go(f.run)
}

// gone ends a connection, and says why if that is worth while.
func (f *feed) gone(err error) {
	_ = f.ws.Close()
	f.leave(f)
	if !isGone(err) && f.draining.Err() == nil {
		f.log.Warn("console connection ended", "error", err)
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

// host is the address without its port.
func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

// letIn signs a console in and takes it to where its copy ends.
func (l *Line) letIn(f *feed, c caller) (err error) {
	if f.ws.Subprotocol() != wire.Subprotocol {
		l.walls.strange(c.near)
		_ = f.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseProtocolError, "subprotocol "+wire.Subprotocol+" is needed"), time.Now().Add(wire.WriteTimeout))
		return errNotAdmitted
	}
	f.ws.SetReadLimit(authMost)
	late := make(chan struct{})
	stop := context.AfterFunc(l.draining, func() { // who is not in by then stays out
		defer close(late)
		_ = f.ws.SetReadDeadline(time.Now())
	})
	defer func() {
		if !stop() {
			<-late // or it would end who is in
		}
	}()
	if f.channel, err = wire.Channel(c.channel); err != nil {
		return err
	}
	if err := l.greet(f, c.from); err != nil {
		if !errors.Is(err, errEnrolled) {
			l.walls.strange(c.near)
		}
		return err
	}
	l.admitted(f, c.near)
	if err := l.resume(f); err != nil {
		return err
	}
	f.sent.Store(f.cursor.Seq)
	return f.vouch()
}

// admitted has the walls treat a connection as one of a member of staff from here on.
func (l *Line) admitted(f *feed, near netip.Prefix) {
	l.walls.known.add(near)
	f.pace = l.walls.paceOf(f.who.Name)
	f.ws.SetReadLimit(wire.MaxFrame)
	f.ws.SetPingHandler(func(data string) error { // who reads does not write: it could hold up a hand of the crew
		f.pong.Store(&data)
		f.wake()
		return nil
	})
	f.ws.SetPongHandler(f.ponged) // no stranger's counts
}

// greet says who the relay is, and lets in whoever the enrolment knows, within AuthTimeout. Its error is errNotAdmitted
// where nobody was let in, also after an enrolment.
func (l *Line) greet(f *feed, from string) (err error) {
	f.nonce = freshNonce()
	if f.relay, err = l.enrolment.Relay(); err != nil {
		return err
	}
	if err := f.send(wire.Frame{Hello: l.hello(f)}); err != nil {
		return err
	}
	_ = f.ws.SetReadDeadline(time.Now().Add(wire.AuthTimeout))
	_, raw, err := f.ws.ReadMessage()
	if err != nil {
		return err
	}
	frame, err := wire.Decode(raw)
	switch {
	case err == nil && frame.Enrol != nil:
		return l.enrol(f, *frame.Enrol, from)
	case err == nil && frame.Auth != nil:
		return l.signIn(f, *frame.Auth)
	}
	return f.dismiss(&dismissal{Code: desk.CodeBad, Text: "This is not a befree console, or one of another age."})
}

func freshNonce() []byte {
	nonce := make([]byte, 32)
	_, _ = crand.Read(nonce) // never fails
	return nonce
}

func (l *Line) signIn(f *feed, a wire.Auth) (err error) {
	if f.who, f.device, err = l.enrolment.Admit(a, f.nonce, f.channel); err != nil {
		return f.dismiss(err)
	}
	l.enter(f) // before its device is looked at again: no revocation falls between
	staff, err := l.staff()
	if err != nil {
		return f.dismiss(err)
	}
	if _, err := staff.still(f.who.Name, f.device.ID); err != nil {
		return f.dismiss(err)
	}
	return f.send(wire.Frame{Welcome: &wire.Welcome{Name: f.who.Name, Role: f.who.Role, Staff: answering(staff.Roles())}})
}

// staff reads who is on the staff and has the desk know. One at a time does: else the desk might be told last of what was
// read first.
func (l *Line) staff() (Staff, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	staff, err := l.enrolment.Read()
	if err == nil {
		l.desk.SetStaff(staff.Roles())
	}
	return staff, err
}

// answering are the names of all who answer texters.
func answering(roles map[string]desk.Role) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		if roles[name] == desk.Specialist || roles[name] == desk.Supervisor {
			names = append(names, name)
		}
	}
	return names[:min(len(names), mostNamed)]
}

// mostNamed bounds the names in one frame.
const mostNamed = 1000

// errEnrolled ends a connection on which a device was entered, which then signs in on another.
var errEnrolled = fmt.Errorf("enrolled: %w", errNotAdmitted)

// enrol enters a device, unless too many codes were tried from where it is.
func (l *Line) enrol(f *feed, e wire.Enrol, from string) error {
	if wait := l.guesses.wait(from); wait > 0 {
		return f.dismiss(&dismissal{Code: desk.CodeWait, Text: fmt.Sprintf(
			"Too many wrong codes were tried from there. Wait %d seconds, then try again; a code that was given to you is not lost by that.", int(wait.Seconds())+1)})
	}
	done, err := l.enrolment.Enrol(e, f.nonce, f.channel)
	if d := (*dismissal)(nil); errors.As(err, &d) && d.Code == desk.CodeForbidden {
		l.log.Warn("a wrong code was tried", "from", from, "tried in vain", l.guesses.miss(from))
	}
	if err != nil {
		return f.dismiss(err)
	}
	l.log.Info("a device was enrolled", "who", e.Name, "device", e.Device)
	return errors.Join(errEnrolled, f.send(wire.Frame{Enrolled: &done}))
}

func (l *Line) hello(f *feed) *wire.Hello {
	h := wire.Hello{Version: wire.Version, Nonce: f.nonce, Relay: f.relay}
	l.desk.View(func(s *desk.State) {
		h.Limits = wire.Limits{Claims: s.Policy.Limit, ReplyAge: s.Policy.ReplyAge, Undo: s.Policy.Undo, Offline: l.offline, Backups: l.backups}
	})
	head := l.desk.Head()
	h.Epoch, h.Last = head.Epoch, head.Seq
	return &h
}

// dismiss says why a console is not let in, or not any more.
func (f *feed) dismiss(err error) error {
	return errors.Join(errNotAdmitted, f.send(f.dismissal(err)))
}

func (f *feed) dismissal(err error) wire.Frame {
	var d *dismissal
	if !errors.As(err, &d) {
		f.log.Error("staff could not be read", "error", err)
		d = &dismissal{Code: desk.CodeWait, Text: "The relay cannot read who its staff are. Whoever runs it finds the reason in its log."}
	}
	f.log.Info("a console was turned away", "why", d.Code)
	return wire.Frame{Refused: (*wire.Refused)(d)}
}

// resume learns where the console's copy ends, and gives one without a copy the open conversations.
func (l *Line) resume(f *feed) error {
	var from wire.Resume
	var written []string
	for n := 0; n == 0 || from.More && n < resumeMost; n++ {
		frame, err := receive(f.ws)
		if err != nil {
			return err
		}
		if frame.Resume == nil {
			return f.dismiss(&dismissal{Code: desk.CodeBad, Text: "The console did not say where its copy ends."})
		}
		from = *frame.Resume
		f.who.locked = f.who.locked || from.Outline
		written = append(written, from.Written...)
	}
	if from.More { // what was not heard would not be told of, and be confirmed as if it were
		return f.dismiss(&dismissal{Code: desk.CodeBad, Text: "The console did not say where its copy ends."})
	}
	head := l.desk.Head()
	f.cursor, f.kept = store.Position{Epoch: head.Epoch, Seq: from.After}, from.Kept
	if from.Epoch == head.Epoch && from.After > 0 && from.After <= head.Seq {
		return nil
	}
	return l.snapshot(f, written)
}

// resumeMost is how many frames a console may take to say where its copy ends.
const resumeMost = 100

// snapshot sends every open conversation as it is now, and what is left of those of which something is forgotten and the
// console has something written or set aside: it will not see the event that says so.
func (l *Line) snapshot(f *feed, written []string) error {
	var ids []string
	wrote := map[string]bool{}
	for _, id := range written {
		wrote[id] = true
	}
	l.desk.View(func(s *desk.State) {
		f.cursor = store.Position{Epoch: f.cursor.Epoch, Seq: s.Last()}
		for c := range s.Conversations() {
			if c.Phase != desk.ClosedNow || c.Asked(time.Now()) || wrote[c.ID] && len(c.Forgettings) > 0 {
				ids = append(ids, c.ID)
			}
		}
	})
	for _, id := range ids {
		if err := f.parts(l.draining, id, f.cursor.Seq, pushes, f.send); err != nil {
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
		errors.Is(err, errNotAdmitted) || errors.Is(err, errSessionOver) || errors.Is(err, context.Canceled) || errors.Is(err, websocket.ErrCloseSent)
}
