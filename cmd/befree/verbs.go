package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/sms"
	"befree.example/tui/codename"
)

// verbs are what a script can say, each with the rest of its line.
var verbs map[string]func(*player, context.Context, string) error

func init() {
	verbs = map[string]func(*player, context.Context, string) error{
		"claim":    (*player).claim,    // [SEVERITY]: waits for a conversation and takes the most urgent
		"race":     (*player).race,     // tries for the most urgent one, taken or not, and says who was quicker
		"wait":     (*player).wait,     // [WORDS]: for a text that holds the words
		"say":      (*player).say,      // TEXT
		"queue":    (*player).queue,    // TEXT: as say, with the time to take it back, and without waiting
		"status":   (*player).status,   // WORD: until the newest reply is delivered, unknown, withdrawn, ...
		"draft":    (*player).draft,    // until the newest reply has come back as a draft
		"note":     (*player).note,     // TEXT
		"safety":   (*player).safety,   // danger WORD | safe WORD | watched | hold
		"plan":     (*player).plan,     // FIELD TEXT
		"search":   (*player).search,   // WORDS: prints what on this machine has them, the newest first
		"card":     (*player).card,     // prints the one-SMS card
		"print":    (*player).print,    // the conversation with notes and plan, as far as it is here
		"release":  (*player).release,  //
		"takeover": (*player).takeOver, // REASON: as a supervisor takes the most urgent one that somebody else has
		"close":    (*player).close,    // DISPOSITION
		"offline":  (*player).offline,  // pulls the plug
		"online":   (*player).again,    // puts it back and waits until everything kept is at the relay
		"refused":  (*player).refused,  // CODE: VERB ...: the rest of the line must be refused so
	}
}

func verbNames() string { return strings.Join(slices.Sorted(maps.Keys(verbs)), ", ") }

// mostUrgent returns the conversation to take next of those that fit.
func (p *player) mostUrgent(fits func(*desk.Conversation) bool) (next *desk.Conversation) {
	now := time.Now()
	p.client.View(func(s *desk.State) {
		for c := range s.Conversations() {
			if fits(c) && (next == nil || desk.Urgent(c, next, now) < 0) {
				next = c
			}
		}
	})
	return next
}

func (p *player) claim(ctx context.Context, severity string) error {
	return p.take(ctx, func(c *desk.Conversation) bool {
		return c.Phase == desk.Waiting && (severity == "" || string(c.Severity) == severity)
	}, claimed)
}

func claimed(c *desk.Conversation) desk.Command {
	return desk.Command{Kind: desk.Claimed, Conversation: c.ID}
}

func (p *player) takeOver(ctx context.Context, reason string) error {
	raw, err := json.Marshal(desk.Because{Reason: reason})
	if err != nil {
		return err
	}
	return p.take(ctx, func(c *desk.Conversation) bool {
		return c.Phase == desk.Held && !c.HeldBy(p.name)
	}, func(c *desk.Conversation) desk.Command {
		return desk.Command{Kind: desk.TakenOver, Conversation: c.ID, Claim: c.Claim, Body: raw}
	})
}

// take waits for a conversation that fits and makes it one's own by a command.
func (p *player) take(ctx context.Context, fits func(*desk.Conversation) bool, command func(*desk.Conversation) desk.Command) error {
	var c *desk.Conversation
	err := p.until(ctx, p.in.T("There was no conversation to claim."), func() (bool, error) {
		c = p.mostUrgent(fits)
		return c != nil && p.client.Status().InStep(), nil
	})
	if err != nil {
		return err
	}
	p.think(ctx, 10)
	if err := p.doIt(ctx, command(c)); err != nil {
		return err
	}
	p.conversation, p.read = c.ID, 0
	return p.until(ctx, p.in.T("The words of the conversation did not come."), func() (bool, error) {
		c := p.now()
		ready := c != nil && c.Owner == p.name && c.Newest() != nil && !c.Newest().Withheld
		if ready {
			p.tell(p.name, p.in.T("claims {{.Mark}} {{.Severity}}, number …{{.Tail}}", "Mark", c.Severity.Mark(), "Severity", p.in.Word(c.Severity.Word()), "Tail", c.Tail))
			p.show(c)
		}
		return ready, nil
	})
}

