package tui

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"befree.example/client"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/triage"
	"befree.example/tui/theme"
)

var update = flag.Bool("update", false, "write what the screens look like now into testdata")

// night is what is on the line when a screen is looked at.
func night(h *hand) {
	h.text("0147", "stop him he's here")
	time.Sleep(40 * time.Second)
	h.text("0122", "HELP")
	h.text("0131", "he took my papers and wont pay")
	h.text("0109", "hola, qué es este número?")
	h.text("0188", "clear\x1b[2J\x1b[H\x1b]0;ALL CLEAR\x07 \u202egnp.exe\u202c 👩‍👩‍👧 a\u0301\u0302\u0303\u0304\u0305 漢字\ttab")
	time.Sleep(20 * time.Second)
}

func conversation(h *hand) {
	night(h)
	h.take("ada", "0147")
	h.take("ben", "0131")
	h.must(desk.Command{Kind: desk.ReplyQueued, Conversation: "c0147", Claim: h.state.Conversation("c0147").Claim, Seen: h.state.Conversation("c0147").Seen(), Actor: "ada", Role: desk.Specialist},
		desk.Reply{Text: "I am here with you. Can you get to a room that locks? Put your phone on silent.", Now: true})
	h.delivered("0147")
	time.Sleep(15 * time.Second)
	h.text("0147", "locked in bathroom")
	time.Sleep(10 * time.Second)
}

func pictures(h *hand) {
	conversation(h)
	h.must(desk.Command{ID: "SMmedia", Kind: desk.Received, Conversation: "c0147", Actor: store.Texter, Number: "+12025550147"},
		desk.Text{To: "233733", Text: "look", Triage: triage.Default().Judge("look"), Media: []desk.Media{{URL: "https://media.example/1", Type: "image/jpeg"}, {URL: "https://media.example/2", Type: "video/mp4"}}})
}

// screens are the console's, each with what leads to it.
var screens = []struct {
	name  string
	o     Options
	world func(*hand)
	keys  []string
}{
	{"empty", Options{}, nil, nil},
	{"queue", Options{}, night, []string{"down"}},
	{"filter", Options{}, night, []string{"/", "papers"}},
	{"flags", Options{}, flagged, nil},
	{"conversation", Options{}, conversation, []string{"1", "That is good. “Stay” there 🙂"}},
	{"waiting", Options{}, night, []string{"down", "enter"}},
	{"notes", Options{}, conversation, []string{"1", "f3", "Asked for no sirens.", "ctrl+s", "Her sister is there"}},
	{"safety", Options{}, conversation, []string{"1", "f4", "apples", "down", "tangerine", "ctrl+s", "f4", "down"}},
	{"plan", Options{}, conversation, []string{"1", "f6", "When he drinks", "pgdown", "My aunt"}},
	{"long history", Options{}, func(h *hand) { contacts(h, 8) }, []string{"1", "alt+h", "pgdown"}},
	{"close", Options{}, conversation, []string{"1", "esc", "x"}},
	{"follow-up", Options{}, conversation, []string{"1", "esc", "x", "3", "1", "2"}},
	{"release", Options{}, conversation, []string{"1", "esc", "R"}},
	{"held", Options{}, func(h *hand) {
		conversation(h)
		yes := true
		h.must(desk.Command{Kind: desk.SafetySaved, Conversation: "c0147", Actor: "ada", Role: desk.Specialist}, desk.SafetyEdit{Hold: &yes})
	}, []string{"1", "Hello", "enter"}},
	{"offline", Options{}, func(h *hand) {
		conversation(h)
		h.status.Connected = false
	}, []string{"1", "Are you safe?", "enter"}},
	{"help", Options{}, night, []string{"?"}},
	{"closing", Options{}, conversation, []string{"1", "esc", "x", "3", "1", "2", "4"}},
	{"palette", Options{}, conversation, []string{"1", "f2", "plan"}},
	{"search", Options{}, conversation, []string{"alt+f", "bathroom"}},
	{"found", Options{}, conversation, []string{"alt+f", "he", "enter", "down"}},
	{"replies", Options{}, conversation, []string{"1", "alt+q", "safe", "down"}},
	{"takeover", Options{}, func(h *hand) {
		conversation(h)
		h.status.Role = desk.Supervisor
	}, []string{"G", "T", "Rest"}},
	{"locked", Options{}, conversation, []string{"1", "ctrl+l"}},
	{"passphrase", Options{Unlock: func([]byte) error { return seal.ErrPassphrase }}, conversation, []string{"1", "ctrl+l", "wrong", "enter", "again"}},
	{"leave", Options{}, conversation, []string{"q"}},
	{"review", Options{Review: true}, func(h *hand) {
		conversation(h)
		h.must(desk.Command{Kind: desk.Closed, Conversation: "c0147", Claim: h.state.Conversation("c0147").Claim, Seen: h.state.Conversation("c0147").Seen(), Actor: "ada", Role: desk.Specialist}, desk.Closing{Disposition: "referred"})
	}, []string{"down", "down", "down", "down", "down", "enter"}},
	{"rewritten", Options{}, func(h *hand) {
		conversation(h)
		h.status.Alarm = bolt.Alarm{What: client.AlarmRewritten, Size: 1204}
	}, []string{"1", "Are you safe?"}},
	{"supervisor", Options{}, func(h *hand) {
		conversation(h)
		h.status.Role = desk.Supervisor
	}, nil},
	{"versions", Options{}, conversation, []string{"1", "f6", "When he drinks", "pgdown", "My aunt", "tab", "alt+v"}},
	{"history", Options{}, returned, []string{"down", "down", "enter", "i"}},
	{"refer", Options{}, mine, []string{"1", "alt+e", "House of Doors", "tab"}},
	{"referrals", Options{}, returned, []string{"down", "down", "enter", "r"}},
	{"attachments", Options{}, pictures, []string{"1", "esc", "o"}},
	{"hand-over", Options{}, conversation, []string{"1", "esc", "H", "ben", "enter", "He is outside the door"}},
	{"severity", Options{}, conversation, []string{"1", "esc", "S"}},
	{"drafts", Options{}, func(h *hand) {
		conversation(h)
		h.take("ada", "0122")
	}, []string{"1", "Stay there", "alt+2", "alt+d"}},
	{"tour", Options{Tour: true}, night, nil},
	{"copy", Options{Copy: func(string) {}}, conversation, []string{"1", "esc", "y"}},
	{"no longer yours", Options{}, func(h *hand) {
		conversation(h)
		go func() {
			time.Sleep(2 * time.Second)
			h.must(desk.Command{Kind: desk.TakenOver, Conversation: "c0147", Claim: h.state.Conversation("c0147").Claim, Actor: "eve", Role: desk.Supervisor}, desk.Because{Reason: "rest"})
		}()
	}, []string{"1", "Stay there"}},
	{"flood", Options{}, flooded, []string{"down", "enter"}},
	{"opted out", Options{}, func(h *hand) {
		conversation(h)
		h.text("0147", "STOP")
	}, []string{"1", "Stay there", "enter"}},
}

