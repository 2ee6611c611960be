package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"befree.example/store"
	"befree.example/store/bolt"
)

// size is that of an event as it is stored.
const size = 300

// An appender makes something of an event durable before it returns.
type appender struct {
	name string
	do   func(ctx context.Context, writer int) error
	stop func()
}

// appends measures acknowledged appends by 1 and by 64 writers. Slices of all of them take turns, so that the machine's
// moods fall on all alike.
func appends(ctx context.Context, dir string) error {
	for _, writers := range []int{1, 64} {
		var all []appender
		for _, open := range []func(string) (appender, error){ours, raw, batch, jet} {
			sub, err := os.MkdirTemp(dir, "append-")
			if err != nil {
				return err
			}
			a, err := open(sub)
			if err != nil {
				return err
			}
			defer a.stop()
			all = append(all, a)
		}
		rounds, slice := 12, 200*min(writers, 8)
		took := make([]time.Duration, len(all))
		for range rounds {
			for i, a := range all {
				n, w := slice, writers
				if a.name == "raw" {
					w = 1 // a file has one end
				}
				if a.name == "batch" && w == 1 {
					n = 20 // alone, Batch waits 10 ms each time
				}
				d, err := together(ctx, w, n, a.do)
				if err != nil {
					return fmt.Errorf("%s: %w", a.name, err)
				}
				took[i] += d * time.Duration(slice) / time.Duration(n)
			}
		}
		each := time.Duration(rounds * slice)
		row(fmt.Sprintf("append, %d writers: befree", writers), "%.0f/s", float64(time.Second)/float64(took[0]/each))
		for i, what := range []string{"", "raw write and fdatasync, one writer", "DB.Batch with its defaults", "embedded JetStream, R1, sync always"} {
			if i > 0 {
				row("  times "+what, "%.2f  (%.0f/s)", took[i].Seconds()/took[0].Seconds(), float64(time.Second)/float64(took[i]/each))
			}
		}
	}
	return nil
}

// together does f n times by so many workers and returns how long that took.
func together(ctx context.Context, workers, n int, f func(context.Context, int) error) (time.Duration, error) {
	var group sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, workers)
	began := time.Now()
	for w := range workers {
		group.Go(func() {
			for next.Add(1) <= int64(n) && errs[w] == nil {
				errs[w] = f(ctx, w)
			}
		})
	}
	group.Wait()
	return time.Since(began), errors.Join(errs...)
}

func ours(dir string) (appender, error) {
	l, err := bolt.Open(filepath.Join(dir, "log.db"), bolt.Options{})
	if err != nil {
		return appender{}, err
	}
	type device struct{ n, prev uint64 }
	devices := make([]device, 64)
	return appender{"befree", func(ctx context.Context, w int) error {
		d := &devices[w]
		d.n++
		last, err := l.Append(ctx, store.Event{
			ID: store.DeviceID(fmt.Sprintf("device%010d", w), d.n), Conversation: fmt.Sprintf("%026d", w), Prev: d.prev,
			At: time.Now(), Actor: "ada", Kind: "note", Body: make([]byte, 120), BodyHash: store.Hash{1},
		})
		d.prev = last
		return err
	}, func() { l.Close() }}, nil
}

func raw(dir string) (appender, error) {
	f, err := os.Create(filepath.Join(dir, "raw"))
	if err != nil {
		return appender{}, err
	}
	record := make([]byte, size)
	return appender{"raw", func(context.Context, int) error {
		_, err := f.Write(record)
		return errors.Join(err, unix.Fdatasync(int(f.Fd())))
	}, func() { f.Close() }}, nil
}

func batch(dir string) (appender, error) {
	db, err := bbolt.Open(filepath.Join(dir, "batch.db"), 0o600, nil)
	if err != nil {
		return appender{}, err
	}
	bucket := []byte("events")
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
	var n atomic.Uint64
	return appender{"batch", func(context.Context, int) error {
		key := fmt.Appendf(nil, "%016x", n.Add(1))
		return db.Batch(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put(key, make([]byte, size)) })
	}, func() { db.Close() }}, err
}

func jet(dir string) (appender, error) {
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, SyncAlways: true, NoLog: true, NoSigs: true})
	if err != nil {
		return appender{}, err
	}
	go s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return appender{}, errors.New("NATS did not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return appender{}, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return appender{}, err
	}
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{Name: "log", Subjects: []string{"log.>"}, Storage: jetstream.FileStorage, Replicas: 1})
	body := make([]byte, size)
	return appender{"jetstream", func(ctx context.Context, w int) error {
		_, err := js.Publish(ctx, fmt.Sprint("log.", w), body)
		return err
	}, func() { nc.Close(); s.Shutdown(); s.WaitForShutdown() }}, err
}
