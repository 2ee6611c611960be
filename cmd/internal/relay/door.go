package relay

import (
	"net"
	"net/netip"
	"sync"
)

// A door is a listener that lets in so many connections, and so many of one address. What it does not let in is closed
// before a byte is read or a handshake begun, and the next one is looked at: nothing that a peer does ends the accepting.
type door struct {
	net.Listener
	walls *walls
	most  int

	mu   sync.Mutex
	open map[netip.Prefix]int
	all  int
}

func (w *walls) door(l net.Listener, most int) *door {
	return &door{Listener: l, walls: w, most: most, open: map[netip.Prefix]int{}}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := networkOf(c.RemoteAddr())
		if d.enter(from) {
			if t, ok := c.(*net.TCPConn); ok {
				_ = t.SetWriteBuffer(unsentMost)
			}
			return &guest{Conn: c, door: d, from: from}, nil
		}
		d.walls.tally.add("connections closed")
		_ = c.Close()
	}
}

func (d *door) enter(from netip.Prefix) bool {
	trusted := here(from) || d.walls.known.has(from)
	if !trusted && !d.walls.arrivals.charge(from) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	most, each := d.most, connsPerKnown
	if !trusted {
		most, each = d.most-d.most/4, connsPerAddress
	}
	if d.all >= most || !here(from) && d.open[from] >= each {
		return false
	}
	d.all++
	d.open[from]++
	return true
}

func (d *door) left(from netip.Prefix) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.open[from]--; d.open[from] == 0 {
		delete(d.open, from)
	}
}

// A guest is a connection that tells its door when it ends.
type guest struct {
	net.Conn
	door *door
	from netip.Prefix
	once sync.Once
}

func (g *guest) Close() error {
	g.once.Do(func() { g.door.left(g.from) })
	return g.Conn.Close()
}

// Write implements net.Conn. Who has to wait for the peer is out of the crew meanwhile.
func (g *guest) Write(b []byte) (n int, err error) {
	if n = g.try(b); n == len(b) {
		return n, nil
	}
	g.door.walls.crew.aside(func() {
		var rest int
		rest, err = g.Conn.Write(b[n:])
		n += rest
	})
	return n, err
}
