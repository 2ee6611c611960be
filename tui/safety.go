package tui

import (
	"maps"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/sms"
)

// The fields of the safety record, in the order of the form.
const (
	watched = iota
	hold
	safeWord
	dangerWord
	hoursFrom
	hoursUntil
	hoursZone
	openingLine
)

// safety is the form of the safety record: what makes it safe to text this person.
type safety struct {
	form
	id   string
	from desk.Safety // what it was made of
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
	return &safety{id: c.ID, from: s, form: form{fields: []field{
		yes("Phone shared or watched", s.Watched, "Space changes it."),
		yes("Do not text until they text", s.Hold, "Space changes it. Holds every reply until they write."),
		words("Safe word", s.SafeWord.Reveal(), "Says: it is me, and I can write."),
		words("Danger word", s.DangerWord.Reveal(), "Says to us alone: I am in danger. Never STOP, HELP or the like."),
		words("Safe from", s.From, "A time such as 08:00, where they are."),
		words("Safe until", s.Until, "A time such as 22:30; before the first it is past midnight."),
		words("Time zone", s.Zone, "Such as America/Chicago."),
		words("Begin with", s.Opening.Reveal(), "The line that was agreed to begin with."),
	}}}
}

// Take shows a newer record, unless it is being changed here.
func (s *safety) Take(c *desk.Conversation) {
	if c.Safety == s.from || s.Changed() {
		return
	}
	at := s.at
	*s = *newSafety(c)
	s.at = at
}

// Saved counts changes as what the record holds: what was changed meanwhile is still to be kept.
func (s *safety) Saved(c changes) {
	for i := range s.fields {
		if v, ok := c[s.fields[i].name]; ok {
			s.fields[i].was = v
		}
	}
}

// A mistake is a field that cannot be kept as it is, and why.
type mistake struct {
	field int
	why   string
}

// Edit returns what was changed, or all that cannot be kept as it is.
func (s *safety) Edit() (e desk.SafetyEdit, wrong []mistake) {
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
		wrong = append(wrong, mistake{dangerWord, "Carriers act on that danger word themselves (STOP, HELP and their like). Agree on another one."})
	}
	hours, field, ok := s.hours()
	if !ok {
		wrong = append(wrong, mistake{field, "Safe hours need two times such as 08:00 and 22:30 and a zone such as America/Chicago."})
	}
	e.Hours = hours
	return e, wrong
}

// hours returns changed safe hours, nil for unchanged ones; ok is false for such as cannot be, with the first field that
// is wrong. They are read here so that a slip is seen at once, though
// there be no network.
func (s *safety) hours() (_ *desk.Hours, field int, ok bool) {
	from, a := s.value(hoursFrom)
	until, b := s.value(hoursUntil)
	zone, c := s.value(hoursZone)
	h := desk.Hours{From: from, Until: until, Zone: zone}
	if !a && !b && !c {
		return nil, 0, true
	}
	_, errFrom := time.Parse("15:04", from)
	_, errUntil := time.Parse("15:04", until)
	_, errZone := time.LoadLocation(zone)
	switch {
	case h == desk.Hours{}:
	case errFrom != nil:
		return nil, hoursFrom, false
	case errUntil != nil:
		return nil, hoursUntil, false
	case errZone != nil || zone == "":
		return nil, hoursZone, false
	}
	return &h, 0, true
}

func (m *Model) keepSafety() tea.Cmd {
	if m.Review || m.safety == nil || !m.safety.Changed() {
		return nil
	}
	edit, wrong := m.safety.Edit()
	if len(wrong) > 0 {
		why := make([]string, len(wrong))
		for i, w := range wrong {
			why[i] = m.Word(w.why)
		}
		m.safety.at = wrong[0].field
		m.fail(m.T("Not kept: {{.Why}}", "Why", strings.Join(why, " ")))
		return nil
	}
	id, sent := m.safety.id, m.safety.Changes()
	done := func() tea.Cmd { return m.safetySaved(id, sent) }
	return m.do(doing{what: m.T("Safety record saved."), kept: keptSafety, then: done}, about(m.chat.conv, desk.SafetySaved, edit))
}

// safetySaved takes what was saved of a record out of the drafts. The form stays where it is, and the keys too: its
// person may have written on, or gone elsewhere.
func (m *Model) safetySaved(id string, saved changes) tea.Cmd {
	rest := m.records[id]
	maps.DeleteFunc(rest, func(name, v string) bool {
		was, ok := saved[name]
		return ok && was == v
	})
	if f := m.safety; f != nil && f.id == id {
		f.Saved(saved)
		rest = f.Changes()
	}
	if m.records[id] = rest; len(rest) == 0 {
		delete(m.records, id)
	}
	m.unsaved[place{id, safetyDraft}] = true
	return m.saveSoon()
}
