package tui

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// made are the referrals, and what came of them, that were asked for.
func (h *hand) made() (all []desk.ReferralEdit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.asked {
		if c.Kind == desk.ReferralSaved {
			var e desk.ReferralEdit
			_ = json.Unmarshal(c.Body, &e)
			all = append(all, e)
		}
	}
	return all
}

var bed = desk.ReferralEdit{To: "House of Doors", Need: "a bed tonight", Scope: "her first name", Until: "2000-01-03"}

// TestReferral: a referral says to whom, for what and with what consent, and cannot be noted without; what came of it is
// said with who learnt it and when, beside the conversation and in the history of whoever texts again.
func TestReferral(t *testing.T) {
	sit(t, Options{}, 60, 20, func(h *hand) {
		mine(h)
		late := bed
		late.To, late.Until = "Legal Aid", "1999-12-31"
		h.must(desk.Command{Kind: desk.ReferralSaved, Conversation: "c0122", Actor: "ada", Role: desk.Specialist}, late)
	}, func(s *sitter) {
		s.press("1", "alt+r")
		s.reads("Referral: none yet.")
		s.press("alt+e", "House of Doors", "tab", "a bed tonight", "ctrl+s")
		s.reads("Not kept: A referral says to whom, for what,")
		s.press("her first name", "tab", "soon", "ctrl+s")
		s.reads("Not kept: Say until which day")
		s.press("backspace", "backspace", "backspace", "backspace", "2000-01-03", "ctrl+s", "ctrl+s", "ctrl+s")
		s.wait(time.Second)
		if got := s.h.made(); !slices.Equal(got, []desk.ReferralEdit{bed}) {
			t.Fatalf("noted %+v", got)
		}
		s.reads("Referral to House of Doors: a bed tonight", "sent, waits for an answer: ada, 1 Jan 00:00", "may be told until 2000-01-03: her first name")
		s.seesNot("ask them again")
		s.wait(2 * time.Minute)
		s.press("alt+w", "House", "enter", "accepted", "enter")
		s.wait(time.Second)
		s.press("alt+r")
		s.reads("accepted by them: ada, 1 Jan 00:02", "sent, waits for an answer: ada, 1 Jan 00:00")
		s.press("alt+h")
		s.reads("referred to House of Doors: accepted by them")
		s.press("alt+w", "enter", "down", "down", "enter")
		s.wait(time.Second)
		if got := s.h.made(); len(got) != 3 || got[2] != (desk.ReferralEdit{Of: got[1].Of, Status: desk.ReferralNoAnswer}) {
			t.Errorf("%+v", got)
		}
		s.press("alt+2", "alt+r")
		s.reads("Referral to Legal Aid", "ask them again before anything is passed on")
		s.press("alt+f", "doors", "enter")
		s.reads("referral")
	})
}

// TestReferralOutlastsTheConsole: a half-written one is on the disk until it is noted; without a network it is kept here;
// what the relay refuses, or cannot be kept, comes back with every word.
func TestReferralOutlastsTheConsole(t *testing.T) {
	var disk map[string]bolt.Entry
	sit(t, Options{}, 100, 30, mine, func(s *sitter) {
		s.press("1", "alt+e", "House of Doors", "esc")
		s.reads("The referral is not noted yet: alt+e goes back to it")
		s.wait(time.Second)
		disk = maps.Clone(s.h.drafts)
	})
	sit(t, Options{}, 100, 30, func(h *hand) {
		mine(h)
		h.drafts = disk
	}, func(s *sitter) {
		s.press("1", "alt+e")
		s.reads("House of Doors", "(changed)")
		s.h.fail = errors.New("the disk is full")
		s.press("tab", "a bed tonight", "tab", "her first name", "tab", "2000-01-03", "ctrl+s")
		s.wait(time.Second)
		s.press("alt+e")
		s.reads("House of Doors", "her first name")
		s.h.fail = nil
		s.h.change(func() { s.h.status.Connected = false })
		s.press("ctrl+s")
		s.wait(time.Second)
		s.reads("Referral kept on this machine")
		if len(s.h.outbox) != 1 || s.h.draft("c0147referral") != "" {
			t.Errorf("%d wait in the outbox, the draft is %q", len(s.h.outbox), s.h.draft("c0147referral"))
		}
		s.h.change(func() {
			s.h.outbox[0].Refused = "No room."
			s.h.status.Connected = true
		})
		s.wait(time.Second)
		if got := s.h.draft("c0147note"); got != "Referral to House of Doors: a bed tonight\nmay be told until 2000-01-03: her first name" {
			t.Errorf("of what was refused is left %q", got)
		}
	})
}

// TestReferralsOfOthers: of one whose words are not at hand no more is said than that it is there.
func TestReferralsOfOthers(t *testing.T) {
	l := &look{}
	*l = newLook(Options{Zone: time.UTC})
	m := &Model{look: *l}
	r := &desk.Referral{Withheld: true, Steps: []desk.ReferralStep{{By: "ben"}}}
	if got := strings.Join(m.referral(r, 60), "\n"); !strings.Contains(got, "whose words are not at hand") || !strings.Contains(got, "not on this machine: ben") {
		t.Errorf("%q", got)
	}
}

// TestReferralInLines: the form is asked for field by field, and what came of it by number.
func TestReferralInLines(t *testing.T) {
	sit(t, Options{}, 0, 0, mine, func(s *sitter) {
		s.hears("1", "0147")
		s.hears(":P", "To whom")
		s.hears("House of Doors", "For what")
		s.hears("", "May be told")
		s.hears("her first name", "Until when")
		s.hears("2000-01-03", "Not kept: A referral says", "For what")
		s.hears("a bed tonight", "May be told")
		s.hears("", "Until when")
		s.hears("", "Referral noted.")
		if got := s.h.made(); !slices.Equal(got, []desk.ReferralEdit{bed}) {
			t.Fatalf("noted %+v", got)
		}
		s.hears(":r", "Referral to House of Doors: a bed tonight")
		s.hears(":V", "1. House of Doors")
		s.hears("1", "2. declined by them")
		s.hears("2", "Referral noted.")
		if got := s.h.made(); len(got) != 2 || got[1].Status != desk.ReferralDeclined {
			t.Errorf("%+v", got)
		}
		s.hears("I am here", "To ")
		s.sent()
	})
}

// TestReferralsAreExported with who learnt what when.
func TestReferralsAreExported(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	c := &desk.Conversation{Referrals: []*desk.Referral{{To: "House of Doors", Need: "a bed", Scope: sms.Text("a name"), Until: "2026-04-01", Steps: []desk.ReferralStep{
		{Status: desk.ReferralSent, By: "ada", At: at}, {Status: desk.ReferralAccepted, By: "ben", At: at.Add(time.Hour)},
	}}}}
	want := "2026-03-02T12:00:00Z,ada,\"referral, sent\",House of Doors: a bed; told: a name; agreed until 2026-04-01\n2026-03-02T13:00:00Z,ben,\"referral, accepted\",House of Doors\n"
	if got := string(table(c, time.UTC)); !strings.Contains(got, want) {
		t.Errorf("%s", got)
	}
}
