package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"befree.example/cmd/internal/config"
	"befree.example/store/triage"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"\n \n\r\n", ""},
		{`"STOP"`, `{"keyword":"optout","severity":"standard","reasons":[],"encoding":"GSM-7","units":4,"segments":1}`},
		{`"YES"`, `{"keyword":"none","severity":"standard","reasons":[],"encoding":"GSM-7","units":3,"segments":1}`},
		{`"start"`, `{"keyword":"optin","severity":"standard","reasons":[],"encoding":"GSM-7","units":5,"segments":1}`},
		{`"😀"`, `{"keyword":"none","severity":"standard","reasons":[],"encoding":"UCS-2","units":2,"segments":1}`},
		{`"\ud83d\ude00"`, `{"keyword":"none","severity":"standard","reasons":[],"encoding":"UCS-2","units":2,"segments":1}`},
		{`"gun"`, `{"keyword":"none","severity":"imminent","reasons":[{"rule":"weapon","severity":"imminent","match":"gun","start":0,"end":3}],` +
			`"encoding":"GSM-7","units":3,"segments":1}`},
		{"\n\"Help!\"\r\n", `{"keyword":"help","severity":"standard","reasons":[` +
			`{"rule":"HELP alone","severity":"standard","match":"Help","start":0,"end":4},` +
			`{"rule":"asks for help","severity":"standard","match":"Help","start":0,"end":4}],"encoding":"GSM-7","units":5,"segments":1}`},
	} {
		var out bytes.Buffer
		if err := explain(triage.Default(), strings.NewReader(c.in), &out); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
		if got := strings.TrimSuffix(out.String(), "\n"); got != c.want {
			t.Errorf("%s gives\n%s\nwant\n%s", c.in, got, c.want)
		}
	}
}

func TestExplainRefuses(t *testing.T) {
	const say = `not a JSON string: write each text in quotes on a line of its own, like "he is here"`
	for in, want := range map[string]string{
		"\"a\"\n\nhe has a gun\n": "line 3: " + say,
		"7":                       "line 1: " + say,
		"null":                    "line 1: " + say,
		`["a"]`:                   "line 1: " + say,
		`{"text":"a"}`:            "line 1: " + say,
		`"a" "b"`:                 "line 1: " + say,
		`"a`:                      "line 1: " + say,
		"\"a\"\n\"" + strings.Repeat("a", longestLine) + "\"": "line 2: longer than 1 MiB: put each text on a line of its own",
	} {
		var out bytes.Buffer
		err := explain(triage.Default(), strings.NewReader(in), &out)
		if err == nil || err.Error() != want {
			t.Errorf("%.40q gives %v, want %s", in, err, want)
		}
		if explained := strings.Count(out.String(), "\n"); explained != strings.Count(in, "\"a\"\n") {
			t.Errorf("%.40q: %d lines before the error", in, explained)
		}
	}
}

func TestExplainTakesALineOfOneMebibyte(t *testing.T) {
	text := strings.Repeat("a", longestLine-2)
	for _, end := range []string{"", "\n", "\r\n"} {
		var out bytes.Buffer
		if err := explain(triage.Default(), strings.NewReader(`"`+text+`"`+end), &out); err != nil {
			t.Fatalf("with %q at the end: %v", end, err)
		}
		var e explanation
		if err := json.Unmarshal(out.Bytes(), &e); err != nil || e.Units != len(text) {
			t.Errorf("%d units, %v", e.Units, err)
		}
	}
}

// Each text is answered before the next is asked for.
func TestExplainStreams(t *testing.T) {
	in, ask := io.Pipe()
	answer, out := io.Pipe()
	go func() { out.CloseWithError(explain(triage.Default(), in, out)) }()
	answers := json.NewDecoder(answer)
	for _, text := range []string{`"HELP"`, `"he is here"`, `"STOP"`} {
		if _, err := io.WriteString(ask, text+"\n"); err != nil {
			t.Fatal(err)
		}
		var e explanation
		if err := answers.Decode(&e); err != nil || e.Severity == "" {
			t.Fatalf("%s: %+v, %v", text, e, err)
		}
	}
	ask.Close()
	if err := answers.Decode(new(explanation)); err != io.EOF {
		t.Fatalf("after the end: %v", err)
	}
}

func TestExplainRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(path string) (string, error) {
		var out bytes.Buffer
		err := (&explainCmd{Triage: path}).Run(&config.Std{In: strings.NewReader(`"blue car"`), Out: &out, Err: io.Discard})
		return out.String(), err
	}
	write("[[rule]]\nname = \"colour\"\nseverity = \"high\"\nen = [\"blue\"]\n")
	if out, err := run(file); err != nil || !strings.Contains(out, `"severity":"high","reasons":[{"rule":"colour"`) {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := run(""); err != nil || !strings.Contains(out, `"severity":"standard"`) {
		t.Errorf("%s, %v", out, err)
	}
	write("[[rule]]\nname = \"colour\"\nseverity = \"hgih\"\nen = [\"blue\"]\n")
	if _, err := run(file); err == nil || err.Error() != file+`: line 3: unknown severity "hgih": use imminent, high, standard or information` {
		t.Error(err)
	}
	if _, err := run(file + "x"); err == nil || !strings.HasPrefix(err.Error(), "cannot read the rules: open ") {
		t.Error(err)
	}
}
