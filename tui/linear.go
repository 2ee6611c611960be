package tui

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"befree.example/store/desk"
	"befree.example/tui/text"
	"befree.example/tui/theme"
)

// A Linear is the console as lines that are only ever added: for screen readers, and for terminals that can do nothing
// else. It has the same commands, dialogs and rules; what it is told is a line at a time. Run it as a Model, without
// input and without a renderer, and send it a Typed for each line.
type Linear struct {
	*Model
	out     io.Writer
	pending string // ID and words of what was read back, which an empty line sends
	doubted string // ID and words of what may have been meant for befree
	told    told
	all     []command // those of the screen, too
	amid    bool      // what is said next may come while a line is being typed
}

// Typed is a line that its person wrote.
type Typed string

// told is what was said already.
type told struct {
	notice    notice
	state     string
	alarm     string
	dialog    *dialog
	wrapUp    string
	palette   string
	draft     string // ID and words
	tour      string
	locked    bool
	open      string
	banner    bool // of the open conversation
	beside    string
	turn      uint64            // Seq of the open conversation's last turn
	delivery  map[string]string // of the open conversation's texts, by ID
	arrivals  map[arrival]bool
	unstarted bool
	whole     bool // all of a conversation is to be read out
}

// tooLong stands for a text that was read back and cannot be sent: an empty line reads it back once more.
const tooLong = "\n"

// linearWidth is where lines are wrapped.
const linearWidth = 76

// NewLinear returns a console that writes lines to out.
func NewLinear(o Options, out io.Writer) *Linear {
	o.Theme, o.ASCII = theme.Theme{}, true
	m := New(o)
	m.rule, m.marks, m.lines = "", [4]string{}, true
	m.width, m.chat.width = linearWidth, linearWidth
	all := m.commands
	m.commands = slices.DeleteFunc(slices.Clone(all), func(c command) bool { return c.do == nil || c.line() == "" })
	return &Linear{Model: m, out: out, all: all, told: told{unstarted: true, arrivals: map[arrival]bool{}}}
}

// Update routes.
func (l *Linear) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer l.guarded(&cmd)
	line, ok := msg.(Typed)
	if l.amid = !ok; ok {
		cmd = l.typed(strings.TrimSpace(text.Input(string(line))))
		l.begun()
		cmd = tea.Batch(cmd, l.looked())
	} else {
		_, cmd = l.Model.Update(msg)
	}
	l.chat.Scroll(-l.chat.up) // there is nothing to scroll, and from above the end nothing could be sent
	return l, tea.Batch(cmd, l.tell())
}

// View is empty: everything has been said.
func (l *Linear) View() string { return "" }

// typed does what a line says, to the top of what is open.
func (l *Linear) typed(line string) tea.Cmd {
	l.readClock()
	l.lastKey = l.now
	read := l.pending
	doubted, doubt := strings.CutPrefix(l.doubted, l.open+"\n")
	l.pending, l.doubted = "", ""
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
	case doubt && line == "":
		return l.doubt(doubted, read)
	case doubt && line == ".":
		l.addToDraft(doubted)
		l.told.draft = l.draft()
		l.say(l.T("It stays a draft."))
		return l.saveSoon()
	case line == "." && (read != "" || l.focus == onComposer):
		l.say(l.T("It stays a draft."))
		return nil
	case read != "" && line == "" && read != l.draft(): // a claim or words that came back changed it
		return l.readBack()
	case read != "" && line == "":
		return l.send()
	case l.focus == onSide:
		return l.fill(line)
	case l.focus == onComposer && line != "", strings.Contains(line, " ") && !l.names(line) && l.chat.conv.HeldBy(l.Name) && !l.Review:
		l.focus = onComposer
		if _, name := l.meant(line); name != "" && line != doubted {
			return l.doubt(line, read)
		}
		if read == l.draft() || read == tooLong {
			l.composer.Put(l.open, "") // another text takes its place
		}
		return l.write(line)
	}
	return l.command(line)
}

