// Package configtest checks what every program that is set up by package config promises.
package configtest

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"befree.example/cmd/internal/config"
)

var (
	flag   = regexp.MustCompile(`(?m)^# (.*)\n(?:# (?:Variable|One of): .*\n)*# ([a-z-]+) = `)
	secret = regexp.MustCompile(`secret|token|pass|key|code|credential`)
	filed  = regexp.MustCompile(`(?i)\bfile\b|beside the data folder|Its private key`)
)

// NoSecrets fails t where a flag of a program takes a secret: everybody on a machine can read a command line. What names a
// secret names its file, but for the harmless ones. grammar is a pointer to the program's empty set of commands.
func NoSecrets(t *testing.T, grammar any, harmless ...string) {
	t.Helper()
	var out bytes.Buffer
	if err := config.Run(t.Context(), "test", "", []string{"config"}, &config.Std{Out: &out, Err: &out}, grammar); err != nil {
		t.Fatal(err)
	}
	flags := flag.FindAllStringSubmatch(out.String(), -1)
	if len(flags) < 8 {
		t.Fatalf("only %d flags were found in\n%s", len(flags), out.String())
	}
	for _, f := range flags {
		help, name := f[1], f[2]
		if slices.Contains(harmless, name) || !secret.MatchString(name) {
			continue
		}
		if !filed.MatchString(help) {
			t.Errorf("--%s: is it a secret? %s", name, help)
		}
	}
	for _, args := range [][]string{{"--relay", "wss://ada:secret@relay.example.org/line"}, {"--public-url=https://ada:secret@relay.example.org"}} {
		err := config.Run(t.Context(), "test", "", args, &config.Std{Out: &out, Err: &out}, grammar)
		if err == nil || !strings.Contains(err.Error(), "stands in the command line") || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%v", err)
		}
	}
}
