package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"befree.example/client"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/triage"
	"befree.example/tui/codename"
	"befree.example/tui/speech"
	"befree.example/tui/text"
)

// A look is how things are drawn in this console.
type look struct {
	Options
	glyphs
	*speech.Speech
	bindings
}

func newLook(o Options) look {
	b, err := bind(o.Keys)
	if err != nil {
		b, _ = bind(nil) // Bind has been asked before
	}
	return look{o, drawn(o.ASCII), speech.For(o.Language), b}
}

// glyphs are the characters outside ASCII that befree itself draws, or what stands for them.
type glyphs struct {
	bar, rule, dots, dot string
	surge                string    // of a flood
	marks                [4]string // by rank of severity
}

func drawn(ascii bool) glyphs {
	if ascii {
		return glyphs{"|", "-", "...", "-", "~", [4]string{"#", "^", "*", "o"}}
	}
	g := glyphs{bar: "│", rule: "─", dots: "…", dot: "·", surge: "≈"}
	for _, s := range []triage.Severity{triage.Imminent, triage.High, triage.Standard, triage.Information} {
		g.marks[s.Rank()] = s.Mark()
	}
	return g
}

// severity is a mark and a word, which say all that the colour says.
func (l *look) severity(s triage.Severity) string {
	word := l.Word(s.Word())
	if s == triage.Information {
		word = l.T("info")
	}
	return l.Theme.Severity[s.Rank()].Paint(strings.TrimSpace(l.marks[s.Rank()] + " " + strings.ToUpper(word)))
}

// who is what a conversation is called: its code name and all that may be shown of the number.
func (l *look) who(c *desk.Conversation) string { return codename.Of(c.ID) + l.tail(c) }

func (l *look) tail(c *desk.Conversation) string { return " " + l.dots + text.Line(c.Tail) }

// whoIn is who in so many cells: it is the code name that is cut.
func (l *look) whoIn(c *desk.Conversation, room int) string {
	return cut(codename.Of(c.ID), room-cells(l.tail(c)), l.dots) + l.tail(c)
}

// heading is a pane's name with a rule to its edge; the one that takes keys has a mark.
func (l *look) heading(name string, width int, focused bool) string {
	mark, ink := "  ", l.Theme.Title
	if focused {
		mark, ink = "> ", l.Theme.Focus
	}
	name = cut(name, width-3, l.dots)
	rest := max(0, width-3-cells(name))
	return ink.Paint(mark+name) + " " + l.Theme.Muted.Paint(strings.Repeat(l.rule, rest))
}

// waits says how long somebody has waited, against the target.
func (l *look) waits(c *desk.Conversation, now time.Time) string {
	if c.Unanswered.IsZero() {
		return l.T("answered")
	}
	return l.T("waits {{.Time}}, target {{.Target}}", "Time", minutes(now.Sub(c.Unanswered)), "Target", minutes(triage.Target(c.Severity)))
}

// late tells whether somebody has waited longer than they should.
func late(c *desk.Conversation, now time.Time) bool {
	return !c.Unanswered.IsZero() && now.Sub(c.Unanswered) > triage.Target(c.Severity)
}

