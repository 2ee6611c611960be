package twilio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

const (
	pageSize = 500     // of Twilio's list; it gives at most 1,000
	maxList  = 8 << 20 // bytes of a page that are read
)

// A message is what the API's list says of a text. Numbers of things are strings there.
type message struct {
	SID       string `json:"sid"`
	Direction string `json:"direction"`
	From      string `json:"from"`
	To        string `json:"to"`
	Body      string `json:"body"`
	Status    string `json:"status"`
	ErrorCode *int   `json:"error_code"`
	NumMedia  string `json:"num_media"`
	Created   string `json:"date_created"`
	Sent      string `json:"date_sent"`
}

// List implements [gateway.Gateway]. With a messaging service, texts go by any of its numbers: then the list is asked
// for all of them.
func (c *Carrier) List(ctx context.Context, q gateway.Query) (gateway.Page, error) {
	var said struct {
		Messages []message `json:"messages"`
		Next     string    `json:"next_page_uri"`
	}
	at := c.api.JoinPath("2010-04-01", "Accounts", c.conf.Account, "Messages.json")
	at.RawQuery = c.query(q).Encode()
	if q.Next != "" {
		at.RawQuery = q.Next
	}
	now, err := c.get(ctx, at, &said)
	if err != nil {
		return gateway.Page{}, err
	}
	page := gateway.Page{Now: now}
	if said.Next != "" {
		next, err := url.Parse(said.Next)
		if err != nil || next.RawQuery == "" {
			return gateway.Page{}, errList
		}
		page.Next = next.RawQuery // whatever else it says, the list is asked where it always is
	}
	for _, m := range said.Messages {
		if q.Inbound != (m.Direction == "inbound") {
			continue
		}
		if m.SID != "" {
			page.Texts = append(page.Texts, m.listed())
		}
	}
	return page, nil
}

func (c *Carrier) query(q gateway.Query) url.Values {
	form := url.Values{"DateSent>": {q.Since.UTC().Format(time.DateOnly)}, "PageSize": {strconv.Itoa(pageSize)}}
	side := "From"
	if q.Inbound {
		side = "To"
	}
	if c.conf.MessagingService == "" {
		form.Set(side, cmp.Or(q.Ours, c.conf.From).Reveal())
	}
	return form
}

func (m message) listed() gateway.Listed {
	at, _ := time.Parse(time.RFC1123Z, cmp.Or(m.Created, m.Sent)) // zero where it cannot be read
	l := gateway.Listed{SID: m.SID, From: number(m.From), To: number(m.To), Body: sms.Text(m.Body), At: at.UTC()}
	l.Status = gateway.Status{SID: m.SID, State: m.Status}
	if m.ErrorCode != nil && *m.ErrorCode > 0 {
		l.Status.Code, l.Status.Reason = *m.ErrorCode, Explain(*m.ErrorCode)
	}
	l.Media, _ = strconv.Atoi(m.NumMedia) // absent where there are none
	return l
}

// Whole implements [gateway.Gateway]. The list has the number of pictures and files alone; what they are is asked for
// text by text.
func (c *Carrier) Whole(ctx context.Context, l gateway.Listed) (gateway.Inbound, error) {
	m := gateway.Inbound{SID: l.SID, From: l.From, To: l.To, Body: l.Body, At: l.At}
	if l.Media == 0 {
		return m, nil
	}
	var said struct {
		List []struct {
			SID  string `json:"sid"`
			Type string `json:"content_type"`
		} `json:"media_list"`
	}
	if _, err := c.get(ctx, c.mediaAt(l.SID, "Media.json"), &said); err != nil {
		return m, err
	}
	for _, file := range said.List {
		m.Media = append(m.Media, gateway.Media{URL: c.mediaAt(l.SID, "Media", file.SID).String(), Type: file.Type})
	}
	return m, nil
}

func (c *Carrier) mediaAt(sid string, rest ...string) *url.URL {
	return c.api.JoinPath(append([]string{"2010-04-01", "Accounts", c.conf.Account, "Messages", sid}, rest...)...)
}

// What can be wrong with an answer to a question.
var (
	errList     = errors.New("the carrier's list cannot be read")
	errNoList   = errors.New("the carrier cannot be asked for its list")
	errStranger = errors.New("the carrier does not accept our account: check --twilio-account and the auth token")
)

// get asks the API, and tells its clock. No word of the transport's is passed on: it would name the number asked about.
func (c *Carrier) get(ctx context.Context, at *url.URL, into any) (now time.Time, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return now, errNoList
	}
	r.SetBasicAuth(c.conf.Account, c.conf.Tokens[0])
	r.Header.Set("Accept", "application/json")
	answer, err := c.client.Do(r)
	if err != nil {
		return now, errors.Join(errNoList, ctx.Err())
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxList))
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests:
		return now, &gateway.Later{After: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound:
		return now, errStranger
	case code != http.StatusOK:
		return now, fmt.Errorf("%w: it answered %d", errNoList, code)
	case err != nil || json.Unmarshal(raw, into) != nil:
		return now, errList
	}
	now, err = http.ParseTime(strings.TrimSpace(answer.Header.Get("Date")))
	if err != nil {
		now = time.Now()
	}
	return now, nil
}
