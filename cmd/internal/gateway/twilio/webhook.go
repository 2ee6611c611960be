package twilio

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// emptyAnswer is TwiML that does nothing: texts are sent by the API, where they have a SID and a status.
const emptyAnswer = `<?xml version="1.0" encoding="UTF-8"?><Response/>`

// webhook checks size, then signature, then content, and answers 200 only once take has returned nil. Whatever is
// not acknowledged Twilio brings again, for 15 s.
func (c *Carrier) webhook(parse func(*http.Request) (take func() error, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, err := c.check(w, r)
		var take func() error
		if err == nil {
			code = http.StatusBadRequest
			take, err = parse(r)
		}
		if err == nil {
			code = http.StatusServiceUnavailable
			err = take()
		}
		if err != nil {
			c.refuse(w, r, code, err)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, emptyAnswer)
	})
}

func (c *Carrier) refuse(w http.ResponseWriter, r *http.Request, code int, err error) {
	c.Log.Warn("webhook refused", "path", r.URL.Path, "code", code, "error", err)
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(code), code)
}

var (
	errSignature = errors.New("not signed by our carrier: check --public-url and the auth token if this was Twilio")
	errAccount   = errors.New("another account's webhook")
)

// check reads the body and the form, within their limits, and says whether they are Twilio's.
func (c *Carrier) check(w http.ResponseWriter, r *http.Request) (code int, err error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // not all servers have it
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return http.StatusRequestEntityTooLarge, errors.New("body is longer than 64 KB")
	}
	if err != nil {
		return http.StatusBadRequest, errors.New("body did not arrive")
	}
	form, err := parseForm(r.Header.Get("Content-Type"), body)
	if !c.signed(r, form, body) {
		return http.StatusForbidden, errSignature
	}
	if err != nil {
		return http.StatusBadRequest, err
	}
	if form.Get("AccountSid") != "" && form.Get("AccountSid") != c.Account {
		return http.StatusForbidden, errAccount
	}
	r.PostForm = form
	return http.StatusOK, nil
}

func parseForm(contentType string, body []byte) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, errors.New("body is not a form")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return form, errors.New("form cannot be read")
	}
	return form, nil
}

// ours are the parameters of a text that are kept elsewhere than in Params: no number or word stands there twice.
var ours = []string{"MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "From", "To", "Body"}

func (c *Carrier) inbound(form url.Values) (gateway.Inbound, error) {
	m := gateway.Inbound{SID: form.Get("MessageSid"), Body: sms.Text(form.Get("Body"))}
	if m.SID == "" {
		m.SID = form.Get("SmsSid")
	}
	if m.SID == "" || form.Get("From") == "" || form.Get("To") == "" {
		return m, errors.New("MessageSid, From or To is missing")
	}
	m.From, m.To = number(form.Get("From")), number(form.Get("To"))
	var err error
	if m.Media, err = media(form); err != nil {
		return m, err
	}
	m.Params = map[string][]string{}
	for name, values := range form {
		if !slices.Contains(ours, name) && !strings.HasPrefix(name, "MediaUrl") && !strings.HasPrefix(name, "MediaContentType") {
			m.Params[name] = values
		}
	}
	return m, nil
}

// number reads a number as Twilio writes it. A sender that is none (a company's name, say) is kept as it is: its text
// must not be lost.
func number(raw string) sms.Number {
	if n, err := sms.Parse(raw, "US"); err == nil {
		return n
	}
	return sms.Number(raw)
}

func media(form url.Values) ([]gateway.Media, error) {
	n := form.Get("NumMedia")
	if n == "" {
		return nil, nil
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 0 || count > 100 {
		return nil, errors.New("NumMedia is no number")
	}
	var all []gateway.Media
	for i := range count {
		if u := form.Get(fmt.Sprintf("MediaUrl%d", i)); u != "" {
			all = append(all, gateway.Media{URL: u, Type: form.Get(fmt.Sprintf("MediaContentType%d", i))})
		}
	}
	return all, nil
}

// status reads a status callback. Our own ID for the text is in the query that we gave Twilio with it.
func status(query, form url.Values) (gateway.Status, error) {
	s := gateway.Status{ID: query.Get("ev"), SID: form.Get("MessageSid"), State: form.Get("MessageStatus")}
	if s.SID == "" {
		s.SID = form.Get("SmsSid")
	}
	if s.State == "" {
		s.State = form.Get("SmsStatus")
	}
	if s.SID == "" || s.State == "" {
		return s, errors.New("MessageSid or MessageStatus is missing")
	}
	s.Code, _ = strconv.Atoi(form.Get("ErrorCode")) // absent where there is no error
	if s.Code != 0 {
		s.Reason = Explain(s.Code)
	}
	return s, nil
}
