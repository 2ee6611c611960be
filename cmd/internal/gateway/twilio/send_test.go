package twilio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

var outgoing = gateway.Outgoing{ID: "7f3k-12/compliance", To: texter, From: twiliotest.Number, Body: words}

func standIn(t *testing.T, c twiliotest.Config) *twiliotest.Server {
	t.Helper()
	s, err := twiliotest.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func by(s *twiliotest.Server) func(*twilio.Config) {
	return func(c *twilio.Config) { c.API = s.URL() }
}

func TestSend(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	s.Callbacks(twiliotest.Plans["none"])
	sid, err := carrier(t, by(s), func(c *twilio.Config) { c.PublicURL = "https://me:pw@relay.example.org/befree/#rc=5" }).Send(t.Context(), outgoing)
	if err != nil {
		t.Fatal(err)
	}
	m := s.Sent()[0]
	got := []string{m.SID, m.To, m.From, m.Body, m.StatusCallback, m.ValidityPeriod, m.MessagingService}
	want := []string{sid, texter, "233733", words, "https://me:pw@relay.example.org/befree/twilio/status?ev=7f3k-12%2Fcompliance#rc=5", "600", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestSendByMessagingService(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	s.Callbacks(twiliotest.Plans["none"])
	service := "MG" + strings.Repeat("0", 32)
	c := carrier(t, by(s), func(c *twilio.Config) { c.MessagingService, c.ValidityPeriod = service, 90*time.Second })
	if _, err := c.Send(t.Context(), outgoing); err != nil {
		t.Fatal(err)
	}
	if m := s.Sent()[0]; m.MessagingService != service || m.ValidityPeriod != "90" {
		t.Fatalf("%+v", m)
	}
}

func TestSendFromOurNumberIfNoneIsNamed(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	m := outgoing
	m.From = ""
	if _, err := carrier(t, by(s)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// outcome names what an error of Send means to the outbox.
func outcome(err error) string {
	var refused *gateway.Refused
	var later *gateway.Later
	switch {
	case err == nil:
		return "sent"
	case errors.Is(err, gateway.ErrUnknown):
		return "unknown"
	case errors.As(err, &refused):
		return fmt.Sprintf("refused %d %t", refused.Code, refused.Reason == twilio.Explain(refused.Code))
	case errors.As(err, &later):
		return "later " + later.After.String()
	}
	return "?"
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault twiliotest.Fault
		want  string
		taken int
	}{
		{twiliotest.Fault{}, "sent", 1},
		{twiliotest.Fault{Kind: twiliotest.Delay, After: 10 * time.Millisecond}, "sent", 1},
		{twiliotest.Fault{Kind: twiliotest.TooMany}, "later 0s", 0},
		{twiliotest.Fault{Kind: twiliotest.TooMany, After: 7 * time.Second}, "later 7s", 0},
		{twiliotest.Fault{Kind: twiliotest.Refuse, Code: 21610}, "refused 21610 true", 0},
		{twiliotest.Fault{Kind: twiliotest.Refuse, Code: 39999}, "refused 39999 true", 0},
		{twiliotest.Fault{Kind: twiliotest.Refuse, Code: 20429}, "later 0s", 0},
		{twiliotest.Fault{Kind: twiliotest.Fail500}, "unknown", 0},
		{twiliotest.Fault{Kind: twiliotest.AcceptThen500}, "unknown", 1},
		{twiliotest.Fault{Kind: twiliotest.AcceptThenReset}, "unknown", 1},
	} {
		t.Run(c.fault.Kind, func(t *testing.T) {
			s := standIn(t, twiliotest.Config{})
			s.Next(c.fault)
			_, err := carrier(t, by(s)).Send(t.Context(), outgoing)
			if got := outcome(err); got != c.want || len(s.Sent()) != c.taken || s.Posts() != 1 {
				t.Fatalf("%s (%v), %d taken of %d requests", got, err, len(s.Sent()), s.Posts())
			}
			if err != nil {
				wantNoSecrets(t, err.Error())
			}
		})
	}
}

func TestGivingUpIsUnknown(t *testing.T) {
	for _, kind := range []string{twiliotest.Hang, twiliotest.AcceptThenHang} {
		s := standIn(t, twiliotest.Config{})
		s.Next(twiliotest.Fault{Kind: kind})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_ = s.Wait(t.Context(), func([]twiliotest.Message) bool { return s.Posts() == 1 })
			cancel()
		}()
		_, err := carrier(t, by(s)).Send(ctx, outgoing)
		if outcome(err) != "unknown" || !errors.Is(err, context.Canceled) || s.Posts() != 1 {
			t.Errorf("%s: %v, %d requests", kind, err, s.Posts())
		}
	}
}

func TestNotConnectedIsLater(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	s.Close()
	var log bytes.Buffer
	_, err := carrier(t, by(s), func(c *twilio.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }).Send(t.Context(), outgoing)
	if outcome(err) != "later 0s" || !strings.Contains(log.String(), "refused") {
		t.Fatalf("%v; %s", err, log.String())
	}
	wantNoSecrets(t, log.String())
}

func TestStrangerInPlaceOfTheAPIIsLater(t *testing.T) {
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("stranger got a text") }))
	api.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	api.StartTLS()
	defer api.Close()
	_, err := carrier(t, func(c *twilio.Config) { c.API = api.URL }).Send(t.Context(), outgoing)
	if outcome(err) != "later 0s" {
		t.Fatal(err)
	}
}

