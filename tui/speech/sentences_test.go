package speech_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/triage"
	"befree.example/tui/replies"
)

// catalogue reads a language's sentences: for each the holes of what is said.
func catalogue(t *testing.T, language string) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile(language + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := toml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for id, said := range file {
		forms, many := said.(map[string]any)
		if !many {
			forms = map[string]any{"other": said}
		}
		for form, words := range forms {
			if strings.TrimSpace(words.(string)) == "" {
				t.Errorf("%s: %q says nothing for %s", language, id, form)
			}
			all[id] = holesIn(words.(string))
		}
	}
	return all
}

var hole = regexp.MustCompile(`\.([A-Z]\w*)|%[sdvwqocT]`)

func holesIn(s string) (names []string) {
	for _, m := range hole.FindAllStringSubmatch(s, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A use of a sentence is in its source, with the names of what fills its holes; nil for one that comes as data.
type use struct {
	at    string
	holes []string
}

// source finds what a Go file has T and N say, and the literals that want takes, by what stands around them.
func source(t *testing.T, file string, into map[string]use, want func(around []ast.Node, literal string) bool) {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var around []ast.Node
	ast.Inspect(parsed, func(n ast.Node) bool {
		if n == nil {
			around = around[:len(around)-1]
			return true
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			called(t, set, n, into)
		case *ast.BasicLit:
			if words := unquoted(n); words != "" && want != nil && want(around, words) {
				into[words] = use{at: set.Position(n.Pos()).String()}
			}
		}
		around = append(around, n)
		return true
	})
}

// called takes a sentence out of a call of T or N.
func called(t *testing.T, set *token.FileSet, call *ast.CallExpr, into map[string]use) {
	t.Helper()
	f, ok := call.Fun.(*ast.SelectorExpr)
	skip := map[bool]map[string]int{true: {"T": 0, "N": 1}}[ok]
	if !ok {
		return
	}
	first, ok := skip[f.Sel.Name]
	if !ok || len(call.Args) <= first { // another's T or N
		return
	}
	at := set.Position(call.Pos()).String()
	english := unquoted(call.Args[first])
	if english == "" {
		t.Errorf("%s: a sentence is not written out", at)
		return
	}
	holes := []string{}
	if f.Sel.Name == "N" {
		holes = append(holes, "N")
	}
	for i := first + 1; i < len(call.Args); i += 2 {
		if name := unquoted(call.Args[i]); name != "" {
			holes = append(holes, name)
		} else {
			holes = holesIn(english) // filled by a function
		}
	}
	slices.Sort(holes)
	into[english] = use{at, holes}
}

func unquoted(n ast.Node) string {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(l.Value)
	return s
}

// argument tells whether a literal is one of a call of a function.
func argument(around []ast.Node, name string) bool {
	call, ok := around[len(around)-1].(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.Ident)
	return ok && f.Name == name
}

// inside tells whether a literal stands in a declaration of that name.
func inside(around []ast.Node, name string) bool {
	return slices.ContainsFunc(around, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return n.Name.Name == name
		case *ast.ValueSpec:
			return n.Names[0].Name == name
		}
		return false
	})
}

func keyed(around []ast.Node, name string) bool {
	kv, ok := around[len(around)-1].(*ast.KeyValueExpr)
	if !ok {
		return false
	}
	key, ok := kv.Key.(*ast.Ident)
	return ok && key.Name == name
}

