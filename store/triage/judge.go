package triage

import (
	"cmp"
	"slices"

	"befree.example/store/sms"
)

// A Result is what the rules say of a text.
type Result struct {
	Severity Severity `json:"severity"`
	Language string   `json:"language,omitempty"` // "en", "es", or "" where the words do not tell
	Reasons  []Reason `json:"reasons"`            // never null; the most urgent first, then by place
}

// A Reason is one place in a text that a rule speaks of.
type Reason struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Match    sms.Text `json:"match"` // the words, as they came
	Start    int      `json:"start"` // Match is bytes Start to End of the text
	End      int      `json:"end"`
}

// Judge says how urgent text is and why. The most urgent rule decides; a text that no rule speaks of is standard, never
// information.
//
// Case, accents, apostrophes, doubled or missing punctuation, wide or bold letters and invisible characters make no
// difference, save that punctuation parts the words of an "unless": "no gun" is not a gun, "No! Gun!" is. A letter written
// three times or more counts as written once or twice. Of one rule at most the first 8 places are reported, which never
// overlap. Judge takes time linear in the length of text and takes any bytes.
func (r *Rules) Judge(text string) Result {
	ts := r.read(text)
	reasons := r.scan(text, ts)
	res := Result{Severity: Standard, Language: r.tell(ts)}
	if len(reasons) > 0 {
		res.Severity = slices.MinFunc(reasons, func(a, b Reason) int { return cmp.Compare(a.Severity.Rank(), b.Severity.Rank()) }).Severity
	}
	for _, more := range []func(string, []token, Severity, []Reason) (Reason, bool){keywordAlone, leadsWithStop, moreThanAsking} {
		if reason, ok := more(text, ts, res.Severity, reasons); ok {
			if len(reasons) == 0 {
				res.Severity = reason.Severity
			}
			res.Severity = worse(res.Severity, reason.Severity)
			reasons = append(reasons, reason)
		}
	}
	slices.SortFunc(reasons, inOrder)
	res.Reasons = reasons
	return res
}

// inOrder puts the most urgent reason first, then the one that stands first.
func inOrder(a, b Reason) int {
	return cmp.Or(cmp.Compare(a.Severity.Rank(), b.Severity.Rank()), cmp.Compare(a.Start, b.Start),
		cmp.Compare(a.End, b.End), cmp.Compare(a.Rule, b.Rule))
}

// A place is where one rule last matched, in tokens, and up to where it must not.
type place struct{ start, end, except, count int }

// scan returns the reasons that the phrases give.
func (r *Rules) scan(text string, ts []token) []Reason {
	reasons := []Reason{}
	last := make([]place, len(r.rules))
	var found []find
	for i := range ts {
		found = r.index.search(ts, i, found[:0])
		for _, f := range found {
			if f.except && together(ts[i:f.end]) {
				last[f.rule].except = max(last[f.rule].except, f.end)
			}
		}
		slices.SortFunc(found, func(a, b find) int { return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(b.end, a.end)) })
		for _, f := range found {
			p := &last[f.rule]
			if f.except || i < p.end || i < p.except {
				continue
			}
			*p = place{i, f.end, p.except, p.count + 1}
			if p.count <= maxPerRule {
				reasons = append(reasons, r.reason(text, f.rule, ts[i].start, ts[f.end-1].end))
			}
		}
	}
	return reasons
}

func (r *Rules) reason(text string, rule, start, end int) Reason {
	return Reason{r.rules[rule].name, r.rules[rule].severity, sms.Text(text[start:end]), start, end}
}

// together tells whether nothing but space stands between the words.
func together(ts []token) bool {
	return !slices.ContainsFunc(ts[1:], func(t token) bool { return t.apart })
}

// tell returns the language that more words speak.
func (r *Rules) tell(ts []token) string {
	votes := map[string]int{}
	for _, t := range ts {
		if language, ok := r.language[t.word]; ok {
			votes[language]++
		}
	}
	switch en, es := votes[english], votes[spanish]; {
	case en > es:
		return english
	case es > en:
		return spanish
	default:
		return ""
	}
}

// whole is a reason that rests on all of the text.
func whole(rule string, s Severity, text string, ts []token) Reason {
	start, end := ts[0].start, ts[len(ts)-1].end
	return Reason{rule, s, sms.Text(text[start:end]), start, end}
}

// keywordAlone: HELP is a silent call for help, INFO may be a question.
func keywordAlone(text string, ts []token, _ Severity, _ []Reason) (Reason, bool) {
	if len(ts) != 1 || sms.Class(ts[0].word) != sms.Help {
		return Reason{}, false
	}
	if ts[0].word == "info" {
		return whole(InfoAlone, Information, text, ts), true
	}
	return whole(HelpAlone, Standard, text, ts), true
}

// leadsWithStop raises a text such as "stop him he's here".
func leadsWithStop(text string, ts []token, s Severity, _ []Reason) (Reason, bool) {
	if !sms.LeadsWithOptOut(text) || len(ts) == 0 {
		return Reason{}, false
	}
	return whole(LeadsWithStop, s.raised(), text, ts[:1]), true
}

// moreThanAsking raises a text that asks something and says much besides that no rule understands.
func moreThanAsking(text string, ts []token, s Severity, reasons []Reason) (Reason, bool) {
	if s != Information {
		return Reason{}, false
	}
	if len(ts)-covered(ts, reasons) <= maxAside {
		return Reason{}, false
	}
	return whole(MoreThanAsking, Standard, text, ts), true
}

// covered counts the words that reasons rest on.
func covered(ts []token, reasons []Reason) int {
	slices.SortFunc(reasons, func(a, b Reason) int { return cmp.Compare(a.Start, b.Start) })
	n, next, end := 0, 0, 0
	for _, t := range ts {
		for next < len(reasons) && reasons[next].Start <= t.start {
			end = max(end, reasons[next].End)
			next++
		}
		if t.start < end {
			n++
		}
	}
	return n
}
