package twilio_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/gateway/twilio"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

func eraser(t *testing.T) (*twilio.Carrier, *twiliotest.Server) {
	t.Helper()
	s, err := twiliotest.New(twiliotest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := twilio.New(twilio.Config{
		Account: twiliotest.Account, Tokens: []string{twiliotest.Token}, API: s.URL(), PublicURL: "https://relay.example.org", From: "233733",
		Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// arrived is a text with a picture that Twilio has; its webhook never comes.
func arrived(t *testing.T, s *twiliotest.Server) (sid string, media []string) {
	t.Helper()
	url := s.URL() + "/2010-04-01/Accounts/" + twiliotest.Account + "/Messages/MM00000000000000000000000000000001/Media/ME1"
	d := s.Text(t.Context(), twiliotest.Text{
		SID: "MM00000000000000000000000000000001", From: "+12025550147", Body: "he has the keys", Missed: true,
		Media: []twiliotest.Media{{URL: url, Type: "image/png"}},
	})
	return d.SID, []string{url}
}

func TestEraseDeletesATextAndItsFiles(t *testing.T) {
	c, s := eraser(t)
	sid, media := arrived(t, s)
	for range 2 { // asking for what is gone does no harm
		if err := c.Erase(t.Context(), sid, media); err != nil {
			t.Fatal(err)
		}
		if kept := s.Kept(); len(kept) != 0 {
			t.Fatalf("the carrier keeps %d texts", len(kept))
		}
	}
}

func TestEraseSaysWhenToAskAgain(t *testing.T) {
	for _, fault := range []twiliotest.Fault{
		{Kind: twiliotest.TooMany, After: 7 * time.Second},
		{Kind: twiliotest.Fail500},
		{Kind: twiliotest.AcceptThen500},
		{Kind: twiliotest.AcceptThenReset},
		{Kind: twiliotest.Refuse, Code: 20001},
	} {
		for before := range 3 { // the file, the words, the text
			c, s := eraser(t)
			sid, media := arrived(t, s)
			for range before {
				s.NextErasure(twiliotest.Fault{})
			}
			s.NextErasure(fault)
			err := c.Erase(t.Context(), sid, media)
			var later *gateway.Later
			var refused *gateway.Refused
			switch {
			case err == nil:
				t.Fatalf("%s at request %d counts as done", fault.Kind, before)
			case errors.As(err, &later) != (fault.Kind == twiliotest.TooMany) || later != nil && later.After != fault.After:
				t.Errorf("%s: %v", fault.Kind, err)
			case errors.As(err, &refused) != (fault.Kind == twiliotest.Refuse):
				t.Errorf("%s: %v", fault.Kind, err)
			}
			if err := c.Erase(t.Context(), sid, media); err != nil || len(s.Kept()) != 0 {
				t.Errorf("after %s the carrier keeps %d texts: %v", fault.Kind, len(s.Kept()), err)
			}
		}
	}
}

func TestEraseWaitsForATextThatIsUnderWay(t *testing.T) {
	c, s := eraser(t)
	s.Callbacks(twiliotest.Plan{})
	sid, err := c.Send(t.Context(), gateway.Outgoing{ID: "testtesttesttest-000000000001", To: "+12025550147", Body: "I am here"})
	if err != nil {
		t.Fatal(err)
	}
	var refused *gateway.Refused
	if err := c.Erase(t.Context(), sid, nil); err == nil || errors.As(err, &refused) {
		t.Fatalf("a text under way: %v", err)
	}
}

func TestEraseGoesNowhereElse(t *testing.T) {
	c, s := eraser(t)
	for _, sid := range []string{"SM1", "../../AC1", "SMzz000000000000000000000000000000", ""} {
		if err := c.Erase(t.Context(), sid, []string{"https://example.org/secret", s.URL() + "/control/relay"}); err != nil {
			t.Errorf("%q: %v", sid, err)
		}
	}
	sid, _ := arrived(t, s)
	before := s.Erasures()
	if err := c.Erase(t.Context(), sid, []string{"https://example.org/secret", s.URL() + "/control/relay"}); err != nil {
		t.Fatal(err)
	}
	if n := s.Erasures() - before; n != 2 {
		t.Errorf("%d requests to delete one text", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Erase(ctx, sid, nil); err == nil {
		t.Error("what was never asked counts as done")
	}
}
