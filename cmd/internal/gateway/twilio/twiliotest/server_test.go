package twiliotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const texterNumber = "+12025550147"

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// send posts a text as befree would.
func send(t *testing.T, s *Server, form url.Values) (status int, answer map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		s.URL()+"/2010-04-01/Accounts/"+Account+"/Messages.json", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(Account, Token)
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (status int, answer map[string]any) {
	t.Helper()
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if err := json.NewDecoder(a.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, answer
}

func text(body string) url.Values {
	return url.Values{"To": {texterNumber}, "From": {Number}, "Body": {body}}
}

func TestSignDropsWhatTwilioDoesNotSign(t *testing.T) {
	form := url.Values{"a": {"2", "1", "2"}}
	want := Sign("t", "https://relay.example.org:8443/x?b=@2", url.Values{"a": {"1", "2"}})
	if got := Sign("t", "https://me:secret@relay.example.org:8443/x?b=@2#rc=5", form); got != want {
		t.Fatal(got)
	}
}

func TestCreate(t *testing.T) {
	s := start(t, Config{})
	status, answer := send(t, s, text("are you safe"))
	if sid, _ := answer["sid"].(string); status != http.StatusCreated || !strings.HasPrefix(sid, "SM") || len(sid) != 34 || answer["status"] != "queued" {
		t.Fatalf("%d %v", status, answer)
	}
	for name, c := range map[string]struct {
		change url.Values
		code   float64
	}{
		"no number":      {url.Values{"To": nil}, 21604},
		"not a number":   {url.Values{"To": {"hello"}}, 21211},
		"no words":       {url.Values{"Body": nil}, 21602},
		"too long":       {url.Values{"Body": {strings.Repeat("é", 1601)}}, 21617},
		"no sender":      {url.Values{"From": nil}, 21603},
		"foreign sender": {url.Values{"From": {"+12025550100"}}, 21606},
	} {
		form := text("hello")
		for k, v := range c.change {
			form[k] = v
		}
		if status, answer := send(t, s, form); status != http.StatusBadRequest || answer["code"] != c.code {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if sent := s.Sent(); len(sent) != 1 || s.Posts() != 7 {
		t.Fatalf("%d texts in %d requests", len(sent), s.Posts())
	}
}

func TestWrongToken(t *testing.T) {
	s := start(t, Config{Token: "another"})
	if status, answer := send(t, s, text("hello")); status != http.StatusUnauthorized || answer["code"] != 20003.0 || len(s.Sent()) != 0 {
		t.Fatalf("%d %v", status, answer)
	}
}

func TestStopIsKeptForLongCodesAlone(t *testing.T) {
	for number, want := range map[string]int{"233733": http.StatusCreated, "+12025550100": http.StatusBadRequest} {
		s := start(t, Config{Number: number})
		form := url.Values{"To": {texterNumber}, "From": {number}, "Body": {"hello"}}
		s.Text(t.Context(), Text{From: texterNumber, Body: " stop ", Missed: true})
		if status, answer := send(t, s, form); status != want || status == 400 && answer["code"] != 21610.0 {
			t.Errorf("%s: %d %v", number, status, answer)
		}
		s.Text(t.Context(), Text{From: texterNumber, Body: "START", Missed: true})
		if status, _ := send(t, s, form); status != http.StatusCreated {
			t.Errorf("%s: %d after START", number, status)
		}
	}
}

func TestListPagesNewestFirst(t *testing.T) {
	s := start(t, Config{})
	for _, body := range []string{"1", "2", "3", "4", "5"} {
		s.Text(t.Context(), Text{From: texterNumber, Body: body, Missed: true})
	}
	send(t, s, text("ours"))
	day := time.Now().UTC().Format(time.DateOnly)
	next := "/2010-04-01/Accounts/" + Account + "/Messages.json?" + url.Values{"To": {Number}, "DateSent>": {day}, "PageSize": {"2"}}.Encode()
	var got []string
	for pages := 0; next != "" && pages < 9; pages++ {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+next, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(Account, Token)
		_, answer := do(t, r)
		for _, m := range answer["messages"].([]any) {
			got = append(got, m.(map[string]any)["body"].(string))
		}
		s.Text(t.Context(), Text{From: texterNumber, Body: "later", Missed: true})
		next, _ = answer["next_page_uri"].(string)
	}
	if diff := cmp.Diff([]string{"5", "4", "3", "2", "1"}, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestListFiltersByDayAndNumber(t *testing.T) {
	m := &Message{From: texterNumber, To: Number, At: time.Date(2026, 3, 2, 23, 59, 0, 0, time.UTC)}
	for query, want := range map[string]bool{
		"": true, "To=233733": true, "To=1": false, "From=%2B12025550147": true, "From=233733": false,
		"DateSent=2026-03-02": true, "DateSent=2026-03-03": false, "DateSent%3E=2026-03-02": true, "DateSent%3E=2026-03-03": false,
		"DateSent%3C=2026-03-02": true, "DateSent%3C=2026-03-01": false,
	} {
		q, _ := url.ParseQuery(query)
		if m.matches(q) != want {
			t.Errorf("%q: %v", query, !want)
		}
	}
}

// Everything that a story does from another process, in one.
func TestControl(t *testing.T) {
	var mu sync.Mutex
	var states []string
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.ParseForm() != nil || r.Header.Get("X-Twilio-Signature") != Sign(Token, "https://relay.example.org"+r.RequestURI, r.PostForm) {
			w.WriteHeader(http.StatusForbidden)
		}
		if r.URL.Path == "/twilio/status" {
			states = append(states, r.PostForm.Get("MessageStatus"))
		}
	}))
	defer relay.Close()
	s := start(t, Config{})
	t.Setenv("TWILIO_API", s.URL())
	verb := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), args, &out); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out.String())
		}
		return out.String()
	}
	verb("relay", "https://relay.example.org", relay.URL)
	if out := verb("text", texterNumber, "HELP", "me"); !strings.Contains(out, `"status":200`) {
		t.Fatal(out)
	}
	verb("callbacks", "reordered")
	verb("next", "429", "2s")
	form := text("are you safe")
	form.Set("StatusCallback", "https://relay.example.org/twilio/status?ev=x")
	if status, _ := send(t, s, form); status != http.StatusTooManyRequests {
		t.Fatal(status)
	}
	if status, _ := send(t, s, form); status != http.StatusCreated {
		t.Fatal(status)
	}
	var sent []Message
	if err := json.Unmarshal([]byte(verb("sent", "1", "queued")), &sent); err != nil || len(sent) != 1 || sent[0].Status != "delivered" {
		t.Fatalf("%v %+v", err, sent)
	}
	if diff := cmp.Diff([]string{"delivered", "sent", "queued"}, states); diff != "" {
		t.Fatal(diff)
	}
	for _, args := range [][]string{{}, {"dance"}, {"next", "dance"}, {"next", "429", "dance"}, {"callbacks", "dance"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

// A list can be late, or not to be had; a text can be taken when nobody waits for the answer any more.
func TestListThatIsLate(t *testing.T) {
	s := start(t, Config{PageSize: 2})
	list := func() (int, []any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/2010-04-01/Accounts/"+Account+"/Messages.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(Account, Token)
		status, answer := do(t, r)
		texts, _ := answer["messages"].([]any)
		return status, texts
	}
	for range 3 {
		s.Text(t.Context(), Text{From: texterNumber, Body: "hello", Missed: true})
	}
	if status, texts := list(); status != http.StatusOK || len(texts) != 2 {
		t.Fatalf("%d, %d texts on a page", status, len(texts))
	}
	s.Lists(Fault{}, time.Hour)
	if _, texts := list(); len(texts) != 0 {
		t.Fatalf("%d texts in a list that is an hour late", len(texts))
	}
	t.Setenv("TWILIO_API", s.URL())
	if err := post(t.Context(), io.Discard, "lists", map[string]string{"fault": "500"}); err != nil {
		t.Fatal(err)
	}
	if status, _ := list(); status != http.StatusInternalServerError || s.Listed() != 3 {
		t.Fatalf("%d after %d questions", status, s.Listed())
	}
	s.Next(Fault{Kind: AcceptLate, After: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_ = s.Wait(t.Context(), Told(1, ""))
		cancel()
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/2010-04-01/Accounts/"+Account+"/Messages.json", strings.NewReader(text("hello").Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(Account, Token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if answer, err := http.DefaultClient.Do(r); err == nil {
		answer.Body.Close()
		t.Fatalf("it was answered %d", answer.StatusCode)
	}
	if len(s.Sent()) != 1 {
		t.Fatal("it was not taken")
	}
}

func TestServeStopsWhenToldTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error)
	go func() { ended <- run(ctx, []string{"serve"}, w) }()
	line := make([]byte, 100)
	n, err := r.Read(line)
	if err != nil || !strings.HasPrefix(string(line[:n]), "http://127.0.0.1:") {
		t.Fatalf("%q %v", line[:n], err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestWaitEnds(t *testing.T) {
	s := start(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, Told(1, "")); !errors.Is(err, ErrNever) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// silence is a listener to which nobody connects.
type silence chan struct{}

func (s silence) Accept() (net.Conn, error) { <-s; return nil, net.ErrClosed }
func (s silence) Addr() net.Addr            { return &net.TCPAddr{} }
func (s silence) Close() error              { close(s); return nil }

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWebhookIsTriedFor15SecondsAndNeverMore(t *testing.T) {
	busy := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
	}
	deaf := func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	gone := func(*http.Request) (*http.Response, error) { return nil, &net.OpError{Op: "dial", Err: io.EOF} }
	for name, c := range map[string]struct {
		relay     transport
		overrides string
		attempts  int
		took      time.Duration
	}{
		"busy":             {busy, Overrides, 6, 3100 * time.Millisecond},
		"deaf":             {deaf, Overrides, 4, 15 * time.Second},
		"gone":             {gone, Overrides, 6, 3100 * time.Millisecond},
		"busy, by default": {busy, "x=y", 1, 0},
		"deaf, by default": {deaf, "x=y", 1, 15 * time.Second},
		"gone, by default": {gone, "x=y", 2, 100 * time.Millisecond},
		"only 5xx":         {deaf, "rp=5xx&rc=5&rt=1000", 1, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, Config{Listener: make(silence), Client: &http.Client{Transport: c.relay}, Overrides: c.overrides, Public: "http://relay.example.org"})
				began := time.Now()
				d := s.Text(t.Context(), Text{From: texterNumber, Body: "hello"})
				if took := time.Since(began); d.Attempts != c.attempts || took != c.took {
					t.Fatalf("%d attempts in %v", d.Attempts, took)
				}
			})
		})
	}
}
