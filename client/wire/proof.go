package wire

import (
	"crypto/tls"
	"encoding/binary"
)

// Challenge returns what a device signs to show who is there: a label, the relay's nonce, the name, and what binds the
// proof to this one TLS connection, so that a proof caught in the middle is of no use anywhere else.
func Challenge(nonce []byte, name string, channel []byte) []byte {
	b := []byte("befree line sign-in 1\x00")
	for _, part := range [][]byte{nonce, []byte(name), channel} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// Channel returns the bytes that both ends of a TLS connection share and nobody else has (RFC 9266, tls-exporter);
// none without TLS, which is for loopback alone.
func Channel(s *tls.ConnectionState) ([]byte, error) {
	if s == nil {
		return nil, nil
	}
	return s.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
}
