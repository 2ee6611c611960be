package bolt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/seal"
)

// A lock holds the cache's master key in envelopes, each of which opens by itself. It is a file of its own: a new
// passphrase rewrites that and nothing else, no old envelope stays behind on a free page of the cache, and without it
// nothing in the cache can be read.
type lock struct {
	Passphrase seal.Envelope  `json:"passphrase"`
	Certain    seal.Envelope  `json:"certain"`            // another key, under the passphrase too: see [Cache.Certain]
	CertainKey []byte         `json:"certain_key"`        // its public half
	KeyRing    *seal.Envelope `json:"key_ring,omitempty"` // under a secret that the system's key ring keeps
}

// lockFile is where the lock of the cache at path lies.
func lockFile(path string) string { return path + ".key" }

// HasKeyRing tells whether the cache at path also opens by a secret in the system's key ring. One that is not there, or
// whose lock cannot be read, does not.
func HasKeyRing(path string) bool {
	l, err := readLock(path)
	return err == nil && l.KeyRing != nil
}

func readLock(path string) (l lock, err error) {
	raw, err := os.ReadFile(lockFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		return l, fmt.Errorf("%w: without %s nothing in the cache can be read; put it back, or begin anew in another folder", err, lockFile(path))
	}
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return l, damaged(lockFile(path), "the cache's lock cannot be read")
	}
	return l, nil
}

// write puts l in the place of the old lock, all of it or nothing, on disk on return.
func (l lock) write(path string) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(raw)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), lockFile(path)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// unlock opens the lock, or makes one for a new cache.
func (c *Cache) unlock(o CacheOptions) error {
	var revoked []byte
	fresh := false
	err := c.view(func(tx *bbolt.Tx) error {
		m := tx.Bucket(metaBucket)
		fresh, revoked = m.Get(ownerKey) == nil, bytes.Clone(m.Get(revokedKey))
		return nil
	})
	switch {
	case err != nil:
		return err
	case revoked != nil:
		return errors.Join(fmt.Errorf("%w: %s", ErrRevoked, revoked), c.destroyLock())
	case fresh:
		return c.begin(o)
	}
	master, err := c.open(o)
	if err != nil {
		return err
	}
	c.under(master, o)
	return c.view(func(tx *bbolt.Tx) error { return c.recall(tx, o.Owner) })
}

// under has the cache open, seal and sign by a master key.
func (c *Cache) under(m seal.Master, o CacheOptions) {
	if o.WordsOf == nil {
		o.WordsOf = func(store.Event) []string { return nil }
	}
	c.cover, c.classOf, c.wordsOf = seal.NewCover(m), withWords(o.ClassOf), o.WordsOf
	c.keys = &Keys{path: c.path, db: c.db}
	c.ring = seal.NewRing(m, coveredKeys{c.keys, c.cover}, c.classOf)
	c.device = m.SigningKey(asDevice)
}

// recall reads whose cache it is, and where it stopped.
func (c *Cache) recall(tx *bbolt.Tx, owner string) error {
	said, err := c.fact(tx, ownerKey)
	if err != nil {
		return err
	}
	if c.owner = string(said); c.owner != owner {
		return fmt.Errorf("%w: %s is %s's; name another file", ErrOwner, c.path, said)
	}
	birth, err := c.fact(tx, birthKey)
	if err != nil {
		return err
	}
	c.birth = string(birth)
	position, err := c.fact(tx, positionKey)
	if err != nil {
		return err
	}
	return readJSON(position, &c.position)
}

// begin makes the keys of a new cache. The lock is there before the cache says whose it is.
func (c *Cache) begin(o CacheOptions) error {
	if o.Params == (seal.Params{}) {
		o.Params = seal.Recommended
	}
	master := seal.NewMaster()
	l, err := enclose(master, seal.NewMaster(), o.Passphrase, o.Params)
	if err != nil {
		return err
	}
	if err := l.write(c.path); err != nil {
		return err
	}
	c.under(master, o)
	c.owner, c.birth = o.Owner, strings.ToLower(rand.Text())[:16]
	return c.update(func(tx *bbolt.Tx) error {
		return errors.Join(c.setFact(tx, ownerKey, []byte(c.owner)), c.setFact(tx, birthKey, []byte(c.birth)), c.setFact(tx, indexedKey, wordsVersion))
	})
}

// What the two keys of a lock sign as.
const (
	asDevice  = "device"
	certainly = "certain"
)

func enclose(master, certain seal.Master, passphrase []byte, p seal.Params) (l lock, err error) {
	if l.Passphrase, err = seal.Enclose(master, passphrase, p); err != nil {
		return l, err
	}
	l.CertainKey = certain.SigningKey(certainly).Public().(ed25519.PublicKey)
	l.Certain, err = seal.Enclose(certain, passphrase, p)
	return l, err
}

func (c *Cache) open(o CacheOptions) (seal.Master, error) {
	l, err := readLock(c.path)
	if err != nil {
		return seal.Master{}, err
	}
	if o.Secret != nil && l.KeyRing != nil {
		m, err := l.KeyRing.Open(o.Secret)
		if err == nil || len(o.Passphrase) == 0 {
			return m, err
		}
	}
	return c.try(l.Passphrase, o.Passphrase)
}