// doubt asks whether a line was meant for befree, and takes it for a text only if it is written once more: "q" or "F4" on
// a watched phone gives its person away. What was read back before stays as it is.
func (l *Linear) doubt(line, read string) tea.Cmd {
	l.doubted, l.pending = l.open+"\n"+line, read
	key, name := l.meant(line)
	asked := l.T("That is of the screen alone ({{.Name}}); :? says what can be done here.", "Name", name)
	if key != "" {
		asked = l.T("Did you mean {{.Key}} ({{.Name}})?", "Key", key, "Name", name)
	}
	l.print(asked + " " + l.T("An empty line does not send it; the same line once more is a text, a full stop alone keeps it as a draft."))
	return nil
}

// meant is the command that a line is the key of, or the name or its first words, and the line that it is done by: none
// where only a screen has it.
func (l *Linear) meant(line string) (key, name string) {
	rows := l.conversations()
	switch n, err := strconv.Atoi(line); {
	case err == nil && n >= 1 && n <= len(rows):
		return ":" + line, l.who(l.world.byID.get(rows[n-1].id))
	case strings.HasPrefix(line, "/"):
		return ":" + line, l.Word("Filter the list")
	case line == "*":
		return ":*", l.T("Read the whole conversation")
	}
	for _, is := range []func(command) bool{
		func(c command) bool { return c.has(line) },
		func(c command) bool { return c.has(strings.ToLower(line)) },
		func(c command) bool { return strings.EqualFold(l.Word(c.name), line) },
		func(c command) bool { return begins(l.Word(c.name), line) },
		func(c command) bool { return hasStem(l.Word(c.name), line) },
	} {
		if i := slices.IndexFunc(l.all, is); i >= 0 {
			return l.all[i].line(), l.Word(l.all[i].name)
		}
	}
	return "", ""
}

// has tells whether a key is one of a command's.
func (c command) has(key string) bool {
	return slices.Contains(slices.Concat(c.any, c.list, c.write), key)
}

// hasStem tells whether one word, or most of it, is one of a name's: "note" or "severity".
func hasStem(name, word string) bool {
	return len(word) >= 4 && slices.ContainsFunc(strings.Fields(name), func(of string) bool {
		return len(of) <= len(word)+2 && len(of) >= len(word) && strings.EqualFold(of[:len(word)], word)
	})
}

// begins tells whether words are the first ones of a name.
func begins(name, words string) bool {
	if len(words) >= len(name) || !strings.EqualFold(name[:len(words)], words) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(name[len(words):])
	return !unicode.IsLetter(next)
}

// ofScreen are commands that do nothing in lines, though their keys are there.
var ofScreen = []string{"Open, then write", "New line", "Go on with a reason", "Copy a text", "Mouse", "Draw the screen anew"}

// line is what does a command, empty where only a screen has it.
func (c command) line() string {
	switch {
	case slices.Contains(c.any, "esc"):
		return ":"
	case c.do == nil || slices.Contains(ofScreen, c.name):
		return ""
	}
	keys := slices.Concat(c.list, c.any)
	return ":" + keys[max(0, slices.IndexFunc(keys, func(k string) bool { return k != ":" }))]
}

// everything offers all that can be done in lines.
func (l *Linear) everything() tea.Cmd {
	var offers []offer
	for _, c := range l.commands {
		if !c.itself {
			offers = append(offers, offer{name: l.Word(c.name), note: c.line(), do: func() tea.Cmd { return c.do(l.Model) }})
		}
	}
	l.palette = newPalette(l.T("Do"), offers)
	return nil
}

// draft is what an empty line would send now, and to whom.
func (l *Linear) draft() string { return l.open + "\n" + l.composer.Text(l.open) }

// write adds a line to the draft of the open conversation, and reads it back.
func (l *Linear) write(line string) tea.Cmd {
	l.addToDraft(line)
	return l.readBack()
}

