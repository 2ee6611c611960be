package relay_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/relay"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// secure is a house whose relay serves with a certificate that it made itself.
func secure(t *testing.T) *house {
	t.Helper()
	pair, fingerprint := certificate(t)
	h := &house{t: t, dir: t.TempDir(), log: storetest.Memory(), own: &tls.Config{Certificates: []tls.Certificate{pair}}}
	if err := relay.StaffFile(filepath.Join(h.dir, "staff.toml")).ServeWith(fingerprint); err != nil {
		t.Fatal(err)
	}
	return furnish(h)
}

func certificate(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	pair, fingerprint, err := relay.OwnCertificate(filepath.Join(t.TempDir(), "own.tls"))
	if err != nil {
		t.Fatal(err)
	}
	return pair, fingerprint
}

// A middle stands between consoles and a relay, with a certificate of its own, and hands on what it reads.
type middle struct {
	net.Listener
	heard    atomic.Int64 // bytes of consoles that it could read
	carrying sync.WaitGroup
}

func stand(t *testing.T, pair tls.Certificate, relay string) *middle {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	m := &middle{Listener: l}
	t.Cleanup(func() {
		l.Close()
		m.carrying.Wait()
	})
	m.carrying.Go(func() {
		for {
			victim, err := l.Accept()
			if err != nil {
				return
			}
			m.carrying.Go(func() { m.carry(victim, relay) })
		}
	})
	return m
}

func (m *middle) carry(victim net.Conn, relay string) {
	defer victim.Close()
	onward, err := tls.Dial("tcp", relay, &tls.Config{InsecureSkipVerify: true}) //nolint:noctx,gosec // it is the villain
	if err != nil {
		return
	}
	defer onward.Close()
	go func() {
		_, _ = io.Copy(victim, onward)
		victim.Close()
	}()
	n, _ := io.Copy(onward, victim)
	m.heard.Add(n)
}

func (h *house) conf(t *testing.T, owner string) client.Config {
	t.Helper()
	c := client.Config{URL: h.address, Cache: openCache(t, filepath.Join(t.TempDir(), owner+".db"), owner)}
	if h.cable != nil {
		c.Dial = h.cable.dial(func() int { return 0 })
	}
	t.Cleanup(func() { c.Cache.Close() })
	return c
}

func says(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Fatalf("it says %v, not %q", err, words)
	}
}

// between stands between ada's console, which trusts what trust says, and the relay. She is told in these words that she
// cannot enrol through it, and enrols straight; through is her console with it in between.
func (h *house) between(t *testing.T, trust *tls.Config, words string) (m *middle, through *client.Client, straight client.Config) {
	t.Helper()
	theirs, _ := certificate(t)
	m = stand(t, theirs, strings.TrimSuffix(strings.TrimPrefix(h.address, "wss://"), "/line"))
	code, err := h.staff.Add("ada", desk.Specialist)
	if err != nil {
		t.Fatal(err)
	}
	straight = h.conf(t, "ada")
	straight.TLS = trust
	crooked := straight
	crooked.URL = "wss://" + m.Addr().String() + "/line"
	_, err = client.Enrol(t.Context(), crooked, code)
	says(t, err, words)
	if _, err := client.Enrol(t.Context(), straight, code); err != nil { // the code was not used up
		t.Fatal(err)
	}
	if through, err = client.New(crooked); err != nil {
		t.Fatal(err)
	}
	return m, through, straight
}

func TestManInTheMiddleAgainstThePin(t *testing.T) {
	h := secure(t)
	m, cl, straight := h.between(t, nil, "somebody may stand between")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- cl.Run(ctx) }()
	d := &desktop{Client: cl, t: t, name: "ada"}
	d.until("the trouble", func() bool { return strings.Contains(d.Status().Trouble, "somebody may stand between") })
	cancel()
	if err := <-ended; err != nil || m.heard.Load() > 0 {
		t.Fatalf("%v; it heard %d bytes", err, m.heard.Load())
	}
	again, err := client.New(straight)
	if err != nil {
		t.Fatal(err)
	}
	d = &desktop{Client: again, t: t, name: "ada"}
	d.run()
	d.until("to be in step", func() bool { return d.Status().InStep() })
	d.end()
}

