package seal

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// A Master is the key above all data keys: 32 random bytes. The zero Master is no key, and whatever would use it
// panics. However it is printed, it shows "master key", never its bytes.
type Master struct {
	bytes hidden
}

// hidden gives the bytes of a key. It is a function because package fmt, which cannot call the methods of an unexported
// field, follows pointers but prints of a function its address at most.
type hidden func() []byte

func hide(key []byte) hidden { return func() []byte { return key } }

// NewMaster makes a random one.
func NewMaster() Master {
	key := make([]byte, 32)
	rand.Read(key) // never fails: it ends the program instead
	return Master{hide(key)}
}

// Equal tells, in constant time, whether both are the same key.
func (m Master) Equal(other Master) bool {
	return subtle.ConstantTimeCompare(m.bytes(), other.bytes()) == 1
}

// derive gives the 32 bytes of m for one purpose, by HKDF-SHA256 (RFC 5869).
func (m Master) derive(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, m.bytes(), nil, "befree "+purpose, 32)
	if err != nil {
		panic(err) // 32 bytes are never too many to ask for
	}
	return key
}

// SigningKey gives the Ed25519 key of m for one purpose, always the same.
func (m Master) SigningKey(purpose string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(m.derive("signing " + purpose))
}

const masked = "master key"

// String shows nothing of the key.
func (m Master) String() string { return masked }

// GoString shows nothing of the key.
func (m Master) GoString() string { return masked }

// Format shows nothing of the key, whatever the verb.
func (m Master) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue shows nothing of the key.
func (m Master) LogValue() slog.Value { return slog.StringValue(masked) }

// The printed form of a Master: the prefix, then base32 of the key and the first bytes of a SHA-256 over both.
const (
	printedPrefix = "befree-master-1-"
	checkBytes    = 8 // with the key a whole number of digits, so that no digit has bits to spare
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Reveal gives m as the line that stands in a key file, for a store of secrets that keeps it instead.
func (m Master) Reveal() string { return m.printed() }

// printed gives m as one line of printable characters.
func (m Master) printed() string {
	return printedPrefix + base32Lower.EncodeToString(slices.Concat(m.bytes(), m.check()))
}

func (m Master) check() []byte {
	sum := sha256.Sum256(append([]byte(printedPrefix), m.bytes()...))
	return sum[:checkBytes]
}

// ReadMaster reads what a store of secrets gives: the line of a key file. Anything else gives [ErrKey].
func ReadMaster(r io.Reader) (Master, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return Master{}, err
	}
	return parseMaster(string(text))
}

// parseMaster reads what printed gave; white space around it does not matter. Anything else gives ErrKey.
func parseMaster(text string) (Master, error) {
	text = strings.TrimSpace(text)
	raw, err := base32Lower.DecodeString(strings.TrimPrefix(text, printedPrefix))
	if err != nil || len(raw) != 32+checkBytes {
		return Master{}, ErrKey
	}
	m := Master{hide(raw[:32:32])}
	if subtle.ConstantTimeCompare([]byte(m.printed()), []byte(text)) != 1 {
		return Master{}, ErrKey
	}
	return m, nil
}