// try opens the envelope by a passphrase. Each wrong one is counted on disk before it is known to be wrong, so that
// whoever kills the program starts no new count, and makes the next one wait.
func (c *Cache) try(e seal.Envelope, passphrase []byte) (m seal.Master, err error) {
	c.trying.Lock()
	defer c.trying.Unlock()
	wrong, err := c.count(1)
	if err != nil {
		return m, err
	}
	if p := pause(wrong - 1); p > 0 {
		c.wait(p)
	}
	if m, err = e.Open(passphrase); err != nil {
		return m, err
	}
	c.wrong = wrong - 1
	_, err = c.count(-wrong)
	return m, err
}

// Wrong passphrases in a row, from which on the next one waits, and how long at most.
const (
	wrongFree  = 3
	pauseMost  = time.Minute
	pauseFirst = time.Second
)

// pause is how long a passphrase waits after so many wrong ones.
func pause(wrong int) time.Duration {
	if wrong < wrongFree {
		return 0
	}
	return min(pauseFirst<<min(wrong-wrongFree, 10), pauseMost)
}

// count changes how many passphrases were tried in vain, and returns that.
func (c *Cache) count(by int) (wrong int, err error) {
	return wrong, c.update(func(tx *bbolt.Tx) error {
		m := tx.Bucket(metaBucket)
		if raw := m.Get(wrongKey); len(raw) == 8 {
			wrong = int(binary.BigEndian.Uint64(raw))
		}
		wrong = max(wrong+by, 0)
		return m.Put(wrongKey, binary.BigEndian.AppendUint64(nil, uint64(wrong)))
	})
}

// Wrong is how many passphrases were tried in vain before the one that opened the cache, or passed [Cache.Check], last.
func (c *Cache) Wrong() int {
	c.trying.Lock()
	defer c.trying.Unlock()
	return c.wrong
}

// Check tells whether a passphrase is the cache's. It may take a minute after many wrong ones.
func (c *Cache) Check(passphrase []byte) error {
	_, _, err := c.opened(passphrase)
	return err
}

func (c *Cache) opened(passphrase []byte) (lock, seal.Master, error) {
	l, err := readLock(c.path)
	if err != nil {
		return l, seal.Master{}, err
	}
	m, err := c.try(l.Passphrase, passphrase)
	return l, m, err
}

// ChangePassphrase puts the cache under another passphrase; the old one opens nothing of befree's any more. Nothing
// but the lock is written.
func (c *Cache) ChangePassphrase(old, fresh []byte) error {
	l, master, err := c.opened(old)
	if err != nil {
		return err
	}
	certain, err := l.Certain.Open(old)
	if err != nil {
		return err
	}
	changed, err := enclose(master, certain, fresh, l.Passphrase.Params)
	if err != nil {
		return err
	}
	changed.KeyRing = l.KeyRing
	return changed.write(c.path)
}

// Trust has the cache open by a secret too, which must be random: it is for the system's key ring. The passphrase is
// still what shows a locked screen again.
func (c *Cache) Trust(passphrase, secret []byte) error {
	l, master, err := c.opened(passphrase)
	if err != nil {
		return err
	}
	e, err := seal.Enclose(master, secret, l.Passphrase.Params)
	if err != nil {
		return err
	}
	l.KeyRing = &e
	return l.write(c.path)
}

// Distrust has the cache open by its passphrase alone.
func (c *Cache) Distrust(passphrase []byte) error {
	l, _, err := c.opened(passphrase)
	if err != nil {
		return err
	}
	l.KeyRing = nil
	return l.write(c.path)
}

// Destroy makes all that the cache has unreadable for ever, by anybody: its lock is removed, its data keys are dropped.
// why is said to whoever opens it afterwards. The cache is of no further use but to be closed.
func (c *Cache) Destroy(why string) error {
	err := c.update(func(tx *bbolt.Tx) error {
		return errors.Join(renew(tx, keysBucket), tx.Bucket(metaBucket).Put(revokedKey, []byte(why)))
	})
	return errors.Join(err, c.destroyLock())
}

func (c *Cache) destroyLock() error {
	if err := os.Remove(lockFile(c.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(filepath.Dir(c.path))
}

// Owner returns whose cache it is.
func (c *Cache) Owner() string { return c.owner }

// DeviceID is the cache's own name, with which the IDs of its commands begin.
func (c *Cache) DeviceID() string { return c.birth }

// Sign signs as the device.
func (c *Cache) Sign(message []byte) []byte { return ed25519.Sign(c.device, message) }

// SigningKey is the key by which the device signs, for one who signs in while the cache is shut.
func (c *Cache) SigningKey() ed25519.PrivateKey { return c.device }

// DeviceKey is the public half of the key by which the device signs.
func (c *Cache) DeviceKey() ed25519.PublicKey { return c.device.Public().(ed25519.PublicKey) }

// CertainKey is the public half of the key that [Cache.Certain] gives.
func (c *Cache) CertainKey() (ed25519.PublicKey, error) {
	l, err := readLock(c.path)
	return l.CertainKey, err
}

// Certain gives the key by which the device's owner signs what needs them to be there: it is nowhere but under the
// passphrase, which is asked for each time, and never under the key ring's secret.
func (c *Cache) Certain(passphrase []byte) (ed25519.PrivateKey, error) {
	l, err := readLock(c.path)
	if err != nil {
		return nil, err
	}
	m, err := c.try(l.Certain, passphrase)
	if err != nil {
		return nil, err
	}
	return m.SigningKey(certainly), nil
}

// SetDevice keeps what the device knows of its relay.
func (c *Cache) SetDevice(raw []byte) error {
	return c.update(func(tx *bbolt.Tx) error { return c.setFact(tx, deviceKey, raw) })
}

// Device returns what SetDevice kept, nil if nothing.
func (c *Cache) Device() ([]byte, error) { return c.readFact(deviceKey) }
