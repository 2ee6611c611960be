package bolt

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/seal"
	"befree.example/store/search"
	"befree.example/store/sms/smstest"
)

// BenchmarkSearch asks caches of 100,000 and a million texts, in conversations of twenty. A cold search unseals the
// words first, as the first one after unlocking does unless they were prepared; a warm one has them in memory. The
// metrics: MB-index is the memory that they take, MB-file the file.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, kept := talkedTo(b, n)
			b.Run("cold", func(b *testing.B) {
				for b.Loop() {
					c.Unprepare()
					ask(b, c, "tangerine")
				}
				b.ReportMetric(indexSize(b, c), "MB-index")
				b.ReportMetric(fileSize(b, c), "MB-file")
				b.ReportMetric(float64(kept.Microseconds())/float64(n), "µs-to-keep-one")
			})
			for _, query := range []string{"tangerine", "nandu", "h", "hab", "bathroom window", "tía carretera tangerine", "nobody said this"} {
				b.Run(query, func(b *testing.B) {
					ask(b, c, query)
					for b.Loop() {
						ask(b, c, query)
					}
				})
			}
		})
	}
}

func ask(b *testing.B, c *Cache, query string) {
	if _, err := c.Search(search.Parse(query), 200); err != nil {
		b.Fatal(err)
	}
}

// talkedTo is a cache of so many texts, and how long it took to keep them.
func talkedTo(b *testing.B, n int) (*Cache, time.Duration) {
	c, err := OpenCache(filepath.Join(b.TempDir(), "cache.db"), CacheOptions{
		Owner: "ada", Passphrase: []byte("secret"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1},
		ClassOf: func(store.Kind) store.Class { return store.Text },
		WordsOf: func(e store.Event) []string { return []string{string(e.Body)} },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	const step = 5000
	es, texts, began := make([]store.Event, 0, step), smstest.Talk(n), time.Now()
	for i, text := range texts {
		e := store.Event{
			Seq: uint64(i + 1), ID: fmt.Sprintf("SM%032d", i), Conversation: fmt.Sprintf("%026d", i/20), Kind: "received",
			Actor: store.Texter, At: time.Unix(int64(i), 0), Body: []byte(text), BodyHash: store.Hash{1},
		}
		if i%20 > 0 {
			e.Prev = e.Seq - 1
		}
		if es = append(es, e); len(es) == step {
			if err := c.Receive(es...); err != nil {
				b.Fatal(err)
			}
			es = es[:0]
		}
	}
	return c, time.Since(began)
}

func indexSize(b *testing.B, c *Cache) float64 {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	c.Unprepare()
	before := heap()
	if _, err := c.Prepare(); err != nil {
		b.Fatal(err)
	}
	return heap() - before
}

func fileSize(b *testing.B, c *Cache) float64 {
	info, err := os.Stat(c.path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / (1 << 20)
}
