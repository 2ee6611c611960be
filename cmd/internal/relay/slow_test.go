package relay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/storetest"
)

// TestSlowConsoleStays: a console that takes 200 KB/s while minutes of texts come is behind and no more: its pings do not
// wait for as much as the system would hold for it.
func TestSlowConsoleStays(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute: it is about the buffers of real connections")
	}
	t.Parallel()
	h := open(t, storetest.Memory())
	_, ada := h.enrolled(t, "ada", desk.Specialist)
	ws := signedIn(t, h.address, ada.Identity)
	<-h.carrier.up
	until := time.Now().Add(25 * time.Second)
	texted := make(chan error, 1)
	go func() {
		var err error
		for n := 0; n < 9000 && err == nil && time.Now().Before(until); n++ {
			err = h.carrier.recv.Receive(t.Context(), gateway.Inbound{
				SID: fmt.Sprint("SM", n), From: sms.Number(person(n)), To: "233733", Body: sms.Text(strings.Repeat("help me ", 180)),
			})
		}
		texted <- err
	}()
	for got := 0; time.Now().Before(until); {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			t.Fatalf("%v before the end, after %d bytes: %v", time.Until(until), got, err)
		}
		got += len(raw)
		time.Sleep(time.Duration(len(raw)) * time.Second / 200_000)
	}
	if err := <-texted; err != nil {
		t.Error(err)
	}
}
