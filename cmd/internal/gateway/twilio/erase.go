package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"befree.example/cmd/internal/gateway"
)

var _ gateway.Eraser = (*Carrier)(nil)

// Erase implements [gateway.Eraser]: the files that came with a text are deleted, its words are taken out, then all of it
// is deleted (twilio.com/docs/messaging/api/message-resource, .../media-resource). A text that is still on its way Twilio
// deletes once it has arrived.
func (c *Carrier) Erase(ctx context.Context, sid string, media []string) error {
	if !messageSID(sid) {
		return nil // it never was at Twilio
	}
	for _, address := range media {
		if at, ours := c.file(address); ours {
			if err := c.ask(ctx, http.MethodDelete, at, nil); err != nil && !errors.Is(err, errGone) {
				return err
			}
		}
	}
	at := c.api.JoinPath("2010-04-01", "Accounts", c.conf.Account, "Messages", sid+".json")
	err := c.ask(ctx, http.MethodPost, at, url.Values{"Body": {""}})
	if err == nil {
		err = c.ask(ctx, http.MethodDelete, at, nil)
	}
	if errors.Is(err, errGone) {
		return nil
	}
	return err
}

// messageSID tells whether an ID is one of Twilio's for a text; it goes into an address.
func messageSID(sid string) bool {
	return len(sid) == 34 && (sid[:2] == "SM" || sid[:2] == "MM") && strings.Trim(sid[2:], "0123456789abcdefABCDEF") == ""
}

// file is the address of a file that came with a text, if it lies in our account: the secret goes nowhere else.
func (c *Carrier) file(address string) (*url.URL, bool) {
	at, err := url.Parse(address)
	inAccount := "/2010-04-01/Accounts/" + c.conf.Account + "/"
	if err != nil || at.Host != c.api.Host || at.Scheme != c.api.Scheme || at.User != nil || !strings.HasPrefix(at.Path, inAccount) {
		return nil, false
	}
	if !strings.HasSuffix(at.Path, ".json") {
		at.Path += ".json"
	}
	return at, true
}

// underWay is Twilio's code for a text that cannot be deleted before it has arrived or failed
// (twilio.com/docs/api/errors/20009).
const underWay = 20009

var (
	errGone   = errors.New("it is not there")
	errFailed = errors.New("the carrier did not do it")
)

// ask makes one request that does no harm when it is made twice.
func (c *Carrier) ask(ctx context.Context, method string, at *url.URL, form url.Values) error {
	r, err := http.NewRequestWithContext(ctx, method, at.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return errFailed
	}
	r.SetBasicAuth(c.conf.Account, c.conf.Tokens[0])
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return errFailed // the transport's own words may name the text
	}
	defer answer.Body.Close()
	var said struct {
		Code int `json:"code"`
	}
	raw, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	_ = json.Unmarshal(raw, &said) // its code is a help, no more
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return errGone
	case code == http.StatusTooManyRequests:
		return &gateway.Later{After: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	case said.Code == underWay:
	case code == http.StatusBadRequest || code == http.StatusForbidden:
		return &gateway.Refused{Code: said.Code, Reason: "The carrier does not delete it."}
	}
	return errFailed // also where it does not know our token, or the text is on its way
}
