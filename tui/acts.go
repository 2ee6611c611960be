package tui

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/triage"
	"befree.example/tui/text"
)

// doMost is how long an act waits for its answer.
const doMost = 20 * time.Second

// surelyMost also has the time that a passphrase takes after many wrong ones.
const surelyMost = 90 * time.Second

// doing is an act under way, and what to say of it.
type doing struct {
	what   string // once it is done
	kept   string // once it is on this machine's disk alone
	conv   string
	act    store.Kind
	reply  string         // the words of a reply
	lasts  time.Duration  // for which what is true; 0 for ever
	then   func() tea.Cmd // once it is done
	undo   func()         // once it is known that it was not
	undoes string         // ID of the reply that it takes back
	moves  bool           // then opens something: not under whoever has pressed a key since
	key    time.Time      // when the one before it came
}

type doneMsg struct {
	doing
	outcome client.Outcome
	err     error
}

const (
	keptNote     = "Note kept on this machine; it goes to the relay when there is a connection."
	keptPlan     = "Plan kept on this machine; it goes to the relay when there is a connection."
	keptSafety   = "Safety record kept on this machine; it goes to the relay when there is a connection."
	keptReferral = "Referral kept on this machine; it goes to the relay when there is a connection."
	keptReply    = "The connection broke off. If the relay is not back within a minute, the text becomes a draft again."
)

// do asks the line for an event; for a dangerous one its person has to show first that it is them.
func (m *Model) do(d doing, c desk.Command) tea.Cmd {
	line := m.Line
	if !desk.Dangerous(c.Kind) {
		return m.carryOut(d, c, doMost, func(ctx context.Context) (client.Outcome, error) { return line.Do(ctx, c) })
	}
	m.surely(d.undone, func(passphrase []byte) tea.Cmd {
		return m.carryOut(d, c, surelyMost, func(ctx context.Context) (client.Outcome, error) { return line.Surely(ctx, c, passphrase) })
	})
	return nil
}

// surely asks for the passphrase before something that is done only by whoever knows it.
func (m *Model) surely(undone func() tea.Cmd, act func(passphrase []byte) tea.Cmd) {
	m.ask(&dialog{
		title: m.T("Show that it is you"), secret: true, choices: []choice{{"", m.T("nothing is done"), undone}},
		lines: []string{m.T("This is done only by whoever knows the passphrase of this console.")},
		send:  func(passphrase string) tea.Cmd { return act([]byte(passphrase)) },
	})
}

// undone is what an act leaves that was not begun.
func (d doing) undone() tea.Cmd {
	if d.undo != nil {
		d.undo()
	}
	return nil
}

func (m *Model) carryOut(d doing, c desk.Command, most time.Duration, act func(context.Context) (client.Outcome, error)) tea.Cmd {
	d.conv, d.act, d.key = c.Conversation, c.Kind, m.lastKey
	return m.act(func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), most)
		defer cancel()
		outcome, err := act(ctx)
		return doneMsg{d, outcome, err}
	})
}

// done says what became of an act, once it is in the world: what is said and what is shown agree.
func (m *Model) done(d doneMsg) tea.Cmd {
	if s := m.world.status; s.Connected && d.outcome.Seq > s.At {
		m.early = append(m.early, d)
		return nil
	}
	if m.claiming == d.conv {
		m.claiming = ""
	}
	if m.undoing[d.undoes] {
		m.undoing[d.undoes] = false // it may be asked for again
	}
	switch {
	case d.err != nil && !notKnown(d.err):
		m.fail(m.plainly(d.err))
		if d.kept == keptSafety {
			m.fail(m.T("Not kept: {{.Why}}", "Why", m.plainly(d.err)))
		}
		var refusal *desk.Refusal
		if d.reply != "" && !errors.As(d.err, &refusal) { // a refused one comes back from the outbox
			m.giveBack(d.conv, d.reply)
		}
		if d.undo != nil {
			d.undo()
		}
		return m.saveSoon()
	case d.err != nil:
		m.fail(m.plainly(d.err))
		return nil
	}
	given := m.gaveReason(deed{d.conv, d.act})
	if d.act == desk.Closed {
		delete(m.wrapped, d.conv)
	}
	switch {
	case d.outcome.Kept:
		m.say(m.Word(d.kept))
	case d.what != "":
		m.say(d.what)
		if d.lasts > 0 {
			m.notice.ends = m.now.Add(d.lasts)
		}
	}
	if d.then != nil && (!d.moves || !m.lastKey.After(d.key)) {
		return tea.Batch(given, d.then())
	}
	return given
}