// Somebody in the middle has a certificate that the console's system trusts. What the console says there is of no use.
func TestManInTheMiddleAgainstTheChannel(t *testing.T) {
	h := secure(t)
	if err := h.staff.ServeWith(nil); err != nil { // as if the relay's certificate were an authority's
		t.Fatal(err)
	}
	trusting := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // as a system does whose authority works for the villain
	m, cl, _ := h.between(t, trusting, "not known here")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := cl.Run(ctx)
	says(t, err, "somebody stands between")
	m.Close()
	m.carrying.Wait()
	if m.heard.Load() == 0 {
		t.Error("nobody stood in the middle")
	}
	if !errors.Is(err, client.ErrRefused) {
		t.Fatal(err)
	}
}

// A raw is a connection of which there is only the wire.
type raw struct {
	t     testing.TB
	ws    *websocket.Conn
	hello *wire.Hello
}

func (h *house) raw(t testing.TB, dial func(context.Context, string, string) (net.Conn, error)) *raw {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, NetDialContext: dial}
	ws, answer, err := d.DialContext(t.Context(), h.address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	t.Cleanup(func() { ws.Close() })
	r := &raw{t: t, ws: ws}
	r.hello = r.hear().Hello
	return r
}

func (r *raw) hear() (f wire.Frame) {
	read(r.t, r.ws, &f)
	return f
}

func (r *raw) say(f wire.Frame) wire.Frame {
	write(r.t, r.ws, f)
	return r.hear()
}

// enrolled is somebody's cache whose device the relay knows.
func (h *house) enrolled(t *testing.T, name string, role desk.Role) (*bolt.Cache, *client.Client) {
	t.Helper()
	code, err := h.staff.Add(name, role)
	if err != nil {
		t.Fatal(err)
	}
	c := h.conf(t, name)
	if _, err := client.Enrol(t.Context(), c, code); err != nil {
		t.Fatal(err)
	}
	cl, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return c.Cache, cl
}

func TestReplayedProof(t *testing.T) {
	h := open(t, storetest.Memory())
	_, ada := h.enrolled(t, "ada", desk.Specialist)
	first := h.raw(t, nil)
	auth := ada.Identity.Prove(first.hello.Nonce, nil)
	if f := first.say(wire.Frame{Auth: &auth}); f.Welcome == nil {
		t.Fatalf("the first time: %+v", f)
	}
	second := h.raw(t, nil)
	if f := second.say(wire.Frame{Auth: &auth}); f.Refused == nil || !strings.Contains(f.Refused.Text, "not known here") || bytes.Equal(first.hello.Nonce, second.hello.Nonce) {
		t.Fatalf("the same proof again: %+v", f)
	}
	other := ada.Identity.Prove(first.hello.Nonce, nil) // the first challenge, answered anew
	if f := h.raw(t, nil).say(wire.Frame{Auth: &other}); f.Refused == nil {
		t.Fatal("an older challenge counts")
	}
}

