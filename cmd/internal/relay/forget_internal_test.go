package relay

import (
	"context"
	"errors"
	"strings"
	"testing"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/storetest"
)

// A forgetful log can shred, once it is let.
type forgetful struct {
	*storetest.FailingLog
	noKeys
	fails    int // how often yet
	shredded []string
}

func (f *forgetful) Shred(conversation string, _ ...store.Class) error {
	if f.fails > 0 {
		f.fails--
		return errors.New("no space left on device")
	}
	f.shredded = append(f.shredded, conversation)
	return nil
}

func (f *forgetful) Mend(context.Context) error { f.FailingLog.Mend(); return nil }
func (f *forgetful) Probe() error               { return nil }

// Whether the keys could not be destroyed at once, or nobody knows whether the event is on disk: once the log has been
// opened again they are gone, before anything is put after it. And no copy of what was said is left in memory, nor is one
// kept that somebody who read before makes afterwards.
func TestForgettingIsFinishedWhenTheLogIsOpenedAgain(t *testing.T) {
	for name, breaks := range map[string]func(*forgetful){
		"nothing breaks":     func(*forgetful) {},
		"the keys stay":      func(f *forgetful) { f.fails = 2 },
		"the answer is lost": func(f *forgetful) { f.FailAfterAppend(errors.New("input/output error")) },
	} {
		failing := storetest.Failing(storetest.Memory())
		log := &forgetful{FailingLog: failing, noKeys: noKeys{failing}}
		d, err := NewDesk(t.Context(), log, desk.Policy{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		stop := d.start()
		text := desk.Command{ID: "SM1", Kind: desk.Received, Conversation: "c1", Actor: store.Texter, Number: "+12025550147", Body: []byte(`{"text":"the blue door"}`)}
		seq, err := d.Do(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		sue := Member{Name: "sue", Role: desk.Supervisor}
		events, head, err := d.Read(t.Context(), store.Position{}, 10)
		if err != nil || len(events) != 1 || !strings.Contains(string(events[0].Body), "the blue door") {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := d.frames.get(events, head.Seq, d.View, sue); err != nil || len(d.frames.kept) == 0 || len(d.recent) == 0 {
			t.Fatalf("%s: nothing is kept in memory: this test shows nothing; %v", name, err)
		}
		breaks(log)
		forgotten := desk.Command{ID: "c1/forgotten", Kind: desk.ForgottenAgain, Conversation: "c1", Seen: seq, Actor: store.Clock}
		_, _ = d.Do(t.Context(), forgotten)
		text.ID, text.Conversation = "SM2", "c2"
		if _, err := d.Patiently(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(log.shredded) == 0 || log.shredded[0] != "c1" || d.Conversation("c1").Gone.IsZero() {
			t.Errorf("%s: shredded %v", name, log.shredded)
		}
		if _, err := d.frames.get(events, head.Seq, d.View, sue); err != nil || len(d.frames.kept) > 0 {
			t.Errorf("%s: %d frames are kept, %v", name, len(d.frames.kept), err)
		}
		for _, e := range d.recent {
			if e.Conversation == "c1" {
				t.Errorf("%s: event %d is kept in memory", name, e.Seq)
			}
		}
		var shown store.Event
		d.View(func(s *desk.State) { shown = forReader(events[0], s, sue) })
		if len(shown.Body) > 0 || shown.Head.Tail != "" {
			t.Errorf("%s: who read before is shown %s", name, shown.Body)
		}
		if err := stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
