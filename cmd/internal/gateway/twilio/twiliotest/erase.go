package twiliotest

import (
	"net/http"
	"path"
	"slices"
	"strings"
)

// NextErasure adds faults: the next requests to redact or delete something meet them, one each, in order.
func (s *Server) NextErasure(faults ...Fault) {
	s.change(func() { s.erasures = append(s.erasures, faults...) })
}

// Kept returns the texts, either way, that Twilio still has, oldest first.
func (s *Server) Kept() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := []Message{}
	for _, m := range s.messages {
		c := *m
		c.Told, c.Media = slices.Clone(m.Told), slices.Clone(m.Media)
		kept = append(kept, c)
	}
	return kept
}

// Erasures is how many requests to redact or delete something came, done or not.
func (s *Server) Erasures() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.erased
}

// erasing lets a fault come first.
func (s *Server) erasing(do func(m *Message, r *http.Request) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		s.change(func() {
			s.erased++
			if len(s.erasures) > 0 {
				f, s.erasures = s.erasures[0], s.erasures[1:]
			}
		})
		if !s.allowed(w, r) || !f.before(w, r) {
			return
		}
		status, sid := http.StatusNotFound, strings.TrimSuffix(r.PathValue("sid"), ".json")
		s.change(func() {
			if i := slices.IndexFunc(s.messages, func(m *Message) bool { return m.SID == sid }); i >= 0 {
				status = do(s.messages[i], r)
			}
		})
		switch {
		case status == http.StatusNotFound:
			fail(w, status, 20404)
		case status == http.StatusConflict:
			fail(w, status, 20009)
		case f.after(w, r):
			w.WriteHeader(status)
		}
	}
}

// underWay tells whether a text has neither arrived nor failed.
func (m *Message) underWay() bool {
	return slices.Contains([]string{"accepted", "queued", "sending", "sent"}, m.Status)
}

func (s *Server) redact(m *Message, r *http.Request) int {
	if r.FormValue("Body") != "" {
		return http.StatusBadRequest
	}
	if m.underWay() {
		return http.StatusConflict
	}
	m.Body = ""
	return http.StatusOK
}

func (s *Server) remove(m *Message, _ *http.Request) int {
	if m.underWay() {
		return http.StatusConflict
	}
	s.messages = slices.DeleteFunc(s.messages, func(o *Message) bool { return o == m })
	return http.StatusNoContent
}

func (s *Server) removeMedia(m *Message, r *http.Request) int {
	name := strings.TrimSuffix(r.PathValue("media"), ".json")
	before := len(m.Media)
	m.Media = slices.DeleteFunc(m.Media, func(o Media) bool { return path.Base(o.URL) == name })
	if len(m.Media) == before {
		return http.StatusNotFound
	}
	return http.StatusNoContent
}

func (s *Server) controlErase(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if told(w, r, &f) {
		s.NextErasure(f)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) controlKept(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, s.Kept())
}
