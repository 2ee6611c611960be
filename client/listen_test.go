package client_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// Who listens asks for outlines, and keeps no words though a relay sends them. After a break it goes on from what it knows;
// after a hole, or where the log is another one or was cut back, it asks for all there is.
func TestListenerKeepsNoWords(t *testing.T) {
	asked := make(chan wire.Frame, 5)
	url := relay(t, script{2, func(say func(wire.Frame), hear func() wire.Frame) {
		asked <- hear()
		snapshot(say, 1, text(1, 0, "one"))
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{text(1, 0, "one"), text(2, 1, "two")}, Head: 2}})
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{text(4, 3, "four")}, Head: 4}})
		hear()
	}}, script{4, func(say func(wire.Frame), hear func() wire.Frame) {
		asked <- hear()
		snapshot(say, 4, text(1, 0, "one"), text(2, 1, "two"), text(3, 2, "three"), text(4, 3, "four"))
	}}, script{5, func(say func(wire.Frame), hear func() wire.Frame) {
		asked <- hear()
		say(wire.Frame{Events: &wire.Events{Events: []store.Event{text(5, 4, "five")}, Head: 5}})
	}}, script{2, func(say func(wire.Frame), hear func() wire.Frame) {
		asked <- hear()
		say(wire.Frame{Snapshot: &wire.Snapshot{Position: store.Position{Epoch: "another", Seq: 2}}})
	}}, script{6, func(say func(wire.Frame), hear func() wire.Frame) {
		asked <- hear()
		snapshot(say, 6, text(1, 0, "one"), text(2, 1, "two"), text(3, 2, "three"), text(4, 3, "four"), text(5, 4, "five"), text(6, 5, "six"))
		hear()
	}})
	ears, err := still(t, url, filepath.Join(t.TempDir(), "cache.db"), nil).Ears()
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		if said := fmt.Sprintf(verb, ears); said != "ada" {
			t.Errorf("%s gives %s", verb, said)
		}
	}
	l, err := client.Listen(client.Config{}, ears, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	seen := func() (texts int) {
		l.View(func(s *desk.State) {
			c := s.Conversation("c")
			if c == nil {
				return
			}
			texts = len(c.Messages)
			for _, m := range c.Messages {
				if m.Text != "" || !m.Withheld || c.Severity != "high" {
					t.Errorf("it knows %d letters of a text, severity %q", len(m.Text.Reveal()), c.Severity)
				}
			}
		})
		return texts
	}
	for deadline := time.After(patience); ; {
		changed := l.Changed()
		if seen() == 6 {
			break
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("it knows %d of 6 texts: %+v", seen(), l.Status())
		}
	}
	for _, after := range []uint64{0, 0, 4, 0, 0} {
		f := <-asked
		if f.Resume == nil || !f.Resume.Outline || f.Resume.After != after || (f.Resume.Epoch == epoch) != (after > 0) {
			t.Errorf("it asks for %+v, not for what is after %d", f.Resume, after)
		}
	}
	cancel()
	if err := <-ended; err != nil && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}
