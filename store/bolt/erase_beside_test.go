package bolt

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// TestForgettingBesideDrafting: while conversations are forgotten, drafts of others are kept; neither waits for the other
// for good.
func TestForgettingBesideDrafting(t *testing.T) {
	c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for j := 0; ; j++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := c.Draft(fmt.Sprintf("n%d", j), "", "hello", time.Now()); err != nil {
				t.Error(err)
			}
		}
	}()
	done := make(chan error, 1)
	go func() {
		for i := range uint64(40) {
			x := fmt.Sprintf("c%d", i)
			text, forgotten := at(2*i+1, 0, x, "text"), at(2*i+2, 2*i+1, x, "forgotten")
			text.ID, forgotten.ID = fmt.Sprintf("SM%d", 2*i+1), fmt.Sprintf("SM%d", 2*i+2)
			err := c.Receive(text)
			if err == nil {
				err = c.Draft(x, "", "what I write", time.Now())
			}
			if err == nil {
				err = c.Receive(forgotten)
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it is stuck")
	}
	close(stop)
	<-stopped
}

// TestNoSummaryOfWhatIsForgotten: a summary that was made before its conversation was forgotten is not kept afterwards.
func TestNoSummaryOfWhatIsForgotten(t *testing.T) {
	c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
	if err := c.Receive(at(1, 0, "x", "text")); err != nil {
		t.Fatal(err)
	}
	if err := c.Receive(at(2, 1, "x", "forgotten")); err != nil { // while a client makes summaries of what was at 1
		t.Fatal(err)
	}
	if err := c.Summarize(1, []Summary{{Conversation: "x", Body: []byte(`{"Tail":"0147"}`)}}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Summaries(func(s Summary) func() {
		if len(s.Body) > 0 {
			t.Error("it can be read")
		}
		return func() {}
	})
	if err != nil {
		t.Fatal(err)
	}
}
