package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/seal"
	"befree.example/store/sms"
)

// A past is a relay's log as a console gets it, and the console that follows it.
type past struct {
	*rapid.T
	relay  *desk.State
	events []store.Event
	path   string
	cache  *bolt.Cache
	client *Client
	now    time.Time
}

func (p *past) open() {
	var err error
	p.cache, err = bolt.OpenCache(p.path, bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("test"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, ClassOf: desk.ClassOf, Forgets: desk.Forgets,
	})
	if err == nil {
		p.client, err = New(Config{Cache: p.cache})
	}
	if err != nil {
		p.Fatal(err)
	}
}

// kept is for how long.
var kept = desk.Retention{Text: 90 * time.Hour, Notes: 90 * time.Hour, Plans: 90 * time.Hour, Numbers: 190 * time.Hour}

// happens lets something happen that the rules allow, and has the console follow.
func (p *past) happens(c desk.Command, body any) {
	p.now = p.now.Add(time.Minute)
	c.ID = store.DeviceID("testtesttesttest", uint64(len(p.events)))
	c.Body, _ = json.Marshal(body)
	e, err := p.relay.Decide(c, p.now)
	if err != nil {
		return
	}
	e.Seq = p.relay.Last() + 1
	p.relay.Apply(e)
	e.Number, e.Command = "", store.Hash{}
	p.events = append(p.events, e)
	ahead, err := p.client.before([]store.Event{e})
	if err == nil {
		ahead.Apply(e)
		err = p.cache.Receive(e)
	}
	if err != nil {
		p.Fatal(err)
	}
	p.client.state.Merge(ahead)
}

// one draws a conversation.
func (p *past) one() *desk.Conversation {
	for i := rapid.IntRange(0, 5).Draw(p.T, "conversation"); i >= 0; i-- {
		if c := p.relay.Conversation(fmt.Sprint("c", i)); c != nil {
			return c
		}
	}
	return &desk.Conversation{ID: "none"}
}

// compare has the console's state beside one that was folded of everything.
func (p *past) compare() {
	all := desk.NewState(desk.Policy{})
	for _, e := range p.events {
		all.Apply(e)
	}
	if got := p.client.state.Last(); got != all.Last() {
		p.Fatalf("the console is at %d of %d", got, all.Last())
	}
	for want := range all.Conversations() {
		got := p.client.state.Conversation(want.ID)
		if p.client.short[want.ID] {
			got, want = inShort(got), inShort(want)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			p.Fatalf("%s (-folded +recalled):\n%s", want.ID, d)
		}
	}
	if d := cmp.Diff(all.Receipts(100), p.client.state.Receipts(100), cmpopts.EquateEmpty()); d != "" {
		p.Fatalf("receipts (-folded +recalled):\n%s", d)
	}
	if d := cmp.Diff(all.Retention(), p.client.state.Retention()); d != "" || !all.Newest().Equal(p.client.state.Newest()) {
		p.Fatalf("what the clock waits for (-folded +recalled):\n%s", d)
	}
	if d := cmp.Diff(all.Holds("ada"), p.client.state.Holds("ada"), cmpopts.EquateEmpty()); d != "" {
		p.Fatal(d)
	}
}

// inShort is what a summary tells of a conversation.
func inShort(c *desk.Conversation) *desk.Conversation {
	var short desk.Conversation
	_ = json.Unmarshal(summaryOf(c).Body, &short)
	return &short
}

