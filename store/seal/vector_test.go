package seal

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"befree.example/store"
)

// TestVector opens what an independent program has sealed (see testdata/README.md).
func TestVector(t *testing.T) {
	text, err := os.ReadFile("testdata/vector.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Master, Passphrase string
		Keys               map[string][]byte
		Envelope           Envelope
		Sealed, Opened     store.Event
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	m, err := parseMaster(v.Master)
	if err != nil {
		t.Fatal(err)
	}
	if inside, err := v.Envelope.Open([]byte(v.Passphrase)); err != nil || !inside.Equal(m) {
		t.Errorf("the envelope does not hold the master: %v", err)
	}
	r := NewRing(m, &MemoryKeys{keys: v.Keys}, classOf)
	if diff := cmp.Diff(v.Opened, openOne(t, r, v.Sealed)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := r.ClearID(v.Opened.ID); got != v.Sealed.ID {
		t.Errorf("clear ID %s, want %s", got, v.Sealed.ID)
	}
}
