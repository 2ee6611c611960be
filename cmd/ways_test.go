package cmd_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"

	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/store/sms/smstest"
)

// everywhere has everything that was made to do harm stand wherever a carrier says something: in the sender, the SID, the
// kind of a file and its address, the place of the number, and what no befree knows.
func everywhere(ts *testscript.TestScript, ctx context.Context, c *twiliotest.Server) {
	for i, s := range smstest.Hostile() {
		d := c.Text(ctx, twiliotest.Text{
			From: s + "1", Body: "he wont let me leave", SID: fmt.Sprintf("SM%d%s", i, s), Media: []twiliotest.Media{{URL: "https://x/" + s, Type: s}},
			Params: map[string]string{"FromCity": s, "FromState": s, "FromCountry": s, "ProfileName": s, s + "x": s},
		})
		if d.Status != http.StatusOK {
			ts.Fatalf("the relay answered %d to %q everywhere", d.Status, s)
		}
	}
}

// hostilescript FILE: writes a script in which a specialist writes everything that was made to do harm, each on a line of
// its own, wherever a specialist can write.
func hostileScript(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	b.WriteString("claim\n")
	for _, s := range smstest.Hostile() {
		if s = strings.Map(func(r rune) rune {
			if r == '\n' {
				return ' '
			}
			return r
		}, s); strings.TrimSpace(s) == "" || !utf8.ValidString(s) {
			continue
		}
		fmt.Fprintf(&b, "note %s\nplan leaving/route %s\n", s, s)
		if utf8.RuneCountInString(s) <= 160 {
			fmt.Fprintf(&b, "safety safe %s\n", s)
		}
	}
	b.WriteString("card\nprint\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// harmless FILE...: nothing in the files would do anything to a terminal.
func harmless(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := ts.ReadFile(name)
		if len(text) < 100 {
			ts.Fatalf("%s has only %d bytes", name, len(text))
		}
		if bad := harm([]byte(text)); bad != "" {
			ts.Fatalf("%s has %s", name, bad)
		}
	}
}

// harm names the first thing in text that would do something to a terminal, or hide or reorder what stands beside it.
func harm(text []byte) string {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			return fmt.Sprintf("the byte %#x", text[0])
		case r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Cf, r)):
			return fmt.Sprintf("%U before %.20q", r, text[n:])
		}
		text = text[n:]
	}
	return ""
}

// copied is what a console puts into a terminal's clipboard.
var copied = regexp.MustCompile(`\x1b\]52;c;([A-Za-z0-9+/=]*)\a`)

// clipboard NAME PATTERN: waits until the terminal's clipboard holds the pattern; it never held anything harmful.
func clipboard(ts *testscript.TestScript, _ bool, args []string) {
	t, pattern := terminalOf(ts, args[0]), regexp.MustCompile(args[1])
	for deadline := time.After(patience); ; {
		t.mu.Lock()
		all, changed := copied.FindAllSubmatch(bytes.Clone(t.raw.Bytes()), -1), t.changed
		t.mu.Unlock()
		var last []byte
		for _, one := range all {
			var err error
			last, err = base64.StdEncoding.DecodeString(string(one[1]))
			ts.Check(err)
			if bad := harm(last); bad != "" {
				ts.Fatalf("%s's clipboard got %s", args[0], bad)
			}
		}
		if pattern.Match(last) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			ts.Fatalf("%s's clipboard has %q", args[0], last)
		}
	}
}

// crowd N: so many connect to the relay at once, say nothing, and go.
func crowd(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all []net.Conn
	for range n {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", ts.Getenv("BEFREE_LISTEN"))
		ts.Check(err)
		all = append(all, c)
	}
	for _, c := range all {
		c.Close()
	}
}
