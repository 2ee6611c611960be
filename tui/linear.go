package tui

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"befree.example/tui/text"
	"befree.example/tui/theme"
)

// A Linear is the console as lines that are only ever added: for screen readers, and for terminals that can do nothing
// else. It has the same commands, dialogs and rules; what it is told is a line at a time. Run it as a Model, without
// input and without a renderer, and send it a Typed for each line.
type Linear struct {
	*Model
	out     io.Writer
	pending bool // what is in the composer was read back, and an empty line sends it
	told    told
}

// Typed is a line that its person wrote.
type Typed string

// told is what was said already.
type told struct {
	notice    notice
	state     string
	dialog    *dialog
	wrapUp    string
	palette   string
	tour      string
	locked    bool
	open      string
	beside    string
	turn      uint64            // Seq of the open conversation's last turn
	delivery  map[string]string // of the open conversation's texts, by ID
	waiting   map[string]bool
	unstarted bool
	whole     bool // all of a conversation is to be read out
}

// linearWidth is where lines are wrapped.
const linearWidth = 76

// NewLinear returns a console that writes lines to out.
func NewLinear(o Options, out io.Writer) *Linear {
	o.Theme, o.ASCII = theme.Theme{}, true
	m := New(o)
	m.rule, m.marks = "", [4]string{}
	m.width, m.chat.width = linearWidth, linearWidth
	return &Linear{Model: m, out: out, told: told{unstarted: true, waiting: map[string]bool{}}}
}

// Update routes.
func (l *Linear) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer l.guarded(&cmd)
	if line, ok := msg.(Typed); ok {
		cmd = l.typed(strings.TrimSpace(text.Input(string(line))))
	} else {
		_, cmd = l.Model.Update(msg)
	}
	l.tell()
	return l, cmd
}

// View is empty: everything has been said.
func (l *Linear) View() string { return "" }

// typed does what a line says, to the top of what is open.
func (l *Linear) typed(line string) tea.Cmd {
	l.readClock()
	l.lastKey = l.now
	pending := l.pending
	l.pending = false
	switch n := len(l.dialogs); {
	case l.locked != nil:
		return l.unlockWith(line)
	case n > 0:
		return l.answer(l.dialogs[n-1], line)
	case l.palette != nil:
		return l.pick(line)
	case l.wrapUp != nil:
		return l.judgeEnd(line)
	case strings.HasPrefix(line, ":"):
		return l.command(strings.TrimSpace(line[1:]))
	case pending && line == "":
		return l.send()
	case pending && line == ".":
		l.say(l.T("It stays a draft."))
		return nil
	case l.focus == onSide:
		return l.fill(line)
	case l.focus == onComposer && line != "":
		l.composer.Put(l.open, line)
		l.pending = true
		l.print(l.T("To {{.Who}}", "Who", l.who(l.chat.conv)) + ": " + l.composer.count())
		l.print(l.T("An empty line sends it, a full stop alone keeps it as a draft, another text takes its place."))
		return l.saveSoon()
	}
	return l.command(line)
}

func (l *Linear) unlockWith(line string) tea.Cmd {
	l.clear()
	if l.Unlock == nil {
		l.locked = nil
		return l.prepare()
	}
	l.locked.typed = line
	return l.unlock()
}

// clear takes what was said from the screen and from what can be scrolled back to.
func (l *Linear) clear() {
	fmt.Fprint(l.out, ansi.EraseEntireDisplay+ansi.EraseDisplay(3)+ansi.CursorHomePosition)
}

// answer answers a dialog; an empty line is the harmless answer.
func (l *Linear) answer(d *dialog, line string) (cmd tea.Cmd) {
	if d.guarded(l.now) {
		return nil
	}
	switch {
	case line == "":
		cmd = d.choices[0].run()
	case d.secret:
		l.clear()
		cmd = d.send(line)
	case d.reason != nil:
		cmd = d.send(line)
	default:
		i := slices.IndexFunc(d.choices, func(c choice) bool { return c.key == line })
		if i < 0 {
			l.told.dialog = nil // it is asked again
			return nil
		}
		cmd = d.choices[i].run()
	}
	l.drop(d)
	return cmd
}

// pick chooses by number, or narrows what is offered.
func (l *Linear) pick(line string) tea.Cmd {
	n, err := strconv.Atoi(line)
	switch {
	case line == "":
		l.palette = nil
	case l.palette.ask != nil:
		l.palette.query = line
		return l.palette.ask(line)
	case err == nil && n >= 1 && n <= len(l.palette.fit):
		l.palette.at = n - 1
		return l.choose(tea.KeyMsg{Type: tea.KeyEnter})
	default:
		l.palette.narrow(line)
	}
	return nil
}

