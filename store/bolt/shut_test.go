package bolt_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/seal"
)

// A cache that is shut is nobody else's, however often its passphrase is got wrong, and opens as it was.
func TestShutCacheIsNobodyElses(t *testing.T) {
	path := written(t)
	others := func(when string) {
		t.Helper()
		if _, err := bolt.OpenCache(path, cacheOptions("secret")); !errors.Is(err, store.ErrInUse) {
			t.Errorf("%s: %v", when, err)
		}
	}
	door, err := openCache(t, path).Leave()
	if err != nil {
		t.Fatal(err)
	}
	others("while it changes hands")
	s, err := bolt.Hold(path, door)
	if err != nil {
		t.Fatal(err)
	}
	others("while it is shut")
	for range 2 {
		if _, err := s.Open(cacheOptions("wrong")); !errors.Is(err, seal.ErrPassphrase) {
			t.Fatal(err)
		}
	}
	others("after wrong passphrases")
	c, err := s.Open(cacheOptions("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Wrong() != 2 {
		t.Errorf("%d wrong passphrases are told of", c.Wrong())
	}
	readable(t, c)
	others("while it is open again")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = openCache(t, path)
	readable(t, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// It takes no key to make what is shut unreadable for ever.
func TestShutCacheIsDestroyed(t *testing.T) {
	path := written(t)
	door, err := openCache(t, path).Leave()
	if err != nil {
		t.Fatal(err)
	}
	s, err := bolt.Hold(path, door)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Destroy("it was stolen"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(cacheOptions("secret")); !errors.Is(err, bolt.ErrRevoked) {
		t.Error(err)
	}
	if _, err := os.Stat(path + ".key"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
