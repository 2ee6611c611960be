package twilio

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// inbound reads a text. What Twilio adds without notice, and what it repeats, is kept in Params; no number and no words
// stand there a second time.
func inbound(form url.Values) (gateway.Inbound, error) {
	m := gateway.Inbound{
		SID: sid(form), From: number(form.Get("From")), To: number(form.Get("To")),
		Body: sms.Text(form.Get("Body")), Media: media(form), Params: map[string][]string{},
	}
	if m.SID == "" || m.From == "" || m.To == "" {
		return m, errText
	}
	for name, values := range form {
		if kept(name, form) {
			values = values[1:]
		}
		if len(values) > 0 {
			m.Params[name] = values
		}
	}
	return m, nil
}

// kept tells whether the first value of a parameter has its place outside Params.
func kept(name string, form url.Values) bool {
	switch name {
	case "MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "From", "To", "Body":
		return true
	}
	if n, ok := strings.CutPrefix(name, "MediaContentType"); ok {
		return form.Get("MediaUrl"+n) != "" && mediaIndex("MediaUrl"+n) >= 0
	}
	return mediaIndex(name) >= 0 && form.Get(name) != ""
}

// sid is the MessageSid; SmsSid is what it was called before, and Twilio still sends both.
func sid(form url.Values) string { return cmp.Or(form.Get("MessageSid"), form.Get("SmsSid")) }

// number reads a number as Twilio writes it: + and digits, or a short code. Any other sender (a company's name, a number
// that belongs to no country) is kept as it came: its text must not be lost, and no rule for what people type may turn
// "800FLOWERS" into the number of a stranger.
func number(raw string) sms.Number {
	if n, err := sms.Parse(raw, ""); err == nil && strings.Trim(raw, "+0123456789") == "" {
		return n
	}
	return sms.Number(raw)
}

// media lists the attachments in order. NumMedia, which should be their count, is not needed for it.
func media(form url.Values) []gateway.Media {
	var indexes []int
	for name := range form {
		if i := mediaIndex(name); i >= 0 && form.Get(name) != "" {
			indexes = append(indexes, i)
		}
	}
	slices.Sort(indexes)
	var all []gateway.Media
	for _, i := range indexes {
		n := strconv.Itoa(i)
		all = append(all, gateway.Media{URL: form.Get("MediaUrl" + n), Type: form.Get("MediaContentType" + n)})
	}
	return all
}

// mediaIndex is the n of MediaUrln, or -1.
func mediaIndex(name string) int {
	digits, ok := strings.CutPrefix(name, "MediaUrl")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || strconv.Itoa(n) != digits {
		return -1
	}
	return n
}

// status reads a status callback. Our own ID for the text is in the query that we gave Twilio with it.
func status(query, form url.Values) (gateway.Status, error) {
	s := gateway.Status{ID: query.Get("ev"), SID: sid(form), State: cmp.Or(form.Get("MessageStatus"), form.Get("SmsStatus"))}
	if s.SID == "" || s.State == "" {
		return s, errStatus
	}
	if code, err := strconv.Atoi(form.Get("ErrorCode")); err == nil && code > 0 { // absent where there is no error
		s.Code, s.Reason = code, Explain(code)
	}
	return s, nil
}
