package tui

import (
	"errors"
	"time"

	"befree.example/store/desk"
	"befree.example/store/sms"
)

// The fields of the safety record, in the order of the form.
const (
	safeWord = iota
	dangerWord
	hoursFrom
	hoursUntil
	hoursZone
	watched
	openingLine
	hold
)

// safety is the form of the safety record: what makes it safe to text this person.
type safety struct {
	form
	id string
}

func newSafety(c *desk.Conversation) *safety {
	s := c.Safety
	yes := func(name string, v bool, help string) field {
		return field{name: name, yes: &v, was: map[bool]string{true: "yes", false: "no"}[v], help: help}
	}
	words := func(name, v, help string) field {
		e := newEditor(160)
		e.SetText(v)
		return field{name: name, text: e, was: v, help: help}
	}
	return &safety{id: c.ID, form: form{fields: []field{
		words("Safe word", s.SafeWord.Reveal(), "Says: it is me, and I can write."),
		words("Danger word", s.DangerWord.Reveal(), "Says to us alone: I am in danger. Never STOP, HELP or the like."),
		words("Safe from", s.From, "A time such as 08:00, where they are."),
		words("Safe until", s.Until, "A time such as 22:30; before the first it is past midnight."),
		words("Time zone", s.Zone, "Such as America/Chicago."),
		yes("Phone shared or watched", s.Watched, "Space changes it."),
		words("Begin with", s.Opening.Reveal(), "The line that was agreed to begin with."),
		yes("Do not text until they text", s.Hold, "Space changes it. Holds every reply until they write."),
	}}}
}

// changes are the fields of a form that hold something else than they did, by name.
type changes map[string]string

// Changes returns them.
func (s *safety) Changes() changes {
	c := changes{}
	for i, f := range s.fields {
		if v, changed := s.value(i); changed {
			c[f.name] = v
		}
	}
	return c
}

// Resume puts changes back that were made before.
func (s *safety) Resume(c changes) {
	for i := range s.fields {
		f := &s.fields[i]
		v, ok := c[f.name]
		switch {
		case !ok:
		case f.yes != nil:
			*f.yes = v == "yes"
		default:
			f.text.SetText(v)
		}
	}
}

// Saved counts changes as what the record holds.
func (s *safety) Saved(c changes) {
	for i := range s.fields {
		if v, ok := c[s.fields[i].name]; ok {
			s.fields[i].was = v
		}
	}
}

// Edit returns what was changed, or says what cannot be kept as it is.
func (s *safety) Edit() (desk.SafetyEdit, error) {
	var e desk.SafetyEdit
	words := func(i int, to **sms.Text) {
		if v, changed := s.value(i); changed {
			t := sms.Text(v)
			*to = &t
		}
	}
	words(safeWord, &e.SafeWord)
	words(dangerWord, &e.DangerWord)
	words(openingLine, &e.Opening)
	flag := func(i int, to **bool) {
		if v, changed := s.value(i); changed {
			yes := v == "yes"
			*to = &yes
		}
	}
	flag(watched, &e.Watched)
	flag(hold, &e.Hold)
	if e.DangerWord != nil && sms.Class(e.DangerWord.Reveal()) != sms.None {
		return e, errors.New("Carriers act on that danger word themselves (STOP, HELP and their like). Agree on another one.") //nolint:revive,staticcheck // a sentence for a person
	}
	hours, err := s.hours()
	e.Hours = hours
	return e, err
}

// hours returns changed safe hours, nil for unchanged ones. They are read here so that a slip is seen at once, though
// there be no network.
func (s *safety) hours() (*desk.Hours, error) {
	from, a := s.value(hoursFrom)
	until, b := s.value(hoursUntil)
	zone, c := s.value(hoursZone)
	h := desk.Hours{From: from, Until: until, Zone: zone}
	if !a && !b && !c {
		return nil, nil
	}
	_, errFrom := time.Parse("15:04", from)
	_, errUntil := time.Parse("15:04", until)
	_, errZone := time.LoadLocation(zone)
	if h != (desk.Hours{}) && (errFrom != nil || errUntil != nil || errZone != nil || zone == "") {
		return nil, errors.New("Safe hours need two times such as 08:00 and 22:30 and a zone such as America/Chicago.") //nolint:revive,staticcheck // a sentence for a person
	}
	return &h, nil
}
