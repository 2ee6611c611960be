package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"befree.example/tui/text"

	"befree.example/store/sms/smstest"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"as it is", "he took my passport\nplease", "he took my passport\nplease"},
		{"Spanish", "¿dónde estás?", "¿dónde estás?"},
		{"clear screen", "\x1b[2Jgone", "‹ESC›[2Jgone"},
		{"C1", "\u009b31mred", "‹U+009B›31mred"},
		{"raw C1", "\x9b31mred", "\ufffd31mred"},
		{"return", "this is safe\rFORGED", "this is safe‹CR›FORGED"},
		{"Windows lines", "a\r\nb", "a\nb"},
		{"tabs", "a\tb", "a    b"},
		{"RLO", "safe \u202egnp.exe", "safe ‹RLO›gnp.exe"},
		{"zero width", "pass\u200bword", "pass‹ZWSP›word"},
		{"family", "👩\u200d👩\u200d👧", "👩👩👧"},
		{"joiner alone", "a\u200db", "a‹ZWJ›b"},
		{"heart", "❤\ufe0f", "❤"},
		{"marks", "a" + strings.Repeat("\u0301", 9), "a" + strings.Repeat("\u0301", 4) + "‹+5 marks›"},
		{"mark alone", "\u0301", "◌\u0301"},
		{"separators", "a\u2028b\u2029c", "a\nb\nc"},
		{"private", "\ue000", "‹U+E000›"},
		{"no-break space", "a\u00a0b", "a b"},
		{"braille blank", "\u2800", "‹U+2800›"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := text.Clean(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestInput(t *testing.T) {
	if got, want := text.Input("a\tb\r\nc\x1b[31m\u200bd\u202e\xff"), "a    b\nc[31md"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLine(t *testing.T) {
	if got := text.Line("a\n\n\nb"); got != "a b" {
		t.Errorf("%q", got)
	}
}

func TestHostile(t *testing.T) {
	for _, s := range smstest.Hostile() {
		check(t, s)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range smstest.Hostile() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { check(t, s) })
}

// check holds what Clean promises of any bytes.
func check(t *testing.T, s string) {
	t.Helper()
	got := text.Clean(s)
	if !utf8.ValidString(got) || ansi.Strip(got) != got {
		t.Fatalf("%q became %q", s, got)
	}
	marks := 0
	for _, r := range got {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Fatalf("%U of %q survived", r, s)
		}
		if marks++; !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		}
		if marks > 4 {
			t.Fatalf("%q keeps more than four marks in a row", s)
		}
	}
	if again := text.Clean(got); again != got {
		t.Fatalf("%q, cleaned again %q", got, again)
	}
	if strings.Contains(text.Line(s), "\n") {
		t.Fatalf("%q has more than a line", s)
	}
	if in := text.Input(s); text.Input(in) != in || strings.ContainsAny(in, "\x1b\r\t\u009b") {
		t.Fatalf("%q typed gives %q", s, in)
	}
}
