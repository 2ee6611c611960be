// Package cmd_test tells stories with both programs as people run them, in processes of their own, beside a stand-in
// for the carrier.
package cmd_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"befree.example/cmd/internal/gateway/twilio/twiliotest"

	"befree.example/store/sms/smstest"
)

// patience is how long a story waits for what must come; it says nothing about speed.
const patience = 20 * time.Second

const (
	publicURL = "https://relay.example.org"
	number    = "233733"
)

// TestMain has more stories told at once than there are processors: most of the time each waits for its people.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	m.Run()
}

func TestStories(t *testing.T) {
	before := syscall.Umask(0) // whatever befree makes is for its owner alone all the same
	t.Cleanup(func() { syscall.Umask(before) })
	bin := t.TempDir()
	for _, root := range []string{"../store", "../client", "../tui", "."} {
		if err := lookAt(root); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", append([]string{"build", "-o", bin + string(filepath.Separator)}, raceFlag("./befree", "./befree-relay")...)...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			if err := ours600(e.WorkDir); err != nil {
				return err
			}
			address, err := freePort()
			if err != nil {
				return err
			}
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("BEFREE_LISTEN", address)
			e.Setenv("BEFREE_RELAY", "ws://"+address+"/line")
			other, err := freePort()
			if err != nil {
				return err
			}
			e.Setenv("OTHER_LISTEN", other)
			e.Setenv("BEFREE_NUMBER", number)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("BIN", bin)
			c, err := twiliotest.New(twiliotest.Config{Number: number})
			if err != nil {
				return err
			}
			e.Values[carrierKey{}] = c
			e.Values[terminalsKey{}], e.Values[wiresKey{}] = terminals{}, map[string]*wire{}
			e.Defer(c.Close)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"carrier": carrier,
			"ready":   ready,
			"oneof":   oneOf,
			"oneline": oneLine,
			"sealed":  sealed,
			"enrol":   enrol,
			"told":    told,
			"comes":   comes,

			"nowhere": nowhere, "harmless": harmless, "hostilescript": hostileScript, "clipboard": clipboard, "crowd": crowd,

			"sit": sit, "see": see, "press": press, "types": types, "paste": paste, "leaves": leaves, "signals": signals, "hangup": hangup,
			"resize": resize, "clean": clean, "rings": rings, "network": network,
			"remembers": remembers, "raw": raw, "gone": gone, "pause": pause, "one": one, "together": together, "until": until,
		},
	})
}

// ours600 has a story's files be as careful people keep them: some hold passphrases.
func ours600(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.Chmod(path, 0o600)
		}
		return err
	})
}

// lookAt looks at every file that the programs are built of, so that go test does not take an old pass for one of what
// stands there now.
func lookAt(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			_, err = os.Stat(path)
		}
		return err
	})
}

func freePort() (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready [WORDS] waits until the relay takes texts, and says WORDS of itself; ! ready waits until it says that it does not.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); ; {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("the relay is still ready: %t", neg)
		}
		status, said := readyz(ts.Getenv("BEFREE_LISTEN"))
		if status != 0 && (status == http.StatusOK) != neg && strings.Contains(said, strings.Join(args, " ")) {
			return
		}
	}
}

// comes PATTERN PROGRAM ARG...: runs a program until it prints the pattern.
func comes(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s never prints %q", args[1], args[0])
		}
	}
}

// readyz asks a relay whether it is ready; 0 says that nobody answers.
func readyz(address string) (status int, said string) {
	r, err := http.Get("http://" + address + "/readyz") //nolint:noctx // of this machine
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, ""
	}
	return r.StatusCode, string(raw)
}

