package seal

import (
	"bytes"
	"sync"
)

// A KeyStore keeps wrapped data keys by name. A name is "conversation/class", or "proof"; a value is at most 100
// bytes and says nothing without the master. It is safe for use by many goroutines at once, and what Load gives and
// Save takes is copied, never shared.
type KeyStore interface {
	// Load returns the value saved under each of names, nil where there is none.
	Load(names ...string) ([][]byte, error)

	// Save adds all of keys or none, and returns once they are on stable storage. A name that has a value already
	// gives ErrExists, whatever the value, and nothing is saved: of two who race to make one key the first wins, and
	// the other loads it. After any other error the caller does not know whether they were saved.
	Save(keys map[string][]byte) error

	// Delete destroys what is saved under names, and returns once that is on stable storage. A name without a value
	// is no error.
	Delete(names ...string) error
}

// MemoryKeys is a KeyStore that ends with the process. The zero value is empty and ready.
type MemoryKeys struct {
	mu   sync.Mutex
	keys map[string][]byte
}

var _ KeyStore = (*MemoryKeys)(nil)

// Load implements [KeyStore].
func (s *MemoryKeys) Load(names ...string) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := make([][]byte, len(names))
	for i, name := range names {
		values[i] = bytes.Clone(s.keys[name])
	}
	return values, nil
}

// Save implements [KeyStore].
func (s *MemoryKeys) Save(keys map[string][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range keys {
		if _, ok := s.keys[name]; ok {
			return ErrExists
		}
	}
	if s.keys == nil {
		s.keys = map[string][]byte{}
	}
	for name, value := range keys {
		s.keys[name] = bytes.Clone(value)
	}
	return nil
}

// Delete implements [KeyStore].
func (s *MemoryKeys) Delete(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		delete(s.keys, name)
	}
	return nil
}
