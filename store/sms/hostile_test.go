package sms

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// hostile returns the texts of testdata/hostile.txt by name.
func hostile(tb testing.TB) map[string]string {
	tb.Helper()
	b, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		tb.Fatal(err)
	}
	texts := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, quoted, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if texts[name], err = strconv.Unquote(quoted); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
	}
	if len(texts) < 50 {
		tb.Fatalf("only %d texts", len(texts))
	}
	return texts
}
