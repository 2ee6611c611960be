package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/gateway/simulate"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/process"
	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

type serveCmd struct {
	dataFlags
	Listen  string        `help:"Address to listen on, for the carrier and the consoles." default:"127.0.0.1:8233" placeholder:"HOST:PORT"`
	Offline time.Duration `help:"For how long a console shows what it keeps without having been here." default:"720h"`
	Session time.Duration `help:"How long a console is taken for its owner's before it must prove it anew, which it does by itself." default:"12h"`
	tlsFlags

	BehindProxy bool `help:"Consoles and carrier come by a proxy on this machine, which adds their address at the end of X-Forwarded-For."`

	Carrier    string `help:"twilio for real texts, simulate for scripted ones." enum:"twilio,simulate" required:"" placeholder:"twilio|simulate"`
	Number     string `help:"Our number or short code." default:"233733"`
	Region     string `help:"Country whose numbers are written without a prefix." default:"US"`
	AutoAnswer bool   `help:"Answer HELP and STOP; off where the carrier does that itself, as Twilio does for long codes by default." default:"true" negatable:""`
	HelpText   string `help:"Answer to HELP and INFO, in neutral words." placeholder:"TEXT"`
	HelpTextES string `help:"The same in Spanish." placeholder:"TEXT"`
	StopText   string `help:"Confirmation of an opt-out, in neutral words." placeholder:"TEXT"`
	StopTextES string `help:"The same in Spanish." placeholder:"TEXT"`

	PublicURL       string `help:"Address under which the carrier reaches this relay, as it is configured there." placeholder:"URL"`
	TwilioAccount   string `help:"Account SID." placeholder:"AC..."`
	TwilioTokenFile string `help:"File with the auth token, a second line for the one before it; or set BEFREE_TWILIO_TOKEN." placeholder:"FILE"`
	TwilioAPI       string `help:"Twilio's API." default:"https://api.twilio.com" placeholder:"URL"`

	Seed uint64  `help:"Of the simulated texters; 0 for other ones each time."`
	Pace float64 `help:"How much faster than people the simulated texters are." default:"1"`

	Triage    string `help:"Rules of triage; default the ones built in." placeholder:"FILE"`
	Memory    uint64 `help:"Megabytes of memory above which no new texts and consoles are taken; default GOMEMLIMIT, else three quarters of what the machine or its cgroup has." placeholder:"MB"`
	Metrics   string `help:"Also answer /metrics, in Prometheus' form, at this address; say one that only your monitoring reaches." placeholder:"HOST:PORT"`
	Retention string `help:"How many days everything is kept; default as befree-relay privacy --days prints." placeholder:"FILE"`
	Contact   string `help:"How texters reach you about what is kept of them, as /privacy says it; default by a text." placeholder:"TEXT"`
	LogFormat string `help:"text or json." enum:"text,json" default:"text"`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, std *config.Std) error {
	conf, err := c.config(std.Err)
	if err != nil {
		return err
	}
	data, err := relay.OpenData(ctx, c.Data, c.key())
	if err != nil {
		return err
	}
	defer data.Close()
	if data.Left != nil {
		conf.Logger.Error("copies of the keys that a killed command has left cannot be deleted; what is forgotten can be read with them: delete them", "error", data.Left)
	}
	if conf.Listener, err = listen(ctx, "--listen", c.Listen); err != nil {
		return err
	}
	defer conf.Listener.Close()
	if err := c.secure(c.Data, &conf); err != nil {
		return err
	}
	if c.ListenCarrier != "" {
		if conf.Carrier, err = listen(ctx, "--listen-carrier", c.ListenCarrier); err != nil {
			return err
		}
		defer conf.Carrier.Close()
	}
	conf.Log, conf.Tree, conf.Folder = data, data.Tree(), c.Data
	if conf.Memory = cmp.Or(c.Memory<<20, process.Memory()); conf.Memory > 0 {
		debug.SetMemoryLimit(int64(min(conf.Memory, math.MaxInt64))) // garbage is collected harder before anything is refused
	}
	if c.Metrics != "" {
		m, err := listen(ctx, "--metrics", c.Metrics)
		if err != nil {
			return err
		}
		defer m.Close()
		conf.Logger.Info("telling measures", "address", m.Addr().String())
		conf.Measures = relay.NewMeasures()
		go func() { _ = conf.Measures.Serve(ctx, m) }() // the line goes on without them
	}
	if control, err := data.OpenControl(conf.Privacy.Retention); err != nil {
		conf.Logger.Warn("nothing can be asked of this relay from beside it: backup, verify and audit wait until it stops", "error", err)
	} else {
		defer control.Close()
	}
	conf.Logger.Info("listening", "address", conf.Listener.Addr().String(), "carrier", c.Carrier, "tls", conf.TLS != nil)
	return explainFull(relay.Serve(ctx, conf))
}

