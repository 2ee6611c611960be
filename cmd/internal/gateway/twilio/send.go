package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"befree.example/cmd/internal/gateway"
)

// Send implements [gateway.Gateway]. Twilio says itself that creating a message is not idempotent after a 5xx
// (twilio.com/docs/api/errors/20500): everything but a clear answer wraps [gateway.ErrUnknown].
func (c *Carrier) Send(ctx context.Context, m gateway.Outgoing) (string, error) {
	r, err := c.request(ctx, m)
	if err != nil {
		return "", err
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return "", fmt.Errorf("%w: %w", gateway.ErrUnknown, reason(err))
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("%w: its answer broke off", gateway.ErrUnknown)
	}
	return understand(answer, raw)
}

// request has no GetBody, so that the transport never sends it twice: it may replay only what it can read again.
func (c *Carrier) request(ctx context.Context, m gateway.Outgoing) (*http.Request, error) {
	form := url.Values{
		"To": {m.To.Reveal()}, "Body": {m.Body.Reveal()},
		"StatusCallback": {c.callback(m.ID)}, "ValidityPeriod": {strconv.Itoa(int(validFor / time.Second))},
	}
	if c.MessagingService != "" {
		form.Set("MessagingServiceSid", c.MessagingService)
	} else {
		form.Set("From", m.From.Reveal())
	}
	to := strings.TrimRight(c.API, "/") + "/2010-04-01/Accounts/" + c.Account + "/Messages.json"
	body := form.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return nil, &gateway.Refused{Reason: "the request to the carrier could not be made; check --twilio-api"}
	}
	r.ContentLength = int64(len(body))
	r.SetBasicAuth(c.Account, c.Tokens[0])
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return r, nil
}

// callback is where Twilio is to report on a text.
func (c *Carrier) callback(id string) string {
	return strings.TrimRight(c.public.String(), "/") + "/twilio/status?" + url.Values{"ev": {id}}.Encode()
}

// reason says what went wrong without the URL, in which the account stands.
func reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// understand tells what an answer of the API means.
func understand(answer *http.Response, raw []byte) (string, error) {
	var said struct {
		SID  string `json:"sid"`
		Code int    `json:"code"`
	}
	readable := json.Unmarshal(raw, &said) == nil
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300 && readable && said.SID != "":
		return said.SID, nil
	case status == http.StatusTooManyRequests:
		return "", &gateway.Later{After: retryAfter(answer)}
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		return "", &gateway.Refused{Code: said.Code, Reason: Explain(said.Code)}
	}
	return "", fmt.Errorf("%w: it answered %d", gateway.ErrUnknown, answer.StatusCode)
}

func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
