package triage

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const small1 = `
english = ["the"]
spelling = ["tonight = tonite, 2nite", "he is = hes"]

[[rule]]
name = "moved"
severity = "imminent"
en = ["taking us ... tonight", "van|truck now?", "run*", "under <18"]
unless = ["toy truck"]

[[rule]]
name = "ask"
severity = "information"
es = ["hola"]
`

func load(t *testing.T, text string) *Rules {
	t.Helper()
	r, err := Load("rules.toml", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoadedRulesJudge(t *testing.T) {
	r := load(t, small1)
	for text, want := range map[string]string{
		"Taking us tonite":                     "Taking us tonite",
		"taking us far away from tonight":      "taking us far away from tonight",
		"taking us one two three four tonight": "",
		"the TRUCK, now":                       "TRUCK, now",
		"the truck now or then":                "truck now",
		"toy truck":                            "",
		"toy. truck":                           "truck",
		"two toy trucks, a truck":              "truck",
		"running":                              "running",
		"prune":                                "",
		"under 17":                             "under 17",
		"under 18":                             "",
		"under 0":                              "",
		"hola":                                 "hola",
		"trucks":                               "",
	} {
		got := ""
		if res := r.Judge(text); len(res.Reasons) > 0 {
			got = res.Reasons[0].Match.Reveal()
		}
		if got != want {
			t.Errorf("%q matches %q, want %q", text, got, want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	const rule = "[[rule]]\nname = \"a\"\nseverity = \"high\"\nen = [\"a\"]\n"
	for _, c := range []struct{ name, text, want string }{
		{
			"severity", strings.Repeat("\n", 9) + "[[rule]]\nname = \"a\"\nseverity = \"hgih\"\n",
			`line 12: unknown severity "hgih": use imminent, high, standard or information`,
		},
		{"unknown field", rule + "wrods = []\n", `line 5: unknown field "rule.wrods": a rule has name, severity, en, es and unless; above the rules stand english, spanish and spelling`},
		{"empty file", "", "line 1: no rules: write at least one [[rule]]"},
		{"no name", rule + "[[rule]]\nseverity = \"high\"\nen = [\"b\"]\n", `line 5: this rule has no name: write name = "..."`},
		{"no severity", "\n[[rule]]\nname = \"a\"\nen = [\"b\"]\n", `line 2: rule "a" has no severity: write severity = "imminent", high, standard or information`},
		{"no words", "[[rule]]\nname = \"a\"\nseverity = \"high\"\n", `line 1: rule "a" has no words: write en = [...] or es = [...]`},
		{"name twice", rule + "\n" + rule, `line 6: rule "a" stands on line 1 already: choose another name or join them`},
		{"our name", "[[rule]]\nname = \"HELP alone\"\nseverity = \"high\"\nen = [\"b\"]\n", `line 1: "HELP alone" is a name that befree uses itself: choose another`},
		{"empty phrase", "[[rule]]\nname = \"a\"\nen = [\n  \"b\",\n  \" \",\n]\n", `line 5: " ": an empty phrase matches nothing: write words or delete it`},
		{"gap at the end", "[[rule]]\nname = \"a\"\nen = [\"b ...\"]\n", `line 3: "b ...": begins or ends with ...: put a word there`},
		{"all optional", "[[rule]]\nname = \"a\"\nen = [\"b? c?\"]\n", `line 3: "b? c?": can match nothing at all: leave one word without ?`},
		{"short prefix", "[[rule]]\nname = \"a\"\nen = [\"ab*\"]\n", `line 3: "ab*": "ab*" matches too much: put at least 3 letters before the *`},
		{"not a word", "[[rule]]\nname = \"a\"\nen = [\"a ! b\"]\n", `line 3: "a ! b": "!" is not a word: use letters and digits, with * or ? at the end and | between words`},
		{"star inside", "[[rule]]\nname = \"a\"\nen = [\"kno*w\"]\n", `line 3: "kno*w": "kno*w" is not a word: use letters and digits, with * or ? at the end and | between words`},
		{"number", "[[rule]]\nname = \"a\"\nen = [\"<x\"]\n", `line 3: "<x": "<x" is not a number under another: write <18`},
		{"too loose", "[[rule]]\nname = \"a\"\nen = [\"a b? c? d? e? f?\"]\n", `line 3: "a b? c? d? e? f?": too much of it may be missing: use ... and ? at most 4 times`},
		{"too long", "[[rule]]\nname = \"a\"\nen = [\"a b c d e f g h i j k l m\"]\n", `line 3: "a b c d e f g h i j k l m": 13 words are too many: use at most 12`},
		{"spelling", "spelling = [\n \"a\"]\n" + rule, `line 2: "a" is not a spelling: write "tonight = tonite, 2nite"`},
		{"spelling of two words", "spelling = [\"a = b c\"]\n" + rule, `line 1: "a = b c": each spelling is one word, with commas between them`},
		{"spelled twice", "spelling = [\n \"a = b\",\n \"c = b\",\n]\n" + rule, `line 3: "b" is spelled a second time: delete one`},
	} {
		_, err := Load("rules.toml", strings.NewReader(c.text))
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		if diff := cmp.Diff("rules.toml: "+c.want, err.Error()); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// What the TOML library finds has its line too, and every error is one line.
func TestLoadRefusesOtherFiles(t *testing.T) {
	for _, c := range []struct{ text, line string }{
		{"[[rule]]\nname = \"a\nb\"\n", "line 2"},
		{"\n\nname", "line 3"},
		{"[[rule]]\nname = 7\n", "line 2"},
		{"[[rule]]\nen = \"word\"\n", "line 2"},
		{"rule = 7\n", "line 1"},
		{"\x00\x01\x7fELF", "line 1"},
		{"[[rule]]\nname = \"a\"\nname = \"b\"\n", "line 3"},
		{"[[rule]]\nname = \"\xff\"\n", "line 2"},
		{strings.Repeat("#", maxFile+1), "longer than 256 KiB"},
		{"rule = [{severity = \"high\", en = [\"a\"]}]\n", "line 1: this rule has no name"},
		{"\nrule = [{}, {}]\n", "line 2"},
	} {
		_, err := Load("x.toml", strings.NewReader(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), "x.toml: "+c.line) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.30q gives %v, want %s", c.text, err, c.line)
		}
	}
	if _, err := Load("x.toml", iotest.ErrReader(errors.New("no permission"))); err == nil || err.Error() != "x.toml: no permission" {
		t.Errorf("got %v", err)
	}
}

func TestDefaultFile(t *testing.T) {
	r, err := Load("rules.toml", bytes.NewReader(DefaultFile()))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Severity]bool{}
	for _, rule := range r.rules {
		seen[rule.severity] = true
	}
	if len(seen) != 4 {
		t.Errorf("only %v", seen)
	}
	DefaultFile()[0] = 'x'
	if DefaultFile()[0] == 'x' {
		t.Error("a caller can change the default file")
	}
}

// A file loads or is refused in one line that names it; what loads, judges.
func FuzzLoad(f *testing.F) {
	f.Add(small1, "taking us tonite")
	f.Add("[[rule]]\nname=\"a\"\nseverity=\"high\"\nen=[\"a|b? ... <18 c*\"]", "a b 7 cde")
	f.Add("rule = [{name=\"a\", severity=\"high\", en=[\"x\"]}]\nspelling=[\"x = y\"]", "y")
	f.Fuzz(func(t *testing.T, text, message string) {
		r, err := Load("f.toml", strings.NewReader(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.toml: ") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q", err)
			}
			return
		}
		r.Judge(message)
	})
}
