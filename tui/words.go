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
	"befree.example/store/triage"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// A look is how things are drawn in this console.
type look struct {
	Options
	glyphs
}

// glyphs are the characters outside ASCII that befree itself draws, or what stands for them.
type glyphs struct {
	bar, rule, dots, dot string
	marks                [4]string // by rank of severity
}

func drawn(ascii bool) glyphs {
	if ascii {
		return glyphs{"|", "-", "...", "-", [4]string{"#", "^", "*", "o"}}
	}
	g := glyphs{bar: "│", rule: "─", dots: "…", dot: "·"}
	for _, s := range []triage.Severity{triage.Imminent, triage.High, triage.Standard, triage.Information} {
		g.marks[s.Rank()] = s.Mark()
	}
	return g
}

// severity is a mark and a word, which say all that the colour says.
func (l *look) severity(s triage.Severity) string {
	word := s.Word()
	if s == triage.Information {
		word = "info"
	}
	return l.Theme.Severity[s.Rank()].Paint(l.marks[s.Rank()] + " " + strings.ToUpper(word))
}

// who is what a conversation is called: its code name and all that may be shown of the number.
func (l *look) who(c *desk.Conversation) string {
	return codename.Of(c.ID) + " " + l.dots + text.Line(c.Tail)
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
func waits(c *desk.Conversation, now time.Time) string {
	if c.Unanswered.IsZero() {
		return "answered"
	}
	return "waits " + minutes(now.Sub(c.Unanswered)) + ", target " + minutes(triage.Target(c.Severity))
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
	case l.Review:
		return "review: notes and plans are kept and go out later"
	case !s.Connected && s.At == 0 && s.Trouble == "":
		return "connecting"
	case !s.Connected:
		return "offline since " + s.Since.In(l.Zone).Format("15:04") + ": notes and plans are kept"
	case s.Behind() > 0 && s.At == 0:
		return "fetching the queue"
	case s.Behind() > 0:
		return fmt.Sprintf("behind by %d", s.Behind())
	case s.Draining:
		return "in step; the relay is about to restart"
	}
	return "in step"
}

// delivery says how far an outbound text got.
func delivery(m *desk.Message, now time.Time) string {
	switch m.Delivery {
	case desk.StatusWaiting:
		if left := m.NotBefore.Sub(now); left > 0 && m.Automatic == "" {
			return fmt.Sprintf("goes out in %d s, alt+u takes it back", int((left+time.Second-1)/time.Second))
		}
		return "about to go out"
	case desk.StatusStarted:
		return "being handed to the carrier"
	case desk.StatusUnknown:
		return "nobody knows yet whether it went out"
	case desk.StatusAccepted, desk.StatusQueued, desk.StatusScheduled, desk.StatusSending:
		return "with the carrier"
	case desk.StatusSent:
		return "sent, not yet delivered"
	case desk.StatusDelivered:
		return "delivered"
	case desk.StatusRead:
		return "read"
	case desk.StatusWithdrawn:
		return because("NOT sent", m)
	case desk.StatusRefused:
		return because("NOT sent, the carrier refused it", m)
	case desk.StatusUndelivered, desk.StatusFailed:
		return because("NOT delivered", m)
	}
	return text.Line(string(m.Delivery))
}

func because(what string, m *desk.Message) string {
	if m.Code != 0 {
		what += fmt.Sprintf(" (carrier's code %d)", m.Code)
	}
	if m.Trouble != "" {
		what += ": " + text.Line(m.Trouble)
	}
	return what
}

// plainly says what an error means to whoever sits here. Only refusals, whose words are ours, are repeated.
func plainly(err error) string {
	var refusal *desk.Refusal
	switch {
	case errors.As(err, &refusal):
		return text.Line(refusal.Text)
	case errors.Is(err, client.ErrOffline):
		return "The relay cannot be reached; nothing was done. Try again once the top line says \"in step\"."
	case isTimeout(err):
		return "The relay has not answered yet. Whether it was done will be seen here; nothing is lost."
	}
	return "This machine could not keep or read it (is its disk full?). What is on the screen is not lost; try again."
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func cells(s string) int { return ansi.StringWidth(s) }

// language names a language by its two letters, where befree knows it.
func language(code string) string {
	if code == "es" {
		return "Spanish"
	}
	return text.Line(code)
}

// counted is a number with its word.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
