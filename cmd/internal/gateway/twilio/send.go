package twilio

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"befree.example/cmd/internal/gateway"
)

// Send implements [gateway.Gateway]. Twilio says itself that creating a message is not idempotent after a 5xx
// (twilio.com/docs/api/errors/20500): everything but a clear answer, or no connection at all, wraps [gateway.ErrUnknown].
func (c *Carrier) Send(ctx context.Context, m gateway.Outgoing) (string, error) {
	if ctx.Err() != nil {
		return "", &gateway.Later{}
	}
	r, err := c.request(ctx, m)
	if err != nil {
		return "", err
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return "", c.lost(ctx, err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		raw = nil // the status alone speaks
	}
	return understand(answer, raw)
}

// request has no GetBody and no idempotency key: a transport sends again only what it can read again or what is marked
// as harmless, so this never goes out twice.
func (c *Carrier) request(ctx context.Context, m gateway.Outgoing) (*http.Request, error) {
	to := c.api.JoinPath("2010-04-01", "Accounts", c.conf.Account, "Messages.json")
	body := c.form(m).Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return nil, &gateway.Refused{Reason: "The request to the carrier could not be made. Tell whoever runs the relay to check --twilio-api."}
	}
	r.ContentLength = int64(len(body))
	r.SetBasicAuth(c.conf.Account, c.conf.Tokens[0])
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return r, nil
}

func (c *Carrier) form(m gateway.Outgoing) url.Values {
	form := url.Values{
		"To":             {m.To.Reveal()},
		"Body":           {m.Body.Reveal()},
		"StatusCallback": {c.callback(m.ID)},
		"ValidityPeriod": {strconv.Itoa(int(c.conf.ValidityPeriod / time.Second))},
	}
	switch {
	case c.conf.MessagingService != "":
		form.Set("MessagingServiceSid", c.conf.MessagingService)
	case m.From != "":
		form.Set("From", m.From.Reveal())
	default:
		form.Set("From", c.conf.From.Reveal())
	}
	return form
}

// lost says what an exchange without an answer means. If there was no connection, nothing was sent. No word of the
// transport's own error is passed on but that of a failed connection: others repeat what the other side said.
func (c *Carrier) lost(ctx context.Context, err error) error {
	if why := unconnected(err); why != nil {
		c.log.Warn("no connection to the carrier", "error", why)
		return &gateway.Later{}
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%w: %w", gateway.ErrUnknown, cause)
	}
	var n net.Error
	if errors.As(err, &n) && n.Timeout() {
		return fmt.Errorf("%w: it did not answer in time", gateway.ErrUnknown)
	}
	return fmt.Errorf("%w: the connection broke", gateway.ErrUnknown)
}

// unconnected returns the part of err which proves that no connection to the API came about, or nil.
func unconnected(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return op
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return cert
	}
	return nil
}
