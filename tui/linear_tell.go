package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/triage"
	"befree.example/tui/text"
)

// tell says what has not been said: of everything that the screen would show, what is new.
func (l *Linear) tell() (taught tea.Cmd) {
	if l.locked != nil {
		if !l.told.locked {
			l.clear()
			l.print(l.locked.Render(&l.look, l.Unlock != nil)...)
		}
		l.told.locked = !l.locked.trying
		return nil
	}
	l.told.locked = false
	l.tellState()
	for _, h := range l.untold {
		l.print(l.handed(h))
		taught = tea.Batch(taught, l.taught(h.conv.ID))
	}
	l.untold = nil
	l.tellArrivals()
	l.tellConversation()
	l.tellBeside()
	if l.notice != l.told.notice {
		if l.told.notice = l.notice; l.notice.text != "" {
			l.print(l.notice.text)
		}
	}
	if l.tour != nil && !l.told.unstarted {
		if words := l.tour.say(l.Model); words != l.told.tour {
			l.told.tour = words
			l.print(words)
		}
	}
	l.tellTop()
	return taught
}

func (l *Linear) tellState() {
	if l.world.byID == nil {
		return
	}
	if state := l.connection(l.world.status); state != l.told.state {
		l.told.state = state
		l.print("befree: " + state)
	}
	if alarm := l.alarm(l.world.status.Alarm); alarm != l.told.alarm {
		l.told.alarm = alarm
		l.print(alarm)
	}
	if l.told.unstarted && l.world.status.InStep() || l.told.unstarted && l.Review {
		l.told.unstarted = false
		l.list()
		for _, c := range slices.Concat(l.world.waiting, l.world.mine) { // the list has said it
			l.told.arrivals[arrived(c)] = true
		}
		l.print(l.T("A number opens a row, an empty line reads the list, ? says what can be done, : goes before a command while you write."))
	}
}

// An arrival is what is worth saying of somebody who waits: their newest text, and how urgent they are now.
type arrival struct {
	id       string
	severity triage.Severity
	text     uint64 // Seq, never of a flood's
}

func arrived(c *desk.Conversation) arrival { return arrival{c.ID, c.Severity, c.LastHeard} }

// tellArrivals says what is new of those who wait, and which of one's own conversations has a new text.
func (l *Linear) tellArrivals() {
	if l.told.unstarted {
		return
	}
	arrivals := map[arrival]bool{}
	isNew := func(c *desk.Conversation) bool {
		arrivals[arrived(c)] = true
		return !l.told.arrivals[arrived(c)]
	}
	for _, c := range l.world.waiting {
		if isNew(c) && c.ID != l.open {
			l.print(l.T("{{.Severity}}: {{.Who}} waits: {{.Words}}", "Severity", l.severity(c.Severity), "Who", l.who(c), "Words", l.firstOf(c, 200)))
		}
	}
	for _, c := range l.world.mine {
		if l.read.unread(c) > 0 && c.ID != l.open && isNew(c) {
			l.print(l.T("{{.Severity}}: {{.Who}} wrote again: {{.Words}}", "Severity", l.severity(c.Severity), "Who", l.who(c), "Words", l.firstOf(c, 200)))
		}
	}
	l.told.arrivals = arrivals
}

// lately is how many texts of a conversation are read out when it is opened.
const lately = 10

// folded stands for a text of a flood that is not read out.
const folded = "folded"

// tellConversation reads out the open conversation: when it is opened its last texts, then each that comes, and what
// becomes of those that were sent.
func (l *Linear) tellConversation() {
	c := l.chat.conv
	if c == nil {
		return
	}
	messages := c.Messages
	if opened := l.told.open != c.ID; opened {
		l.told.open, l.told.delivery, l.told.turn, l.told.banner = c.ID, map[string]string{}, 0, false
		l.print(l.who(c) + ", " + l.severity(c.Severity))
		l.tellBanner(c)
		known := max(0, len(messages)-lately)
		if l.told.whole {
			known = 0
		}
		l.told.whole = false
		for _, m := range messages[:known] {
			l.told.delivery[m.ID] = l.told1(m)
		}
		if known > 0 {
			l.print(l.N(known, "{{.N}} texts before; * reads all."))
		}
	}
	for i, m := range messages {
		was, known := l.told.delivery[m.ID]
		now := l.told1(m)
		if l.chat.folds(c, m) || m.Withheld && m.Flood > 0 {
			if !known && m.Flood == 1 {
				l.print(l.chat.flood(messages[i : i+1])...)
			}
			l.told.delivery[m.ID] = folded
			continue
		}
		switch {
		case !known:
			l.print(l.chat.layOut(m, l.now)...)
		case was != now && !m.Inbound:
			l.print(l.chat.head(m, l.now))
		case was != now:
			l.print(l.chat.layOut(m, l.now)...)
		}
		l.told.delivery[m.ID] = now
	}
	l.tellBanner(c)
	l.tellTurns(c)
	l.tellDraft()
}

// tellBanner says what must be known before the first reply, once whose conversation it is has been decided: none goes out
// before.
func (l *Linear) tellBanner(c *desk.Conversation) {
	if l.told.banner || l.claiming == c.ID || l.world.byID.get(c.ID).HeldBy(l.Name) != c.HeldBy(l.Name) {
		return
	}
	l.told.banner = true
	l.print(l.chat.banner(linearWidth, l.now)...)
}

// tellDraft reads out a draft that its person has not just written: one of before, or words that came back.
func (l *Linear) tellDraft() {
	draft := l.draft()
	if draft == l.told.draft {
		return
	}
	l.told.draft = draft
	l.tellUnsaved(l.composer.Text(l.open))
}

