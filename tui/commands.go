package tui

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/tui/speech"
)

// A command is something that can be done: by a key, or by its name from the palette. The help is made of them, too.
type command struct {
	name   string
	any    []string // keys that mean it everywhere, also while typing
	list   []string // keys that mean it where letters are no letters
	write  []string // keys that mean it where something is written; without do, whoever has the keys there acts on them
	do     func(*Model) tea.Cmd
	itself bool // of no use in the palette
	first  bool // its keys mean it whatever is open over the panes
}

// keys names all keys of a command.
func (c command) keys() string { return strings.Join(slices.Concat(c.any, c.list, c.write), " ") }

// just makes a command of a verb that starts nothing.
func just(f func(*Model)) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd {
		f(m)
		return nil
	}
}

// commands are all there are, in the order of the help.
func commands() []command {
	return []command{
		{name: "Claim the next most urgent", any: []string{"f8", "alt+n"}, list: []string{"n"}, do: (*Model).next},
		{name: "Claim the marked one", list: []string{"c"}, do: func(m *Model) tea.Cmd { return m.claim(m.chosen()) }},
		{name: "Open, then write", list: []string{"enter"}, do: (*Model).enter, itself: true},
		{name: "My conversations", any: []string{"alt+m"}, do: (*Model).myConversations},
		{name: "My conversations by their numbers", any: []string{"alt+1..9"}, list: []string{"1..9"}},
		{name: "My next unanswered one", any: []string{"alt+j"}, list: []string{"w"}, do: (*Model).unanswered},
		{name: "Send", write: []string{"enter"}},
		{name: "New line", write: []string{"ctrl+j", "alt+enter"}, do: (*Model).newLine, itself: true},
		{name: "Take a reply back", any: []string{"alt+u"}, list: []string{"u"}, do: (*Model).undo},
		{name: "Send again what may not have gone out", any: []string{"alt+a"}, list: []string{"a"}, do: (*Model).sendAgain},
		{name: "Quick reply", any: []string{"f10", "alt+q"}, do: (*Model).quickReplies},
		{name: "Drafts to others", any: []string{"alt+d"}, do: (*Model).otherDrafts},
		{name: "Plain quotes: fewer segments", any: []string{"f7"}, do: (*Model).plainQuotes},
		{name: "Notes", any: []string{"f3"}, list: []string{"t"}, do: func(m *Model) tea.Cmd { return m.beside(notesSide) }},
		{name: "Safety record", any: []string{"f4"}, list: []string{"s"}, do: func(m *Model) tea.Cmd { return m.beside(safetySide) }},
		{name: "Safety plan", any: []string{"f6"}, list: []string{"p"}, do: func(m *Model) tea.Cmd { return m.beside(planSide) }},
		{name: "Plan as one text, into the composer", any: []string{"alt+c"}, do: (*Model).card},
		{name: "Pictures and files of the texter", list: []string{"o"}, do: (*Model).attachments},
		{name: "Plan to a file", any: []string{"alt+p"}, do: (*Model).planFile},
		{name: "Versions of the plan", any: []string{"alt+v"}, do: just((*Model).planVersions)},
		{name: "Next question of the plan without an answer", any: []string{"ctrl+n"}, do: (*Model).nextQuestion},
		{name: "Does not apply, in the plan", any: []string{"ctrl+x"}, do: (*Model).check},
		{name: "Suicide steps of the plan, or no longer", any: []string{"alt+s"}, do: (*Model).suicide},
		{name: "Only this answer of several in the plan", any: []string{"alt+o"}, do: (*Model).onlyThis},
		{name: "History of this texter", any: []string{"alt+h"}, list: []string{"i"}, do: func(m *Model) tea.Cmd { return m.beside(historySide) }},
		{name: "Referrals of this texter", any: []string{"alt+r"}, list: []string{"r"}, do: func(m *Model) tea.Cmd { return m.beside(referralSide) }},
		{name: "Refer to a provider", any: []string{"alt+e"}, list: []string{"P"}, do: func(m *Model) tea.Cmd { return m.beside(referSide) }},
		{name: "What came of a referral", any: []string{"alt+w"}, list: []string{"V"}, do: (*Model).cameOf},
		{name: "Copy a text", list: []string{"y"}, do: (*Model).copy},
		{name: "Keep a note, a record, a plan", any: []string{"ctrl+s"}, do: (*Model).keepSide},
		{name: "Give back to the queue", list: []string{"R"}, do: just((*Model).release)},
		{name: "Hand over to a colleague", list: []string{"H"}, do: just((*Model).handOver)},
		{name: "Close", list: []string{"x"}, do: just((*Model).closing)},
		{name: "Set the severity", list: []string{"S"}, do: (*Model).judge},
		{name: "Texts of a flood, shown or as one line", list: []string{"v"}, do: (*Model).unfold},
		{name: "A person in danger, not a flood", list: []string{"B"}, do: (*Model).lift},
		{name: "Earlier conversation of this person", list: []string{"e"}, do: (*Model).earlier},
		{name: "Take over, as a supervisor", list: []string{"T"}, do: just((*Model).takeOver)},
		{name: "Whole number, with a reason", list: []string{"W"}, do: (*Model).wholeNumber},
		{name: "Closed conversations", list: []string{"C"}, do: (*Model).pastOnes},
		{name: "Ask to forget", list: []string{"X"}, do: (*Model).askForget},
		{name: "What waits for another person's yes", list: []string{"A"}, do: (*Model).agree},
		{name: "Legal hold", list: []string{"L"}, do: (*Model).legalHold},
		{name: "Export", list: []string{"E"}, do: (*Model).export},
		{name: "Receipts of what was forgotten", list: []string{"Z"}, do: (*Model).receipts},
		{name: "Filter the list", list: []string{"/"}, do: just((*Model).filter)},
		{name: "Move", list: []string{"up", "down", "k", "j", "g", "G", "pgup", "pgdown"}},
		{name: "Read on while writing", write: []string{"pgup", "pgdown", "end"}},
		{name: "Find in the conversation", any: []string{"ctrl+f"}, do: (*Model).find},
		{name: "Search everything on this machine", any: []string{"alt+f"}, list: []string{"F"}, do: (*Model).search},
		{name: "Next pane", any: []string{"tab", "shift+tab"}},
		{name: "Next field or question of a form, and back", write: []string{"tab", "shift+tab"}},
		{name: "Go on with a reason", write: []string{"f9"}, do: (*Model).goOn, itself: true},
		{name: "Back; destroys nothing", any: []string{"esc"}},
		{name: "Everything that can be done", any: []string{"f2", "ctrl+p"}, list: []string{":"}, do: (*Model).everything, itself: true},
		{name: "Help", any: []string{"f1"}, list: []string{"?"}, do: just(func(m *Model) { m.help = &help{writing: m.typing()} })},
		{name: "Do not disturb, but for imminent danger", list: []string{"D"}, do: just((*Model).disturb)},
		{name: "What is wrong with the relay's log", list: []string{"!"}, do: (*Model).alarmed},
		{name: "Mouse", list: []string{"M"}, do: just((*Model).toggleMouse)},
		{name: "Hide and lock the screen", any: []string{"ctrl+l"}, do: (*Model).lockUp, first: true},
		{name: "Draw the screen anew", any: []string{"f5"}, do: just(func(m *Model) { m.anew = true })},
		{name: "Leave befree", any: []string{"ctrl+c"}, list: []string{"q"}, do: (*Model).quit},
	}
}

