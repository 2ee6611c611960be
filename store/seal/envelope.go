package seal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// Params are the costs of argon2id (RFC 9106): what one guess at a passphrase takes.
type Params struct {
	Passes uint32 `json:"passes"`
	Memory uint32 `json:"memory"` // in KiB
	Lanes  uint8  `json:"lanes"`
}

// Recommended is the second recommended option of RFC 9106, section 4.
var Recommended = Params{Passes: 3, Memory: 64 << 10, Lanes: 4}

// The most that an envelope may ask of the machine that opens it.
const (
	maxPasses = 16
	maxMemory = 1 << 20 // KiB: 1 GiB
	maxLanes  = 16
)

const (
	envelopeVersion = 1
	saltBytes       = 16
)

// An Envelope is a Master sealed under a passphrase. It may lie anywhere: without the passphrase it says nothing.
type Envelope struct {
	Version int    `json:"version"`
	Params  Params `json:"argon2id"`
	Salt    []byte `json:"salt"`
	Sealed  []byte `json:"sealed"`
}

// Enclose puts m under a passphrase, which must not be empty; p is [Recommended] outside of tests.
func Enclose(m Master, passphrase []byte, p Params) (Envelope, error) {
	if len(passphrase) == 0 {
		return Envelope{}, errors.New("an empty passphrase protects nothing")
	}
	if err := p.check(); err != nil {
		return Envelope{}, err
	}
	e := Envelope{Version: envelopeVersion, Params: p, Salt: make([]byte, saltBytes)}
	rand.Read(e.Salt)
	e.Sealed = wrap(e.key(passphrase), m.bytes(), e.clear())
	return e, nil
}

// Open gives the Master back. A wrong passphrase gives [ErrPassphrase]; an envelope that no befree wrote, or that asks
// for more than 1 GiB of memory or 16 passes, gives [ErrKey] before any work is done.
func (e Envelope) Open(passphrase []byte) (Master, error) {
	if e.Version != envelopeVersion || len(e.Salt) != saltBytes || len(e.Sealed) != wrappedBytes {
		return Master{}, fmt.Errorf("open envelope: %w", ErrKey)
	}
	if err := e.Params.check(); err != nil {
		return Master{}, fmt.Errorf("open envelope: %w", err)
	}
	key, ok := unwrap(e.key(passphrase), e.Sealed, e.clear())
	if !ok {
		return Master{}, ErrPassphrase
	}
	return Master{hide(key[:])}, nil
}

func (p Params) check() error {
	switch {
	case p.Passes < 1, p.Passes > maxPasses, p.Lanes < 1, p.Lanes > maxLanes,
		p.Memory < 8*uint32(p.Lanes), p.Memory > maxMemory:
		return fmt.Errorf("%w: argon2id with %d passes, %d KiB, %d lanes is out of bounds", ErrKey, p.Passes, p.Memory, p.Lanes)
	}
	return nil
}

func (e Envelope) key(passphrase []byte) []byte {
	return argon2.IDKey(passphrase, e.Salt, e.Params.Passes, e.Params.Memory, e.Params.Lanes, chacha20poly1305.KeySize)
}

// clear is what stands beside the sealed key and is authenticated with it.
func (e Envelope) clear() []byte {
	ad := binary.BigEndian.AppendUint32([]byte("befree envelope 1 "), e.Params.Passes)
	ad = binary.BigEndian.AppendUint32(ad, e.Params.Memory)
	return append(append(ad, e.Params.Lanes), e.Salt...)
}
