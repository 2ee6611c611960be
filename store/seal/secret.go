package seal

import (
	"crypto/rand"
	"errors"
	"fmt"

	"befree.example/store"
)

// Mark makes a keyed hash of a sum for one log. Nobody without the Master can make it, or use it in another log.
func (r *Ring) Mark(epoch string, sum store.Hash) [16]byte {
	return r.marks.of(append(sum[:], epoch...))
}

// Secret returns the 32 random bytes that are kept, wrapped, under a name without a slash. They are made where there
// are none yet and missing allows it; else there is ErrNoKey.
func (r *Ring) Secret(name string, missing bool) (secret [32]byte, err error) {
	wrapped, err := r.keys.store.Load(name)
	switch {
	case err == nil && wrapped[0] == nil && missing:
		return r.makeSecret(name)
	case err == nil && wrapped[0] == nil:
		err = ErrNoKey
	}
	if err != nil {
		return secret, fmt.Errorf("load %s: %w", name, err)
	}
	secret, ok := unwrap(r.keys.wrapKey(), wrapped[0], wrapAD(name))
	if !ok {
		return secret, fmt.Errorf("load %s: %w", name, ErrMaster)
	}
	return secret, nil
}

func (r *Ring) makeSecret(name string) (secret [32]byte, err error) {
	rand.Read(secret[:])
	err = r.keys.store.Save(map[string][]byte{name: wrap(r.keys.wrapKey(), secret[:], wrapAD(name))})
	if errors.Is(err, ErrExists) { // somebody else was first
		return r.Secret(name, false)
	}
	return secret, err
}
