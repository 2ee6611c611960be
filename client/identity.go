package client

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"befree.example/client/wire"
)

// An Identity is a member of staff at this device: a name and the secret that shows it. It prints as the name alone.
type Identity struct {
	Name string
	key  ed25519.PrivateKey
}

const secretPrefix = "befree-secret-1"

// NewIdentity makes a new secret for a name.
func NewIdentity(name string) (Identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return Identity{name, key}, err
}

// String returns the name.
func (i Identity) String() string { return i.Name }

// GoString returns the name.
func (i Identity) GoString() string { return i.Name }

// LogValue returns the name.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.Name) }

// Public returns the half of the secret that the relay knows, in base64.
func (i Identity) Public() string {
	return base64.StdEncoding.EncodeToString(i.key.Public().(ed25519.PublicKey))
}

// Prove answers a relay's nonce on this channel. No secret crosses the wire.
func (i Identity) Prove(nonce, channel []byte) wire.Auth {
	return wire.Auth{Name: i.Name, Proof: ed25519.Sign(i.key, wire.Challenge(nonce, i.Name, channel))}
}

// Save writes the secret file, mode 0600, where there is none yet.
func (i Identity) Save(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: a secret is never overwritten; name another file", path)
	}
	if err != nil {
		return fmt.Errorf("write the secret file: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s %s %s\n", secretPrefix, i.Name, base64.StdEncoding.EncodeToString(i.key.Seed()))
	return errors.Join(err, f.Sync(), f.Close())
}

// LoadIdentity reads a secret file. One that others on this machine could have read is refused.
func LoadIdentity(path string) (Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Identity{}, fmt.Errorf("secret file: %w; ask whoever runs the relay for one", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Identity{}, fmt.Errorf("secret file %s can be read by others: chmod 600 it, and ask for a new one if it may have been read", path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Identity{}, fmt.Errorf("secret file: %w", err)
	}
	fields := strings.Fields(string(raw))
	if len(fields) != 3 || fields[0] != secretPrefix {
		return Identity{}, fmt.Errorf("%s is not a secret file of befree; ask whoever runs the relay for one", path)
	}
	seed, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || len(seed) != ed25519.SeedSize {
		return Identity{}, fmt.Errorf("secret file %s is damaged; ask whoever runs the relay for a new one", path)
	}
	return Identity{fields[1], ed25519.NewKeyFromSeed(seed)}, nil
}
