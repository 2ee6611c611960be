package cmd_test

import (
	"context"
	"io"
	"net"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A wire is the way from one person's laptop to the relay. A cut one takes no connection and carries nothing, and
// nobody is told: what was connected finds out by itself.
type wire struct {
	listener net.Listener
	relay    string

	mu    sync.Mutex
	cut   chan struct{} // closed when it is cut
	conns []net.Conn
}

type wiresKey struct{}

// network up ADDRESS: the laptop's own way to the relay; its console's --relay is then $ADDRESS.
// network cut|mend ADDRESS: silently gone; back, with every old connection broken.
func network(ts *testscript.TestScript, _ bool, args []string) {
	verb, name := args[0], args[1]
	wires := ts.Value(wiresKey{}).(map[string]*wire)
	switch verb {
	case "up":
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		ts.Check(err)
		w := &wire{listener: l, relay: ts.Getenv("BEFREE_LISTEN"), cut: make(chan struct{})}
		wires[name] = w
		ts.Setenv(name, "ws://"+l.Addr().String()+"/line")
		ts.Defer(func() { l.Close(); w.Cut(); w.Reset() })
		go w.serve()
	case "cut":
		wires[name].Cut()
	case "mend":
		wires[name].Reset()
	default:
		ts.Fatalf("network does not know %q", verb)
	}
}

func (w *wire) serve() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.mu.Lock()
		w.conns = append(w.conns, c)
		cut := w.cut
		w.mu.Unlock()
		go w.carry(c, cut)
	}
}

// carry connects c with the relay until one of them ends; once the wire is cut both hear nothing more.
func (w *wire) carry(c net.Conn, cut <-chan struct{}) {
	select {
	case <-cut:
		return // it waits for an answer that does not come
	default:
	}
	r, err := new(net.Dialer).DialContext(context.Background(), "tcp", w.relay)
	if err != nil {
		c.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, r)
	w.mu.Unlock()
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(severed{to, cut}, from)
		select {
		case <-cut:
		default:
			to.Close()
			from.Close()
		}
	}
	go pipe(r, c)
	pipe(c, r)
}

// severed swallows what is written once its wire is cut.
type severed struct {
	io.Writer
	cut <-chan struct{}
}

func (u severed) Write(b []byte) (int, error) {
	select {
	case <-u.cut:
		return len(b), nil
	default:
		return u.Writer.Write(b)
	}
}

// Cut lets nothing through any more.
func (w *wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.cut:
	default:
		close(w.cut)
	}
}

// Reset breaks what was connected and lets new connections through.
func (w *wire) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns, w.cut = nil, make(chan struct{})
}
