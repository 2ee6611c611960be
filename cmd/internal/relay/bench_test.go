package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// onDisk returns a real log: sealed, in a file.
func onDisk(b testing.TB) store.Log {
	dir := filepath.Join(b.TempDir(), "data")
	d, err := relay.OpenData(context.Background(), dir, relay.KeyFile(dir))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	return d
}

// BenchmarkConsoles is one text from its arrival until each of 1,000 consoles has its frame, over real websockets and
// a sealed log on disk. One op is one text; ns/console is a console's share.
func BenchmarkConsoles(b *testing.B) {
	const consoles = 1000
	h := open(b, onDisk(b))
	ada := h.sign("ada", desk.Specialist)
	ada.end()
	var arrived sync.WaitGroup
	for range consoles {
		go listen(b, signedIn(b, h.address, ada.Identity), &arrived)
	}
	<-h.carrier.up
	n := 0
	b.ResetTimer()
	for b.Loop() {
		arrived.Add(consoles)
		n++
		err := h.carrier.recv.Receive(b.Context(), gateway.Inbound{SID: fmt.Sprintf("SM%d", n), From: texter, To: "233733", Body: "are you there? he went out"})
		if err != nil {
			b.Fatal(err)
		}
		arrived.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*consoles), "ns/console")
}

// signedIn is a console of which there is only the wire.
func signedIn(b testing.TB, address string, who client.Identity) *websocket.Conn {
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}}
	ws, answer, err := d.Dial(address, nil)
	if err != nil {
		b.Fatal(err)
	}
	answer.Body.Close()
	b.Cleanup(func() { ws.Close() })
	var hello wire.Frame
	read(b, ws, &hello)
	auth := who.Prove(hello.Hello.Nonce, nil)
	write(b, ws, wire.Frame{Auth: &auth})
	var welcome, snapshot wire.Frame
	read(b, ws, &welcome)
	write(b, ws, wire.Frame{Resume: &wire.Resume{}})
	for snapshot.Snapshot == nil {
		read(b, ws, &snapshot)
	}
	return ws
}

type fataler interface{ Fatal(args ...any) }

func read(b fataler, ws *websocket.Conn, f *wire.Frame) {
	_, raw, err := ws.ReadMessage()
	if err == nil {
		err = json.Unmarshal(raw, f)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func write(b fataler, ws *websocket.Conn, f wire.Frame) {
	raw, err := wire.Encode(f)
	if err == nil {
		err = ws.WriteMessage(websocket.TextMessage, raw)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// listen counts events as they arrive.
func listen(b testing.TB, ws *websocket.Conn, arrived *sync.WaitGroup) {
	for {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			return // closed at the end
		}
		f, err := wire.Decode(raw)
		if err != nil {
			b.Error(err)
			return
		}
		if f.Events != nil {
			for range f.Events.Events {
				arrived.Done()
			}
		}
	}
}

// BenchmarkStart is the start of a relay on a log of 100,000 events: read, unseal, fold.
func BenchmarkStart(b *testing.B) {
	log := onDisk(b)
	fill(b, log, 100_000)
	for b.Loop() {
		if _, err := relay.NewDesk(b.Context(), log, desk.Policy{}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*100_000), "ns/event")
}

// BenchmarkWebhook is a signed webhook over HTTP from its first byte to the 200, which comes once the text is sealed, in
// the file and synced; from one caller after another, and from 64 at once.
func BenchmarkWebhook(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			const public = "https://relay.example.org"
			t, err := twilio.New(twilio.Config{Account: twiliotest.Account, Tokens: []string{twiliotest.Token}, PublicURL: public, From: "233733"})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			conf := relay.Config{
				Listener: l, Log: onDisk(b), Number: "233733", Gateway: &carrier{}, Webhooks: t.Handler,
				Enrolment: relay.StaffFile(filepath.Join(b.TempDir(), "staff.toml")), Rules: triage.Default(), Logger: slog.New(slog.DiscardHandler),
			}
			go func() { ended <- relay.Serve(ctx, conf) }()
			web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
			var n atomic.Int64
			b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
			call := func() {
				form := url.Values{
					"MessageSid": {fmt.Sprintf("SM%d", n.Add(1))}, "AccountSid": {twiliotest.Account}, "From": {"+12025550147"},
					"To": {"233733"}, "Body": {"he says i owe him for the trip, what can i do"}, "NumMedia": {"0"},
				}
				r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+l.Addr().String()+"/twilio/sms", strings.NewReader(form.Encode()))
				if err != nil {
					b.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("X-Twilio-Signature", twiliotest.Sign(twiliotest.Token, public+"/twilio/sms", form))
				answer, err := web.Do(r)
				if err != nil {
					b.Error(err)
					return
				}
				answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					b.Errorf("answered %d", answer.StatusCode)
				}
			}
			call() // the relay is up
			b.ResetTimer()
			if callers == 1 {
				for b.Loop() {
					call()
				}
			} else {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						call()
					}
				})
			}
			b.StopTimer()
			web.CloseIdleConnections()
			cancel()
			if err := <-ended; err != nil {
				b.Error(err)
			}
		})
	}
}

// fill appends texts of 1,000 texters, in batches as a desk would.
func fill(b testing.TB, log store.Log, n int) {
	s := desk.NewState(desk.Policy{})
	for done := 0; done < n; {
		var batch []store.Event
		for range min(1000, n-done) {
			done++
			raw, _ := json.Marshal(desk.Text{To: "233733", Text: sms.Text("he says i owe him for the trip, what can i do")})
			e, err := s.Decide(desk.Command{
				ID: fmt.Sprintf("SM%d", done), Kind: desk.Received, Conversation: fmt.Sprintf("c%d", done),
				Actor: store.Texter, Number: sms.Number(fmt.Sprintf("+1%03d5550147", 201+done%700)), Body: raw,
			}, store.Event{}.At)
			if err != nil {
				b.Fatal(err)
			}
			e.Seq = uint64(done)
			s.Apply(e)
			batch = append(batch, e)
		}
		if _, err := log.Append(context.Background(), batch...); err != nil {
			b.Fatal(err)
		}
	}
}