func (l *Linear) addToDraft(line string) {
	if before := l.composer.Text(l.open); strings.TrimSpace(before) != "" {
		line = before + "\n" + line
	}
	if l.composer.Put(l.open, line); l.composer.Text(l.open) != line {
		l.print(l.T("Only the beginning of that could be kept."))
	}
}

// readBack says what would be sent to whom, and waits for an empty line; what is too long is no more than a draft.
func (l *Linear) readBack() tea.Cmd {
	words := l.composer.Text(l.open)
	l.told.draft = l.draft()
	l.print(l.T("To {{.Who}}", "Who", l.who(l.chat.conv)) + ": " + l.composer.count())
	l.print(strings.Split(text.Clean(words), "\n")...)
	if over := utf8.RuneCountInString(words) - desk.MaxReply; over > 0 {
		l.print(l.N(over, "It is {{.N}} characters too long.") + " " + l.T("Another text takes its place."))
		l.pending = tooLong
		return l.saveSoon()
	}
	l.pending = l.draft()
	l.print(l.T("An empty line sends it, a full stop alone keeps it as a draft, another text takes its place."))
	return l.saveSoon()
}

// keepLine puts a line that answers nothing into the draft of the open conversation: it was meant for that, and something
// asked meanwhile.
func (l *Linear) keepLine(line string) tea.Cmd {
	if l.open == "" || line == "" || strings.HasPrefix(line, ":") {
		return nil
	}
	l.addToDraft(line)
	l.told.draft = l.draft()
	l.print(l.T("That answers nothing. It is kept in the draft to {{.Who}}.", "Who", l.who(l.chat.conv)))
	return l.saveSoon()
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
	l.amid = false
	fmt.Fprint(l.out, ansi.EraseEntireDisplay+ansi.EraseDisplay(3)+ansi.CursorHomePosition)
}

// answer answers a dialog; an empty line is the harmless answer.
func (l *Linear) answer(d *dialog, line string) (cmd tea.Cmd) {
	i := slices.IndexFunc(d.choices, func(c choice) bool { return c.key != "" && c.key == line })
	switch guarded := d.guarded(l.now); {
	case guarded, d.reason == nil && i < 0 && line != "":
		l.told.dialog = nil // it is asked again
		if i < 0 {
			cmd = l.keepLine(line)
		}
		return cmd
	case line == "":
		cmd = d.choices[0].run()
	case d.secret:
		l.clear()
		cmd = d.send(line)
	case d.reason != nil:
		if line != "." {
			added(d.reason, line)
		}
		if l.keepReason(d); strings.TrimSpace(d.reason.Text()) == "" {
			l.told.dialog = nil
			return nil
		}
		cmd = d.send(d.reason.Text())
	default:
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
		if l.palette.narrow(line); len(l.palette.fit) == 0 && strings.Contains(line, " ") {
			l.palette = nil
			return l.keepLine(line)
		}
	}
	return nil
}

// judgeEnd answers the wrap-up's question; an empty line leaves the conversation open.
func (l *Linear) judgeEnd(line string) tea.Cmd {
	key := tea.KeyMsg{Type: tea.KeyEsc}
	switch letters := []rune(line); {
	case len(letters) == 1:
		key = tea.KeyMsg{Type: tea.KeyRunes, Runes: letters}
	case len(letters) > 1:
		l.told.wrapUp = "" // it is asked again
		return l.keepLine(line)
	}
	done, cmd := l.wrapUp.Key(key)
	l.wrapped[l.wrapUp.id] = l.wrapUp.wrapped
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
	case line != "" && l.readAlone():
	case l.side == notesSide:
		added(l.notes.editor(l.open), line)
		return l.keepSide()
	case l.side == planSide && l.plan != nil:
		switch {
		case line == "":
		case line == "-" && l.plan.item() == reviewed:
			l.plan.editor.SetText("")
		case line == "-":
			l.plan.editor.SetText("")
			cmd := l.check()
			l.plan.Move(1)
			return cmd
		case l.plan.Changed() && l.plan.item() != reviewed: // a draft of before, which was read out
			added(l.plan.editor, line)
		default:
			l.plan.editor.SetText(line)
		}
		wrong, cmd := l.plan.Wrong(l.now) != "", l.keep()
		if !wrong {
			l.plan.Move(1)
		}
		return cmd
	case l.side == safetySide && l.safety != nil, l.side == referSide && l.refer != nil:
		return l.fillForm(line)
	}
	return nil
}

