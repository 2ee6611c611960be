package tui

import (
	"strings"

	"befree.example/store/desk"
	"befree.example/tui/text"
)

// Widths from which more panes stand beside each other.
const (
	wideFrom   = 110
	mediumFrom = 80
)

// draw returns the frame: a top line, the panes, a line for what befree has to say, and the keys.
func (m *Model) draw() string {
	switch {
	case m.width <= 0 || m.height <= 0:
		return ""
	case m.width < leastWidth || m.height < leastHeight:
		return m.tooSmall(m.width, m.height)
	case m.locked != nil:
		return strings.Join(frame(m.height, "", column{m.width, m.locked.Render(&m.look, m.Unlock != nil)}), "\n")
	}
	rows := frame(1, "", column{m.width, []string{m.statusLine()}})
	rows = append(rows, frame(m.height-3, m.Theme.Muted.Paint(m.bar), m.columns(m.height-3)...)...)
	rows = append(rows, frame(2, "", column{m.width, []string{m.noticeLine(), m.footer()}})...)
	return strings.Join(rows, "\n")
}

// columns are the panes that there is room for.
func (m *Model) columns(height int) []column {
	m.queue.settles = m.lastKey.Add(calm)
	list := func(w int) column { return column{w, m.queue.Render(w, height, m.now, m.focus == onQueue)} }
	middle := func(w int) column { return column{w, m.middle(w, height)} }
	beside := func(w int) column { return column{w, m.besidePane(w, height)} }
	w := m.width
	if over := m.overlay(w, height); over != nil {
		return []column{{w, over}}
	}
	switch open := m.side != noSide && m.chat.conv != nil; {
	case w >= wideFrom && open:
		third := w / 3
		left := w*3/10 + 2
		return []column{list(left), middle(w - left - third - 2), beside(third)}
	case w >= wideFrom:
		return []column{list(w / 3), middle(w - w/3 - 1)}
	case w >= mediumFrom && open:
		return []column{beside(w/2 - 2), middle(w - w/2 + 1)}
	case w >= mediumFrom:
		return []column{list(w/2 - 4), middle(w - w/2 + 3)}
	case m.focus == onQueue:
		return []column{list(w)}
	case m.focus == onSide:
		return []column{beside(w)}
	}
	return []column{middle(w)}
}

// overlay is what takes all the keys, drawn in the place of the panes: nothing ever covers part of a text.
func (m *Model) overlay(width, height int) []string {
	if n := len(m.dialogs); n > 0 {
		d := m.dialogs[n-1]
		return m.under(d.Render(&m.look, width, height), width, height)
	}
	switch {
	case m.wrapUp != nil:
		return m.under(m.wrapUp.Render(&m.look, width, height), width, height)
	case m.help != nil:
		return m.help.Render(&m.look, width, height)
	case m.palette != nil:
		return m.palette.Render(&m.look, width, height)
	case m.versions != nil:
		return m.versions.Render(&m.look, width, height)
	}
	return nil
}

// under puts lines under the conversation that they are about, where there is room for it.
func (m *Model) under(lines []string, width, height int) []string {
	if m.chat.conv == nil || height-len(lines) <= 8 {
		return lines
	}
	return append(append(m.chat.Render(width, height-len(lines)-1, m.now, false), ""), lines...)
}

// middle is the conversation with its composer.
func (m *Model) middle(width, height int) []string {
	c := m.chat.conv
	if c == nil || m.Review {
		return m.chat.Render(width, height, m.now, m.focus == onChat)
	}
	box := m.boxRows(width)
	held := m.held()
	if held == "" {
		if why := c.Gate(m.now); why != "" {
			held = m.T("{{.Why}} Enter asks for a reason.", "Why", m.Word(why))
		}
	}
	if held != "" {
		box++
	}
	lines := m.chat.Render(width, height-box, m.now, m.focus == onChat)
	for len(lines) < height-box {
		lines = append(lines, "")
	}
	return append(lines[:height-box], m.composer.Render(c, width, box, held, m.focus == onComposer)...)
}

// boxRows is how many rows the composer has, with its frame and its count.
func (m *Model) boxRows(width int) int { return 2 + m.composer.Rows(width) }

func (m *Model) besidePane(width, height int) []string {
	focused, c := m.focus == onSide, m.chat.conv
	switch {
	case m.side == notesSide:
		return m.notes.Render(c, m.world.outbox, width, height, focused)
	case m.side == safetySide && m.safety != nil:
		return append([]string{m.heading(m.T("Safety record"), width, focused)}, m.safety.Render(&m.look, width, height-1, focused && !m.Review)...)
	case m.side == planSide && m.plan != nil:
		return m.plan.Render(width, height, focused)
	case m.side == historySide:
		return m.history(c, width, height, focused)
	case m.side == referralSide:
		return m.referrals(c, width, height, focused)
	}
	return nil
}

