package replies

import (
	"strings"
	"testing"
)

func TestDefault(t *testing.T) {
	titles := map[string]map[string]bool{}
	for _, r := range Default() {
		if titles[r.Title] == nil {
			titles[r.Title] = map[string]bool{}
		}
		titles[r.Title][r.Language] = true
		for _, word := range []string{"traffick", "befree", "police", "policía", "trata", "hotline"} {
			if strings.Contains(strings.ToLower(r.Text), word) {
				t.Errorf("%q says %q: whoever holds the phone may not be the texter", r.Title, word)
			}
		}
	}
	for title, languages := range titles {
		if len(languages) != 2 && title != "As agreed" {
			t.Errorf("%q is not there in both languages", title)
		}
	}
}

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"nothing":     {"", "begin each with [[reply]]"},
		"no text":     {"[[reply]]\ntitle = \"a\"\nlanguage = \"en\"", "give it a title and a text"},
		"language":    {"[[reply]]\ntitle = \"a\"\nlanguage = \"fr\"\ntext = \"b\"", "en or es"},
		"variable":    {"[[reply]]\ntitle = \"a\"\nlanguage = \"en\"\ntext = \"{name}\"", "the only variables"},
		"too long":    {"[[reply]]\ntitle = \"a\"\nlanguage = \"en\"\ntext = \"" + strings.Repeat("long ", 100) + "\"", "make two of it"},
		"keyword":     {"[[reply]]\ntitle = \"a\"\nlanguage = \"en\"\ntext = \"STOP\"", "carriers act on"},
		"no TOML":     {"[[reply", "quick replies"},
		"misspelling": {"[[reply]]\ntitel = \"a\"", "quick replies"},
	} {
		if _, err := Read(strings.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestFill(t *testing.T) {
	r := Reply{Text: "{opening} ({hours})"}
	if got, ok := r.Fill("Hi, pizza?", "8 to 9"); !ok || got != "Hi, pizza? (8 to 9)" {
		t.Errorf("%q, %t", got, ok)
	}
	if _, ok := r.Fill("Hi", ""); ok {
		t.Error("a text with a hole in it")
	}
}
