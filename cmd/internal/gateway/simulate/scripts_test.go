package simulate

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"befree.example/store/sms"
)

func (s *Script) lines() (all []line) {
	for _, scene := range s.scenes {
		for _, p := range scene.passages() {
			all = append(all, p.lines...)
		}
	}
	return all
}

func anyLine(f func(l line) bool) bool {
	return slices.ContainsFunc(Embedded(), func(s *Script) bool { return slices.ContainsFunc(s.lines(), f) })
}

func TestEmbedded(t *testing.T) {
	scripts := Embedded()
	if len(scripts) < 14 {
		t.Errorf("%d texters, want 14 or more", len(scripts))
	}
	kinds := map[string]int{}
	for _, s := range scripts {
		kinds[s.Language+" "+s.Severity]++
		if kinds[s.Scenario]++; kinds[s.Scenario] > 1 {
			t.Errorf("%s: another script has this scenario", s.File)
		}
	}
	for _, k := range []string{
		"en imminent", "en high", "en standard", "en information", "es imminent", "es high", "es information",
	} {
		if kinds[k] == 0 {
			t.Errorf("nobody is %s", k)
		}
	}
}

// TestWhatIsPlayed holds the scripts to what a trainee must meet.
func TestWhatIsPlayed(t *testing.T) {
	says := func(words string) func(line) bool {
		return func(l line) bool { return l.body.Reveal() == words }
	}
	has := func(marks string) func(line) bool {
		return func(l line) bool { return strings.ContainsAny(l.body.Reveal(), marks) }
	}
	for name, is := range map[string]func(line) bool{
		"a cry that begins with STOP": says("stop him he's here"),
		"STOP":                        says("STOP"),
		"START":                       says("START"),
		"HELP":                        says("HELP"),
		"INFO":                        says("INFO"),
		"just k":                      says("k"),
		"escape sequences":            has("\x1b"),
		"bidi controls":               has("\u202e"),
		"characters of no width":      has("\u200b"),
		"bytes that are not UTF-8":    func(l line) bool { return strings.Contains(l.body.Reveal(), "\x9b") },
		"accents":                     has("áéíóú"),
		"a picture without words":     func(l line) bool { return l.body == "" && len(l.media) == 1 },
		"long UCS-2":                  func(l line) bool { return len(utf16.Encode([]rune(l.body.Reveal()))) > 4*67 },
		"a day's absence":             func(l line) bool { return l.delay > 12*away },
	} {
		if !anyLine(is) {
			t.Errorf("nobody has %s", name)
		}
	}
	if !slices.ContainsFunc(Embedded(), func(s *Script) bool { return s.lost[1] == 30003 }) {
		t.Error("no first text is lost with 30003")
	}
}

var digits = regexp.MustCompile(`[0-9][0-9 ().-]{5,}[0-9]`)

// TestNothingReal: each number in a text is fictional, each host reserved.
func TestNothingReal(t *testing.T) {
	for _, s := range Embedded() {
		for _, l := range s.lines() {
			for _, n := range digits.FindAllString(l.body.Reveal(), -1) {
				if p, err := sms.Parse(n, "US"); err != nil || !fictional.MatchString(p.Reveal()) {
					t.Errorf("%s: a text has a number that is not fictional", s.File)
				}
			}
			for _, m := range l.media {
				if u, err := url.Parse(m.URL); err != nil || !strings.HasSuffix(u.Host, ".example") {
					t.Errorf("%s: a picture's host is not reserved", s.File)
				}
			}
		}
	}
}

// TestReadmeExample holds the description's own example to what it describes.
func TestReadmeExample(t *testing.T) {
	readme := readFile(t, "scripts/README.md")
	_, example, _ := strings.Cut(readme, "```\n")
	example, _, _ = strings.Cut(example, "```\n")
	remarks := regexp.MustCompile(`(?m) {3,}.*$`)
	s, err := Parse("README.md", strings.NewReader(remarks.ReplaceAllString(example, "")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]sms.Text{"he's at the door", "pls"}, s.First()); diff != "" {
		t.Error(diff)
	}
}
