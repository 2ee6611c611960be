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
	"strings"
)

// sign returns X-Twilio-Signature: the base64 of the HMAC-SHA1, under the auth token, of the URL and of each form
// parameter, name and value with nothing between or around them, sorted bytewise by name
// (twilio.com/docs/usage/webhooks/webhooks-security). Where a name is repeated, each different value counts once, sorted:
// so Twilio's libraries for Node and Python have it; the documentation is silent.
//
// The scheme does not mark where a name ends and its value begins: whoever holds a signed request and can read it could
// shift those borders. What guards against its use is that a MessageSid is taken once.
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

// signedBase is a public URL as Twilio signs it: with its port, without user, password and fragment.
func signedBase(public *url.URL) string {
	u := *public
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return strings.TrimRight(u.String(), "/")
}

// address is the URL that Twilio called: the public one with the path and query of the request, byte for byte. The Host
// header and what proxies add say nothing: they are the caller's to choose.
func (c *Carrier) address(r *http.Request) string {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") { // absolute form, or a request that never was on a wire
		target = r.URL.RequestURI()
	}
	target, _, _ = strings.Cut(target, "#")
	return c.base + target
}

// signed tells whether Twilio signed a request with any of our tokens. A form takes part in the signature; any other
// body (JSON) by its SHA-256, which then stands in the query.
func (c *Carrier) signed(r *http.Request, form url.Values, body []byte) bool {
	given := r.Header.Values("X-Twilio-Signature")
	if len(given) != 1 || form == nil && !hashed(r.URL.Query().Get("bodySHA256"), body) {
		return false
	}
	address, ok := c.address(r), 0
	for _, token := range c.conf.Tokens {
		ok |= subtle.ConstantTimeCompare([]byte(given[0]), []byte(sign(token, address, form)))
	}
	return ok == 1
}

// hashed tells whether the hexadecimal want is the SHA-256 of body.
func hashed(want string, body []byte) bool {
	sum := sha256.Sum256(body)
	return subtle.ConstantTimeCompare([]byte(strings.ToLower(want)), []byte(hex.EncodeToString(sum[:]))) == 1
}
