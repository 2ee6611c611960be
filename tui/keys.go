package tui

import (
	"strconv"
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
)

// key gives a key to whatever it is for. What was said before is gone once something that takes all the keys opens, goes
// on a step or closes by it: it would read as being about that. What failed stays.
func (m *Model) key(k tea.KeyMsg) tea.Cmd {
	was, said := m.cover(), m.notice
	cmd := m.given(k)
	if m.notice == said && !said.bad && said.ends.IsZero() && m.cover() != was {
		m.notice = notice{}
	}
	return cmd
}

// given gives a key to the top of what is open, then to what means the same everywhere, then to the pane in focus.
func (m *Model) given(k tea.KeyMsg) tea.Cmd {
	m.again = k.String() == m.pressed && m.now.Sub(m.lastKey) < heldKey
	m.pressed, m.lastKey = k.String(), m.now
	if k.Type == tea.KeyRunes && !k.Paste && len(k.Runes) > 1 && len(k.Runes) <= mostAtOnce && !m.writing() {
		return m.oneByOne(k)
	}
	switch n := len(m.dialogs); {
	case m.locked != nil:
		return m.lockKey(k)
	case k.Type == tea.KeyCtrlC:
		return m.quit()
	case m.first[k.String()] != nil:
		return m.first[k.String()](m)
	case n > 0:
		top := m.dialogs[n-1]
		done, cmd := top.Key(k, m.now)
		m.keepReason(top)
		if done {
			m.drop(top)
		} else if top.reason != nil && (k.Type == tea.KeyEnter || k.String() == top.goOn) {
			m.say(top.missing(&m.look))
		}
		return cmd
	case m.help != nil:
		if m.help.Key(k) {
			m.help = nil
		}
		return nil
	case m.palette != nil:
		return m.choose(k)
	case m.versions != nil:
		if m.versions.Key(k) {
			m.versions = nil
		}
		return nil
	case m.wrapUp != nil:
		done, cmd := m.wrapUp.Key(k)
		m.wrapped[m.wrapUp.id] = m.wrapUp.wrapped
		if done {
			m.wrapUp = nil
		}
		return cmd
	}
	m.wentBack = m.wentBack && k.Type == tea.KeyRunes && !k.Alt
	if cmd, ok := m.everywhere(k); ok {
		return cmd
	}
	if m.typing() {
		return m.typed(k)
	}
	if m.wentBack && unicode.IsLetter(k.Runes[0]) {
		return m.notYet()
	}
	if cmd, ok := m.inLists(k); ok {
		return cmd
	}
	switch m.focus {
	case onChat:
		m.chat.Key(k)
		return m.moved(m.open)
	case onQueue:
		if m.queue.Key(k) {
			m.queue.touched = m.now
		}
	}
	return nil
}

// notYet does nothing of what somebody typed who goes on where they were writing, and has not looked yet: each letter would
// be a command.
func (m *Model) notYet() tea.Cmd {
	m.say(m.T("You are back, reading {{.Who}}: letters are commands here. {{.Key}} goes on writing.", "Who", m.who(m.chat.conv), "Key", m.press("enter")))
	return nil
}

// inQueue tells whether keys move in the list.
func (m *Model) inQueue() bool {
	return m.focus == onQueue && len(m.dialogs) == 0 && m.palette == nil && m.help == nil && m.wrapUp == nil && m.versions == nil && m.locked == nil
}

// mostAtOnce is how many letters a slow line may bring at one time and still be keys; more are a paste.
const mostAtOnce = 3

// oneByOne gives letters that arrived together to what each is for.
func (m *Model) oneByOne(k tea.KeyMsg) tea.Cmd {
	var cmds []tea.Cmd
	for _, r := range k.Runes {
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: k.Alt}))
	}
	return tea.Sequence(cmds...)
}

// writing tells whether letters are letters for whatever takes the keys.
func (m *Model) writing() bool {
	if n := len(m.dialogs); n > 0 {
		return m.dialogs[n-1].writes()
	}
	return m.locked != nil || m.palette != nil || m.help == nil && m.wrapUp == nil && m.versions == nil && m.typing()
}

// choose gives a key to the palette; what is chosen there may open another.
func (m *Model) choose(k tea.KeyMsg) tea.Cmd {
	p := m.palette
	done, cmd := p.Key(k)
	if done && m.palette == p {
		m.palette = nil
	}
	return cmd
}

// typing tells whether letters are letters.
func (m *Model) typing() bool {
	return m.focus == onComposer || m.focus == onSide || m.queue.typing && m.focus == onQueue
}

