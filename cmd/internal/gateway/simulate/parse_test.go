package simulate

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

const beginning = "scenario: x\nlanguage: en\nseverity: high\nnumber: +12025550147\n"

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParse(t *testing.T) {
	s, err := Parse("a.txt", strings.NewReader("\ufeff# a remark\r\n"+beginning+`undelivered: 2 30003
undelivered: 5 30007

[start]
  1m30s   hello  there
0s "two\nlines \"\x9b\u200b"
0s [image/png https://media.example/a?b=1] look
if: Call 911, ¿Policía?, don’t ,
  go to b
if silent 1500ms
if silent 2h
  end
[b]
1s 👩🏽‍🦱❤️
end
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int{2: 30003, 5: 30007}, s.lost); diff != "" {
		t.Error(diff)
	}
	want := []line{
		{delay: 90 * time.Second, body: "hello  there"},
		{body: "two\nlines \"\x9b\u200b"},
		{body: "look", media: []gateway.Media{{URL: "https://media.example/a?b=1", Type: "image/png"}}},
	}
	if diff := cmp.Diff(want, s.scenes[0].lines, cmp.AllowUnexported(line{})); diff != "" {
		t.Error(diff)
	}
	rules := s.scenes[0].rules
	if diff := cmp.Diff([]string{" call 911 ", " policia ", " dont "}, rules[0].words); diff != "" {
		t.Error(diff)
	}
	if rules[0].to != s.scenes[1] || rules[1].silence != 1500*time.Millisecond || !rules[2].over {
		t.Error("the rules are not as written")
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		row  int
		what string // part of the message
		text string
	}{
		{1, "no scene", ""},
		{1, "not understood", "hello"},
		{1, "not understood", "colour: red"},
		{1, "empty", "scenario:"},
		{2, "twice", "scenario: a\nscenario: b"},
		{1, "small letters", "language: English"},
		{1, "one of imminent", "severity: urgent"},
		{1, "fictional", "number: +12025551234"},
		{1, "fictional", "number: 2025550147"},
		{1, "fictional", "number: +1202555014 7"},
		{1, "undelivered: 1 30003", "undelivered: 30003"},
		{1, "undelivered: 1 30003", "undelivered: 0 30003"},
		{2, "already", "undelivered: 1 30003\nundelivered: 1 30004"},
		{2, `"language:" is missing`, "scenario: a\n[start]"},
		{4, "no scene", beginning},
		{5, "[name]", beginning + "[start"},
		{5, "[name]", beginning + "[ ]"},
		{7, "already, in line 5", beginning + "[start]\nend\n[start]\nend"},
		{6, "not understood", beginning + "[start]\nhello"},
		{6, "a time is", beginning + "[start]\n5 hello"},
		{6, "a time is", beginning + "[start]\n5x hello"},
		{6, "0s to 168h", beginning + "[start]\n169h hello"},
		{6, "text is empty", beginning + "[start]\n5s"},
		{6, "text is empty", beginning + "[start]\n5s \"\""},
		{6, "quotation mark", beginning + "[start]\n5s \"hello"},
		{6, "1600", beginning + "[start]\n5s " + strings.Repeat("a", 1601)},
		{6, ".example", beginning + "[start]\n5s [image/png http://media.example/a]"},
		{6, ".example", beginning + "[start]\n5s [image/png https://media.com/a]"},
		{6, "type such as", beginning + "[start]\n5s [png https://media.example/a]"},
		{6, "cannot be seen", beginning + "[start]\n5s \x1b[2J"},
		{6, "cannot be seen", beginning + "[start]\n5s a\u200bb"},
		{6, "UTF-8", beginning + "[start]\n5s a\xff"},
		{6, "too long", beginning + "[start]\n" + strings.Repeat("a", longestLine+1)},
		{6, "a rule is", beginning + "[start]\nif he calls"},
		{6, "words are missing", beginning + "[start]\nif: , ?"},
		{6, "longer than nothing", beginning + "[start]\nif silent 0s"},
		{6, "a time is", beginning + "[start]\nif silent long"},
		{7, `above "if anything"`, beginning + "[start]\nif anything\nif: police"},
		{7, `above "if anything"`, beginning + "[start]\nif anything\nif anything"},
		{7, "never reached", beginning + "[start]\nend\n5s hello"},
		{7, "never reached", beginning + "[start]\nend\nif anything"},
		{6, "no scene of this name", beginning + "[start]\ngo to nowhere"},
		{5, "last for ever", beginning + "[start]\n5s hello"},
		{5, "last for ever", beginning + "[start]\nif anything\nend"},
		{6, "last for ever", beginning + "[start]\nif silent 2m\n0s hello"},
		{8, "never reached", beginning + "[start]\nif silent 2m\nend\nif silent 2m\nend"},
		{5, "round for ever", beginning + "[start]\nif: out\nend\nif silent 2m\ngo to start"},
		{7, "no line goes", beginning + "[start]\nend\n[b]\nend"},
	} {
		_, err := Parse("a.txt", strings.NewReader(c.text))
		if err == nil {
			t.Errorf("no mistake found, want %q in %q", c.what, c.text)
			continue
		}
		if want := "a.txt:" + itoa(c.row) + ": "; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), c.what) {
			t.Errorf("got %q, want %q and %q", err, want, c.what)
		}
	}
}

func itoa(n int) string { return string(rune('0' + n)) }

func TestUnreadable(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := Parse("a.txt", iotest.ErrReader(broken))
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "a.txt:1: ") {
		t.Errorf("got %v", err)
	}
}

func TestLoad(t *testing.T) {
	good := beginning + "[start]\n5s hello\nend\n"
	other := strings.ReplaceAll(good, "+1202", "+1303")
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	scripts, err := Load(fstest.MapFS{"a.txt": file(good), "b.txt": file(other), "README.md": file("x")}, "*.txt")
	if err != nil || len(scripts) != 2 || scripts[0].File != "a.txt" || scripts[1].Number != "+13035550147" {
		t.Errorf("got %d scripts, %v", len(scripts), err)
	}
	_, err = Load(fstest.MapFS{"a.txt": file(good), "b.txt": file("x"), "c.txt": file("[a]")}, "*.txt")
	if err == nil || !strings.Contains(err.Error(), "b.txt:1: ") || !strings.Contains(err.Error(), "\nc.txt:1: ") {
		t.Errorf("got %v, want a line for each bad file", err)
	}
	_, err = Load(fstest.MapFS{"a.txt": file(good), "b.txt": file(good)}, "*.txt")
	if err == nil || !strings.Contains(err.Error(), "area code") {
		t.Errorf("got %v for two texters in one area", err)
	}
	if _, err := Load(fstest.MapFS{}, "["); err == nil {
		t.Error("a bad pattern was accepted")
	}
}

var errorShape = regexp.MustCompile(`^f\.txt:[1-9][0-9]*: [^\n]+$`)

func FuzzParse(f *testing.F) {
	for _, s := range Embedded() {
		f.Add(readFile(f, s.File))
	}
	f.Add(beginning + "[start]\nif silent 2m\ngo to b\n[b]\nif silent 1s\ngo to start\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("f.txt", strings.NewReader(text))
		if err != nil {
			if !errorShape.MatchString(err.Error()) {
				t.Errorf("error is not one line with a place: %q", err)
			}
			return
		}
		if !fictional.MatchString(s.Number.Reveal()) || together([]*Script{s}) != nil {
			t.Error("a script that cannot be played was accepted")
		}
		for scene, n := s.scenes[0], 0; scene != nil; scene, n = scene.alone(), n+1 {
			if n > len(s.scenes) {
				t.Fatal("left alone it never ends")
			}
		}
	})
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "  ",
		"Are you SAFE?":         " are you safe ",
		"¿Está segura, señora?": " esta segura senora ",
		"don't / don’t":         " dont dont ",
		"call   911!":           " call 911 ",
		"esta\u0301":            " esta ",
		"👩🏽 ok":                 " ok ",
		"\x1b[2Jx\u200by":       " 2jx y ",
	} {
		if got := fold(text); got != want {
			t.Errorf("fold(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	r := &rule{words: phrases("safe, call 911, policía")}
	for reply, want := range map[string]bool{
		"Are you safe?": true, "unsafe": false, "safely": false, "please call 911 now": true, "call 9111": false,
		"La POLICIA viene": true, "": false,
	} {
		if got := r.matches(fold(reply)); got != want {
			t.Errorf("%q: %v", reply, got)
		}
	}
	if !(&rule{}).matches(fold("")) {
		t.Error("a rule without words takes everything")
	}
}

// TestFirstMatchingRule: each rule once while the scene lasts, the first that fits goes first.
func TestFirstMatchingRule(t *testing.T) {
	rules := []*rule{{words: phrases("a")}, {silence: time.Minute}, {words: phrases("a, b")}, {}}
	for _, c := range []struct {
		used  []bool
		reply sms.Text
		want  int
	}{
		{[]bool{false, false, false, false}, "a", 0},
		{[]bool{true, false, false, false}, "a", 2},
		{[]bool{true, false, true, false}, "a", 3},
		{[]bool{true, false, true, true}, "a", -1},
		{[]bool{false, false, false, false}, "b", 2},
	} {
		if got := answering(rules, c.used, c.reply); got != c.want {
			t.Errorf("used %v, %q: rule %d, want %d", c.used, c.reply.Reveal(), got, c.want)
		}
	}
}