// doneEarly goes through what was answered before it was in the world.
func (m *Model) doneEarly() (cmds []tea.Cmd) {
	early := m.early
	m.early = nil
	for _, d := range early {
		cmds = append(cmds, m.done(d))
	}
	return cmds
}

// about is a command about a conversation, resting on what the screen shows of it.
func about(c *desk.Conversation, kind store.Kind, body any) desk.Command {
	raw, _ := json.Marshal(body) // our own types, which are JSON
	return desk.Command{Kind: kind, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: raw}
}

// chosen is the conversation that an act is about: the one under the cursor of the list, else the open one.
func (m *Model) chosen() *desk.Conversation {
	if m.focus == onQueue {
		return m.queue.Selected()
	}
	return m.chat.conv
}

// next claims the most urgent who waits, and opens it.
func (m *Model) next() tea.Cmd {
	switch {
	case m.again:
		return nil // one press claims one person, however long it lasts
	case m.Review:
		return m.claim(nil)
	case len(m.world.waiting) == 0 && !m.world.status.InStep():
		m.say(m.T("The newest is still coming in: {{.State}}.", "State", m.connection(m.world.status)))
		return nil
	case len(m.world.waiting) == 0:
		m.say(m.T("Nobody is waiting."))
		return nil
	}
	return m.claim(slices.MinFunc(m.world.waiting, func(a, b *desk.Conversation) int { return urgent(a, b, m.now) }))
}

func (m *Model) claim(c *desk.Conversation) tea.Cmd {
	switch {
	case m.Review:
		m.say(m.T("This is a review: nothing can be claimed."))
		return nil
	case c == nil:
		return nil
	case c.HeldBy(m.Name):
		return m.show1(c.ID)
	case !m.goesOn(c):
		return nil
	}
	return m.goTo(c, doing{what: m.T("You have {{.Who}} now.", "Who", m.who(c))}, desk.Command{Kind: desk.Claimed, Conversation: c.ID})
}

// goTo asks for a conversation and opens it at the key press: what is typed from then on is its draft, whatever is
// decided and wherever its person has gone when the answer comes. Nothing is sent from there before it is theirs.
func (m *Model) goTo(c *desk.Conversation, d doing, asked desk.Command) tea.Cmd {
	m.claiming = c.ID
	open := m.show1(c.ID)
	m.focus = onComposer
	return tea.Batch(open, m.do(d, asked))
}

// holds tells whether the open conversation is one's own, and says so if not.
func (m *Model) holds() bool {
	if !m.chat.conv.HeldBy(m.Name) {
		m.say(m.T("That needs a conversation of yours on the screen."))
		return false
	}
	return true
}

// release gives the open conversation back, having asked.
func (m *Model) release() {
	if !m.holds() {
		return
	}
	c := about(m.chat.conv, desk.Released, desk.Because{})
	m.ask(&dialog{
		title: m.T("Give back {{.Who}}?", "Who", m.who(m.chat.conv)), about: c.Conversation,
		lines: []string{m.T("It goes back to the queue and anybody may take it. Texts that have not gone out yet are taken back; what you were writing stays here as a draft.")},
		choices: []choice{{"n", m.T("keep it"), nil}, {"y", m.T("give it back"), func() tea.Cmd {
			return m.do(doing{what: m.T("Given back to the queue.")}, c)
		}}},
	})
}

