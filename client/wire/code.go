package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// A Code lets one device be enrolled, once. It is the seed of a key that is used once, so that it never crosses a wire
// and the relay keeps only what checks it; and it may carry a pin of the relay's certificate. It prints masked.
type Code struct {
	secret [codeSecret]byte
	pin    [codePin]byte // zero for none
}

// A code is its secret, perhaps the pin, and the first bytes of a SHA-256 of both, in base32 without spare digits: 24
// or 56 letters and digits.
const (
	codeSecret = 13 // bytes: 104 random bits
	codePin    = 20 // of a certificate's SHA-256: a second certificate that has them is as hard to find as one of 160 bits
	codeCheck  = 2
	codeGroup  = 4 // letters between two dashes
)

// ErrCode is a text that is not a code, by a slip of the fingers as likely as not.
var ErrCode = errors.New("that is not a code as befree makes them, so a letter must be wrong: look at it again (it was not used up)")

// codeLetters are Crockford's: none that is easily taken for another; those that people write instead are read too.
var (
	codeLetters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	codeAsRead  = strings.NewReplacer("-", "", " ", "", "\t", "", "\r", "", "\n", "", "o", "0", "i", "1", "l", "1")
)

// NewCode makes a random code. fingerprint is the SHA-256 of the relay's own certificate, nil where it has one that the
// system trusts.
func NewCode(fingerprint []byte) Code {
	var c Code
	_, _ = rand.Read(c.secret[:]) // never fails
	copy(c.pin[:], fingerprint)
	return c
}

// ParseCode reads what Reveal gave; capitals, dashes and white space do not matter. Anything else gives ErrCode.
func ParseCode(text string) (Code, error) {
	var c Code
	text = codeAsRead.Replace(strings.ToLower(text))
	raw, err := codeLetters.DecodeString(text)
	switch n := len(raw) - codeCheck; {
	case err != nil, n != codeSecret && n != codeSecret+codePin, !bytes.Equal(raw[n:], codeSum(raw[:n])):
		return c, ErrCode
	default:
		copy(c.secret[:], raw)
		copy(c.pin[:], raw[codeSecret:n])
		return c, nil
	}
}

func codeSum(raw []byte) []byte {
	sum := sha256.Sum256(append([]byte("befree code 1\x00"), raw...))
	return sum[:codeCheck]
}

// Reveal gives the code as it is told to one person.
func (c Code) Reveal() string {
	raw := c.secret[:]
	if c.Pinned() {
		raw = slices.Concat(raw, c.pin[:])
	}
	text := codeLetters.EncodeToString(slices.Concat(raw, codeSum(raw)))
	var groups []string
	for group := range slices.Chunk([]byte(text), codeGroup) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, "-")
}

// Pinned tells whether the code names the relay's own certificate.
func (c Code) Pinned() bool { return c.pin != [codePin]byte{} }

// Fits tells whether a certificate with this SHA-256 is the one that the code names.
func (c Code) Fits(fingerprint []byte) bool {
	return len(fingerprint) == sha256.Size && bytes.Equal(c.pin[:], fingerprint[:codePin])
}

// Key is the key that is used once.
func (c Code) Key() ed25519.PrivateKey {
	seed := sha256.Sum256(append([]byte("befree code key 1\x00"), c.secret[:]...))
	return ed25519.NewKeyFromSeed(seed[:])
}

const maskedCode = "enrolment code"

// String shows nothing of the code.
func (c Code) String() string { return maskedCode }

// GoString shows nothing of the code.
func (c Code) GoString() string { return maskedCode }

// Format shows nothing of the code, whatever the verb.
func (c Code) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, maskedCode) }

// LogValue shows nothing of the code.
func (c Code) LogValue() slog.Value { return slog.StringValue(maskedCode) }
