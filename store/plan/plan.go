// Package plan holds the safety plan: what a person decides to do in the situation, when leaving, and after, written
// down with a specialist, field by field.
//
// A [Plan] is a value: nothing in it is changed in place. An [Edit] carries what somebody changed and the version that
// they changed; [Apply] puts it on whatever the plan has become meanwhile, and loses no word of either.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// Limits on one edit.
const (
	MaxText = 4000 // characters in a field
	maxDate = len("2006-01-02")
)

// A Plan is one version of a safety plan. The zero Plan is version 0: none yet.
type Plan struct {
	Version int              `json:"version,omitempty"`
	Fields  map[string]Field `json:"fields,omitempty"`  // by the ID of its item
	Suicide bool             `json:"suicide,omitempty"` // in play: the Stanley-Brown steps are asked too
	Review  string           `json:"review,omitempty"`  // date of the next review, "2006-01-02"
	By      string           `json:"by,omitempty"`      // who saved this version
	At      time.Time        `json:"at,omitzero"`
}

// A Field is what stands under one item.
type Field struct {
	Text string    `json:"text,omitempty"`
	None bool      `json:"none,omitempty"` // it was asked and does not apply; there is no text then
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	// Also holds what others wrote there at the same time, oldest first, until somebody chooses.
	Also []Alternative `json:"also,omitempty"`
}