// Clocks a year apart are told on both sides, and nobody is let in with times that cannot be right.
func TestClockWrongByAYear(t *testing.T) {
	h := open(t, storetest.Memory())
	cache, _ := h.enrolled(t, "ada", desk.Specialist)
	for _, off := range []time.Duration{-365 * 24 * time.Hour, 365 * 24 * time.Hour} {
		r := h.raw(t, nil)
		a := wire.Auth{Name: "ada", Device: cache.DeviceID(), At: time.Now().Add(off).UTC()}
		a.Proof = cache.Sign(wire.SignIn(a, r.hello.Relay, r.hello.Nonce, nil))
		f := r.say(wire.Frame{Auth: &a})
		if f.Refused == nil || f.Refused.Code != desk.CodeClock || !strings.Contains(f.Refused.Text, a.At.Format("2 January 2006")) || !strings.Contains(f.Refused.Text, time.Now().UTC().Format("2 January 2006")) {
			t.Errorf("%v: %+v", off, f.Refused)
		}
		r = h.raw(t, nil)
		e := wire.Enrol{Name: "ada", Device: "0123456789abcdef", At: time.Now().Add(off)}
		if f := r.say(wire.Frame{Enrol: &e}); f.Refused == nil || f.Refused.Code != desk.CodeClock {
			t.Errorf("enrolling: %+v", f.Refused)
		}
	}
	for off, words := range map[time.Duration]string{-365 * 24 * time.Hour: "15 minutes", 365 * 24 * time.Hour: "clock was set back"} {
		code, err := h.staff.Invite("ada")
		if err != nil {
			t.Fatal(err)
		}
		err = h.staff.Edit(func(s *relay.Staff) error { // the relay's clock has moved since
			codes := s.Members[0].Codes
			codes[len(codes)-1].Since = codes[len(codes)-1].Since.Add(off)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Enrol(t.Context(), h.conf(t, "ada"), code)
		says(t, err, words)
	}
}

// A certificate of an authority is judged by this machine's clock, and it is said which times do not fit.
func TestCertificateAtAWrongTime(t *testing.T) {
	h := secure(t)
	_, err := client.Enrol(t.Context(), func() client.Config {
		c := h.conf(t, "ada")
		roots := x509.NewCertPool()
		roots.AddCert(h.own.Certificates[0].Leaf)
		c.TLS = &tls.Config{RootCAs: roots, ServerName: "befree", Time: func() time.Time { return time.Now().AddDate(-1, 0, 0) }}
		return c
	}(), wire.NewCode(nil))
	says(t, err, "set this machine's clock")
}

func TestCodeIsGoodOnce(t *testing.T) {
	h := open(t, storetest.Memory())
	code, err := h.staff.Add("ada", desk.Supervisor)
	if err != nil {
		t.Fatal(err)
	}
	first := h.conf(t, "ada")
	for range 2 { // the same device once more: it did not hear the answer
		if role, err := client.Enrol(t.Context(), first, code); err != nil || role != desk.Supervisor {
			t.Fatal(role, err)
		}
	}
	_, err = client.Enrol(t.Context(), h.conf(t, "ada"), code)
	says(t, err, "used already")
	_, err = client.Enrol(t.Context(), h.conf(t, "ben"), code)
	says(t, err, "not known here under this name")
	members, err := h.staff.Members()
	if err != nil || len(members) != 1 || len(members[0].Devices) != 1 || len(members[0].Codes) != 0 {
		t.Fatalf("%+v, %v", members, err)
	}
	file, err := os.ReadFile(string(h.staff))
	if err != nil || strings.Contains(string(file), code.Reveal()) {
		t.Fatal("the code itself lies in the file", err)
	}
}

// Two devices with one code at one moment: one of them is enrolled.
func TestOneCodeAtOnce(t *testing.T) {
	h := open(t, storetest.Memory())
	code, err := h.staff.Add("ada", desk.Specialist)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	const devices = 8
	for range devices {
		c := h.conf(t, "ada")
		go func() {
			_, err := client.Enrol(t.Context(), c, code)
			results <- err
		}()
	}
	won := 0
	for range devices {
		if err := <-results; err == nil {
			won++
		}
	}
	if members, err := h.staff.Members(); err != nil || won != 1 || len(members[0].Devices) != 1 {
		t.Fatalf("%d were told that they are enrolled, %+v, %v", won, members, err)
	}
}

func TestTenThousandGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, dir: t.TempDir(), log: storetest.Memory(), cable: newCable()}
		h.staff = relay.StaffFile(filepath.Join(h.dir, "staff.toml"))
		h.serve()
		defer h.stop()
		code, err := h.staff.Add("ada", desk.Specialist)
		if err != nil {
			t.Fatal(err)
		}
		c := h.conf(t, "ada")
		said := map[string]int{}
		for range 10_000 {
			_, err := client.Enrol(t.Context(), c, wire.NewCode(nil))
			said[strings.Join(strings.Fields(fmt.Sprint(err))[:3], " ")]++
		}
		if said["This code is"] != 5 || said["Too many wrong"] != 9995 {
			t.Fatalf("it was said: %v", said)
		}
		_, err = client.Enrol(t.Context(), c, code)
		says(t, err, "a code that was given to you is not lost")
		time.Sleep(time.Minute)
		if _, err := client.Enrol(t.Context(), c, code); err != nil {
			t.Fatal(err)
		}
	})
}

// A device is revoked while its console is open: at once it is shown out, and what it held cannot be read any more.
func TestRevokedAtWork(t *testing.T) {
	h := open(t, storetest.Memory())
	ada, ben := h.sign("ada", desk.Specialist), h.sign("ben", desk.Specialist)
	h.carrier.text(t, "SM1", "help me")
	ada.claim()
	ben.until("her claim", func() bool { return ben.only() != nil && ben.only().Owner == "ada" })
	path := ada.path
	began := time.Now()
	revoked, err := h.staff.Revoke("ada", "")
	if err != nil || len(revoked) != 1 || revoked[0] != ada.Cache.DeviceID() {
		t.Fatal(revoked, err)
	}
	err = <-ada.ended
	ada.ended <- nil
	says(t, err, "This device was revoked")
	t.Logf("shown out after %v", time.Since(began).Round(time.Millisecond))
	if err := ada.Cache.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = bolt.OpenCache(path, bolt.CacheOptions{Owner: "ada", Passphrase: []byte(passphrase), ClassOf: desk.ClassOf})
	if !errors.Is(err, bolt.ErrRevoked) {
		t.Fatalf("its cache: %v", err)
	}
	ben.until("the conversation to wait again", func() bool { return ben.only() != nil && ben.only().Phase == desk.Waiting })
	ben.must(ben.only(), desk.Claimed, nil)
	ben.until("the claim", func() bool { return ben.only().Owner == "ben" })
}

