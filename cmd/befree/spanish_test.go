package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/adrg/xdg"

	"befree.example/cmd/internal/config"
	"befree.example/tui/speech"
)

// TestSpanish: befree speaks the locale's language before there is a console, too.
func TestSpanish(t *testing.T) {
	t.Setenv("LC_ALL", "es_MX.UTF-8")
	t.Setenv("TMUX", "")
	var said strings.Builder
	call := calling(func(s string) { said.WriteString(s) }, "osc9", speech.For(locale()))
	call(false)
	call(true)
	if got := said.String(); got != "\x1b]9;befree: alguien espera\a\x1b]9;befree: URGENTE\a" {
		t.Errorf("notices %q", got)
	}
	p := &profile{Name: "ada", Profile: filepath.Join(t.TempDir(), "ada")}
	var prompts bytes.Buffer
	_, err := p.begin(&config.Std{In: strings.NewReader(""), Out: io.Discard, Err: &prompts})
	if err == nil || !strings.Contains(prompts.String(), "Al menos 12 caracteres") {
		t.Errorf("%v, asked %q", err, prompts.String())
	}
	_, missing := p.open(&config.Std{})
	program := &cli{}
	xdg.StateHome = t.TempDir()
	stopped := program.Say(broken([]byte("goroutine 1 [running]:\nmain.main()\n\t/befree/main.go:1 +0x1\n")))
	if !strings.HasPrefix(stopped, "befree fue terminado") || !strings.Contains(stopped, "(dónde se detuvo, sin palabras de nadie, está en "+xdg.StateHome) {
		t.Errorf("stopped: %q", stopped)
	}
	for err, want := range map[error]string{
		err: "no hay terminal para preguntar la frase", missing: "este equipo no está inscrito: pide un código a quien administra el relé y ejecuta befree enrol --name ada",
		broken(nil): "befree fue terminado o se detuvo", errDumb: "funciona en ella (la consola necesita una terminal", errors.New("disk"): "disk",
	} {
		if got := program.Say(err); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	program.Speak("en")
	if got := program.Say(errNoTerminal); got != errNoTerminal.Error() {
		t.Errorf("with a setting of English: %q", got)
	}
}

// asked is what befree says of itself or of a mistake, in a language of which it is told in a certain way.
func asked(t *testing.T, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	program := &cli{}
	err := config.Run(t.Context(), "befree", purpose, args, &config.Std{In: strings.NewReader(""), Out: &said, Err: &said}, program)
	if err != nil {
		return program.Say(err)
	}
	return said.String()
}

// TestSpanishOfTheCommandLine: help, settings, manual and completion have no line of English where Spanish is spoken, and
// a mistake is told in it.
func TestSpanishOfTheCommandLine(t *testing.T) {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG", "BEFREE_LANGUAGE"} {
		t.Setenv(name, "")
	}
	os.Unsetenv("BEFREE_LANGUAGE")
	xdg.ConfigHome = t.TempDir()
	for _, args := range [][]string{
		{"--help"},
		{"demo", "--help"},
		{"enrol", "--help"},
		{"console", "--help"},
		{"review", "--help"},
		{"passphrase", "--help"},
		{"forget-files", "--help"},
		{"script", "--help"},
		{"config", "--help"},
		{"completion", "--help"},
		{"man", "--help"},
		{"config"},
		{"man"},
		{"completion", "fish"},
	} {
		english := map[string]bool{}
		for line := range strings.Lines(asked(t, args...)) {
			english[line] = true
		}
		if len(english) < 5 {
			t.Errorf("%q says %v", args, english)
		}
		for line := range strings.Lines(asked(t, append(args, "--language=es")...)) {
			if english[line] && wordy.MatchString(line) {
				t.Errorf("%q says in Spanish %q", args, line)
			}
		}
	}
	for args, want := range map[string]string{
		"":                         `se esperaba una de estas: "config", "completion", "man", "demo", "enrol", ...; befree --help dice lo que hay`,
		"console":                  "faltan opciones: --name=NOMBRE; befree --help dice lo que hay",
		"consle":                   `argumento inesperado: consle; ¿quisiste decir "console"?; befree`,
		"demo --seeds 1":           `no existe la opción --seeds; ¿quisiste decir "--seed"?; befree`,
		"demo --seed x":            `--seed: se esperaba un número natural de 64 bits y no "x"; befree`,
		"demo --lock-after x":      `--lock-after: se esperaba una duración como 10m y no "x": time`,
		"demo --theme pink":        `--theme debe ser una de "dark","light","contrast","16","none" y no "pink"; befree`,
		"demo --linear=2":          `--linear: el valor debe ser true, 1, yes, false, 0 o no, y no "2"; befree`,
		"demo --keys x":            `--keys: se esperaba "<clave>=<valor>" y no "x"; befree`,
		"completion":               `se esperaba "<shell>"; befree`,
		"script --name":            `--name: se esperaba un valor (string) y no "EOL" (<EOL>); befree`,
		"script --name --pace":     `; ¿quizá --name="--pace"?; befree`,
		"script --name a --pace x": `--pace: se esperaba un número y no "x" (string); befree`,
		"demo --replies wss://ada:secret@relay.example.org": "hay una dirección con contraseña en la línea de órdenes",
	} {
		if got := asked(t, append([]string{"--language", "es"}, strings.Fields(args)...)...); !strings.Contains(got, want) {
			t.Errorf("befree %s says %q, want %q", args, got, want)
		}
	}
	const missing, spanish = "demo --seed", "se esperaba un valor (uint)"
	t.Setenv("LANG", "es_MX.UTF-8")
	if got := asked(t, strings.Fields(missing)...); !strings.Contains(got, spanish) {
		t.Errorf("by the locale: %q", got)
	}
	t.Setenv("BEFREE_LANGUAGE", "en")
	if got := asked(t, strings.Fields(missing)...); !strings.Contains(got, "expected uint value") {
		t.Errorf("by the variable: %q", got)
	}
	t.Setenv("BEFREE_PACE", "x")
	if got := asked(t, "script", "--name", "a", "--language=es"); !strings.Contains(got, `--pace: se esperaba un número y no "x" (string) (de la variable BEFREE_PACE="x")`) {
		t.Errorf("of a variable: %q", got)
	}
	os.Unsetenv("BEFREE_LANGUAGE")
	t.Setenv("LANG", "C")
	settings := filepath.Join(xdg.ConfigHome, "befree", "befree.toml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(settings), 0o700), os.WriteFile(settings, []byte("language = \"es\"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got := asked(t, strings.Fields(missing)...); !strings.Contains(got, spanish) {
		t.Errorf("by the settings: %q", got)
	}
	if got := asked(t, "--help"); !strings.Contains(got, "Uso: befree <orden> [opciones]") {
		t.Errorf("help, by the settings: %q", got)
	}
}

// wordy lines are those in which somebody says something: two words and more of letters alone, or the place of some.
var wordy = regexp.MustCompile(`(^|\s)[a-z]{2,} [a-z]{2,}\b|\[flags\]|<command>`)
