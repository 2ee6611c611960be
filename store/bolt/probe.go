package bolt

import (
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"
)

// probeRoom is how many bytes a probe writes: so much room there is for events after one that worked.
const probeRoom = 64 << 10

var probeKey = []byte("probe")

// Probe writes something that is no event, and returns once it is on stable storage. It needs room in the file as events
// do, so it fails before they would. After a failure nothing is appended any more, as after one of Append.
func (l *Log) Probe() error {
	value := binary.BigEndian.AppendUint64(make([]byte, 0, probeRoom), uint64(time.Now().UnixNano()))
	err := guarded(l.path, func() error {
		return l.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Put(probeKey, value[:probeRoom]) })
	})
	if err != nil {
		return l.queue.fail(err)
	}
	return nil
}
