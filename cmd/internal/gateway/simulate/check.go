package simulate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"befree.example/store/sms"
)

// A head is a line of a script's beginning: "number: +12025550147".
type head struct {
	name     string
	optional bool
	set      func(s *Script, value string) error
}

var heads = []head{
	{"scenario", false, func(s *Script, v string) error { s.Scenario = v; return nil }},
	{"language", false, setLanguage},
	{"severity", false, setSeverity},
	{"number", false, setNumber},
	{"undelivered", true, setLost},
}

func (p *parser) head(text string) error {
	name, value, ok := strings.Cut(text, ":")
	i := slices.IndexFunc(heads, func(h head) bool { return h.name == name })
	value = strings.TrimSpace(value)
	switch {
	case !ok || i < 0:
		return errors.New(`not understood: a script begins with "scenario:", "language:", "severity:" and "number:", then "[start]"`)
	case value == "":
		return fmt.Errorf("%s is empty", name)
	case p.heads[name] && !heads[i].optional:
		return fmt.Errorf("%s is given twice", name)
	}
	p.heads[name] = true
	return heads[i].set(p.script, value)
}

// headed tells whether the beginning is whole.
func (p *parser) headed() error {
	for _, h := range heads {
		if !h.optional && !p.heads[h.name] {
			return fmt.Errorf(`"%s:" is missing above this`, h.name)
		}
	}
	return nil
}

var language = regexp.MustCompile(`^[a-z]{2}$`)

func setLanguage(s *Script, v string) error {
	if s.Language = v; !language.MatchString(v) {
		return errors.New("language is two small letters: en, es")
	}
	return nil
}

var severities = []string{"imminent", "high", "standard", "information"}

func setSeverity(s *Script, v string) error {
	if s.Severity = v; !slices.Contains(severities, v) {
		return errors.New("severity is one of " + strings.Join(severities, ", "))
	}
	return nil
}

var fictional = regexp.MustCompile(`^\+1[2-9][0-9]{2}55501[0-9]{2}$`)

func setNumber(s *Script, v string) error {
	if s.Number = sms.Number(v); !fictional.MatchString(v) {
		return errors.New("number is a fictional one: +1, an area code, then 5550100 to 5550199")
	}
	return nil
}

func setLost(s *Script, v string) error {
	which, code, _ := strings.Cut(v, " ")
	n, err := strconv.Atoi(which)
	k, err2 := strconv.Atoi(strings.TrimSpace(code))
	switch {
	case err != nil || err2 != nil || n < 1 || k < 30000 || k > 39999:
		return errors.New(`written as "undelivered: 1 30003": which of our texts to it, and the carrier's error code`)
	case s.lost[n] != 0:
		return errors.New("this text is undelivered already")
	}
	s.lost[n] = k
	return nil
}

// finish connects the scenes and holds the script to its promises: every scene can be reached, and left alone the texter
// comes to an end. A mistake is at p.row.
func (p *parser) finish() error {
	if len(p.script.scenes) == 0 {
		return errors.New(`there is no scene: write "[start]" and below it what the texter says`)
	}
	for _, check := range []func(*scene) error{p.connect, p.waits, p.abandoned} {
		for _, s := range p.script.scenes {
			if err := check(s); err != nil {
				return err
			}
		}
	}
	return p.reachable()
}

func (s *scene) passages() []*passage {
	all := []*passage{&s.passage}
	for _, r := range s.rules {
		all = append(all, &r.passage)
	}
	return all
}

func (p *parser) connect(s *scene) error {
	for _, from := range s.passages() {
		if from.toName == "" {
			continue
		}
		i := slices.IndexFunc(p.script.scenes, func(s *scene) bool { return s.name == from.toName })
		if i < 0 {
			p.row = from.toRow
			return errors.New("there is no scene of this name")
		}
		from.to = p.script.scenes[i]
	}
	return nil
}

// waits holds s to always having something to do if nobody replies.
func (p *parser) waits(s *scene) error {
	if s.leaves() {
		return nil
	}
	p.row = s.row
	silences := s.silences()
	if len(silences) == 0 {
		return errors.New(`this scene could last for ever: it needs "if silent 2m" with "go to" or "end"`)
	}
	for i, r := range silences {
		p.row = r.row
		switch last := i == len(silences)-1; {
		case last && !r.leaves():
			return errors.New(`this scene could last for ever: its last "if silent" needs "go to" or "end"`)
		case !last && r.leaves():
			p.row = silences[i+1].row
			return errors.New(`this is never reached: an "if silent" above leaves the scene`)
		}
	}
	return nil
}

func (s *scene) silences() []*rule {
	return slices.DeleteFunc(slices.Clone(s.rules), func(r *rule) bool { return r.silence == 0 })
}

// alone returns the scene after s if nobody replies, nil for the end.
func (s *scene) alone() *scene {
	if s.leaves() {
		return s.to
	}
	silences := s.silences()
	return silences[len(silences)-1].to
}

func (p *parser) abandoned(s *scene) error {
	for next, n := s, 0; next != nil; next, n = next.alone(), n+1 {
		if n > len(p.script.scenes) {
			p.row = s.row
			return errors.New("left alone, a texter in this scene would go round for ever: some silence must lead to the end")
		}
	}
	return nil
}

func (p *parser) reachable() error {
	seen := map[*scene]bool{}
	for todo := p.script.scenes[:1]; len(todo) > 0; {
		s := todo[len(todo)-1]
		if todo = slices.Clone(todo[:len(todo)-1]); seen[s] {
			continue
		}
		seen[s] = true
		for _, from := range s.passages() {
			if from.to != nil {
				todo = append(todo, from.to)
			}
		}
	}
	for _, s := range p.script.scenes {
		if p.row = s.row; !seen[s] {
			return errors.New("no line goes to this scene")
		}
	}
	return nil
}