func minutes(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// connection says how the console stands to the relay.
func (l *look) connection(s client.Status) string {
	switch {
	case l.Aside:
		return l.T("set aside {{.Day}}, read until {{.Until}}", "Day", l.date(s.Aside.At), "Until", l.date(s.Aside.Until))
	case l.Review:
		return l.T("review: notes and plans are kept and go out later")
	case !s.Connected && s.At == 0 && s.Trouble == "":
		return l.T("connecting")
	case !s.Connected:
		return l.T("offline since {{.Time}}: notes and plans are kept", "Time", s.Since.In(l.Zone).Format("15:04"))
	case s.Behind() > 0 && s.At == 0:
		return l.T("fetching the queue")
	case s.Behind() > 0:
		return l.T("behind by {{.Events}}", "Events", s.Behind())
	case s.Draining:
		return l.T("in step; the relay is about to restart")
	}
	return l.T("in step")
}

// delivery says how far an outbound text got.
func (l *look) delivery(m *desk.Message, now time.Time) string {
	switch m.Delivery {
	case desk.StatusWaiting:
		if left := m.NotBefore.Sub(now); left > 0 && m.Automatic == "" {
			return l.T("goes out in {{.Seconds}} s, {{.Key}} takes it back", "Seconds", int((left+time.Second-1)/time.Second), "Key", l.press("alt+u"))
		}
		return l.T("about to go out")
	case desk.StatusStarted:
		return l.T("being handed to the carrier")
	case desk.StatusUnknown:
		return l.T("nobody knows yet whether it went out")
	case desk.StatusAccepted, desk.StatusQueued, desk.StatusScheduled, desk.StatusSending:
		return l.T("with the carrier")
	case desk.StatusSent:
		return l.T("sent, not yet delivered")
	case desk.StatusDelivered:
		return l.T("delivered")
	case desk.StatusRead:
		return l.T("read")
	case desk.StatusWithdrawn:
		return l.T("NOT sent{{if .Code}} (carrier's code {{.Code}}){{end}}{{if .Why}}: {{.Why}}{{end}}", l.trouble(m)...)
	case desk.StatusRefused:
		return l.T("NOT sent, the carrier refused it{{if .Code}} (carrier's code {{.Code}}){{end}}{{if .Why}}: {{.Why}}{{end}}", l.trouble(m)...)
	case desk.StatusUndelivered, desk.StatusFailed:
		return l.T("NOT delivered{{if .Code}} (carrier's code {{.Code}}){{end}}{{if .Why}}: {{.Why}}{{end}}", l.trouble(m)...)
	}
	return text.Line(string(m.Delivery))
}

// trouble is what is known of why a text did not arrive.
func (l *look) trouble(m *desk.Message) []any {
	return []any{"Code", m.Code, "Why", text.Line(l.Word(m.Trouble))}
}

// plainly says what an error means to whoever sits here. Only refusals, whose words are ours, are repeated.
func (l *look) plainly(err error) string {
	var refusal *desk.Refusal
	switch {
	case errors.As(err, &refusal):
		return text.Line(l.Word(refusal.Text))
	case errors.Is(err, seal.ErrPassphrase):
		return l.T("That was not the passphrase. Nothing was done, and the next one takes longer.")
	case errors.Is(err, client.ErrOffline):
		return l.T("The relay cannot be reached; nothing was done. Try again once the top line says \"in step\".")
	case errors.Is(err, client.ErrNotKnown):
		return l.T("The connection broke off before the relay answered. Whether it was done will be seen here; look before you do it again.")
	case isTimeout(err):
		return l.T("The relay has not answered yet. Whether it was done will be seen here; nothing is lost.")
	}
	return l.T("This machine could not keep or read it (is its disk full?). What is on the screen is not lost; try again.")
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// notKnown tells whether an error does not say if the act was carried out.
func notKnown(err error) bool { return isTimeout(err) || errors.Is(err, client.ErrNotKnown) }

func cells(s string) int { return ansi.StringWidth(s) }

// language names a language by its two letters, where befree knows it.
func (l *look) language(code string) string {
	if code == "es" {
		return l.T("Spanish")
	}
	return text.Line(code)
}

// day is a date in words.
func (l *look) day(t time.Time) string {
	return l.T("{{.Weekday}} {{.Day}} {{.Month}} {{.Year}}",
		"Weekday", l.Word(t.Weekday().String()), "Day", t.Day(), "Month", l.Word(t.Month().String()), "Year", t.Year())
}

// date is a day in figures.
func (l *look) date(t time.Time) string { return t.In(l.Zone).Format(time.DateOnly) }

// moment is a time that may be of another day.
func (l *look) moment(t time.Time) string {
	t = t.In(l.Zone)
	return l.T("{{.Day}} {{.Month}} {{.Time}}", "Day", t.Day(), "Month", l.Word(t.Format("Jan")), "Time", t.Format("15:04"))
}
