package relay_test

import (
	"context"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// deadline has a connection end where what is waited for does not come.
func (r *raw) deadline() { _ = r.ws.SetReadDeadline(time.Now().Add(patience)) }

// A console that is locked gets nobody's words, whatever it asks for and whoever its owner is: not of what there is, not
// of what comes, not even its owner's own.
func TestALockedConsoleGetsNobodysWords(t *testing.T) {
	for _, role := range []desk.Role{desk.Specialist, desk.Supervisor} {
		t.Run(string(role), func(t *testing.T) {
			h := open(t, storetest.Memory())
			ada := h.sign("ada", role)
			h.carrier.text(t, "SM1", "locked in")
			c := ada.claim()
			ada.must(c, desk.NoteAdded, desk.Note{Text: "her aunt Rosa"})
			ears, err := ada.Ears()
			if err != nil {
				t.Fatal(err)
			}
			r := h.raw(t, nil)
			auth := ada.Identity.Prove(r.hello.Nonce, nil)
			r.say(wire.Frame{Auth: &auth})
			write(t, r.ws, wire.Frame{Resume: &wire.Resume{Outline: true}})
			write(t, r.ws, wire.Frame{Fetch: &wire.Fetch{Conversation: c.ID}})
			write(t, r.ws, wire.Frame{Preview: &wire.Preview{Conversations: []string{c.ID}}})
			h.carrier.text(t, "SM2", "he has a gun")
			ada.must(c, desk.NoteAdded, desk.Note{Text: "more of Rosa"})
			heads, notes := 0, 0
			for notes < 2 {
				r.deadline()
				f := r.hear()
				for _, e := range eventsOf(f) {
					if len(e.Body) > 0 || e.Number != "" || !e.Command.IsZero() {
						t.Errorf("it gets %s with %q", e.Kind, e.Body)
					}
					if e.Kind == desk.Received && e.Head.Severity != "" {
						heads++
					}
					if e.Kind == desk.NoteAdded {
						notes++
					}
				}
				if f.Number != nil {
					t.Errorf("it gets %+v", f)
				}
			}
			if heads < 2 {
				t.Errorf("it gets %d severities", heads)
			}
			ada.end()
			listens(t, h, ears)
		})
	}
}

// listens follows the line by its ears until its device is revoked.
func listens(t *testing.T, h *house, ears client.Ears) {
	t.Helper()
	destroyed := make(chan string, 1)
	l, err := client.Listen(client.Config{}, ears, func(why string) error {
		destroyed <- why
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run(context.WithoutCancel(t.Context())) }()
	until := func(what string, is func(*desk.Conversation) bool) {
		t.Helper()
		for deadline := time.After(patience); ; {
			changed, there := l.Changed(), false
			l.View(func(s *desk.State) {
				for c := range s.Conversations() {
					there = there || is(c)
					for _, m := range c.Messages {
						if m.Text != "" {
							t.Errorf("it has %d bytes of words", len(m.Text.Reveal()))
						}
					}
				}
			})
			if there {
				return
			}
			select {
			case <-changed:
			case <-deadline:
				t.Fatalf("it waits in vain for %s: %+v", what, l.Status())
			}
		}
	}
	until("what there is", func(c *desk.Conversation) bool { return c.HeldBy("ada") && len(c.Messages) == 2 && len(c.Notes) == 2 })
	at := l.Status().At
	h.carrier.text(t, "SM3", "in the cellar, he has a gun")
	until("a text", func(c *desk.Conversation) bool { return c.LastText > at && c.Severity != "" })
	if _, err := h.staff.Revoke("ada", ""); err != nil {
		t.Fatal(err)
	}
	select {
	case why := <-destroyed:
		says(t, <-ended, why)
	case <-time.After(patience):
		t.Fatal("what it keeps is not destroyed")
	}
}
