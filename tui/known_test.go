package tui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"befree.example/store/desk"
)

// TestWorldsGoOn: a world that is made of the one before and of what is news has what one has that is made of everything,
// whatever came between, and whoever looks at it: the same lists, in the order of no more than a second ago, the same counts.
func TestWorldsGoOn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		role := rapid.SampledFrom([]desk.Role{desk.Specialist, desk.Supervisor}).Draw(r, "role")
		review := rapid.Bool().Draw(r, "review")
		steps := rapid.SliceOfN(rapid.IntRange(0, 10), 1, 25).Draw(r, "steps")
		skips := rapid.SliceOfN(rapid.Bool(), 1, 10).Draw(r, "skips")
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			h := newHand(t)
			h.status.Role = role
			var before world
			for i, step := range steps {
				tail := func(n int) string { return fmt.Sprintf("%04d", 100+n) }
				switch step {
				case 0, 1, 2: // somebody new, or again
					h.text(tail(i*(step+1)%7), []string{"is anybody there", "he locked me in", "stop him he has a gun"}[step])
				case 3: // many at once
					for n := range fewNews + 1 {
						h.text(fmt.Sprintf("%05d", n), "hola")
					}
				case 4: // ada takes somebody
					for _, c := range before.waiting {
						if now := h.state.Conversation(c.ID); now != nil && now.Phase == desk.Waiting && len(h.state.Holds("ada")) < 3 {
							h.take("ada", strings.TrimPrefix(c.ID, "c"))
							break
						}
					}
				case 5, 6: // and gives them back, or is done
					for _, id := range h.state.Holds("ada") {
						c := h.state.Conversation(id)
						one := desk.Command{Kind: desk.Released, Conversation: id, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}
						if step == 5 {
							h.must(one, nil)
						} else {
							one.Kind = desk.Closed
							h.must(one, desk.Closing{Disposition: "referred", Contact: "not known", Safety: "safe for now"})
						}
					}
				case 7:
					h.change(func() {
						h.status.Role = map[desk.Role]desk.Role{desk.Specialist: desk.Supervisor, desk.Supervisor: desk.Specialist}[h.status.Role]
					})
				case 8:
					h.change(func() { h.state = desk.NewState(desk.Policy{}) }) // the copy begins anew
				case 9: // eve asks that somebody be forgotten
					for _, c := range before.closed {
						if now := h.state.Conversation(c.ID); now != nil && now.Phase == desk.ClosedNow && now.Forget.By == "" {
							h.must(desk.Command{Kind: desk.ForgetAsked, Conversation: c.ID, Seen: now.Last, Actor: "eve", Role: desk.Supervisor}, desk.Asking{Reason: "as they wished"})
							break
						}
					}
				case 10:
					time.Sleep(700 * time.Millisecond)
				}
				if skips[i%len(skips)] {
					continue // the console was slow
				}
				next := collect(h, "ada", "", review, &before).world
				all := collect(h, "ada", "", review, &world{}).world
				if wrong = differ(&next, &all); wrong != "" {
					return
				}
				if old := time.Since(next.ordered); old >= orderTime {
					wrong = fmt.Sprintf("they stand in the order of %v ago", old)
				}
				for c := range next.byID.all() {
					if isNews := before.byID.get(c.ID) != c; isNews != slices.Contains(next.news, c.ID) && before.status.Role == next.status.Role {
						wrong = fmt.Sprintf("%s is news: %t, and told so: %t", c.ID, isNews, !isNews)
					}
				}
				before = next
			}
		})
		if wrong != "" {
			r.Fatal(wrong)
		}
	})
}

// differ says in which way a world is not as it should be.
func differ(next, should *world) string {
	if a, b := byIDOf(next.byID), byIDOf(should.byID); !maps.Equal(a, b) {
		return fmt.Sprintf("it knows %d conversations of %d", len(a), len(b))
	}
	for name, l := range map[string][2]*[]*desk.Conversation{
		"mine": {&next.mine, &should.mine}, "waiting": {&next.waiting, &should.waiting},
		"others": {&next.others, &should.others}, "closed": {&next.closed, &should.closed},
	} {
		want := slices.Clone(*l[1])
		if name != "mine" {
			slices.SortFunc(want, next.order(l[0]))
		}
		if !slices.Equal(*l[0], want) {
			return fmt.Sprintf("%s has %d, and should have %d", name, len(*l[0]), len(want))
		}
	}
	if next.urgent != should.urgent || next.forgotten != should.forgotten || !slices.Equal(next.asked, should.asked) {
		return fmt.Sprintf("%d urgent, %d forgotten, %d asked for; should be %d, %d, %d", next.urgent, next.forgotten, len(next.asked), should.urgent, should.forgotten, len(should.asked))
	}
	return ""
}

func byIDOf(k *known) map[string]*desk.Conversation {
	all := map[string]*desk.Conversation{}
	for c := range k.all() {
		all[c.ID] = c
	}
	return all
}