// bindings are the commands with the keys that they have in this console.
type bindings struct {
	commands         []command
	everywhere, list map[string]func(*Model) tea.Cmd
	write            map[string]func(*Model) tea.Cmd // where something is written
	first            map[string]func(*Model) tea.Cmd // whatever is open over the panes
	instead          map[string]string               // of a key that befree comes with
	lines            bool                            // they are typed as lines: :u, not alt+u
}

// fixed keys mean the same in every console, whatever its person would have them mean.
var fixed = []string{"enter", "esc", "tab", "shift+tab", "ctrl+c", "up", "down", "left", "right", "pgup", "pgdown", "home", "end", "k", "j", "g", "G", " ", "backspace"}

// sentAs are keys that terminals send as another.
var sentAs = map[string]string{"ctrl+m": "enter", "ctrl+i": "tab", "ctrl+h": "backspace"}

// Bind checks keys that are to stand for commands instead of those that befree comes with: for each command, by its name
// in any language, the keys with a space between. A key that is one letter works where letters are no letters.
func Bind(keys map[string]string) error {
	_, err := bind(keys)
	return err
}

func bind(keys map[string]string) (b bindings, err error) {
	b = bindings{commands: commands(), everywhere: map[string]func(*Model) tea.Cmd{}, list: map[string]func(*Model) tea.Cmd{}, write: map[string]func(*Model) tea.Cmd{}, first: map[string]func(*Model) tea.Cmd{}, instead: map[string]string{}}
	var spoken []*speech.Speech
	if len(keys) > 0 {
		for _, l := range speech.Languages {
			spoken = append(spoken, speech.For(l))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		i := slices.IndexFunc(b.commands, func(c command) bool {
			return slices.ContainsFunc(spoken, func(s *speech.Speech) bool { return strings.EqualFold(s.Word(c.name), name) })
		})
		if i < 0 || b.commands[i].do == nil {
			return b, fmt.Errorf("keys: there is no command %q whose keys could be changed; ? names them all", name)
		}
		if err := b.rebind(&b.commands[i], strings.Fields(keys[name])); err != nil {
			return b, err
		}
	}
	taken := map[string]string{}
	for _, c := range b.commands {
		keys := slices.Concat(c.any, c.list)
		if c.do != nil {
			keys = append(keys, c.write...)
		}
		for _, k := range keys {
			if other, ok := taken[k]; ok {
				return b, fmt.Errorf("keys: %q would be both %q and %q; give one of them another key", k, other, c.name)
			}
			taken[k] = c.name
		}
		for _, k := range c.any {
			b.everywhere[k] = c.do
			if c.first {
				b.first[k] = c.do
			}
		}
		for _, k := range c.list {
			b.list[k] = c.do
		}
		for _, k := range c.write {
			b.write[k] = c.do
		}
	}
	return b, nil
}

// rebind gives a command other keys.
func (b *bindings) rebind(c *command, keys []string) error {
	if len(keys) == 0 {
		return fmt.Errorf("keys: %q needs a key", c.name)
	}
	was, writes := slices.Concat(c.any, c.list, c.write), len(c.write) > 0
	c.any, c.list, c.write = nil, nil, nil
	for _, k := range keys {
		switch {
		case slices.Contains(fixed, k) || isDigit(k):
			return fmt.Errorf("keys: %q means the same everywhere and cannot be changed", k)
		case sentAs[k] != "":
			return fmt.Errorf("keys: terminals send %q as %s; it cannot be told apart", k, sentAs[k])
		case strings.HasPrefix(k, "alt+") && isDigit(k[len("alt+"):]):
			return fmt.Errorf("keys: %q opens a conversation of yours by its number and cannot be changed", k)
		case writes && utf8.RuneCountInString(k) == 1:
			return fmt.Errorf("keys: %q is a letter where %q is done; give it another key", k, c.name)
		case utf8.RuneCountInString(k) == 1:
			c.list = append(c.list, k)
		case !keyName.MatchString(k):
			return fmt.Errorf("keys: %q is no key; one is a letter, f1 to f12, ctrl+LETTER or alt+LETTER", k)
		case writes:
			c.write = append(c.write, k)
		default:
			c.any = append(c.any, k)
		}
	}
	for _, k := range was {
		b.instead[k] = keys[0]
		if whole := slices.Concat(c.any, c.write); utf8.RuneCountInString(k) > 1 && len(whole) > 0 {
			b.instead[k] = whole[0] // it works where letters are letters, as k does
		}
	}
	return nil
}

var keyName = regexp.MustCompile(`^(f([1-9]|1[0-2])|ctrl\+[a-z]|alt\+(\S|enter))$`)

// press is the key to press for what a key does by itself, as it is shown.
func (b *bindings) press(key string) string {
	name := key
	if strings.HasPrefix(key, "F") {
		name = strings.ToLower(key)
	}
	key = cmp.Or(b.instead[name], key)
	if !b.lines {
		return key
	}
	for _, k := range []string{key, strings.ToLower(key)} {
		for _, c := range b.commands {
			if slices.Contains(slices.Concat(c.any, c.list), k) && len(c.list) > 0 && c.do != nil {
				return ":" + strings.TrimPrefix(c.list[0], ":")
			}
		}
	}
	return ":" + strings.ToLower(key)
}

// A help shows every command with its keys, first those that work where its person is.
type help struct {
	writing bool // they are where letters are letters
	top     int
}

// Key turns pages; any other key ends it.
func (h *help) Key(k tea.KeyMsg) (done bool) {
	switch k.String() {
	case "down", "j", "pgdown", " ":
		h.top += 8
	case "up", "k", "pgup":
		h.top = max(0, h.top-8)
	default:
		return true
	}
	return false
}

// here tells whether a command has a key where one is.
func (h *help) here(c command) bool {
	return len(c.any) > 0 || h.writing && len(c.write) > 0 || !h.writing && len(c.list) > 0
}

// Render has two columns where there is room, else one that can be turned.
func (h *help) Render(l *look, width, height int) []string {
	here, elsewhere := l.T("Keys while you write"), l.T("Where nothing is written")
	if !h.writing {
		here, elsewhere = l.T("Keys here"), l.T("While you write")
	}
	var near, far []command
	for _, c := range l.commands {
		if h.here(c) {
			near = append(near, c)
		} else {
			far = append(far, c)
		}
	}
	all := append(l.keyRows(near, width), l.Theme.Title.Paint("  "+elsewhere))
	all = append(all, l.keyRows(far, width)...)
	room := height - 1
	h.top = min(h.top, max(0, len(all)-room))
	if len(all) > room {
		here += ": " + l.T("down for more")
	}
	return append([]string{l.heading(here, width, true)}, all[h.top:min(len(all), h.top+room)]...)
}

// keyRows are commands with their keys, in two columns where there is room. Nothing of either is cut off.
func (l *look) keyRows(cs []command, width int) []string {
	wide, columns := 20, 1
	if width >= 2*48 {
		columns = 2
	}
	var all []string
	for _, c := range cs {
		keys, names := wrap(c.keys(), wide-2), wrap(l.Word(c.name), width/columns-wide-3)
		for i := range max(len(keys), len(names)) {
			key, name := "", ""
			if i < len(keys) {
				key = keys[i]
			}
			if i < len(names) {
				name = names[i]
			}
			all = append(all, "  "+l.Theme.Focus.Paint(key)+strings.Repeat(" ", wide-cells(key))+name)
		}
	}
	if columns == 1 {
		return all
	}
	half := (len(all) + 1) / 2
	for i := range len(all) - half {
		all[i] += strings.Repeat(" ", max(1, width/2-cells(all[i]))) + all[half+i]
	}
	return all[:half]
}