// sentences are all that the console may say, from its own source and from what reaches it as data.
func sentences(t *testing.T) map[string]use {
	all := map[string]use{}
	console, err := filepath.Glob("../*.go")
	if err != nil || len(console) < 20 {
		t.Fatal(console, err)
	}
	for _, file := range console {
		if !strings.HasSuffix(file, "_test.go") {
			source(t, file, all, func(around []ast.Node, words string) bool {
				return keyed(around, "name") && inside(around, "commands") || inside(around, "questions") ||
					(inside(around, "newSafety") || inside(around, "newRefer")) && (argument(around, "words") || argument(around, "yes")) ||
					strings.HasPrefix(words, "Note kept on") || strings.HasSuffix(file, "safety.go") && strings.HasSuffix(words, ".") && strings.Contains(words, " ") ||
					strings.HasSuffix(words, "when there is a connection.") || strings.HasPrefix(words, "The connection broke off.")
			})
		}
	}
	for file, want := range map[string]func([]ast.Node, string) bool{
		"desk/decide.go":              refused,
		"desk/decide_claim.go":        refused,
		"desk/decide_text.go":         refused,
		"desk/flood.go":               refused,
		"desk/safety.go":              func(around []ast.Node, s string) bool { return refused(around, s) || inside(around, "Gate") },
		"desk/apply.go":               func(_ []ast.Node, s string) bool { return strings.Contains(s, " ") },
		"plan/markdown.go":            nil,
		"store.go":                    wanting("ErrInUse", "ErrDamaged"),
		"bolt/cache.go":               wanting("ErrOwner", "ErrRevoked"),
		"bolt/file.go":                opened,
		"bolt/lock.go":                opened,
		"seal/seal.go":                wanting("ErrPassphrase"),
		"../client/aside.go":          made,
		"../client/client.go":         made,
		"../client/enrol.go":          made,
		"../client/identity.go":       made,
		"../client/run.go":            made,
		"../client/trusted.go":        made,
		"../cmd/befree/console.go":    made,
		"../cmd/befree/demo.go":       made,
		"../cmd/befree/display.go":    made,
		"../cmd/befree/enrol.go":      made,
		"../cmd/befree/files.go":      made,
		"../cmd/befree/main.go":       wanting("purpose"),
		"../cmd/befree/passphrase.go": made,
		"../cmd/befree/print.go":      made,
		"../cmd/befree/profile.go":    made,
		"../cmd/befree/screen.go":     made,
		"../cmd/befree/script.go":     made,
		"../cmd/befree/verbs.go":      made,
		"../cmd/befree/warden.go": func(around []ast.Node, s string) bool {
			return made(around, s) && !inside(around, "errNowhere")
		},
		"../cmd/internal/config/config.go": func(around []ast.Node, s string) bool {
			return made(around, s) && !inside(around, "ErrSaid")
		},
		"../cmd/internal/config/own.go": func(around []ast.Node, s string) bool {
			return argument(around, "comment") && strings.HasSuffix(s, ".")
		},
		"../cmd/internal/config/private.go": made,
		"../tui/commands.go":                made,
		"../tui/guard.go":                   made,
		"../tui/replies/replies.go":         made,
		"plan/card.go": func(around []ast.Node, s string) bool {
			return inside(around, "ErrPhoneNotSafe") || inside(around, "CardProblems") && strings.HasSuffix(s, ".")
		},
		"../client/trust.go": func(around []ast.Node, s string) bool {
			return inside(around, "errPin") || inside(around, "trouble") && strings.Contains(s, " ")
		},
		"../cmd/internal/relay/enrolment.go": func(around []ast.Node, s string) bool { return inside(around, "inStep") && strings.HasSuffix(s, ".") },
		"../client/session.go":               func(around []ast.Node, _ string) bool { return keyed(around, "Text") || inside(around, "MayBeSent") },
		"../client/do.go":                    func(_ []ast.Node, s string) bool { return strings.HasSuffix(s, "Nothing was done.") },
		"../cmd/internal/relay/presence.go":  func(around []ast.Node, _ string) bool { return inside(around, "mayAsk") && keyed(around, "Text") },
		"../cmd/internal/relay/media.go":     func(_ []ast.Node, s string) bool { return strings.HasSuffix(s, ".") },
		"desk/decide_send.go":                refused,
		"../cmd/internal/relay/desk.go":      func(around []ast.Node, s string) bool { return keyed(around, "Text") },
		"desk/decide_forget.go":              func(_ []ast.Node, s string) bool { return strings.HasSuffix(s, ".") },
		"desk/redaction.go":                  refused,
		"desk/referral.go":                   refused,
		"../cmd/internal/gateway/gateway.go": func(around []ast.Node, _ string) bool {
			return inside(around, "ErrMediaGone") || inside(around, "ErrMediaLarge") || inside(around, "ErrMediaFar") || inside(around, "ErrMediaNow")
		},
		"../cmd/internal/gateway/twilio/codes.go": func(_ []ast.Node, s string) bool { return strings.HasSuffix(s, ".") },
	} {
		source(t, "../../store/"+file, all, want)
	}
	for _, folder := range []string{"../../cmd/befree", "../../cmd/internal/config"} {
		explained(t, folder, all)
	}
	ofKong(t, all)
	data := []string{
		"Usage: %s <command> [flags]", "Usage: %s [flags]", "Arguments:", "Flags:", "Commands:", // of kong's help
		`Run "%s <command> --help" for more information on a command.`, "Show context-sensitive help.",
		"Name", "Synopsis", "Description", "Options", "Commands", "OPTIONS", "COMMANDS", "options...", "argument...", "%s [flags]", // of a manual
		"yes", "no", string(desk.Specialist), string(desk.Supervisor),
		string(desk.TextForgotten), string(desk.NumberForgotten), string(desk.NotesForgotten), string(desk.PlansForgotten),
		desk.FlagDangerWord, desk.FlagSafeWord, desk.FlagReturned, desk.FlagHelpAgain, desk.FlagFlood, desk.FlagMedia, desk.FlagLate, desk.FlagPassed, desk.FlagUndated,
		triage.HelpAlone, triage.InfoAlone, triage.LeadsWithStop, triage.MoreThanAsking,
	}
	for _, i := range plan.Items() {
		data = append(data, i.Title, i.Stage.Title())
	}
	for _, k := range desk.Kinds() { // as befree script tells what it found
		if len(desk.Words(store.Event{Kind: k, Body: everything})) > 0 {
			data = append(data, string(k))
		}
	}
	for _, s := range []desk.Status{
		desk.StatusWaiting, desk.StatusStarted, desk.StatusUnknown, desk.StatusAccepted, desk.StatusScheduled, desk.StatusQueued, desk.StatusSending,
		desk.StatusSent, desk.StatusDelivered, desk.StatusUndelivered, desk.StatusFailed, desk.StatusRead, desk.StatusRefused, desk.StatusWithdrawn,
	} {
		data = append(data, string(s))
	}
	for _, s := range []triage.Severity{triage.Imminent, triage.High, triage.Standard, triage.Information} {
		data = append(data, s.Word())
	}
	for _, r := range replies.Default() {
		data = append(data, r.Title)
	}
	for d := range 7 {
		data = append(data, time.Weekday(d).String())
	}
	for m := time.January; m <= time.December; m++ {
		data = append(data, m.String(), m.String()[:3])
	}
	rules, err := os.ReadFile("../../store/triage/rules.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^name = "(.*)"$`).FindAllStringSubmatch(string(rules), -1) {
		data = append(data, m[1])
	}
	for _, words := range data {
		if _, ok := all[words]; !ok {
			all[words] = use{at: "data"}
		}
	}
	return all
}