// judgeEnd answers the wrap-up's question; an empty line leaves the conversation open.
func (l *Linear) judgeEnd(line string) tea.Cmd {
	key := tea.KeyMsg{Type: tea.KeyEsc}
	if line != "" {
		key = tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(line)[:1]}
	}
	done, cmd := l.wrapUp.Key(key)
	if done {
		l.wrapUp = nil
	}
	return cmd
}

// fill writes into what stands beside the conversation; an empty line leaves a note, or goes on in a form.
func (l *Linear) fill(line string) tea.Cmd {
	switch {
	case l.side == notesSide && line == "", line == ".":
		cmd := l.keep()
		l.leaveSide()
		return cmd
	case l.side == notesSide:
		l.notes.editor(l.open).SetText(line)
		return l.keepSide()
	case l.side == planSide && l.plan != nil:
		if line != "" {
			l.plan.editor.SetText(line)
		}
		cmd := l.keep()
		l.plan.Move(1)
		return cmd
	case l.side == safetySide && l.safety != nil:
		return l.fillSafety(line)
	}
	return nil
}

// leaveSide goes back to writing to whose conversation is open, where one may.
func (l *Linear) leaveSide() {
	l.back()
	if l.chat.conv.HeldBy(l.Name) && !l.Review {
		l.focus = onComposer
	}
}

func (l *Linear) fillSafety(line string) tea.Cmd {
	f := &l.safety.fields[l.safety.at]
	switch {
	case line == "":
	case f.yes != nil:
		*f.yes = strings.HasPrefix(line, "y") || strings.HasPrefix(line, "s")
	default:
		f.text.SetText(strings.TrimPrefix(line, "-"))
	}
	l.safety.Move(1)
	l.records[l.safety.id] = l.safety.Changes()
	if l.safety.at > 0 {
		return l.wrote(safetyDraft)
	}
	if !l.safety.Changed() {
		l.leaveSide()
		return nil
	}
	return l.keepSafety()
}

// command does what a key or a name stands for. A number opens a row of the list; an empty line reads it.
func (l *Linear) command(line string) tea.Cmd {
	if n, err := strconv.Atoi(line); err == nil {
		return l.row(n)
	}
	if filter, ok := strings.CutPrefix(line, "/"); ok {
		l.queue.refilter(text.Line(filter))
		line = ""
	}
	if line == "*" {
		l.told.open = "" // it is read out again, and whole
		l.told.whole = true
		return nil
	}
	if line == "" {
		l.focus = onQueue
		l.list()
		return nil
	}
	for _, key := range []string{line, strings.ToLower(line)} {
		for _, do := range []func(*Model) tea.Cmd{l.bindings.list[key], l.bindings.everywhere[key]} {
			if do != nil {
				return do(l.Model)
			}
		}
	}
	cmd := l.everything()
	l.palette.narrow(line)
	at := slices.IndexFunc(l.palette.fit, func(o offer) bool { return strings.EqualFold(o.name, line) })
	if at >= 0 || len(l.palette.fit) == 1 {
		l.palette.at = max(at, 0)
		return l.choose(tea.KeyMsg{Type: tea.KeyEnter})
	}
	return cmd
}

// conversations are the rows of the list that can be opened, in its order.
func (l *Linear) conversations() []row {
	l.queue.Settle()
	return slices.DeleteFunc(slices.Clone(l.queue.rows), func(r row) bool { return r.id == "" })
}

func (l *Linear) row(n int) tea.Cmd {
	rows := l.conversations()
	if n < 1 || n > len(rows) {
		l.say(l.T("There is no row {{.Number}}.", "Number", n))
		return nil
	}
	return l.show1(rows[n-1].id)
}

// list reads the list out, a conversation a line, with the numbers that open them.
func (l *Linear) list() {
	if l.world.byID == nil {
		return
	}
	rows := l.conversations()
	for i, r := range rows {
		c := l.world.byID[r.id]
		l.print(fmt.Sprintf("%d. %s, %s, %s: %s", i+1, l.severity(c.Severity), l.who(c), l.queue.state(c, l.now), l.firstOf(c, 200)))
	}
	if len(rows) == 0 {
		l.print(l.T("Nobody is waiting."))
	}
}

func (l *Linear) print(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(l.out, strings.TrimSpace(ansi.Strip(line)))
	}
}