// doIt does it, with the passphrase where its owner must be there.
func (p *player) doIt(ctx context.Context, c desk.Command) error {
	if !desk.Dangerous(c.Kind) {
		_, err := p.client.Do(ctx, c)
		return err
	}
	passphrase, err := p.passphrase()
	if err == nil {
		_, err = p.client.Surely(ctx, c, passphrase)
	}
	return err
}

func (p *player) race(ctx context.Context, _ string) error {
	err := p.take(ctx, func(c *desk.Conversation) bool { return c.Phase != desk.ClosedNow }, claimed)
	if errors.Is(err, &desk.Refusal{Code: desk.CodeClaimed}) {
		p.tell(p.name, p.in.T("lost the race: {{.Why}}", "Why", p.in.Error(err)))
		return nil
	}
	return err
}

// now returns the conversation as it is known here.
func (p *player) now() (c *desk.Conversation) {
	p.client.View(func(s *desk.State) { c = s.Conversation(p.conversation) })
	return c
}

// show prints the texts that were not printed yet.
func (p *player) show(c *desk.Conversation) {
	for _, m := range c.Messages {
		if m.Seq <= p.read || !m.Inbound {
			continue
		}
		p.read = m.Seq
		p.tell(p.in.T("texter"), m.Text.Reveal())
		for _, r := range m.Reasons {
			p.tell("", fmt.Sprintf("  %s %s: %q", r.Severity.Mark(), p.in.Word(r.Rule), r.Match.Reveal()))
		}
	}
}

func (p *player) wait(ctx context.Context, words string) error {
	return p.until(ctx, p.in.T("No such text came."), func() (bool, error) {
		c := p.now()
		if c == nil {
			return false, errors.New("no conversation is open")
		}
		for _, m := range c.Messages {
			if m.Inbound && m.Seq > p.read && strings.Contains(strings.ToLower(m.Text.Reveal()), strings.ToLower(words)) {
				p.show(c)
				return true, nil
			}
		}
		return false, nil
	})
}

// command is one about the open conversation.
func (p *player) command(kind store.Kind, body any) (desk.Command, error) {
	c, err := p.client.Conversation(p.conversation)
	if err != nil {
		return desk.Command{}, err
	}
	if c == nil {
		return desk.Command{}, errors.New("no conversation is open")
	}
	raw, err := json.Marshal(body)
	return desk.Command{Kind: kind, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: raw}, err
}

func (p *player) do(ctx context.Context, kind store.Kind, body any) error {
	c, err := p.command(kind, body)
	if err != nil {
		return err
	}
	outcome, err := p.client.Do(ctx, c)
	if err == nil && outcome.Kept {
		p.tell(p.name, p.in.T("(kept on this machine)"))
	}
	return err
}

func (p *player) say(ctx context.Context, text string) error {
	p.think(ctx, len(text))
	if err := p.do(ctx, desk.ReplyQueued, desk.Reply{Text: sms.Text(text), Now: true}); err != nil {
		return err
	}
	p.reply = text
	p.tell(p.name, text)
	return p.until(ctx, p.in.T("The reply did not reach the conversation."), func() (bool, error) {
		return p.newest(text) != nil || !p.client.Status().Connected, nil
	})
}

// newest is the newest reply with a text; nil while the relay is not known to have it.
func (p *player) newest(text string) *desk.Message {
	for _, m := range slices.Backward(p.now().Messages) {
		if m.Author == p.name && m.Text.Reveal() == text {
			return m
		}
	}
	return nil
}

func (p *player) queue(ctx context.Context, text string) error {
	p.tell(p.name, text)
	return p.do(ctx, desk.ReplyQueued, desk.Reply{Text: sms.Text(text)})
}

func (p *player) status(ctx context.Context, word string) error {
	return p.until(ctx, p.in.T("The reply did not become {{.Status}}.", "Status", word), func() (bool, error) {
		m := p.newest(p.reply)
		is := m != nil && string(m.Delivery) == word
		if is {
			p.tell("", word+strings.TrimRight(": "+p.in.Word(m.Trouble), ": "))
		}
		return is, nil
	})
}

