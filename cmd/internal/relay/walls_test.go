package relay_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/storetest"
	"befree.example/store/triage"
)

// Addresses of documentation: a carrier's, and of people who mean no good.
const (
	carriers = "198.51.100.7"
	stranger = "203.0.113.9"
)

// A fort is a relay on a network within the process, where the test says from which address a connection comes.
type fort struct {
	*cable
	t     testing.TB
	log   store.Log
	staff relay.StaffFile
	said  *safeBuffer
	stop  func() error

	secret  bool // over TLS
	members int
}

// A safeBuffer is a log of a relay that a test reads.
type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// from is a conn that comes from an address.
type from struct {
	local
	address string
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.address), Port: 4711} }

func fortified(t testing.TB, change func(*relay.Config)) *fort {
	f := &fort{cable: newCable(), t: t, log: storetest.Memory(), said: &safeBuffer{}}
	f.staff = relay.StaffFile(filepath.Join(t.TempDir(), "staff.toml"))
	twilio, err := twilio.New(twilio.Config{
		Account: twiliotest.Account, Tokens: []string{twiliotest.Token}, PublicURL: "https://relay.example.org", From: twiliotest.Number,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := relay.Config{
		Listener: f.cable, Log: f.log, Number: twiliotest.Number, Gateway: &carrier{}, Webhooks: twilio.Handler, Enrolment: f.staff,
		Rules: triage.Default(), Logger: slog.New(slog.NewTextHandler(f.said, nil)),
	}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- relay.Serve(ctx, c) }()
	f.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	})
	f.secret = c.TLS != nil
	for { // until it takes texts
		if answer, err := f.get("127.0.0.1", "/readyz"); err == nil && answer.StatusCode == http.StatusOK {
			return f
		}
		time.Sleep(time.Millisecond)
	}
}

// dial connects from an address.
func (f *fort) dial(ctx context.Context, address string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case f.conns <- from{local{there}, address}:
		return here, nil
	case <-f.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fort) client(address string) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return f.dial(ctx, address)
	}}}
}

func (f *fort) get(address, path string) (*http.Response, error) {
	return f.do(address, http.MethodGet, path, "", nil)
}

func (f *fort) do(address, method, path, body string, head http.Header) (*http.Response, error) {
	scheme := map[bool]string{true: "https", false: "http"}[f.secret]
	r, err := http.NewRequestWithContext(context.Background(), method, scheme+"://relay.example.org"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range head {
		r.Header[name] = values
	}
	answer, err := f.client(address).Do(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	return answer, err
}

// text has a webhook come in, with a token of the carrier's or another.
func (f *fort) text(address, sid, token string) (*http.Response, error) {
	form := url.Values{"MessageSid": {sid}, "AccountSid": {twiliotest.Account}, "From": {string(texter)}, "To": {twiliotest.Number}, "Body": {"help me"}}
	return f.do(address, http.MethodPost, "/twilio/sms", form.Encode(), http.Header{
		"Content-Type":       {"application/x-www-form-urlencoded"},
		"X-Twilio-Signature": {twiliotest.Sign(token, "https://relay.example.org/twilio/sms", form)},
	})
}

func (f *fort) wantText(address, sid string) {
	f.t.Helper()
	if answer, err := f.text(address, sid, twiliotest.Token); err != nil || answer.StatusCode != http.StatusOK {
		f.t.Fatalf("the carrier's text was answered by %v, %v", answer, err)
	}
	if _, err := f.log.Find(f.t.Context(), sid); err != nil {
		f.t.Fatalf("acknowledged, and not kept: %v", err)
	}
}

// texts is how many texts the log has.
func (f *fort) texts() (n int) {
	f.t.Helper()
	events, _, err := f.log.Read(f.t.Context(), store.Position{}, 10000)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == desk.Received {
			n++
		}
	}
	return n
}

// member enters somebody and returns what they sign in with.
func (f *fort) member(name string, role desk.Role) *mole {
	f.t.Helper()
	f.members++
	return enterMole(f.t, f.staff, name, f.members, role)
}

// knock opens a websocket from an address.
func (f *fort) knock(address string, head http.Header) (*websocket.Conn, *http.Response, error) {
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return f.dial(ctx, address)
	}}
	return d.Dial("ws://relay.example.org/line", head) //nolint:bodyclose // has none
}