// handOver gives the open conversation to a colleague by name, with what they must know: a warm handoff. A supervisor
// gives the marked one, whoever holds it.
func (m *Model) handOver() {
	c := m.chosen()
	if m.world.status.Role != desk.Supervisor {
		if c = m.chat.conv; !m.holds() {
			return
		}
	}
	if !m.goesOn(c) {
		return
	}
	who := m.who(c)
	to := func(name string) {
		m.ask(m.askWhy(desk.Transferred, m.T("Hand over {{.Who}} to {{.Name}}", "Who", who, "Name", text.Line(name)), m.T("keep it"), c.ID, func(reason string) tea.Cmd {
			return m.do(doing{what: m.T("{{.Name}} has {{.Who}} now.", "Name", text.Line(name), "Who", who)}, about(c, desk.Transferred, desk.Handoff{To: name, Reason: reason}))
		}, m.T("What must they know before they write? It is kept."), m.T("Texts that have not gone out yet are taken back; what you were writing stays here as a draft.")))
	}
	var offers []offer
	for _, name := range m.colleagues(c) {
		offers = append(offers, offer{name: text.Line(name), do: func() tea.Cmd { to(name); return nil }})
	}
	m.palette = newPalette(m.T("Hand over {{.Who}} to", "Who", who), offers)
	m.palette.none = m.T("Nobody to hand over to is known here. Type a name, as they sign in.")
	m.palette.other = func(name string) offer {
		return offer{name: name, note: m.T("as they sign in"), do: func() tea.Cmd { to(name); return nil }}
	}
}

