package twiliotest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// A Step is a state of a text, and its error code.
type Step struct {
	State string
	Code  int
}

// A Plan is what becomes of a text and how the relay is told.
type Plan struct {
	Steps     []Step
	Twice     bool // each callback comes twice
	Backwards bool // the last state is reported first
	Early     bool // everything is reported before the API has answered
	Silent    bool // nothing is reported
}

var delivered = []Step{{State: "queued"}, {State: "sent"}, {State: "delivered"}}

// Plans are the plans by name. The first is the default.
var Plans = map[string]Plan{
	"delivered":   {Steps: delivered},
	"none":        {Steps: delivered, Silent: true},
	"doubled":     {Steps: delivered, Twice: true},
	"reordered":   {Steps: delivered, Backwards: true},
	"early":       {Steps: delivered, Early: true},
	"undelivered": {Steps: []Step{{State: "queued"}, {State: "sent"}, {State: "undelivered", Code: 30003}}},
}

// Callbacks sets the plan of texts that are sent from now on.
func (s *Server) Callbacks(p Plan) { s.change(func() { s.plan = p }) }

// calls are the callbacks of a plan in the order in which they come.
func (p Plan) calls() []Step {
	var steps []Step
	for _, step := range p.Steps {
		steps = append(steps, step)
		if p.Twice {
			steps = append(steps, step)
		}
	}
	if p.Backwards {
		slices.Reverse(steps)
	}
	return steps
}

var ranks = []string{"accepted", "queued", "sending", "sent", "delivered", "undelivered", "failed"}

// report carries a plan out: each callback after the one before was answered or given up.
func (s *Server) report(m *Message, p Plan) {
	for _, step := range p.calls() {
		var form url.Values
		s.change(func() {
			if slices.Index(ranks, step.State) > slices.Index(ranks, m.Status) {
				m.Status, m.ErrorCode = step.State, step.Code
			}
			form = m.callback(s.conf.Account, step)
		})
		if p.Silent || m.StatusCallback == "" {
			continue
		}
		d := s.call(s.ctx, m.StatusCallback, s.conf.Token, form)
		if d.Status == http.StatusOK || d.Status == http.StatusNoContent {
			s.change(func() { m.Told = append(m.Told, step.State) })
		}
	}
}

func (m *Message) callback(account string, step Step) url.Values {
	form := url.Values{
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "From": {m.From}, "To": {m.To},
		"MessageSid": {m.SID}, "SmsSid": {m.SID}, "MessageStatus": {step.State}, "SmsStatus": {step.State},
	}
	if step.Code != 0 {
		form.Set("ErrorCode", strconv.Itoa(step.Code))
	}
	if m.MessagingService != "" {
		form.Set("MessagingServiceSid", m.MessagingService)
	}
	if step.State == "delivered" {
		form.Set("RawDlrDoneDate", m.At.Format("0601021504"))
	}
	return form
}
