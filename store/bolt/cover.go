package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/seal"
)

// put covers a value and puts it into a bucket: at another place it cannot be opened.
func (c *Cache) put(bucket []byte, tx *bbolt.Tx, key, value []byte) error {
	return tx.Bucket(bucket).Put(key, c.cover.Seal(value, spot(bucket, key)))
}

// get returns what put put there, nil for nothing.
func (c *Cache) get(bucket []byte, tx *bbolt.Tx, key []byte) ([]byte, error) {
	covered := tx.Bucket(bucket).Get(key)
	if covered == nil {
		return nil, nil
	}
	return c.uncover(bucket, key, covered)
}

func (c *Cache) uncover(bucket, key, covered []byte) ([]byte, error) {
	value, ok := c.cover.Open(covered, spot(bucket, key))
	if !ok {
		return nil, damaged(c.path, fmt.Sprintf("something among its %s was changed", bucket))
	}
	return value, nil
}

func spot(bucket, key []byte) []byte {
	return append(append(append(make([]byte, 0, len(bucket)+1+len(key)), bucket...), 0), key...)
}

// fact and setFact are get and put in the meta bucket.
func (c *Cache) fact(tx *bbolt.Tx, key []byte) ([]byte, error) { return c.get(metaBucket, tx, key) }

// readFact is fact in a transaction of its own.
func (c *Cache) readFact(key []byte) (raw []byte, err error) {
	err = c.view(func(tx *bbolt.Tx) error {
		raw, err = c.fact(tx, key)
		return err
	})
	return raw, err
}

func (c *Cache) setFact(tx *bbolt.Tx, key, value []byte) error {
	return c.put(metaBucket, tx, key, value)
}

// event opens a record: of an event, whose key is its Seq, or of what is sealed like one.
func (c *Cache) event(bucket, key, covered []byte) (store.Event, error) {
	es, err := c.events(bucket, stored{key, covered})
	if err != nil {
		return store.Event{}, err
	}
	return es[0], nil
}

// events opens records of one bucket.
func (c *Cache) events(bucket []byte, records ...stored) ([]store.Event, error) {
	es := make([]store.Event, len(records))
	for i, r := range records {
		seq := uint64(0)
		if bytes.Equal(bucket, eventsBucket) || bytes.Equal(bucket, asideBucket) {
			seq = binary.BigEndian.Uint64(r.key[len(r.key)-8:])
		}
		record, err := c.uncover(bucket, r.key, r.value)
		if err != nil {
			return nil, err
		}
		if es[i], err = decode(record, seq); err != nil {
			return nil, c.unreadable(bucket)
		}
	}
	es, err := c.ring.Open(es...)
	if err != nil {
		return nil, c.unreadable(bucket)
	}
	return es, nil
}

func (c *Cache) unreadable(bucket []byte) error {
	return damaged(c.path, fmt.Sprintf("something among its %s cannot be read", bucket))
}

// coveredKeys are the cache's data keys under names that do not say whose they are.
type coveredKeys struct {
	*Keys
	cover *seal.Cover
}

func (k coveredKeys) name(of string) string { return string(k.cover.Name(keysBucket, []byte(of))) }

func (k coveredKeys) all(names []string) []string {
	covered := make([]string, len(names))
	for i, name := range names {
		covered[i] = k.name(name)
	}
	return covered
}

// Load implements [seal.KeyStore].
func (k coveredKeys) Load(names ...string) ([][]byte, error) { return k.Keys.Load(k.all(names)...) }

// Save implements [seal.KeyStore].
func (k coveredKeys) Save(keys map[string][]byte) error {
	covered := make(map[string][]byte, len(keys))
	for name, value := range keys {
		covered[k.name(name)] = value
	}
	return k.Keys.Save(covered)
}

// Delete implements [seal.KeyStore].
func (k coveredKeys) Delete(names ...string) error { return k.Keys.Delete(k.all(names)...) }
