package tui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"pgregory.net/rapid"
)

// An event is one thing that happens at a console: a key, an answer that will be late, a text, or time that goes by.
type event struct {
	key   string
	late  time.Duration
	text  string
	pause time.Duration
	held  int // how often the key repeats
}

// events are what somebody may do in any order. Each word that is typed is written once.
func events(t *rapid.T) (all []event) {
	keys := []string{"enter", "enter", "enter", "esc", "tab", "alt+1", "alt+2", "f8", "n", "alt+u", "alt+q", "alt+d", "ctrl+f", "f3", "f4", "f6", "ctrl+s", "ctrl+l", "f1", "pgup", "end", "down", "f9", "y", "word", "word", "word", "word"}
	for i := range rapid.IntRange(5, 40).Draw(t, "events") {
		s := event{key: rapid.SampledFrom(keys).Draw(t, "key"), pause: time.Duration(rapid.SampledFrom([]int{0, 10, 60, 300, 900, 3000}).Draw(t, "pause")) * time.Millisecond}
		if s.key == "word" {
			s.key = fmt.Sprintf("Q%dQ", i)
		}
		switch rapid.IntRange(0, 9).Draw(t, "also") {
		case 0:
			s.late = time.Duration(rapid.IntRange(1, 4000).Draw(t, "late")) * time.Millisecond
		case 1, 2:
			s.text = rapid.SampledFrom([]string{"0147", "0122", "0199", "0188"}).Draw(t, "of")
		case 3:
			s.held = rapid.IntRange(1, 20).Draw(t, "held")
		}
		all = append(all, s)
	}
	return all
}

// lateness is how long the next answer takes.
type lateness struct {
	mu   sync.Mutex
	next time.Duration
}

func (l *lateness) set(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = d
}

// pass lets the time of one answer go by.
func (l *lateness) pass() {
	l.mu.Lock()
	d := l.next
	l.next = 0
	l.mu.Unlock()
	time.Sleep(d)
}

// TestNothingGoesAstray: whatever is pressed, however late answers are and whatever comes in, a reply goes to the
// conversation that was on the screen at its enter, one enter sends one, and no word that was typed for a texter is
// lost: it is in a draft, or was sent.
func TestNothingGoesAstray(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := events(rt)
		var wrong []string
		sit(t, Options{}, 120, 36, queued, func(s *sitter) {
			late := &lateness{}
			s.h.before = late.pass
			wrong = walk(s, late, all)
		})
		if len(wrong) > 0 {
			rt.Fatalf("%s\nafter %+v", strings.Join(wrong, "\n"), all)
		}
	})
}

// walk does the steps and says what went wrong.
func walk(s *sitter, late *lateness, all []event) (wrong []string) {
	typed := map[string]bool{} // words that were typed into a composer
	var expected []string      // replies, by the screen at their enter
	press := func(k tea.KeyMsg) {
		open, words := s.m.open, s.m.composer.Text(s.m.open)
		s.update(k)
		if now := s.m.composer.Text(open); k.Type == tea.KeyEnter && len(now) < len(words) {
			expected = append(expected, open+": "+strings.TrimPrefix(strings.TrimPrefix(words, now), "\n"))
		}
	}
	for _, one := range all {
		if one.late > 0 {
			late.set(one.late)
		}
		if one.text != "" {
			s.h.text(one.text, "please")
		}
		writes := func() bool {
			return s.m.focus == onComposer && s.m.writing() && len(s.m.dialogs) == 0 && s.m.palette == nil && s.m.locked == nil
		}
		word, before := strings.HasPrefix(one.key, "Q"), len(expected)
		if word && (!writes() || one.held > 0) {
			continue // letters are commands there
		}
		for n := range one.held + 1 {
			if n == 1 {
				s.wait(500 * time.Millisecond)
				before = len(expected)
			}
			for _, k := range keysOf(one.key) {
				press(k)
				s.wait(35 * time.Millisecond)
			}
		}
		if word && writes() && strings.Contains(s.m.composer.Text(s.m.open), one.key) {
			typed[one.key] = true
		}
		if one.held > 0 && len(expected) > before {
			wrong = append(wrong, "an enter that was held down sent something")
		}
		s.wait(one.pause)
	}
	late.set(0)
	s.wait(25 * time.Second)
	sent := s.h.replies()
	for _, r := range sent {
		i := slices.Index(expected, r)
		if i < 0 {
			wrong = append(wrong, fmt.Sprintf("%q was sent, and no enter was for it: %q", r, expected))
			continue
		}
		expected = slices.Delete(expected, i, i+1)
	}
	if err := s.m.Keep(); err != nil {
		wrong = append(wrong, err.Error())
	}
	kept := strings.Join(sent, "\n") + s.disk()
	for word := range typed {
		if !strings.Contains(kept, word) {
			wrong = append(wrong, word+" is neither sent nor on the disk")
		}
	}
	return wrong
}

func keysOf(name string) (all []tea.KeyMsg) {
	if k, ok := named[name]; ok {
		return []tea.KeyMsg{k}
	}
	for _, r := range name {
		all = append(all, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
	}
	return all
}

// disk is all that is on the disk of what was written.
func (s *sitter) disk() string {
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	raw := []byte{}
	for _, e := range s.h.drafts {
		raw = append(raw, e.Command...)
	}
	for _, e := range s.h.outbox {
		one, _ := json.Marshal(string(e.Command))
		raw = append(raw, one...)
	}
	return string(raw)
}
