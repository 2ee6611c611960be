package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"befree.example/store"
)

// maxCached bounds the opened data keys held in memory (about 200 bytes each).
const maxCached = 1 << 14

// A slot is the place of one data key.
type slot struct {
	conversation string
	class        store.Class
}

// name is how a slot's key is called in a KeyStore. No class holds a slash (see validClass), so no two slots share one.
func (s slot) name() string { return s.conversation + "/" + string(s.class) }

func validClass(c store.Class) bool {
	return c != "" && len(c) < 100 && !strings.Contains(string(c), "/")
}

// A keyID tells which of the keys that a slot had in turn has sealed a box: after a shredding the slot may get a new
// one. It is made from the key by a hash, so one box has no two keys that open it.
type keyID [8]byte

// A dataKey is one opened.
type dataKey struct {
	id   keyID
	aead cipher.AEAD
}

func newDataKey(raw []byte) *dataKey {
	sum := sha256.Sum256(append([]byte("befree key ID "), raw...))
	return &dataKey{id: keyID(sum[:8]), aead: cipherUnder(raw)}
}

// keyring finds, makes and destroys data keys.
type keyring struct {
	store   KeyStore
	wrapKey hidden

	slow   sync.Mutex // held over every use of store and the change of opened that follows from it
	mu     sync.RWMutex
	opened map[slot]*dataKey
}

func (k *keyring) cached(s slot) *dataKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.opened[s]
}

// remember puts an opened key into memory, another out of it where it is full. The caller holds slow.
func (k *keyring) remember(s slot, key *dataKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.opened) >= maxCached {
		for other := range k.opened {
			delete(k.opened, other)
			break
		}
	}
	k.opened[s] = key
}

// find returns the key of s, or ErrNoKey.
func (k *keyring) find(s slot) (*dataKey, error) {
	if key := k.cached(s); key != nil {
		return key, nil
	}
	k.slow.Lock()
	defer k.slow.Unlock()
	return k.load(s)
}

// load is find for one who holds slow.
func (k *keyring) load(s slot) (*dataKey, error) {
	if key := k.cached(s); key != nil {
		return key, nil
	}
	name := s.name()
	wrapped, err := k.store.Load(name)
	if errors.Is(err, ErrNoKey) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, fmt.Errorf("load key: %w", err)
	}
	raw, ok := unwrap(k.wrapKey(), wrapped, wrapAD(name))
	if !ok {
		return nil, fmt.Errorf("load key: %w", ErrMaster)
	}
	key := newDataKey(raw[:])
	k.remember(s, key)
	return key, nil
}

// obtain returns the key of s, made where it is missing.
func (k *keyring) obtain(s slot) (*dataKey, error) {
	if key := k.cached(s); key != nil {
		return key, nil
	}
	k.slow.Lock()
	defer k.slow.Unlock()
	if err := k.fill([]slot{s}); err != nil {
		return nil, err
	}
	return k.load(s)
}

// ensure makes the keys that are missing of slots, all by one Save.
func (k *keyring) ensure(slots []slot) error {
	if len(slots) == 0 {
		return nil
	}
	k.slow.Lock()
	defer k.slow.Unlock()
	return k.fill(slots)
}

// maxRaces bounds how often others may be first in making one of a set of keys.
const maxRaces = 100

// fill is ensure for one who holds slow.
func (k *keyring) fill(slots []slot) error {
	for range maxRaces {
		fresh, err := k.missing(slots)
		if err != nil || len(fresh) == 0 {
			return err
		}
		err = k.save(fresh)
		if !errors.Is(err, ErrExists) {
			return err
		}
	}
	return fmt.Errorf("make keys: %w", ErrExists)
}

// missing makes a random key for each of slots that has none yet.
func (k *keyring) missing(slots []slot) (map[slot][]byte, error) {
	fresh := map[slot][]byte{}
	for _, s := range slots {
		_, err := k.load(s)
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrNoKey) {
			return nil, err
		}
		raw := make([]byte, 32)
		rand.Read(raw)
		fresh[s] = raw
	}
	return fresh, nil
}

// save stores fresh keys, and remembers them once they are durable.
func (k *keyring) save(fresh map[slot][]byte) error {
	wrapped := make(map[string][]byte, len(fresh))
	for s, raw := range fresh {
		name := s.name()
		wrapped[name] = wrap(k.wrapKey(), raw, wrapAD(name))
	}
	if err := k.store.Save(wrapped); err != nil {
		return fmt.Errorf("save keys: %w", err)
	}
	for s, raw := range fresh {
		k.remember(s, newDataKey(raw))
	}
	return nil
}

// shred destroys the keys of slots, in memory even where the store fails.
func (k *keyring) shred(slots []slot) error {
	k.slow.Lock()
	defer k.slow.Unlock()
	names := make([]string, len(slots))
	k.mu.Lock()
	for i, s := range slots {
		names[i] = s.name()
		delete(k.opened, s)
	}
	k.mu.Unlock()
	if err := k.store.Delete(names...); err != nil {
		return fmt.Errorf("destroy keys: %w", err)
	}
	return nil
}

func wrapAD(name string) []byte { return []byte("befree data key 1 " + name) }