// tellTurns says who did what in the open conversation: what its owner must know when it is opened, then whatever
// happens.
func (l *Linear) tellTurns(c *desk.Conversation) {
	first := l.told.turn == 0
	for i, t := range c.Turns {
		last := i == len(c.Turns)-1
		handed := t.Kind == desk.Transferred || t.Kind == desk.TakenOver
		if t.Seq > l.told.turn && (!first || handed && last) {
			l.print(l.chat.turn(t)...)
		}
	}
	if n := len(c.Turns); n > 0 {
		l.told.turn = c.Turns[n-1].Seq
	}
}

// told1 is what must change for a text to be worth saying again.
func (l *Linear) told1(m *desk.Message) string {
	if m.Inbound || m.Delivery == desk.StatusWaiting {
		return fmt.Sprint(m.Delivery, m.Withheld, m.Again)
	}
	return fmt.Sprint(l.delivery(m, l.now), m.Withheld, m.Again, len(m.SIDs))
}

// tellBeside reads out what stands beside the conversation: the notes, or the item of a form that is to be filled in.
func (l *Linear) tellBeside() {
	beside := ""
	c := l.chat.conv
	switch {
	case l.side == noSide || c == nil || l.focus != onSide:
	case l.side == notesSide:
		beside = fmt.Sprint(notesSide, c.ID, len(c.Notes))
	case l.side == planSide && l.plan != nil:
		beside = fmt.Sprint(planSide, c.ID, l.plan.item())
	case l.side == safetySide && l.safety != nil:
		beside = fmt.Sprint(safetySide, c.ID, l.safety.at)
	case l.side == referSide && l.refer != nil:
		beside = fmt.Sprint(referSide, c.ID, l.refer.at)
	case l.side == historySide || l.side == referralSide:
		beside = fmt.Sprint(l.side, c.ID)
	}
	if beside == l.told.beside {
		return
	}
	switch l.told.beside = beside; {
	case beside == "":
	case l.side == notesSide:
		l.print(l.T("Notes: never sent"))
		for _, n := range c.Notes {
			l.print(l.notes.note(n.Author, n.At, n.Text.Reveal(), false, linearWidth)...)
		}
		l.tellUnsaved(l.notes.editor(c.ID).Text())
		l.print(l.T("Write a note; an empty line goes back."))
	case l.side == historySide:
		l.print(l.T("History of this texter"))
		l.print(l.history(c, linearWidth)...)
		l.leaveSide() // nothing is written there
	case l.side == referralSide:
		l.print(l.T("Referrals of this texter"))
		l.print(l.referrals(c, linearWidth)...)
		l.leaveSide()
	case l.side == planSide:
		l.print(l.plan.answer(linearWidth, 1, false)...)
		if l.plan.Changed() {
			l.tellUnsaved(l.plan.editor.Text())
		}
		if l.plan.item() == reviewed {
			l.print(l.T("Write what is to stand there, - for nothing; an empty line leaves it, a full stop alone goes back."))
			break
		}
		l.print(l.T("Write the answer, - for asked, does not apply; an empty line goes on, a full stop alone goes back."))
	case l.side == safetySide, l.side == referSide:
		in, _, _ := l.fields()
		f := in.fields[in.at]
		v, _ := in.value(in.at)
		l.print(l.Word(f.name)+": "+l.Word(v), l.Word(f.help))
		l.print(l.T("Write what is to stand there, - for nothing; an empty line leaves it, a full stop alone goes back."))
	}
}

// tellUnsaved reads out what was written and not kept, to which the next line is added.
func (l *Linear) tellUnsaved(words string) {
	if words != "" {
		l.print(l.T("Draft:"))
		l.print(strings.Split(text.Clean(words), "\n")...)
	}
}

// tellTop says what is asked now.
func (l *Linear) tellTop() {
	var d *dialog
	if n := len(l.dialogs); n > 0 {
		d = l.dialogs[n-1]
	}
	if d != l.told.dialog {
		if l.told.dialog = d; d != nil {
			l.print(d.title)
			l.print(d.said()...)
			for _, c := range d.choices {
				l.print(strings.TrimSpace(c.key + " " + c.label))
			}
			l.print(l.T("An empty line is the first answer."))
			switch {
			case d.secret:
				l.print(l.T("Passphrase:"))
			case d.reason != nil:
				if words := d.reason.Text(); words != "" {
					l.tellUnsaved(words)
					l.print(l.T("A line is added to it, a full stop alone takes it as it is."))
				}
				l.print(l.T("Why:"))
			}
		}
	}
	wrapUp := ""
	if w := l.wrapUp; w != nil {
		wrapUp = strings.Join(w.Render(&l.look, linearWidth, 100), "\n")
	}
	if wrapUp != l.told.wrapUp {
		l.told.wrapUp = wrapUp
		l.print(strings.Split(wrapUp, "\n")...)
	}
	offers := ""
	if p := l.palette; p != nil {
		offers = strings.TrimSuffix(p.title+"\n"+p.hint, "\n")
		for i, o := range p.fit[:min(len(p.fit), 20)] {
			offers += fmt.Sprintf("\n%d. %s %s", i+1, o.name, o.note)
		}
	}
	if offers != l.told.palette {
		l.told.palette = offers
		l.print(strings.Split(offers, "\n")...)
	}
	if l.versions != nil {
		l.print(l.versions.changes(&l.look)...)
		l.versions = nil
	}
	if l.help != nil {
		for _, c := range l.commands {
			l.print(l.Word(c.name) + ": " + c.line())
		}
		l.print(l.T("A number opens a row, an empty line reads the list, / and words narrow it, * reads a conversation whole, : and the name of a command does it."))
		l.help = nil
	}
}
