package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/tree"
)

// Run follows the line until ctx ends, coming back by itself whenever the connection is lost. It returns nil then, or
// ErrRefused. It returns once everything that it started has ended.
func (c *Client) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() {
		if err := c.summarize(summarizeAfter); err != nil {
			c.Logger.Warn("what is closed was not put into short form; the next start takes longer", "error", err)
		}
	})
	return c.stay(ctx, c.follow)
}

// stay has one connection after another until ctx ends or the relay refuses for good.
func (c *Client) stay(ctx context.Context, connection func(context.Context) error) error {
	if !c.Identity.Enrolled() {
		return ErrNotEnrolled
	}
	if err := private(c.URL); err != nil {
		return err
	}
	wait, lost := backoffFirst, time.Now()
	for ctx.Err() == nil {
		began := time.Now()
		err := connection(ctx)
		if errors.Is(err, ErrRefused) {
			return err
		}
		if time.Since(began) > backoffMost {
			wait, lost = backoffFirst, time.Now()
		}
		c.disconnected(err)
		pause(ctx, backoffFirst+rand.N(wait))
		most := backoffMost
		if time.Since(lost) < soon {
			most = backoffSoon
		}
		wait = min(2*wait, most)
	}
	return nil
}

// errStarting is a relay that takes no consoles at the moment.
var errStarting = turnedAway{"the relay is starting, or short of memory"}

// private refuses to send anything over a network without TLS.
func private(relay string) error {
	u, err := url.Parse(relay)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is not the address of a relay; it looks like wss://relay.example.org/line", relay)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "ws" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("a relay on another machine is reached over TLS alone: its address begins with wss://")
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func (c *Client) disconnected(err error) {
	if err != nil {
		c.Logger.Info("no connection to the relay", "error", err)
	}
	why, wrong := trouble(err)
	c.update(func() {
		if c.status.Connected {
			c.status.Since = time.Now()
			close(c.down)
		}
		c.status.Connected, c.status.Draining, c.status.Trouble, c.status.Wrong = false, false, why, wrong
	})
}

// A session is one connection.
type session struct {
	*Client
	talk
	nonce    []byte // of this connection
	channel  []byte // what binds a proof to it
	out      chan wire.Frame
	goal     uint64          // when it has this much, it is in step and may say what it has to say
	ready    bool            // is in step
	sent     map[string]bool // commands handed over on this connection
	part     []store.Event   // of the conversation that is coming in
	fresh    *desk.State     // of a listener, until it has heard of all there is
	held     tree.State      // what the relay's first checkpoint must go on from
	signed   tree.State      // at the newest checkpoint that was found well; empty while there is an alarm
	expected tree.State      // signed by the relay, and not yet reached here
	cancel   context.CancelFunc
}

// follow is one connection from dialling to its end.
func (c *Client) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ws, err := c.dial(ctx, c.tls())
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	defer stop()
	defer ws.Close()
	s := &session{Client: c, talk: talk{ws}, out: make(chan wire.Frame, 64), sent: map[string]bool{}, cancel: cancel}
	hello, welcome, err := s.signIn()
	if err == nil {
		err = s.resume(hello, welcome)
	}
	if err != nil {
		return err
	}
	written, confirmed := make(chan error, 1), make(chan struct{})
	go func() { written <- s.write(ctx) }()
	go func() { defer close(confirmed); s.confirm(ctx) }()
	err = s.read(ctx)
	cancel()
	<-confirmed
	return errors.Join(err, <-written)
}

func (c *Config) dial(ctx context.Context, secured *tls.Config) (*websocket.Conn, error) {
	d := websocket.Dialer{
		HandshakeTimeout: dialTimeout, Subprotocols: []string{wire.Subprotocol}, NetDialContext: c.Dial,
		TLSClientConfig: secured, ReadBufferSize: 16 << 10, WriteBufferSize: 4 << 10,
	}
	ws, answer, err := d.DialContext(ctx, c.URL, nil)
	if answer != nil && answer.StatusCode == http.StatusForbidden {
		return nil, fmt.Errorf("%w: it takes consoles over TLS 1.3 alone", ErrRefused)
	}
	if answer != nil && answer.StatusCode == http.StatusServiceUnavailable {
		return nil, errStarting
	}
	if err != nil {
		return nil, err
	}
	if ws.Subprotocol() != wire.Subprotocol {
		_ = ws.Close()
		return nil, fmt.Errorf("%w: there is no befree relay at this address, or one of another age: update the older side", ErrRefused)
	}
	ws.SetReadLimit(wire.MaxFrame)
	alive := func() { _ = ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit)) }
	alive()
	ws.SetPingHandler(func(data string) error {
		alive()
		err := ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(wire.WriteTimeout))
		if errors.Is(err, websocket.ErrCloseSent) {
			return nil
		}
		return err
	})
	return ws, nil
}

// greeted hears who the relay is.
func (t talk) greeted() (h wire.Hello, channel []byte, err error) {
	f, err := t.receive()
	if err != nil {
		return h, nil, err
	}
	if f.Hello == nil || f.Hello.Version != wire.Version {
		return h, nil, fmt.Errorf("%w: it speaks another version; update the older side", ErrRefused)
	}
	channel, err = wire.Channel(tlsState(t.ws))
	return *f.Hello, channel, err
}

