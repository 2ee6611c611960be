package relay

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/time/rate"

	"befree.example/store"
	"befree.example/store/desk"
)

func address(n int) netip.Prefix {
	return network(fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255))
}

// However many addresses there are, the budgets stay within their memory, and those who keep coming are not forgotten.
func TestBudgetsAreBounded(t *testing.T) {
	b := newBudgets(rate.Limit(0.001), 3)
	regular := network("2001:db8:1:2::1")
	for range 3 {
		b.charge(regular)
	}
	for n := range 10 * addressesMost {
		b.charge(address(n))
		if n%1000 == 0 {
			if _, broke := b.spent(network("2001:db8:1:2:ffff::9")); !broke {
				t.Fatalf("after %d others, somebody who has nothing left was forgotten", n)
			}
		}
	}
	if len(b.young)+len(b.old) > 2*addressesMost {
		t.Errorf("%d addresses are remembered", len(b.young)+len(b.old))
	}
	k := newWalls(slog.New(slog.DiscardHandler), false).known
	for n := range 3 * knownMost {
		k.add(address(n))
	}
	if len(k.until) > knownMost || !k.has(address(3*knownMost-1)) {
		t.Errorf("%d are known", len(k.until))
	}
}

func TestThisMachineIsNotBudgeted(t *testing.T) {
	b := newBudgets(1, 1)
	for range 3 {
		if !b.charge(network("127.0.0.1")) || !b.charge(network("::1")) || !b.charge(network("pipe")) {
			t.Fatal("this machine has spent its budget")
		}
	}
}

// A crowd is a listener at which connections from everywhere are waiting.
type crowd struct {
	from []string
	at   int
}

func (c *crowd) Accept() (net.Conn, error) {
	if c.at == len(c.from) {
		return nil, io.EOF
	}
	here, _ := net.Pipe()
	c.at++
	return stray{here, c.from[c.at-1]}, nil
}
func (c *crowd) Close() error   { return nil }
func (c *crowd) Addr() net.Addr { return nil }

type stray struct {
	net.Conn
	from string
}

func (s stray) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(s.from), Port: 1} }

func TestDoorKeepsPlaces(t *testing.T) {
	w := newWalls(slog.New(slog.DiscardHandler), false)
	w.known.add(network("198.51.100.7"))
	d := w.door(&crowd{from: strings.Fields(strings.Repeat("203.0.113.1 203.0.113.2 ", 10) + "198.51.100.7 198.51.100.7 198.51.100.7")}, 8)
	var inside []net.Conn
	for {
		c, err := d.Accept()
		if err != nil {
			break
		}
		inside = append(inside, c)
	}
	counts := map[string]int{}
	for _, c := range inside {
		counts[networkOf(c.RemoteAddr()).Addr().String()]++
	}
	if counts["203.0.113.1"] != 3 || counts["203.0.113.2"] != 3 || counts["198.51.100.7"] != 2 {
		t.Errorf("of 8 places: %v", counts)
	}
	for _, c := range inside {
		c.Close()
		c.Close() // as often as one likes
	}
	if d.all != 0 || len(d.open) != 0 {
		t.Errorf("after all left: %d, %v", d.all, d.open)
	}
	d = w.door(&crowd{from: strings.Fields(strings.Repeat("203.0.113.3 ", 300))}, 4096)
	let := 0
	for _, err := d.Accept(); err == nil; _, err = d.Accept() {
		let++
	}
	if let < arrivalsBurst || let > arrivalsBurst+20 {
		t.Errorf("of 300 connections at once, %d were let in", let)
	}
	d = w.door(&crowd{from: strings.Fields(strings.Repeat("198.51.100.7 ", 3000))}, 4096)
	let = 0
	for _, err := d.Accept(); err == nil; _, err = d.Accept() {
		let++
	}
	if let != connsPerKnown {
		t.Errorf("%d connections of one address were let in", let)
	}
}

// A command that the rules break down on is refused, and the desk goes on.
func TestRulesThatBreakDown(t *testing.T) {
	var said strings.Builder
	d := &Desk{logger: slog.New(slog.NewTextHandler(&said, nil))}
	p := pending{Desk: d, fork: nil} // nothing to decide on
	_, err := p.judge(desk.Command{ID: store.DeviceID("adaadaadaadaadaa", 1), Kind: desk.NoteAdded, Actor: "ada", Role: desk.Specialist, Conversation: "c", Body: []byte(`{"text":"he has my passport"}`)})
	if r, ok := err.(*desk.Refusal); !ok || r.Code != desk.CodeBad { //nolint:errorlint // as it is
		t.Errorf("%v", err)
	}
	if !strings.Contains(said.String(), "decide.go:") || strings.Contains(said.String(), "passport") {
		t.Errorf("the log says %s", said.String())
	}
}

// Old TLS and old suites are refused whatever else the configuration says.
func TestModern(t *testing.T) {
	if modern(nil) != nil {
		t.Error("none became one")
	}
	c := modern(&tls.Config{MinVersion: tls.VersionTLS10}) //nolint:gosec // that is what is refused
	if c.MinVersion != tls.VersionTLS12 {
		t.Errorf("from version %x", c.MinVersion)
	}
	for _, id := range c.CipherSuites {
		name := tls.CipherSuiteName(id)
		if !strings.HasPrefix(name, "TLS_ECDHE_") || strings.Contains(name, "CBC") {
			t.Errorf("%s is taken", name)
		}
	}
	if modern(&tls.Config{MinVersion: tls.VersionTLS13}).MinVersion != tls.VersionTLS13 {
		t.Error("1.3 alone became less")
	}
}
