package triage

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A file is a rules file as it is written.
type file struct {
	English  []phrase   `toml:"english"`
	Spanish  []phrase   `toml:"spanish"`
	Spelling []spelling `toml:"spelling"`
	Rules    []entry    `toml:"rule"`
}

type entry struct {
	Name     string   `toml:"name"`
	Severity level    `toml:"severity"`
	English  []phrase `toml:"en"`
	Spanish  []phrase `toml:"es"`
	Unless   []phrase `toml:"unless"`
}

// A level is a severity that is one of the four, or none where a file does not give it. It is a struct because the TOML
// library asks no type of kind string.
type level struct{ Severity }

func (l *level) UnmarshalText(text []byte) error {
	for _, g := range grades {
		if string(text) == string(g.Severity) {
			l.Severity = g.Severity
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q: use imminent, high, standard or information", text)
}

// decode reads and checks a file. Its errors begin with the line.
func decode(b []byte) (*file, error) {
	var f file
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, explain(err)
	}
	return &f, f.check(linesOf(b))
}

// explain says in one line what the decoder found.
func explain(err error) error {
	var missing *toml.StrictMissingError
	if errors.As(err, &missing) {
		first := &missing.Errors[0]
		row, _ := first.Position()
		return fmt.Errorf("line %d: unknown field %q: a rule has name, severity, en, es and unless; "+
			"above the rules stand english, spanish and spelling", row, strings.Join(first.Key(), "."))
	}
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "toml: "), "\n", " ")
	var decoding *toml.DecodeError
	if errors.As(err, &decoding) {
		row, _ := decoding.Position()
		return fmt.Errorf("line %d: %s", row, text)
	}
	return errors.New(text)
}

// check refuses rules that are incomplete or contradict each other.
func (f *file) check(at lines) error {
	if len(f.Rules) == 0 {
		return errors.New("line 1: no rules: write at least one [[rule]]")
	}
	names := map[string]int{HelpAlone: 0, InfoAlone: 0, LeadsWithStop: 0, MoreThanAsking: 0}
	for i, e := range f.Rules {
		if err := e.check(names); err != nil {
			return fmt.Errorf("line %d: %w", at.rules[i], err)
		}
		names[e.Name] = at.rules[i]
	}
	known := map[string]bool{}
	for i, s := range f.Spelling {
		for _, other := range s.others {
			if known[other] {
				return fmt.Errorf("line %d: %q is spelled a second time: delete one", at.spelling[i], other)
			}
			known[other] = true
		}
	}
	return nil
}

func (e entry) check(names map[string]int) error {
	line, taken := names[e.Name]
	switch {
	case strings.TrimSpace(e.Name) == "":
		return errors.New(`this rule has no name: write name = "..."`)
	case taken && line == 0:
		return fmt.Errorf("%q is a name that befree uses itself: choose another", e.Name)
	case taken:
		return fmt.Errorf("rule %q stands on line %d already: choose another name or join them", e.Name, line)
	case e.Severity.Severity == "":
		return fmt.Errorf("rule %q has no severity: write severity = \"imminent\", high, standard or information", e.Name)
	case len(e.English)+len(e.Spanish) == 0:
		return fmt.Errorf("rule %q has no words: write en = [...] or es = [...]", e.Name)
	}
	return nil
}

// lines says on which line of a file each rule begins and each spelling stands.
type lines struct{ rules, spelling []int }

// linesOf reads lines from a file that decodes. Where rules or spellings stand in a way that it does not know (an inline
// table, say) their line is that of the key.
func linesOf(b []byte) lines {
	var at lines
	var p unstable.Parser
	p.Reset(b)
	for p.NextExpression() {
		e := p.Expression()
		key := e.Key()
		key.Next()
		row := bytes.Count(b[:key.Node().Raw.Offset], []byte("\n")) + 1
		switch name := string(key.Node().Data); {
		case e.Kind == unstable.ArrayTable && name == "rule":
			at.rules = append(at.rules, row)
		case e.Kind == unstable.KeyValue && (name == "spelling" || name == "rule"):
			for items := e.Value().Children(); items.Next(); {
				line := row
				if raw := items.Node().Raw; raw.Length > 0 {
					line = bytes.Count(b[:raw.Offset], []byte("\n")) + 1
				}
				at.add(name, line)
			}
		}
	}
	return at
}

func (at *lines) add(name string, line int) {
	if name == "rule" {
		at.rules = append(at.rules, line)
		return
	}
	at.spelling = append(at.spelling, line)
}
