package twiliotest

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Text is what somebody texts to us.
type Text struct {
	From   string            `json:"from"`
	To     string            `json:"to"` // default our number
	Body   string            `json:"body"`
	Media  []Media           `json:"media"`  // makes it an MMS; without Body it has no such parameter at all
	Params map[string]string `json:"params"` // further parameters of the webhook, which may replace usual ones
	SID    string            `json:"sid"`    // default a new one; that of an earlier text delivers it again
	Times  int               `json:"times"`  // how often the webhook is delivered even if all goes well; default once
	Missed bool              `json:"missed"` // Twilio has it, but the webhook never comes
	Token  string            `json:"token"`  // signs it instead of ours: a forgery
}

// Media is a picture or a file. Nothing is behind its URL.
type Media struct {
	URL  string `json:"url"`
	Type string `json:"type"`
}

// The words that Twilio takes for itself on long codes, alone and in any case.
var (
	optOut = []string{"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
	optIn  = []string{"START", "YES", "UNSTOP"}
)

// Text lets somebody text us, and returns when the relay took it or Twilio gave up, with what the last attempt gave.
func (s *Server) Text(ctx context.Context, t Text) Delivery {
	t.To = cmp.Or(t.To, s.conf.Number)
	if t.SID == "" && len(t.Media) > 0 {
		t.SID = newSID("MM")
	}
	t.SID = cmp.Or(t.SID, newSID("SM"))
	s.arrive(t)
	d := Delivery{SID: t.SID}
	if t.Missed {
		return d
	}
	s.mu.Lock()
	address := strings.TrimRight(s.public, "/") + "/twilio/sms#" + s.conf.Overrides
	s.mu.Unlock()
	for range max(t.Times, 1) {
		next := s.call(ctx, address, cmp.Or(t.Token, s.conf.Token), t.form(s.conf.Account))
		next.SID, next.Attempts = t.SID, next.Attempts+d.Attempts
		d = next
	}
	return d
}

// arrive keeps a text, once, and heeds what it means to Twilio itself. A forgery never was at Twilio.
func (s *Server) arrive(t Text) {
	if t.Token != "" {
		return
	}
	s.change(func() {
		for _, m := range s.messages {
			if m.SID == t.SID {
				return
			}
		}
		s.messages = append(s.messages, &Message{
			SID: t.SID, Direction: inbound, Status: "received", From: t.From, To: t.To, Body: t.Body, Media: t.Media, At: time.Now().UTC(),
		})
		word := strings.ToUpper(strings.TrimSpace(t.Body))
		switch {
		case len(s.conf.Number) <= 8: // on a short code all words are the application's
		case slices.Contains(optOut, word):
			s.opted[t.From] = true
		case slices.Contains(optIn, word):
			delete(s.opted, t.From)
		}
	})
}

// form is the webhook of a text, with what Twilio guesses about the number.
func (t Text) form(account string) url.Values {
	form := url.Values{
		"ToCountry": {"US"}, "ToState": {""}, "ToCity": {""}, "ToZip": {""}, "FromCountry": {"US"}, "FromState": {"DC"},
		"FromCity": {"WASHINGTON"}, "FromZip": {"20001"}, "SmsStatus": {"received"}, "NumSegments": {"1"},
		"ApiVersion": {"2010-04-01"}, "AccountSid": {account}, "MessageSid": {t.SID}, "SmsSid": {t.SID}, "SmsMessageSid": {t.SID},
		"From": {t.From}, "To": {t.To}, "NumMedia": {strconv.Itoa(len(t.Media))},
	}
	if t.Body != "" || len(t.Media) == 0 {
		form.Set("Body", t.Body)
	}
	for i, m := range t.Media {
		form.Set("MediaUrl"+strconv.Itoa(i), m.URL)
		form.Set("MediaContentType"+strconv.Itoa(i), m.Type)
	}
	for name, value := range t.Params {
		form.Set(name, value)
	}
	return form
}
