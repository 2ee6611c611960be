package twilio_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

// all walks a list to its end.
func all(t *testing.T, c *twilio.Carrier, q gateway.Query) (texts []gateway.Listed) {
	t.Helper()
	for range 100 {
		page, err := c.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(page.Now); age < -time.Minute || age > time.Minute {
			t.Fatalf("the carrier's clock is off by %v", age)
		}
		texts = append(texts, page.Texts...)
		if q.Next = page.Next; q.Next == "" {
			return texts
		}
	}
	t.Fatal("the list has no end")
	return nil
}

func TestListOfBothDirections(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	s.Callbacks(twiliotest.Plans["none"])
	c := carrier(t, by(s))
	const many = 501 // more than a page
	for i := range many {
		s.Text(t.Context(), twiliotest.Text{From: texter, Body: fmt.Sprint(i), Missed: true})
	}
	sid, err := c.Send(t.Context(), outgoing)
	if err != nil {
		t.Fatal(err)
	}
	in := all(t, c, gateway.Query{Inbound: true, Ours: twiliotest.Number, Since: time.Now().Add(-time.Hour)})
	if len(in) != many || in[0].Body != "500" || in[many-1].Body != "0" || in[0].From != texter || in[0].To != twiliotest.Number {
		t.Fatalf("%d texts came in, the newest %q", len(in), in[0].Body.Reveal())
	}
	out := all(t, c, gateway.Query{Ours: twiliotest.Number, Since: time.Now().Add(-time.Hour)})
	if len(out) != 1 || out[0].SID != sid || out[0].Body != words || out[0].To != texter || out[0].Status.SID != sid || out[0].Status.State == "" {
		t.Fatalf("went out: %+v", out)
	}
	if none := all(t, c, gateway.Query{Inbound: true, Ours: twiliotest.Number, Since: time.Now().Add(24 * time.Hour)}); len(none) != 0 {
		t.Fatalf("%d texts of tomorrow", len(none))
	}
}

func TestListSaysWhatBecameOfAText(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	s.Callbacks(twiliotest.Plans["undelivered"])
	c := carrier(t, by(s), func(c *twilio.Config) { c.PublicURL = "http://127.0.0.1:1" })
	if _, err := c.Send(t.Context(), outgoing); err != nil {
		t.Fatal(err)
	}
	wait(t, s, func(sent []twiliotest.Message) bool { return sent[0].Status == "undelivered" })
	got := all(t, c, gateway.Query{Ours: twiliotest.Number, Since: time.Now()})[0].Status
	if got.State != "undelivered" || got.Code != 30003 || got.Reason != twilio.Explain(30003) {
		t.Fatalf("%+v", got)
	}
}

func TestWholeHasPicturesToo(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	c := carrier(t, by(s))
	s.Text(t.Context(), twiliotest.Text{From: texter, Media: []twiliotest.Media{{Type: "image/jpeg"}, {Type: "audio/amr"}}, Missed: true})
	l := all(t, c, gateway.Query{Inbound: true, Ours: twiliotest.Number, Since: time.Now()})[0]
	m, err := c.Whole(t.Context(), l)
	if err != nil || m.SID != l.SID || m.From != texter || len(m.Media) != 2 || m.Media[0].Type != "image/jpeg" || m.Media[1].Type != "audio/amr" {
		t.Fatalf("%+v, %v", m, err)
	}
	if want := s.URL() + "/2010-04-01/Accounts/" + twiliotest.Account + "/Messages/" + l.SID + "/Media/ME"; m.Media[0].URL[:len(want)] != want || m.Media[0].URL == m.Media[1].URL {
		t.Fatalf("the pictures are at %s, %s", m.Media[0].URL, m.Media[1].URL)
	}
}

// TestListFaults: whatever is wrong is said without the number that was asked about, and what is no list is none.
func TestListFaults(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		later  time.Duration
		ok     bool
	}{
		"busy":           {status: 429, header: http.Header{"Retry-After": {"7"}}, later: 7 * time.Second},
		"broken":         {status: 500, body: "oops"},
		"not us":         {status: 401, body: "{}"},
		"not a list":     {status: 200, body: "<html>"},
		"cut off":        {status: 200, body: `{"messages":[{"sid":"SM`},
		"no next":        {status: 200, body: `{"messages":[],"next_page_uri":"::"}`},
		"elsewhere":      {status: 200, body: `{"messages":[],"next_page_uri":"https://evil.example/x?Page=1"}`, ok: true},
		"nothing":        {status: 200, body: `{"messages":[]}`, ok: true},
		"a strange time": {status: 200, body: `{"messages":[{"sid":"SM1","direction":"inbound","from":"+12025550147","date_created":"today"}]}`, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				for k, v := range c.header {
					w.Header()[k] = v
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer s.Close()
			line := carrier(t, func(conf *twilio.Config) { conf.API = s.URL })
			q := gateway.Query{Inbound: true, Ours: twiliotest.Number, Since: time.Now()}
			page, err := line.List(t.Context(), q)
			if (err == nil) != c.ok {
				t.Fatal(err)
			}
			var later *gateway.Later
			if errors.As(err, &later) != (c.later > 0) || later != nil && later.After != c.later {
				t.Fatal(err)
			}
			if err != nil {
				wantNoSecrets(t, err.Error())
			}
			if q.Next = page.Next; q.Next != "" { // goes to the API all the same
				if _, err := line.List(t.Context(), q); err != nil || asked != 2 {
					t.Fatalf("%d requests, %v", asked, err)
				}
			}
			if name == "a strange time" && (len(page.Texts) != 1 || !page.Texts[0].At.IsZero()) {
				t.Fatalf("%+v", page.Texts)
			}
		})
	}
	closed := standIn(t, twiliotest.Config{})
	closed.Close()
	_, err := carrier(t, by(closed)).List(t.Context(), gateway.Query{Inbound: true, Ours: "+12025550199", Since: time.Now()})
	if err == nil {
		t.Fatal("nobody is there")
	}
	wantNoSecrets(t, err.Error())
	if diff := cmp.Diff("the carrier cannot be asked for its list", err.Error()); diff != "" {
		t.Fatal(diff)
	}
}
