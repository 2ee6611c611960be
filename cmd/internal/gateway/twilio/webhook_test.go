package twilio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/store/sms"
)

func TestAnswerToAText(t *testing.T) {
	w := serve(carrier(t).Handler(&desk{}), signed("/twilio/sms", form()))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/xml" ||
		w.Body.String() != `<?xml version="1.0" encoding="UTF-8"?><Response/>` {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestAnswerToAStatus(t *testing.T) {
	f := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"sent"}}
	if w := serve(carrier(t).Handler(&desk{}), signed("/twilio/status?ev=a", f)); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func TestInbound(t *testing.T) {
	d := &desk{}
	f := url.Values{
		"MessageSid": {"MM1", "MM2"}, "SmsSid": {"MM1"}, "AccountSid": {twiliotest.Account}, "From": {texter}, "To": {"233733"},
		"NumMedia": {"2"}, "MediaUrl0": {"https://api.twilio.com/0"}, "MediaContentType0": {"image/jpeg"},
		"MediaUrl10": {"https://api.twilio.com/10"}, "MediaUrl2": {"https://api.twilio.com/2"}, "MediaContentType2": {"text/vcard"},
		"MediaUrl": {"odd"}, "MediaUrl01": {"odd"}, "MediaContentType7": {"orphan"}, "FromCity": {""}, "NeverSeen": {"1", "2"},
	}
	if w := serve(carrier(t).SMS(d), signed("/twilio/sms", f)); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	want := []gateway.Inbound{{
		SID: "MM1", From: texter, To: "233733",
		Media: []gateway.Media{
			{URL: "https://api.twilio.com/0", Type: "image/jpeg"},
			{URL: "https://api.twilio.com/2", Type: "text/vcard"},
			{URL: "https://api.twilio.com/10"},
		},
		Params: map[string][]string{
			"MessageSid": {"MM2"}, "NumMedia": {"2"}, "MediaUrl": {"odd"}, "MediaUrl01": {"odd"}, "MediaContentType7": {"orphan"},
			"FromCity": {""}, "NeverSeen": {"1", "2"},
		},
	}}
	if diff := cmp.Diff(want, d.texts); diff != "" {
		t.Fatal(diff)
	}
}

// Bytes that are no UTF-8, zero bytes and space at the ends are the texter's.
func TestBodyIsKeptByteForByte(t *testing.T) {
	for _, body := range []string{"", " ", "  two  spaces \n", "a\xff\xfeb", "\x00\x1b]0;x\a", "\u202eabc", strings.Repeat("é", 3200)} {
		d := &desk{}
		if w := serve(carrier(t).SMS(d), signed("/twilio/sms", form("Body", body))); w.Code != http.StatusOK {
			t.Fatalf("%q: %d", body, w.Code)
		}
		if got := d.texts[0].Body.Reveal(); got != body {
			t.Errorf("%q became %q", body, got)
		}
	}
}

func TestSenders(t *testing.T) {
	for from, want := range map[string]sms.Number{
		texter: texter, "+442079460123": "+442079460123", "233733": "233733",
		"BANK": "BANK", "800FLOWERS": "800FLOWERS", "2025550147": "2025550147", "whatsapp:" + texter: "whatsapp:" + texter,
		"+": "+", " " + texter: sms.Number(" " + texter), "\xff": "\xff",
	} {
		d := &desk{}
		if w := serve(carrier(t).SMS(d), signed("/twilio/sms", form("From", from))); w.Code != http.StatusOK {
			t.Fatalf("%q: %d", from, w.Code)
		}
		if got := d.texts[0].From; got != want {
			t.Errorf("%q became %q", from, got.Reveal())
		}
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		id, params string
		want       gateway.Status
	}{
		{"7F3K-12/compliance", "MessageSid=SM1&MessageStatus=sent", gateway.Status{SID: "SM1", State: "sent"}},
		{"a b+c&d%2F#é", "MessageSid=SM1&MessageStatus=sent&ErrorCode=", gateway.Status{SID: "SM1", State: "sent"}},
		{"", "SmsSid=SM1&SmsStatus=delivered&ErrorCode=x", gateway.Status{SID: "SM1", State: "delivered"}},
		{
			"m", "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003",
			gateway.Status{SID: "SM1", State: "undelivered", Code: 30003, Reason: twilio.Explain(30003)},
		},
	} {
		d := &desk{}
		f, _ := url.ParseQuery(c.params)
		c.want.ID = c.id
		if w := serve(carrier(t).Status(d), signed("/twilio/status?ev="+url.QueryEscape(c.id), f)); w.Code != http.StatusNoContent {
			t.Fatalf("%q: %d", c.id, w.Code)
		}
		if diff := cmp.Diff([]gateway.Status{c.want}, d.statuses); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRefused(t *testing.T) {
	over := form("Body", strings.Repeat("x", 64<<10))
	typed := func(kind string, r *http.Request) *http.Request {
		r.Header.Set("Content-Type", kind)
		return r
	}
	method := func(m string) *http.Request {
		r := signed("/twilio/sms", form())
		r.Method = m
		return r
	}
	emptySum := "/twilio/sms?bodySHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	raw := func(body string, signedAs url.Values) *http.Request {
		r := request("/twilio/sms", nil, twiliotest.Sign(twiliotest.Token, base+"/twilio/sms", signedAs))
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		return r
	}
	for name, c := range map[string]struct {
		r    *http.Request
		want int
	}{
		"GET":                           {method(http.MethodGet), http.StatusMethodNotAllowed},
		"HEAD":                          {method(http.MethodHead), http.StatusMethodNotAllowed},
		"PUT":                           {method(http.MethodPut), http.StatusMethodNotAllowed},
		"too long":                      {signed("/twilio/sms", over), http.StatusRequestEntityTooLarge},
		"too long and unsigned":         {request("/twilio/sms", over, ""), http.StatusRequestEntityTooLarge},
		"no signature":                  {request("/twilio/sms", form(), ""), http.StatusForbidden},
		"empty and unsigned":            {request("/twilio/sms", nil, ""), http.StatusForbidden},
		"other type, unsigned":          {typed("text/plain", request("/twilio/sms", form(), "")), http.StatusForbidden},
		"other type, form signed":       {typed("text/plain", signed("/twilio/sms", form())), http.StatusForbidden},
		"other type, signed":            {typed("text/plain", signed(emptySum, nil)), http.StatusUnsupportedMediaType},
		"no type, signed":               {typed("", signed(emptySum, nil)), http.StatusUnsupportedMediaType},
		"form that cannot be read":      {raw("a=1&b=%zz", url.Values{"a": {"1"}}), http.StatusBadRequest},
		"semicolons in the form":        {raw("a=1;b=2", nil), http.StatusBadRequest},
		"empty form, signed":            {signed("/twilio/sms", nil), http.StatusBadRequest},
		"no MessageSid":                 {signed("/twilio/sms", form("MessageSid", "")), http.StatusBadRequest},
		"no From":                       {signed("/twilio/sms", form("From", "")), http.StatusBadRequest},
		"no To":                         {signed("/twilio/sms", form("To", "")), http.StatusBadRequest},
		"another account":               {signed("/twilio/sms", form("AccountSid", "AC1")), http.StatusForbidden},
		"another account, after ours":   {signed("/twilio/sms", url.Values{"AccountSid": {twiliotest.Account, "AC1"}}), http.StatusForbidden},
		"status without MessageSid":     {signed("/twilio/status?ev=a", url.Values{"MessageStatus": {"sent"}}), http.StatusBadRequest},
		"status without a state":        {signed("/twilio/status?ev=a", url.Values{"MessageSid": {"SM1"}}), http.StatusBadRequest},
		"status with another ev":        {request("/twilio/status?ev=b", form(), twiliotest.Sign(twiliotest.Token, base+"/twilio/status?ev=a", form())), http.StatusForbidden},
		"status without its query":      {request("/twilio/status", form(), twiliotest.Sign(twiliotest.Token, base+"/twilio/status?ev=a", form())), http.StatusForbidden},
		"signed for the other endpoint": {request("/twilio/sms", form(), twiliotest.Sign(twiliotest.Token, base+"/twilio/status", form())), http.StatusForbidden},
	} {
		d := &desk{}
		w := serve(carrier(t).Handler(d), c.r)
		if w.Code != c.want || len(d.texts)+len(d.statuses) != 0 {
			t.Errorf("%s: %d, want %d; %d texts", name, w.Code, c.want, len(d.texts))
		}
		if (w.Code == http.StatusMethodNotAllowed) != (w.Header().Get("Allow") == "POST") {
			t.Errorf("%s: Allow %q", name, w.Header().Get("Allow"))
		}
	}
}

// Exactly 64 KB is not too long.
func TestLongestBody(t *testing.T) {
	f := form("Body", "")
	f.Set("Body", strings.Repeat("x", 64<<10-len(f.Encode())))
	if w := serve(carrier(t).SMS(&desk{}), signed("/twilio/sms", f)); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
}

// long is a body of at least 1 MB that counts what is read of it.
type long int

func (l *long) Read(p []byte) (int, error) {
	if *l > 1<<20 {
		return 0, io.EOF
	}
	*l += long(len(p))
	return len(p), nil
}

func TestNothingIsReadBeyondTheLimit(t *testing.T) {
	for announced, most := range map[int64]long{-1: 64<<10 + 1, 64<<10 + 1: 0, 1 << 40: 0} {
		var body long
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/twilio/sms", &body)
		r.ContentLength = announced
		if w := serve(carrier(t).SMS(&desk{}), r); w.Code != http.StatusRequestEntityTooLarge || body > most {
			t.Errorf("%d announced: %d after %d bytes", announced, w.Code, body)
		}
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	r := signed("/twilio/sms", form())
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("MessageSid=SM1"), broken{}))
	if w := serve(carrier(t).SMS(&desk{}), r); w.Code != http.StatusBadRequest {
		t.Fatal(w.Code)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestReceiverOutOfOrder(t *testing.T) {
	status := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"sent"}}
	for target, f := range map[string]url.Values{"/twilio/sms": form(), "/twilio/status?ev=a": status} {
		d := &desk{fails: []error{errors.New("disk is full")}}
		h := carrier(t).Handler(d)
		w := serve(h, signed(target, f))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
			t.Errorf("%s: %d %v %s", target, w.Code, w.Header(), w.Body)
		}
		if w := serve(h, signed(target, f)); w.Code >= 300 || len(d.texts)+len(d.statuses) != 1 {
			t.Errorf("%s: %d the second time", target, w.Code)
		}
	}
}

