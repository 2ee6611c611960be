package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"befree.example/store/sms"
)

// ErrPhoneNotSafe says why there is no card.
var ErrPhoneNotSafe = errors.New("the phone is shared or watched: a card on it could be read by somebody else, so none is made")

// Card returns the plan as one SMS that tells nothing to whoever reads over a shoulder: the fields that help most,
// nothing of what they are for, never an agreed word. phoneSafe is what the safety record says of the phone. The text
// is of one segment; it is empty where no field fits. leftOut are the items whose answers are not all in it.
func Card(p Plan, phoneSafe bool) (card string, leftOut []Item, err error) {
	if !phoneSafe {
		return "", nil, ErrPhoneNotSafe
	}
	var lines []string
	whole := map[string]bool{}
	for _, id := range []string{"situation/numbers", "leaving/route", "leaving/trusted-person", "situation/trusted-person", "after/trusted-person"} {
		text := strings.Join(strings.Fields(sms.Replace(p.Fields[id].Text)), " ")
		if text == "" || len(telling(text)) > 0 || holdsAgreed(p, text) {
			continue
		}
		if !slices.Contains(lines, text) {
			lines = addFitting(lines, text)
		}
		whole[id] = slices.Contains(lines, text)
	}
	for _, item := range items {
		if strings.TrimSpace(p.Fields[item.ID].Text) != "" && !whole[item.ID] {
			leftOut = append(leftOut, item)
		}
	}
	return strings.Join(lines, "; "), leftOut, nil
}

// addFitting adds as many of the words of text as one segment has room for.
func addFitting(lines []string, text string) []string {
	words := strings.Fields(text)
	for n := len(words); n > 0; n-- {
		if cut := strings.Join(words[:n], " "); fits(cut, lines) {
			if n < len(words) && n < 2 {
				break // half a thing says nothing
			}
			return append(lines, cut)
		}
	}
	return lines
}

func fits(text string, before []string) bool {
	return sms.Segments(strings.Join(append(slices.Clone(before), text), "; ")).Segments == 1
}

// CardProblems says in words what keeps an edited card from being sent; none for a card that may go.
func CardProblems(p Plan, text string) []string {
	var problems []string
	if strings.TrimSpace(text) == "" {
		problems = append(problems, "The card is empty.")
	}
	if s := sms.Segments(text); s.Segments > 1 {
		problems = append(problems, fmt.Sprintf("It takes %d segments (%s); a card is one.", s.Segments, s.Encoding))
	}
	for _, word := range telling(text) {
		problems = append(problems, fmt.Sprintf("The word %s tells what it is for.", word))
	}
	if holdsAgreed(p, text) {
		problems = append(problems, "It holds a word that was agreed on in secret.")
	}
	return problems
}

// tellingWords give away what a text is about, by their beginnings, in English and Spanish.
var tellingWords = []string{
	"traffick", "traffic", "trata", "hotline", "linea", "línea", "victim", "víctim", "escap", "rescue", "rescat",
	"police", "polic", "shelter", "refugio", "abus", "pimp", "plan", "safe", "segur", "danger", "peligr", "911", "help", "ayud", "advocate",
}

// telling returns the words of text that give away what it is about.
func telling(text string) []string {
	var found []string
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		low := strings.ToLower(word)
		if slices.ContainsFunc(tellingWords, func(t string) bool { return strings.HasPrefix(low, t) }) {
			found = append(found, word)
		}
	}
	return found
}

// holdsAgreed tells whether text holds one of the words that stand under an item of agreed words. Short and common
// words of such a field do not count.
func holdsAgreed(p Plan, text string) bool {
	low := " " + strings.ToLower(strings.Join(strings.FieldsFunc(text, notWord), " ")) + " "
	for _, item := range items {
		if !item.NeverOut {
			continue
		}
		f := p.Fields[item.ID]
		texts := []string{f.Text}
		for _, a := range f.Also {
			texts = append(texts, a.Text)
		}
		for _, t := range texts {
			for word := range strings.FieldsFuncSeq(strings.ToLower(t), notWord) {
				if len([]rune(word)) > 3 && strings.Contains(low, " "+word+" ") {
					return true
				}
			}
		}
	}
	return false
}

func notWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
