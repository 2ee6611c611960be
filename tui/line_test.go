package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/search"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// A hand is a line without a network: the desk's own rules, decided on the spot.
type hand struct {
	t  testing.TB
	mu sync.Mutex

	state     *desk.State
	events    []store.Event
	n         uint64
	status    client.Status
	changed   chan struct{}
	outbox    []bolt.Entry
	drafts    map[string]bolt.Entry
	sentAt    map[string]time.Time // of the newest reply, by conversation
	asked     []desk.Command
	searched  []string
	opened    []string      // conversations whose words were asked for
	previewed [][]string    // of each Preview
	unheard   bool          // nothing comes of a Preview
	ready     bool          // to be searched
	fail      error         // what Do and Draft end with, if set
	slow      time.Duration // of Draft
	before    func()        // called by Do, if set
	behind    uint64        // events that the relay has answered with and not sent
}

func newHand(t testing.TB) *hand {
	return &hand{
		t: t, state: desk.NewState(desk.Policy{}), changed: make(chan struct{}), drafts: map[string]bolt.Entry{},
		sentAt: map[string]time.Time{},
		status: client.Status{Connected: true, Since: time.Now(), Role: desk.Specialist},
	}
}

func (h *hand) View(f func(*desk.State)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h.state)
}

func (h *hand) Status() client.Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.status
	s.At = h.state.Last() - h.behind
	s.Head = max(s.Head, s.At)
	return s
}

func (h *hand) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

// change does something that the console will hear of.
func (h *hand) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *hand) Conversation(id string) (*desk.Conversation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state.Conversation(id), nil
}

func (h *hand) Whole(id string) (*desk.Conversation, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return desk.Fold(slices.DeleteFunc(slices.Clone(h.events), func(e store.Event) bool { return e.Conversation != id })), nil
}

func (h *hand) Do(_ context.Context, c desk.Command) (out client.Outcome, err error) {
	pressed := time.Now()
	if h.before != nil {
		h.before()
	}
	h.change(func() {
		h.asked = append(h.asked, c)
		entry := bolt.Entry{ID: fmt.Sprintf("kept%d", h.n), Conversation: c.Conversation, Kind: c.Kind, At: time.Now()}
		entry.Command, _ = json.Marshal(c)
		switch {
		case h.fail != nil:
			err = h.fail
		case !h.status.Connected:
			h.outbox = append(h.outbox, entry)
			out.Kept = true
		default:
			if c.Kind == desk.ReplyQueued {
				h.sentAt[c.Conversation] = pressed
				if !h.drafts[c.Conversation].At.After(pressed) {
					delete(h.drafts, c.Conversation)
				}
			}
			c.Actor, c.Role = "ada", h.status.Role
			if err = h.decide(c); err != nil && c.Kind == desk.ReplyQueued {
				entry.Refused = err.Error()
				h.outbox = append(h.outbox, entry)
			}
			if err == nil {
				out.Seq = h.state.Last()
			}
		}
	})
	return out, err
}

// Surely knows one passphrase.
func (h *hand) Surely(ctx context.Context, c desk.Command, passphrase []byte) (client.Outcome, error) {
	if string(passphrase) != "right one" {
		return client.Outcome{}, seal.ErrPassphrase
	}
	return h.Do(ctx, c)
}

// Open reveals all that is withheld of a conversation.
func (h *hand) Open(_ context.Context, id, _ string) error {
	h.mu.Lock()
	h.opened = append(h.opened, id)
	h.mu.Unlock()
	h.reveal(func(c *desk.Conversation, _ store.Event) bool { return c.ID == id })
	return nil
}

func (h *hand) reveal(is func(*desk.Conversation, store.Event) bool) {
	h.change(func() {
		for _, e := range h.events {
			if c := h.state.Conversation(e.Conversation); e.Kind == desk.Received && is(c, e) {
				h.state.Reveal(e)
			}
		}
	})
}

// Preview reveals the newest text of who waits.
func (h *hand) Preview(_ context.Context, ids []string) error {
	h.mu.Lock()
	err := h.fail
	h.previewed = append(h.previewed, ids)
	unheard := h.unheard
	h.mu.Unlock()
	if err != nil || unheard {
		return err
	}
	h.reveal(func(c *desk.Conversation, e store.Event) bool {
		return slices.Contains(ids, c.ID) && c.Heard().ID == e.ID
	})
	return nil
}

// forget takes the words of who waits from the console's memory, as a new start does.
func (h *hand) forget() {
	h.change(func() {
		h.state = desk.NewState(desk.Policy{})
		for _, e := range h.events {
			if e.Kind == desk.Received {
				e.Body, e.Withheld = nil, true
			}
			h.state.Apply(e)
		}
	})
}