// config makes everything that needs no file of the data folder and no port, so that a mistake in the settings is found
// before anything is touched.
func (c *serveCmd) config(stderr io.Writer) (conf relay.Config, err error) {
	conf.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	if c.LogFormat == "json" {
		conf.Logger = slog.New(slog.NewJSONHandler(stderr, nil))
	}
	conf.Enrolment, conf.Session, conf.Offline = relay.StaffIn(c.Data), c.Session, c.Offline
	conf.BehindProxy = c.BehindProxy
	conf.Policy = desk.Policy{CarrierAnswers: !c.AutoAnswer}
	conf.Texts = relay.TextsOf(c.HelpText, c.HelpTextES, c.StopText, c.StopTextES)
	if conf.Number, err = sms.Parse(c.Number, c.Region); err != nil {
		return conf, fmt.Errorf("--number: %w", err)
	}
	if err := c.check(c.Carrier); err != nil {
		return conf, err
	}
	if conf.Rules, err = loadRules(c.Triage); err != nil {
		return conf, err
	}
	kept, err := relay.LoadRetention(c.Retention)
	if err != nil {
		return conf, err
	}
	conf.Policy.Retention = kept.Retention
	conf.Privacy = relay.Privacy{Number: conf.Number, Retention: kept, Contact: c.Contact, Keeps: c.Carrier == "twilio"}
	if c.Carrier == "simulate" {
		c.simulate(&conf)
		return conf, nil
	}
	return conf, c.twilio(&conf)
}

func (c *serveCmd) simulate(conf *relay.Config) {
	if c.Seed == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		c.Seed = binary.NativeEndian.Uint64(b[:])
	}
	s := simulate.New(simulate.Config{Ours: conf.Number, Seed: c.Seed, Pace: c.Pace, Loop: true, Log: conf.Logger})
	conf.Gateway, conf.Inbound = s, s.Run
}

func (c *serveCmd) twilio(conf *relay.Config) error {
	tokens, err := c.tokens()
	if err != nil {
		return err
	}
	if strings.Contains(c.PublicURL, "@") { // a password for the proxy
		process.Take("BEFREE_PUBLIC_URL")
	}
	t, err := twilio.New(twilio.Config{
		Account: c.TwilioAccount, Tokens: tokens, API: c.TwilioAPI, PublicURL: c.PublicURL,
		From: conf.Number, Log: conf.Logger,
	})
	if err != nil {
		return err
	}
	conf.Gateway, conf.Webhooks = t, t.Handler
	return nil
}

// tokens reads the auth tokens, newest first, and takes them out of the environment, where children would see them.
func (c *serveCmd) tokens() ([]string, error) {
	text := process.Take("BEFREE_TWILIO_TOKEN")
	if c.TwilioTokenFile != "" {
		raw, err := config.ReadPrivate("--twilio-token-file", c.TwilioTokenFile)
		if err != nil {
			return nil, err
		}
		text = string(raw)
	}
	tokens := strings.Fields(text)
	if len(tokens) == 0 {
		return nil, errors.New("the carrier's auth token is missing: name a file with --twilio-token-file, or set BEFREE_TWILIO_TOKEN")
	}
	return tokens, nil
}

func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: something else uses %s; stop it, or name another port", flag, address)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return l, nil
}

// explainFull says what to do where a disk was full.
func explainFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk is full: nothing that was acknowledged is lost; make room and start again (%w)", err)
	}
	return err
}
