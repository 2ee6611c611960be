package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store"
	"befree.example/store/bolt"
)

// A dialog that opens by itself takes no key until nobody has typed for a while, and in any case after a longer one.
const (
	dialogQuiet = 425 * time.Millisecond
	dialogMost  = 1500 * time.Millisecond
)

// A choice is one way to answer a dialog.
type choice struct {
	key, label string
	do         func() tea.Cmd // nil for nothing
}

// A dialog asks once. Its first choice is the harmless one, which is what esc chooses and where the cursor is.
type dialog struct {
	title   string
	lines   []string
	live    func() []string // the lines, where they change while it is open
	choices []choice
	at      int
	reason  *editor                     // to be filled in, where one is needed
	send    func(reason string) tea.Cmd // goOn does it, with the reason; enter, with the passphrase
	goOn    string                      // the key
	yes     string                      // the letter for it in the language of whoever is asked
	secret  bool                        // a passphrase is to be filled in, which is not shown
	typed   string                      // of it

	act           store.Kind  // for which the reason is
	hand          *handover   // that it tells of; nil for none
	anew          *bolt.Aside // likewise: what is set aside since the relay began anew
	about         string      // ID of the conversation that it is about, empty for none
	fleeting      bool        // goes when the screen is locked
	leaving       bool        // of befree: ctrl+c answers it
	itself        bool        // opened by itself: enter never answers it
	read          bool        // it has stood there long enough
	opened, quiet time.Time
}

// A deed is something that is done to a conversation, with a reason.
type deed struct {
	conversation string
	act          store.Kind
}

// askWhy is a dialog that goes on, by send, with a reason; harmless is what esc does. The reason is kept until it is done.
func (m *Model) askWhy(act store.Kind, title, harmless, about string, send func(reason string) tea.Cmd, lines ...string) *dialog {
	d := &dialog{title: title, act: act, about: about, lines: lines, choices: []choice{{"", harmless, nil}}, reason: newEditor(500), send: send}
	d.reason.SetText(m.reasons[deed{about, act}])
	return d
}

// keepReason keeps what a dialog's person has written as its reason.
func (m *Model) keepReason(d *dialog) {
	if d.reason != nil {
		m.reasons[deed{d.about, d.act}] = d.reason.Text()
	}
}

// keepReasons sees to it that the disk has the reasons that are being given.
func (m *Model) keepReasons() tea.Cmd {
	for d := range m.reasons {
		m.keepsReason(d)
	}
	return m.saveSoon()
}

// keepsReason marks a reason as written.
func (m *Model) keepsReason(d deed) {
	if d.conversation != "" {
		m.unsaved[place{d.conversation, reasonDraft + string(d.act)}] = true
	}
}

// gaveReason drops a reason, as what it was given for is done.
func (m *Model) gaveReason(d deed) tea.Cmd {
	if _, given := m.reasons[d]; !given {
		return nil
	}
	delete(m.reasons, d)
	m.keepsReason(d)
	return m.saveSoon()
}

// Key answers. done says that the dialog is over.
func (d *dialog) Key(k tea.KeyMsg, now time.Time) (done bool, cmd tea.Cmd) {
	if d.guarded(now) {
		return false, nil
	}
	switch s := k.String(); {
	case s == "esc":
		return true, d.choices[0].run()
	case d.secret:
		return d.secretKey(k)
	case d.reason != nil:
		return d.reasonKey(k)
	case s == "up" || s == "k" || s == "left" || s == "shift+tab":
		d.at = max(0, d.at-1)
	case s == "down" || s == "j" || s == "right" || s == "tab":
		d.at = min(len(d.choices)-1, d.at+1)
	case s == "enter" && !d.itself:
		return true, d.choices[d.at].run()
	default:
		if i := d.choice(s); i >= 0 {
			return true, d.choices[i].run()
		}
	}
	return false, nil
}

// choice is the place of the one that a key means, -1 for none. Whoever reads Spanish may say s for y.
func (d *dialog) choice(key string) int {
	place := func(key string) int {
		return slices.IndexFunc(d.choices, func(c choice) bool { return c.key != "" && c.key == key })
	}
	if i := place(key); i >= 0 || key != d.yes {
		return i
	}
	return place("y")
}

// guarded tells whether keys may still be meant for what was on the screen before.
func (d *dialog) guarded(now time.Time) bool {
	d.read = d.read || !d.itself || now.Sub(d.opened) >= dialogMost || now.Sub(d.quiet) >= dialogQuiet
	d.quiet = now
	return !d.read
}

func (d *dialog) reasonKey(k tea.KeyMsg) (bool, tea.Cmd) {
	reason := strings.TrimSpace(d.reason.Text())
	if k.String() == d.goOn && reason != "" {
		return true, d.send(reason)
	}
	if k.Type != tea.KeyEnter {
		d.reason.Key(k)
	}
	return false, nil
}

// missing is what a reason still needs before it goes on.
func (d *dialog) missing(l *look) string {
	if strings.TrimSpace(d.reason.Text()) == "" {
		return l.T("Say it in a few words; {{.Key}} goes on then.", "Key", l.press("F9"))
	}
	return l.T("{{.Key}} goes on.", "Key", l.press("F9"))
}

func (d *dialog) secretKey(k tea.KeyMsg) (bool, tea.Cmd) {
	if k.Type == tea.KeyEnter && d.typed != "" {
		passphrase := d.typed
		d.typed = ""
		return true, d.send(passphrase)
	}
	d.typed, _ = retyped(d.typed, k)
	return false, nil
}

// writes tells whether letters are letters to it.
func (d *dialog) writes() bool { return d.reason != nil || d.secret }

func (c choice) run() tea.Cmd {
	if c.do == nil {
		return nil
	}
	return c.do()
}

// said is what there is to know before an answer.
func (d *dialog) said() []string {
	if d.live != nil {
		return d.live()
	}
	return d.lines
}

// Render shows the question and the ways to answer.
func (d *dialog) Render(l *look, width, height int) []string {
	lines := []string{l.heading(d.title, width, true), ""}
	for _, s := range d.said() {
		lines = append(lines, indented(s, width)...)
	}
	lines = append(lines, "")
	if d.secret {
		lines = append(lines, "  "+l.hidden(d.typed), "", "  esc    "+d.choices[0].label, "  enter  "+l.T("go on with this"))
		return bottom(lines, height)
	}
	if d.reason != nil {
		lines = append(lines, "  "+l.T("Why:"))
		for _, s := range d.reason.Render(width-6, 3, true) {
			lines = append(lines, "    "+s)
		}
		lines = append(lines, "", "  esc  "+d.choices[0].label, fmt.Sprintf("  %-4s %s", l.press("F9"), l.T("go on with this")))
		return bottom(lines, height)
	}
	for i, c := range d.choices {
		mark, ink := "  ", l.Theme.Muted
		if i == d.at && !d.itself {
			mark, ink = "> ", l.Theme.Focus
		}
		lines = append(lines, "  "+ink.Paint(mark+c.key+"  "+c.label))
	}
	return bottom(lines, height)
}
