package twiliotest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// told reads the JSON of a request, or answers what is wrong with it.
func told(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func (s *Server) controlRelay(w http.ResponseWriter, r *http.Request) {
	var at struct{ Public, Relay string }
	if told(w, r, &at) {
		s.Reach(at.Public, at.Relay)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) controlText(w http.ResponseWriter, r *http.Request) {
	var t Text
	if told(w, r, &t) {
		reply(w, http.StatusOK, s.Text(r.Context(), t))
	}
}

func (s *Server) controlNext(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if told(w, r, &f) {
		s.Next(f)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) controlLists(w http.ResponseWriter, r *http.Request) {
	var how struct{ Fault, After, Lag string }
	if !told(w, r, &how) {
		return
	}
	after, _ := time.ParseDuration(how.After) // none is none
	lag, _ := time.ParseDuration(how.Lag)
	s.Lists(Fault{Kind: how.Fault, After: after}, lag)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) controlCallbacks(w http.ResponseWriter, r *http.Request) {
	var how struct{ Plan string }
	if !told(w, r, &how) {
		return
	}
	p, ok := Plans[how.Plan]
	if !ok {
		http.Error(w, "no such plan", http.StatusBadRequest)
		return
	}
	s.Callbacks(p)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) controlSent(w http.ResponseWriter, r *http.Request) {
	within, err := time.ParseDuration(r.FormValue("within"))
	if err != nil {
		within = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	n, _ := strconv.Atoi(r.FormValue("wait"))
	status := http.StatusOK
	if s.Wait(ctx, Told(n, r.FormValue("told"))) != nil {
		status = http.StatusGatewayTimeout
	}
	sent := s.Sent()
	if sent == nil {
		sent = []Message{}
	}
	reply(w, status, sent)
}

// Told is for [Server.Wait]: at least n texts were sent and, if state is not empty, the relay has acknowledged the news
// of that state for n of them.
func Told(n int, state string) func([]Message) bool {
	return func(sent []Message) bool {
		count := 0
		for _, m := range sent {
			if state == "" || slices.Contains(m.Told, state) {
				count++
			}
		}
		return count >= n
	}
}
