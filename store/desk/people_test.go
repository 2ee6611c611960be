package desk_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/desk"
)

// TestTwoPeople lets random staff with random roles ask for whatever two people must agree on, and looks at the events
// alone: who may ask, who may agree, and that the two are never one.
func TestTwoPeople(top *testing.T) {
	names := []string{"ada", "ben", "sue", "sam", "adm", "rex"}
	roles := []desk.Role{desk.Specialist, desk.Supervisor, desk.Reviewer, desk.Administrator, ""}
	kinds := []store.Kind{
		desk.ForgetAsked, desk.ForgetApproved, desk.ExportAsked, desk.ExportApproved, desk.Exported, desk.HoldSet,
		desk.HoldLifted, desk.NumberRevealed, desk.Forgotten, desk.OptOutKept, desk.CarrierAsked, desk.RetentionAllowed,
	}
	rapid.Check(top, func(t *rapid.T) {
		l := &line{t: top, state: desk.NewState(desk.Policy{}), now: noon}
		c := closedOne(l)
		staff := map[string]desk.Role{}
		for _, n := range names {
			staff[n] = rapid.SampledFrom(roles).Draw(t, n)
		}
		for range rapid.IntRange(5, 40).Draw(t, "steps") {
			l.now = l.now.Add(rapid.SampledFrom([]time.Duration{0, time.Minute, 25 * time.Hour, 6 * 24 * time.Hour}).Draw(t, "pause"))
			who := rapid.SampledFrom(names).Draw(t, "who")
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			now := l.fresh(c)
			claim := rapid.SampledFrom([]uint64{now.Forget.Seq, now.Export.Seq, now.Export.Decided, 0}).Draw(t, "claim")
			cmd := desk.Command{Kind: kind, Conversation: c.ID, Actor: who, Role: staff[who], Claim: claim, Body: body(desk.Asking{Reason: "because"})}
			if cmd.Role == "" {
				cmd.ID = fmt.Sprint("nobody", l.n)
			}
			e, err := l.decide(cmd)
			if err != nil {
				continue
			}
			if trouble := entitled(l.events[:len(l.events)-1], e, staff); trouble != "" {
				t.Fatalf("%s by %s, %s: %s", kind, who, staff[who], trouble)
			}
		}
	})
}

// entitled is the oracle.
func entitled(before []store.Event, e store.Event, staff map[string]desk.Role) string {
	may := map[store.Kind][]desk.Role{
		desk.ForgetAsked: {desk.Supervisor, desk.Administrator}, desk.ForgetApproved: {desk.Supervisor, desk.Administrator},
		desk.HoldSet: {desk.Supervisor, desk.Administrator}, desk.HoldLifted: {desk.Supervisor, desk.Administrator},
		desk.ExportAsked: {desk.Supervisor}, desk.ExportApproved: {desk.Supervisor, desk.Administrator}, desk.Exported: {desk.Supervisor},
		desk.NumberRevealed: {desk.Specialist, desk.Supervisor},
	}
	if !slices.Contains(may[e.Kind], staff[e.Actor]) {
		return "the role does not allow it"
	}
	if e.Kind == desk.NumberRevealed && staff[e.Actor] == desk.Specialist && e.Actor != "ada" {
		return "it never was theirs"
	}
	last := func(kind store.Kind) (found store.Event) {
		for _, b := range before {
			if b.Kind == kind {
				found = b
			}
		}
		return found
	}
	switch e.Kind {
	case desk.ForgetApproved:
		ask := last(desk.ForgetAsked)
		switch {
		case ask.Seq == 0 || last(desk.ForgetApproved).Seq > ask.Seq || last(desk.HoldSet).Seq > ask.Seq:
			return "nobody asks for it"
		case ask.Actor == e.Actor:
			return "one person is two"
		case e.At.Sub(ask.At) >= 7*24*time.Hour:
			return "it was asked for too long ago"
		}
	case desk.ExportApproved:
		ask := last(desk.ExportAsked)
		if ask.Seq == 0 || ask.Actor == e.Actor || last(desk.ExportApproved).Seq > ask.Seq || last(desk.Exported).Seq > ask.Seq {
			return "nobody else asks for it"
		}
	case desk.Exported:
		ask, yes := last(desk.ExportAsked), last(desk.ExportApproved)
		if yes.Seq < ask.Seq || ask.Actor != e.Actor || last(desk.Exported).Seq > yes.Seq || e.At.Sub(yes.At) >= 24*time.Hour {
			return "nobody agreed to it, or it was made already"
		}
	}
	return ""
}
