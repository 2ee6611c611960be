package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"befree.example/cmd/internal/config"
)

// No flag takes a secret: everybody on a machine can read a command line. What names one names its file.
func TestNoSecretInTheCommandLine(t *testing.T) {
	var out bytes.Buffer
	if err := config.Run(t.Context(), "test", "", []string{"config"}, &config.Std{Out: &out, Err: &out}, &cli{}); err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^# (.*)\n(?:# (?:Variable|One of): .*\n)*# ([a-z-]+) = `).FindAllStringSubmatch(out.String(), -1)
	if len(flags) < 8 {
		t.Fatalf("only %d flags were found in\n%s", len(flags), out.String())
	}
	harmless := []string{"keys", "key-ring"} // of a keyboard; use it, or leave it
	for _, f := range flags {
		help, name := f[1], f[2]
		if slices.Contains(harmless, name) || !regexp.MustCompile(`secret|token|pass|key|code|credential`).MatchString(name) {
			continue
		}
		if !regexp.MustCompile(`(?i)\bfile\b|beside the data folder|Its private key`).MatchString(help) {
			t.Errorf("--%s: is it a secret? %s", name, help)
		}
	}
	for _, args := range [][]string{{"--relay", "wss://ada:secret@relay.example.org/line"}, {"--public-url=https://ada:secret@relay.example.org"}} {
		err := config.Run(t.Context(), "test", "", args, &config.Std{Out: &out, Err: &out}, &cli{})
		if err == nil || !strings.Contains(err.Error(), "stands in the command line") || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%v", err)
		}
	}
}
