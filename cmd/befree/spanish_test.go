package main

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
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
	program.Review.Language = "en"
	if got := program.Say(errNoTerminal); got != errNoTerminal.Error() {
		t.Errorf("with a setting of English: %q", got)
	}
}
