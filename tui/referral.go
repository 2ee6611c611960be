package tui

import (
	"errors"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/tui/text"
)

// The fields of a new referral, in the order of the form.
const (
	referTo = iota
	referNeed
	referScope
	referUntil
)

// refer is the form of a new referral: to whom, for what, and what this person agreed that they are told.
type refer struct {
	form
	id string
}

func newRefer(id string) *refer {
	words := func(name, help string) field {
		return field{name: name, text: newEditor(desk.MaxReferral), help: help}
	}
	return &refer{id: id, form: form{fields: []field{
		words("To whom", "The provider, by name."),
		words("For what", "Such as: a bed for tonight, a lawyer, a doctor."),
		words("May be told", "What this person agreed that they are told, and no more than that is passed on."),
		words("Until when", "The last day of that, such as 2026-12-24. Ask again after it."),
	}}}
}

// Edit is the referral that the form holds.
func (r *refer) Edit() desk.ReferralEdit {
	v := func(i int) string { s, _ := r.value(i); return s }
	return desk.ReferralEdit{To: sms.Text(v(referTo)), Need: sms.Text(v(referNeed)), Scope: sms.Text(v(referScope)), Until: v(referUntil)}
}

// keepReferral notes what the form holds, once: the form is empty from then on, unless that comes to nothing.
func (m *Model) keepReferral() tea.Cmd {
	if m.Review || m.refer == nil || !m.refer.Changed() {
		return nil
	}
	edit, id, sent, at := m.refer.Edit(), m.refer.id, m.refer.Changes(), place{m.refer.id, referralDraft}
	if err := edit.Check(m.now); err != nil {
		var why *desk.Refusal
		errors.As(err, &why)
		m.fail(m.T("Not kept: {{.Why}}", "Why", m.Word(why.Text)))
		m.refer.at = slices.IndexFunc(m.refer.fields, func(f field) bool { return strings.TrimSpace(f.text.Text()) == "" })
		if m.refer.at < 0 {
			m.refer.at = referUntil
		}
		return nil
	}
	delete(m.referring, id)
	m.refer, m.unsaved[at], m.side = newRefer(id), true, referralSide
	undo := func() {
		if len(m.referring[id]) > 0 {
			return // another is being written
		}
		m.referring[id], m.unsaved[at] = sent, true
		if m.refer != nil && m.refer.id == id {
			m.refer.Resume(sent)
		}
	}
	return tea.Batch(m.do(doing{what: m.T("Referral noted."), kept: keptReferral, undo: undo}, about(m.chat.conv, desk.ReferralSaved, edit)), m.saveSoon())
}

// cameOf asks which of the open conversation's referrals somebody has learnt something of, and what.
func (m *Model) cameOf() tea.Cmd {
	c := m.chat.conv
	switch {
	case c == nil:
		m.say(m.T("Open a conversation first."))
		return nil
	case m.Review:
		m.say(m.T("In review referrals can be read, not changed."))
		return nil
	}
	var offers []offer
	for _, r := range c.Referrals {
		if r.Withheld {
			continue
		}
		to := text.Line(r.To.Reveal())
		offers = append(offers, offer{name: to, note: m.referralStatus(r.Status()), more: text.Line(r.Need.Reveal()), do: func() tea.Cmd {
			var answers []offer
			for _, s := range []desk.ReferralStatus{desk.ReferralAccepted, desk.ReferralDeclined, desk.ReferralNoAnswer, desk.ReferralSent} {
				answers = append(answers, offer{name: m.referralStatus(s), do: func() tea.Cmd {
					return m.do(doing{what: m.T("Referral noted."), kept: keptReferral}, about(c, desk.ReferralSaved, desk.ReferralEdit{Of: r.ID, Status: s}))
				}})
			}
			m.palette = newPalette(to, answers)
			return nil
		}})
	}
	m.palette = newPalette(m.T("What came of a referral"), offers)
	m.palette.none = m.T("No referral is noted in this conversation.")
	return nil
}

func (l *look) referralStatus(s desk.ReferralStatus) string {
	switch s {
	case desk.ReferralSent:
		return l.T("sent, waits for an answer")
	case desk.ReferralAccepted:
		return l.T("accepted by them")
	case desk.ReferralDeclined:
		return l.T("declined by them")
	case desk.ReferralNoAnswer:
		return l.T("no answer came")
	}
	return l.T("not on this machine")
}

// referral tells all that is noted of one, the newest first of what came of it.
func (m *Model) referral(r *desk.Referral, width int) (lines []string) {
	add := func(s string) { lines = append(lines, indented(s, width)...) }
	if r.Withheld {
		add(m.T("A referral, whose words are not at hand here."))
	} else {
		add(m.T("Referral to {{.Name}}: {{.Need}}", "Name", text.Line(r.To.Reveal()), "Need", text.Line(r.Need.Reveal())))
	}
	for i := len(r.Steps) - 1; i >= 0; i-- {
		s := r.Steps[i]
		add("  " + m.T("{{.Status}}: {{.Name}}, {{.Time}}", "Status", m.referralStatus(s.Status), "Name", text.Line(s.By), "Time", m.moment(s.At)))
	}
	if r.Until != "" {
		add("  " + m.T("may be told until {{.Day}}: {{.Scope}}", "Day", text.Line(r.Until), "Scope", text.Line(r.Scope.Reveal())))
	}
	if r.Over(m.now.In(m.Zone)) {
		add("  " + m.T("That day has passed: ask them again before anything is passed on."))
	}
	return lines
}