// everything is a body that has words, of whatever kind.
var everything = []byte(`{"text":"w","reason":"w","summary":"w","opening":"w","fields":{"situation/where":"w"},"to":"w"}`)

// explained finds what the flags and commands in a folder say of themselves.
func explained(t *testing.T, folder string, into map[string]use) {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.go")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && f.Tag != nil && !strings.HasSuffix(file, "_test.go") {
				tag := reflect.StructTag(unquoted(f.Tag))
				for _, words := range []string{tag.Get("help"), tag.Get("placeholder")} {
					if words != "" {
						into[words] = use{at: set.Position(f.Pos()).String()}
					}
				}
			}
			return true
		})
	}
}

// ofKong finds what kong says of a mistake in a command line, in its own source: a newer one may say it otherwise.
func ofKong(t *testing.T, into map[string]use) {
	t.Helper()
	kong, err := build.Import("github.com/alecthomas/kong", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	before := len(into)
	for file, where := range map[string][]string{
		"context.go": {
			"trace", "parseFlag", "checkMissingFlags", "checkMissingChildren", "checkMissingPositionals", "checkEnum", "findPotentialCandidates",
		},
		"mapper.go": {"parseBoolToken", "durationDecoder", "intDecoder", "uintDecoder", "floatDecoder", "mapDecoder"},
		"model.go":  {"Reset"}, "scanner.go": {"Error"},
	} {
		source(t, filepath.Join(kong.Dir, file), into, func(around []ast.Node, s string) bool {
			said := made(around, s) || calledAs(around, "Sprintf") && sentence.MatchString(s) || argument(around, "findPotentialCandidates")
			return said && !strings.Contains(s, "mapper for") && !strings.Contains(s, "can only be") && !strings.Contains(s, "on map field") &&
				slices.ContainsFunc(where, func(f string) bool { return inside(around, f) })
		})
	}
	if n := len(into) - before; n < 20 {
		t.Fatalf("kong seems to say %d things", n)
	}
}

// made tells whether a sentence is that of an error.
func made(around []ast.Node, words string) bool {
	return (calledAs(around, "New") || calledAs(around, "Errorf")) && sentence.MatchString(words)
}

// opened takes what is said of a file that cannot be opened.
func opened(around []ast.Node, words string) bool {
	return made(around, words) || argument(around, "damaged") && !strings.HasSuffix(words, "(") || inside(around, "holder") && strings.Contains(words, " ")
}

// calledAs tells whether a literal is one of a call of a package's function.
func calledAs(around []ast.Node, name string) bool {
	call, ok := around[len(around)-1].(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == name
}

var sentence = regexp.MustCompile(`[a-z] [a-z%"]`)

// wanting takes the sentences of those errors.
func wanting(names ...string) func([]ast.Node, string) bool {
	return func(around []ast.Node, _ string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return inside(around, n) })
	}
}

