package simulate

import (
	"context"
	"slices"
	"strconv"
	"time"

	"befree.example/cmd/internal/gateway"
)

const pageSize = 50

// An entry is a text of either direction in the carrier's list.
type entry struct {
	gateway.Listed

	whole *gateway.Inbound // of one that came in
}

func newEntry(m gateway.Inbound) *entry {
	return &entry{gateway.Listed{SID: m.SID, From: m.From, To: m.To, Body: m.Body, Media: len(m.Media)}, &m}
}

// enter puts a text into the list. The caller holds c.mu.
func (c *Carrier) enter(e *entry) {
	e.At = time.Now().UTC().Truncate(time.Second) // as carriers have it
	c.book = append(c.book, e)
}

// note keeps how far a text of ours got.
func (c *Carrier) note(s gateway.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range slices.Backward(c.book) {
		if e.SID == s.SID {
			e.Status = gateway.Status{SID: s.SID, State: s.State, Code: s.Code, Reason: s.Reason}
			return
		}
	}
}

// List implements [gateway.Gateway].
func (c *Carrier) List(_ context.Context, q gateway.Query) (gateway.Page, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	page := gateway.Page{Now: time.Now()}
	end, err := strconv.Atoi(q.Next)
	if err != nil {
		end = len(c.book)
	}
	day := q.Since.UTC().Truncate(24 * time.Hour)
	for i := end - 1; i >= 0; i-- {
		e := c.book[i]
		if q.Inbound != (e.whole != nil) || e.At.Before(day) {
			continue
		}
		if len(page.Texts) == pageSize {
			page.Next = strconv.Itoa(i + 1)
			break
		}
		page.Texts = append(page.Texts, e.Listed)
	}
	return page, nil
}

// Whole implements [gateway.Gateway].
func (c *Carrier) Whole(_ context.Context, l gateway.Listed) (gateway.Inbound, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.book {
		if e.SID == l.SID && e.whole != nil {
			return *e.whole, nil
		}
	}
	return gateway.Inbound{}, gateway.ErrMediaGone
}