// everywhere handles the keys that mean the same while typing too.
func (m *Model) everywhere(k tea.KeyMsg) (tea.Cmd, bool) {
	s := k.String()
	if number, ok := strings.CutPrefix(s, "alt+"); ok && isDigit(number) {
		return m.mine(number), true
	}
	if (s == "tab" || s == "shift+tab") && m.inForm() {
		return m.sideKey(k), true
	}
	if s == "tab" || s == "shift+tab" {
		m.rotate(map[string]int{"tab": 1, "shift+tab": -1}[s])
		return nil, true
	}
	if do := m.bindings.everywhere[s]; do != nil {
		return do(m), true
	}
	return nil, false
}

// shut tells whether the open conversation is closed: nothing can be written to it, so a letter there is a command.
func (m *Model) shut() bool { return m.chat.conv != nil && m.chat.conv.Phase == desk.ClosedNow }

// inForm tells whether a form has the keys, in which tab goes from field to field and leads nowhere else.
func (m *Model) inForm() bool {
	return m.focus == onSide && (m.side == safetySide && m.safety != nil || m.side == referSide && m.refer != nil || m.side == planSide && m.plan != nil)
}

func isDigit(s string) bool { return len(s) == 1 && s[0] >= '1' && s[0] <= '9' }

// inLists handles the keys of a pane in which nothing is written.
func (m *Model) inLists(k tea.KeyMsg) (tea.Cmd, bool) {
	s := k.String()
	if isDigit(s) {
		return m.mine(s), true
	}
	if s == "esc" {
		return nil, m.back()
	}
	if do := m.list[s]; do != nil {
		return do(m), true
	}
	return nil, false
}

// enter opens what is selected, and begins to write in what is open.
func (m *Model) enter() tea.Cmd {
	if m.focus == onChat {
		if m.Review {
			return m.beside(notesSide)
		}
		if m.goesOn(m.chat.conv) {
			m.focus = onComposer
		}
		return nil
	}
	if c := m.queue.Selected(); c != nil {
		return m.show1(c.ID)
	}
	return nil
}

// back goes one step towards the list. It never destroys anything.
func (m *Model) back() bool {
	m.notice = notice{}
	switch m.focus {
	case onQueue:
		return false
	case onSide:
		m.side, m.focus = noSide, onChat
	case onComposer:
		m.focus = onChat
	default:
		m.focus, m.chat.found = onQueue, ""
		m.queue.Mark()
	}
	return true
}

// rotate moves the focus to the next pane that there is.
func (m *Model) rotate(step int) {
	m.queue.typing = false
	panes := []pane{onQueue}
	if m.chat.conv != nil {
		panes = append(panes, onChat)
		if !m.Review && !m.shut() {
			panes = append(panes, onComposer)
		}
		if m.side != noSide {
			panes = append(panes, onSide)
		}
	}
	for i, p := range panes {
		if p == m.focus {
			m.focus = panes[(i+step+len(panes))%len(panes)]
			m.queue.Mark()
			return
		}
	}
}

// typed gives a key to what is being written.
func (m *Model) typed(k tea.KeyMsg) tea.Cmd {
	if do := m.write[k.String()]; do != nil {
		return do(m)
	}
	switch {
	case m.focus == onQueue:
		m.queue.Key(k)
	case m.focus == onSide:
		return m.sideKey(k)
	case k.Type == tea.KeyEsc:
		m.back()
	case k.Type == tea.KeyPgUp || k.Type == tea.KeyPgDown:
		m.chat.Key(k)
	case k.Type == tea.KeyEnd && !m.chat.AtEnd():
		m.chat.Key(k)
	case k.Type == tea.KeyEnter && !k.Alt:
		return m.enterTyped()
	default:
		m.slipped = ""
		m.composer.Key(k, m.now)
		return m.saveSoon()
	}
	return nil
}

// enterTyped sends, unless the enter is part of a paste or one held down.
func (m *Model) enterTyped() tea.Cmd {
	if m.composer.Pasted(m.now) {
		m.composer.Newline()
		return m.saveSoon()
	}
	if m.again {
		if words := m.composer.Text(m.open); !m.notice.bad && strings.TrimSpace(words) != "" {
			m.say(m.T("Nothing was sent: enter was held down. Read it, then press enter."))
		}
		return nil
	}
	if words := m.composer.Text(m.open); slip(words) && m.slipped != m.open {
		m.slipped = m.open
		m.fail(m.T("Not sent: it begins like a command. esc first for commands; enter again sends it."))
		return nil
	}
	m.slipped = ""
	return m.send()
}

// slip tells whether a text looks like a command that was meant for the list.
func slip(words string) bool {
	words = strings.TrimSpace(words)
	return (strings.HasPrefix(words, "/") || strings.HasPrefix(words, ":")) && !strings.Contains(words, "\n")
}

