package twilio_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

const (
	base   = "https://relay.example.org"
	texter = "+12025550147"
	words  = "he is here"
)

// desk is a Receiver that keeps what it is given, unless it is out of order.
type desk struct {
	mu       sync.Mutex
	texts    []gateway.Inbound
	statuses []gateway.Status
	fails    []error // what the next calls return, nothing being kept
	watch    func(context.Context)
}

func (d *desk) Receive(ctx context.Context, m gateway.Inbound) error {
	return d.keep(ctx, func() { d.texts = append(d.texts, m) })
}

func (d *desk) Delivered(ctx context.Context, s gateway.Status) error {
	return d.keep(ctx, func() { d.statuses = append(d.statuses, s) })
}

func (d *desk) keep(ctx context.Context, what func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watch != nil {
		d.watch(ctx)
	}
	if len(d.fails) > 0 {
		err := d.fails[0]
		d.fails = d.fails[1:]
		return err
	}
	what()
	return nil
}

func config() twilio.Config {
	return twilio.Config{
		Account: twiliotest.Account, Tokens: []string{twiliotest.Token}, PublicURL: base, From: twiliotest.Number,
	}
}

func carrier(tb testing.TB, change ...func(*twilio.Config)) *twilio.Carrier {
	tb.Helper()
	c := config()
	for _, f := range change {
		f(&c)
	}
	made, err := twilio.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return made
}

// form is the smallest text.
func form(more ...string) url.Values {
	f := url.Values{"MessageSid": {"SM1"}, "From": {texter}, "To": {twiliotest.Number}, "Body": {words}}
	for i := 0; i < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// request is a webhook to target, a path and query, with a signature for it.
func request(target string, f url.Values, signature string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, target, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	if signature != "" {
		r.Header.Set("X-Twilio-Signature", signature)
	}
	return r
}

// signed is a webhook as Twilio sends it.
func signed(target string, f url.Values) *http.Request {
	return request(target, f, twiliotest.Sign(twiliotest.Token, base+target, f))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
