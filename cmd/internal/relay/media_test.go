package relay_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"befree.example/client"
	"befree.example/cmd/internal/gateway"

	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// TestAttachments: a picture comes whole, beside the texts, to whoever answers the texter and to nobody else.
func TestAttachments(t *testing.T) {
	h := open(t, storetest.Memory())
	picture := make([]byte, 1<<20+7)
	_, _ = rand.Read(picture)
	begun, hold := make(chan struct{}), make(chan struct{})
	h.carrier.fetch = func(_ context.Context, m gateway.Media) ([]byte, string, error) {
		switch m.URL {
		case "https://media.example/slow":
			close(begun)
			<-hold
		case "https://media.example/gone":
			return nil, "", gateway.ErrMediaGone
		case "https://media.example/empty":
			return nil, "text/plain", nil
		}
		return picture, "image/jpeg", nil
	}
	ada, ben, sue := h.sign("ada", desk.Specialist), h.sign("ben", desk.Specialist), h.sign("sue", desk.Supervisor)
	<-h.carrier.up
	in := gateway.Inbound{SID: "SM1", From: texter, To: "233733"}
	for _, name := range []string{"picture", "slow", "gone", "empty"} {
		in.Media = append(in.Media, gateway.Media{URL: "https://media.example/" + name, Type: "image/jpeg"})
	}
	if err := h.carrier.recv.Receive(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	c := ada.claim()
	get := func(d *desktop, message string, n int) ([]byte, string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return d.Attachment(ctx, c.ID, message, n)
	}
	data, kind, err := get(ada, "SM1", 0)
	if err != nil || kind != "image/jpeg" || !bytes.Equal(data, picture) {
		t.Errorf("%d bytes of %q: %v", len(data), kind, err)
	}
	if data, kind, err := get(ada, "SM1", 3); err != nil || kind != "text/plain" || len(data) != 0 {
		t.Errorf("an empty file: %d bytes of %q: %v", len(data), kind, err)
	}
	ben.until("the claim", func() bool { c := ben.only(); return c != nil && c.Owner == "ada" })
	sue.until("the claim", func() bool { c := sue.only(); return c != nil && c.Owner == "ada" })
	for name, one := range map[string]struct {
		who     *desktop
		message string
		n       int
		want    string
	}{
		"another specialist":       {ben, "SM1", 0, "Only whoever holds"},
		"a supervisor":             {sue, "SM1", 0, "Only whoever holds"},
		"one that there is not":    {ada, "SM1", 4, "no such"},
		"a number below":           {ada, "SM1", -1, "no such"},
		"a text that there is not": {ada, "SM2", 0, "no such"},
		"one that is gone":         {ada, "SM1", 2, "does not have it any more"},
	} {
		var r *desk.Refusal
		if _, _, err := get(one.who, one.message, one.n); !errors.As(err, &r) || !strings.Contains(r.Text, one.want) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// While one is fetched, texts come and go, and a second one is told to wait.
	slow := make(chan error, 1)
	go func() {
		data, _, err := get(ada, "SM1", 1)
		if err == nil && !bytes.Equal(data, picture) {
			err = errors.New("it is another picture")
		}
		slow <- err
	}()
	h.carrier.text(t, "SM3", "are you there")
	ada.until("the text", func() bool { return len(ada.only().Messages) == 2 })
	<-begun
	if _, _, err := get(ada, "SM1", 0); err == nil || !strings.Contains(err.Error(), "Another one is being fetched") {
		t.Error("two are fetched at once:", err)
	}
	close(hold)
	if err := <-slow; err != nil {
		t.Error(err)
	}

	// Without a relay nothing is had, and that is said.
	ada.end()
	if _, _, err := get(ada, "SM1", 0); !errors.Is(err, client.ErrOffline) {
		t.Errorf("offline: %v", err)
	}
}