// An Alternative is a text that was written beside the one in the field, or that there is none.
type Alternative struct {
	Text string    `json:"text"`
	None bool      `json:"none,omitempty"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// An Edit is what one save changes. A field that it does not name stays as it is; one with an empty text is emptied.
type Edit struct {
	Base    int               `json:"base"`              // the version that was on the screen
	Seen    Seen              `json:"seen,omitempty"`    // what stood there; where it is given, it counts and Base does not
	Fields  map[string]string `json:"fields,omitempty"`  // the changed fields, by item, with their new text
	Choose  map[string]string `json:"choose,omitempty"`  // fields with alternatives, with the text that is to stay alone
	None    []string          `json:"none,omitempty"`    // those of both that were asked and do not apply; they have an empty text
	Suicide *bool             `json:"suicide,omitempty"` // nil for unchanged
	Review  *string           `json:"review,omitempty"`  // nil for unchanged, "" for none
}

// Seen marks what stood under items on the screen from which an edit was made; no mark for an item with nothing. A
// version number made without a network can come to mean another version once there is one; words cannot.
type Seen map[string]string

// See marks what stands under items of p, for an edit made from it.
func (p Plan) See(items ...string) Seen {
	seen := Seen{}
	for _, id := range items {
		seen[id] = p.Fields[id].mark()
	}
	return seen
}

// mark is 64 bits of the SHA-256 of a field's texts, and of where there is none, in hex; empty for an empty field.
func (f Field) mark() string {
	if f.Empty() {
		return ""
	}
	texts, none := []string{f.Text}, []bool{f.None}
	for _, also := range f.Also {
		texts, none = append(texts, also.Text), append(none, also.None)
	}
	var stands any = texts
	if slices.Contains(none, true) {
		stands = []any{texts, none}
	}
	raw, _ := json.Marshal(stands) // strings and bools, which are JSON
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// Empty tells whether nothing stands there.
func (f Field) Empty() bool { return f.Text == "" && !f.None && len(f.Also) == 0 }

// Check says in words what is wrong with e, nil if nothing is. Its error holds nothing that somebody wrote.
func (e Edit) Check() error {
	if e.Base < 0 {
		return errors.New("it says that it was made from a version that cannot be")
	}
	if len(e.Fields)+len(e.Choose) == 0 && e.Suicide == nil && e.Review == nil {
		return errors.New("nothing was changed")
	}
	for _, texts := range []map[string]string{e.Fields, e.Choose} {
		for _, id := range slices.Sorted(maps.Keys(texts)) {
			if err := checkField(id, texts[id]); err != nil {
				return err
			}
		}
	}
	for _, id := range e.None {
		field, isField := e.Fields[id]
		chosen, isChosen := e.Choose[id]
		if !isField && !isChosen || field+chosen != "" {
			return errors.New("it says that something does not apply which it gives an answer to, or none")
		}
	}
	if e.Review != nil && *e.Review != "" {
		if _, err := time.Parse(time.DateOnly, *e.Review); err != nil || len(*e.Review) != maxDate {
			return errors.New("the review date must look like 2026-05-31")
		}
	}
	return nil
}

func checkField(id, text string) error {
	item, ok := Find(id)
	switch n := utf8.RuneCountInString(text); {
	case !ok:
		return errors.New("it has a field that this befree does not know; update the older side")
	case !utf8.ValidString(text):
		return fmt.Errorf("%q holds bytes that are not text", item.Title)
	case n > MaxText:
		return fmt.Errorf("%q has %d characters; at most %d can be kept", item.Title, n, MaxText)
	}
	return nil
}

// Apply returns the version that follows current when e is saved by somebody at a time. history gives earlier versions;
// where e does not say what it has seen and history does not know the one that it was made from, every field of e counts
// as changed by others meanwhile.
//
// A field that only e changed takes its text. One that others changed meanwhile too, to another text, keeps both: the
// text that was there stays, and e's stands beside it. Nothing that either wrote is lost, whatever the order in which
// they come. Applying the same words twice adds nothing.
func Apply(current Plan, history func(version int) (Plan, bool), e Edit, by string, at time.Time) (Plan, error) {
	if err := e.Check(); err != nil {
		return current, err
	}
	base, known := current, true
	if e.Base != current.Version {
		base, known = history(e.Base)
	}
	next := current
	next.Version++
	next.By, next.At = by, at
	next.Fields = maps.Clone(current.Fields)
	if next.Fields == nil {
		next.Fields = map[string]Field{}
	}
	unchallenged := func(id string) bool {
		if e.Seen != nil {
			return e.Seen[id] == current.Fields[id].mark()
		}
		return known && sameWords(base.Fields[id], current.Fields[id])
	}
	says := func(id, text string) Alternative { return Alternative{text, slices.Contains(e.None, id), by, at} }
	for id, text := range e.Fields {
		next.Fields[id] = current.Fields[id].with(says(id, text), unchallenged(id))
	}
	for id, text := range e.Choose {
		if a := says(id, text); unchallenged(id) {
			next.Fields[id] = a.field(nil)
		} else { // something came in that the one who chose has not seen
			next.Fields[id] = current.Fields[id].with(a, false)
		}
	}
	maps.DeleteFunc(next.Fields, func(_ string, f Field) bool { return f.Empty() })
	set(&next.Suicide, e.Suicide)
	set(&next.Review, e.Review)
	return next, nil
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// with returns f with what a says in it: in the place of what is there if nobody else changed that, else beside it.
func (f Field) with(a Alternative, alone bool) Field {
	same := func(b Alternative) bool { return a.Text == b.Text && a.None == b.None }
	if same(Alternative{Text: f.Text, None: f.None}) || slices.ContainsFunc(f.Also, same) {
		return f
	}
	if alone || f.Empty() {
		return a.field(f.Also)
	}
	if a.Text == "" && !a.None { // emptied by one, rewritten by the other: what was rewritten stays
		return f
	}
	f.Also = append(slices.Clip(slices.Clone(f.Also)), a)
	return f
}

// field is a in a field's place, with others beside it.
func (a Alternative) field(also []Alternative) Field {
	return Field{Text: a.Text, None: a.None, By: a.By, At: a.At, Also: also}
}

func sameWords(a, b Field) bool {
	return a.Text == b.Text && a.None == b.None && slices.Equal(a.Also, b.Also)
}

// Contested returns the items of which two texts stand, in the order of the form.
func (p Plan) Contested() []Item {
	var items []Item
	for _, item := range Items() {
		if len(p.Fields[item.ID].Also) > 0 {
			items = append(items, item)
		}
	}
	return items
}

// Missing returns the items of a stage under which no answer stands yet, in the order of the form.
func (p Plan) Missing(stage Stage) []Item {
	var items []Item
	for _, item := range Items() {
		if item.Stage == stage && p.Fields[item.ID].Text == "" && !p.Fields[item.ID].None {
			items = append(items, item)
		}
	}
	return items
}

// Stages returns the stages that are asked for this plan.
func (p Plan) Stages() []Stage {
	stages := []Stage{Situation, Leaving, After}
	if p.Suicide {
		stages = append(stages, Suicide)
	}
	return stages
}
