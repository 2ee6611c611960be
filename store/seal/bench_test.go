package seal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"befree.example/store"
)

// benchEvents are n events of 300-byte bodies over 100 conversations, as a shift has them.
func benchEvents(n int) []store.Event {
	es := make([]store.Event, n)
	for i := range es {
		e := received()
		e.Number, e.Head = "", store.Head{Severity: "high", Language: "en", Tail: "0147"}
		e.ID = fmt.Sprintf("SM%032x", i)
		e.Conversation = fmt.Sprint("conversation", i%100)
		e.Body = bytes.Repeat([]byte("x"), 300)
		es[i] = e
	}
	return es
}

func BenchmarkSeal(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			r, es := newRing(b), benchEvents(batch)
			if _, err := r.Seal(es); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if _, err := r.Seal(es); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	r := newRing(b)
	sealed, err := r.Seal(benchEvents(1000))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := r.Open(sealed[i%len(sealed)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sealed[0].Body)), "sealed-bytes")
}

// BenchmarkFacts compares the encoding of a facts box with JSON.
func BenchmarkFacts(b *testing.B) {
	e := benchEvents(1)[0]
	var buf bytes.Buffer
	b.Run("cbor", func(b *testing.B) {
		for b.Loop() {
			buf.Reset()
			if err := encodeFacts(&buf, &e, false); err != nil {
				b.Fatal(err)
			}
			var out store.Event
			if err := decodeFacts(buf.Bytes(), &out); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(buf.Len()), "bytes")
	})
	b.Run("json", func(b *testing.B) {
		var text []byte
		for b.Loop() {
			text, _ = json.Marshal(facts{ID: e.ID, Head: e.Head, Command: e.Command})
			var out facts
			if err := json.Unmarshal(text, &out); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(text)), "bytes")
	})
}
