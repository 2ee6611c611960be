package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs so
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// sign returns X-Twilio-Signature: the base64 of the HMAC-SHA1, under the auth token, of the URL and of each form
// parameter, name and value, sorted by name and, where a name is repeated, each different value once, sorted
// (twilio.com/docs/usage/webhooks/webhooks-security; the repeats as Twilio's libraries for other languages have them).
func sign(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			_, _ = io.WriteString(mac, name)
			_, _ = io.WriteString(mac, value)
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// address is the URL that Twilio called: the public one with the path and query of the request. The Host header says
// nothing, it is the caller's to choose.
func (c *Carrier) address(r *http.Request) string {
	u := *c.public
	return u.Scheme + "://" + u.Host + trimSlash(u.EscapedPath()) + r.URL.RequestURI()
}

func trimSlash(path string) string {
	for len(path) > 0 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}

// signed tells whether Twilio signed a request with any of our tokens. A JSON body takes part by its SHA-256, which
// stands in the query.
func (c *Carrier) signed(r *http.Request, form url.Values, body []byte) bool {
	given := r.Header.Values("X-Twilio-Signature")
	if len(given) != 1 {
		return false
	}
	if want := r.URL.Query().Get("bodySHA256"); want != "" {
		sum := sha256.Sum256(body)
		if subtle.ConstantTimeCompare([]byte(want), []byte(hex.EncodeToString(sum[:]))) != 1 {
			return false
		}
		form = nil
	}
	ok := 0
	for _, token := range c.Tokens {
		ok |= subtle.ConstantTimeCompare([]byte(given[0]), []byte(sign(token, c.address(r), form)))
	}
	return ok == 1
}
