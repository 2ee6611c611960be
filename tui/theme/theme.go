// Package theme holds how things look, by what they are for. Nothing is said by colour alone, so the zero Theme, which
// has none, says all the same.
package theme

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Bubble Tea asks the terminal for its colours when it is loaded, and what the terminal answers late would be typed into
// a text. Told beforehand, it does not ask. Go loads this package first: its path comes before Bubble Tea's.
func init() { lipgloss.SetHasDarkBackground(true) }

// An Ink is a way to draw; the zero Ink leaves text as it is.
type Ink struct{ on, off string }

// Paint returns s drawn with i. s must hold no line feed.
func (i Ink) Paint(s string) string {
	if i.on == "" || s == "" {
		return s
	}
	return i.on + s + i.off
}

// A Theme has an ink for each role on the screen.
type Theme struct {
	Severity [4]Ink // by triage.Severity.Rank
	Muted    Ink    // what is there to be looked up
	Title    Ink    // names of panes
	Focus    Ink    // the pane or row that takes keys
	Danger   Ink    // what must not be overlooked
	Good     Ink    // what went well
	Texter   Ink
	Staff    Ink
	Cursor   Ink // the place where the next letter goes
}

// Plain has no colours; it serves NO_COLOR. The cursor is reversed.
func Plain() Theme {
	return Theme{Cursor: ink(renderer(termenv.ANSI).NewStyle().Reverse(true))}
}

// Dark is for light letters on a dark ground.
func Dark() Theme {
	return coloured(termenv.ANSI256, "203", "215", "117", "245", "245", "", "114", "117", "183")
}

// Light is for dark letters on a light ground.
func Light() Theme {
	return coloured(termenv.ANSI256, "160", "94", "25", "240", "240", "", "22", "25", "91")
}

// Contrast is for a dark ground and eyes that need more: at least 7 to 1.
func Contrast() Theme {
	return coloured(termenv.ANSI256, "217", "222", "159", "252", "252", "231", "157", "159", "225")
}

// Sixteen is for terminals with the sixteen old colours, on a dark ground.
func Sixteen() Theme {
	return coloured(termenv.ANSI, "9", "11", "14", "7", "7", "15", "10", "14", "13")
}

func coloured(p termenv.Profile, imminent, high, standard, info, muted, focus, good, texter, staff string) Theme {
	r := renderer(p)
	colour := func(c string) lipgloss.Style {
		if c == "" { // the terminal's own, to be read on any ground
			return r.NewStyle()
		}
		return r.NewStyle().Foreground(lipgloss.Color(c))
	}
	return Theme{
		Severity: [4]Ink{ink(colour(imminent).Bold(true)), ink(colour(high).Bold(true)), ink(colour(standard)), ink(colour(info))},
		Muted:    ink(colour(muted)), Title: ink(r.NewStyle().Bold(true)), Focus: ink(colour(focus).Bold(true)),
		Danger: ink(colour(imminent).Bold(true)), Good: ink(colour(good)),
		Texter: ink(colour(texter)), Staff: ink(colour(staff)), Cursor: ink(r.NewStyle().Reverse(true)),
	}
}

// CursorStyle is the cursor of a field that is written in.
func CursorStyle() lipgloss.Style { return renderer(termenv.ANSI).NewStyle() }

// renderer asks neither the terminal nor the environment: who starts the console has.
func renderer(p termenv.Profile) *lipgloss.Renderer {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(p)
	r.SetHasDarkBackground(true)
	return r
}

func ink(s lipgloss.Style) Ink {
	on, off, _ := strings.Cut(s.Render("x"), "x")
	return Ink{on, off}
}
