package speech_test

import (
	"errors"
	"fmt"
	"testing"

	"befree.example/store"
	"befree.example/tui/speech"
)

func TestSpeech(t *testing.T) {
	for _, c := range []struct{ wish, waiting, one, two, unknown, hole string }{
		{"en_US.UTF-8", "Nobody is waiting.", "1 segment", "2 segments", "what", "To ada."},
		{"es_MX.UTF-8", "Nadie espera.", "1 segmento", "2 segmentos", "what", "To ada."},
		{"tlh", "Nobody is waiting.", "1 segment", "2 segments", "what", "To ada."},
		{"C", "Nobody is waiting.", "1 segment", "2 segments", "what", "To ada."},
	} {
		s := speech.For(c.wish)
		got := []string{s.T("Nobody is waiting."), s.N(1, "{{.N}} segments"), s.N(2, "{{.N}} segments"), s.Word("what"), s.T("To {{.Who}}.", "Who", "ada")}
		for i, want := range []string{c.waiting, c.one, c.two, c.unknown, c.hole} {
			if got[i] != want {
				t.Errorf("%s: %q, want %q", c.wish, got[i], want)
			}
		}
		if got := s.Word("{{.Bad}} {{printf"); got != "{{.Bad}} {{printf" {
			t.Errorf("%s: %q", c.wish, got)
		}
	}
}

// TestFilledSentences: what reaches the console as a whole sentence is said with the same names and numbers.
func TestFilledSentences(t *testing.T) {
	s := speech.For("es")
	for english, want := range map[string]string{
		"ben was quicker and has this conversation. Take the next one.":        "ben fue más rápido y tiene esta conversación. Toma la siguiente.",
		"ben holds 6 conversations, which is the limit.":                       "ben tiene 6 conversaciones, que es el límite.",
		"It has 1700 characters; at most 1600 can be kept. Shorten it by 100.": "Tiene 1700 caracteres; se pueden guardar 1600 como máximo. Acórtalo en 100.",
		"%s holds this conversation already.":                                  "%s ya tiene esta conversación.",
		"unknown flag --seeds, did you mean \"--seed\"?":                       "no existe la opción --seeds; ¿quisiste decir \"--seed\"?",
		"--pace: expected a float but got \"x\" (string) (from envar P=\"x\")": "--pace: se esperaba un número y no \"x\" (string) (de la variable P=\"x\")",
	} {
		if got := s.Word(english); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestErrors: an error is said with what it wraps; names and numbers in it stay.
func TestErrors(t *testing.T) {
	refused := errors.New("relay refused the sign-in")
	plain := errors.New("disk /dev/x is gone")
	for _, c := range []struct {
		err  error
		want string
	}{
		{plain, "disk /dev/x is gone"},
		{refused, "el relé rechazó la entrada"},
		{fmt.Errorf("not enrolled: %w", fmt.Errorf("%w; the code was not used up", refused)), "no se inscribió: el relé rechazó la entrada; el código no se gastó"},
		{fmt.Errorf("%w: %s", refused, "Claim it first."), "el relé rechazó la entrada: Claim it first."},
		{fmt.Errorf("%w --name %s --relay wss://THE-RELAY/line", refused, "%s ada"), "el relé rechazó la entrada --name %s ada --relay wss://EL-RELAY/line"},
		{errors.Join(plain, fmt.Errorf("profile: %w; name another folder with --profile", plain)), "disk /dev/x is gone\nperfil: disk /dev/x is gone; indica otra carpeta con --profile"},
		{fmt.Errorf("open the %s: %w", "cache", fmt.Errorf("%w: %s; close %s first", store.ErrInUse, "/ada/cache.db", "process 12")), "al abrir (cache): el archivo está abierto en otro befree: /ada/cache.db; cierra antes el proceso 12"},
		{fmt.Errorf("%w: %s: %s; restore it from a backup", store.ErrDamaged, "/ada/cache.db", "its version is missing"), "el registro está dañado: /ada/cache.db: falta su versión; recupéralo de una copia"},
		{fmt.Errorf("%q is not the address of a relay; it looks like wss://relay.example.org/line", "http://x"), `"http://x" no es la dirección de un relé; una es como wss://relay.example.org/line`},
		{fmt.Errorf("a new passphrase has at least %d characters, this one has fewer; four words are good", 12), "una frase nueva tiene al menos 12 caracteres y esta tiene menos; cuatro palabras están bien"},
	} {
		if got := speech.For("es").Error(c.err); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if got := speech.For("en").Error(c.err); got != c.err.Error() {
			t.Errorf("in English %q, want %q", got, c.err)
		}
	}
}

func BenchmarkT(b *testing.B) {
	s := speech.For("es")
	b.Run("sentence", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.T("Nobody is waiting.")
		}
	})
	b.Run("hole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.T("To {{.Who}}.", "Who", "ada")
		}
	})
	b.Run("number", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.N(2, "{{.N}} segments")
		}
	})
}
