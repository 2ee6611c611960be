// Package replies holds texts that specialists write again and again, to be chosen, changed and sent by hand.
package replies

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"befree.example/store/sms"
)

// A Reply is one text, in one language.
type Reply struct {
	Title    string `toml:"title"`    // what it is for, in the specialist's language
	Language string `toml:"language"` // en or es
	Text     string `toml:"text"`     // may hold {opening} and {hours}, of the texter's safety record
}

//go:embed replies.toml
var shipped []byte

// Default returns the replies that befree comes with.
func Default() []Reply {
	all, err := Read(bytes.NewReader(shipped))
	if err != nil {
		panic(err) // a test reads them
	}
	return all
}

// mostSegments keeps a reply short enough to be read on a phone in a hurry.
const mostSegments = 3

// Read reads replies from TOML. Its errors name the reply and what to do.
func Read(r io.Reader) ([]Reply, error) {
	var file struct {
		Replies []Reply `toml:"reply"`
	}
	if err := toml.NewDecoder(r).DisallowUnknownFields().Decode(&file); err != nil {
		return nil, fmt.Errorf("quick replies: %w", err)
	}
	if len(file.Replies) == 0 {
		return nil, errors.New("quick replies: the file has none; begin each with [[reply]]")
	}
	for i, one := range file.Replies {
		if err := one.check(); err != nil {
			return nil, fmt.Errorf("quick replies: number %d, %q: %w", i+1, one.Title, err)
		}
	}
	return file.Replies, nil
}

func (r Reply) check() error {
	switch {
	case strings.TrimSpace(r.Title) == "" || strings.TrimSpace(r.Text) == "":
		return errors.New("give it a title and a text")
	case r.Language != "en" && r.Language != "es":
		return errors.New("its language is en or es")
	case strings.ContainsAny(strings.NewReplacer("{opening}", "", "{hours}", "").Replace(r.Text), "{}"):
		return errors.New("the only variables are {opening} and {hours}")
	case sms.Segments(r.Text).Segments > mostSegments:
		return fmt.Errorf("it is longer than %d segments; make two of it", mostSegments)
	case sms.Class(r.Text) != sms.None:
		return errors.New("carriers act on a text that is only such a word")
	}
	return nil
}

// Fill returns the text with its variables in place, or false where one of them is not known.
func (r Reply) Fill(opening, hours string) (string, bool) {
	for name, value := range map[string]string{"{opening}": opening, "{hours}": hours} {
		if strings.Contains(r.Text, name) && value == "" {
			return "", false
		}
	}
	return strings.NewReplacer("{opening}", opening, "{hours}", hours).Replace(r.Text), true
}