// added adds a line to what is being written.
func added(e *editor, line string) { e.SetText(strings.TrimSpace(e.Text() + "\n" + line)) }

// leaveSide goes back to writing to whose conversation is open, where one may.
func (l *Linear) leaveSide() {
	l.back()
	if l.chat.conv.HeldBy(l.Name) && !l.Review {
		l.focus = onComposer
	}
}

// yesOrNo are all answers to a field that is one or the other: a word meant for another field is neither.
var yesOrNo = map[string]bool{"y": true, "yes": true, "s": true, "si": true, "sí": true, "n": false, "no": false}

// fields is the form beside the conversation that is filled in field by field, what its changes are as a draft, and what
// keeps them.
func (l *Linear) fields() (_ *form, what string, keep func() tea.Cmd) {
	if l.side == referSide {
		return &l.refer.form, referralDraft, l.keepReferral
	}
	return &l.safety.form, safetyDraft, l.keepSafety
}

func (l *Linear) fillForm(line string) tea.Cmd {
	in, what, keep := l.fields()
	f := &in.fields[in.at]
	switch {
	case line == "":
	case f.yes != nil:
		yes, said := yesOrNo[strings.ToLower(line)]
		if !said {
			l.print(l.T("That is neither y nor n; an empty line leaves it as it is."))
			return nil
		}
		*f.yes = yes
	default:
		f.text.SetText(strings.TrimPrefix(line, "-"))
	}
	in.Move(1)
	map[string]map[string]changes{safetyDraft: l.records, referralDraft: l.referring}[what][l.open] = in.Changes()
	if in.at > 0 {
		return l.wrote(what)
	}
	if !in.Changed() {
		l.leaveSide()
		return nil
	}
	cmd := keep()
	if cmd != nil {
		l.leaveSide()
	}
	return cmd
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
		if slices.ContainsFunc(l.commands, func(c command) bool { return c.itself && c.has(key) }) {
			return l.everything()
		}
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

// names tells whether a line is a command's own name.
func (l *Linear) names(line string) bool {
	return slices.ContainsFunc(l.commands, func(c command) bool { return strings.EqualFold(l.Word(c.name), line) })
}

// conversations are the rows of the list that can be opened, in its order.
func (l *Linear) conversations() []row {
	l.queue.Settle()
	return slices.Collect(l.queue.rows.conversations())
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
	rows := l.conversations()
	for i, r := range rows {
		c := l.world.byID.get(r.id)
		l.print(fmt.Sprintf("%d. %s, %s, %s: %s", i+1, l.severity(c.Severity), l.who(c), l.queue.state(c, l.now), l.queue.said(c, 200)))
	}
	switch s := l.world.status; {
	case len(rows) > 0:
	case s.InStep(), l.Review && l.world.byID != nil:
		l.print(l.T("Nobody is waiting."))
	default: // which is not known yet
		l.print("befree: " + l.connection(s))
	}
}

// print says lines. The terminal shows what is being typed by itself, and it cannot be known how much that is: what comes
// amid it begins on a line of its own.
func (l *Linear) print(lines ...string) {
	if l.amid && len(lines) > 0 {
		fmt.Fprintln(l.out)
		l.amid = false
	}
	for _, line := range lines {
		fmt.Fprintln(l.out, strings.TrimSpace(ansi.Strip(line)))
	}
}
