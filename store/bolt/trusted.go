package bolt

import (
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"
)

// trustedKey is until when what is kept may be shown without the relay.
var trustedKey = []byte("trusted")

// Trusted is until when what is kept may be shown without the relay, as that said last; zero for ever.
func (c *Cache) Trusted() (until time.Time, err error) {
	raw, err := c.readFact(trustedKey)
	if len(raw) == 8 {
		until = time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	}
	return until, err
}

// TrustUntil keeps until when what is kept may be shown without the relay.
func (c *Cache) TrustUntil(until time.Time) error {
	return c.update(func(tx *bbolt.Tx) error {
		return c.setFact(tx, trustedKey, binary.BigEndian.AppendUint64(nil, uint64(until.Unix())))
	})
}
