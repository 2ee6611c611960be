// Package sms holds what a text message is made of: numbers, words, segments and the words that carriers reserve.
package sms

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ErrNumber says that a string is neither a telephone number nor a short code. No error of this package repeats what
// it was given, which may be a number mistyped.
var ErrNumber = errors.New("not a telephone number: write it as +12025550100, or a short code of 3 to 8 digits")

// A Number is a telephone number in E.164 form ("+12025550147") or a short code ("233733").
//
// It prints masked, "…0147", through fmt, log/slog and errors; a short code is public and prints whole. JSON carries it
// whole: it goes into sealed bodies only. The zero Number is nobody's and prints as nothing. fmt cannot ask a value that
// stands in an unexported field: a struct that keeps one there needs a String of its own.
type Number string

// The lengths of a short code, in digits.
const (
	shortest = 3
	longest  = 8
)

// tail is how many of a number's digits may be shown.
const tail = 4

// Parse reads a number as people write it, in the region (ISO 3166-1, "US") where it lacks a country code. It takes the
// numbers of fiction (+1 NPA 555-0100 to 0199) too. Digits alone, 3 to 8 of them, are a short code.
func Parse(s, region string) (Number, error) {
	s = strings.TrimSpace(s)
	if isShort(s) || isNorthAmerican(s) {
		return Number(s), nil
	}
	p, err := phonenumbers.Parse(s, region)
	if err != nil || p.GetExtension() != "" || !phonenumbers.IsPossibleNumber(p) {
		return "", ErrNumber
	}
	written := phonenumbers.Format(p, phonenumbers.E164)
	if written == s {
		return Number(s), nil // has just been read so: a leading + needs no region
	}
	if again, err := phonenumbers.Parse(written, ""); err != nil || phonenumbers.Format(again, phonenumbers.E164) != written {
		return "", ErrNumber // "0000000000" in Uruguay: what is written down must be read as the same number
	}
	return Number(written), nil
}

func isShort(s string) bool {
	return len(s) >= shortest && len(s) <= longest && strings.Trim(s, "0123456789") == ""
}

// isNorthAmerican tells of most numbers that a carrier brings, in no time, what the library says of them: that they are
// possible and stand in E.164 form.
func isNorthAmerican(s string) bool {
	return len(s) == 12 && strings.HasPrefix(s, "+1") && strings.Trim(s[2:], "0123456789") == ""
}

// Reveal returns n whole. Its result is for the carrier and for the eyes of whoever holds the conversation.
func (n Number) Reveal() string { return string(n) }

// Short tells whether n is a short code.
func (n Number) Short() bool { return isShort(string(n)) }

// Tail returns the last four digits of a telephone number, or a short code whole: all that may be shown of it.
func (n Number) Tail() string {
	if n.Short() {
		return string(n)
	}
	digits := strings.TrimLeft(string(n), "+")
	return digits[max(0, len(digits)-tail):]
}

// String shows n masked.
func (n Number) String() string {
	if n == "" || n.Short() {
		return string(n)
	}
	return "…" + n.Tail()
}

// GoString shows n masked, so that %#v gives nothing away either.
func (n Number) GoString() string { return n.String() }

// Format shows n masked whatever the verb.
func (n Number) Format(f fmt.State, verb rune) { format(f, verb, n.String()) }

// LogValue shows n masked.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.String()) }