// shapes are the sizes and colours in which every screen is looked at.
var shapes = []struct {
	name          string
	columns, rows int
	theme         theme.Theme
	ascii, raw    bool
	language      string
}{
	{"60x20", 60, 20, theme.Plain(), false, false, "en"},
	{"80x24", 80, 24, theme.Plain(), false, false, "en"},
	{"120x36", 120, 36, theme.Plain(), false, false, "en"},
	{"200x60", 200, 60, theme.Plain(), false, false, "en"},
	{"80x24 ASCII", 80, 24, theme.Plain(), true, false, "en"},
	{"80x24 in colour", 80, 24, theme.Dark(), false, true, "en"},
	{"80x24 on a light ground", 80, 24, theme.Light(), false, true, "en"},
	{"80x24 of high contrast", 80, 24, theme.Contrast(), false, true, "en"},
	{"80x24 in sixteen colours", 80, 24, theme.Sixteen(), false, true, "en"},
	{"60x20 in Spanish", 60, 20, theme.Plain(), false, false, "es"},
	{"120x36 in Spanish", 120, 36, theme.Plain(), false, false, "es"},
}

// TestScreens compares every screen with the file of its name. Rows are shown without what is blank at their ends, and in
// colour with every escape as \e.
func TestScreens(t *testing.T) {
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			file := filepath.Join("testdata", screen.name+".txtar")
			got := &txtar.Archive{}
			for _, shape := range shapes {
				o := screen.o
				o.Theme, o.ASCII, o.Language = shape.theme, shape.ascii, shape.language
				sit(t, o, shape.columns, shape.rows, screen.world, func(s *sitter) {
					s.press(screen.keys...)
					s.wait(2 * time.Second)
					exact(t, s.m.View(), shape.columns, shape.rows)
					got.Files = append(got.Files, txtar.File{Name: shape.name, Data: []byte(readable(s.m.View(), shape.raw))})
				})
			}
			compare(t, file, got)
		})
	}
}

// exact fails unless a frame has exactly so many columns and rows.
func exact(t *testing.T, view string, columns, rows int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != rows {
		t.Errorf("%d rows of %d", len(lines), rows)
	}
	for i, l := range lines {
		if w := ansi.StringWidth(l); w != columns {
			t.Errorf("row %d has %d columns of %d: %q", i, w, columns, l)
		}
	}
}

func readable(view string, raw bool) string {
	var b strings.Builder
	for l := range strings.SplitSeq(view, "\n") {
		if raw {
			l = strings.ReplaceAll(l, "\x1b", `\e`)
		} else {
			l = ansi.Strip(l)
		}
		b.WriteString("|" + strings.TrimRight(l, " ") + "\n")
	}
	return b.String()
}

func compare(t *testing.T, file string, got *txtar.Archive) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(fmt.Errorf("%w; go test ./tui -update writes it", err))
	}
	if !bytes.Equal(raw, txtar.Format(got)) {
		t.Errorf("the screen has changed; look at it, then go test ./tui -update:\n%s", cmp.Diff(string(raw), string(txtar.Format(got))))
	}
}
