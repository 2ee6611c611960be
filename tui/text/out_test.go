package text_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"befree.example/store/sms/smstest"
	"befree.example/tui/text"
)

func checkJSON(t *testing.T, s string) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{s: s, "raw": json.RawMessage(`"` + strings.Map(plainOrHigh, s) + `"`)})
	if err != nil {
		t.Fatal(err)
	}
	got := text.JSON(raw)
	var before, after any
	if json.Unmarshal(raw, &before) != nil || json.Unmarshal(got, &after) != nil {
		t.Fatalf("%q is no JSON any more: %q", raw, got)
	}
	if a, _ := json.Marshal(before); !bytes.Equal(a, must(json.Marshal(after))) {
		t.Fatalf("%q means something else: %q", raw, got)
	}
	if !utf8.Valid(got) || ansi.Strip(string(got)) != string(got) || bytes.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		t.Fatalf("%q survived as %q", s, got)
	}
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

// plainOrHigh leaves out what must be escaped in JSON.
func plainOrHigh(r rune) rune {
	if r < ' ' || r == '"' || r == '\\' {
		return -1
	}
	return r
}

func checkCell(t *testing.T, s string) {
	t.Helper()
	cell := text.Cell(s)
	if again := text.Cell(cell); strings.TrimPrefix(again, "'") != cell && again != cell {
		t.Fatalf("%q, again %q", cell, again)
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.Write([]string{cell, "x"}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	row, err := csv.NewReader(&out).Read()
	if err != nil || len(row) != 2 {
		t.Fatalf("%q breaks its row: %q, %v", s, row, err)
	}
	// What a spreadsheet looks at: the first thing that is no blank.
	if first := strings.TrimLeftFunc(row[0], unicode.IsSpace); first != "" && strings.ContainsAny(first[:1], "=+-@\t\r") {
		t.Fatalf("%q is computed: %q", s, row[0])
	}
	if r, _ := utf8.DecodeRuneInString(row[0]); strings.ContainsRune("＝＋－＠", r) {
		t.Fatalf("%q is computed: %q", s, row[0])
	}
	for _, part := range strings.Split(row[0], ";") {
		if r, _ := utf8.DecodeRuneInString(strings.TrimLeft(part, " ")); part != "" && strings.ContainsRune("=+-@＝＋－＠", r) {
			t.Fatalf("%q is computed where semicolons part cells: %q", s, row[0])
		}
	}
}

func TestOut(t *testing.T) {
	for _, s := range append(smstest.Hostile(), formulas...) {
		checkJSON(t, s)
		checkCell(t, s)
	}
	for in, want := range map[string]string{
		"": "", "he is here": "he is here", "=1+1": "'=1+1", "-2": "'-2", " \n@SUM(A1)": "' \n@SUM(A1)", "＝1": "'＝1", "a=b": "a=b", "hi;=1+1": "hi;'=1+1", "a; -1;b": "a;' -1;b",
	} {
		if got := text.Cell(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

var formulas = []string{"=cmd|' /C calc'!A0", "\t=1", "\r=1", "+1", "-1", "@SUM(1)", "=HYPERLINK(\"http://x\")", "\u200b=1", "＝1", "'=1", "\"=1", "a;=1", "a\n+1"}

func FuzzOut(f *testing.F) {
	for _, s := range append(smstest.Hostile(), formulas...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkJSON(t, s)
		checkCell(t, s)
	})
}

// Whatever writes a CSV file makes its cells by Cell.
func TestEveryTableIsMadeOfCells(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, raw, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range parsed.Imports {
			if i.Path.Value == `"encoding/csv"` && !bytes.Contains(raw, []byte("text.Cell(")) {
				t.Errorf("%s writes a table of what may be a formula: make its cells by text.Cell", path)
			}
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatal(files, err)
	}
}
