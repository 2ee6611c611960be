package bolt

import (
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkTree measures what the tree and the marks cost an acknowledged event: Append on a log with them, and in the
// same run and folder, in turns, on one without. x-bare is how many times as long the one with them takes.
func BenchmarkTree(b *testing.B) {
	b.Run("1", func(b *testing.B) { benchmarkTree(b, 1) })
	b.Run("64", func(b *testing.B) { benchmarkTree(b, 64) })
}

func benchmarkTree(b *testing.B, writers int) {
	dir := b.TempDir()
	bare, treed := mustOpen(b, filepath.Join(dir, "bare.log")), mustAttest(b, filepath.Join(dir, "treed.log"))
	of := map[*Log][]device{bare: make([]device, writers), treed: make([]device, writers)}
	took := map[*Log]time.Duration{}
	b.ResetTimer()
	for done, turn := 0, 0; done < b.N; done, turn = done+slice, turn+1 {
		n := min(slice, b.N-done)
		pair := []*Log{bare, treed}
		if turn%2 == 1 { // neither is always first
			pair[0], pair[1] = treed, bare
		}
		for _, l := range pair {
			took[l] += together(writers, n, func(w int) { of[l][w].append(b, l, w) })
		}
	}
	b.StopTimer()
	b.ReportMetric(took[treed].Seconds()/took[bare].Seconds(), "x-bare")
	b.ReportMetric(float64(b.N)/took[treed].Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/took[bare].Seconds(), "bare-events/s")
}

// BenchmarkVerify reads 100,000 events over, with a tree and without.
func BenchmarkVerify(b *testing.B) {
	for name, open := range map[string]func(testing.TB, string) *Log{"bare": mustOpen, "treed": mustAttest} {
		b.Run(name, func(b *testing.B) {
			l := open(b, filepath.Join(b.TempDir(), "befree.log"))
			fillTree(b, l, 100_000)
			for b.Loop() {
				if err := l.Verify(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