// signIn signs in by the wire alone, and tells whether that was granted.
func (f *fort) signIn(address string, who *mole) (*websocket.Conn, error) {
	ws, _, err := f.knock(address, nil)
	if err != nil {
		return nil, err
	}
	var hello, welcome wire.Frame
	read(f.t, ws, &hello)
	auth := who.prove(hello.Hello, nil)
	write(f.t, ws, wire.Frame{Auth: &auth})
	read(f.t, ws, &welcome)
	if welcome.Welcome == nil {
		ws.Close()
		return nil, errors.New("refused")
	}
	write(f.t, ws, wire.Frame{Resume: &wire.Resume{}})
	return ws, nil
}

// Whoever is slow on purpose is dropped: in the header, in the body, and on the line before the sign-in, however often
// they say that they are still there.
func TestSlowPeersAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fortified(t, nil)
		for _, c := range []struct {
			name, begin string
			within      time.Duration
		}{
			{"header", "POST /twilio/sms HTTP/1.1\r\nHost: relay\r\nX: ", 7 * time.Second},
			{"body", "POST /twilio/sms HTTP/1.1\r\nHost: relay\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: x\r\nContent-Length: 60000\r\n\r\n", 13 * time.Second},
		} {
			conn, err := f.dial(t.Context(), stranger)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			ended := make(chan struct{})
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				close(ended)
			}()
			_, err = io.WriteString(conn, c.begin)
			for err == nil {
				_, err = io.WriteString(conn, "a")
				time.Sleep(time.Second)
			}
			<-ended
			if took := time.Since(began); took > c.within {
				t.Errorf("a slow %s was endured for %v", c.name, took)
			}
			conn.Close()
		}
		ws, _, err := f.knock(stranger, nil)
		if err != nil {
			t.Fatal(err)
		}
		began, quiet := time.Now(), make(chan struct{})
		go func() {
			defer close(quiet)
			for ws.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second)) == nil {
				time.Sleep(time.Second)
			}
		}()
		for err == nil && time.Since(began) < time.Hour {
			_ = ws.SetReadDeadline(time.Now().Add(time.Hour))
			_, _, err = ws.ReadMessage()
		}
		if took := time.Since(began); took > wire.AuthTimeout+2*time.Second {
			t.Errorf("somebody who never signs in was endured for %v", took)
		}
		ws.Close()
		<-quiet
		f.wantText(carriers, "SM1")
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	})
}

// The carrier comes from few addresses and consoles from one: what is signed, and who is let in, is never too much.
func TestManyAtOnceFromOneAddress(t *testing.T) {
	f := fortified(t, nil)
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			for range 150 { // within the 15 s that the carrier has, as it does where the door was shut
				answer, err := f.text(carriers, fmt.Sprintf("SM%d", i), twiliotest.Token)
				if err == nil && answer.StatusCode == http.StatusOK {
					return
				}
				if err == nil {
					t.Errorf("a signed text was answered %d", answer.StatusCode)
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Errorf("text %d was not taken", i)
		})
	}
	for i := range 40 {
		who := f.member(fmt.Sprintf("ada%d", i), desk.Specialist)
		all.Go(func() {
			ws, err := f.signIn("192.0.2.1", who)
			if err != nil {
				t.Error(err)
				return
			}
			ws.Close()
		})
	}
	all.Wait()
	if n := f.texts(); n != 500 {
		t.Errorf("%d texts", n)
	}
}

