package relay

import (
	"testing"

	"befree.example/store"
)

// Who reads the newest events reads what they were, whatever comes meanwhile.
func TestRecentStays(t *testing.T) {
	var r recent
	for seq := uint64(1); seq <= 5*recentLeast; seq++ {
		before := r
		var first uint64
		if len(before) > 0 {
			first = before[0].Seq
		}
		r = r.add([]store.Event{{Seq: seq}})
		if len(before) > 0 && before[0].Seq != first {
			t.Fatalf("event %d became %d", first, before[0].Seq)
		}
		if len(r) > 2*recentLeast || len(r) < min(int(seq), recentLeast) {
			t.Fatalf("%d of %d are kept", len(r), seq)
		}
		if es, ok := r.after(seq-1, 10); !ok || len(es) != 1 || es[0].Seq != seq {
			t.Fatalf("after %d: %v, %v", seq-1, es, ok)
		}
	}
}
