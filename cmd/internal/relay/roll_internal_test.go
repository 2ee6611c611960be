package relay

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// TestARefusalKeepsNobodyOutOfTheRoll: what the desk will never enter of the staff is not tried again, and what else has
// changed is entered.
func TestARefusalKeepsNobodyOutOfTheRoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := NewDesk(t.Context(), storetest.Memory(), desk.Policy{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		stop := d.start()
		ctx, cancel := context.WithCancel(t.Context())
		r := newRoll(d, Config{Logger: slog.New(slog.DiscardHandler)})
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		for _, is := range []desk.Role{desk.Specialist, desk.Supervisor} {
			r.enter(Staff{Members: []Member{{Name: "ada", Role: "wizard"}, {Name: "sue", Role: is}}})
			synctest.Wait()
			d.View(func(s *desk.State) {
				if s.Standing("sue").Role != is || s.Standing("ada").Role != "" {
					t.Errorf("sue is %q in the log, ada %q", s.Standing("sue").Role, s.Standing("ada").Role)
				}
			})
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
