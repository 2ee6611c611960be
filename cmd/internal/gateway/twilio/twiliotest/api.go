package twiliotest

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"
)

const inbound = "inbound"

var texter = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// create takes a text, if no fault waits for it.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	var f Fault
	s.change(func() {
		s.posts++
		if len(s.faults) > 0 {
			f, s.faults = s.faults[0], s.faults[1:]
		}
	})
	form, err := url.ParseQuery(string(body))
	if !s.allowed(w, r) || !f.before(w, r) {
		return
	}
	if code := s.wrong(form); err != nil || code != 0 {
		fail(w, http.StatusBadRequest, code)
		return
	}
	if f.Kind == AcceptLate {
		s.behind.Go(func() {
			if pause(s.ctx.Done(), f.After) {
				s.report(s.accept(form))
			}
		})
		<-r.Context().Done()
		return
	}
	m, plan := s.accept(form)
	answer := m.resource(s.conf.Account)
	switch {
	case plan.Early:
		s.report(m, plan)
	case f.Kind == AcceptThenHang:
		s.behind.Go(func() { s.report(m, plan) })
	default:
		defer s.behind.Go(func() { s.report(m, plan) })
	}
	if f.after(w, r) {
		reply(w, http.StatusCreated, answer)
	}
}

func (s *Server) allowed(w http.ResponseWriter, r *http.Request) bool {
	account, token, _ := r.BasicAuth()
	same := subtle.ConstantTimeCompare([]byte(token), []byte(s.conf.Token)) == 1
	switch {
	case account != s.conf.Account || !same:
		fail(w, http.StatusUnauthorized, 20003)
	case r.PathValue("account") != s.conf.Account:
		fail(w, http.StatusNotFound, 20404)
	default:
		return true
	}
	return false
}

// wrong is the error code of a text that Twilio does not take, or 0.
func (s *Server) wrong(form url.Values) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch to := form.Get("To"); {
	case to == "":
		return 21604
	case !texter.MatchString(to):
		return 21211
	case form.Get("Body") == "":
		return 21602
	case utf8.RuneCountInString(form.Get("Body")) > 1600:
		return 21617
	case form.Get("From") == "" && form.Get("MessagingServiceSid") == "":
		return 21603
	case form.Get("From") != "" && form.Get("From") != s.conf.Number:
		return 21606
	case s.opted[to]:
		return 21610
	}
	return 0
}

func (s *Server) accept(form url.Values) (*Message, Plan) {
	m := &Message{
		SID: newSID("SM"), Direction: "outbound-api", Status: "queued", At: time.Now().UTC(),
		From: form.Get("From"), To: form.Get("To"), Body: form.Get("Body"), MessagingService: form.Get("MessagingServiceSid"),
		StatusCallback: form.Get("StatusCallback"), ValidityPeriod: form.Get("ValidityPeriod"),
	}
	if m.From == "" {
		m.Status, m.From = "accepted", s.conf.Number
	}
	var plan Plan
	s.change(func() {
		s.messages = append(s.messages, m)
		plan = s.plan
	})
	return m, plan
}

// resource is a message as the API shows it. Numbers of things are strings there.
func (m *Message) resource(account string) map[string]any {
	var code, service any
	if m.ErrorCode != 0 {
		code = m.ErrorCode
	}
	if m.MessagingService != "" {
		service = m.MessagingService
	}
	at := m.At.Format(time.RFC1123Z)
	return map[string]any{
		"account_sid": account, "api_version": "2010-04-01", "body": m.Body, "date_created": at, "date_sent": at,
		"date_updated": at, "direction": m.Direction, "error_code": code, "error_message": nil, "from": m.From,
		"messaging_service_sid": service, "num_media": strconv.Itoa(len(m.Media)), "num_segments": "1", "price": nil,
		"sid": m.SID, "status": m.Status, "to": m.To, "uri": "/2010-04-01/Accounts/" + account + "/Messages/" + m.SID + ".json",
	}
}

func fail(w http.ResponseWriter, status, code int) {
	reply(w, status, map[string]any{
		"code": code, "message": "twiliotest refuses", "status": status,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
	})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
