package desk

import (
	"iter"
	"slices"
	"strings"
	"time"

	"befree.example/store"
)

// A Redaction is a list of texts that the carrier is to delete. It is a chain of its own, so that its key outlives those
// of the conversation for as long as the carrier has not answered, and no longer.
type Redaction struct {
	ID      string
	Last    uint64        // Seq of its newest event
	Due     []CarrierText // that the carrier has not answered for; none where they are not for this reader
	Done    int           // deleted, or gone there already
	Refused int           // that it never will delete
	At      time.Time
	Ended   time.Time // zero until there is an answer for each
}

// A CarrierText is a text by the carrier's names for it and for what came with it.
type CarrierText struct {
	SID   string   `json:"sid"`
	Media []string `json:"media,omitempty"` // addresses
}

// A Redacting is the body of [CarrierAsked].
type Redacting struct {
	Texts []CarrierText `json:"texts"`
}

const redactionMark = "/carrier/"

// RedactionID names a list of texts of a conversation that the carrier is to delete; part tells several apart.
func RedactionID(conversation, part string) string { return conversation + redactionMark + part }

// Of is the conversation whose texts they were.
func (r *Redaction) Of() string {
	of, _, _ := strings.Cut(r.ID, redactionMark)
	return of
}

// Redactions yields what the carrier was ever asked to delete, in no order.
func (s *State) Redactions() iter.Seq[*Redaction] { return s.redactions.values() }

// redaction folds an event of such a list. What it was of stands in its ID, what happened in the kinds.
func (s *State) redaction(e store.Event) {
	r := &Redaction{ID: e.Conversation, At: e.At}
	if old, ok := s.redactions.get(e.Conversation); ok {
		*r = *old
	}
	r.Last = e.Seq
	drop := func() {
		r.Due = slices.DeleteFunc(slices.Clone(r.Due), func(t CarrierText) bool { return t.SID == e.Head.Ref })
	}
	switch e.Kind {
	case CarrierAsked:
		r.Due = Read[Redacting](e).Texts
	case Redacted:
		r.Done++
		drop()
	case RedactRefused:
		r.Refused++
		drop()
	case CarrierForgot:
		r.Ended, r.Due = e.At, nil
	}
	s.redactions.put(r.ID, r)
}

// askCarrier begins a list.
func (m moment) askCarrier(e *store.Event) error {
	b, err := body[Redacting](m.Command)
	if err != nil {
		return err
	}
	id, _, ok := strings.Cut(e.Conversation, redactionMark)
	if c := m.State.Conversation(id); !ok || c == nil || len(b.Texts) == 0 {
		return refuse(CodeBad, "The carrier cannot be asked to delete that.")
	}
	e.Head = store.Head{}
	return nil
}

// redacted is what the carrier said of one text of a list.
func (m moment) redacted(e *store.Event) error {
	r, ok := m.redactions.get(m.Command.Conversation)
	if !ok || !slices.ContainsFunc(r.Due, func(t CarrierText) bool { return t.SID == m.Ref }) {
		return refuse(CodeBad, "The carrier was not asked to delete that.")
	}
	e.Head = store.Head{Ref: m.Ref, Code: m.Head.Code}
	return nil
}

// carrierForgot ends a list.
func (m moment) carrierForgot(*store.Event) error {
	r, ok := m.redactions.get(m.Command.Conversation)
	if !ok || len(r.Due) > 0 || !r.Ended.IsZero() {
		return refuse(CodeBad, "The carrier has not answered for each text.")
	}
	return nil
}
