package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"befree.example/store"
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

// noKeys fails where a conversation has a key.
func noKeys(t *testing.T, c *Cache, conversation string) {
	t.Helper()
	for _, class := range allClasses {
		if values, err := (coveredKeys{c.keys, c.cover}).Load(conversation + "/" + string(class)); err != nil || values[0] != nil {
			t.Errorf("%s has a key of %s: %v", conversation, class, err)
		}
	}
}

// TestNothingIsWrittenInWhatIsForgotten: whoever writes in a conversation that was forgotten a moment ago, or in an
// earlier process, writes nothing and makes no key.
func TestNothingIsWrittenInWhatIsForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := openErasing(t, path)
	id, err := c.Queue(Entry{Conversation: "x", Kind: "note", Command: []byte(`"waits"`)})
	if err = errors.Join(err, c.Receive(at(1, 0, "x", "text"), at(2, 1, "x", "forgotten"))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for name, write := range map[string]func() error{
			"a draft":   func() error { return c.Draft("x", "", "what I write", time.Now()) },
			"a note":    func() error { _, err := c.Queue(Entry{Conversation: "x", Kind: "note"}); return err },
			"a reply":   func() error { _, err := c.Queue(Entry{Conversation: "x", Kind: "reply", Drafted: true}); return err },
			"a refusal": func() error { return c.Refuse(Entry{ID: id, Conversation: "x", Kind: "note"}, "why") },
		} {
			if err := write(); !errors.Is(err, ErrForgotten) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.Draft("x", "", "", time.Now()); err != nil {
			t.Errorf("to drop a draft: %v", err)
		}
		if err := c.Draft("y", "", "what I write", time.Now()); err != nil {
			t.Errorf("a draft of another: %v", err)
		}
		noKeys(t, c, "x")
		c.Close()
		c = openErasing(t, path)
	}
}

// TestDraftingWhileItIsForgotten: of the drafts that are saved while their conversation is forgotten, none is left, and
// no key.
func TestDraftingWhileItIsForgotten(t *testing.T) {
	c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
	for i := range uint64(20) {
		x := fmt.Sprintf("c%d", i)
		if err := c.Receive(at(2*i+1, 0, x, "text")); err != nil {
			t.Fatal(err)
		}
		drafted, forgotten, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			err := c.Draft(x, "", "what I write", time.Now())
			close(drafted)
			for late := false; err == nil && !late; {
				select {
				case <-forgotten:
					late = true
				default:
				}
				err = c.Draft(x, "", "what I write", time.Now())
			}
			ended <- err
		}()
		<-drafted
		err := c.Receive(at(2*i+2, 2*i+1, x, "forgotten"))
		close(forgotten)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, ErrForgotten) {
			t.Fatal(err)
		}
		if drafts, err := c.Drafts(); err != nil || len(drafts) > 0 {
			t.Fatalf("%d drafts are left, %v", len(drafts), err)
		}
		noKeys(t, c, x)
	}
}

// TestNothingIsWrittenOfAClassThatIsForgotten: not behind its end, whatever the staff did since; what is of another class is,
// and all of it once the texter has written again.
func TestNothingIsWrittenOfAClassThatIsForgotten(t *testing.T) {
	c := openErasing(t, filepath.Join(t.TempDir(), "cache.db"))
	note := func() error { _, err := c.Queue(Entry{Conversation: "x", Kind: "note"}); return err }
	if err := c.Receive(at(1, 0, "x", "text"), at(2, 1, "x", "notes forgotten"), at(3, 2, "x", "viewed")); err != nil {
		t.Fatal(err)
	}
	if err := note(); !errors.Is(err, ErrForgotten) {
		t.Errorf("a note: %v", err)
	}
	if values, err := (coveredKeys{c.keys, c.cover}).Load("x/notes"); err != nil || values[0] != nil {
		t.Errorf("the notes have a key: %v", err)
	}
	if err := c.Draft("x", "", "what I write", time.Now()); err != nil {
		t.Errorf("a draft: %v", err)
	}
	again := at(4, 3, "x", "text")
	again.Actor = store.Texter
	if err := errors.Join(c.Receive(again, at(5, 4, "x", "viewed")), note()); err != nil {
		t.Errorf("a note in what goes on: %v", err)
	}
}
