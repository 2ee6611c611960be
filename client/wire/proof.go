package wire

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"time"

	"befree.example/store/desk"
)

// ClockSkew is how far the clocks of a console and a relay may be apart. Beyond it one of them is wrong, and times that
// people act on would be, too.
const ClockSkew = 24 * time.Hour

// What a device signs has a label of its own for each purpose, the relay's nonce, and what binds it to this one TLS
// connection, so that a proof caught in the middle, or kept from an earlier connection, is of no use anywhere.

// SignIn returns what a device signs to show who is there.
func SignIn(a Auth, relay string, nonce, channel []byte) []byte {
	return said("befree line sign-in 2", nonce, channel, []byte(relay), []byte(a.Name), []byte(a.Device), moment(a.At))
}

// Enrolling returns what the key of a code, and the new device's own, sign to have the device enrolled.
func Enrolling(e Enrol, nonce, channel []byte) []byte {
	return said("befree line enrolment 1", nonce, channel, []byte(e.Name), []byte(e.Device), e.Key, e.Certain, moment(e.At))
}

// Certain returns what a device's owner signs, having shown again who they are, to have a dangerous command done.
func Certain(c desk.Command, relay, device string, nonce, channel []byte) []byte {
	c.Proof, c.Age = nil, 0
	raw, _ := json.Marshal(c) // strings, numbers, and JSON that was read as such
	return said("befree line command 1", nonce, channel, []byte(relay), []byte(device), raw)
}

func said(label string, parts ...[]byte) []byte {
	b := append([]byte(label), 0)
	for _, part := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

func moment(t time.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t.UnixNano())) }

// Channel returns the bytes that both ends of a TLS connection share and nobody else has (RFC 9266, tls-exporter);
// none without TLS, which is for loopback alone.
func Channel(s *tls.ConnectionState) ([]byte, error) {
	if s == nil {
		return nil, nil
	}
	return s.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
}
