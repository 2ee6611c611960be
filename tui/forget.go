package tui

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// What is forgotten, and what two people must agree on.

// steers tells whether the person at the console has a say in what is forgotten, and says so if not.
func (m *Model) steers() bool {
	if !m.world.status.Role.Steers() {
		m.say(m.T("That is for supervisors and administrators."))
		return false
	}
	return true
}

// over is the marked conversation, if it is closed; else it says what is missing.
func (m *Model) over() *desk.Conversation {
	c := m.chosen()
	switch {
	case c == nil:
		m.say(m.T("Mark a conversation first."))
	case !c.Gone.IsZero():
		m.say(m.T("It has been forgotten."))
	case c.Phase != desk.ClosedNow:
		m.say(m.T("It must be closed first."))
	default:
		return c
	}
	return nil
}

// askForget asks that the marked conversation, or all of its person's, be forgotten. Somebody else must agree.
func (m *Model) askForget() tea.Cmd {
	if !m.steers() {
		return nil
	}
	c := m.over()
	if c == nil {
		return nil
	}
	who := m.who(c)
	ask := func(number bool, title string) func() tea.Cmd {
		return func() tea.Cmd {
			m.ask(m.askWhy(desk.ForgetAsked, title, m.T("forget nothing"), c.ID, func(reason string) tea.Cmd {
				return m.do(doing{what: m.T("Asked. Somebody else must agree.")}, about(c, desk.ForgetAsked, desk.Asking{Number: number, Reason: reason}))
			}, m.T("Once another supervisor or administrator agrees, its keys are destroyed here, at the relay and at every console, and the carrier is asked to delete its copies. Nobody can undo that."),
				m.T("Say why; whoever agrees reads it.")))
			return nil
		}
	}
	m.palette = newPalette(m.T("Forget"), []offer{
		{name: m.T("this conversation"), note: who, do: ask(false, m.T("Forget {{.Who}}?", "Who", who))},
		{name: m.T("all conversations of this person's number"), note: who, do: ask(true, m.T("Forget all conversations of the number of {{.Who}}?", "Who", who))},
	})
	return nil
}

// legalHold sets or lifts one on the marked conversation and its number.
func (m *Model) legalHold() tea.Cmd {
	c := m.chosen()
	switch {
	case !m.steers():
		return nil
	case c == nil || !c.Gone.IsZero():
		m.say(m.T("Mark a conversation first."))
		return nil
	}
	who := m.who(c)
	if c.LegalHold != (desk.LegalHold{}) {
		m.ask(m.askWhy(desk.HoldLifted, m.T("Lift the legal hold on {{.Who}}?", "Who", who), m.T("leave it"), c.ID, func(reason string) tea.Cmd {
			return m.do(doing{what: m.T("The legal hold is lifted.")}, about(c, desk.HoldLifted, desk.Holding{Reason: reason}))
		}, m.T("{{.Name}} set it on {{.Day}}. Without it, what has been kept for its time is forgotten within the hour.", "Name", text.Line(c.LegalHold.By), "Day", m.date(c.LegalHold.At)), m.T("Say why; that is kept.")))
		return nil
	}
	set := func(number bool) func() tea.Cmd {
		return func() tea.Cmd {
			m.ask(m.askWhy(desk.HoldSet, m.T("Legal hold on {{.Who}}", "Who", who), m.T("set none"), c.ID, func(reason string) tea.Cmd {
				return m.do(doing{what: m.T("Nothing of it is forgotten until the legal hold is lifted.")}, about(c, desk.HoldSet, desk.Holding{Number: number, Reason: reason}))
			}, m.T("Say why; that is kept.")))
			return nil
		}
	}
	m.palette = newPalette(m.T("Legal hold"), []offer{
		{name: m.T("on this conversation"), note: who, do: set(false)},
		{name: m.T("on all that comes from this number, later too"), note: who, do: set(true)},
	})
	return nil
}