func (p *player) draft(ctx context.Context, _ string) error {
	return p.until(ctx, p.in.T("No draft came back."), func() (bool, error) {
		outbox, err := p.client.Cache.Outbox()
		for _, e := range outbox {
			if e.Kind == desk.ReplyQueued && e.Refused != "" {
				p.tell("", p.in.T("a draft again: {{.Why}}", "Why", p.in.Word(e.Refused)))
				return true, nil
			}
		}
		return false, err
	})
}

func (p *player) note(ctx context.Context, text string) error {
	p.tell(p.name, p.in.T("notes: {{.Words}}", "Words", text))
	return p.do(ctx, desk.NoteAdded, desk.Note{Text: sms.Text(text)})
}

func (p *player) safety(ctx context.Context, line string) error {
	what, word, _ := strings.Cut(line, " ")
	text, yes := sms.Text(word), true
	edits := map[string]desk.SafetyEdit{"danger": {DangerWord: &text}, "safe": {SafeWord: &text}, "watched": {Watched: &yes}, "hold": {Hold: &yes}}
	edit, ok := edits[what]
	if !ok {
		return fmt.Errorf("%q is none of danger, safe, watched, hold", what)
	}
	p.tell(p.name, p.in.T("safety record: {{.What}}", "What", what))
	return p.do(ctx, desk.SafetySaved, edit)
}

func (p *player) plan(ctx context.Context, line string) error {
	field, text, _ := strings.Cut(line, " ")
	c, err := p.client.Conversation(p.conversation)
	if err != nil {
		return err
	}
	p.think(ctx, len(text))
	if err := p.do(ctx, desk.PlanSaved, plan.Edit{Base: c.Plan().Version, Seen: c.Plan().See(field), Fields: map[string]string{field: text}}); err != nil {
		return err
	}
	p.tell(p.name, p.in.T("plan, {{.Item}}: {{.Words}}", "Item", field, "Words", text))
	return nil
}

func (p *player) search(ctx context.Context, words string) error {
	found, err := p.client.Search(ctx, words)
	if err != nil {
		return err
	}
	p.tell(p.name, p.in.N(len(found), "searches: {{.N}} found"))
	for _, f := range found {
		tail := ""
		p.client.View(func(s *desk.State) {
			if c := s.Conversation(f.Conversation); c != nil {
				tail = c.Tail
			}
		})
		p.tell("", fmt.Sprintf("%s …%s, %s, %s: %s", codename.Of(f.Conversation), tail, f.At.Format("2006-01-02 15:04"), p.in.Word(string(f.Kind)), f.Line.Reveal()))
	}
	return nil
}

func (p *player) release(ctx context.Context, _ string) error {
	return p.do(ctx, desk.Released, nil)
}

func (p *player) close(ctx context.Context, disposition string) error {
	if err := p.do(ctx, desk.Closed, desk.Closing{Disposition: disposition}); err != nil {
		return err
	}
	p.tell(p.name, p.in.T("closes: {{.How}}", "How", disposition))
	return nil
}

func (p *player) offline(context.Context, string) error {
	p.tell("", p.in.T("(offline)"))
	return p.stop()
}

func (p *player) again(ctx context.Context, _ string) error {
	p.online(context.WithoutCancel(ctx))
	return p.until(ctx, p.in.T("The relay did not get everything."), func() (bool, error) {
		outbox, err := p.client.Cache.Outbox()
		open := slices.DeleteFunc(outbox, func(e bolt.Entry) bool { return e.Refused != "" })
		done := p.client.Status().InStep() && len(open) == 0
		if done {
			p.tell("", p.in.T("(online, everything is at the relay)"))
		}
		return done, err
	})
}

func (p *player) refused(ctx context.Context, line string) error {
	code, rest, _ := strings.Cut(line, ": ")
	verb, rest, _ := strings.Cut(rest, " ")
	if verbs[verb] == nil {
		return fmt.Errorf("there is no %q", verb)
	}
	err := verbs[verb](p, ctx, rest)
	if !errors.Is(err, &desk.Refusal{Code: desk.Code(code)}) {
		return fmt.Errorf("%s was not refused as %q: %w", verb, code, err)
	}
	p.tell("", p.in.T("refused: {{.Why}}", "Why", p.in.Error(err)))
	return nil
}
