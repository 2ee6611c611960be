package simulate

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// A Script is what one texter says, and when. It is made by [Parse] and never changes.
type Script struct {
	File     string     // where it stands
	Scenario string     // what a trainer calls it; shown to nobody at the line
	Language string     // ISO 639-1
	Severity string     // what its first texts deserve: imminent, high, standard or information
	Number   sms.Number // a fictional one, +1 NPA 555-0100 to 0199

	lost   map[int]int // the carrier's error code for our n-th text to it, from 1
	scenes []*scene    // the first is where it begins
}

// A passage is some texts, and where the story goes after them: to another scene, to its end, or nowhere.
type passage struct {
	lines []line
	to    *scene
	over  bool

	toName string // of the scene to go to, as written
	toRow  int    // of the line that says so
}

func (p *passage) leaves() bool { return p.over || p.to != nil || p.toName != "" }

// A scene begins with its passage, then waits for whatever brings one of its rules into play.
type scene struct {
	passage

	name  string
	row   int
	rules []*rule
}

// A rule is played on a reply that has one of its words, on any reply if it has none, or on silence.
type rule struct {
	passage

	words   []string // folded
	silence time.Duration
	row     int
}

// A line is one text.
type line struct {
	delay time.Duration // after whatever came before it
	body  sms.Text
	media []gateway.Media
}

// First returns what the texter says before anybody has replied.
func (s *Script) First() []sms.Text {
	var first []sms.Text
	for _, l := range s.scenes[0].lines {
		first = append(first, l.body)
	}
	return first
}

//go:embed scripts/*.txt
var embedded embed.FS

var loadEmbedded = sync.OnceValue(func() []*Script {
	scripts, err := Load(embedded, "scripts/*.txt")
	if err != nil {
		panic(err) // a test holds that they are right
	}
	return scripts
})

// Embedded returns the scripts that befree comes with, in the order of their files' names.
func Embedded() []*Script { return append([]*Script(nil), loadEmbedded()...) }

// Load reads the scripts whose files match a glob pattern. Its error has a line for each file with a mistake: the
// file's name, the number of the line where the first mistake stands, and what is wrong.
func Load(fsys fs.FS, pattern string) ([]*Script, error) {
	names, err := fs.Glob(fsys, pattern)
	if err != nil {
		return nil, fmt.Errorf("look for scripts: %w", err)
	}
	var scripts []*Script
	var mistakes []error
	for _, name := range names {
		s, err := open(fsys, name)
		scripts, mistakes = append(scripts, s), append(mistakes, err)
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return scripts, together(scripts)
}

func open(fsys fs.FS, name string) (*Script, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open script: %w", err)
	}
	defer f.Close()
	return Parse(name, f)
}

// together tells whether scripts can be played at the same time: all are whole, and no two share an area code.
func together(scripts []*Script) error {
	by := map[string]*Script{}
	for _, s := range scripts {
		if s == nil || len(s.scenes) == 0 {
			return errors.New("simulate: a script was not made by Parse")
		}
		area := s.Number.Reveal()[:len("+1NPA")]
		if other := by[area]; other != nil {
			return fmt.Errorf("%s: its number has the area code of the one in %s: take another", s.File, other.File)
		}
		by[area] = s
	}
	return nil
}