// agree lists what waits for another person.
func (m *Model) agree() tea.Cmd {
	if !m.steers() {
		return nil
	}
	var offers []offer
	for _, c := range m.world.asked {
		who := codename.Of(c.ID)
		if c.Forget.Waits(m.now) {
			what := m.T("forget {{.Who}}", "Who", who)
			if c.Forget.Number {
				what = m.T("forget all conversations of the number of {{.Who}}", "Who", who)
			}
			offers = append(offers, m.second(c, c.Forget, what, desk.ForgetApproved))
		}
		if c.Export.Waits(m.now) {
			offers = append(offers, m.second(c, c.Export, m.T("write {{.Who}} to a file", "Who", who), desk.ExportApproved))
		}
	}
	if w := m.world.retention; w.Seq > 0 && !w.Allowed {
		offers = append(offers, offer{name: m.T("what has been kept for its time"), note: m.N(w.Conversations, "{{.N}} conversations"), do: func() tea.Cmd { return m.allow(w) }})
	}
	if len(offers) == 0 {
		m.say(m.T("Nothing waits for your yes."))
		return nil
	}
	m.palette = newPalette(m.T("Waits for another person's yes"), offers)
	return nil
}

// second offers to be the second of two people, whom the first can only be told to wait for.
func (m *Model) second(c *desk.Conversation, a desk.Ask, what string, kind store.Kind) offer {
	lines := []string{m.T("{{.Name}} asks for it since {{.Day}}.", "Name", text.Line(a.By), "Day", m.date(a.At))}
	if a.Reason != "" {
		lines = append(lines, m.T("Why: {{.Reason}}", "Reason", text.Clean(a.Reason)))
	}
	if !c.OpenedAt.IsZero() && !c.ClosedAt.IsZero() {
		lines = append(lines, m.T("It began on {{.From}} and was closed on {{.Until}}.", "From", m.date(c.OpenedAt), "Until", m.date(c.ClosedAt)))
	}
	if a.By == m.Name {
		lines[0] = m.T("You asked for this on {{.When}}. Another supervisor or administrator must agree.", "When", m.moment(a.At))
		return offer{name: what, note: m.T("yours"), do: m.asking(&dialog{title: what, lines: lines, choices: []choice{{"y", m.T("understood"), nil}}})}
	}
	if kind == desk.ForgetApproved {
		lines = append(lines, m.T("Once you agree it is destroyed, here and everywhere, within moments. Nobody can undo that."))
	} else {
		lines = append(lines, m.T("It is a file then that whoever reads that machine can read."))
	}
	return offer{name: what, note: text.Line(a.By), do: m.asking(&dialog{title: m.T("Agree: {{.What}}?", "What", what), lines: lines, choices: []choice{
		{"n", m.T("not now"), nil},
		{"y", m.T("agree"), func() tea.Cmd {
			return m.do(doing{what: m.T("Agreed.")}, desk.Command{Kind: kind, Conversation: c.ID, Claim: a.Seq})
		}},
	}})}
}

// allow lets the clock forget what it did not dare to.
func (m *Model) allow(w desk.Wait) tea.Cmd {
	lines := []string{m.N(w.Conversations, "Something of {{.N}} conversations has been kept for its time and would be forgotten at once.")}
	if w.Leap {
		lines = append(lines, m.T("The relay's clock had been standing still, or is wrong. Look at its date before you agree."))
	} else {
		lines = append(lines, m.T("That is a large part of all. Was the file with the days changed, and is it right?"))
	}
	m.ask(&dialog{title: m.T("Let it be forgotten?"), lines: lines, choices: []choice{
		{"n", m.T("not now"), nil},
		{"y", m.T("agree"), func() tea.Cmd {
			return m.do(doing{what: m.T("Agreed.")}, desk.Command{Kind: desk.RetentionAllowed, Claim: w.Seq})
		}},
	}})
	return nil
}

// numberMsg is a whole number that was asked for, or why it is not to be had.
type numberMsg struct {
	id     string
	who    string
	number sms.Number
	err    error
}

// wholeNumber asks for the number of the marked conversation, with a reason.
func (m *Model) wholeNumber() tea.Cmd {
	c := m.chosen()
	if c == nil || !c.Gone.IsZero() {
		m.say(m.T("Mark a conversation first."))
		return nil
	}
	line, id, who := m.Line, c.ID, m.who(c)
	m.ask(m.askWhy(desk.NumberRevealed, m.T("Show the whole number of {{.Who}}?", "Who", who), m.T("do not show it"), c.ID, func(reason string) tea.Cmd {
		m.surely(nil, func(passphrase []byte) tea.Cmd {
			return m.act(func() tea.Msg {
				ctx, cancel := context.WithTimeout(context.Background(), surelyMost)
				defer cancel()
				n, err := line.Reveal(ctx, id, reason, passphrase)
				return numberMsg{id, who, n, err}
			})
		})
		return nil
	}, m.T("Your supervisors see that you asked, and why. It is shown here once and kept nowhere.")))
	return nil
}

