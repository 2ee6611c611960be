package simulate

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"befree.example/store/sms"
)

// chance is what the seed alone decides about the n-th thing of a kind that concerns a number: it does not depend on
// what happened before, so goroutines cannot change it.
type chance [sha256.Size]byte

func (c *Carrier) chance(kind string, number sms.Number, n int) chance {
	return sha256.Sum256(fmt.Appendf(nil, "%d %s %s %d", c.config.Seed, kind, number.Reveal(), n))
}

// sid returns a message SID as Twilio makes them: SM and 32 hexadecimal digits.
func (k chance) sid() string { return "SM" + hex.EncodeToString(k[:16]) }

// stream returns numbers that have nothing in common with the SID.
func (k chance) stream() *rand.Rand {
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(k[16:]), binary.BigEndian.Uint64(k[24:])))
}

// vary returns d, up to a quarter shorter or longer.
func vary(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + r.Float64()/2))
}

// at returns how long d takes at a pace.
func at(pace float64, d time.Duration) time.Duration { return time.Duration(float64(d) / pace) }

// pause waits for d and tells whether ctx is still going on.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