// Nothing is acknowledged before the Receiver has returned.
func TestAnswerWaitsForTheReceiver(t *testing.T) {
	w := httptest.NewRecorder()
	w.Code = 0
	d := &desk{watch: func(context.Context) {
		if w.Body.Len() != 0 || w.Code != 0 {
			t.Error("answered before the text was taken")
		}
	}}
	carrier(t).SMS(d).ServeHTTP(w, signed("/twilio/sms", form()))
	if w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
}

// Twilio may hang up and never come again: what has arrived is kept all the same, but not waited for without end.
func TestCallerHangsUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := &desk{watch: func(ctx context.Context) {
		if _, limited := ctx.Deadline(); ctx.Err() != nil || !limited {
			t.Errorf("%v, limited %v", ctx.Err(), limited)
		}
	}}
	serve(carrier(t).SMS(d), signed("/twilio/sms", form()).WithContext(ctx))
	if len(d.texts) != 1 {
		t.Fatal("text is lost")
	}
}

func TestPanicsAreNotSwallowed(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("panic is lost")
		}
	}()
	serve(carrier(t).SMS(&desk{watch: func(context.Context) { panic("bug") }}), signed("/twilio/sms", form()))
}

func TestLogsGiveNothingAway(t *testing.T) {
	var log bytes.Buffer
	c := carrier(t, func(c *twilio.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.From = "+12025550199"
	})
	h := c.Handler(&desk{fails: []error{errors.New("disk is full")}})
	for _, r := range []*http.Request{
		signed("/twilio/sms", form()), request("/twilio/sms", form(), "x"), signed("/twilio/sms", form("MessageSid", "")),
		signed("/twilio/sms", form("AccountSid", "AC1")), signed("/twilio/status?ev="+url.QueryEscape(texter), form()),
	} {
		serve(h, r)
	}
	c.LogValue()
	slog.New(slog.NewTextHandler(&log, nil)).Info("set up", "carrier", c, "config", config())
	if log.Len() == 0 {
		t.Fatal("nothing is logged")
	}
	wantNoSecrets(t, log.String())
}

