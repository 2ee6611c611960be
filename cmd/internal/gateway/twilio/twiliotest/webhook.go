package twiliotest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio signs so
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Sign returns the X-Twilio-Signature of a form posted to address: HMAC-SHA1 of the address, without its user, password
// and fragment, and then of every parameter's name and value in the order of the names.
func Sign(token, address string, form url.Values) string {
	address, _, _ = strings.Cut(address, "#")
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		host, path, slash := strings.Cut(rest, "/")
		host = host[strings.LastIndex(host, "@")+1:]
		if address = scheme + "://" + host; slash {
			address += "/" + path
		}
	}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	signed := []byte(address)
	for _, name := range names {
		values := append([]string(nil), form[name]...)
		sort.Strings(values)
		for i, value := range values {
			if i == 0 || value != values[i-1] {
				signed = append(append(signed, name...), value...)
			}
		}
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write(signed)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// A Delivery is what became of a webhook.
type Delivery struct {
	SID      string `json:"sid"`
	Attempts int    `json:"attempts"`
	Status   int    `json:"status"` // of the last attempt, 0 if nobody answered
	Type     string `json:"type"`   // Content-Type of that answer
	Body     string `json:"body"`
}

// patience is what the fragment of a webhook's address asks of Twilio (connection overrides). Times are milliseconds.
type patience struct {
	read, total time.Duration
	retries     int
	on          []string
}

// patienceOf reads the overrides; what is missing is Twilio's default. There is no limit for connecting by itself.
func patienceOf(fragment string) patience {
	q, _ := url.ParseQuery(fragment)
	number := func(name string, otherwise, most int) int {
		n, err := strconv.Atoi(q.Get(name))
		if err != nil {
			return otherwise
		}
		return min(max(n, 0), most)
	}
	p := patience{
		read:    time.Duration(number("rt", 15000, 15000)) * time.Millisecond,
		total:   time.Duration(number("tt", 15000, 15000)) * time.Millisecond,
		retries: number("rc", 1, 5), on: strings.Split(q.Get("rp"), ","),
	}
	if q.Get("rp") == "" {
		p.on = []string{"ct"}
	}
	return p
}

// again tells whether an attempt that ended so is to be repeated.
func (p patience) again(status int, err error) bool {
	var op *net.OpError
	why := strconv.Itoa(status/100) + "xx"
	switch {
	case err == nil && status < 400:
		return false
	case errors.As(err, &op) && op.Op == "dial":
		why = "ct"
	case err != nil:
		why = "rt"
	}
	return slices.Contains(p.on, "all") || slices.Contains(p.on, why)
}

// call delivers a webhook, again and again while the fragment of its address and 15 s allow it, and then never more.
func (s *Server) call(ctx context.Context, address, token string, form url.Values) Delivery {
	address, fragment, _ := strings.Cut(address, "#")
	p := patienceOf(fragment)
	ctx, cancel := context.WithTimeout(ctx, p.total)
	defer cancel()
	header := http.Header{
		"Content-Type":               {"application/x-www-form-urlencoded; charset=UTF-8"},
		"User-Agent":                 {"TwilioProxy/1.1"},
		"X-Twilio-Signature":         {Sign(token, address, form)},
		"I-Twilio-Idempotency-Token": {newSID("")},
	}
	var d Delivery
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		var err error
		d.Attempts++
		d.Status, d.Type, d.Body, err = s.attempt(ctx, p.read, address, header, form)
		if d.Attempts > p.retries || !p.again(d.Status, err) || !pause(ctx.Done(), wait) {
			return d
		}
	}
}

func (s *Server) attempt(ctx context.Context, limit time.Duration, address string, header http.Header, form url.Values) (status int, kind, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.really(address), strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", "", err
	}
	r.Header = header
	answer, err := s.conf.Client.Do(r)
	if err != nil {
		return 0, "", "", err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(raw), err
}

// really is where an address under the relay's public URL is reached.
func (s *Server) really(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rest, ok := strings.CutPrefix(address, strings.TrimRight(s.public, "/")+"/"); ok && s.public != "" {
		return strings.TrimRight(s.relay, "/") + "/" + rest
	}
	return address
}
