package twilio

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"befree.example/cmd/internal/gateway"
)

// mostHops is how often a file's address may point on: Twilio's own points to where the file lies.
const mostHops = 3

// Fetch implements [gateway.Gateway]. The address comes in a webhook that Twilio signed; it is asked all the same only
// if it is the API's own, and only there is the account's secret sent. Where the API points on, nothing is said of us.
func (c *Carrier) Fetch(ctx context.Context, m gateway.Media) ([]byte, string, error) {
	at, err := url.Parse(m.URL)
	if err != nil || at.Host != c.api.Host || at.Scheme != c.api.Scheme || at.User != nil {
		return nil, "", gateway.ErrMediaFar
	}
	for range mostHops {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
		if err != nil {
			return nil, "", gateway.ErrMediaFar
		}
		if at.Host == c.api.Host {
			r.SetBasicAuth(c.conf.Account, c.conf.Tokens[0])
		}
		answer, err := c.client.Do(r)
		if err != nil {
			return nil, "", gateway.ErrMediaNow // the transport's own words may name the file
		}
		next, data, err := file(answer)
		switch {
		case err != nil:
			return nil, "", err
		case next == nil:
			return data, answer.Header.Get("Content-Type"), nil
		case next.Scheme != c.api.Scheme:
			return nil, "", gateway.ErrMediaFar
		}
		at = next
	}
	return nil, "", gateway.ErrMediaNow
}

// file reads an answer: the file, or where it is.
func file(answer *http.Response) (next *url.URL, data []byte, err error) {
	defer answer.Body.Close()
	switch code := answer.StatusCode; {
	case code >= 300 && code < 400:
		if next, err = answer.Location(); err != nil {
			return nil, nil, gateway.ErrMediaNow
		}
		return next, nil, nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return nil, nil, gateway.ErrMediaGone
	case code != http.StatusOK:
		return nil, nil, gateway.ErrMediaNow
	}
	data, err = io.ReadAll(io.LimitReader(answer.Body, gateway.MaxMedia+1))
	if err != nil || answer.ContentLength > 0 && int64(len(data)) < min(answer.ContentLength, gateway.MaxMedia) {
		return nil, nil, gateway.ErrMediaNow
	}
	if len(data) > gateway.MaxMedia {
		return nil, nil, gateway.ErrMediaLarge
	}
	return nil, data, nil
}
