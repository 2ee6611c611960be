package desk

import (
	"befree.example/store"
	"befree.example/store/sms"
)

// Searched says that somebody looked for words in what lies on their machine. It is of no conversation, and may be asked
// for by every member of staff: who looks is to be known, whoever they are.
const Searched store.Kind = "searched"

// MaxWords bounds what is looked for, in characters.
const MaxWords = 200

// A Search is the body of [Searched].
type Search struct {
	Words sms.Text `json:"words"`
}

func init() { rules[Searched] = rule{anybody, moment.search} }

func (m moment) search(e *store.Event) error {
	b, err := body[Search](m.Command)
	if err != nil {
		return err
	}
	e.Conversation = ""
	return words(b.Words.Reveal(), MaxWords)
}
