package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// TestMeasures: what happened and how things stand is told in numbers, and nothing of a text, a number or a name.
func TestMeasures(t *testing.T) {
	m := relay.NewMeasures()
	h := openChanged(t, storetest.Memory(), func(c *relay.Config) {
		c.Measures, c.Folder, c.Memory = m, t.TempDir(), 1<<40
		c.Gateway = lister{c.Gateway, func(context.Context, gateway.Gateway, gateway.Query) (gateway.Page, error) {
			return gateway.Page{}, errors.New("no list") // whose age is told all the same
		}}
	})
	tell := measured(t, m)
	ada := h.sign("ada", desk.Specialist)
	h.carrier.text(t, "SM1", "stop him he's here")
	c := ada.claim()
	h.carrier.sends(func(context.Context, gateway.Outgoing) (string, error) { return "", context.DeadlineExceeded })
	ada.must(c, desk.ReplyQueued, desk.Reply{Text: "I am here", Now: true})
	_ = ada.ask(c, desk.Claimed, nil)
	ada.until("the outcome", func() bool { return ada.only().Messages[1].Delivery == desk.StatusUnknown })
	for _, s := range []gateway.Status{{State: "sent"}, {State: "undelivered", Code: 30007}, {State: "undelivered", Code: 30007}} {
		s.ID, s.SID = ada.only().Messages[1].ID, "SM10"
		if err := h.carrier.recv.Delivered(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	ada.must(c, desk.ReplyQueued, desk.Reply{Text: "Are you there?", Now: true})
	ada.until("the outcome", func() bool { return ada.only().Messages[2].Delivery == desk.StatusUnknown })
	h.carrier.sends(func(context.Context, gateway.Outgoing) (string, error) { return "", &gateway.Refused{Code: 21610} })
	ada.must(c, desk.ReplyQueued, desk.Reply{Text: "I stay here", Now: true})
	ada.until("the refusal", func() bool { return ada.only().Messages[3].Delivery == desk.StatusRefused })
	if err := h.carrier.recv.Receive(t.Context(), gateway.Inbound{SID: "SM2", From: "+12025550122", To: "233733", Body: "he locked me in"}); err != nil {
		t.Fatal(err)
	}

	told := tell()
	for _, line := range []string{
		`befree_events_total{kind="received"} 2`, `befree_events_total{kind="send_unknown"} 2`, `befree_refusals_total{code="yours_already"} 1`,
		`befree_carrier_refusals_total{code="30007"} 1`, `befree_carrier_refusals_total{code="21610"} 1`,
		`befree_consoles 1`, `befree_waiting{severity="high"} 1`, `befree_waiting{severity="imminent"} 0`, `befree_held 1`, `befree_floods 0`,
		`befree_sends_unknown 1`, `befree_log_writable 1`, `befree_memory_enough 1`, `befree_append_failures_total 0`,
	} {
		if !strings.Contains(told, line+"\n") {
			t.Errorf("%s is not told:\n%s", line, regexp.MustCompile(`(?m)^befree.*$`).FindAllString(told, -1))
		}
	}
	for _, name := range []string{"befree_append_seconds_count", "befree_sweep_age_seconds", "befree_longest_wait_seconds", "befree_disk_free_bytes", "befree_memory_free_bytes", "befree_console_behind_events"} {
		if !strings.Contains(told, name) {
			t.Errorf("%s is not told", name)
		}
	}
	if found := regexp.MustCompile(`\bada\b|5550147|\D0147\D|locked me`).FindString(told); found != "" {
		t.Errorf("it tells %q", found)
	}
}

// measured has measures told until the test is over; tell is what they are.
func measured(t *testing.T, m *relay.Measures) (tell func() string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func() string {
		r, err := http.Get("http://" + l.Addr().String() + "/metrics") //nolint:noctx // of this machine
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
}

// TestBoard: the Grafana board asks for measures that there are, and for all of them.
func TestBoard(t *testing.T) {
	board, err := os.ReadFile("../../befree-relay/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(board) {
		t.Fatal("the board is no JSON")
	}
	source := ""
	for _, file := range []string{"measures.go"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source += string(raw)
	}
	there := map[string]bool{}
	for _, name := range regexp.MustCompile(`"(befree_\w+)"`).FindAllStringSubmatch(source, -1) {
		there[name[1]] = false
	}
	for _, name := range regexp.MustCompile(`befree_[a-z_]+`).FindAllString(string(board), -1) {
		base := strings.TrimSuffix(name, "_bucket")
		if _, ok := there[base]; !ok {
			t.Errorf("the board asks for %s, which there is not", name)
		}
		there[base] = true
	}
	for name, shown := range there {
		if !shown && name != "befree_log_events" {
			t.Errorf("%s is not on the board", name)
		}
	}
}
