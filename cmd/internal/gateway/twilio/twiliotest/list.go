package twiliotest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// list shows the messages of both directions, newest first, filtered by To, From and DateSent (=, > and <: a whole day in
// UTC, included), in pages of PageSize (50, at most Config.PageSize). A page stays what it is when new messages come.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	var f Fault
	s.change(func() { s.lists, f = s.lists+1, s.listFault })
	if !s.allowed(w, r) || !f.before(w, r) {
		return
	}
	query := r.URL.Query()
	size, err := strconv.Atoi(query.Get("PageSize"))
	if err != nil || size < 1 {
		size = 50
	}
	page, more := s.page(query, min(size, s.conf.PageSize))
	uri := ""
	if more {
		n, _ := strconv.Atoi(query.Get("Page"))
		query.Set("Page", strconv.Itoa(n+1))
		query.Set("PageToken", "PA"+page[len(page)-1]["sid"].(string))
		uri = r.URL.Path + "?" + query.Encode()
	}
	reply(w, http.StatusOK, map[string]any{
		"messages": page, "page_size": min(size, s.conf.PageSize), "uri": r.URL.RequestURI(),
		"next_page_uri": nilIfEmpty(uri), "previous_page_uri": nil,
	})
}

func nilIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// page returns what stands after the message that the PageToken names.
func (s *Server) page(query url.Values, size int) (page []map[string]any, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := strings.TrimPrefix(query.Get("PageToken"), "PA")
	page = []map[string]any{}
	for i := len(s.messages) - 1; i >= 0; i-- {
		m := s.messages[i]
		if after != "" {
			if m.SID == after {
				after = ""
			}
			continue
		}
		if !m.matches(query) || time.Since(m.At) < s.lag {
			continue
		}
		if len(page) == size {
			return page, true
		}
		page = append(page, m.resource(s.conf.Account))
	}
	return page, false
}

func (m *Message) matches(query url.Values) bool {
	day := m.At.UTC().Format(time.DateOnly)
	is := func(name string, fits func(want string) bool) bool {
		want := query.Get(name)
		return want == "" || fits(want)
	}
	return is("To", func(want string) bool { return m.To == want }) &&
		is("From", func(want string) bool { return m.From == want }) &&
		is("DateSent", func(want string) bool { return day == want }) &&
		is("DateSent>", func(want string) bool { return day >= want }) &&
		is("DateSent<", func(want string) bool { return day <= want })
}

// media lists the pictures and files of a text.
func (s *Server) media(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.SID == r.PathValue("sid") {
			list := []map[string]any{}
			for i, file := range m.Media {
				list = append(list, map[string]any{"sid": "ME" + m.SID[2:30] + strconv.Itoa(1000+i), "content_type": file.Type, "parent_sid": m.SID})
			}
			reply(w, http.StatusOK, map[string]any{"media_list": list, "next_page_uri": nil})
			return
		}
	}
	fail(w, http.StatusNotFound, 20404)
}