// colleagues are who may be given a conversation, as far as is known: whom the relay named, and whose work is seen here.
func (m *Model) colleagues(c *desk.Conversation) []string {
	names := slices.Clone(m.world.status.Staff)
	for other := range m.world.byID.all() {
		names = append(append(names, other.Held...), other.Owner)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" || name == c.Owner })
}

// goesOn tells whether there is a conversation that is not closed, and says so if not.
func (m *Model) goesOn(c *desk.Conversation) bool {
	switch {
	case c == nil:
		m.say(m.T("Mark a conversation first."))
	case c.Phase == desk.ClosedNow:
		m.say(m.T("This one is closed."))
	default:
		return true
	}
	return false
}

// judge lets a person set the severity of the marked conversation, with the reason.
func (m *Model) judge() tea.Cmd {
	c := m.chosen()
	if !m.goesOn(c) {
		return nil
	}
	name := m.who(c)
	var offers []offer
	for _, s := range []triage.Severity{triage.Imminent, triage.High, triage.Standard, triage.Information} {
		offers = append(offers, offer{name: m.Word(s.Word()), note: m.T("target {{.Time}}", "Time", minutes(triage.Target(s))), do: func() tea.Cmd {
			m.ask(m.askWhy(desk.SeveritySet, m.T("{{.Who}} is to be {{.Severity}}", "Who", name, "Severity", m.Word(s.Word())), m.T("leave it as it is"), c.ID, func(reason string) tea.Cmd {
				return m.do(doing{what: m.T("{{.Who}} is {{.Severity}} now.", "Who", name, "Severity", m.Word(s.Word()))}, about(c, desk.SeveritySet, desk.Ruling{Severity: s, Reason: reason}))
			}, m.T("Say why; that is kept, and everybody sees the new severity.")))
			return nil
		}})
	}
	m.palette = newPalette(m.T("Severity of {{.Who}}", "Who", name), offers)
	return nil
}

// earlier opens the conversation that the same person had before.
func (m *Model) earlier() tea.Cmd {
	c := m.chosen()
	if c == nil || c.Earlier == "" || m.world.byID.get(c.Earlier) == nil || !m.world.byID.get(c.Earlier).Gone.IsZero() {
		m.say(m.T("Nothing is known of an earlier conversation."))
		return nil
	}
	return m.show1(c.Earlier)
}

// takeOver takes a conversation from whoever holds it, having asked why. Both are told.
func (m *Model) takeOver() {
	c := m.chosen()
	switch {
	case m.world.status.Role != desk.Supervisor:
		m.say(m.T("Only supervisors take over."))
		return
	case c == nil || c.Phase != desk.Held || c.HeldBy(m.Name):
		m.say(m.T("Mark a conversation that somebody else holds: {{.Key}} in the list goes to the end, where they are.", "Key", "G"))
		return
	}
	name := m.who(c)
	m.ask(m.askWhy(desk.TakenOver, m.T("Take over {{.Who}}?", "Who", name), m.T("leave it with them"), c.ID, func(reason string) tea.Cmd {
		open := func() tea.Cmd {
			cmd := m.show1(c.ID)
			m.focus = onComposer // however old what is known here: letters are letters
			return cmd
		}
		d := doing{what: m.T("You have {{.Who}} now.", "Who", name), then: open, moves: true}
		return m.do(d, about(c, desk.TakenOver, desk.Because{Reason: reason}))
	}, m.T("{{.Name}} is told and keeps what they were writing as a draft. Texts that have not gone out yet are taken back.", "Name", text.Line(c.Owner)), m.T("Say why; that is kept.")))
}

// show1 opens a conversation.
func (m *Model) show1(id string) tea.Cmd {
	cmd := m.keep()
	if id != m.open {
		cmd = tea.Batch(cmd, m.moved(m.open), m.moved(id))
		m.askedFor = ""
		if m.untaught[id] {
			m.untold = slices.DeleteFunc(m.untold, func(h handover) bool { return h.conv.ID == id })
			cmd = tea.Batch(cmd, m.taught(id))
		}
		m.open, m.side, m.safety, m.refer, m.plan = id, noSide, nil, nil, nil
		m.composer.Show(id)
		m.unread(id)
		m.chat.from = m.read[id]
		m.chat.Show(m.world.byID.get(id))
	}
	m.queue.Select(id)
	m.focus = onChat
	if c := m.world.byID.get(id); !m.Review && c.HeldBy(m.Name) {
		m.focus = onComposer
	}
	return tea.Batch(cmd, m.load(id))
}

// fetchWords asks for the words of a conversation that this console may read and does not have.
func (m *Model) fetchWords(c *desk.Conversation) tea.Cmd {
	if c == nil || m.Review || c.ID == m.claiming || !m.world.status.Connected || !c.MayRead(m.Name, m.world.status.Role) {
		return nil
	}
	lacks := func(msg *desk.Message) bool {
		return msg.Withheld && !c.Forgot(msg.Seq, store.Text) && !m.chat.folds(c, msg)
	}
	if !slices.ContainsFunc(c.Messages, lacks) {
		return nil
	}
	line, id := m.Line, c.ID
	open := func(reason string) tea.Cmd {
		return m.act(func() tea.Msg {
			ctx, cancel := context.WithTimeout(context.Background(), doMost)
			defer cancel()
			return doneMsg{doing: doing{conv: id, act: desk.Viewed}, err: line.Open(ctx, id, reason)}
		})
	}
	if c.Phase == desk.Waiting || c.Owner == m.Name {
		return open("")
	}
	if m.askedFor == id {
		return nil // it comes, or they did not want to
	}
	m.askedFor = id
	m.ask(m.askWhy(desk.Viewed, m.T("Read {{.Who}}?", "Who", m.who(c)), m.T("do not read it"), c.ID, open, m.T("It is not yours. Say why you open it; that is kept.")))
	return nil
}

// asking is to ask it when it is chosen.
func (m *Model) asking(d *dialog) func() tea.Cmd {
	return func() tea.Cmd {
		m.ask(d)
		return nil
	}
}

func (m *Model) ask(d *dialog) {
	d.opened, d.quiet, d.goOn, d.yes = m.now, m.now, strings.ToLower(m.press("F9")), m.T("y")
	m.dialogs = append(m.dialogs, d)
}

// drop takes away a dialog that is over; another may have been opened over it meanwhile.
func (m *Model) drop(d *dialog) {
	m.dialogs = slices.DeleteFunc(m.dialogs, func(o *dialog) bool { return o == d })
}

// quit asks once; ctrl+c while it asks leaves.
func (m *Model) quit() tea.Cmd {
	if n := len(m.dialogs); n > 0 && m.dialogs[n-1].leaving {
		return m.leave()
	}
	m.ask(&dialog{
		title: m.T("Leave befree?"), leaving: true,
		lines:   []string{m.N(len(m.world.mine), "You hold {{.N}} conversations, which stay yours. Drafts are kept.")},
		choices: []choice{{"n", m.T("stay"), nil}, {"y", m.T("leave"), m.leave}},
	})
	return nil
}

// leave ends the console once what was being written is on the disk.
func (m *Model) leave() tea.Cmd {
	select {
	case <-m.stop:
		return tea.Quit
	default:
		close(m.stop)
	}
	return tea.Sequence(m.keep(), m.save(), tea.Quit)
}