func (h *hand) Attachment(_ context.Context, _, _ string, n int) ([]byte, string, error) {
	if h.fail != nil {
		return nil, "", h.fail
	}
	return []byte{0xff, 0xd8, byte(n)}, "image/jpeg", nil
}

func (h *hand) Accept() error {
	h.change(func() { h.status.Alarm = bolt.Alarm{} })
	return h.fail
}

func (h *hand) Search(_ context.Context, words string) (found []client.Found, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	q := search.Parse(words)
	if q.Empty() {
		return nil, client.ErrNothingToSearch
	}
	h.searched, h.ready = append(h.searched, words), true
	for _, e := range slices.Backward(h.events) {
		if said := desk.Words(e); q.In(search.ListOf(said...)) {
			found = append(found, client.Found{Conversation: e.Conversation, Kind: e.Kind, ID: e.ID, At: e.At, Line: sms.Text(q.Line(said...))})
		}
	}
	return found, h.fail
}

func (h *hand) Prepare() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready = true
	return nil
}

func (h *hand) Rest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready = false
}

func (h *hand) Reveal(ctx context.Context, conversation, reason string, passphrase []byte) (sms.Number, error) {
	raw, _ := json.Marshal(desk.Because{Reason: reason})
	_, err := h.Surely(ctx, desk.Command{Kind: desk.NumberRevealed, Conversation: conversation, Body: raw}, passphrase)
	if err != nil {
		return "", err
	}
	return "+12025550147", nil
}

func (h *hand) Export(ctx context.Context, conversation string, agreed uint64, passphrase []byte) (*desk.Conversation, error) {
	if _, err := h.Surely(ctx, desk.Command{Kind: desk.Exported, Conversation: conversation, Claim: agreed}, passphrase); err != nil {
		return nil, err
	}
	return h.Whole(conversation)
}

func (h *hand) Outbox() ([]bolt.Entry, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.outbox), nil
}

func (h *hand) Discard(id string) error {
	h.change(func() {
		h.outbox = slices.DeleteFunc(h.outbox, func(e bolt.Entry) bool { return e.ID == id })
	})
	return nil
}

func (h *hand) Draft(conversation, what, text string, at time.Time) error {
	time.Sleep(h.slow)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return h.fail
	}
	if what == "" && at.Before(h.sentAt[conversation]) {
		return nil
	}
	delete(h.drafts, conversation+what)
	if text != "" {
		raw, _ := json.Marshal(text)
		h.drafts[conversation+what] = bolt.Entry{Conversation: conversation, What: what, At: at, Command: raw}
	}
	return nil
}

func (h *hand) Drafts() (es []bolt.Entry, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.drafts {
		es = append(es, e)
	}
	return es, nil
}

// draft is what the disk has of what is being written.
func (h *hand) draft(conversation string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return draftText(h.drafts[conversation].Command)
}

// replies are the words of every reply that was asked for.
func (h *hand) replies() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.asked {
		var r desk.Reply
		if c.Kind == desk.ReplyQueued && json.Unmarshal(c.Body, &r) == nil {
			all = append(all, c.Conversation+": "+r.Text.Reveal())
		}
	}
	return all
}

func (h *hand) decide(c desk.Command) error {
	h.n++
	if c.ID == "" {
		c.ID = store.DeviceID("testtesttesttest", h.n)
	}
	e, err := h.state.Decide(c, time.Now())
	if err != nil {
		return err
	}
	e.Seq = h.state.Last() + 1
	fork := h.state.Fork()
	fork.Apply(e)
	h.state.Merge(fork)
	h.events = append(h.events, e)
	return nil
}

// must makes an event happen, whoever asks for it.
func (h *hand) must(c desk.Command, body any) {
	h.t.Helper()
	h.change(func() {
		if body != nil {
			c.Body, _ = json.Marshal(body)
		}
		if err := h.decide(c); err != nil {
			h.t.Fatalf("%s: %v", c.Kind, err)
		}
	})
}

// text lets somebody text; tail is the end of their number and begins their conversation's ID.
func (h *hand) text(tail, words string) {
	h.t.Helper()
	h.late(tail, words, 0)
}

// late lets somebody have texted so long ago.
func (h *hand) late(tail, words string, late time.Duration) {
	h.t.Helper()
	h.must(desk.Command{
		ID: fmt.Sprintf("SM%d", h.n), Kind: desk.Received, Conversation: "c" + tail, Actor: store.Texter,
		Number: sms.Number("+1202555" + tail), Head: store.Head{Late: late},
	}, desk.Text{To: "233733", Text: sms.Text(words), Triage: triage.Default().Judge(words)})
}

// take lets a member of staff have a conversation.
func (h *hand) take(staff, tail string) {
	h.must(desk.Command{Kind: desk.Claimed, Conversation: "c" + tail, Actor: staff, Role: desk.Specialist}, nil)
}

