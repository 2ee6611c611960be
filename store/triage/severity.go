// Package triage turns the words of a text into one of four severities, with its reasons, and puts waiting people in the
// order in which they should be answered.
//
// The rules stand in a file that the operator can read and change; see rules.toml, which is what befree comes with.
package triage

// A Severity says how soon somebody must answer.
type Severity string

// The severities, most urgent first.
const (
	Imminent    Severity = "imminent"    // danger now, a weapon, a minor held, suicide, being moved now
	High        Severity = "high"        // held, threatened, forced or hurt
	Standard    Severity = "standard"    // everything else, above all what no rule understands
	Information Severity = "information" // a question about this number and nothing more
)

// grades has the severities in order; its index is the rank.
var grades = [...]struct {
	Severity
	mark string
}{{Imminent, "■"}, {High, "▲"}, {Standard, "●"}, {Information, "○"}}

// Rank is 0 for the most urgent and 3 for the least. A severity that is none of the four ranks as Standard does.
func (s Severity) Rank() int {
	for i, g := range grades {
		if g.Severity == s {
			return i
		}
	}
	return Standard.Rank()
}

// Word is the name that a screen shows.
func (s Severity) Word() string { return string(grades[s.Rank()].Severity) }

// Mark is one character, different in shape for each severity, for screens and eyes without colours.
func (s Severity) Mark() string { return grades[s.Rank()].mark }

// raised is one step more urgent than s, and High at least.
func (s Severity) raised() Severity {
	return grades[max(0, min(s.Rank()-1, High.Rank()))].Severity
}

// worse returns the more urgent of both.
func worse(a, b Severity) Severity {
	if b.Rank() < a.Rank() {
		return b
	}
	return a
}
