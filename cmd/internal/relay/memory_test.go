package relay_test

import (
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
)

// held is how much memory this process has now that is no garbage.
func held() uint64 {
	debug.FreeOSMemory()
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}

// TestMemoryIsShort: above its limit the relay refuses texts and strangers, and says so; who is there, or comes back, is served, what
// became of their texts is taken, and what was refused is fetched. Once there is memory it goes on by itself.
func TestMemoryIsShort(t *testing.T) {
	const ballast = 128 << 20
	synctest.Test(t, func(t *testing.T) {
		w, said := newTown(t, twiliotest.Config{}), &safeBuffer{}
		w.change = func(c *relay.Config) {
			c.BehindProxy = true
			c.Memory, c.Logger = held()+ballast/2, slog.New(slog.NewTextHandler(said, nil))
		}
		defer w.close()
		w.start()
		w.sit()
		c := w.meet(1)[0]
		text := func(n, want int) string {
			t.Helper()
			d := w.twilio.Text(t.Context(), twiliotest.Text{From: person(n), Body: "he locked me in"})
			if d.Status != want {
				t.Errorf("text %d was answered %d after %d attempts, want %d", n, d.Status, d.Attempts, want)
			}
			return d.SID
		}
		wants := func(path, from string, code int, words string) {
			t.Helper()
			q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, public+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if from != "" {
				q.Header.Set("X-Forwarded-For", from)
			}
			r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: w.in.dial}}).Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			raw, _ := io.ReadAll(r.Body)
			if r.StatusCode != code || !strings.Contains(string(raw), words) || path == "/line" && code == http.StatusServiceUnavailable && r.Header.Get("Retry-After") == "" {
				t.Errorf("%s was answered %d, %q, want %d, %q", path, r.StatusCode, raw, code, words)
			}
		}
		wants("/readyz", "", http.StatusOK, "ready")

		heavy := make([]byte, ballast)
		time.Sleep(3 * time.Second)
		wants("/readyz", "", http.StatusServiceUnavailable, "too little memory")
		wants("/line", "198.51.100.7", http.StatusServiceUnavailable, "")
		wants("/line", "", http.StatusBadRequest, "") // ada's address is known: she may come back
		refused := text(1, http.StatusServiceUnavailable)
		w.say(c, "I am here")
		w.within(2*time.Minute, "what was sent meanwhile to be delivered", func() bool {
			m := w.replies()["I am here"]
			return m != nil && m.Delivery == desk.StatusDelivered
		})
		w.within(2*time.Minute, "what was refused to be fetched", func() bool {
			_, err := w.log.Find(t.Context(), refused)
			return err == nil
		})
		runtime.KeepAlive(heavy) // and no longer

		time.Sleep(3 * time.Second)
		wants("/readyz", "", http.StatusOK, "ready")
		wants("/line", "198.51.100.7", http.StatusBadRequest, "") // as it is no websocket
		text(2, http.StatusOK)
		w.within(time.Minute, "ada to have all", func() bool {
			n := 0
			w.ada.View(func(s *desk.State) {
				for range s.Conversations() {
					n++
				}
			})
			return n == 3 && w.ada.Status().InStep()
		})
		for _, line := range []string{"memory is short", "there is enough memory again"} {
			if n := strings.Count(said.String(), line); n != 1 {
				t.Errorf("%q was said %d times", line, n)
			}
		}
	})
}
