package desk

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"befree.example/store"
	"befree.example/store/plan"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// Bodies, one a kind that has one. They are JSON objects to which fields are only added.

// A Text is the body of [Received]: what a texter sent.
type Text struct {
	To     sms.Number    `json:"to"`
	Text   sms.Text      `json:"text"`
	Media  []Media       `json:"media,omitempty"`
	Triage triage.Result `json:"triage"`
	// Earlier is this number's conversation before this one, where this text opened a new one.
	Earlier string `json:"earlier,omitempty"`
	// Params is everything else that the carrier said.
	Params map[string][]string `json:"params,omitempty"`
}

// Place is where the texter's number belongs, as far as the carrier says: town and state, else the country where that is
// not ours. It need not be where they are.
func (t Text) Place() string {
	var parts []string
	for _, name := range []string{"FromCity", "FromState"} {
		if v := strings.TrimSpace(strings.Join(t.Params[name], " ")); v != "" {
			parts = append(parts, v)
		}
	}
	if from := strings.Join(t.Params["FromCountry"], " "); len(parts) == 0 && from != strings.Join(t.Params["ToCountry"], " ") {
		return strings.TrimSpace(from)
	}
	return strings.Join(parts, ", ")
}

// Media is a picture or a file that came with a text and stays at the carrier until somebody asks for it.
type Media struct {
	URL  string `json:"url"`
	Type string `json:"type"`
}

// A Reply is the body of [ReplyQueued].
type Reply struct {
	Text   sms.Text `json:"text"`
	Reason string   `json:"reason,omitempty"` // why it is sent although the safety record holds it
	Now    bool     `json:"now,omitempty"`    // no time to take it back
}

// A Send is the body of [SendStarted] and of what became of it.
type Send struct {
	Attempt int           `json:"attempt"`
	Text    sms.Text      `json:"text,omitempty"` // of an automatic text, which the operator may word anew at any time
	SID     string        `json:"sid,omitempty"`
	Reason  string        `json:"reason,omitempty"` // in plain words, where the carrier refused
	After   time.Duration `json:"after,omitempty"`  // how long the carrier asked to wait
}

// A Sweep is the body of [Swept].
type Sweep struct {
	Through time.Time `json:"through"` // by the carrier's clock
	Found   int       `json:"found"`   // texts that it had not brought
}

// A Note is the body of [NoteAdded].
type Note struct {
	Text sms.Text `json:"text"`
}

// A Because is the body of the kinds that need nothing but a reason.
type Because struct {
	Reason string `json:"reason,omitempty"`
}

// A Handoff is the body of [Transferred]; to whom stands in the head too.
type Handoff struct {
	To     string `json:"to"`
	Reason string `json:"reason,omitempty"`
}

// A Ruling is the body of [SeveritySet].
type Ruling struct {
	Severity triage.Severity `json:"severity"`
	Reason   string          `json:"reason"`
}

// A Closing is the body of [Closed].
type Closing struct {
	Disposition string `json:"disposition"` // how it ended, in the field's terms; required
	Summary     string `json:"summary,omitempty"`
	Contact     string `json:"contact,omitempty"`   // who wrote, in the field's terms
	Safety      string `json:"safety,omitempty"`    // how safe they were at the end
	FollowUp    string `json:"follow_up,omitempty"` // the day on which somebody looks after them again, as 2006-01-02
}

// PlanEdit is the body of [PlanSaved]: the fields that were changed, and the version that they were changed from.
type PlanEdit = plan.Edit

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("desk: a body that is not JSON: %T", v)) // only our own types come here
	}
	return b
}

// Read decodes the body of e. An empty or unreadable one (shredded, or not for this reader) gives the zero T.
func Read[T any](e store.Event) T {
	var v T
	if len(e.Body) > 0 && json.Unmarshal(e.Body, &v) != nil {
		var zero T
		return zero
	}
	return v
}