// shown puts a number on the screen, until a key is pressed or the screen is locked.
func (m *Model) shown(n numberMsg) tea.Cmd {
	if n.err != nil {
		m.fail(m.plainly(n.err))
		return nil
	}
	given := m.gaveReason(deed{n.id, desk.NumberRevealed})
	if m.locked == nil {
		m.ask(&dialog{title: m.T("The number of {{.Who}}", "Who", n.who), lines: []string{n.number.Reveal()}, fleeting: true, choices: []choice{{"y", m.T("put it away"), nil}}})
	}
	return given
}

// mostReceipts is how many are listed, the newest.
const mostReceipts = 200

// receipts lists what has been forgotten, the newest first; one can be read.
func (m *Model) receipts() tea.Cmd {
	var all []desk.Receipt
	m.Line.View(func(s *desk.State) { all = s.Receipts(mostReceipts) })
	var offers []offer
	for _, r := range all {
		offers = append(offers, offer{name: codename.Of(r.Conversation), note: m.moment(r.Newest()), do: func() tea.Cmd {
			lines := func() []string {
				m.Line.View(func(s *desk.State) { r, _ = s.Receipt(r.Conversation) }) // it has one: what is forgotten stays so
				return m.receipt(r)
			}
			m.ask(&dialog{title: m.T("What became of {{.Who}}", "Who", codename.Of(r.Conversation)), live: lines, choices: []choice{{"y", m.T("understood"), nil}}})
			return nil
		}})
	}
	if len(offers) == 0 {
		m.say(m.T("Nothing has been forgotten."))
		return nil
	}
	m.palette = newPalette(m.T("Receipts"), offers)
	return nil
}

// receipt says what is gone, where, and what remains.
func (m *Model) receipt(r desk.Receipt) (lines []string) {
	for _, f := range r.Forgettings {
		what := m.T("All of it was forgotten, {{.When}}.", "When", m.moment(f.At))
		if f.Kind != desk.Forgotten && f.Kind != desk.ForgottenToo && f.Kind != desk.ForgottenAgain {
			what = m.Word(string(f.Kind)) + ", " + m.moment(f.At)
		}
		if f.By != "" {
			what += " " + m.T("{{.Name}} asked, {{.Other}} agreed.", "Name", text.Line(f.By), "Other", text.Line(f.Approved))
		}
		lines = append(lines, what)
	}
	done, refused, open := 0, 0, false
	for _, list := range r.Carrier {
		done, refused, open = done+list.Done, refused+list.Refused, open || list.Ended.IsZero()
	}
	if len(r.Carrier) > 0 {
		lines = append(lines, m.T("The carrier: {{.Done}} texts deleted, {{.Refused}} refused.", "Done", done, "Refused", refused))
	}
	if open {
		lines = append(lines, m.T("The carrier is still being asked."))
	}
	var gone, not []string
	for _, c := range r.Consoles {
		if r.Confirmed(c) {
			gone = append(gone, text.Line(c.Staff))
		} else {
			not = append(not, text.Line(c.Staff))
		}
	}
	if len(gone) > 0 {
		lines = append(lines, m.T("Gone from the consoles of {{.Names}}.", "Names", strings.Join(slices.Compact(gone), ", ")))
	}
	if len(not) > 0 {
		lines = append(lines, m.T("NOT CONFIRMED by the consoles of {{.Names}}: it goes when they next come to the relay, or are unlocked.", "Names", strings.Join(slices.Compact(not), ", ")))
	}
	if len(r.LeftOut) > 0 {
		var names []string
		for _, id := range r.LeftOut {
			names = append(names, codename.Of(id))
		}
		lines = append(lines, m.T("NOT FORGOTTEN: {{.Names}}, of the same number. A text came in before that was done, or a legal hold keeps it. Ask again for it.", "Names", strings.Join(names, ", ")))
	}
	if keep := m.world.status.Limits.Backups; keep > 0 {
		lines = append(lines, m.T("Backups made before are too old from {{.Day}} on, and go with the next one.", "Day", m.date(r.Newest().Add(keep))))
	} else {
		lines = append(lines, m.T("Backups made before remain until they are too old."))
	}
	return append(lines, m.T("What remains: times, kinds of events and names of staff; which words staff searched for; sealed bytes that no key opens; files that somebody wrote, until befree forget-files deletes them at that machine; the texter's phone."))
}

