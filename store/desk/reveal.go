package desk

import "befree.example/store"

// Reveal puts the words of an event, which came later than its head, into the conversation that has it.
func (s *State) Reveal(e store.Event) {
	if s.Conversation(e.Conversation) == nil || len(e.Body) == 0 {
		return
	}
	body := Read[Text](e)
	s.shared = true // somebody may be looking at it
	s.edit(e.Conversation).change(e.ID, func(m *Message) {
		m.Text, m.Media, m.Reasons, m.Withheld = body.Text, body.Media, body.Triage.Reasons, false
	})
}
