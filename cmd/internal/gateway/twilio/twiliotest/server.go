// Package twiliotest is a stand-in for Twilio in tests. It is a fake: it knows the little of Twilio's API and webhooks
// that befree uses, keeps everything in memory, and sends nothing to anybody.
//
// It does what Twilio does at its worst: answers 429, takes a text and then answers 500 or resets the connection, hangs,
// shows a text in its list late or not at all, delivers webhooks twice, brings status callbacks twice, backwards or before the API has answered, gives up on a webhook
// after 15 s for ever, adds parameters never seen before. It shares no code with the package that it tests.
//
// In a test's own process use [New] and the methods of [Server]. From another process (a testscript story) start it by
// [Main] and drive it over HTTP, at the address where its API is:
//
//	POST /control/relay      {"public":URL,"relay":URL}: where the relay is configured to be, and where it really is
//	POST /control/text       a [Text]; delivers it, retries included, and answers with a [Delivery]
//	POST /control/lists      {"fault":KIND,"after":"2s","lag":"3s"}: what becomes of every request for the list from now on
//	POST /control/next       a [Fault]: what becomes of the next text that the relay sends and that no fault waits for
//	POST /control/callbacks  {"plan":NAME}, a key of [Plans]: what is reported of texts that are sent from now on
//	POST /control/erase      a [Fault]: what becomes of the next request to delete something
//	GET  /control/kept       the texts of both directions that were not deleted, as a JSON list of [Message]
//	GET  /control/sent the texts that the relay sent, as a JSON list of [Message]; with ?wait=N&told=STATE&within=10s
//	                         it answers once there are N of them, and the relay has taken the news of STATE for each; 504 if
//	                         that does not come about in time
package twiliotest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// What a Config has by default. The tokens are nobody's.
const (
	Account   = "AC00000000000000000000000000000000"
	Token     = "twiliotest-token"
	Number    = "233733"
	Overrides = "rc=5&rp=all&ct=2000&rt=4000&tt=15000"
)

// A Config is how befree's account at Twilio is set up. The zero value works.
type Config struct {
	Account, Token string
	Number         string // ours; Twilio keeps opt-outs for a long one, not for a short code
	Public         string // URL that stands before /twilio/sms in the webhook's address, which is signed; see [Server.Reach]
	Relay          string // where that is really reached, if elsewhere
	Overrides      string // the fragment of the webhook's address: ct, rt, tt, rc and rp as Twilio documents them
	PageSize       int    // the most on a page of the list; 1,000
	Listener       net.Listener
	Client         *http.Client // calls the webhooks
}

// A Server stands in for Twilio. Its methods are safe for use by many goroutines at once.
type Server struct {
	conf   Config
	http   *http.Server
	ctx    context.Context // ends with Close; bounds what nobody waits for
	stop   context.CancelFunc
	behind sync.WaitGroup // callbacks and the server itself

	mu        sync.Mutex
	public    string
	relay     string
	faults    []Fault
	listFault Fault
	lag       time.Duration
	lists     int
	plan      Plan
	posts     int
	erasures  []Fault
	erased    int
	messages  []*Message // both directions, oldest first
	opted     map[string]bool
	changed   chan struct{} // closed and replaced whenever something above changes
}

// New starts a Server; without a Listener on a free port of this machine.
func New(c Config) (*Server, error) {
	c.Account, c.Token = cmp.Or(c.Account, Account), cmp.Or(c.Token, Token)
	c.Number, c.Overrides = cmp.Or(c.Number, Number), cmp.Or(c.Overrides, Overrides)
	c.PageSize = cmp.Or(c.PageSize, 1000)
	if c.Client == nil {
		c.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	if c.Listener == nil {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		c.Listener = l
	}
	s := &Server{conf: c, plan: Plans["delivered"], opted: map[string]bool{}, changed: make(chan struct{})}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.Reach(c.Public, c.Relay)
	s.http = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
	}
	s.behind.Go(func() { _ = s.http.Serve(c.Listener) })
	return s, nil
}

