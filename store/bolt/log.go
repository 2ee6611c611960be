// Package bolt keeps befree's log, and the keys that its bodies are sealed under, in bbolt files.
//
// A [Log] is one file, opened by one process at a time. What Append has acknowledged is on stable storage; what it
// refused left no trace. Records carry a checksum, so a changed byte is an error that wraps [store.ErrDamaged] and
// never another event.
package bolt

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
)

// Limits, and how long things may take.
const (
	lockWait   = time.Second // for another process to let go of the file
	batchLimit = 1024        // events in one commit; a single larger Append is a commit of its own
	pieceLimit = 256         // events in one read transaction
	nameLimit  = 1024        // bytes in an ID or a conversation
)

// Options of [Open]. The zero value opens a log for reading and appending, and begins a new one where there is no file.
type Options struct {
	ReadOnly bool // opened beside other readers; nothing is begun or changed, and every Append is refused
	FromDisk bool // what the system keeps of the file in memory is dropped first: after a failed fsync the disk may have less
}

// A Log is a [store.Log] in one file. Close it when done.
//
// Beside what the interface promises: once an Append has failed to reach the disk (a full disk, a failed fsync), it and
// all later ones give [store.ErrBroken] with the cause until the log is closed and opened again; reads go on, and show
// what was acknowledged before. An Append whose ctx ends while it still waits for its turn is not added; one that is
// being written already may be added or not. Changed's channels are closed by Close as well.
type Log struct {
	path  string
	db    *bbolt.DB
	epoch string
	head  *head
	queue *queue
	ended chan struct{} // closed once the committer has returned
	treed bool          // the file has a tree, so that nothing is appended before Attest
	tree  *attested     // set by Attest
}

var _ store.Log = (*Log)(nil)

// Open opens the log at path, whose folder must exist. A file in use elsewhere gives [store.ErrInUse] after one second,
// a file that is cut short or changed [store.ErrDamaged], one that is no log [ErrForeign], one from a newer befree
// [ErrNewer], each in one line that says what to do. Open does not read every record: that is [Log.Verify].
func Open(path string, o Options) (*Log, error) {
	l, err := openIdle(path, o)
	if err == nil {
		go l.commitAll()
	}
	return l, err
}

// openIdle opens a log whose committer does not run yet.
func openIdle(path string, o Options) (*Log, error) {
	if o.FromDisk {
		if err := dropCached(path); err != nil {
			return nil, fmt.Errorf("open the log: %w", err)
		}
	}
	db, err := openFile(path, logFormat, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	l := &Log{path: path, db: db, queue: newQueue(o.ReadOnly), ended: make(chan struct{})}
	if err := l.start(); err != nil {
		db.Close()
		return nil, err
	}
	return l, nil
}

// start reads where the log stands.
func (l *Log) start() error {
	return l.view(func(tx *bbolt.Tx) error {
		l.epoch = string(tx.Bucket(metaBucket).Get(epochKey))
		if l.epoch == "" {
			return l.damaged("its birth name is missing")
		}
		if b := tx.Bucket(treeBucket); b != nil { // none in a file of an older befree that is only read
			l.treed = b.Get(endKey) != nil
		}
		last, err := l.lastSeq(tx)
		l.head = newHead(last)
		return err
	})
}

// lastSeq reads the newest event, and so tells early of a file whose end was not written.
func (l *Log) lastSeq(tx *bbolt.Tx) (uint64, error) {
	key, value := tx.Bucket(eventsBucket).Cursor().Last()
	if key == nil {
		return 0, nil
	}
	e, err := l.event(key, value)
	return e.Seq, err
}

// Epoch is the log's random birth name.
func (l *Log) Epoch() string { return l.epoch }

// Close returns once nothing of the log runs any more and the file is free for others. Appends that wait for their turn
// get [store.ErrClosed]; one that is being written gets its result. A second Close does nothing.
func (l *Log) Close() error {
	broken := l.queue.broken()
	l.queue.close()
	<-l.ended
	l.head.end()
	if l.tree != nil && !broken { // after a failure to write nothing is tried again
		_ = l.seal() // there is an older one
	}
	return l.db.Close()
}

// damaged says what is wrong with the file, and what to do.
func (l *Log) damaged(what string, args ...any) error {
	return damaged(l.path, fmt.Sprintf(what, args...))
}
