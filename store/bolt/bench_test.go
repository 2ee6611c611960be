package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/storetest"
)

// BenchmarkAppend measures acknowledged events of about 300 bytes, by 1 and by 64 writers, each with its device's IDs
// and its conversation. In the same run and folder it measures what they are judged by: a loop that appends as many
// bytes to a plain file and makes each durable, and for 64 writers DB.Batch with its defaults and the same three puts.
// The metrics x-raw and x-batch are how many times as fast Append is.
func BenchmarkAppend(b *testing.B) {
	b.Run("1", func(b *testing.B) { benchmarkAppend(b, 1) })
	b.Run("64", func(b *testing.B) { benchmarkAppend(b, 64) })
}

// slice is how many events are measured at a time, so that the machine's moods fall on all alike.
const slice = 512

func benchmarkAppend(b *testing.B, writers int) {
	dir := b.TempDir()
	l := mustOpen(b, filepath.Join(dir, "befree.log"))
	raw := newRaw(b, filepath.Join(dir, "raw"))
	batch := newBatch(b, filepath.Join(dir, "batch"))
	ids := make([]device, writers)
	appended, rawed, batched := time.Duration(0), time.Duration(0), time.Duration(0)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += slice {
		n := min(slice, b.N-done)
		appended += together(writers, n, func(w int) { ids[w].append(b, l, w) })
		b.StopTimer()
		rawed += together(1, n, func(int) { raw.append(b) })
		if writers > 1 { // alone, Batch waits 10 ms each time
			batched += together(writers, n, func(w int) { batch.append(b, w) })
		}
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(rawed.Seconds()/appended.Seconds(), "x-raw")
	if batched > 0 {
		b.ReportMetric(batched.Seconds()/appended.Seconds(), "x-batch")
	}
	b.ReportMetric(float64(b.N)/appended.Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/rawed.Seconds(), "raw-events/s")
}

// together does f n times by so many workers and returns how long that took.
func together(workers, n int, f func(worker int)) time.Duration {
	var group sync.WaitGroup
	var next atomic.Int64
	began := time.Now()
	for w := range workers {
		group.Go(func() {
			for next.Add(1) <= int64(n) {
				f(w)
			}
		})
	}
	group.Wait()
	return time.Since(began)
}

// A device appends events to its conversation.
type device struct{ n, prev uint64 }

func (d *device) append(b *testing.B, l *Log, writer int) {
	d.n++
	e := benchEvent(writer, d.n)
	e.Prev = d.prev
	last, err := l.Append(context.Background(), e) // as the relay does, which waits to the end
	if err != nil {
		b.Error(err)
	}
	d.prev = last
}

func benchEvent(writer int, n uint64) store.Event {
	e := storetest.Sample(store.DeviceID(fmt.Sprintf("device%010d", writer), n), fmt.Sprintf("%026d", writer), 0)
	e.Head = store.Head{Severity: "high"}
	e.Body = make([]byte, 120)
	return e
}

// A rawFile is the least that durable appending can cost.
type rawFile struct {
	file   *os.File
	record []byte
}

func newRaw(b *testing.B, path string) rawFile {
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	record, err := withRoom(benchEvent(1, 1))
	if err != nil {
		b.Fatal(err)
	}
	return rawFile{file, record}
}

func (r rawFile) append(b *testing.B) {
	if _, err := r.file.Write(r.record); err != nil {
		b.Error(err)
	}
	if err := datasync(r.file); err != nil {
		b.Error(err)
	}
}

// A batchFile is a bbolt file that is written with DB.Batch.
type batchFile struct {
	db *bbolt.DB
	n  atomic.Uint64
}

func newBatch(b *testing.B, path string) *batchFile {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range logFormat.buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return &batchFile{db: db}
}

func (f *batchFile) append(b *testing.B, writer int) {
	n := f.n.Add(1)
	e := benchEvent(writer, n)
	record, err := withRoom(e)
	if err != nil {
		b.Error(err)
	}
	err = f.db.Batch(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(eventsBucket).Put(seqKey(n), record); err != nil {
			return err
		}
		if err := tx.Bucket(idsBucket).Put([]byte(e.ID), seqKey(n)); err != nil {
			return err
		}
		return tx.Bucket(tailsBucket).Put([]byte(e.Conversation), seqKey(n))
	})
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkCompact takes what was destroyed out of a key file: nobody gets a new key meanwhile.
func BenchmarkCompact(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d keys", n), func(b *testing.B) {
			k, err := OpenKeys(filepath.Join(b.TempDir(), "keys.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer k.Close()
			value := make([]byte, 72)
			for at := 0; at < n; at += 10_000 {
				keys := make(map[string][]byte, 10_000)
				for i := range 10_000 {
					keys[fmt.Sprintf("%026d/text", (at+i)*7919)] = value
				}
				if err := k.Save(keys); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if err := errors.Join(k.Delete(fmt.Sprintf("%026d/text", 0)), k.Compact()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
