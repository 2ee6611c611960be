package speech_test

import (
	"testing"

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
	} {
		if got := s.Word(english); got != want {
			t.Errorf("%q, want %q", got, want)
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
