package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/tui/speech"
	"befree.example/tui/text"
)

// print shows the conversation with its notes and its plan, as far as they are on this machine.
func (p *player) print(context.Context, string) error {
	c, err := p.client.Conversation(p.conversation)
	if err != nil {
		return err
	}
	if c == nil {
		return errors.New("no conversation is open")
	}
	fmt.Fprintf(p.out, "\nconversation with …%s, %s\n", text.Line(c.Tail), c.Severity.Word())
	for _, m := range c.Messages {
		fmt.Fprintf(p.out, "  %s %-8s %s%s\n", m.At.Local().Format("15:04:05"), text.Line(author(m)), text.Line(m.Text.Reveal()), outgoing(m))
	}
	for _, n := range c.Notes {
		fmt.Fprintf(p.out, "  %s %-8s (note) %s\n", n.At.Local().Format("15:04:05"), text.Line(n.Author), text.Line(n.Text.Reveal()))
	}
	if c.Plan().Version > 0 {
		fmt.Fprintf(p.out, "\n%s\n", plan.Markdown(c.Plan(), time.Local, speech.For(locale())))
	}
	return nil
}

func author(m *desk.Message) string {
	switch {
	case m.Inbound:
		return "texter"
	case m.Automatic != "":
		return "befree"
	}
	return m.Author
}

func outgoing(m *desk.Message) string {
	if m.Inbound {
		return ""
	}
	return " [" + text.Line(string(m.Delivery)) + "]"
}

// card prints the plan as one SMS, if the phone is safe.
func (p *player) card(context.Context, string) error {
	c, err := p.client.Conversation(p.conversation)
	if err != nil {
		return err
	}
	words, _, err := plan.Card(c.Plan(), !c.Safety.Watched)
	if errors.Is(err, plan.ErrPhoneNotSafe) {
		p.printf(p.name, "no card: %v", err)
		return nil
	}
	p.printf(p.name, "card: %s", words)
	return err
}