// delivered lets every reply to a conversation reach the phone.
func (h *hand) delivered(tail string) {
	id := "c" + tail
	h.mu.Lock()
	messages := slices.Clone(h.state.Conversation(id).Messages)
	h.mu.Unlock()
	for _, m := range messages {
		if m.Inbound || m.Delivery != desk.StatusWaiting {
			continue
		}
		h.must(desk.Command{ID: fmt.Sprintf("%s/send/%d", m.ID, m.Attempt+1), Kind: desk.SendStarted, Conversation: id, Ref: m.ID, Actor: store.Carrier}, desk.Send{Attempt: 1})
		h.must(desk.Command{ID: m.ID + "/ok", Kind: desk.SendAccepted, Conversation: id, Ref: m.ID, Actor: store.Carrier}, desk.Send{Attempt: 1, SID: "SM" + m.ID})
		h.must(desk.Command{ID: m.ID + ":delivered", Kind: desk.Delivery, Conversation: id, Ref: m.ID, Actor: store.Carrier, Head: store.Head{Delivery: "delivered"}}, nil)
	}
}

// A sitter sits at a console in virtual time and does what Bubble Tea would.
type sitter struct {
	*testing.T
	m    *Model
	over tea.Model       // which has m in it
	said strings.Builder // by a Linear
	h    *hand
	msgs chan tea.Msg
	left bool
}

// sit runs f at a console of so many columns and rows, at a linear one where there are none.
func sit(t *testing.T, o Options, columns, rows int, h func(*hand), f func(*sitter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		line := newHand(t)
		if h != nil {
			h(line)
		}
		o.Line, o.Name = line, "ada"
		if o.Zone == nil {
			o.Zone = time.UTC
		}
		s := &sitter{T: t, h: line, msgs: make(chan tea.Msg, 1000), m: New(o)}
		s.over = s.m
		if columns == 0 {
			l := NewLinear(o, &s.said)
			s.over, s.m = l, l.Model
		}
		s.run(s.m.Init())
		s.update(tea.WindowSizeMsg{Width: columns, Height: rows})
		s.wait(100 * time.Millisecond)
		defer func() {
			s.run(s.m.leave())
			s.wait(3 * time.Second)
		}()
		f(s)
	})
}

// run carries out a command, and all that it is made of.
func (s *sitter) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() { s.msgs <- s.follow(cmd) }()
}

func (s *sitter) follow(cmd tea.Cmd) tea.Msg {
	msg := cmd()
	if v := reflect.ValueOf(msg); v.Kind() == reflect.Slice && v.Type().Name() == "sequenceMsg" {
		for _, one := range v.Seq2() {
			if cmd, _ := one.Interface().(tea.Cmd); cmd != nil {
				s.msgs <- s.follow(cmd)
			}
		}
		return nil
	}
	return msg
}

func (s *sitter) update(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
		return
	case tea.BatchMsg:
		for _, cmd := range msg {
			s.run(cmd)
		}
		return
	case tea.QuitMsg:
		s.left = true
		return
	}
	if msg = Filter(s.m, msg); msg == nil {
		return
	}
	_, cmd := s.over.Update(msg)
	s.over.View()
	if !s.left {
		s.run(cmd)
	}
}

// settle lets everything happen that needs no time.
func (s *sitter) settle() {
	for {
		synctest.Wait()
		select {
		case msg := <-s.msgs:
			s.update(msg)
		default:
			return
		}
	}
}

// wait lets time go by.
func (s *sitter) wait(d time.Duration) {
	s.settle()
	for range d / (5 * time.Millisecond) {
		time.Sleep(5 * time.Millisecond)
		s.settle()
	}
}

