package main

import (
	"strings"
	"testing"
	"time"

	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
)

func TestAReceiptNamesWhatIsLeftOut(t *testing.T) {
	var out strings.Builder
	printReceipt(&out, desk.Receipt{Conversation: "c1", Forgettings: []desk.Forgetting{{Kind: desk.ForgottenToo}}, LeftOut: []string{"c2"}}, "gone", "in none of the backups")
	if !strings.Contains(out.String(), "NOT FORGOTTEN: c2 ") {
		t.Errorf("it says %s", out.String())
	}
}

func TestAReceiptNamesWhatWasPutAside(t *testing.T) {
	if where := inFiles(false, true, nil); where != "in no file that the relay uses" {
		t.Errorf("it says %s", where)
	}
	if where := inFiles(false, true, []string{"data/before-1"}); !strings.Contains(where, "THEY MAY BE IN data/before-1,") {
		t.Errorf("it says %s", where)
	}
}

// TestWhenBackupsAreGone: what counts is the last backup before something was forgotten, and the days that are in force.
func TestWhenBackupsAreGone(t *testing.T) {
	const day = 24 * time.Hour
	forgotten := desk.Forgetting{Seq: 40, At: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	copies := func(days ...int) (all []relay.Copy) {
		for _, d := range days {
			all = append(all, relay.Copy{Made: forgotten.At.Add(time.Duration(d) * day), Events: 40})
		}
		return all
	}
	during := func(events uint64) []relay.Copy { // while the keys may not be destroyed yet
		return []relay.Copy{{Made: forgotten.At.Add(10 * time.Minute), Events: events}}
	}
	for _, c := range []struct {
		copies []relay.Copy
		now    int // days after that
		want   []string
	}{
		{nil, 1, []string{"in none of", "from 2026-03-17 12:00 UTC on"}},
		{copies(1, 2), 3, []string{"in none of"}},
		{during(40), 3, []string{"in 1 of", "of 2026-03-10 12:10 UTC"}},
		{during(41), 3, []string{"in none of"}},
		{copies(-3, -1, 1), 2, []string{"in 2 of", "of 2026-03-09 12:00 UTC", "after 2026-03-16 12:00 UTC;"}},
		{copies(-3, -1), 7, []string{"in 2 of", "after 2026-03-16 12:00 UTC: IT IS TOO OLD"}},
	} {
		got := inBackups(forgotten, c.copies, 7*day, forgotten.At.Add(time.Duration(c.now)*day))
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%q does not say %q", got, want)
			}
		}
	}
}
