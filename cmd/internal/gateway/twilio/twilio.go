// Package twilio is Twilio's Programmable Messaging as a carrier: signed webhooks in, texts and their status out.
//
// It is its own small client of the two things that befree needs of Twilio's API: Twilio's library has no cancellation
// and looks at only the first of a repeated parameter when it checks a signature.
package twilio

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// Limits.
const (
	maxBody       = 64 << 10         // bytes of a webhook
	maxAnswer     = 256 << 10        // bytes of an answer of the API that are read
	bodyTimeout   = 5 * time.Second  // for the body of a webhook to arrive
	validFor      = 10 * time.Minute // how long Twilio may try to send a text; its own default of 10 h is too late for anybody in a crisis
	headerTimeout = 12 * time.Second // for the API to answer
)

// A Config is an account at Twilio. Account, Tokens, PublicURL and From must be set.
type Config struct {
	Account          string     // SID, AC and 32 hexadecimal digits
	Tokens           []string   // auth tokens; the first is used, each is good for webhooks, so that a token can be changed without losing a text
	API              string     // default https://api.twilio.com
	PublicURL        string     // under which Twilio reaches this relay, as it is configured there; may have a path
	From             sms.Number // our number or short code
	MessagingService string     // SID of a messaging service to send by, instead of From
	Client           *http.Client
	Log              *slog.Logger
}

// A Carrier sends by Twilio and takes its webhooks. It is safe for use by many goroutines at once.
type Carrier struct {
	Config
	public *url.URL
	client *http.Client
}

var _ gateway.Gateway = (*Carrier)(nil)

var accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)

// New checks a Config. It does not talk to Twilio.
func New(c Config) (*Carrier, error) {
	if !accountSID.MatchString(c.Account) {
		return nil, errors.New("--twilio-account: an account SID is AC and 32 hexadecimal digits; the Twilio console shows it")
	}
	if len(c.Tokens) == 0 || c.Tokens[0] == "" {
		return nil, errors.New("the Twilio auth token is missing")
	}
	if c.API == "" {
		c.API = "https://api.twilio.com"
	}
	if _, err := checkURL("--twilio-api", c.API); err != nil {
		return nil, err
	}
	public, err := checkURL("--public-url", c.PublicURL)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if !c.From.Short() && c.MessagingService == "" {
		c.Log.Warn("our number is no short code: unless Twilio has turned its opt-out handling off for it, Twilio itself answers HELP and STOP; then serve with --no-auto-answer")
	}
	return &Carrier{Config: c, public: public, client: client(c.Client)}, nil
}

// client never follows a redirect and never sends a request a second time by itself.
func client(given *http.Client) *http.Client {
	if given == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = headerTimeout
		given = &http.Client{Transport: t}
	}
	c := *given
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// checkURL takes https, and http on this machine alone, where tests and a proxy that ends TLS are.
func checkURL(flag, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return nil, fmt.Errorf("%s is missing: it is the address under which Twilio reaches this relay", flag)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s: use an address such as https://relay.example.org", flag)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%s: texts cross no network without TLS; use https", flag)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("%s: leave out the query, the fragment and the password", flag)
	case strings.Contains(u.Hostname(), "_"):
		return nil, fmt.Errorf("%s: Twilio calls no host with an underscore in its name", flag)
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Handler serves the webhooks /twilio/sms and /twilio/status.
func (c *Carrier) Handler(recv gateway.Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /twilio/sms", c.webhook(func(r *http.Request) (func() error, error) {
		m, err := c.inbound(r.PostForm)
		return func() error { return recv.Receive(r.Context(), m) }, err
	}))
	mux.Handle("POST /twilio/status", c.webhook(func(r *http.Request) (func() error, error) {
		s, err := status(r.URL.Query(), r.PostForm)
		return func() error { return recv.Delivered(r.Context(), s) }, err
	}))
	return mux
}
