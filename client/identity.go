package client

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// ErrNotEnrolled is a cache whose device no relay knows yet.
var ErrNotEnrolled = errors.New("this device is not enrolled: ask whoever runs the relay for a code, then run befree enrol")

// An Identity is a member of staff at this device. It prints as the name alone; its keys are the cache's, and stay there.
type Identity struct {
	Name   string
	signs  signer
	device device
}

// A signer signs as a device.
type signer interface {
	DeviceID() string
	Sign(message []byte) []byte
}

// A device is what one knows of the relay that it is enrolled at. It lies sealed in the cache.
type device struct {
	Relay string     `json:"relay"`         // the relay's name
	URL   string     `json:"url"`           // where it was
	Pin   []byte     `json:"pin,omitempty"` // SHA-256 of its certificate's key, where it has one of its own
	End   store.Hash `json:"end"`           // of what it says when the device is revoked
}

// identity reads who a cache's owner is, and at which relay they are known.
func identity(c *bolt.Cache) (Identity, error) {
	i := Identity{Name: c.Owner(), signs: c}
	raw, err := c.Device()
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &i.device)
	}
	return i, err
}

// Enrolled tells whether a relay knows the device.
func (i Identity) Enrolled() bool { return i.device.Relay != "" }

// URL is where the relay was when the device was enrolled.
func (i Identity) URL() string { return i.device.URL }

// String returns the name.
func (i Identity) String() string { return i.Name }

// GoString returns the name.
func (i Identity) GoString() string { return i.Name }

// Format prints the name, whatever the verb.
func (i Identity) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(i.Name)) }

// LogValue returns the name.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.Name) }

// Prove answers a relay's nonce on this channel. No secret crosses the wire.
func (i Identity) Prove(nonce, channel []byte) wire.Auth {
	a := wire.Auth{Name: i.Name, Device: i.signs.DeviceID(), At: time.Now().UTC()}
	a.Proof = i.signs.Sign(wire.SignIn(a, i.device.Relay, nonce, channel))
	return a
}

// certain signs a dangerous command for this connection. key is from [bolt.Cache.Certain].
func (i Identity) certain(key ed25519.PrivateKey, c desk.Command, nonce, channel []byte) []byte {
	return ed25519.Sign(key, wire.Certain(c, i.device.Relay, i.signs.DeviceID(), nonce, channel))
}

// ended tells whether it is the relay that says that the device was revoked. Nobody else can have the cache destroyed.
func (i Identity) ended(r wire.Refused) bool {
	sum := sha256.Sum256(r.End)
	return r.Code == desk.CodeRevoked && i.Enrolled() && subtle.ConstantTimeCompare(sum[:], i.device.End[:]) == 1
}
