package relay

import (
	"testing"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
)

// TestCarriersCodesAreBounded: however many codes a carrier has, so many are told apart and all are counted.
func TestCarriersCodesAreBounded(t *testing.T) {
	m := NewMeasures()
	for n := range 2 * codesMost {
		e := store.Event{Kind: desk.Delivery, Head: store.Head{Code: 30000 + n}}
		m.committed([]store.Event{e, e}, nil, time.Millisecond, nil)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	codes, all := 0, 0.0
	for _, f := range families {
		if f.GetName() == "befree_carrier_refusals_total" {
			for _, c := range f.GetMetric() {
				codes++
				all += c.GetCounter().GetValue()
			}
		}
	}
	if codes != codesMost+1 || all != 4*codesMost {
		t.Errorf("%v refusals by %d codes", all, codes)
	}
}
