package triage

import "strings"

// agreedEnding is by how many letters the end of an agreed word may have grown: "tangerines" still says "tangerine".
const agreedEnding = 2

// Contains tells whether text says agreed, a word or a few that two people have settled on, however it is written: what
// makes no difference to [Rules.Judge] makes none here. An agreed word without a letter or digit is never said.
func Contains(text, agreed string) bool {
	want, said := tokens(agreed), tokens(text)
	for i := 0; len(want) > 0 && i+len(want) <= len(said); i++ {
		if says(said[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

func says(said, want []token) bool {
	last := len(want) - 1
	for i := range last {
		if said[i].word != want[i].word {
			return false
		}
	}
	rest, ok := strings.CutPrefix(said[last].word, want[last].word)
	return ok && len(rest) <= agreedEnding
}

// Known tells whether s is one of the four.
func (s Severity) Known() bool { return grades[s.Rank()].Severity == s }