func TestNotOfferedAfterTheEnd(t *testing.T) {
	s := standIn(t, twiliotest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := carrier(t, by(s)).Send(ctx, outgoing); outcome(err) != "later 0s" || s.Posts() != 0 {
		t.Fatalf("%v, %d requests", err, s.Posts())
	}
}

func TestOddAnswers(t *testing.T) {
	redirect := http.Header{"Location": {"/elsewhere"}}
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		want   string
	}{
		"created":               {201, nil, `{"sid":"SM1"}`, "sent"},
		"no SID":                {201, nil, `{"status":"queued"}`, "unknown"},
		"no JSON":               {201, nil, `<html>` + words, "unknown"},
		"endless":               {201, nil, `{"sid":"SM1","body":"` + strings.Repeat("x", 300<<10) + `"}`, "unknown"},
		"nothing":               {204, nil, ``, "unknown"},
		"moved for ever":        {301, redirect, ``, "unknown"},
		"see other":             {303, redirect, ``, "unknown"},
		"same method elsewhere": {307, redirect, ``, "unknown"},
		"moved to nowhere":      {308, http.Header{"Location": {"http://%zz" + words}}, ``, "unknown"},
		"not modified":          {304, nil, ``, "unknown"},
		"a proxy's timeout":     {408, nil, `{"code":21610}`, "unknown"},
		"a proxy's refusal":     {403, nil, `<html>`, "refused 0 true"},
		"unauthorized":          {401, nil, `{"code":20003}`, "refused 20003 true"},
		"later by date":         {429, http.Header{"Retry-After": {time.Now().UTC().Add(-time.Hour).Format(http.TimeFormat)}}, ``, "later 0s"},
		"much later":            {429, http.Header{"Retry-After": {"999999"}}, ``, "later 1h0m0s"},
		"later in words":        {429, http.Header{"Retry-After": {"soon"}}, `<html>`, "later 0s"},
		"bad gateway":           {502, nil, `{"code":21610}`, "unknown"},
		"unavailable":           {503, http.Header{"Retry-After": {"1"}}, `{"code":20429}`, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked > 1 {
					_, _ = io.WriteString(w, `{"sid":"SM2"}`)
					return
				}
				for k, v := range c.header {
					w.Header()[k] = v
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer api.Close()
			sid, err := carrier(t, func(c *twilio.Config) { c.API = api.URL }).Send(t.Context(), outgoing)
			if got := outcome(err); got != c.want || asked != 1 || (sid == "SM1") != (err == nil) {
				t.Fatalf("%s (%v), asked %d times, SID %q", got, err, asked, sid)
			}
			if err != nil {
				wantNoSecrets(t, err.Error())
			}
		})
	}
}

// A transport of net/http sends again by itself what it thinks harmless when a connection that it kept alive turns out
// to be dead. A text is never harmless.
func TestNeverSentTwice(t *testing.T) {
	for name, client := range map[string]*http.Client{"own": nil, "kept alive": {Transport: &http.Transport{}}} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if asked.Add(1)%2 == 0 {
					panic(http.ErrAbortHandler) // the connection closes without an answer
				}
				_, _ = io.WriteString(w, `{"sid":"SM1"}`)
			}))
			defer api.Close()
			c := carrier(t, func(c *twilio.Config) { c.API, c.Client = api.URL, client })
			for i := range int32(6) {
				_, err := c.Send(t.Context(), outgoing)
				if want := []string{"sent", "unknown"}[i%2]; outcome(err) != want || asked.Load() != i+1 {
					t.Fatalf("%d: %v, asked %d times", i, err, asked.Load())
				}
			}
		})
	}
}

func TestBasicAuthAndPath(t *testing.T) {
	var got []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		got = []string{r.Method, r.URL.Path, r.URL.RawQuery, user, password, r.Header.Get("Content-Type"), r.Header.Get("Idempotency-Key")}
		_, _ = io.WriteString(w, `{"sid":"SM1"}`)
	}))
	defer api.Close()
	c := carrier(t, func(c *twilio.Config) { c.API, c.Tokens = api.URL+"/edge/", []string{"new", twiliotest.Token} })
	if _, err := c.Send(t.Context(), outgoing); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"POST", "/edge/2010-04-01/Accounts/" + twiliotest.Account + "/Messages.json", "", twiliotest.Account, "new",
		"application/x-www-form-urlencoded", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

// The API that says nothing is given up, even if the caller has all the time in the world.
func TestSilentTransportTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := carrier(t, func(c *twilio.Config) { c.Client = &http.Client{Transport: deaf{}, Timeout: time.Minute} })
		began := time.Now()
		_, err := c.Send(t.Context(), outgoing)
		if outcome(err) != "unknown" || time.Since(began) != time.Minute {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
		wantNoSecrets(t, err.Error())
	})
}

type deaf struct{}

func (deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, &url.Error{Op: "Post", URL: "https://me:" + twiliotest.Token + "@x/?" + words, Err: r.Context().Err()}
}
