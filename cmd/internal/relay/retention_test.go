package relay_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

func TestRetentionFile(t *testing.T) {
	def, err := relay.LoadRetention("")
	if err != nil || def.Text != 90*24*time.Hour || def.Facts < def.Plans {
		t.Fatalf("%+v, %v", def, err)
	}
	path := filepath.Join(t.TempDir(), "retention.toml")
	for text, want := range map[string]string{
		"[days]\ntext = 3":            "",
		"[days]\ntext = 0":            "text = 0",
		"[days]\ntext = -1":           "text = -1",
		"[days]\ntxt = 3":             "line 2",
		"[days]\nnotes = 800":         "longer than the facts",
		"[days]\nfacts = 30":          "longer than the facts",
		"[days]\nbackups = 0":         "backups = 0",
		"[days]\ntext = 999999999999": "text",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := relay.LoadRetention(path)
		if want == "" && (err != nil || r.Text != 3*24*time.Hour || r.Notes != def.Notes) {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPrivacyIsMadeFromTheSettings(t *testing.T) {
	r, err := relay.LoadRetention("")
	if err != nil {
		t.Fatal(err)
	}
	r.Text = 17 * 24 * time.Hour
	p := relay.Privacy{Number: "233733", Retention: r, Keeps: true, Contact: `write to <help@example.org> & "ask"`}
	for lang, words := range map[string]string{"en": "answers: 17 days", "es": "respuestas: 17 días"} {
		if text := p.Text(lang); !strings.Contains(text, words) || !strings.Contains(text, "233733") || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
			t.Errorf("%s: %s", lang, text)
		}
	}
	for _, c := range []struct{ query, accept, want string }{
		{"", "", "people who are there"}, {"?lang=es", "en", "personas que están"}, {"", "es-MX,en;q=0.5", "personas que están"}, {"?lang=xx", "de", "people who are there"},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/privacy"+c.query, nil)
		req.Header.Set("Accept-Language", c.accept)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, req)
		if body := w.Body.String(); !strings.Contains(body, c.want) || strings.Contains(body, "<help@") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%+v: %s", c, body)
		}
	}
}

func TestTheRelayServesPrivacy(t *testing.T) {
	h := open(t, storetest.Memory())
	<-h.carrier.up
	address := strings.Replace(strings.TrimSuffix(h.address, "/line"), "ws://", "http://", 1) + "/privacy?lang=es"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(raw), "Qué se guarda cuando escribes al 233733") {
		t.Fatalf("%s, %v: %s", answer.Status, err, raw)
	}
}

func TestTheClockForgets(t *testing.T) {
	short := desk.Policy{Retention: desk.Retention{Text: time.Millisecond, Facts: time.Hour}}
	h, _ := sealedHouse(t, short, nil)
	ada, sue := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor)
	aWhole(t, h, ada)
	sue.until("the closing", func() bool { return sue.only() != nil && sue.only().Phase == desk.ClosedNow })
	sue.end()
	h.restart()
	sue.move(h)
	sue.until("the words to be forgotten", func() bool { return !sue.only().Has.Text })
	if c := sue.only(); !c.Gone.IsZero() || !c.Has.Notes || c.Tail == "" {
		t.Fatalf("more than its time was up for is gone: %+v", c)
	}
}

// A clock that leapt by a year destroys nothing before a person has looked.
func TestTheClockAsksAfterALeap(t *testing.T) {
	h, data := sealedHouse(t, desk.Policy{Retention: desk.Retention{Text: time.Millisecond, Facts: time.Hour}}, nil)
	ada, sue := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor)
	aWhole(t, h, ada)
	sue.until("the closing", func() bool { return sue.only() != nil && sue.only().Phase == desk.ClosedNow })
	sue.end()
	if err := os.WriteFile(filepath.Join(data, "clock"), []byte(time.Now().AddDate(-1, 0, 0).Format(time.RFC3339)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start finds that it asks already
		h.restart()
		sue.move(h)
		var w desk.Wait
		sue.until("the question", func() bool {
			sue.View(func(s *desk.State) { w = s.Retention() })
			return w.Seq > 0 && sue.Status().InStep()
		})
		if !w.Leap || w.Conversations != 1 || w.Allowed || !sue.only().Has.Text {
			t.Fatalf("%+v", w)
		}
		sue.end()
	}
	sue.run()
	var w desk.Wait
	sue.View(func(s *desk.State) { w = s.Retention() })
	sue.until("to be in step", func() bool { return sue.Status().InStep() })
	if _, err := sue.Surely(t.Context(), desk.Command{Kind: desk.RetentionAllowed, Claim: w.Seq}, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	sue.until("the words to be forgotten", func() bool { return !sue.only().Has.Text })
}
