package desk_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// A search is an event of no conversation, whoever it is by.
func TestSearching(t *testing.T) {
	l := newLine(t)
	c := l.text(texter, "hello")
	for _, role := range []desk.Role{desk.Specialist, desk.Supervisor, desk.Reviewer, desk.Administrator} {
		e := l.do(desk.Command{Kind: desk.Searched, Actor: "sue", Role: role, Conversation: c.ID, Body: body(desk.Search{Words: "motel aunt"})})
		if e.Conversation != "" || e.Prev != 0 || desk.Read[desk.Search](e).Words != "motel aunt" || desk.ClassOf(e.Kind) != store.Facts {
			t.Fatalf("%v of %q after %d", e, e.Conversation, e.Prev)
		}
	}
	if l.fresh(c).Last != c.Last {
		t.Fatal("a search moved the end of a conversation")
	}
	search := desk.Command{Kind: desk.Searched, Actor: "ada", Role: desk.Specialist, Body: body(desk.Search{Words: " "})}
	l.refused(desk.CodeEmpty, search)
	search.Body = body(desk.Search{Words: sms.Text(strings.Repeat("a", desk.MaxWords+1))})
	l.refused(desk.CodeTooLong, search)
	search = desk.Command{Kind: desk.Searched, Actor: "texter", Body: body(desk.Search{Words: "motel"})}
	if _, err := l.decide(search); err == nil {
		t.Fatal("nobody of the staff searched")
	}
}

// What is searched is what people wrote, and never what was agreed on in secret.
func TestWords(t *testing.T) {
	secret, open := sms.Text("apples"), sms.Text("Hello from the clinic")
	for _, test := range []struct {
		kind store.Kind
		body any
		want []string
	}{
		{desk.Received, desk.Text{To: "+12025550101", Text: "he locked me in", Params: map[string][]string{"X": {"param"}}}, []string{"he locked me in"}},
		{desk.ReplyQueued, desk.Reply{Text: "I am here", Reason: "her sister said so"}, []string{"I am here", "her sister said so"}},
		{desk.NoteAdded, desk.Note{Text: "a note"}, []string{"a note"}},
		{desk.ReferralSaved, passedOn, []string{"House of Doors", "a bed tonight", "first name and age"}},
		{desk.PlanSaved, desk.PlanEdit{Fields: map[string]string{"leaving/bag": "behind the shed", "situation/red-flags": "when he drinks", "leaving/words": "kiwi"}}, []string{"when he drinks", "behind the shed"}},
		{desk.SafetySaved, desk.SafetyEdit{SafeWord: &secret, DangerWord: &secret, Opening: &open}, []string{"Hello from the clinic"}},
		{desk.SafetySaved, desk.SafetyEdit{DangerWord: &secret}, nil},
		{desk.Closed, desk.Closing{Disposition: "referred", Summary: "went to her aunt"}, []string{"went to her aunt", "referred"}},
		{desk.Transferred, desk.Handoff{To: "ben", Reason: "speaks Spanish"}, []string{"speaks Spanish"}},
		{desk.TakenOver, desk.Because{Reason: "rest"}, []string{"rest"}},
		{desk.SeveritySet, desk.Ruling{Reason: "a child"}, []string{"a child"}},
		{desk.Searched, desk.Search{Words: "motel"}, nil},
	} {
		got := desk.Words(store.Event{Kind: test.kind, Body: body(test.body)})
		if d := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.kind, d)
		}
	}
	if got := desk.Words(store.Event{Kind: desk.NoteAdded, Withheld: true}); len(got) > 0 {
		t.Errorf("a withheld note says %q", got)
	}
}
