package main

import (
	"context"
	"encoding/json"
	"time"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/sms"
	"befree.example/tui/text"
)

type eventsCmd struct {
	dataFlags
	Reveal bool `help:"Print telephone numbers whole."`
}

// A line is one event as it is printed.
type line struct {
	Seq          uint64          `json:"seq"`
	Prev         uint64          `json:"prev"`
	ID           string          `json:"id"`
	Conversation string          `json:"conversation,omitempty"`
	At           time.Time       `json:"at"`
	Actor        string          `json:"actor"`
	Kind         store.Kind      `json:"kind"`
	Head         store.Head      `json:"head"`
	Number       string          `json:"number,omitempty"`
	Body         json.RawMessage `json:"body,omitempty"`
	Withheld     bool            `json:"forgotten,omitempty"`
}

// Run prints the log from its beginning.
func (c *eventsCmd) Run(ctx context.Context, std *config.Std) error {
	data, _, err := relay.Look(ctx, c.Data, c.key())
	if err != nil {
		return err
	}
	defer data.Close()
	for at := (store.Position{}); ; {
		events, head, err := data.Read(ctx, at, 1000)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			raw, err := json.Marshal(c.line(e))
			if err != nil {
				return err
			}
			if _, err := std.Out.Write(append(text.JSON(raw), '\n')); err != nil {
				return err
			}
		}
		at = store.Position{Epoch: head.Epoch, Seq: events[len(events)-1].Seq}
	}
}

func (c *eventsCmd) line(e store.Event) line {
	number := e.Number
	if number != "" && !c.Reveal {
		number = sms.Number(number).String()
	}
	return line{
		Seq: e.Seq, Prev: e.Prev, ID: e.ID, Conversation: e.Conversation, At: e.At, Actor: e.Actor, Kind: e.Kind,
		Head: e.Head, Number: number, Body: json.RawMessage(e.Body), Withheld: e.Withheld,
	}
}