// A flood from elsewhere is answered 403, then 429 with the time to come again; what the carrier signs is taken all the
// while, also where the flood comes from the carrier's own address, as another customer of it can have it call us.
func TestFloodStarvesNoCarrier(t *testing.T) {
	for _, flooder := range []string{stranger, carriers} {
		t.Run(flooder, func(t *testing.T) {
			f := fortified(t, nil)
			codes := map[int]int{}
			var mu sync.Mutex
			var flood sync.WaitGroup
			for n := range 8 {
				flood.Go(func() {
					for i := range 40 {
						answer, err := f.text(flooder, fmt.Sprintf("SMforged%d-%d", n, i), "another")
						if err != nil {
							continue // closed at the door
						}
						mu.Lock()
						codes[answer.StatusCode]++
						mu.Unlock()
						if again := answer.Header.Get("Retry-After"); answer.StatusCode == http.StatusTooManyRequests && again == "" {
							t.Error("429 without the time to come again")
						}
					}
				})
			}
			for i := range 40 {
				f.carried(fmt.Sprintf("SM%d", i))
			}
			flood.Wait()
			if codes[http.StatusForbidden] == 0 || codes[http.StatusOK] > 0 || flooder == stranger && codes[http.StatusTooManyRequests] == 0 {
				t.Errorf("the flood was answered %v", codes)
			}
			if n := strings.Count(f.said.String(), "webhook refused"); n > 30 {
				t.Errorf("the flood filled the log with %d lines", n)
			}
			if n := f.texts(); n != 40 {
				t.Errorf("%d texts", n)
			}
		})
	}
}

// carried is a text that the carrier brings, trying again as it does.
func (f *fort) carried(sid string) {
	f.t.Helper()
	for range 6 {
		answer, err := f.text(carriers, sid, twiliotest.Token)
		if err == nil && answer.StatusCode == http.StatusOK {
			return
		}
		if err == nil && answer.StatusCode == http.StatusForbidden {
			f.t.Fatal("a signed text was refused")
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Fatalf("%s was not taken", sid)
}

// Strangers who hold every place for strangers keep each other out, and no carrier that has signed before.
func TestPlacesAreKeptForThoseWhoAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fortified(t, nil)
		f.wantText(carriers, "SM1")
		for n := range 64 {
			conn, err := f.dial(t.Context(), fmt.Sprintf("203.0.113.%d", n))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, err = io.WriteString(conn, "POST /twilio/sms HTTP/1.1\r\nHost: relay\r\nContent-Length: 9\r\n\r\n")
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		answer, err := f.text("203.0.113.200", "SM2", twiliotest.Token)
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "1" {
			t.Fatalf("a stranger more was answered %v, %v", answer, err)
		}
		f.wantText(carriers, "SM3")
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	})
}

// Behind a proxy on this machine everybody has the proxy's address: what it adds to X-Forwarded-For counts, and what the
// peer put there itself does not.
func TestProxysWordCounts(t *testing.T) {
	f := fortified(t, func(c *relay.Config) { c.BehindProxy = true })
	flood := func(peer string, forwarded ...string) (last int) {
		for range 40 {
			answer, err := f.do(peer, http.MethodPost, "/twilio/sms", "", http.Header{"X-Forwarded-For": forwarded})
			if err != nil {
				t.Fatal(err)
			}
			last = answer.StatusCode
		}
		return last
	}
	if got := flood("127.0.0.1", "198.51.100.99, "+stranger); got != http.StatusTooManyRequests {
		t.Errorf("a flood through the proxy ends with %d", got)
	}
	if got := flood("127.0.0.1", carriers); got != http.StatusTooManyRequests {
		t.Errorf("a flood through the proxy from another address ends with %d", got)
	}
	if got := flood("203.0.113.77", "127.0.0.1"); got != http.StatusTooManyRequests {
		t.Errorf("a peer that names another address ends with %d", got)
	}
	f = fortified(t, nil)
	if got := flood("127.0.0.1", stranger); got != http.StatusForbidden {
		t.Errorf("an address was believed that no proxy added: %d", got)
	}
}

func TestFailedSignInsAreBudgeted(t *testing.T) {
	f := fortified(t, nil)
	ada := f.member("ada", desk.Specialist)
	forged := strangeMole("ada")
	for n := range 20 {
		if _, err := f.signIn(stranger, forged); err == nil || err.Error() != "refused" {
			t.Fatalf("attempt %d: %v", n, err)
		}
	}
	for n := 0; ; n++ { // what is charged after the answer may be late
		ws, answer, err := f.knock(stranger, nil)
		if err != nil {
			if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
				t.Fatalf("after 20 attempts: %v, %v", answer, err)
			}
			break
		}
		ws.Close()
		if n > 500 {
			t.Fatal("there is no end to it")
		}
	}
	for range 30 { // an office has one address: who is let in spends nothing
		ws, err := f.signIn("192.0.2.1", ada)
		if err != nil {
			t.Fatal(err)
		}
		ws.Close()
	}
}

