package desk

import (
	"fmt"
	"time"
	"unicode/utf8"

	"befree.example/store/sms"
)

// A Safety record says what makes it safe to text this person. The zero value knows nothing and holds nothing back.
type Safety struct {
	SafeWord   sms.Text `json:"safe_word,omitempty"`   // says "it is me"
	DangerWord sms.Text `json:"danger_word,omitempty"` // says "I am in danger" to us and nothing to anybody else
	From       string   `json:"from,omitempty"`        // safe hours, "15:04" in Zone, inclusive
	Until      string   `json:"until,omitempty"`       // exclusive; before From when they go past midnight
	Zone       string   `json:"zone,omitempty"`        // IANA name, such as "America/Chicago"
	Watched    bool     `json:"watched,omitempty"`     // the phone is shared, or somebody reads it
	PhoneKnown bool     `json:"phone_known,omitempty"` // somebody has said whether it is
	Opening    sms.Text `json:"opening,omitempty"`     // the line agreed to begin with
	Hold       bool     `json:"hold,omitempty"`        // do not text until they text
}

// A SafetyEdit is the body of [SafetySaved]: the fields that were changed. Two people who change different fields
// both have their effect, however late one of them comes.
type SafetyEdit struct {
	SafeWord   *sms.Text `json:"safe_word,omitempty"`
	DangerWord *sms.Text `json:"danger_word,omitempty"`
	Hours      *Hours    `json:"hours,omitempty"`
	Watched    *bool     `json:"watched,omitempty"`
	Opening    *sms.Text `json:"opening,omitempty"`
	Hold       *bool     `json:"hold,omitempty"`
}

// Hours are safe hours; the zero value stands for "any time".
type Hours struct {
	From  string `json:"from,omitempty"`
	Until string `json:"until,omitempty"`
	Zone  string `json:"zone,omitempty"`
}

// With returns s after the edit.
func (s Safety) With(e SafetyEdit) Safety {
	set(&s.SafeWord, e.SafeWord)
	set(&s.DangerWord, e.DangerWord)
	set(&s.Watched, e.Watched)
	s.PhoneKnown = s.PhoneKnown || e.Watched != nil
	set(&s.Opening, e.Opening)
	set(&s.Hold, e.Hold)
	if e.Hours != nil {
		s.From, s.Until, s.Zone = e.Hours.From, e.Hours.Until, e.Hours.Zone
	}
	return s
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// check says in words what is wrong with an edit, nil if nothing is.
func (e SafetyEdit) check() error {
	for name, t := range map[string]*sms.Text{"safe word": e.SafeWord, "danger word": e.DangerWord, "opening": e.Opening} {
		if t != nil && (utf8.RuneCountInString(t.Reveal()) > 160 || !utf8.ValidString(t.Reveal())) {
			return refuse(CodeTooLong, "The %s is longer than 160 characters. Make it shorter.", name)
		}
	}
	if e.DangerWord != nil && sms.Class(e.DangerWord.Reveal()) != sms.None {
		return refuse(CodeBad, "Carriers act on that danger word themselves (STOP, HELP and their like). Agree on another one.")
	}
	if e.Hours != nil {
		return e.Hours.check()
	}
	return nil
}

func (h Hours) check() error {
	if h == (Hours{}) {
		return nil
	}
	if _, _, err := h.parse(); err != nil {
		return refuse(CodeBad, "Safe hours need two times such as 08:00 and 22:30 and a zone such as America/Chicago.")
	}
	return nil
}

func (h Hours) parse() (from, until time.Duration, err error) {
	if _, err = time.LoadLocation(h.Zone); err != nil || h.Zone == "" {
		return 0, 0, fmt.Errorf("unknown time zone")
	}
	a, err := time.Parse("15:04", h.From)
	if err != nil {
		return 0, 0, err
	}
	b, err := time.Parse("15:04", h.Until)
	if err != nil {
		return 0, 0, err
	}
	midnight := a.Truncate(24 * time.Hour)
	return a.Sub(midnight), b.Sub(b.Truncate(24 * time.Hour)), nil
}

// Open tells whether t is within the hours. Hours that cannot be read are never open.
func (h Hours) Open(t time.Time) bool {
	if h == (Hours{}) {
		return true
	}
	from, until, err := h.parse()
	if err != nil {
		return false
	}
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return false
	}
	local := t.In(zone)
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	if from <= until {
		return from <= clock && clock < until
	}
	return clock >= from || clock < until
}

// Gate says why c's texter may not be texted now without a stated reason; empty if they may.
func (c *Conversation) Gate(now time.Time) string {
	switch s := c.Safety; {
	case s.Hold && c.LastText <= c.SafetySeq:
		return "Do not text until they text: the safety record says so."
	case !(Hours{s.From, s.Until, s.Zone}).Open(now):
		return "It is outside this person's safe hours."
	}
	return ""
}
