package client

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"

	"befree.example/client/wire"
	"befree.example/store/desk"
)

// errPin is a relay that does not show the certificate that this device was enrolled with.
var errPin = errors.New("it is another certificate than the one that this device was enrolled with: somebody may stand between, and nothing was sent; if the relay's was changed on purpose, ask for a code and enrol again")

// fingerprint is what a certificate is known by: the SHA-256 of its key, so that it may be made anew with the same key.
func fingerprint(c *x509.Certificate) []byte {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return sum[:]
}

// secured is the TLS by which a relay is reached. Where fits is not nil the relay's own certificate is known, and
// neither a name nor a clock has a say in that.
func secured(c *tls.Config, fits func(fingerprint []byte) bool) *tls.Config {
	if c == nil {
		c = &tls.Config{}
	}
	c = c.Clone()
	c.MinVersion = tls.VersionTLS13
	if fits == nil {
		return c
	}
	c.InsecureSkipVerify = true
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 || !fits(fingerprint(s.PeerCertificates[0])) {
			return errPin
		}
		return nil
	}
	return c
}

// tls is how this device reaches its relay.
func (c *Client) tls() *tls.Config {
	pin := c.Identity.device.Pin
	if pin == nil {
		return secured(c.TLS, nil)
	}
	return secured(c.TLS, func(f []byte) bool { return bytes.Equal(f, pin) })
}

// A turnedAway is a console that the relay does not let in now, and says why.
type turnedAway struct{ why string }

func (t turnedAway) Error() string { return t.why }

// refusal is what it means that the relay refuses the connection. Only the relay itself can have the cache destroyed,
// and only what may pass by itself is tried again.
func (c *Client) refusal(r wire.Refused) error {
	r.Text = plain(r.Text)
	switch {
	case c.Identity.ended(r):
		return errors.Join(fmt.Errorf("%w: %s", ErrRefused, r.Text), c.destroy(r.Text))
	case r.Code == desk.CodeClock, r.Code == desk.CodeWait:
		return turnedAway{r.Text}
	case r.Code == desk.CodeRevoked:
		return fmt.Errorf("%w: %s", ErrRefused, "it says that this device was revoked, but not in the way that the relay would. Nothing here was touched; tell whoever runs the relay.")
	}
	return fmt.Errorf("%w: %s", ErrRefused, r.Text)
}

// plain is what whoever is at the other end says, as it may stand on a screen: nobody knows yet who that is.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), 600)], "")
}

// trouble says in plain words why there is no connection, and whether that will not pass by itself.
func trouble(err error) (why string, wrong bool) {
	var (
		network *net.OpError
		invalid x509.CertificateInvalidError
		other   *tls.CertificateVerificationError
		plain   tls.RecordHeaderError
		away    turnedAway
	)
	switch {
	case err == nil:
		return "", false
	case errors.Is(err, errStarting):
		return errStarting.why, false
	case errors.As(err, &away):
		return away.why, true
	case errors.Is(err, errPin):
		return errPin.Error(), true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		const said = "the relay's certificate is good from %s to %s, and here it is %s: set this machine's clock if that is wrong, else the relay needs a new one"
		return fmt.Sprintf(said, invalid.Cert.NotBefore.Format(time.DateOnly), invalid.Cert.NotAfter.Format(time.DateOnly), time.Now().Format(time.DateOnly)), true
	case errors.As(err, &other):
		return "the relay's certificate is not trusted here: somebody may stand between, and nothing was sent", true
	case errors.As(err, &plain):
		return "what answers at this address speaks no TLS, and nothing was sent: if it is a relay on this same machine, its address begins with ws://", true
	case errors.As(err, &network):
		return "the relay cannot be reached", false
	}
	return "the connection to the relay was lost", false
}