// TestQuestionsAreBudgeted: whoever asks all the time how the relay is, or what it keeps, is told to come again. Monitoring
// from this machine never is, and nothing else that comes from there is hindered.
func TestQuestionsAreBudgeted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fortified(t, func(c *relay.Config) { c.Privacy.Number = c.Number })
		paths := []string{"/healthz", "/readyz", "/privacy"}
		ask := func(address string, n int) (answer *http.Response) {
			t.Helper()
			answer, err := f.get(address, paths[n%len(paths)])
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		for n := range 60 {
			if got := ask(stranger, n).StatusCode; got != http.StatusOK {
				t.Fatalf("question %d was answered %d", n, got)
			}
		}
		for n := range paths {
			if got := ask(stranger, n); got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "1" {
				t.Errorf("%s was answered %d, come again in %q", paths[n], got.StatusCode, got.Header.Get("Retry-After"))
			}
		}
		for n := range 300 {
			if got := ask("127.0.0.1", n).StatusCode; got != http.StatusOK {
				t.Fatalf("this machine's question %d was answered %d", n, got)
			}
		}
		f.wantText(stranger, "SM1")
		time.Sleep(2 * time.Second)
		if got := ask(stranger, 0).StatusCode; got != http.StatusOK {
			t.Errorf("later it was answered %d", got)
		}
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	})
}

// An office has one address, and many who enrol in one morning: a right code spends nothing.
func TestEnrollingSpendsNothing(t *testing.T) {
	f := fortified(t, nil)
	for n := range 30 {
		name := fmt.Sprintf("ada%d", n)
		code, err := f.staff.Add(name, desk.Specialist)
		if err != nil {
			t.Fatal(err)
		}
		c := client.Config{URL: "ws://127.0.0.1:8233/line", Cache: openCache(t, filepath.Join(t.TempDir(), name+".db"), name), Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return f.dial(ctx, "192.0.2.1")
		}}
		_, err = client.Enrol(t.Context(), c, code)
		c.Cache.Close()
		if err != nil {
			t.Fatalf("the %d. of them: %v", n+1, err)
		}
	}
}

// What one member of staff asks for too fast is done all the same, later; nobody else waits.
func TestPaceOfOneConsole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fortified(t, nil)
		ada := f.member("ada", desk.Specialist)
		f.wantText(carriers, "SM1")
		ws, err := f.signIn("192.0.2.1", ada)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		const all = 300
		go func() {
			for n := range all {
				write(t, ws, wire.Frame{Command: &desk.Command{ID: store.DeviceID("adaadaadaadaadaa", uint64(n)+1), Kind: desk.Claimed, Conversation: "none"}})
			}
		}()
		began, answered := time.Now(), 0
		for answered < all {
			var got wire.Frame
			read(t, ws, &got)
			if got.Refused != nil {
				answered++
			}
			if answered == 100 {
				f.wantText(carriers, "SM2")
			}
		}
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("%d commands took %v", all, took)
		}
		ws.Close()
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A request that breaks down is answered, counted, and told without what it was about; the relay goes on.
func TestBreakingDownTellsNothing(t *testing.T) {
	const words = "he has my passport"
	broken := func(gateway.Receiver) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "well" {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			panic(fmt.Errorf("text %q", words))
		})
	}
	f := fortified(t, func(c *relay.Config) {
		c.Webhooks = broken
		c.Enrolment = breaking{c.Enrolment, words}
		c.Gateway = &carrier{fetch: func(context.Context, gateway.Media) ([]byte, string, error) { panic(words) }}
	})
	answer, err := f.do(stranger, http.MethodPost, "/twilio/sms", words, nil)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Fatalf("%v, %v", answer, err)
	}
	ben := strangeMole("ben")
	ws, _, err := f.knock(stranger, nil)
	if err != nil {
		t.Fatal(err)
	}
	var hello wire.Frame
	read(t, ws, &hello)
	auth := ben.prove(hello.Hello, nil)
	write(t, ws, wire.Frame{Auth: &auth})
	if _, _, err := ws.ReadMessage(); err == nil {
		t.Fatal("the sign-in broke down and was answered")
	}
	ws.Close()
	if answer, err := f.do(stranger, http.MethodPost, "/twilio/sms?well", "", nil); err != nil || answer.StatusCode != http.StatusNoContent {
		t.Fatalf("afterwards: %v, %v", answer, err)
	}
	for strings.Count(f.said.String(), "broke down\" where") < 2 { // it is told after the connection ended
		time.Sleep(time.Millisecond)
	}
	if err := f.stop(); err != nil {
		t.Fatal(err)
	}
	said := f.said.String()
	if strings.Contains(said, words) || strings.Contains(said, "passport") {
		t.Errorf("the log says on what:\n%s", said)
	}
	if strings.Count(said, "walls_test.go:") < 2 || !strings.Contains(said, "broke down 2") {
		t.Errorf("the log does not say where and how often:\n%s", said)
	}
}