// A device that was away when it was revoked learns it when it comes back.
func TestRevokedWhileAway(t *testing.T) {
	h := open(t, storetest.Memory())
	ada := h.sign("ada", desk.Specialist)
	ada.end()
	if _, err := h.staff.Revoke("ada", ada.Cache.DeviceID()); err != nil {
		t.Fatal(err)
	}
	says(t, ada.Run(t.Context()), "This device was revoked")
	if err := ada.Cache.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ada.path + ".key"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("its lock is there: %v", err)
	}
}

// Whoever says "revoked" and is not the relay destroys nothing, and neither does a relay that lost its staff.
func TestNobodyElseRevokes(t *testing.T) {
	h := open(t, storetest.Memory())
	ada := h.sign("ada", desk.Specialist)
	ada.end()
	err := h.staff.Edit(func(s *relay.Staff) error {
		now := time.Now()
		s.Members[0].Devices[0].Revoked, s.Members[0].Devices[0].End = &now, "00112233445566778899aabbccddeeff"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	says(t, ada.Run(t.Context()), "Nothing here was touched")
	if err := h.staff.Edit(func(s *relay.Staff) error { s.Members = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	says(t, ada.Run(t.Context()), "not known here")
	if err := ada.Cache.Check([]byte(passphrase)); err != nil {
		t.Fatal(err)
	}
}

// Who gets another role is somebody else from the next second on.
func TestRoleChangesAtWork(t *testing.T) {
	h := open(t, storetest.Memory())
	ada, sue := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor)
	h.carrier.text(t, "SM1", "help me")
	c := ada.claim()
	sue.until("the claim", func() bool { return sue.only() != nil && sue.only().Owner == "ada" })
	if err := h.staff.SetRole("ada", desk.Administrator); err != nil {
		t.Fatal(err)
	}
	ada.until("the new role", func() bool { s := ada.Status(); return s.InStep() && s.Role == desk.Administrator })
	h.carrier.text(t, "SM2", "are you there")
	ada.until("the text", func() bool { return ada.only().LastText > c.LastText })
	if ada.only().Newest().Text != "" {
		t.Error("an administrator reads a text")
	}
	sue.until("the conversation to wait again", func() bool { return sue.only().Phase == desk.Waiting })
}

// A session that is over is proved anew on the same connection; one that is not proved ends.
func TestSessionIsProvedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, dir: t.TempDir(), log: storetest.Memory(), cable: newCable(), session: time.Hour}
		h.staff = relay.StaffFile(filepath.Join(h.dir, "staff.toml"))
		h.serve()
		defer h.stop()
		_, cl := h.enrolled(t, "ada", desk.Specialist)
		d := &desktop{Client: cl, t: t, name: "ada"}
		d.run()
		d.until("to be in step", func() bool { return d.Status().InStep() })
		since := d.Status().Since
		time.Sleep(5*time.Hour + time.Minute)
		if s := d.Status(); !s.InStep() || s.Since != since {
			t.Fatalf("the connection did not outlast its session: %+v", s)
		}
		d.end()

		r := h.raw(t, cl.Dial)
		auth := cl.Identity.Prove(r.hello.Nonce, nil)
		if f := r.say(wire.Frame{Auth: &auth}); f.Welcome == nil {
			t.Fatalf("%+v", f)
		}
		r.say(wire.Frame{Resume: &wire.Resume{}})
		asked := time.Now()
		if f := r.hear(); f.Prove == nil || time.Since(asked) < 59*time.Minute {
			t.Fatalf("%+v after %v", f, time.Since(asked))
		}
		if _, _, err := r.ws.ReadMessage(); err == nil || time.Since(asked) > time.Hour+time.Minute {
			t.Fatalf("it was left open: %v after %v", err, time.Since(asked))
		}
	})
}

