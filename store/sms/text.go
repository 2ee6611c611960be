package sms

import (
	"fmt"
	"log/slog"
	"unicode/utf8"
)

// A Text is the words of a message, as they came: hostile and confidential.
//
// It prints as "text of 12 characters" through fmt, log/slog and errors. JSON carries it whole: it goes into sealed
// bodies only. As with [Number], a struct that keeps one in an unexported field needs a String of its own.
type Text string

// Reveal returns t whole. Its result is for the carrier, for the rules, and for the eyes of whoever may read it.
func (t Text) Reveal() string { return string(t) }

// String says how long t is, in Unicode characters.
func (t Text) String() string {
	n := utf8.RuneCountInString(string(t))
	if n == 1 {
		return "text of 1 character"
	}
	return fmt.Sprintf("text of %d characters", n)
}

// GoString says how long t is, so that %#v gives nothing away either.
func (t Text) GoString() string { return t.String() }

// Format says how long t is whatever the verb.
func (t Text) Format(f fmt.State, verb rune) { format(f, verb, t.String()) }

// LogValue says how long t is.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// format writes shown, which gives nothing away, in the width asked for: quoted for %q, and as it is for every other verb,
// so that neither %x nor a mistaken %d reaches what it stands for.
func format(f fmt.State, verb rune, shown string) {
	if verb != 'q' {
		verb = 's'
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), shown)
}