// sideKey gives a key to the pane beside the conversation.
func (m *Model) sideKey(k tea.KeyMsg) tea.Cmd {
	switch {
	case k.Type == tea.KeyEsc:
		cmd := m.keep()
		kept := m.side != planSide || m.plan == nil || m.plan.Wrong(m.now) == ""
		said := m.notice
		if m.back(); !kept {
			m.notice = said
		}
		if s := m.safety; s != nil && s.Changed() {
			m.say(m.T("The safety record is not kept yet: {{.Key}} goes back to it, {{.Save}} keeps it.", "Key", m.press("F4"), "Save", m.press("ctrl+s")))
		}
		if r := m.refer; r != nil && r.Changed() {
			m.say(m.T("The referral is not noted yet: {{.Key}} goes back to it, {{.Save}} notes it.", "Key", m.press("alt+e"), "Save", m.press("ctrl+s")))
		}
		return cmd
	case m.side == historySide || m.side == referralSide:
		m.scroll.ReadKey(k)
	case m.side == notesSide && m.scroll.Key(k):
	case m.Aside && !goesAbout[k.Type]:
		m.readAlone()
	case m.side == notesSide:
		m.notes.Key(m.open, k)
		return m.wrote(noteDraft)
	case m.side == safetySide && m.safety != nil:
		m.safety.Key(k)
		m.records[m.safety.id] = m.safety.Changes()
		return m.wrote(safetyDraft)
	case m.side == referSide && m.refer != nil:
		m.refer.Key(k)
		m.referring[m.refer.id] = m.refer.Changes()
		return m.wrote(referralDraft)
	case m.side == planSide && m.plan != nil:
		return m.planKey(k)
	}
	return nil
}

// goesAbout are the keys that lead about in a form and write nothing.
var goesAbout = map[tea.KeyType]bool{
	tea.KeyTab: true, tea.KeyShiftTab: true, tea.KeyUp: true, tea.KeyDown: true, tea.KeyLeft: true, tea.KeyRight: true,
	tea.KeyPgUp: true, tea.KeyPgDown: true, tea.KeyHome: true, tea.KeyEnd: true,
}

func (m *Model) planKey(k tea.KeyMsg) tea.Cmd {
	step := map[string]int{"tab": 1, "shift+tab": -1, "pgdown": 1, "pgup": -1, "alt+down": 1, "alt+up": -1}[k.String()]
	if m.plan.item() == reviewed && k.Type == tea.KeyEnter {
		step = 1 // it is one line
	}
	switch {
	case step != 0 && m.plan.Wrong(m.now) != "":
		return m.keep()
	case step != 0:
		cmd := m.keep()
		m.plan.Move(step)
		return cmd
	default:
		m.plan.Key(k)
		return m.wrote(planDraft + m.plan.item())
	}
}

// newLine begins a new line in what is being written.
func (m *Model) newLine() tea.Cmd {
	switch {
	case m.readAlone():
	case m.focus == onComposer:
		m.composer.Newline()
		return m.saveSoon()
	case m.focus == onSide && m.side == notesSide:
		m.notes.editor(m.open).Newline()
		return m.wrote(noteDraft)
	case m.focus == onSide && m.side == planSide && m.plan != nil:
		m.plan.editor.Newline()
		return m.wrote(planDraft + m.plan.item())
	}
	return nil
}

// goOn is for where nothing asks for a reason.
func (m *Model) goOn() tea.Cmd {
	m.say(m.T("{{.Key}} goes on where a reason is asked. The suicide steps of the plan: {{.Steps}}.", "Key", m.press("F9"), "Steps", m.press("alt+s")))
	return nil
}

// myConversations offers one's own conversations.
func (m *Model) myConversations() tea.Cmd {
	var offers []offer
	for i, c := range m.world.mine {
		offers = append(offers, offer{name: strconv.Itoa(i+1) + "  " + m.who(c), note: m.severity(c.Severity), do: func() tea.Cmd { return m.show1(c.ID) }})
	}
	if len(offers) == 0 {
		m.say(m.N(0, "You hold {{.N}} conversations."))
		return nil
	}
	m.palette = newPalette(m.T("My conversations"), offers)
	m.palette.enter = m.T("opens it")
	return nil
}

// unanswered opens the one of one's own conversations that has waited longest.
func (m *Model) unanswered() tea.Cmd {
	var longest *desk.Conversation
	for _, c := range m.world.mine {
		if !c.Unanswered.IsZero() && c.ID != m.open && (longest == nil || c.Unanswered.Before(longest.Unanswered)) {
			longest = c
		}
	}
	if longest == nil {
		m.say(m.T("Nobody else of yours waits for an answer."))
		return nil
	}
	return m.show1(longest.ID)
}

// filter begins to narrow the list down, anew.
func (m *Model) filter() {
	m.focus, m.queue.typing = onQueue, true
	m.queue.refilter("")
}

// mine opens one's own conversation by its number.
func (m *Model) mine(number string) tea.Cmd {
	n, _ := strconv.Atoi(number)
	if n < 1 || n > len(m.world.mine) {
		m.say(m.N(len(m.world.mine), "You hold {{.N}} conversations."))
		return nil
	}
	return m.show1(m.world.mine[n-1].ID)
}