// named are the keys that have no letter.
var named = map[string]tea.KeyMsg{
	"enter": {Type: tea.KeyEnter}, "esc": {Type: tea.KeyEsc}, "tab": {Type: tea.KeyTab}, "up": {Type: tea.KeyUp},
	"down": {Type: tea.KeyDown}, "pgup": {Type: tea.KeyPgUp}, "pgdown": {Type: tea.KeyPgDown}, "home": {Type: tea.KeyHome},
	"end": {Type: tea.KeyEnd}, "f1": {Type: tea.KeyF1}, "f3": {Type: tea.KeyF3}, "f4": {Type: tea.KeyF4}, "f6": {Type: tea.KeyF6},
	"f7": {Type: tea.KeyF7}, "f8": {Type: tea.KeyF8}, "f9": {Type: tea.KeyF9}, "alt+s": {Type: tea.KeyRunes, Runes: []rune("s"), Alt: true}, "ctrl+c": {Type: tea.KeyCtrlC},
	"ctrl+l": {Type: tea.KeyCtrlL}, "ctrl+s": {Type: tea.KeyCtrlS}, "ctrl+x": {Type: tea.KeyCtrlX}, "ctrl+j": {Type: tea.KeyCtrlJ},
	"alt+a": {Type: tea.KeyRunes, Runes: []rune("a"), Alt: true},
	"alt+u": {Type: tea.KeyRunes, Runes: []rune("u"), Alt: true}, "alt+1": {Type: tea.KeyRunes, Runes: []rune("1"), Alt: true},
	"alt+c": {Type: tea.KeyRunes, Runes: []rune("c"), Alt: true}, "alt+p": {Type: tea.KeyRunes, Runes: []rune("p"), Alt: true},
	"alt+d":  {Type: tea.KeyRunes, Runes: []rune("d"), Alt: true},
	"ctrl+f": {Type: tea.KeyCtrlF},
	"alt+f":  {Type: tea.KeyRunes, Runes: []rune("f"), Alt: true},
	"alt+q":  {Type: tea.KeyRunes, Runes: []rune("q"), Alt: true}, "alt+j": {Type: tea.KeyRunes, Runes: []rune("j"), Alt: true},
	"alt+v": {Type: tea.KeyRunes, Runes: []rune("v"), Alt: true}, "ctrl+n": {Type: tea.KeyCtrlN}, "left": {Type: tea.KeyLeft},
	"alt+y": {Type: tea.KeyRunes, Runes: []rune("y"), Alt: true},
	"alt+e": {Type: tea.KeyRunes, Runes: []rune("e"), Alt: true}, "alt+w": {Type: tea.KeyRunes, Runes: []rune("w"), Alt: true},
	"f2": {Type: tea.KeyF2}, "shift+tab": {Type: tea.KeyShiftTab},
	"alt+h": {Type: tea.KeyRunes, Runes: []rune("h"), Alt: true}, "alt+r": {Type: tea.KeyRunes, Runes: []rune("r"), Alt: true},
	"alt+2": {Type: tea.KeyRunes, Runes: []rune("2"), Alt: true}, "alt+3": {Type: tea.KeyRunes, Runes: []rune("3"), Alt: true}, "space": {Type: tea.KeySpace, Runes: []rune(" ")},
	"backspace": {Type: tea.KeyBackspace}, "n": {Type: tea.KeyRunes, Runes: []rune("n")},
}

// press presses keys at a person's pace: those that have a name, else each letter.
func (s *sitter) press(keys ...string) {
	for _, k := range keys {
		if key, ok := named[k]; ok {
			s.update(key)
			s.wait(60 * time.Millisecond)
			continue
		}
		for _, r := range k {
			s.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
			s.wait(60 * time.Millisecond)
		}
	}
}

// screen is what is to be read on the screen.
func (s *sitter) screen() string { return ansi.Strip(s.m.View()) }

func (s *sitter) sees(words ...string) {
	s.Helper()
	for _, w := range words {
		if !strings.Contains(s.screen(), w) {
			s.Fatalf("%q is not to be seen:\n%s", w, s.screen())
		}
	}
}

func (s *sitter) seesNot(words ...string) {
	s.Helper()
	for _, w := range words {
		if strings.Contains(s.screen(), w) {
			s.Fatalf("%q is to be seen:\n%s", w, s.screen())
		}
	}
}

// hold holds a key down: keyboards wait before they repeat.
func (s *sitter) hold(key string) {
	s.update(named[key])
	s.wait(500 * time.Millisecond)
	for range 10 {
		s.update(named[key])
		s.wait(35 * time.Millisecond)
	}
}

// sent fails unless these replies, and no others, have been asked for a while later.
func (s *sitter) sent(want ...string) {
	s.Helper()
	s.wait(2 * time.Second)
	if got := s.h.replies(); !slices.Equal(got, want) {
		s.Errorf("sent %q, want %q; the screen:\n%s", got, want, s.screen())
	}
}

// slowly has the next command take its time.
func (h *hand) slowly(d time.Duration) {
	h.before = func() {
		h.before = nil
		time.Sleep(d)
	}
}

// overtaken has the next reply refused after d, since a text of 0147's comes before it, and whatever else.
func (h *hand) overtaken(d time.Duration, also ...func()) {
	h.before = func() {
		h.before = nil
		h.must(desk.Command{ID: "SMx", Kind: desk.Received, Conversation: "cx", Actor: store.Texter, Number: "+12025550147"}, desk.Text{To: "233733", Text: "wait"})
		for _, do := range also {
			do()
		}
		time.Sleep(d)
	}
}

// queued is two conversations of ada's and two people who wait.
func queued(h *hand) {
	mine(h)
	h.text("0199", "please help me")
	h.text("0188", "he took my phone")
	time.Sleep(time.Second)
}

var errDisk = errors.New("no space left for what Jane wrote")