// breaking is an enrolment that breaks down for ben.
type breaking struct {
	relay.Enrolment
	words string
}

func (b breaking) Admit(a wire.Auth, nonce, channel []byte) (relay.Member, relay.Device, error) {
	if a.Name == "ben" {
		panic(b.words)
	}
	return b.Enrolment.Admit(a, nonce, channel)
}

// A mistake of ours while a file is fetched is counted like all others, and ends nothing.
func TestConsoleThatBreaksSomething(t *testing.T) {
	const words = "he has my passport"
	f := fortified(t, func(c *relay.Config) {
		c.Gateway = &carrier{fetch: func(context.Context, gateway.Media) ([]byte, string, error) { panic(words) }}
		c.Webhooks = nil
		c.Inbound = func(ctx context.Context, r gateway.Receiver) error {
			err := r.Receive(ctx, gateway.Inbound{SID: "SM1", From: texter, To: "233733", Body: words, Media: []gateway.Media{{URL: "https://x", Type: "image/png"}}})
			<-ctx.Done()
			return err
		}
	})
	ws, err := f.signIn(stranger, f.member("ada", desk.Specialist))
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	conversation := ""
	for conversation == "" {
		var got wire.Frame
		read(t, ws, &got)
		if got.Part != nil {
			conversation = got.Part.Conversation
		}
		if got.Events != nil {
			conversation = got.Events.Events[0].Conversation
		}
	}
	go func() {
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
	}()
	write(t, ws, wire.Frame{Collect: &wire.Collect{ID: "x", Conversation: conversation, Message: "SM1"}})
	for !strings.Contains(f.said.String(), "fetching a file broke down") {
		time.Sleep(time.Millisecond)
	}
	if said := f.said.String(); strings.Contains(said, "passport") {
		t.Errorf("the log says on what:\n%s", said)
	}
}

// What the relay says to strangers names no program and no version, and it speaks to no web page.
func TestNothingIsToldToStrangers(t *testing.T) {
	f := fortified(t, nil)
	for _, c := range []struct{ method, path string }{
		{"GET", "/"},
		{"GET", "/healthz"},
		{"GET", "/readyz"},
		{"GET", "/twilio/"},
		{"GET", "/twilio/sms"},
		{"POST", "/twilio/sms"},
		{"GET", "/line"},
		{"GET", "/../../etc/passwd"},
		{"TRACE", "/"},
		{"GET", "/debug/pprof/"},
		{"GET", "/debug/vars"},
		{"GET", "/.git/config"},
	} {
		conn, err := f.dial(t.Context(), stranger)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: relay\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n", c.method, c.path)
		raw, _ := io.ReadAll(conn)
		for _, banner := range []string{"Server:", "X-Powered-By", "befree/", "go1.", "Content-Encoding", "<pre>"} {
			if bytes.Contains(raw, []byte(banner)) {
				t.Errorf("%s %s says %q:\n%s", c.method, c.path, banner, raw)
			}
		}
		conn.Close()
	}
	_, answer, err := f.knock(stranger, http.Header{"Origin": {"http://relay.example.org"}})
	if err == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("a web page is answered %v, %v", answer, err)
	}
	ws, answer, err := f.knock("192.0.2.1", http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate"}})
	if err != nil || answer.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Errorf("compression: %v, %v", answer, err)
	}
	ws.Close()
}

