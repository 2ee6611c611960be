package bolt_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/seal"
)

// written is a cache that holds a text, closed.
func written(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "cache.db")
	c := openCache(t, path)
	if err := errors.Join(c.Reset("epoch"), c.Receive(heard(1, 0, "c1")), c.SetDevice([]byte(`"tangerine key"`)), c.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func readable(t *testing.T, c *bolt.Cache) {
	t.Helper()
	es, err := c.Conversation("c1")
	if err != nil || len(es) != 1 || !bytes.Contains(es[0].Body, []byte("tangerine")) {
		t.Fatalf("%d events, %v", len(es), err)
	}
}

// inFolder tells whether any file of a cache's folder holds the bytes.
func inFolder(t *testing.T, path string, what []byte) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(filepath.Dir(path), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		found = found || bytes.Contains(raw, what)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPassphraseChangesWithoutTheCache(t *testing.T) {
	path := written(t)
	c := openCache(t, path)
	before, err := os.ReadFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ChangePassphrase([]byte("wrong"), []byte("another")); !errors.Is(err, seal.ErrPassphrase) {
		t.Fatalf("changed by a wrong passphrase: %v", err)
	}
	if err := c.ChangePassphrase([]byte("secret"), nil); err == nil {
		t.Fatal("changed to none")
	}
	if err := c.Check([]byte("secret")); err != nil {
		t.Fatal(err)
	}
	cache, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	certain, err := c.Certain([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.ChangePassphrase([]byte("secret"), []byte("another")); err != nil {
		t.Fatal(err)
	}
	if same, err := c.Certain([]byte("another")); err != nil || !same.Equal(certain) || c.DeviceKey().Equal(certain.Public()) {
		t.Fatalf("the key for dangerous acts has changed: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || len(after) != len(cache) {
		t.Fatalf("the cache had %d bytes and has %d; %v", len(cache), len(after), err)
	}
	var old struct{ Passphrase seal.Envelope }
	if err := json.Unmarshal(before, &old); err != nil || len(old.Passphrase.Sealed) == 0 {
		t.Fatal(err)
	}
	sealed, _ := json.Marshal(old.Passphrase.Sealed)
	if inFolder(t, path, sealed) || inFolder(t, path, old.Passphrase.Sealed) {
		t.Error("what the old passphrase opens is still in the folder")
	}
	if _, err := bolt.OpenCache(path, cacheOptions("secret")); !errors.Is(err, seal.ErrPassphrase) {
		t.Fatalf("opened by the old passphrase: %v", err)
	}
	c, err = bolt.OpenCache(path, cacheOptions("another"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	readable(t, c)
}

// A thief has the whole folder and no passphrase.
func TestStolenCache(t *testing.T) {
	path := written(t)
	if inFolder(t, path, []byte("tangerine")) {
		t.Error("a word lies in the open")
	}
	for _, guess := range []string{"", "wrong", "Secret", "secret "} {
		if c, err := bolt.OpenCache(path, cacheOptions(guess)); !errors.Is(err, seal.ErrPassphrase) {
			t.Fatalf("%q opens it: %v, %v", guess, c, err)
		}
	}
	if err := os.Remove(path + ".key"); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.OpenCache(path, cacheOptions("secret")); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without its lock: %v", err)
	}
}

// Wrong passphrases are counted across processes, and each makes the next one wait longer.
func TestWrongPassphrasesAreSlowedAndCounted(t *testing.T) {
	path := written(t)
	var waits []time.Duration
	o := cacheOptions("wrong")
	o.Wait = func(d time.Duration) { waits = append(waits, d) }
	for range 12 {
		if _, err := bolt.OpenCache(path, o); !errors.Is(err, seal.ErrPassphrase) {
			t.Fatal(err)
		}
	}
	want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}
	for i, d := range waits {
		if len(waits) != len(want) || d != want[i]*time.Second {
			t.Fatalf("waited %v, want %v seconds", waits, want)
		}
	}
	o.Passphrase = []byte("secret")
	c, err := bolt.OpenCache(path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Wrong() != 12 || len(waits) != len(want)+1 {
		t.Fatalf("it knows of %d, and the right one waited %d times", c.Wrong(), len(waits)-len(want))
	}
	if err := c.Check([]byte("secret")); err != nil || c.Wrong() != 0 || len(waits) != len(want)+1 {
		t.Fatalf("after a right one: %d, %v", c.Wrong(), err)
	}
}

func TestKeyRingOpensTheCacheToo(t *testing.T) {
	path := written(t)
	c := openCache(t, path)
	ring := []byte("0123456789abcdef")
	if err := errors.Join(c.Trust([]byte("secret"), ring), c.Close()); err != nil || !bolt.HasKeyRing(path) {
		t.Fatal(err)
	}
	o := cacheOptions("")
	o.Secret = ring
	c, err := bolt.OpenCache(path, o)
	if err != nil {
		t.Fatal(err)
	}
	readable(t, c)
	if err := c.Check(ring); !errors.Is(err, seal.ErrPassphrase) {
		t.Fatalf("the key ring's secret is taken for the passphrase: %v", err)
	}
	if _, err := c.Certain(ring); !errors.Is(err, seal.ErrPassphrase) {
		t.Fatalf("the key ring's secret does dangerous things: %v", err)
	}
	if err := errors.Join(c.Distrust([]byte("secret")), c.Close()); err != nil || bolt.HasKeyRing(path) {
		t.Fatal(err)
	}
	if _, err := bolt.OpenCache(path, o); !errors.Is(err, seal.ErrPassphrase) {
		t.Fatalf("the key ring opens it still: %v", err)
	}
}

func TestDestroyedCacheOpensForNobody(t *testing.T) {
	path := written(t)
	c := openCache(t, path)
	lock, err := os.ReadFile(path + ".key")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Destroy("ada left on 3 March."), c.Close()); err != nil {
		t.Fatal(err)
	}
	if inFolder(t, path, lock) {
		t.Error("its lock is still there")
	}
	if err := os.WriteFile(path+".key", lock, 0o600); err != nil { // put back by somebody
		t.Fatal(err)
	}
	_, err = bolt.OpenCache(path, cacheOptions("secret"))
	if !errors.Is(err, bolt.ErrRevoked) || !bytes.Contains([]byte(err.Error()), []byte("ada left on 3 March.")) {
		t.Fatalf("a destroyed cache: %v", err)
	}
	if _, err := os.Stat(path + ".key"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the lock that was put back stays there")
	}
}

func TestDeviceIsKeptSealed(t *testing.T) {
	path := written(t)
	c := openCache(t, path)
	defer c.Close()
	raw, err := c.Device()
	if err != nil || string(raw) != `"tangerine key"` || c.Owner() != "ada" {
		t.Fatalf("%q of %s, %v", raw, c.Owner(), err)
	}
	if !ed25519.Verify(c.DeviceKey(), []byte("m"), c.Sign([]byte("m"))) {
		t.Error("its signature is not its own")
	}
	if id, err := c.Queue(bolt.Entry{Conversation: "c1", Kind: "note"}); err != nil || id != store.DeviceID(c.DeviceID(), 1) {
		t.Fatalf("%q, %v", id, err)
	}
}
