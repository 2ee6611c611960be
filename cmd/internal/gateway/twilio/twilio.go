// Package twilio is Twilio's Programmable Messaging as a carrier: signed webhooks in, texts and their status out.
//
// It is its own small client of the two things that befree needs of Twilio's API: Twilio's library has no cancellation
// and looks at only the first of a repeated parameter when it checks a signature.
package twilio

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// Limits.
const (
	maxBody       = 64 << 10         // bytes of a webhook
	maxAnswer     = 256 << 10        // bytes of an answer of the API that are read
	takeTimeout   = 9 * time.Second  // for a Receiver; Twilio waits 15 s, its retries included
	headerTimeout = 12 * time.Second // for the API to answer
	validFor      = 10 * time.Minute // how long Twilio may try; its own default of 10 h is too late in a crisis
	longestValid  = 10 * time.Hour   // that Twilio accepts
	loudBurst     = 20               // lines of log about refused webhooks
	loudRate      = 1                // ... and each second from then on
)

// A Config is an account at Twilio. Account, Tokens and PublicURL must be set. It prints without its secrets.
type Config struct {
	Account string // its SID: AC and 32 hexadecimal digits
	// Tokens are the account's auth tokens. Texts are sent with the first; webhooks may be signed with any, so that a
	// token can be changed without losing a text.
	Tokens []string
	API    string // default https://api.twilio.com
	// PublicURL is what stands before /twilio/sms in the webhook that is configured at Twilio. It may have a port, and a
	// path, which the proxy in front of the relay takes away. A user and password for that proxy and a fragment with
	// Twilio's connection overrides (#rc=5&rp=all) are handed on to Twilio with each status callback; Twilio signs neither.
	PublicURL        string
	From             sms.Number    // our number or short code, where an Outgoing names none
	MessagingService string        // SID of a messaging service to send by, instead of a number
	ValidityPeriod   time.Duration // how long Twilio may try to send a text: 1 s to 10 h, default 10 min
	Client           *http.Client  // default one that opens a connection for each text
	Log              *slog.Logger
}

// String names the account and nothing secret.
func (c Config) String() string { return "Twilio account " + c.Account }

// Format prints String whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// A Carrier sends by Twilio and takes its webhooks. It is safe for use by many goroutines at once.
type Carrier struct {
	conf   Config
	base   string   // of every webhook's URL as Twilio signs it
	public *url.URL // of status callbacks, as Twilio is to call them
	api    *url.URL
	client *http.Client
	log    *slog.Logger
	loud   *rate.Limiter // of log lines about what others did wrong
}

var _ gateway.Gateway = (*Carrier)(nil)

// New checks a Config. It does not talk to Twilio.
func New(c Config) (*Carrier, error) {
	if c.API == "" {
		c.API = "https://api.twilio.com"
	}
	if c.ValidityPeriod == 0 {
		c.ValidityPeriod = validFor
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	public, api, err := c.check()
	if err != nil {
		return nil, err
	}
	if !c.From.Short() && c.MessagingService == "" {
		c.Log.Warn("our number is no short code: unless Twilio has turned its opt-out handling off for it, Twilio itself answers HELP and STOP; then serve with --no-auto-answer")
	}
	return &Carrier{conf: c, base: signedBase(public), public: public, api: api, client: client(c.Client), log: c.Log, loud: rate.NewLimiter(loudRate, loudBurst)}, nil
}

// Format prints as the Config does.
func (c *Carrier) Format(f fmt.State, verb rune) { c.conf.Format(f, verb) }

// LogValue is that of the Config.
func (c *Carrier) LogValue() slog.Value { return c.conf.LogValue() }

// client never follows a redirect. The default one opens a connection for each text: on one kept alive, which the other
// side may have closed meanwhile, a text that never left would count as unknown.
func client(given *http.Client) *http.Client {
	if given == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = headerTimeout
		t.DisableKeepAlives = true
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		given = &http.Client{Transport: t}
	}
	c := *given
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// Handler serves both webhooks, under /twilio/sms and /twilio/status.
func (c *Carrier) Handler(recv gateway.Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/twilio/sms", c.SMS(recv))
	mux.Handle("/twilio/status", c.Status(recv))
	return mux
}

// callback is where Twilio is to report on the text with the given ID.
func (c *Carrier) callback(id string) string {
	u := *c.public
	u.RawFragment, u.Fragment = "", ""
	address := strings.TrimRight(u.String(), "/") + "/twilio/status?ev=" + url.QueryEscape(id)
	if overrides := c.public.EscapedFragment(); overrides != "" {
		address += "#" + overrides
	}
	return address
}
