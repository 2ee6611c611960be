// Package speech says what befree says in the language of whoever sits at the console. The English sentence is the name
// of what is said, so code reads as the screen does; es.toml has each in Spanish, en.toml those that change with a number.
package speech

import (
	"cmp"
	"embed"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"
)

//go:embed en.toml es.toml
var files embed.FS

// Languages are those that befree speaks, by their two letters.
var Languages = []string{"en", "es"}

// A Speech says things in one language. It is safe for use by many goroutines at once.
type Speech struct {
	language string // en or es

	mu       sync.Mutex
	bundle   *i18n.Bundle
	there    *i18n.Localizer
	sentence map[string]string // by English sentence, those without a hole
	formats  []format
}

// For returns the Speech for the first of wishes that names a language, such as es_MX.UTF-8 or es; English where befree
// does not speak it.
func For(wishes ...string) *Speech {
	tags := make([]language.Tag, len(Languages))
	for i, l := range Languages {
		tags[i] = language.Make(l)
	}
	at := 0
	for _, wish := range wishes {
		place, _, _ := strings.Cut(wish, ".") // as in es_MX.UTF-8
		if tag, err := language.Parse(place); err == nil {
			_, at, _ = language.NewMatcher(tags).Match(tag)
			break
		}
	}
	s := &Speech{language: Languages[at], bundle: i18n.NewBundle(language.English), sentence: map[string]string{}}
	for i, l := range Languages {
		messages := read(l)
		s.bundle.MustAddMessages(tags[i], messages...)
		if i == at {
			s.readFormats(messages)
		}
	}
	s.there = i18n.NewLocalizer(s.bundle, s.language)
	return s
}

// read reads a language's catalogue. The library's own reader takes a sentence named other for a plural.
func read(language string) (messages []*i18n.Message) {
	raw, err := files.ReadFile(language + ".toml")
	var catalogue map[string]any
	if err := errors.Join(err, toml.Unmarshal(raw, &catalogue)); err != nil {
		panic(err) // a test reads them
	}
	for english, said := range catalogue {
		m := &i18n.Message{ID: english}
		switch said := said.(type) {
		case string:
			m.Other = said
		case map[string]any:
			m.One, _ = said["one"].(string)
			m.Other, _ = said["other"].(string)
		}
		messages = append(messages, m)
	}
	return messages
}

// Spoken is the language that is spoken, by its two letters.
func (s *Speech) Spoken() string { return s.language }

// T says a sentence. Holes in it, such as {{.Who}}, are filled from pairs of a name and a value.
func (s *Speech) T(english string, pairs ...any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(pairs) > 0 {
		return s.say(english, &i18n.LocalizeConfig{TemplateData: holes(pairs)})
	}
	said, ok := s.sentence[english]
	if !ok {
		said = s.say(english, &i18n.LocalizeConfig{})
		s.sentence[english] = said
	}
	return said
}

// N says a sentence that depends on a number, which is {{.N}} in it; english is what it is for many.
func (s *Speech) N(n int, english string, pairs ...any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.say(english, &i18n.LocalizeConfig{PluralCount: n, TemplateData: holes(append(pairs, "N", n))})
}

// Word says a word or sentence that comes as data, if befree knows it; else it is returned as it is.
func (s *Speech) Word(english string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.word(english)
}

func (s *Speech) word(english string) string {
	if said, ok := s.sentence[english]; ok {
		return said
	}
	said, tag, err := s.there.LocalizeWithTag(&i18n.LocalizeConfig{MessageID: english})
	if err != nil || tag.String() != s.language {
		return s.filled(english)
	}
	s.sentence[english] = said
	return said
}

// Error says an error and those that it wraps. What befree has no words for is said as it is.
func (s *Speech) Error(err error) string {
	whole := err.Error()
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			whole = strings.Replace(whole, one.Error(), s.Error(one), 1)
		}
		return whole
	}
	const inner = "%w"
	wrapped := errors.Unwrap(err)
	if wrapped == nil || wrapped.Error() == "" {
		return s.Word(whole)
	}
	own := strings.Replace(whole, wrapped.Error(), inner, 1)
	said := s.Word(own)
	if rest, ok := strings.CutPrefix(own, inner+": "); ok && said == own {
		said = inner + ": " + s.Word(rest)
	}
	return strings.Replace(said, inner, s.Error(wrapped), 1)
}

// filled says a sentence that was made from a format such as "%s holds %d conversations" with the same values, or
// returns it as it is.
func (s *Speech) filled(english string) string {
	for _, f := range s.formats {
		if values := f.english.FindStringSubmatch(english); values != nil {
			n := 0
			return verb.ReplaceAllStringFunc(f.said, func(string) string {
				n++
				return s.within(values[n])
			})
		}
	}
	return english
}

// within says a sentence that filled another: alone, or after what it is about and a colon. One word is no sentence.
func (s *Speech) within(value string) string {
	if !strings.Contains(value, " ") {
		return value
	}
	if about, why, ok := strings.Cut(value, ": "); ok {
		if said := s.word(why); said != why {
			return about + ": " + said
		}
	}
	return s.word(value)
}

// A format is a sentence that is filled before it reaches the console.
type format struct {
	english *regexp.Regexp
	said    string
}

var verb = regexp.MustCompile(`%[sdvwqocT]`)

func (s *Speech) readFormats(messages []*i18n.Message) {
	for _, m := range messages {
		if verb.MatchString(m.ID) {
			whole := "(?s)^" + verb.ReplaceAllString(regexp.QuoteMeta(m.ID), "(.+)") + "$"
			s.formats = append(s.formats, format{regexp.MustCompile(whole), m.Other})
		}
	}
	slices.SortFunc(s.formats, func(a, b format) int { // the one that says most, where several would do
		return cmp.Or(b.length()-a.length(), strings.Compare(a.said, b.said))
	})
}

// length is that of what is the same however it is filled.
func (f format) length() int { return len(strings.ReplaceAll(f.english.String(), "(.+)", "")) }

func (s *Speech) say(english string, c *i18n.LocalizeConfig) string {
	c.MessageID = english
	said, err := s.there.Localize(c)
	if err == nil {
		return said
	}
	if said == "" { // it has no entry: English says what its name says
		s.bundle.MustAddMessages(language.English, &i18n.Message{ID: english, Other: english})
		said, _ = s.there.Localize(c)
	}
	return said
}

func holes(pairs []any) map[string]any {
	data := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i].(string)] = pairs[i+1]
	}
	return data
}
