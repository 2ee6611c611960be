package relay_test

import (
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// TestSlowConsolesSlowThemselvesAlone: consoles that do not take what they are sent, though they ask for it, hold up
// nobody, however many they are; and taken late, it is all there.
func TestSlowConsolesSlowThemselvesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, dir: t.TempDir(), log: storetest.Memory(), cable: newCable()}
		h.staff = relay.StaffFile(filepath.Join(h.dir, "staff.toml"))
		h.serve()
		defer h.stop()
		_, cl := h.enrolled(t, "ada", desk.Specialist)
		arrive := func() *raw {
			r := h.raw(t, cl.Dial)
			auth := cl.Identity.Prove(r.hello.Nonce, nil)
			r.say(wire.Frame{Auth: &auth})
			if f := r.say(wire.Frame{Resume: &wire.Resume{}}); f.Snapshot == nil {
				t.Fatalf("%+v", f)
			}
			return r
		}
		slow := make([]*raw, 4*runtime.GOMAXPROCS(0))
		for i := range slow {
			slow[i] = arrive()
			if err := slow[i].ws.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		quick := arrive()
		told := func(r *raw) {
			t.Helper()
			for {
				if f := r.hear(); f.Events != nil && f.Events.Events[0].Kind == desk.Received {
					return
				}
			}
		}
		began := time.Now()
		h.carrier.text(t, "SM1", "he locked me in")
		told(quick)
		if took := time.Since(began); took > 0 {
			t.Errorf("who reads waited %v for those who do not", took)
		}
		for _, r := range slow {
			ponged := false
			r.ws.SetPongHandler(func(data string) error { ponged = data == "there?"; return nil })
			told(r)
			if !ponged {
				t.Error("a ping was not answered")
			}
		}
	})
}