// told VAR ARG...: somebody who runs the relay is told a code by befree-relay; VAR holds it.
func told(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("befree-relay", args[1:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// enrol NAME [ROLE]: somebody new enrols a device, in the profile of their name, at the relay that serves; enrol NAME in
// PROFILE: one more device of theirs.
func enrol(ts *testscript.TestScript, _ bool, args []string) {
	name, profile, way := args[0], args[0], []string{"CODE", "staff", "add", args[0], "--data", "data"}
	switch len(args) {
	case 2:
		way = append(way, "--role", args[1])
	case 3:
		way[2], profile = "code", args[2]
	}
	told(ts, false, way)
	ts.Check(os.WriteFile(ts.MkAbs("code"), []byte(ts.Getenv("CODE")), 0o600))
	ts.Check(ts.Exec("befree", "enrol", "--name", name, "--profile", profile, "--passphrase", "pass", "--code", "code"))
}

// oneOf PATTERN FILE...: exactly one of the files has it.
func oneOf(ts *testscript.TestScript, _ bool, args []string) {
	pattern, found := regexp.MustCompile(args[0]), 0
	for _, file := range args[1:] {
		if pattern.MatchString(ts.ReadFile(file)) {
			found++
		}
	}
	if found != 1 {
		ts.Fatalf("%q stands in %d of %s", args[0], found, strings.Join(args[1:], ", "))
	}
}

// oneLine PATTERN: standard error is a single line, has the pattern, and is no stack trace.
func oneLine(ts *testscript.TestScript, _ bool, args []string) {
	said := ts.ReadFile("stderr")
	if strings.Count(said, "\n") != 1 || strings.Contains(said, "goroutine") || !regexp.MustCompile(args[0]).MatchString(said) {
		ts.Fatalf("want one line with %q, got:\n%s", args[0], said)
	}
}

// carriersName is what the stand-in calls a text.
var carriersName = regexp.MustCompile(`SM[0-9a-f]{32}`)

// sealed PATH...: no file below the paths holds a word, number or name of the stories.
func sealed(ts *testscript.TestScript, _ bool, args []string) {
	secrets := []string{"5550147", "he's here", "bathroom", "I am here", "aunt", "imminent"}
	files := 0
	for _, arg := range args {
		err := filepath.WalkDir(ts.MkAbs(arg), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if err := ownersAlone(path, d); err != nil || d.IsDir() || d.Type() == fs.ModeSocket {
				return err
			}
			files++
			raw, err := os.ReadFile(path)
			for _, s := range secrets {
				if bytes.Contains(raw, []byte(s)) {
					return fmt.Errorf("%s holds %q", filepath.Base(path), s)
				}
			}
			if carriersName.Match(raw) {
				return fmt.Errorf("%s holds what the carrier calls a text", filepath.Base(path))
			}
			return err
		})
		ts.Check(err)
	}
	if files < 4 {
		ts.Fatalf("only %d files were searched", files)
	}
}

// carrier is Twilio's stand-in, in this process:
//
//	carrier up               starts it, and tells the relay's settings of it
//	carrier text FROM WORDS  somebody texts; the relay takes it
//	carrier text-lost ...    the same, while there is no relay: nobody takes it
//	carrier text-refused ... the same, and however often the carrier tries, the relay does not take it
//	carrier forged ...       the same, with another token: 403
//	carrier hostile FROM     somebody texts all that was made to do harm
//	carrier everywhere       the same, in all else that a carrier says of a text
//	carrier flood N FROM WORDS OTHER TEXT
//	                         one number sends so many texts, eight at a time; amid them OTHER sends one
//	carrier next KIND        what becomes of the next text that the relay sends
//	carrier lists KIND       what becomes of every question for the list from now on
//	carrier callbacks PLAN   what the relay is told of its texts from now on
//	carrier asked N          waits until the relay has asked N times to send; at the end of a story: no more than N
//	carrier erase KIND       what becomes of its next request to delete something
//	carrier forgot           waits until it has deleted all there were
//	carrier sent N WORDS waits until N texts were taken, the newest with the words
func carrier(ts *testscript.TestScript, _ bool, args []string) {
	verb, args := args[0], args[1:]
	if verb == "up" {
		carrierUp(ts)
		return
	}
	c := ts.Value(carrierKey{}).(*twiliotest.Server)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch verb {
	case "text", "text-lost", "text-refused", "forged":
		text(ts, ctx, c, verb, args)
	case "hostile":
		hostile(ts, ctx, c, args[0])
	case "everywhere":
		everywhere(ts, ctx, c)
	case "flood":
		flood(ts, ctx, c, args)
	case "next":
		c.Next(twiliotest.Fault{Kind: args[0]})
	case "lists":
		c.Lists(twiliotest.Fault{Kind: args[0]}, 0)
	case "callbacks":
		c.Callbacks(twiliotest.Plans[args[0]])
	case "asked":
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		ts.Check(c.Wait(ctx, func([]twiliotest.Message) bool { return c.Posts() >= n }))
		if got := c.Posts(); got != n {
			ts.Fatalf("the relay asked %d times", got)
		}
	case "sent":
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		ts.Check(c.Wait(ctx, func(sent []twiliotest.Message) bool { return len(sent) >= n }))
		if sent := c.Sent(); len(sent) != n || !strings.Contains(sent[n-1].Body, args[1]) {
			ts.Fatalf("%d texts were sent, the newest says %q", len(sent), sent[len(sent)-1].Body)
		}
	case "erase":
		c.NextErasure(twiliotest.Fault{Kind: args[0]})
	case "forgot":
		ts.Check(c.Wait(ctx, func([]twiliotest.Message) bool { return len(c.Kept()) == 0 }))
	default:
		ts.Fatalf("carrier does not know %q", verb)
	}
}

type carrierKey struct{}

// hostile texts everything that was made to do harm.
func hostile(ts *testscript.TestScript, ctx context.Context, c *twiliotest.Server, from string) {
	for _, body := range smstest.Hostile() {
		if d := c.Text(ctx, twiliotest.Text{From: from, Body: body}); d.Status != http.StatusOK {
			ts.Fatalf("the relay answered %d to a text", d.Status)
		}
	}
}

// flood has the relay take every text of one number, and one of another that does not wait for the end of them.
func flood(ts *testscript.TestScript, ctx context.Context, c *twiliotest.Server, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	texts, taken, mine := make(chan struct{}, n), make(chan twiliotest.Delivery, n), make(chan twiliotest.Delivery, 1)
	for range n {
		texts <- struct{}{}
	}
	close(texts)
	for range 8 {
		go func() {
			for range texts {
				taken <- c.Text(ctx, twiliotest.Text{From: args[1], Body: args[2]})
			}
		}()
	}
	for i := range n {
		if i == n/4 {
			go func() { mine <- c.Text(ctx, twiliotest.Text{From: args[3], Body: args[4]}) }()
		}
		if d := <-taken; d.Status != http.StatusOK {
			ts.Fatalf("the relay answered %d to a text of a flood", d.Status)
		}
		if i == n*3/4 && len(mine) == 0 {
			ts.Fatalf("somebody else's text waits for a flood")
		}
	}
	if d := <-mine; d.Status != http.StatusOK {
		ts.Fatalf("the relay answered %d to a text amid a flood", d.Status)
	}
}

func carrierUp(ts *testscript.TestScript) {
	c := ts.Value(carrierKey{}).(*twiliotest.Server)
	c.Reach(publicURL, "http://"+ts.Getenv("BEFREE_LISTEN"))
	for name, value := range map[string]string{
		"BEFREE_CARRIER": "twilio", "BEFREE_TWILIO_ACCOUNT": twiliotest.Account,
		"BEFREE_TWILIO_TOKEN": twiliotest.Token, "BEFREE_TWILIO_API": c.URL(), "BEFREE_PUBLIC_URL": publicURL,
	} {
		ts.Setenv(name, value)
	}
}

func text(ts *testscript.TestScript, ctx context.Context, c *twiliotest.Server, verb string, args []string) {
	t := twiliotest.Text{From: args[0], Body: args[1]}
	want := map[string]int{"text": http.StatusOK, "text-lost": 0, "forged": http.StatusForbidden}[verb]
	switch verb {
	case "text-lost":
		t.Missed = true
	case "forged":
		t.Token = "another"
	}
	d := c.Text(ctx, t)
	if verb == "text-refused" && d.Status != http.StatusOK {
		return
	}
	if d.Status != want {
		ts.Fatalf("the relay answered %d to a text, not %d", d.Status, want)
	}
}