func wantNoSecrets(t *testing.T, s string) {
	t.Helper()
	for _, secret := range []string{words, texter, texter[1:], "2025550147", "2025550199", twiliotest.Token} {
		if strings.Contains(s, secret) || strings.Contains(s, url.QueryEscape(secret)) {
			t.Errorf("%q stands in %s", secret, s)
		}
	}
}

// No input panics; nothing unsigned is taken; whatever is signed gets past the signature.
func FuzzWebhook(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", form().Encode(), "")
	f.Add("application/x-www-form-urlencoded", "a=1&b=%zz", "ev=a")
	f.Add("application/x-www-form-urlencoded; charset=UTF-8", "MessageSid=a&From=b&To=c&MediaUrl0=x&MediaUrl99999999999999999999=y&Body=%ff", "ev=%2F")
	f.Add("application/json", "{}", "bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
	f.Add("", "=&=&&", "bodySHA256=%zz&;")
	d := &desk{}
	h := carrier(f).Handler(d)
	f.Fuzz(func(t *testing.T, kind, body, query string) {
		target := "/twilio/sms"
		if query != "" {
			target += "?" + query
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawQuery = "/twilio/sms", query
		r.Header.Set("Content-Type", kind)
		r.Header.Set("X-Twilio-Signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")
		if w := serve(h, r); w.Code != http.StatusForbidden && w.Code != http.StatusRequestEntityTooLarge {
			t.Fatalf("unsigned: %d", w.Code)
		}
		values, err := url.ParseQuery(body)
		if err != nil || !strings.HasPrefix(kind, "application/x-www-form-urlencoded;") || values.Has("AccountSid") || len(body) > 64<<10 {
			return
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Twilio-Signature", twiliotest.Sign(twiliotest.Token, base+target, values))
		r.Body = io.NopCloser(strings.NewReader(body))
		if w := serve(h, r); w.Code == http.StatusForbidden && !strings.Contains(query, "#") {
			t.Fatalf("signed: %d", w.Code)
		}
	})
}

// BenchmarkWebhook is a text from its request to its answer, without what the Receiver does: signature and form.
func BenchmarkWebhook(b *testing.B) {
	f := form()
	for name, value := range map[string]string{
		"ToCountry": "US", "ToState": "", "SmsMessageSid": "SM1", "NumMedia": "0", "ToCity": "", "FromZip": "20001", "SmsSid": "SM1",
		"FromState": "DC", "SmsStatus": "received", "FromCity": "WASHINGTON", "FromCountry": "US", "ToZip": "", "NumSegments": "1",
		"AccountSid": twiliotest.Account, "ApiVersion": "2010-04-01",
	} {
		f.Set(name, value)
	}
	body, h := f.Encode(), carrier(b).Handler(nobody{})
	signature := twiliotest.Sign(twiliotest.Token, base+"/twilio/sms", f)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/twilio/sms", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Twilio-Signature", signature)
		if w := serve(h, r); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

type nobody struct{}

func (nobody) Receive(context.Context, gateway.Inbound) error  { return nil }
func (nobody) Delivered(context.Context, gateway.Status) error { return nil }
