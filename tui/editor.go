package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/bubbles/cursor"
	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textarea"
	tea "github.com/charmbracelet/bubbletea"

	"befree.example/tui/text"
	"befree.example/tui/theme"
)

// An editor is a place to write in. Letters are letters; it takes no key that means something elsewhere.
type editor struct {
	area  textarea.Model
	lines []string // as drawn last, nil when that is no longer right
}

func newEditor(most int) *editor {
	a := textarea.New()
	a.CharLimit, a.MaxHeight = most, 400
	a.ShowLineNumbers, a.Prompt, a.EndOfBufferCharacter = false, "", ' '
	a.FocusedStyle, a.BlurredStyle = textarea.Style{}, textarea.Style{}
	a.Cursor.Style = theme.CursorStyle()
	a.KeyMap = editorKeys()
	a.Cursor.SetMode(cursor.CursorStatic)
	a.Focus()
	return &editor{area: a}
}

// retyped is a field of one line after a key, and whether the key wrote in it.
func retyped(field string, k tea.KeyMsg) (string, bool) {
	switch {
	case k.Type == tea.KeyBackspace:
		_, last := utf8.DecodeLastRuneInString(field)
		return field[:len(field)-last], true
	case k.Type == tea.KeyRunes && !k.Alt || k.Type == tea.KeySpace:
		return field + text.Line(text.Input(string(k.Runes))), true
	}
	return field, false
}

// editorKeys are the textarea's own, without those that befree uses everywhere (ctrl+p, alt+l ...) and without the one
// that reads the system's clipboard through another program.
func editorKeys() textarea.KeyMap {
	k := textarea.DefaultKeyMap
	k.InsertNewline = key.NewBinding(key.WithDisabled())
	k.LineNext = key.NewBinding(key.WithKeys("down"))
	k.LinePrevious = key.NewBinding(key.WithKeys("up"))
	k.DeleteAfterCursor = key.NewBinding(key.WithDisabled())
	k.Paste = key.NewBinding(key.WithDisabled())
	k.TransposeCharacterBackward = key.NewBinding(key.WithDisabled())
	k.CapitalizeWordForward, k.LowercaseWordForward, k.UppercaseWordForward = k.Paste, k.Paste, k.Paste
	return k
}

// Text returns what was written.
func (e *editor) Text() string { return e.area.Value() }

// SetText puts s in the place of what was written, with the cursor at its end.
func (e *editor) SetText(s string) {
	e.lines = nil
	e.area.SetValue(text.Input(s))
	e.area.CursorEnd()
}

// Newline begins a new line.
func (e *editor) Newline() {
	e.lines = nil
	e.area.InsertRune('\n')
}

// Key writes; what comes out of a paste is cleaned first.
func (e *editor) Key(k tea.KeyMsg) {
	e.lines = nil
	if k.Type == tea.KeyRunes {
		k.Runes, k.Paste = []rune(text.Input(string(k.Runes))), false
		if len(k.Runes) == 0 {
			return
		}
		if !k.Alt {
			e.area.InsertString(string(k.Runes))
			return
		}
	}
	e.area, _ = e.area.Update(k) // its only command blinks or reads the clipboard
}

// Render shows what is around the cursor.
func (e *editor) Render(width, height int, focused bool) []string {
	e.resize(max(width, 4), max(height, 1), focused)
	if e.lines == nil {
		view := e.area.View()
		if e.area.LineCount() > 1 || len(view) > height*(width+8) { // the place to scroll to is known only once it is laid out
			e.area, _ = e.area.Update(nil)
			view = e.area.View()
		}
		e.lines = strings.Split(view, "\n")
	}
	return e.lines
}

func (e *editor) resize(width, height int, focused bool) {
	if e.area.Width() != width {
		e.lines = nil
		e.area.SetWidth(width)
	}
	if e.area.Height() != height {
		e.lines = nil
		e.area.SetHeight(height)
	}
	if focused != e.area.Focused() {
		e.lines = nil
		if e.area.Blur(); focused {
			e.area.Focus()
		}
	}
}
