package storetest

import (
	"errors"
	"fmt"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"befree.example/store"
)

// A model is what a log should be, in the shortest words.
type model struct{ events []store.Event }

func (m *model) find(id string) uint64 {
	for _, e := range m.events {
		if e.ID == id {
			return e.Seq
		}
	}
	return 0
}

func (m *model) tail(conversation string) (tail uint64) {
	for _, e := range m.events {
		if e.Conversation == conversation && conversation != "" {
			tail = e.Seq
		}
	}
	return tail
}

// append says what Append must answer, and adds what it must take.
func (m *model) append(es []store.Event) error {
	ids := map[string]bool{}
	twice := false
	for _, e := range es {
		if seq := m.find(e.ID); seq != 0 {
			return &store.DuplicateError{Seq: seq}
		}
		twice = twice || ids[e.ID]
		ids[e.ID] = true
	}
	if twice {
		return &store.DuplicateError{}
	}
	before := m.events
	for _, e := range es {
		if e.Prev != m.tail(e.Conversation) {
			m.events = before
			return store.ErrConflict
		}
		e.Seq = uint64(len(m.events)) + 1
		m.events = append(m.events[:len(m.events):len(m.events)], e)
	}
	return nil
}

// agrees tells whether an answer is the one that the model gives.
func agrees(got, want error) bool {
	var a, b *store.DuplicateError
	if errors.As(want, &b) {
		return errors.As(got, &a) && a.Seq == b.Seq
	}
	return errors.Is(got, want)
}

// testModel: over random calls, right and wrong, the log and the model say the same.
func testModel(c *candidate) {
	rapid.Check(c.T, func(t *rapid.T) {
		open := c.place(c.T)
		log := open()
		defer func() { log.Close() }()
		var m model
		for range rapid.IntRange(1, 12).Draw(t, "calls") {
			es := rapid.SliceOfN(rapid.Custom(m.draw), 1, 4).Draw(t, "events")
			_, got := log.Append(c.Context(), es...)
			if want := m.append(es); !agrees(got, want) {
				t.Fatalf("append: %v, want %v", got, want)
			}
			if rapid.IntRange(0, 5).Draw(t, "reopen") == 0 {
				log = open()
			}
		}
		es, _, err := log.Read(c.Context(), store.Position{}, 1000)
		if diff := cmp.Diff(m.events, es, asSeen); diff != "" && len(es)+len(m.events) > 0 || err != nil {
			t.Fatalf("log (-want +got): %v\n%s", err, diff)
		}
		if err := Check(c.Context(), log); err != nil {
			t.Fatal(err)
		}
	})
}

// draw gives an event whose ID is often new and whose Prev is often right, also after others of its call.
func (m *model) draw(t *rapid.T) store.Event {
	conversation := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "conversation")
	prev := m.tail(conversation)
	if rapid.IntRange(0, 3).Draw(t, "elsewhere") == 0 {
		prev = uint64(rapid.IntRange(0, len(m.events)+3).Draw(t, "prev"))
	}
	return Sample(fmt.Sprint("id-", rapid.IntRange(0, 60).Draw(t, "id")), conversation, prev)
}