// signIn shows the relay who is there.
func (s *session) signIn() (h wire.Hello, w wire.Welcome, err error) {
	if h, s.channel, err = s.greeted(); err != nil {
		return h, w, err
	}
	if h.Relay != s.Identity.device.Relay {
		return h, w, fmt.Errorf("%w: it is another relay than the one that this device is enrolled at", ErrRefused)
	}
	s.nonce = h.Nonce
	auth := s.Identity.Prove(h.Nonce, s.channel)
	if err := s.send(wire.Frame{Auth: &auth}); err != nil {
		return h, w, err
	}
	in, err := s.receive()
	switch {
	case err != nil:
		return h, w, err
	case in.Refused != nil:
		return h, w, s.refusal(*in.Refused)
	case in.Welcome == nil:
		return h, w, errors.New("relay did not answer the sign-in")
	}
	return h, *in.Welcome, nil
}

func tlsState(ws *websocket.Conn) *tls.ConnectionState {
	if t, ok := ws.NetConn().(*tls.Conn); ok {
		state := t.ConnectionState()
		return &state
	}
	return nil
}

// resume goes on where the copy ends, if it is a copy of this log. Of a snapshot that broke off nothing is believed: what
// it showed may be over by now.
func (s *session) resume(h wire.Hello, w wire.Welcome) error {
	at := s.Cache.Position()
	var err error
	s.judging.Lock()
	err = s.holdAgainst()
	s.accepted = false
	s.judging.Unlock()
	if err != nil {
		return err
	}
	if at.Epoch != h.Epoch || at.Seq > h.Last || at.Seq == 0 {
		if err := s.renew(h, at); err != nil {
			return err
		}
		at = s.Cache.Position()
	}
	if err := s.trust(h.Limits.Offline); err != nil {
		return err
	}
	s.goal = h.Last
	s.arrive(h, w, at.Seq)
	return s.goOn(wire.Resume{Epoch: at.Epoch, After: at.Seq, Kept: s.held.Size})
}

// arrive says that there is a connection, and that what is known here goes up to an event.
func (c *Client) arrive(h wire.Hello, w wire.Welcome, at uint64) {
	c.update(func() {
		c.status = Status{
			Connected: true, Since: time.Now(), Head: h.Last, At: at, Role: w.Role, Staff: w.Staff, Limits: h.Limits,
			Epoch: c.status.Epoch, Renewed: c.status.Renewed, Aside: c.status.Aside, Alarm: c.status.Alarm,
		}
		c.down = make(chan struct{})
	})
}

// goOn says where the copy ends. Where there is none, it says of which conversations something is here nevertheless: the
// relay tells which of them are forgotten.
func (s *session) goOn(r wire.Resume) error {
	if r.After == 0 {
		var err error
		if r.Written, err = s.Cache.Written(); err != nil {
			return err
		}
	}
	for _, piece := range r.Split() {
		if err := s.send(wire.Frame{Resume: &piece}); err != nil {
			return err
		}
	}
	return nil
}

// asideFor is for how long what was copied of a log that is no more can be read, unless the relay allows less offline.
const asideFor = 30 * 24 * time.Hour

// renew begins the copy anew, of a relay whose log is no more the one that it is of, or of which there is only a piece. A
// whole one is set aside: the relay may have been restored from a backup and have less than that. The checkpoint of the old
// log, what is in the outbox and drafts stay. Replies that wait become drafts: they rest on what is gone.
func (s *session) renew(h wire.Hello, old store.Position) error {
	if err := errors.Join(s.remember(), s.setAside(h, old)); err != nil {
		return err
	}
	a, err := s.Cache.Aside()
	if err != nil {
		return err
	}
	s.update(func() {
		s.state, s.loose = desk.NewState(desk.Policy{}), map[string]map[uint64]store.Event{}
		s.short, s.summarized = map[string]bool{}, 0
		s.status.At, s.status.Epoch = 0, h.Epoch
		s.status.Renewed = s.status.Renewed || old.Seq > 0
		s.status.Aside = a
		if old.Seq > 0 {
			clear(s.pressed)
		}
	})
	return nil
}

// setAside sets a whole copy aside and drops a piece of one. The clock is right: the relay has let this device in by it.
func (s *session) setAside(h wire.Hello, old store.Position) error {
	if old.Seq == 0 {
		return s.Cache.Reset(h.Epoch)
	}
	now, lasts := time.Now(), asideFor
	if h.Limits.Offline > 0 {
		lasts = min(lasts, h.Limits.Offline)
	}
	return errors.Join(s.Cache.EndAside(now), s.Cache.SetAside(h.Epoch, now, now.Add(lasts)))
}

// A talk is a connection on which frames are said and heard.
type talk struct{ ws *websocket.Conn }

func (t talk) receive() (wire.Frame, error) {
	_ = t.ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit))
	_, b, err := t.ws.ReadMessage()
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.Decode(b)
}

func (t talk) send(f wire.Frame) error {
	b, err := wire.Encode(f)
	if err != nil {
		return err
	}
	_ = t.ws.SetWriteDeadline(time.Now().Add(wire.WriteTimeout))
	return t.ws.WriteMessage(websocket.TextMessage, b)
}

// write is the connection's one writer. It ends the connection when it fails.
func (s *session) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-s.out:
			if err := s.send(f); err != nil {
				_ = s.ws.Close()
				return err
			}
		}
	}
}

// ask hands a frame to the writer.
func (s *session) ask(ctx context.Context, f wire.Frame) error {
	select {
	case s.out <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
