package simulate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// longestLine of a script, in bytes.
const longestLine = 16 << 10

// Parse reads a script as scripts/README.md describes it. Its error begins with name and the number of the line where
// the first mistake stands.
func Parse(name string, r io.Reader) (*Script, error) {
	p := &parser{script: &Script{File: name, lost: map[int]int{}}, heads: map[string]bool{}}
	err := p.read(r)
	if err == nil {
		err = p.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, max(p.row, 1), err)
	}
	return p.script, nil
}

// A parser stands at a row of the file; a mistake is at that row.
type parser struct {
	script *Script
	heads  map[string]bool // given so far
	row    int
	scene  *scene
	here   *passage // where texts go
}

func (p *parser) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		p.row++
		text := lines.Text()
		if p.row == 1 {
			text = strings.TrimPrefix(text, "\ufeff") // as some editors begin a file
		}
		if err := p.take(strings.TrimSpace(text)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		p.row++
		if errors.Is(err, bufio.ErrTooLong) {
			return errors.New("the line is too long")
		}
		return fmt.Errorf("cannot read: %w", err)
	}
	return nil
}

func (p *parser) take(text string) error {
	switch {
	case !utf8.ValidString(text):
		return errors.New("not UTF-8: save the file as UTF-8")
	case strings.ContainsFunc(text, hidden):
		return errors.New(`a character that cannot be seen: write the text as "..." with \x1b, \u200b and the like`)
	case text == "", strings.HasPrefix(text, "#"):
		return nil
	case strings.HasPrefix(text, "["):
		return p.begin(text)
	case p.scene == nil:
		return p.head(text)
	case text == "if", strings.HasPrefix(text, "if "), strings.HasPrefix(text, "if:"):
		return p.rule(strings.TrimSpace(text[len("if"):]))
	case p.here.leaves():
		return errors.New("this is never reached: the story has gone on in the line above")
	}
	return p.step(text)
}

// hidden tells whether r is a control character or one that shows nothing, tabs and joined emoji apart.
func hidden(r rune) bool {
	return r != '\t' && r != '\u200d' && r != '\ufe0f' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}

// begin starts a scene: "[name]".
func (p *parser) begin(text string) error {
	name, ok := strings.CutSuffix(text[1:], "]")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return errors.New(`a scene is written as "[name]"`)
	}
	for _, s := range p.script.scenes {
		if s.name == name {
			return fmt.Errorf("there is a scene of this name already, in line %d", s.row)
		}
	}
	if p.scene == nil {
		if err := p.headed(); err != nil {
			return err
		}
	}
	p.scene = &scene{name: name, row: p.row}
	p.here = &p.scene.passage
	p.script.scenes = append(p.script.scenes, p.scene)
	return nil
}

// rule starts a rule: "if: words, words", "if anything" or "if silent 2m".
func (p *parser) rule(text string) error {
	if p.scene.leaves() {
		return errors.New("this is never reached: the scene has no time to wait for anything")
	}
	r := &rule{row: p.row}
	if words, ok := strings.CutPrefix(text, ":"); ok {
		r.words = phrases(words)
		if len(r.words) == 0 {
			return errors.New(`words are missing: write "if: police, 911"`)
		}
	} else if err := r.other(text); err != nil {
		return err
	}
	if r.silence == 0 && p.scene.takesAnything() {
		return errors.New(`this is never reached: put it above "if anything"`)
	}
	p.scene.rules = append(p.scene.rules, r)
	p.here = &r.passage
	return nil
}

func phrases(words string) []string {
	var all []string
	for w := range strings.SplitSeq(words, ",") {
		if w = fold(w); strings.TrimSpace(w) != "" {
			all = append(all, w)
		}
	}
	return all
}

func (r *rule) other(text string) (err error) {
	if text == "anything" {
		return nil
	}
	how, ok := strings.CutPrefix(text, "silent ")
	if !ok {
		return errors.New(`a rule is written as "if: police, 911", "if anything" or "if silent 2m"`)
	}
	r.silence, err = duration(strings.TrimSpace(how))
	if err == nil && r.silence == 0 {
		return errors.New("silence must last longer than nothing")
	}
	return err
}

// takesAnything tells whether a rule takes every reply.
func (s *scene) takesAnything() bool {
	for _, r := range s.rules {
		if r.silence == 0 && len(r.words) == 0 {
			return true
		}
	}
	return false
}

// step adds what happens next: "go to name", "end", or a text.
func (p *parser) step(text string) error {
	name, ok := strings.CutPrefix(text, "go to ")
	switch {
	case ok:
		p.here.toName, p.here.toRow = strings.TrimSpace(name), p.row
	case text == "end":
		p.here.over = true
	default:
		l, err := parseLine(text)
		if err != nil {
			return err
		}
		p.here.lines = append(p.here.lines, l)
	}
	return nil
}

// longestDelay in a script.
const longestDelay = 7 * 24 * time.Hour

func duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New(`a time is written as 5s, 2m, 1m30s or 20h`)
	}
	if d < 0 || d > longestDelay {
		return 0, errors.New("a time must be from 0s to 168h")
	}
	return d, nil
}
