package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
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

	slow   sync.RWMutex // held over every use of store and the change of opened that follows from it, for writing if that changes
	mu     sync.RWMutex
	opened map[slot]*dataKey
}

func (k *keyring) cached(s slot) *dataKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.opened[s]
}

// absent lists, each once, those of slots whose keys are not in memory.
func (k *keyring) absent(slots iter.Seq[slot]) []slot {
	var absent map[slot]bool
	for s := range slots {
		if !validClass(s.class) || k.cached(s) != nil {
			continue
		}
		if absent == nil {
			absent = map[slot]bool{}
		}
		absent[s] = true
	}
	return slices.Collect(maps.Keys(absent))
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
	k.slow.RLock()
	defer k.slow.RUnlock()
	return k.load(s)
}

// fetch puts into memory what keys there are of slots.
func (k *keyring) fetch(slots []slot) error {
	if len(slots) == 0 {
		return nil
	}
	k.slow.RLock()
	defer k.slow.RUnlock()
	_, err := k.loadAll(slots)
	return err
}

// load is find for one who holds slow.
func (k *keyring) load(s slot) (*dataKey, error) {
	if key := k.cached(s); key != nil {
		return key, nil
	}
	keys, err := k.loadAll([]slot{s})
	if err == nil && keys[0] == nil {
		err = ErrNoKey
	}
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// loadAll reads the keys of slots from store, nil for one that has none. The caller holds slow.
func (k *keyring) loadAll(slots []slot) ([]*dataKey, error) {
	names := make([]string, len(slots))
	for i, s := range slots {
		names[i] = s.name()
	}
	wrapped, err := k.store.Load(names...)
	if err != nil {
		return nil, fmt.Errorf("load keys: %w", err)
	}
	keys := make([]*dataKey, len(slots))
	for i, name := range names {
		if wrapped[i] == nil {
			continue
		}
		raw, ok := unwrap(k.wrapKey(), wrapped[i], wrapAD(name))
		if !ok {
			return nil, fmt.Errorf("load keys: %w", ErrMaster)
		}
		keys[i] = newDataKey(raw[:])
		k.remember(slots[i], keys[i])
	}
	return keys, nil
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
	keys, err := k.loadAll(slots)
	if err != nil {
		return nil, err
	}
	fresh := map[slot][]byte{}
	for i, s := range slots {
		if keys[i] == nil {
			fresh[s] = make([]byte, 32)
			rand.Read(fresh[s])
		}
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
