package plan

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"befree.example/store/sms"

	"befree.example/store/sms/smstest"
	"befree.example/tui/speech"
)

// english is read once: a fuzzer asks for it often.
var english = speech.For("en")

func planOf(fields map[string]string) Plan {
	p := Plan{Version: 1, By: "ada", At: noon, Fields: map[string]Field{}}
	for id, text := range fields {
		p.Fields[id] = Field{Text: text, By: "ada", At: noon}
	}
	return p
}

func TestCard(t *testing.T) {
	p := planOf(map[string]string{
		"situation/numbers": "aunt 5550199, work 5550155", "leaving/route": "back door, alley, bus 12 at 6",
		"leaving/trusted-person": "my sister will hide me from the police", "situation/words": "tangerine means send help",
		"situation/trusted-person": "the tangerine seller",
	})
	card, left, err := Card(p, true)
	if err != nil || card != "aunt 5550199, work 5550155; back door, alley, bus 12 at 6" {
		t.Errorf("card %q, %v", card, err)
	}
	var out []string
	for _, item := range left {
		out = append(out, item.ID)
	}
	if strings.Join(out, " ") != "situation/trusted-person situation/words leaving/trusted-person" {
		t.Errorf("left out %q", out)
	}
	if problems := CardProblems(p, card); len(problems) > 0 {
		t.Errorf("its own card has problems: %q", problems)
	}
	for _, text := range []string{"", "call the hotline", "buy a tangerine", "plan de seguridad", strings.Repeat("x", 161), "la línea de ayuda"} {
		if len(CardProblems(p, text)) == 0 {
			t.Errorf("%q passes as a card", text)
		}
	}
}

func TestCardIsOneSegmentAndTellsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"aunt", "call", "police", "tangerine", "5550199", "bus", "é", "ñandú", "漢字", "shelter,", strings.Repeat("long", 30)}), 0, 60)
		p := planOf(map[string]string{"situation/words": "tangerine: send help"})
		for _, id := range []string{"situation/numbers", "leaving/route", "leaving/trusted-person", "situation/trusted-person", "after/trusted-person"} {
			p.Fields[id] = Field{Text: strings.Join(words.Draw(t, id), " ")}
		}
		card, _, err := Card(p, true)
		if err != nil {
			t.Fatal(err)
		}
		if s := sms.Segments(card); s.Segments > 1 {
			t.Fatalf("%d segments", s.Segments)
		}
		if card != "" && len(CardProblems(p, card)) > 0 {
			t.Fatalf("%q: %q", card, CardProblems(p, card))
		}
	})
}

// harmless finds what could reach out of a field: control characters, and lines of the page that a field made.
func harmless(t testing.TB, text string) {
	page := Markdown(planOf(map[string]string{"leaving/bag": text}), time.UTC, english)
	frame := Markdown(planOf(map[string]string{"leaving/bag": "x"}), time.UTC, english)
	for _, r := range page {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			t.Errorf("%q puts %U on the page", text, r)
		}
	}
	strip := func(page string) (rest string) {
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "> ") {
				rest += line
			}
		}
		return rest
	}
	if strip(page) != strip(frame) {
		t.Errorf("%q reaches out of its field", text)
	}
}

func TestHostileTextStaysInItsField(t *testing.T) {
	for _, text := range append(smstest.Hostile(), "# heading", "> quote", "- [ ] x", "1. one", "```\ncode", "<script>", "a  \n\n## b", "===", "---", "[x]: http://example.com") {
		harmless(t, text)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, text := range smstest.Hostile() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { harmless(t, text) })
}

func TestItems(t *testing.T) {
	seen := map[string]bool{}
	suicide := 0
	for _, item := range Items() {
		if seen[item.ID] || !strings.HasPrefix(item.ID, string(item.Stage)+"/") {
			t.Errorf("ID %q", item.ID)
		}
		seen[item.ID] = true
		if item.Stage == Suicide {
			suicide++
		}
		for _, ask := range []string{item.Ask, item.AskES} {
			if len([]rune(ask)) < 10 || len([]rune(ask)) > 120 {
				t.Errorf("%s asks %q", item.ID, ask)
			}
		}
		if sms.Segments(item.Ask).Segments != 1 {
			t.Errorf("%s takes more than one segment to ask", item.ID)
		}
	}
	if suicide != 6 {
		t.Errorf("%d Stanley-Brown steps", suicide)
	}
	for _, want := range []string{"red-flags", "trusted-person", "words", "documents", "numbers", "communicate", "money", "medication", "where", "route", "bag", "dangerous-rooms", "signal", "children"} {
		found := false
		for id := range seen {
			found = found || strings.HasSuffix(id, "/"+want)
		}
		if !found {
			t.Errorf("nothing asks for %s", want)
		}
	}
}
