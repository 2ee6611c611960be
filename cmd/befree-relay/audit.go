package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

type auditCmd struct {
	dataFlags
	By           string    `help:"Only what this member of staff did, and what they were on the staff." placeholder:"NAME"`
	Conversation string    `help:"Only what concerns this conversation." placeholder:"ID"`
	From         time.Time `help:"Only from this moment on." format:"2006-01-02T15:04:05Z07:00" placeholder:"2026-01-31T00:00:00Z"`
	Until        time.Time `help:"Only before this moment." format:"2006-01-02T15:04:05Z07:00" placeholder:"2026-02-28T00:00:00Z"`
	JSON         bool      `help:"One JSON object a line." name:"json"`
}

// An act is one time that somebody came to see words, took them out, had a say in whether they are kept, or that
// somebody's right to do so changed.
type act struct {
	Seq          uint64     `json:"seq"`
	At           time.Time  `json:"at"`
	Who          string     `json:"who"`
	What         store.Kind `json:"what"`
	Conversation string     `json:"conversation,omitempty"`
	Whom         string     `json:"whom,omitempty"` // it concerns, beside who did it
	Why          string     `json:"why,omitempty"`
	Words        sms.Text   `json:"words,omitempty"` // that were looked for

	*desk.StaffChange // where it is one
}

// Run prints who read, searched, exported, had forgotten what, when and why, and who was on the staff as what.
func (c *auditCmd) Run(ctx context.Context, std *config.Std) error {
	data, _, err := relay.Look(ctx, c.Data, c.key())
	if err != nil {
		return advised(err)
	}
	defer data.Close()
	table := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	lines := json.NewEncoder(std.Out)
	show := func(a act) error {
		if c.JSON {
			return lines.Encode(a)
		}
		_, err := fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", a.Seq, a.At.Format("2006-01-02 15:04:05Z"), a.Who, a.what(), a.conversation(), text.Line(a.Why+a.Words.Reveal()))
		return err
	}
	if !c.JSON {
		fmt.Fprintln(table, "EVENT\tWHEN\tWHO\tDID\tCONVERSATION\tWHY, OR WHICH WORDS")
	}
	for at := (store.Position{}); ; {
		events, head, err := data.Read(ctx, at, 1000)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return table.Flush()
		}
		for _, e := range events {
			if a, ok := actOf(e); ok && c.wants(a) {
				if err := show(a); err != nil {
					return err
				}
			}
		}
		at = store.Position{Epoch: head.Epoch, Seq: events[len(events)-1].Seq}
	}
}

// actOf tells whether an event is an act: nearly every event outside of conversations is one, whoever holds a
// conversation reads it, and what needs two people is for somebody to look at afterwards.
func actOf(e store.Event) (act, bool) {
	a := act{Seq: e.Seq, At: e.At, Who: e.Actor, What: e.Kind, Conversation: e.Conversation, Whom: e.Head.Staff}
	switch {
	case desk.AboutStaff(e.Kind):
		change := desk.Read[desk.StaffChange](e)
		a.StaffChange = &change
		return a, true
	case e.Actor == store.Carrier || e.Actor == store.Texter || e.Actor == store.Clock: // nobody who reads
		return act{}, false
	case e.Kind == desk.Erased: // a console's doing
		return act{}, false
	case e.Kind == desk.Searched:
		a.Words = desk.Read[desk.Search](e).Words
		return a, true
	case e.Conversation == "":
		a.Conversation = e.Head.Ref
	case e.Kind == desk.Claimed, e.Kind == desk.TakenOver, e.Kind == desk.Transferred,
		e.Kind == desk.ExportAsked, e.Kind == desk.ExportApproved, e.Kind == desk.Exported,
		e.Kind == desk.ForgetAsked, e.Kind == desk.ForgetApproved, e.Kind == desk.HoldSet, e.Kind == desk.HoldLifted:
	default:
		return act{}, false
	}
	a.Why = desk.Read[desk.Because](e).Reason
	return a, true
}

func (a act) what() string {
	if a.StaffChange != nil {
		return a.changed()
	}
	if a.Whom != "" {
		return string(a.What) + " (" + a.Whom + ")"
	}
	return string(a.What)
}

// conversation has the name beside the ID: consoles show that alone.
func (a act) conversation() string {
	if a.Conversation == "" {
		return ""
	}
	return a.Conversation + "  " + codename.Of(a.Conversation)
}

// changed says what became of somebody on the staff.
func (a act) changed() (said string) {
	switch a.What {
	case desk.StaffAdded:
		said = fmt.Sprintf("%s is on the staff, as %s", a.Whom, a.Role)
	case desk.StaffRemoved:
		said = fmt.Sprintf("%s, who was %s, is not on the staff any more, with no device", a.Whom, a.Was)
	case desk.RoleChanged:
		said = fmt.Sprintf("%s, who was %s, is %s now", a.Whom, a.Was, a.Role)
	case desk.DeviceEnrolled:
		said = fmt.Sprintf("%s enrolled the device %s", a.Whom, a.Device)
	case desk.DeviceRevoked:
		said = fmt.Sprintf("the device %s of %s was revoked", a.Device, a.Whom)
	case desk.DeviceRemoved:
		said = fmt.Sprintf("the device %s of %s is not known any more", a.Device, a.Whom)
	}
	if !a.Since.IsZero() {
		said += a.Since.UTC().Format(", at 2006-01-02 15:04:05Z")
	}
	return said
}

func (c *auditCmd) wants(a act) bool {
	return (c.By == "" || a.Who == c.By || a.Whom == c.By) && (c.Conversation == "" || a.Conversation == c.Conversation) &&
		!a.At.Before(c.From) && (c.Until.IsZero() || a.At.Before(c.Until))
}
