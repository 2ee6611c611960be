package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
)

// A wrapUp asks how a conversation ended, a question after the other, each by one key. Nothing is closed before all are
// answered and the last one says so.
type wrapUp struct {
	wrapped
	id      string
	title   string
	at      int
	remarks []string    // what should be known before
	days    []time.Time // of the follow-up, by its answer
	send    func(desk.Closing) tea.Cmd
}

// wrapped are the answers of a wrap-up, kept until the conversation is closed.
type wrapped struct {
	answers []int  // by question, from 0; -1 for none yet
	read    uint64 // Seq of the newest text that they were given after
}

// A question of the wrap-up, and what can be answered by 1 to 9.
type question struct {
	ask     string
	answers []string
}

// The wrap-up's questions. How it ended and who it was are in the words of the field's own wrap-ups.
var questions = []question{
	{"How did it end?", []string{
		"safe for now", "safety plan made", "referred", "emergency services sent", "information given",
		"texter stopped answering", "texter asked to end", "wrong number", "other",
	}},
	{"Who wrote?", []string{
		"person in the situation", "survivor, out of it", "friend or family", "witness or community member",
		"service provider", "law enforcement", "nobody who needs us", "not known",
	}},
	{"How safe are they now?", []string{
		"safe", "safe for now", "not safe, help is on its way", "not safe, chose to stay", "not safe, lost contact", "not known",
	}},
	{"When do we look after them again?", []string{"not planned", "tomorrow", "in 3 days", "in a week", "in two weeks", "in a month"}},
}

// followUps are the days of the answers to when.
var followUps = []int{0, 1, 3, 7, 14, 30}

// newWrapUp goes on after the answers of before. Where a text came in since then it begins anew, with them marked.
func newWrapUp(id, title string, before wrapped, read uint64, now time.Time, send func(desk.Closing) tea.Cmd) *wrapUp {
	w := &wrapUp{id: id, title: title, wrapped: wrapped{read: read}, send: send}
	for i := range questions {
		answer := -1
		if i < len(before.answers) {
			answer = before.answers[i]
		}
		w.answers = append(w.answers, answer)
		if w.at == i && answer >= 0 && before.read == read {
			w.at++
		}
	}
	for _, days := range followUps {
		w.days = append(w.days, now.AddDate(0, 0, days))
	}
	return w
}

// Key answers. done says that the wrap-up is over.
func (w *wrapUp) Key(k tea.KeyMsg) (done bool, cmd tea.Cmd) {
	switch s := k.String(); {
	case s == "esc":
		return true, nil
	case s == "up" || s == "k" || s == "shift+tab" || s == "backspace":
		w.at = max(0, w.at-1)
	case w.at == len(questions): // the keys are others, so that one held down closes nothing
		return s == "y" || s == "n", w.last(s)
	case (s == "down" || s == "j" || s == "tab") && w.answers[w.at] >= 0:
		w.at++
	case isDigit(s) && int(s[0]-'1') < len(questions[w.at].answers):
		w.answers[w.at] = int(s[0] - '1')
		w.at++
	}
	return false, nil
}

func (w *wrapUp) last(key string) tea.Cmd {
	if key != "y" {
		return nil
	}
	return w.send(w.closing())
}

func (w *wrapUp) closing() desk.Closing {
	said := func(i int) string { return questions[i].answers[w.answers[i]] }
	c := desk.Closing{Disposition: said(0), Contact: said(1), Safety: said(2)}
	if i := w.answers[3]; followUps[i] > 0 {
		c.FollowUp = w.days[i].Format(time.DateOnly)
	}
	return c
}

// Render shows what has been answered, and the question that is next with its answers.
func (w *wrapUp) Render(l *look, width, height int) []string {
	lines := []string{l.heading(w.title, width, true)}
	for i, q := range questions {
		switch {
		case i == w.at:
			lines = append(lines, "  "+l.Theme.Focus.Paint(l.Word(q.ask)))
			for n, a := range q.answers {
				if a = l.Word(a); i == 3 && n > 0 {
					a += ", " + l.day(w.days[n])
				}
				mark := "  "
				if n == w.answers[i] {
					mark = "> "
				}
				lines = append(lines, "    "+mark+l.Theme.Focus.Paint(strconv.Itoa(n+1))+"  "+a)
			}
		case w.answers[i] >= 0:
			lines = append(lines, "  "+l.Theme.Muted.Paint(l.Word(q.ask))+" "+l.Word(q.answers[w.answers[i]]))
		default:
			lines = append(lines, "  "+l.Theme.Muted.Paint(l.Word(q.ask)))
		}
	}
	for _, r := range w.remarks {
		for _, l1 := range wrap(r, width-3) {
			lines = append(lines, "  "+l.Theme.Danger.Paint(l1))
		}
	}
	for _, l1 := range wrap(l.T("A new text within three days opens it again."), width-3) {
		lines = append(lines, "  "+l.Theme.Muted.Paint(l1))
	}
	if w.at == len(questions) {
		lines = append(lines, "      "+l.Theme.Focus.Paint("y")+"  "+l.T("close it"), "      "+l.Theme.Focus.Paint("n")+"  "+l.T("keep it open"))
	}
	return lines[:min(len(lines), height)]
}

// closing asks how the open conversation ended.
func (m *Model) closing() {
	if !m.holds() {
		return
	}
	title := m.T("Close {{.Who}}", "Who", m.who(m.chat.conv))
	read := m.chat.conv.LastHeard
	m.wrapUp = newWrapUp(m.open, title, m.wrapped[m.open], read, m.now.In(m.Zone), func(c desk.Closing) tea.Cmd {
		switch {
		case m.open != m.wrapUp.id:
			m.fail(m.T("Nothing was closed: another conversation is open now."))
			return nil
		case !m.holds():
			return nil
		case m.chat.conv.LastHeard > read: // the questions stood over it
			m.fail(m.T("Nothing was closed: a text came in meanwhile. Read it first."))
			return nil
		}
		return m.do(doing{what: m.T("Closed: {{.How}}", "How", m.Word(c.Disposition))}, about(m.chat.conv, desk.Closed, c))
	})
	m.wrapUp.remarks = m.before(m.chat.conv)
}

// before says what somebody should know who closes a conversation.
func (m *Model) before(c *desk.Conversation) (remarks []string) {
	if !slices.ContainsFunc(c.Messages, func(r *desk.Message) bool { return !r.Inbound && r.Automatic == "" && r.Delivery.Taken() }) {
		remarks = append(remarks, m.T("Nothing that anybody wrote was ever sent to them."))
	}
	if strings.TrimSpace(m.composer.Text(c.ID)) != "" {
		remarks = append(remarks, m.T("A draft to them stays in the composer and is not sent."))
	}
	return remarks
}
