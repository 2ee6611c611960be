package relay_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// TestDraining: when the relay stops, every console is told so before it is let go, and what it asks until then is done
// and answered.
func TestDraining(t *testing.T) {
	const consoles = 100
	h := open(t, storetest.Memory())
	_, ada := h.enrolled(t, "ada", desk.Specialist)
	h.carrier.text(t, "SM1", "he locked me in")
	var told, asked, answered atomic.Int64
	var all sync.WaitGroup
	for i := range consoles {
		ws := signedIn(t, h.address, ada.Identity)
		all.Go(func() {
			for {
				_, raw, err := ws.ReadMessage()
				if err != nil {
					return
				}
				f, err := wire.Decode(raw)
				switch {
				case err != nil:
					t.Error(err)
				case f.Drain != nil:
					told.Add(1)
					if f.Drain.Within > 300*time.Millisecond {
						asked.Add(1)
						write(t, ws, wire.Frame{Command: &desk.Command{ID: fmt.Sprintf("console%09d-000000000001", i), Kind: desk.Claimed, Conversation: "unknown"}})
					}
				case f.Refused != nil:
					answered.Add(1)
				}
			}
		})
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if told.Load() != consoles || asked.Load() == 0 || answered.Load() != asked.Load() {
		t.Errorf("of %d consoles %d were told; %d asked something and %d were answered", consoles, told.Load(), asked.Load(), answered.Load())
	}
	if _, _, err := websocket.DefaultDialer.Dial(h.address, nil); err == nil {
		t.Error("somebody was let in")
	}
}
