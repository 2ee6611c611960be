package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"befree.example/store/desk"
	"befree.example/store/plan"
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
	fmt.Fprint(p.out, "\n", p.in.T("conversation with …{{.Tail}}, {{.Severity}}", "Tail", text.Line(c.Tail), "Severity", p.in.Word(c.Severity.Word())), "\n")
	for _, m := range c.Messages {
		fmt.Fprintf(p.out, "  %s %-8s %s%s\n", m.At.Local().Format("15:04:05"), text.Line(p.author(m)), text.Line(m.Text.Reveal()), p.outgoing(m))
	}
	for _, n := range c.Notes {
		fmt.Fprintf(p.out, "  %s %-8s %s\n", n.At.Local().Format("15:04:05"), text.Line(n.Author), text.Line(p.in.T("(note) {{.Words}}", "Words", n.Text.Reveal())))
	}
	if c.Plan().Version > 0 {
		fmt.Fprintf(p.out, "\n%s\n", plan.Markdown(c.Plan(), time.Local, p.in))
	}
	return nil
}

func (p *player) author(m *desk.Message) string {
	switch {
	case m.Inbound:
		return p.in.T("texter")
	case m.Automatic != "":
		return "befree"
	}
	return m.Author
}

func (p *player) outgoing(m *desk.Message) string {
	if m.Inbound {
		return ""
	}
	return " [" + text.Line(p.in.Word(string(m.Delivery))) + "]"
}

// card prints the plan as one SMS, if the phone is safe.
func (p *player) card(context.Context, string) error {
	c, err := p.client.Conversation(p.conversation)
	if err != nil {
		return err
	}
	words, _, err := plan.Card(c.Plan(), !c.Safety.Watched)
	if errors.Is(err, plan.ErrPhoneNotSafe) {
		p.tell(p.name, p.in.T("no card: {{.Why}}", "Why", p.in.Error(err)))
		return nil
	}
	p.tell(p.name, p.in.T("card: {{.Words}}", "Words", words))
	return err
}