// statusLine says who is here and how the console stands to the relay. The connection comes first where room is short.
func (m *Model) statusLine() string {
	s := m.world.status
	state := m.connection(s)
	ink := m.Theme.Good
	if !s.InStep() || s.Draining {
		ink = m.Theme.Danger
	}
	who := "befree  " + text.Line(m.Name)
	if s.Role != "" {
		who += ", " + text.Line(m.Word(string(s.Role)))
	}
	if m.quiet {
		who += ", " + m.T("not to be disturbed")
	}
	clock := m.now.In(m.Zone).Format("15:04")
	crumbs := ""
	if m.width < mediumFrom && m.focus != onQueue && m.chat.conv != nil {
		crumbs = " > " + m.who(m.chat.conv)
		who = "befree"
	}
	left := cut(" "+who+crumbs, max(8, m.width-cells(state)-12), m.dots)
	gap := max(1, m.width-cells(left)-cells(state)-cells(clock)-4)
	return m.Theme.Title.Paint(left) + strings.Repeat(" ", gap) + ink.Paint(state) + "  " + clock
}

func (m *Model) noticeLine() string {
	switch {
	case m.notice.text != "" && m.notice.bad:
		return " " + m.Theme.Danger.Paint("! "+cut(m.notice.text, m.width-4, m.dots))
	case m.notice.text != "":
		return " " + m.Theme.Good.Paint(cut(m.notice.text, m.width-2, m.dots))
	}
	if m.tour != nil && !m.Review {
		if words := m.tour.say(m); words != "" {
			return " " + m.Theme.Focus.Paint(cut(words, m.width-2, m.dots))
		}
	}
	if n := len(m.composer.Others()); n > 0 {
		return " " + m.Theme.Muted.Paint(m.N(n, "{{.N}} other drafts kept: alt+d"))
	}
	return ""
}

// footer names the few keys that matter where one is: as many as there is room for, the way to the others always.
func (m *Model) footer() string {
	line, sep := "", ""
	for _, key := range m.footerKeys() {
		if cells(line+sep+key) > m.width-2 {
			break
		}
		line, sep = line+sep+key, "  "
	}
	return " " + m.Theme.Muted.Paint(line)
}

// footerKeys are the keys that matter, the ones to be named first in front.
func (m *Model) footerKeys() []string {
	lists := []string{m.press("?") + " " + m.T("help"), m.press(":") + " " + m.T("all"), "tab " + m.T("panes"), m.press("q") + " " + m.T("leave")}
	switch {
	case len(m.dialogs) == 0 && m.wrapUp != nil:
		return []string{"1-9 " + m.T("answer"), "up " + m.T("to change one"), "esc " + m.T("it stays open")}
	case len(m.dialogs) == 0 && (m.help != nil || m.versions != nil):
		return []string{"esc " + m.T("back")}
	case len(m.dialogs) == 0 && m.palette != nil:
		return []string{"enter " + m.T("does it"), "esc " + m.T("back"), "up down", m.T("type to find")}
	case len(m.dialogs) > 0:
		if d := m.dialogs[len(m.dialogs)-1]; d.writes() || d.itself {
			return []string{"esc " + m.T("nothing is done")}
		}
		return []string{"esc " + m.T("nothing is done"), "enter " + m.T("the marked answer")}
	case m.queue.typing && m.focus == onQueue:
		return []string{"enter " + m.T("done"), "esc " + m.T("no filter")}
	case m.focus == onComposer:
		return []string{
			"enter " + m.T("send"), m.press("F1") + " " + m.T("help"), m.press("alt+u") + " " + m.T("take back"), m.press("alt+q") + " " + m.T("quick reply"), "esc " + m.T("read it"),
			m.press("F3") + " " + m.T("notes"), m.press("F4") + " " + m.T("safety"), m.press("F6") + " " + m.T("plan"), m.press("F8") + " " + m.T("next"), "ctrl+j " + m.T("new line"),
		}
	case m.focus == onSide && m.side == planSide:
		return []string{
			"pgup/pgdn " + m.T("item, saved on the way"), m.press("F1") + " " + m.T("help"), "esc " + m.T("back"), m.press("F7") + " " + m.T("only this answer"),
			m.press("F9") + " " + m.T("suicide steps"), "ctrl+s " + m.T("save"),
		}
	case m.focus == onSide:
		return []string{"ctrl+s " + m.T("keep"), m.press("F1") + " " + m.T("help"), "esc " + m.T("back"), "tab " + m.T("panes")}
	case m.Review:
		return append([]string{"enter " + m.T("open"), m.press("t") + " " + m.T("notes"), m.press("p") + " " + m.T("plan"), m.press("s") + " " + m.T("safety")}, lists...)
	case m.focus == onQueue:
		return append([]string{m.press("n") + " " + m.T("next"), "enter " + m.T("open"), m.press("c") + " " + m.T("claim")}, append(lists, m.press("/")+" "+m.T("filter"), "1-9 "+m.T("mine"))...)
	case m.chat.conv != nil && m.chat.conv.Phase == desk.Waiting:
		return append([]string{m.press("c") + " " + m.T("claim"), "esc " + m.T("list")}, lists...)
	}
	return append([]string{"enter " + m.T("write"), m.press("x") + " " + m.T("close"), m.press("R") + " " + m.T("give back")}, append(lists, m.press("u")+" "+m.T("take back"), m.press("t")+" "+m.T("notes"), m.press("s")+" "+m.T("safety"), m.press("p")+" "+m.T("plan"))...)
}
