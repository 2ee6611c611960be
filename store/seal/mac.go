package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// macs makes keyed hashes: HMAC-SHA256, cut to 16 bytes. It is safe for use by many goroutines at once.
type macs struct {
	pool sync.Pool // of *macState
}

type macState struct {
	hash hash.Hash
	sum  [sha256.Size]byte
}

// macBytes is the size of one.
const macBytes = 16

// under sets the key, before first use.
func (m *macs) under(key []byte) {
	m.pool.New = func() any { return &macState{hash: hmac.New(sha256.New, key)} }
}

func (m *macs) of(text []byte) [macBytes]byte {
	s := m.pool.Get().(*macState)
	defer m.pool.Put(s)
	s.hash.Reset()
	s.hash.Write(text)
	return [macBytes]byte(s.hash.Sum(s.sum[:0]))
}
