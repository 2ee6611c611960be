package triage

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"He's HERE!":           "hes here",
		"he’s he‘s he´s he`s":  "hes hes hes hes",
		"niña NIÑA nin\u0303a": "nina nina nina",
		"ｇｕｎ 𝐠𝐮𝐧 Ⓖⓤⓝ gu\u200bn": "gun gun gun gun",
		"ﬁre ﷺx":                  "fire صلى الله عليه وسلمx",
		"15yo 2nite 233733abc b4": "15 yo 2nite 233733 abc b4",
		"a_b-c.d/e":               "a b c d e",
		"STRAßE İI ıi K":          "straße ii ii k",
		"a\xffb \xc3":             "a b",
		"½ x²":                    "1 2 x2",
		"😀gun😀":                   "gun",
	} {
		var words []string
		for _, tok := range tokens(text) {
			words = append(words, tok.word)
		}
		if diff := cmp.Diff(want, strings.Join(words, " ")); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

func TestTokensPlaces(t *testing.T) {
	got := tokens("¡Ñu, he’s\nin  it")
	want := []token{{"nu", 2, 5, true}, {"hes", 7, 13, true}, {"in", 14, 16, true}, {"it", 18, 20, false}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(token{})); diff != "" {
		t.Error(diff)
	}
}

// Words stand in order, none empty; a number and its unit, or a ligature, may share bytes, nothing else.
func TestTokensAreInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		end := 0
		for _, tok := range tokens(text) {
			if tok.word == "" || tok.start >= tok.end || tok.end > len(text) || tok.end < end {
				t.Fatalf("%+v after %d in %q", tok, end, text)
			}
			end = tok.end
		}
	})
}

func TestShortened(t *testing.T) {
	for _, c := range []struct{ word, once, twice string }{
		{"", "", ""},
		{"hurryyyy", "hurry", "hurryy"},
		{"killlll", "kil", "kill"},
		{"heeelllp", "help", "heellp"},
		{"moon", "moon", "moon"},
		{"911111", "911111", "911111"},
		{"ñññ", "ñ", "ññ"},
	} {
		if once, twice := shortened(c.word, 1), shortened(c.word, 2); once != c.once || twice != c.twice {
			t.Errorf("%q gives %q and %q", c.word, once, twice)
		}
	}
}