func refused(around []ast.Node, words string) bool {
	return argument(around, "refuse") && strings.Contains(words, " ") && !strings.HasPrefix(words, "%s Sending")
}

// TestEverySentenceIsThereInEveryLanguage compares what the console may say with the catalogues, both ways.
func TestEverySentenceIsThereInEveryLanguage(t *testing.T) {
	used, spanish, english := sentences(t), catalogue(t, "es"), catalogue(t, "en")
	if len(used) < 300 {
		t.Fatalf("only %d sentences were found", len(used))
	}
	for _, id := range slices.Sorted(maps.Keys(used)) {
		u := used[id]
		if u.holes != nil && !slices.Equal(u.holes, holesIn(id)) {
			t.Errorf("%s: %q is given %q", u.at, id, u.holes)
		}
		said, ok := spanish[id]
		switch {
		case !ok:
			t.Errorf("%s: there is no Spanish for %q", u.at, id)
		case !slices.Equal(said, holesIn(id)):
			t.Errorf("es.toml: %q has other holes: %q", id, said)
		}
		if many := slices.Contains(holesIn(id), "N"); many && english[id] == nil {
			t.Errorf("%s: en.toml does not say %q for one", u.at, id)
		}
	}
	for name, c := range map[string]map[string][]string{"es": spanish, "en": english} {
		for id := range c {
			if _, ok := used[id]; !ok {
				t.Errorf("%s.toml: nothing says %q", name, id)
			}
		}
	}
}
