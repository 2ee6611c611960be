package tui

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/tui/text"
)

// heard takes a line as it came. One with the key that locks locks, and one of which nothing can be read does nothing: it
// is no empty line, which would send.
func (l *Linear) heard(raw string) tea.Cmd {
	line := strings.TrimSpace(text.Input(raw))
	switch {
	case strings.ContainsRune(raw, '\f') && l.locked == nil:
		l.pending, l.doubted = "", ""
		return l.lockUp()
	case line == "" && strings.TrimRight(raw, "\r\n") != "" && l.locked == nil:
		l.print(l.T("Nothing in that line can be read: nothing was done."))
		return nil
	}
	return l.typed(line)
}

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

// answer answers a dialog; an empty line is the harmless answer.
func (l *Linear) answer(d *dialog, line string) (cmd tea.Cmd) {
	i := d.choice(line)
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
