package sms

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"befree.example/store/sms/smstest"
)

func TestSegmentsAgreeWithCalculator(t *testing.T) {
	f, err := os.Open("testdata/segments.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, n := bufio.NewScanner(f), 0
	for ; lines.Scan(); n++ {
		var want struct {
			Text string
			Segmentation
		}
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Segmentation, Segments(want.Text)); diff != "" {
			t.Errorf("%.40q:\n%s", want.Text, diff)
		}
	}
	if err := lines.Err(); err != nil || n != 71 {
		t.Fatalf("read %d lines, %v", n, err)
	}
}

func TestSegments(t *testing.T) {
	family := "👩\u200d👩\u200d👧\u200d👦" // 11 units
	for _, c := range []struct {
		name, text string
		want       Segmentation
	}{
		{"empty", "", Segmentation{GSM7, 0, 1}},
		{"escape character", "\x1b", Segmentation{UCS2, 1, 1}},
		{"escape pair does not straddle", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), Segmentation{GSM7, 306, 3}},
		{"surrogate pair does not straddle", strings.Repeat("日", 66) + "😀" + strings.Repeat("日", 66), Segmentation{UCS2, 134, 3}},
		{"flags stay whole", strings.Repeat("🇺🇸", 33), Segmentation{UCS2, 132, 3}},
		{"families stay together", strings.Repeat(family, 13), Segmentation{UCS2, 143, 3}},
		{"six families a segment", strings.Repeat(family, 12), Segmentation{UCS2, 132, 2}},
		{"a pile of marks is parted", "a" + strings.Repeat("\u0301", 200), Segmentation{UCS2, 201, 3}},
		{"bytes that are not UTF-8", "a\xff\xfeb", Segmentation{UCS2, 4, 1}},
		{"many such bytes", strings.Repeat("\xff", 71), Segmentation{UCS2, 71, 2}},
	} {
		if diff := cmp.Diff(c.want, Segments(c.text)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// bounds checks what must hold of any text.
func bounds(t interface{ Fatalf(string, ...any) }, text string) {
	s, forcing := Segments(text), Forcing(text)
	if (s.Encoding == UCS2) != (len(forcing) > 0) {
		t.Fatalf("%+v, but %q force UCS-2", s, forcing)
	}
	if s.Encoding == UCS2 && s.Units != len(utf16.Encode([]rune(text))) {
		t.Fatalf("%+v, but UTF-16 has %d", s, len(utf16.Encode([]rune(text))))
	}
	r := rooms[s.Encoding]
	if (s.Segments == 1) != (s.Units <= r.alone) || s.Segments > 1 && s.Segments*r.shared < s.Units {
		t.Fatalf("%+v does not fit", s)
	}
	again := Replace(text)
	if Replace(again) != again {
		t.Fatalf("replacing twice gives %q, then %q", again, Replace(again))
	}
	if after := Segments(again); s.Encoding == GSM7 && after != s {
		t.Fatalf("%+v became %+v for nothing", s, after)
	}
}

func TestSegmentsHoldForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]rune("ab€[ñí日😀\u200d👩\r\n’…\u0301🇺🇸"))
		bounds(t, string(rapid.SliceOfN(alphabet, 0, 400).Draw(t, "text")))
	})
	for _, text := range smstest.Hostile() {
		bounds(t, text)
	}
}

// A text that grows never takes fewer segments, so the composer's count cannot jump back while somebody types on.
func TestSegmentsGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]rune("a€日😀")), 0, 300).Draw(t, "text")
		before := Segments(string(text))
		after := Segments(string(append(text, rapid.SampledFrom([]rune("a€日😀")).Draw(t, "next"))))
		if after.Segments < before.Segments {
			t.Fatalf("%+v, then %+v", before, after)
		}
	})
}

func TestForcing(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain [text] €": "", "¿Está segura? Sí, está": "áí", "“a” “b” — 😀": "“”—😀", "a\xffb": "\ufffd",
	} {
		if got := string(Forcing(text)); got != want {
			t.Errorf("in %q %q force UCS-2, want %q", text, got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"It’s “safe” — now…":             `It's "safe" - now...`,
		"a\u00a0b\u202fc\td":             "a b c d",
		"zero\u200bwidth\ufeff":          "zerowidth",
		"Está aquí, ñandú 😀":             "Está aquí, ñandú 😀",
		"1½ cups":                        "1½ cups",
		"«sí»":                           `"sí"`,
		"👩\u200d👩":                       "👩\u200d👩",
		"a\xffb":                         "a\ufffdb",
		"already plain 'a' \"b\" - c...": "already plain 'a' \"b\" - c...",
	} {
		if got := Replace(text); got != want {
			t.Errorf("Replace(%q) = %q, want %q", text, got, want)
		}
	}
	for r, s := range typographic {
		if septets[r] != 0 || Segments(s).Encoding != GSM7 {
			t.Errorf("%q to %q: in the alphabet already, or not made so", r, s)
		}
	}
	if len(septets) != 137 {
		t.Errorf("the alphabet has %d characters, want 127 and 10", len(septets))
	}
}

func FuzzSegments(f *testing.F) {
	for _, s := range smstest.Hostile() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { bounds(t, text) })
}