// TestSummariesTellTheSame: whatever happens, and whenever a console is started anew or puts what is closed into short
// form, it knows what it would know had it folded every event.
func TestSummariesTellTheSame(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		dir := outer.TempDir()
		p := &past{T: t, relay: desk.NewState(desk.Policy{Retention: kept}), path: filepath.Join(dir, "cache.db"), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		p.open()
		if err := p.cache.Reset("epoch"); err != nil {
			t.Fatal(err)
		}
		defer func() { p.cache.Close() }()
		texted := func(t *rapid.T) {
			i := rapid.IntRange(0, 5).Draw(t, "texter")
			p.happens(desk.Command{Kind: desk.Received, Conversation: fmt.Sprint("c", len(p.events)%6), Actor: store.Texter, Number: sms.Number(fmt.Sprintf("+120255501%02d", i))}, desk.Text{Text: "hello"})
		}
		staff := func(kind store.Kind, body any) func(*rapid.T) {
			return func(*rapid.T) {
				c := p.one()
				p.happens(desk.Command{Kind: kind, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Actor: "ada", Role: desk.Specialist}, body)
			}
		}
		by := func(who string, kind store.Kind, c *desk.Conversation, claim uint64, body any) {
			p.happens(desk.Command{Kind: kind, Conversation: c.ID, Claim: claim, Actor: who, Role: desk.Supervisor}, body)
		}
		clock := func(kind store.Kind, c *desk.Conversation) {
			p.happens(desk.Command{Kind: kind, Conversation: c.ID, Seen: c.Last, Actor: store.Clock}, nil)
		}
		yes := true
		restart := func(*rapid.T) {
			if err := p.cache.Close(); err != nil {
				t.Fatal(err)
			}
			p.open()
		}
		t.Repeat(map[string]func(*rapid.T){
			"":          func(*rapid.T) { p.compare() },
			"text":      texted,
			"text too":  texted,
			"claim":     staff(desk.Claimed, nil),
			"reply":     staff(desk.ReplyQueued, desk.Reply{Text: "I am here", Now: true}),
			"note":      staff(desk.NoteAdded, desk.Note{Text: "no sirens"}),
			"referral":  staff(desk.ReferralSaved, desk.ReferralEdit{To: "House of Doors", Need: "a bed", Scope: "first name", Until: "2099-12-31"}),
			"record":    staff(desk.SafetySaved, desk.SafetyEdit{Watched: &yes}),
			"plan":      staff(desk.PlanSaved, plan.Edit{Fields: map[string]string{"leaving/bag": "by the door"}}),
			"close":     staff(desk.Closed, desk.Closing{Disposition: "referred"}),
			"close too": staff(desk.Closed, desk.Closing{Disposition: "resolved"}),
			"time":      func(*rapid.T) { p.now = p.now.Add(100 * time.Hour) },
			"forget": func(*rapid.T) {
				c := p.one()
				by("sue", desk.ForgetAsked, c, 0, desk.Asking{Reason: "asked"})
				if c = p.relay.Conversation(c.ID); c != nil {
					by("sam", desk.ForgetApproved, c, c.Forget.Seq, nil)
					clock(desk.Forgotten, p.relay.Conversation(c.ID))
				}
			},
			"its time is up": func(t *rapid.T) {
				clock(rapid.SampledFrom([]store.Kind{desk.TextForgotten, desk.NotesForgotten, desk.PlansForgotten, desk.NumberForgotten}).Draw(t, "class"), p.one())
			},
			"the carrier": func(*rapid.T) {
				list := desk.RedactionID(p.one().ID, fmt.Sprint(len(p.events)))
				p.happens(desk.Command{Kind: desk.CarrierAsked, Conversation: list, Actor: store.Clock}, desk.Redacting{Texts: []desk.CarrierText{{SID: "SM1"}}})
				p.happens(desk.Command{Kind: desk.Redacted, Conversation: list, Ref: "SM1", Actor: store.Carrier}, nil)
			},
			"confirm": func(*rapid.T) {
				p.happens(desk.Command{Kind: desk.Erased, Actor: "sue", Role: desk.Supervisor}, desk.Erasure{Upto: p.relay.Last()})
			},
			"ask first": func(*rapid.T) {
				p.happens(desk.Command{Kind: desk.RetentionWaits, Actor: store.Clock}, desk.Wait{Conversations: 12, Leap: true})
			},
			"allow": func(*rapid.T) {
				p.happens(desk.Command{Kind: desk.RetentionAllowed, Claim: p.relay.Retention().Seq, Actor: "sue", Role: desk.Supervisor}, nil)
			},
			"restart": restart,
			"short": func(*rapid.T) {
				if err := p.client.summarize(1); err != nil {
					t.Fatal(err)
				}
			},
			"fill": func(*rapid.T) {
				es, err := p.cache.Conversation(p.one().ID)
				if err = errors.Join(err, p.cache.Fill(es...)); err != nil {
					t.Fatal(err)
				}
			},
		})
		restart(t)
		p.compare()
	})
}