// URL is where the API and the control surface are, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.conf.Listener.Addr().String() }

// Close ends what is under way and returns when it has ended.
func (s *Server) Close() {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	s.behind.Wait()
}

// Reach says under which URL the relay is configured at Twilio, and where it really is if elsewhere.
func (s *Server) Reach(public, relay string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public, s.relay = public, cmp.Or(relay, public)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	messages := "/2010-04-01/Accounts/{account}/Messages.json"
	mux.HandleFunc("POST "+messages, s.create)
	mux.HandleFunc("GET "+messages, s.list)
	mux.HandleFunc("GET /2010-04-01/Accounts/{account}/Messages/{sid}/Media.json", s.media)
	message := "/2010-04-01/Accounts/{account}/Messages/{sid}"
	mux.HandleFunc("POST "+message, s.erasing(s.redact))
	mux.HandleFunc("DELETE "+message, s.erasing(s.remove))
	mux.HandleFunc("DELETE "+message+"/Media/{media}", s.erasing(s.removeMedia))
	mux.HandleFunc("POST /control/relay", s.controlRelay)
	mux.HandleFunc("POST /control/text", s.controlText)
	mux.HandleFunc("POST /control/next", s.controlNext)
	mux.HandleFunc("POST /control/lists", s.controlLists)
	mux.HandleFunc("POST /control/callbacks", s.controlCallbacks)
	mux.HandleFunc("GET /control/sent", s.controlSent)
	mux.HandleFunc("POST /control/erase", s.controlErase)
	mux.HandleFunc("GET /control/kept", s.controlKept)
	return mux
}

// A Message is a text as Twilio knows it.
type Message struct {
	SID              string    `json:"sid"`
	Direction        string    `json:"direction"` // inbound, outbound-api
	From             string    `json:"from"`
	To               string    `json:"to"`
	Body             string    `json:"body"`
	Media            []Media   `json:"media,omitempty"`
	Status           string    `json:"status"`
	ErrorCode        int       `json:"error_code,omitempty"`
	MessagingService string    `json:"messaging_service_sid,omitempty"`
	StatusCallback   string    `json:"status_callback,omitempty"`
	ValidityPeriod   string    `json:"validity_period,omitempty"` // as the relay wrote it, in seconds
	At               time.Time `json:"at"`
	Told             []string  `json:"told,omitempty"` // states that the relay has been told of and has acknowledged
}

// Received returns the texts that came to us, oldest first.
func (s *Server) Received() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var received []Message
	for _, m := range s.messages {
		if m.Direction == inbound {
			received = append(received, *m)
		}
	}
	return received
}

// Sent returns the texts that Twilio took from the relay, oldest first.
func (s *Server) Sent() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sent []Message
	for _, m := range s.messages {
		if m.Direction != inbound {
			c := *m
			c.Told = append([]string(nil), m.Told...)
			sent = append(sent, c)
		}
	}
	return sent
}

// Posts is how many requests to create a message came, taken or not.
func (s *Server) Posts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts
}

// Listed is how many requests for the list came.
func (s *Server) Listed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists
}

// ErrNever says that what was waited for did not come about.
var ErrNever = errors.New("twiliotest: what was waited for did not come about")

// Wait returns once enough is true of what was sent. Its error wraps ErrNever.
func (s *Server) Wait(ctx context.Context, enough func([]Message) bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if enough(s.Sent()) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ErrNever, ctx.Err())
		case <-s.ctx.Done():
			return errors.Join(ErrNever, s.ctx.Err())
		case <-changed:
		}
	}
}

// change does something to the state and wakes whoever waits.
func (s *Server) change(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
	close(s.changed)
	s.changed = make(chan struct{})
}

// newSID returns an ID as Twilio makes them.
func newSID(prefix string) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return prefix + hex.EncodeToString(b)
}
