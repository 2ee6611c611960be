package twilio_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

const public = "https://relay.example.org:8443/befree"

// line is a carrier, reached over loopback by the stand-in as if it stood behind a proxy.
func line(t *testing.T, d *desk, c twiliotest.Config) (*twilio.Carrier, *twiliotest.Server) {
	t.Helper()
	c.Public = public
	s := standIn(t, c)
	made := carrier(t, by(s), func(c *twilio.Config) { c.PublicURL = public })
	relay := httptest.NewServer(made.Handler(d))
	t.Cleanup(relay.Close)
	s.Reach(public, relay.URL)
	return made, s
}

// wait fails the test if the stand-in does not come to it in 10 s.
func wait(t *testing.T, s *twiliotest.Server, enough func([]twiliotest.Message) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, enough); err != nil {
		t.Fatalf("%v: %+v", err, s.Sent())
	}
}

func TestTextComesIn(t *testing.T) {
	var d desk
	_, s := line(t, &d, twiliotest.Config{})
	for _, text := range []twiliotest.Text{
		{From: texter, Body: "Ayúdame por favor 😔"},
		{From: texter, Media: []twiliotest.Media{{URL: "https://api.twilio.com/1", Type: "image/jpeg"}}},
		{From: texter, Body: "hi", Params: map[string]string{"NewIn2031": "ñ", "OptOutType": "HELP"}},
		{From: texter, Body: "twice", Times: 2},
	} {
		if got := s.Text(t.Context(), text); got.Status != http.StatusOK || got.Type != "text/xml" || got.Attempts != max(text.Times, 1) {
			t.Fatalf("%+v", got)
		}
	}
	if len(d.texts) != 5 || d.texts[3].SID != d.texts[4].SID {
		t.Fatalf("%d texts", len(d.texts))
	}
	if d.texts[0].Body != "Ayúdame por favor 😔" || d.texts[1].Media[0].Type != "image/jpeg" || d.texts[2].Params["NewIn2031"][0] != "ñ" {
		t.Fatal("texts are not as they were sent")
	}
}

func TestForgedTextStaysOut(t *testing.T) {
	var d desk
	_, s := line(t, &d, twiliotest.Config{Overrides: "rc=0"})
	if got := s.Text(t.Context(), twiliotest.Text{From: texter, Body: words, Token: "stolen"}); got.Status != http.StatusForbidden || len(d.texts) != 0 {
		t.Fatalf("%+v, %d texts", got, len(d.texts))
	}
}

func TestTextComesAgainUntilItIsTaken(t *testing.T) {
	d := &desk{fails: []error{errors.New("disk is full"), errors.New("disk is full")}}
	_, s := line(t, d, twiliotest.Config{})
	if got := s.Text(t.Context(), twiliotest.Text{From: texter, Body: words}); got.Status != http.StatusOK || got.Attempts != 3 || len(d.texts) != 1 {
		t.Fatalf("%+v, %d texts", got, len(d.texts))
	}
}

// However the news comes, it comes with the message's own ID and is acknowledged.
func TestStatusComesBack(t *testing.T) {
	for plan, want := range map[string][]string{
		"delivered":   {"queued", "sent", "delivered"},
		"doubled":     {"queued", "queued", "sent", "sent", "delivered", "delivered"},
		"reordered":   {"delivered", "sent", "queued"},
		"early":       {"queued", "sent", "delivered"},
		"undelivered": {"queued", "sent", "undelivered"},
	} {
		t.Run(plan, func(t *testing.T) {
			var d desk
			c, s := line(t, &d, twiliotest.Config{})
			s.Callbacks(twiliotest.Plans[plan])
			sid, err := c.Send(t.Context(), outgoing)
			if err != nil {
				t.Fatal(err)
			}
			wait(t, s, func(sent []twiliotest.Message) bool { return len(sent[0].Told) == len(want) })
			if diff := cmp.Diff(want, s.Sent()[0].Told); diff != "" {
				t.Fatal(diff)
			}
			for i, got := range d.statuses {
				want := gateway.Status{ID: outgoing.ID, SID: sid, State: want[i]}
				if want.State == "undelivered" {
					want.Code, want.Reason = 30003, twilio.Explain(30003)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// A text that the API took before it broke down is reported all the same: that is how "unknown" is resolved.
func TestStatusResolvesTheUnknown(t *testing.T) {
	for _, kind := range []string{twiliotest.AcceptThen500, twiliotest.AcceptThenReset, twiliotest.AcceptThenHang} {
		var d desk
		c, s := line(t, &d, twiliotest.Config{})
		s.Next(twiliotest.Fault{Kind: kind})
		done := make(chan string, 1)
		go func() { _, err := c.Send(t.Context(), outgoing); done <- outcome(err) }()
		wait(t, s, twiliotest.Told(1, "delivered"))
		if d.statuses[0].ID != outgoing.ID || d.statuses[0].SID != s.Sent()[0].SID {
			t.Errorf("%s: %+v", kind, d.statuses[0])
		}
		if kind == twiliotest.AcceptThenHang {
			s.Close()
		}
		if got := <-done; got != "unknown" {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestOptedOutAtTheCarrier(t *testing.T) {
	var d desk
	const long = "+12025550199"
	c, s := line(t, &d, twiliotest.Config{Number: long})
	s.Text(t.Context(), twiliotest.Text{From: texter, Body: "Stop"})
	m := outgoing
	m.From = long
	if _, err := c.Send(t.Context(), m); outcome(err) != "refused 21610 true" || len(d.texts) != 1 {
		t.Fatalf("%v, %d texts", err, len(d.texts))
	}
}

// Where the public URL asks Twilio for it, a callback that could not be taken comes again.
func TestStatusComesAgainUntilItIsTaken(t *testing.T) {
	d := desk{fails: []error{errors.New("disk is full")}}
	_, s := line(t, &d, twiliotest.Config{})
	c := carrier(t, by(s), func(c *twilio.Config) { c.PublicURL = public + "#rc=5&rp=all" })
	if _, err := c.Send(t.Context(), outgoing); err != nil {
		t.Fatal(err)
	}
	wait(t, s, twiliotest.Told(1, "delivered"))
	if diff := cmp.Diff([]string{"queued", "sent", "delivered"}, s.Sent()[0].Told); diff != "" {
		t.Fatal(diff)
	}
}
