package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

type receiptCmd struct {
	dataFlags
	keepFlags
	Conversation string `help:"Of one conversation; default of all of which something was forgotten." placeholder:"ID"`
}

// Run prints receipts, also while the relay serves.
func (c *receiptCmd) Run(ctx context.Context, std *config.Std) error {
	kept, _, err := relay.RetentionOf(ctx, c.Data, c.Retention)
	if err != nil {
		return err
	}
	copies, err := relay.Copies(c.Data)
	if err != nil {
		return err
	}
	data, served, err := relay.Look(ctx, c.Data, c.key())
	if err != nil {
		return err
	}
	defer data.Close()
	d, err := relay.NewDesk(ctx, data, desk.Policy{}, nil)
	if err != nil {
		return err
	}
	compacted, err := data.Compacted()
	if err != nil {
		return err
	}
	aside, err := relay.Aside(c.Data)
	if err != nil {
		return err
	}
	receipts, known := c.of(d)
	switch {
	case !known:
		return fmt.Errorf("there is no conversation %s in this log", text.Line(c.Conversation))
	case len(receipts) == 0 && c.Conversation != "":
		fmt.Fprintln(std.Out, "Nothing has been forgotten of that conversation.")
	case len(receipts) == 0:
		fmt.Fprintln(std.Out, "Nothing has been forgotten in this log.")
	}
	for _, r := range receipts {
		newest := r.Forgettings[len(r.Forgettings)-1]
		printReceipt(std.Out, r, inFiles(served, compacted, aside), inBackups(newest, copies, kept.Backups, time.Now()))
	}
	return nil
}

// of is none, and known is false, where the one conversation that is named is not in the log.
func (c *receiptCmd) of(d *relay.Desk) (all []desk.Receipt, known bool) {
	d.View(func(s *desk.State) {
		known = c.Conversation == "" || s.Conversation(c.Conversation) != nil
		if c.Conversation == "" {
			all = s.Receipts(math.MaxInt)
		} else if r, ok := s.Receipt(c.Conversation); ok {
			all = []desk.Receipt{r}
		}
	})
	return all, known
}

// classes are what is forgotten by a kind, in words.
var classes = map[store.Class]string{
	store.Numbers: "the number", store.Text: "the texts", store.Notes: "the notes", store.Plans: "plans and safety records",
	store.Facts: "everything else but times, kinds of events and names of staff",
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// inFiles says where the bytes of destroyed keys are.
func inFiles(served, compacted bool, aside []string) string {
	where := "still in keys.db, until the relay has run for an hour"
	switch {
	case served: // what is looked at is a copy, which never had them
		where = "taken out of keys.db at once, or within the hour; stop the relay to see whether they are"
	case compacted:
		where = "in no file that the relay uses"
	}
	if len(aside) > 0 {
		where += "; THEY MAY BE IN " + strings.Join(aside, " AND ") + ", where what was there before was put aside: delete that once it is not needed"
	}
	return where
}

// inBackups says which backups may hold what was forgotten, and by when they are gone.
func inBackups(f desk.Forgetting, copies []relay.Copy, keep time.Duration, now time.Time) string {
	n, last := 0, time.Time{}
	for _, c := range copies {
		if c.MayHold(f) {
			n++
			if c.Made.After(last) {
				last = c.Made
			}
		}
	}
	where := "in none of the backups that befree knows of"
	if due := last.Add(keep); n > 0 {
		where = fmt.Sprintf("in %d of the backups that befree knows of; the last, of %s, is gone with the first that is made after %s", n, when(last), when(due))
		if due.Before(now) {
			where += ": IT IS TOO OLD. Make one beside it, or delete it"
		}
	}
	return where + fmt.Sprintf("; in others that there may be until they are too old, from %s on", when(f.At.Add(keep)))
}

func printReceipt(w io.Writer, r desk.Receipt, bytes, backups string) {
	say := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	say("%s  %s", r.Conversation, codename.Of(r.Conversation))
	for _, f := range r.Forgettings {
		say("  %s: %s", when(f.At), reason(f))
		for _, class := range desk.Forgets(f.Kind) {
			say("    gone: %s", classes[class])
		}
	}
	say("  the keys are destroyed; their bytes are %s", bytes)
	for _, list := range r.Carrier {
		state := "is still being asked"
		if !list.Ended.IsZero() {
			state = "was asked until " + when(list.Ended)
		}
		say("  the carrier %s: %d texts deleted, %d refused", state, list.Done, list.Refused)
	}
	for _, c := range r.Consoles {
		if r.Confirmed(c) {
			say("  %s's console %.4s: gone there since %s", c.Staff, c.Device, when(c.ErasedAt))
		} else {
			say("  %s's console %.4s: NOT CONFIRMED; last heard of %s", c.Staff, c.Device, when(c.LastAt))
		}
	}
	for _, id := range r.LeftOut {
		say("  NOT FORGOTTEN: %s  %s, of the same number: a text came in before that was done, or a legal hold keeps it; ask again for it", id, codename.Of(id))
	}
	say("  what remains: times, kinds of events and names of staff; which words staff searched for; sealed bytes that no key opens")
	say("  what remains where its keys open it: %s", backups)
	say("  what remains elsewhere: files that somebody wrote or exported; texts that went out without the carrier giving them a name; the texter's phone and phone company")
}

func reason(f desk.Forgetting) string {
	switch {
	case f.By != "":
		return fmt.Sprintf("%s asked, %s agreed", f.By, f.Approved)
	case f.Kind == desk.ForgottenToo:
		return "two people agreed to forget all of its texter's"
	case f.Kind == desk.ForgottenAgain:
		return "a restored backup had it once more"
	}
	return "its time was up"
}
