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
	seq := uint64(0)
	if bytes.Equal(bucket, eventsBucket) {
		seq = binary.BigEndian.Uint64(key)
	}
	record, err := c.uncover(bucket, key, covered)
	if err != nil {
		return store.Event{}, err
	}
	e, err := decode(record, seq)
	if err == nil {
		e, err = c.ring.Open(e)
	}
	if err != nil {
		return e, damaged(c.path, fmt.Sprintf("something among its %s cannot be read", bucket))
	}
	return e, nil
}

// coveredKeys are the cache's data keys under names that do not say whose they are.
type coveredKeys struct {
	*Keys
	cover *seal.Cover
}

func (k coveredKeys) name(of string) string { return string(k.cover.Name(keysBucket, []byte(of))) }

// Load implements [seal.KeyStore].
func (k coveredKeys) Load(name string) ([]byte, error) { return k.Keys.Load(k.name(name)) }

// Save implements [seal.KeyStore].
func (k coveredKeys) Save(keys map[string][]byte) error {
	covered := make(map[string][]byte, len(keys))
	for name, value := range keys {
		covered[k.name(name)] = value
	}
	return k.Keys.Save(covered)
}

// Delete implements [seal.KeyStore].
func (k coveredKeys) Delete(names ...string) error {
	covered := make([]string, len(names))
	for i, name := range names {
		covered[i] = k.name(name)
	}
	return k.Keys.Delete(covered...)
}