// A header, a body and a frame that are too long are refused before they are understood.
func TestTooLong(t *testing.T) {
	f := fortified(t, nil)
	conn, err := f.dial(t.Context(), stranger)
	if err != nil {
		t.Fatal(err)
	}
	go fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: relay\r\nX: %s\r\n\r\n", strings.Repeat("a", 24<<10))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("a header of 24 KB: %q, %v", line, err)
	}
	conn.Close()
	answer, err := f.do(stranger, http.MethodPost, "/twilio/sms", strings.Repeat("a", 64<<10+1), nil)
	if err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 64 KB and a byte: %v, %v", answer, err)
	}
	ws, _, err := f.knock(stranger, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = ws.WriteJSON(wire.Frame{Auth: &wire.Auth{Name: strings.Repeat("a", 5<<10)}}) }()
	for err == nil {
		_, _, err = ws.ReadMessage()
	}
	if !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("5 KB before the sign-in: %v", err)
	}
	if ws, err = f.signIn("192.0.2.1", f.member("ada", desk.Specialist)); err != nil {
		t.Fatal(err)
	}
	go func() { _ = ws.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte(" "), wire.MaxFrame+1)) }()
	for err == nil {
		_, _, err = ws.ReadMessage()
	}
	if !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("a frame of 64 KB and a byte: %v", err)
	}
}

// Consoles are served over TLS 1.3 alone, a carrier over 1.2 with forward secrecy and authenticated encryption too.
func TestOldTLSIsRefused(t *testing.T) {
	lender := httptest.NewTLSServer(http.NotFoundHandler()) // of its certificate
	defer lender.Close()
	f := fortified(t, func(c *relay.Config) {
		c.TLS = &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"http/1.1"}}
	})
	ask := func(path string, c *tls.Config) (int, error) {
		c.InsecureSkipVerify = true
		raw, err := f.dial(t.Context(), stranger)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		conn := tls.Client(raw, c)
		if err := conn.HandshakeContext(t.Context()); err != nil {
			return 0, err
		}
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n", path); err != nil {
			return 0, err
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		return answer.StatusCode, nil
	}
	for _, c := range []struct {
		name, path string
		tls        *tls.Config
		want       int // 0 for no handshake
	}{
		{"1.1", "/readyz", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, 0},
		{"1.2, CBC", "/readyz", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}}, 0},
		{"1.2, no forward secrecy", "/readyz", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, 0},
		{"1.2", "/readyz", &tls.Config{MaxVersion: tls.VersionTLS12}, http.StatusOK},
		{"console over 1.2", "/line", &tls.Config{MaxVersion: tls.VersionTLS12}, http.StatusForbidden},
		{"console over 1.3", "/line", &tls.Config{}, http.StatusBadRequest}, // as it is no websocket
	} {
		if got, err := ask(c.path, c.tls); got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
}

// A machine that has no more files to give takes connections again as soon as it has.
func TestNoMoreFilesIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := &short{}
		f := fortified(t, func(c *relay.Config) {
			short.Listener = c.Listener
			c.Listener = short
		})
		short.starve(50) // from the connection after the one that it waits for
		f.wantText(carriers, "SM1")
		time.Sleep(time.Minute)
		f.wantText(carriers, "SM2")
		if err := f.stop(); err != nil {
			t.Error(err)
		}
		if short.left > 0 {
			t.Errorf("accepting ended with %d errors to go", short.left)
		}
		if n := strings.Count(f.said.String(), "connections cannot be taken"); n != 1 || !strings.Contains(f.said.String(), "too many open files") {
			t.Errorf("it was said %d times, or not why", n)
		}
	})
}

// short is a listener of a machine without files.
type short struct {
	net.Listener
	mu   sync.Mutex
	left int
}

func (s *short) starve(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = n
}

func (s *short) Accept() (net.Conn, error) {
	s.mu.Lock()
	starved := s.left > 0
	if starved {
		s.left--
	}
	s.mu.Unlock()
	if starved {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return s.Listener.Accept()
}
