package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"math/bits"

	"golang.org/x/crypto/chacha20poly1305"
)

// A Cover hides, under one Master, what a file would tell of sealed events: whose they are, who did what when, and how
// long it is. What is to be forgotten is sealed by a [Ring] first. It is safe for use by many goroutines at once.
type Cover struct {
	aead  cipher.AEAD
	names macs
}

// NewCover makes a Cover.
func NewCover(m Master) *Cover {
	c := &Cover{aead: cipherUnder(m.derive("cover 1"))}
	c.names.under(m.derive("names 1"))
	return c
}

// String says nothing of its keys.
func (c *Cover) String() string { return "cover" }

// GoString says nothing of its keys.
func (c *Cover) GoString() string { return c.String() }

// Format says nothing of its keys, whatever the verb.
func (c *Cover) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// Name gives a name in a form that tells nothing and is always the same: 16 bytes, a hash keyed by the Master. One name
// in two rooms has two.
func (c *Cover) Name(room, name []byte) []byte {
	mac := c.names.of(append(append(bytes.Clone(room), 0), name...))
	return mac[:]
}

// leastCovered is the smallest of the sizes that a plaintext is padded to, in bytes; each other is twice the one before.
const leastCovered = 64

// coveredLen is the length of n bytes once padded.
func coveredLen(n int) int { return max(leastCovered, 1<<bits.Len(uint(n))) }

// Seal covers plain, which Open gives back at the same place alone.
func (c *Cover) Seal(plain, place []byte) []byte {
	size := coveredLen(len(plain))
	out := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+size+chacha20poly1305.Overhead)
	rand.Read(out)
	padded := append(append(out, plain...), 0x80)
	padded = padded[:len(out)+size] // zeros, as nothing was written there before
	return c.aead.Seal(out, out, padded[len(out):], place)
}

// Open is the inverse of Seal; it says no to whatever Seal did not make at this place under the same Master.
func (c *Cover) Open(sealed, place []byte) (plain []byte, ok bool) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, false
	}
	nonce := sealed[:chacha20poly1305.NonceSizeX]
	padded, err := c.aead.Open(nil, nonce, sealed[len(nonce):], place)
	if err != nil {
		return nil, false
	}
	trimmed := bytes.TrimRight(padded, "\x00")
	if len(trimmed) == 0 || trimmed[len(trimmed)-1] != 0x80 {
		return nil, false
	}
	return trimmed[: len(trimmed)-1 : len(trimmed)-1], true
}
