package sms

import (
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/rivo/uniseg"
)

// The encodings of a text message, as 3GPP TS 23.038 names them.
const (
	GSM7 = "GSM-7"
	UCS2 = "UCS-2"
)

// A Segmentation says what a text costs on the air.
type Segmentation struct {
	Encoding string `json:"encoding"` // [GSM7] or [UCS2]
	Units    int    `json:"units"`    // septets of GSM-7 (an extension character takes two), or UTF-16 code units
	Segments int    `json:"segments"` // at least 1: an empty text is still a text
}

// room is what a segment holds, in units: of a text of one, and of each where there are more, as 6 octets of a segment's
// 140 then say which it is (3GPP TS 23.040 section 9.2.3.24.1).
type room struct{ alone, shared int }

var rooms = map[string]room{GSM7: {160, 153}, UCS2: {70, 67}}

// Segments says how text is encoded and how many segments it takes. One character outside GSM-7 makes all of it UCS-2.
// What a reader sees as one character (an escape pair, a surrogate pair, a letter and its marks, a family emoji) is kept
// in one segment where one can hold it, as Twilio's calculator has it. A byte that is not UTF-8 counts as U+FFFD.
func Segments(text string) Segmentation {
	s := Segmentation{Encoding: encoding(text), Segments: 1}
	p := packer{room: rooms[s.Encoding].shared, segments: 1}
	for state, cluster := -1, ""; text != ""; {
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		s.Units += p.put(s.Encoding, cluster)
	}
	if s.Units > rooms[s.Encoding].alone {
		s.Segments = p.segments
	}
	return s
}

func encoding(text string) string {
	for _, r := range text {
		if septets[r] == 0 {
			return UCS2
		}
	}
	return GSM7
}

// A packer fills one segment after another.
type packer struct{ room, segments, used int }

// put adds a grapheme cluster and returns its units. GSM-7 has none of more than one character but CR LF, which may be
// parted, as may a cluster that no segment can hold.
func (p *packer) put(encoding, cluster string) (units int) {
	for _, r := range cluster {
		units += width(encoding, r)
	}
	if encoding == UCS2 && units <= p.room && cluster != "\r\n" {
		p.add(units)
		return units
	}
	for _, r := range cluster {
		p.add(width(encoding, r))
	}
	return units
}

func (p *packer) add(units int) {
	if p.used+units > p.room {
		p.segments, p.used = p.segments+1, 0
	}
	p.used += units
}

func width(encoding string, r rune) int {
	if encoding == GSM7 {
		return septets[r]
	}
	return utf16.RuneLen(r)
}

// Forcing returns the distinct characters of text that force UCS-2, in the order in which they first stand there; none
// for a text that is GSM-7. A byte that is not UTF-8 is U+FFFD.
func Forcing(text string) []rune {
	var found []rune
	seen := map[rune]bool{}
	for _, r := range text {
		if septets[r] == 0 && !seen[r] {
			seen[r] = true
			found = append(found, r)
		}
	}
	return slices.Clip(found)
}

// Replace returns text with quotes, dashes, spaces, dots and other marks of typography that are not in GSM-7 replaced by
// what a person would have typed; invisible ones are left out. Everything else stays as it is, so one emoji or accent
// can still force UCS-2, and a byte that is not UTF-8 becomes U+FFFD. Doing it twice changes nothing more.
func Replace(text string) string {
	var b strings.Builder
	for _, r := range text {
		if s, ok := typographic[r]; ok {
			b.WriteString(s)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
