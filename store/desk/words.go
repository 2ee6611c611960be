package desk

import (
	"maps"
	"slices"

	"befree.example/store"
	"befree.example/store/plan"
)

// Words returns what people wrote in an event, as far as it is for this reader: what a search looks through. Numbers,
// addresses of media and what the rules said of a text are not in it, nor are the words that were agreed on in secret:
// a list of what was found is no place for them.
func Words(e store.Event) (all []string) {
	switch e.Kind {
	case Received:
		all = append(all, Read[Text](e).Text.Reveal())
	case ReplyQueued:
		b := Read[Reply](e)
		all = append(all, b.Text.Reveal(), b.Reason)
	case NoteAdded:
		all = append(all, Read[Note](e).Text.Reveal())
	case ReferralSaved:
		b := Read[ReferralEdit](e)
		all = append(all, b.To.Reveal(), b.Need.Reveal(), b.Scope.Reveal())
	case PlanSaved:
		all = planWords(Read[PlanEdit](e))
	case SafetySaved:
		if opening := Read[SafetyEdit](e).Opening; opening != nil {
			all = append(all, opening.Reveal())
		}
	case Closed:
		b := Read[Closing](e)
		all = append(all, b.Summary, b.Disposition, b.Contact, b.Safety)
	case Transferred:
		all = append(all, Read[Handoff](e).Reason)
	case TakenOver, Released, OptedIn:
		all = append(all, Read[Because](e).Reason)
	case SeveritySet:
		all = append(all, Read[Ruling](e).Reason)
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// planWords are the answers that an edit gives, in the order of the form.
func planWords(e PlanEdit) (all []string) {
	for _, texts := range []map[string]string{e.Fields, e.Choose} {
		rank := func(item string) int {
			return slices.IndexFunc(plan.Items(), func(it plan.Item) bool { return it.ID == item })
		}
		items := slices.Sorted(maps.Keys(texts))
		slices.SortStableFunc(items, func(a, b string) int { return rank(a) - rank(b) })
		for _, id := range items {
			if item, _ := plan.Find(id); !item.NeverOut {
				all = append(all, texts[id])
			}
		}
	}
	return all
}