// What its owner must be there for is done with the passphrase alone, and no proof of it serves twice.
func TestDangerousCommandNeedsThePassphrase(t *testing.T) {
	h := open(t, storetest.Memory())
	ada, sue := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor)
	h.carrier.text(t, "SM1", "help me")
	c := ada.claim()
	sue.until("the claim", func() bool { return sue.only() != nil && sue.only().Owner == "ada" })
	body, _ := json.Marshal(desk.Because{Reason: "ada is gone"})
	take := desk.Command{Kind: desk.TakenOver, Conversation: c.ID, Claim: c.Claim, Body: body}
	if _, err := sue.Do(t.Context(), take); !errors.Is(err, &desk.Refusal{Code: desk.CodeProof}) {
		t.Fatalf("without a passphrase: %v", err)
	}
	if _, err := sue.Surely(t.Context(), take, []byte("wrong")); err == nil || sue.only().Owner != "ada" {
		t.Fatalf("with a wrong one: %v", err)
	}
	sue.end()

	key, err := sue.Cache.Certain([]byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	signIn := func() *raw {
		r := h.raw(t, nil)
		auth := sue.Identity.Prove(r.hello.Nonce, nil)
		r.say(wire.Frame{Auth: &auth})
		head, _ := json.Marshal(wire.Frame{Resume: &wire.Resume{Epoch: r.hello.Epoch, After: r.hello.Last}})
		if err := r.ws.WriteMessage(websocket.TextMessage, head); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := signIn()
	take.ID = sue.Cache.DeviceID() + "-000000000901"
	for name, proof := range map[string][]byte{
		"no proof":                 nil,
		"the device's signature":   sue.Cache.Sign(wire.Certain(take, r.hello.Relay, sue.Cache.DeviceID(), r.hello.Nonce, nil)),
		"for another relay":        ed25519.Sign(key, wire.Certain(take, "other", sue.Cache.DeviceID(), r.hello.Nonce, nil)),
		"for an older connection":  ed25519.Sign(key, wire.Certain(take, r.hello.Relay, sue.Cache.DeviceID(), []byte("older"), nil)),
		"for another conversation": ed25519.Sign(key, wire.Certain(desk.Command{ID: take.ID, Kind: take.Kind, Conversation: "other", Body: body}, r.hello.Relay, sue.Cache.DeviceID(), r.hello.Nonce, nil)),
	} {
		take.Proof = proof
		if f := r.say(wire.Frame{Command: &take}); f.Refused == nil || f.Refused.Code != desk.CodeProof {
			t.Errorf("%s: %+v", name, f)
		}
	}
	take.Proof = ed25519.Sign(key, wire.Certain(take, r.hello.Relay, sue.Cache.DeviceID(), r.hello.Nonce, nil))
	again := signIn()
	if f := again.say(wire.Frame{Command: &take}); f.Refused == nil || f.Refused.Code != desk.CodeProof {
		t.Errorf("on another connection: %+v", f)
	}
	if f := r.say(wire.Frame{Command: &take}); f.Events == nil && f.Ack == nil {
		t.Fatalf("the right one: %+v", f)
	}
	ada.until("the takeover", func() bool { return ada.only().Owner == "sue" })
}

// Nobody takes the number of a colleague's next command, which would have it refused.
func TestCommandsBearTheNumbersOfTheirConsole(t *testing.T) {
	h := open(t, storetest.Memory())
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "help me")
	ada.until("a text", func() bool { return ada.only() != nil })
	_, ben := h.enrolled(t, "ben", desk.Specialist)
	r := h.raw(t, nil)
	auth := ben.Identity.Prove(r.hello.Nonce, nil)
	r.say(wire.Frame{Auth: &auth})
	write(t, r.ws, wire.Frame{Resume: &wire.Resume{Epoch: r.hello.Epoch, After: r.hello.Last}})
	claim := desk.Command{ID: ada.Cache.DeviceID() + "-000000000001", Kind: desk.Claimed, Conversation: ada.only().ID}
	if f := r.say(wire.Frame{Command: &claim}); f.Refused == nil || f.Refused.Code != desk.CodeBad {
		t.Fatalf("%+v", f)
	}
	ada.claim()
}

func TestConsolesOverTLSNeedThirteen(t *testing.T) {
	h := secure(t)
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}} //nolint:gosec // what is refused
	_, answer, err := d.DialContext(t.Context(), h.address, nil)
	if err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
		t.Fatalf("%v, %+v", err, answer)
	}
	answer.Body.Close()
}