// pastOnes lists the closed conversations that this console knows, the newest first.
func (m *Model) pastOnes() tea.Cmd {
	var closed []*desk.Conversation
	for c := range m.world.byID.all() {
		if c.Phase == desk.ClosedNow && c.Gone.IsZero() {
			closed = append(closed, c)
		}
	}
	if len(closed) == 0 {
		m.say(m.T("No closed conversations yet."))
		return nil
	}
	slices.SortFunc(closed, func(a, b *desk.Conversation) int {
		return cmp.Or(b.ClosedAt.Compare(a.ClosedAt), strings.Compare(a.ID, b.ID))
	})
	var offers []offer
	for _, c := range closed {
		offers = append(offers, offer{name: m.who(c), note: m.moment(c.ClosedAt), do: func() tea.Cmd { return m.show1(c.ID) }})
	}
	m.palette = newPalette(m.T("Closed"), offers)
	m.palette.enter = m.T("opens it")
	return nil
}

// forgetHere drops what is being written in conversations that are forgotten, and says what has come up meanwhile.
func (m *Model) forgetHere(before *world) {
	gone := m.world.gone
	for _, id := range append(m.composer.Others(), m.open) {
		if gone(id) {
			m.composer.Put(id, "")
		}
	}
	maps.DeleteFunc(m.notes.editors, func(id string, _ *editor) bool { return gone(id) })
	maps.DeleteFunc(m.answers, func(id string, _ map[string]string) bool { return gone(id) })
	maps.DeleteFunc(m.reasons, func(d deed, _ string) bool { return gone(d.conversation) })
	maps.DeleteFunc(m.wrapped, func(id string, _ wrapped) bool { return gone(id) })
	maps.DeleteFunc(m.records, func(id string, _ changes) bool { return gone(id) })
	maps.DeleteFunc(m.referring, func(id string, _ changes) bool { return gone(id) })
	maps.DeleteFunc(m.unsaved, func(p place, _ bool) bool { return gone(p.conversation) })
	if before.byID.get(m.open) != nil && !before.gone(m.open) && gone(m.open) {
		m.side, m.safety, m.refer, m.plan, m.versions, m.palette = noSide, nil, nil, nil, nil, nil
		m.chat.Show(m.world.byID.get(m.open))
		if m.focus == onSide || m.focus == onComposer {
			m.focus = onChat
		}
		m.say(m.T("It has been forgotten."))
	}
	if m.palette != nil && m.palette.told && m.world.forgotten > before.forgotten { // it may have been among what was found
		m.palette = nil
	}
	if n := m.waitForMe(&m.world); n > m.waitForMe(before) {
		m.say(m.N(n, "{{.N}} things wait for another person's yes.") + " " + m.press("A"))
	}
}

// filesLeftMsg is how many files there are of conversations that have just been forgotten.
type filesLeftMsg int

// filesLeft looks for files that were written of what has been forgotten since the world before: they stay, unsealed.
func (m *Model) filesLeft(before *world) tea.Cmd {
	if m.Files == nil || before.byID == nil {
		return nil
	}
	var names []string
	for _, id := range m.world.news {
		if m.world.gone(id) && !before.gone(id) {
			names = append(names, "-"+dashed(id)+"-")
		}
	}
	if len(names) == 0 {
		return nil
	}
	files := m.Files
	return guard(func() tea.Msg {
		left := slices.DeleteFunc(files(), func(file string) bool {
			return !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(file, name) })
		})
		return filesLeftMsg(len(left))
	})
}

// tellFiles has its person know of them, who alone can delete them.
func (m *Model) tellFiles(n filesLeftMsg) {
	if n == 0 {
		return
	}
	m.ask(&dialog{
		title: m.T("It has been forgotten, but not its files"), itself: true,
		lines:   []string{m.N(int(n), "{{.N}} files that bear its name are still on this machine, not sealed. befree forget-files deletes them.")},
		choices: []choice{{"y", m.T("understood"), nil}},
	})
}

// waitForMe counts what somebody else asked for and the person at the console can agree to.
func (m *Model) waitForMe(w *world) (n int) {
	if !w.status.Role.Steers() {
		return 0
	}
	for _, c := range w.asked {
		for _, a := range []desk.Ask{c.Forget, c.Export} {
			if a.Waits(m.now) && a.By != m.Name {
				n++
			}
		}
	}
	if w.retention.Seq > 0 && !w.retention.Allowed {
		n++
	}
	return n
}
