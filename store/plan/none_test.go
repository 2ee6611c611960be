package plan

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"befree.example/tui/speech"
)

const kids = "situation/children"

// none says of an item that it was asked and does not apply.
func none(b book) Edit {
	return Edit{Base: b.newest().Version, Seen: b.newest().See(kids), Fields: map[string]string{kids: ""}, None: []string{kids}}
}

func TestAskedDoesNotApply(t *testing.T) {
	b := book{{}}
	b.save(t, none(b), "ada")
	if f := b.newest().Fields[kids]; !f.None || f.By != "ada" || f.At.IsZero() {
		t.Errorf("checked: %+v", f)
	}
	for _, item := range b.newest().Missing(Situation) {
		if item.ID == kids {
			t.Error("what does not apply is missing")
		}
	}
	text := Edit{Base: 1, Seen: b.newest().See(kids), Fields: map[string]string{kids: "two"}}
	b.save(t, text, "ben")
	if f := b.newest().Fields[kids]; f.None || f.Text != "two" || len(f.Also) != 0 {
		t.Errorf("an answer over a check that was seen: %+v", f)
	}
	b.save(t, none(b), "ada")
	b.save(t, Edit{Base: 3, Seen: b.newest().See(kids), Fields: map[string]string{kids: ""}}, "ada")
	if f, ok := b.newest().Fields[kids]; ok {
		t.Errorf("no longer checked: %+v", f)
	}
}

// TestCheckAndAnswerAtOnce: one writes an answer while the other checks that there is none. Both stand, in either order,
// until somebody chooses.
func TestCheckAndAnswerAtOnce(t *testing.T) {
	answer := Edit{Fields: map[string]string{kids: "two"}}
	for _, edits := range [][]Edit{{none(book{{}}), answer, answer, none(book{{}})}, {answer, none(book{{}}), none(book{{}}), answer}} {
		b := book{{}}
		for i, e := range edits {
			e.Base, e.Seen = 0, nil
			b.save(t, e, []string{"ada", "ben"}[i%2])
		}
		f := b.newest().Fields[kids]
		if len(f.Also) != 1 || f.None == f.Also[0].None || f.Text+f.Also[0].Text != "two" || len(b.newest().Contested()) != 1 {
			t.Fatalf("at once: %+v", f)
		}
		b.save(t, Edit{Base: 4, Seen: b.newest().See(kids), Choose: map[string]string{kids: ""}, None: []string{kids}}, "ada")
		if f := b.newest().Fields[kids]; !f.None || len(f.Also) != 0 {
			t.Errorf("chosen: %+v", f)
		}
	}
	b := book{{}}
	b.save(t, Edit{Fields: map[string]string{kids: "one"}}, "ada")
	seen := b.newest().See(kids)
	b.save(t, none(b), "ben")
	b.save(t, Edit{Base: 1, Seen: seen, Fields: map[string]string{kids: "two"}}, "ada")
	if f := b.newest().Fields[kids]; len(f.Also) != 1 {
		t.Errorf("a check that was not seen was written over: %+v", f)
	}
}

// TestOlderPlansReadAsBefore: a mark of what stood there is what consoles have made of it ever since.
func TestOlderPlansReadAsBefore(t *testing.T) {
	f := Field{Text: "one", By: "ada", At: noon, Also: []Alternative{{Text: "two", By: "ben", At: noon}}}
	if got := f.mark(); got != "33688af4ac8c7316" {
		t.Errorf("mark %s", got)
	}
	if f.Text = ""; f.mark() == (Field{None: true, Also: f.Also}).mark() {
		t.Error("a check has the mark of an answer that was emptied")
	}
	raw, err := json.Marshal(planOf(map[string]string{kids: "one"}))
	if err != nil || strings.Contains(string(raw), "none") {
		t.Errorf("%s, %v", raw, err)
	}
	edit, err := json.Marshal(Edit{Fields: map[string]string{kids: "one"}})
	if want := `{"base":0,"fields":{"situation/children":"one"}}`; err != nil || string(edit) != want {
		t.Errorf("%s, %v", edit, err)
	}
	older := struct { // which knows no checks
		Base   int               `json:"base"`
		Fields map[string]string `json:"fields"`
	}{}
	raw, _ = json.Marshal(none(book{{}}))
	if err := json.Unmarshal(raw, &older); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(map[string]string{kids: ""}, older.Fields); d != "" {
		t.Errorf("to an older console it is an empty answer (-want +got):\n%s", d)
	}
}

func TestMistakenChecks(t *testing.T) {
	for name, e := range map[string]Edit{
		"of an answer":      {Fields: map[string]string{kids: "two"}, None: []string{kids}},
		"of nothing":        {Fields: map[string]string{"leaving/bag": "x"}, None: []string{kids}},
		"of no known field": {Fields: map[string]string{"leaving/x": ""}, None: []string{"leaving/x"}},
	} {
		if e.Check() == nil {
			t.Errorf("a check %s passes", name)
		}
	}
	if _, left, err := Card(Plan{Fields: map[string]Field{"situation/numbers": {None: true}}}, true); err != nil || len(left) > 0 || errors.Is(err, ErrPhoneNotSafe) {
		t.Errorf("a check is left out of the card: %v, %v", left, err)
	}
}

func TestChecksInMarkdown(t *testing.T) {
	b := book{{}}
	b.save(t, none(b), "ada")
	b.save(t, Edit{Fields: map[string]string{kids: "two"}}, "ben")
	words := Markdown(b.newest(), nil, english)
	for _, want := range []string{"**Children** (ada, 2026-03-02 12:01 UTC)\n\n*Asked; does not apply.*\n", "written at the same time by ben, 2026-03-02 12:02 UTC:*\n\n> two"} {
		if !strings.Contains(words, want) {
			t.Errorf("%q is not in:\n%s", want, words)
		}
	}
	if strings.Contains(words, "In the situation, children") {
		t.Error("what does not apply is named as not asked")
	}
	words = Markdown(b.newest(), nil, speech.For("es"))
	for _, want := range []string{"# Plan de seguridad, versión 2", "**Niños** (ada", "*Se preguntó; no aplica.*", "## Aún no se preguntó", "¿Qué notas primero"} {
		if !strings.Contains(words, want) {
			t.Errorf("in Spanish, %q is not in:\n%s", want, words)
		}
	}
}
