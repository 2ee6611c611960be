package relay_test

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
)

// BenchmarkOpen is the start of a relay on a data folder with 100,000 events, from nothing to a folded state: as it is,
// sealed with a tree and read over; the same log without a tree; and without a seal either.
func BenchmarkOpen(b *testing.B) {
	const n = 100_000
	for _, way := range []struct {
		name string
		open func(dir string) (store.Log, io.Closer, error)
	}{
		{"sealed, with its tree", func(dir string) (store.Log, io.Closer, error) {
			d, err := relay.OpenData(context.Background(), dir, relay.KeyFile(dir))
			return d, d, err
		}},
		{"sealed", func(dir string) (store.Log, io.Closer, error) {
			l, err := openBare(dir)
			if err != nil {
				return nil, nil, err
			}
			keys, err := bolt.OpenKeys(dir + ".keys")
			if err != nil {
				return nil, nil, err
			}
			master, err := seal.LoadMaster(dir + ".key")
			if err != nil {
				master, err = seal.CreateMaster(dir + ".key")
			}
			return seal.NewLog(l, seal.NewRing(master, keys, desk.ClassOf)), closers{l, keys}, err
		}},
		{"as it is", func(dir string) (store.Log, io.Closer, error) {
			l, err := openBare(dir)
			return l, l, err
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "data")
			log, end, err := way.open(dir)
			if err != nil {
				b.Fatal(err)
			}
			fill(b, log, n)
			end.Close()
			for b.Loop() {
				log, end, err := way.open(dir)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := relay.NewDesk(b.Context(), log, desk.Policy{}, nil); err != nil {
					b.Fatal(err)
				}
				end.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}

func openBare(dir string) (*bolt.Log, error) {
	l, err := bolt.Open(dir+".log", bolt.Options{})
	if err == nil {
		err = l.Verify(context.Background())
	}
	return l, err
}

type closers []io.Closer

func (c closers) Close() error {
	for _, one := range c {
		_ = one.Close()
	}
	return nil
}
