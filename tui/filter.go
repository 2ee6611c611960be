package tui

import (
	"regexp"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// escHold is how long an escape may be the beginning of a key that arrives in two reads.
const escHold = 25 * time.Millisecond

// heldEscMsg asks for an escDueMsg after escHold.
type (
	heldEscMsg struct{ n int }
	escDueMsg  struct{ n int }
)

// Filter is for tea.WithFilter. A key that a slow line cuts in two would arrive as an escape and letters, which would
// be typed into a text to somebody: an escape is held for a moment, and the rest of a cut sequence becomes the key that
// it was, or nothing.
func Filter(model tea.Model, msg tea.Msg) tea.Msg {
	if m, ok := model.(*Model); ok {
		return m.keys.filter(msg, time.Now())
	}
	return msg
}

// keys puts together what was cut.
type keys struct {
	n      int       // counts escapes
	held   bool      // an escape waits for what follows
	at     time.Time // when it came, or the newest part of a sequence
	inside bool      // a sequence whose end has not come
}

var (
	wholeTail  = regexp.MustCompile(`^(\[[0-9;<>?]*[A-Za-z~]|O[A-Za-z]|\][^\x1b]*)`)
	openTail   = regexp.MustCompile(`^(\[[0-9;<>?]*|O)$`)
	restOfTail = regexp.MustCompile(`^[0-9;:<>?]*(rgb:[0-9a-fA-F/]*)?[A-Za-z~]?$`)
	arrows     = map[string]tea.KeyType{"[A": tea.KeyUp, "[B": tea.KeyDown, "[C": tea.KeyRight, "[D": tea.KeyLeft, "[H": tea.KeyHome, "[F": tea.KeyEnd}
)

func (k *keys) filter(msg tea.Msg, now time.Time) tea.Msg {
	if due, ok := msg.(escDueMsg); ok {
		if !k.held || due.n != k.n {
			return nil
		}
		k.held = false
		return tea.KeyMsg{Type: tea.KeyEsc}
	}
	key, ok := msg.(tea.KeyMsg)
	if !ok || key.Paste {
		return msg
	}
	soon := now.Sub(k.at) <= escHold
	typed := string(key.Runes)
	switch {
	case k.held && soon && key.Type == tea.KeyRunes && !key.Alt:
		return k.tail(key, typed, now)
	case k.inside && soon && key.Type == tea.KeyRunes && restOfTail.MatchString(typed):
		k.at = now
		k.inside = strings.ContainsAny(typed[len(typed)-1:], "0123456789;:<>?/") || strings.Contains(typed, "rgb:")
		return nil
	case key.Type == tea.KeyEsc && !k.held:
		return k.hold(now)
	case key.Type == tea.KeyRunes && key.Alt && (typed == "[" || typed == "]" || typed == `\` && k.inside):
		k.inside, k.at = typed != `\`, now
		return nil
	}
	escaped := k.held && key.Type == tea.KeyEnter // an enter that is lost harms nobody; an escape that is lost sends
	k.held, k.inside = false, false
	if escaped {
		return tea.KeyMsg{Type: tea.KeyEsc}
	}
	return msg
}

func (k *keys) hold(now time.Time) tea.Msg {
	k.n++
	k.held, k.inside, k.at = true, false, now
	return heldEscMsg{k.n}
}

// tail handles letters straight after an escape.
func (k *keys) tail(key tea.KeyMsg, typed string, now time.Time) tea.Msg {
	k.held = false
	if arrow, ok := arrows[typed]; ok {
		return tea.KeyMsg{Type: arrow}
	}
	switch {
	case openTail.MatchString(typed):
		k.inside, k.at = true, now
		return nil
	case wholeTail.MatchString(typed):
		return nil
	case len(key.Runes) == 1: // alt and a letter
		key.Alt = true
		return key
	}
	return key
}
