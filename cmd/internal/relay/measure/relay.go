package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

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

// everybody is an enrolment that lets everybody in as ada: what signing in costs is no part of what is measured.
type everybody struct{}

var ada = relay.Member{Name: "ada", Role: desk.Specialist, Devices: []relay.Device{{ID: "measuremeasureme"}}}

func (everybody) Relay() (string, error) { return "measure", nil }

func (everybody) Admit(wire.Auth, []byte, []byte) (relay.Member, relay.Device, error) {
	return ada, ada.Devices[0], nil
}

func (everybody) Enrol(wire.Enrol, []byte, []byte) (wire.Enrolled, error) {
	return wire.Enrolled{}, errors.New("everybody is known")
}
func (everybody) Read() (relay.Staff, error)   { return relay.Staff{Members: []relay.Member{ada}}, nil }
func (everybody) Version() (store.Hash, error) { return store.Hash{}, nil }

// A line is a carrier that brings what it is told to.
type line struct {
	up chan gateway.Receiver
	in gateway.Receiver
	n  int
}

func (l *line) run(ctx context.Context, r gateway.Receiver) error {
	l.up <- r
	<-ctx.Done()
	return nil
}

func (l *line) text(ctx context.Context, from string) error {
	if l.in == nil {
		l.in = <-l.up
	}
	l.n++
	return l.in.Receive(ctx, gateway.Inbound{SID: fmt.Sprintf("SM%d", l.n), From: sms.Number(from), To: "233733", Body: "are you there? he went out"})
}

func (l *line) Send(context.Context, gateway.Outgoing) (string, error) {
	return "", gateway.ErrUnknown
}

func (l *line) List(context.Context, gateway.Query) (gateway.Page, error) {
	return gateway.Page{}, nil
}

func (l *line) Whole(context.Context, gateway.Listed) (gateway.Inbound, error) {
	return gateway.Inbound{}, gateway.ErrMediaGone
}

func (l *line) Fetch(context.Context, gateway.Media) ([]byte, string, error) {
	return nil, "", gateway.ErrMediaGone
}

// A running relay.
type running struct {
	*line
	address string
	stop    func() error
}

// onDisk is a log as a relay keeps one, in a folder.
func onDisk(ctx context.Context, folder string) (*relay.Data, error) {
	dir := filepath.Join(folder, "data")
	return relay.OpenData(ctx, dir, relay.KeyFile(dir))
}

func start(ctx context.Context, log store.Log, address string, change func(*relay.Config)) (*running, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	r := &running{line: &line{up: make(chan gateway.Receiver, 1)}, address: l.Addr().String()}
	conf := relay.Config{
		Listener: l, Log: log, Number: "233733", Gateway: r.line, Inbound: r.run, Enrolment: everybody{},
		Rules: triage.Default(), Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&conf)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- relay.Serve(ctx, conf) }()
	r.stop = func() error {
		cancel()
		return <-ended
	}
	return r, nil
}

// webhooks measures a signed webhook over HTTP until its 200, one after another, beside as many raw writes that are made
// durable.
func webhooks(ctx context.Context, dir string) error {
	const public, calls = "https://relay.example.org", 2000
	data, err := onDisk(ctx, dir)
	if err != nil {
		return err
	}
	defer data.Close()
	t, err := twilio.New(twilio.Config{Account: twiliotest.Account, Tokens: []string{twiliotest.Token}, PublicURL: public, From: "233733", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	r, err := start(ctx, data, "127.0.0.1:0", func(c *relay.Config) { c.Webhooks, c.Inbound = t.Handler, nil })
	if err != nil {
		return err
	}
	raw, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return err
	}
	defer raw.Close()
	var hooks, syncs []time.Duration
	record := make([]byte, size)
	for n := range calls {
		began := time.Now()
		if err := post(ctx, "http://"+r.address+"/twilio/sms", public+"/twilio/sms", n); err != nil {
			return err
		}
		hooks = append(hooks, time.Since(began))
		began = time.Now()
		if _, err := raw.Write(record); err != nil {
			return err
		}
		if err := unix.Fdatasync(int(raw.Fd())); err != nil {
			return err
		}
		syncs = append(syncs, time.Since(began))
	}
	hook, sync := median(hooks), median(syncs)
	row("webhook to 200, p50", "%.2f ms", hook.Seconds()*1000)
	row("  times a raw write and fdatasync, p50", "%.2f  (%.2f ms)", hook.Seconds()/sync.Seconds(), sync.Seconds()*1000)
	return r.stop()
}

func post(ctx context.Context, to, public string, n int) error {
	form := url.Values{
		"MessageSid": {fmt.Sprintf("SM%d", n)}, "AccountSid": {twiliotest.Account}, "From": {fmt.Sprintf("+12025550%d", 100+n%100)},
		"To": {"233733"}, "Body": {"he says i owe him for the trip, what can i do"}, "NumMedia": {"0"},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", twiliotest.Sign(twiliotest.Token, public, form))
	for {
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is kept
		answer.Body.Close()
		if answer.StatusCode == http.StatusServiceUnavailable { // it is starting
			r.Body, _ = r.GetBody()
			continue
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("webhook answered %d", answer.StatusCode)
		}
		return nil
	}
}

func encode(f wire.Frame) []byte {
	raw, err := json.Marshal(f)
	if err != nil {
		panic(err) // our own types
	}
	return raw
}
