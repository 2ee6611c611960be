package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/term"
)

// A terminal is a program on a pseudo-terminal, and the screen that a person would see.
type terminal struct {
	cmd          *exec.Cmd
	ours, theirs *os.File // the two ends
	before       *term.State
	ended        chan error    // of the program
	drained      chan struct{} // closed once all is read that it wrote

	mu      sync.Mutex
	screen  *vt.Emulator
	raw     bytes.Buffer // all that the program ever wrote
	rung    int          // how often the bell had rung when it was counted last
	changed chan struct{}
}

// terminals of one story, by the name of who sits there.
type terminals map[string]*terminal

type terminalsKey struct{}

// sit NAME COLSxROWS PROGRAM ARG...: somebody sits down at a terminal on which the program runs.
func sit(ts *testscript.TestScript, _ bool, args []string) {
	var cols, rows int
	if _, err := fmt.Sscanf(args[1], "%dx%d", &cols, &rows); err != nil {
		ts.Fatalf("sit: %q is no size", args[1])
	}
	path := filepath.Join(ts.Getenv("BIN"), args[2])
	t := &terminal{ended: make(chan error, 1), drained: make(chan struct{}), screen: vt.NewEmulator(cols, rows), changed: make(chan struct{})}
	window, theirs, err := pty.Open()
	ts.Check(err)
	t.theirs = theirs
	t.ours, err = closable(window)
	ts.Check(err)
	ts.Check(pty.Setsize(t.ours, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}))
	t.before, err = term.GetState(int(t.theirs.Fd()))
	ts.Check(err)
	t.cmd = exec.CommandContext(context.Background(), path, args[3:]...)
	t.cmd.Dir = ts.MkAbs(".")
	t.cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "TERM=xterm-256color", "LANG=C.UTF-8", "TMPDIR=" + os.TempDir()}
	for _, name := range []string{"BEFREE_RELAY", "NO_COLOR", "LC_ALL", "XDG_CONFIG_HOME"} {
		if v := ts.Getenv(name); v != "" {
			t.cmd.Env = append(t.cmd.Env, name+"="+v)
		}
	}
	t.cmd.Stdin, t.cmd.Stdout, t.cmd.Stderr = t.theirs, t.theirs, t.theirs
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(t.cmd.Start())
	go t.follow()
	go func() { _, _ = io.Copy(t.ours, t.screen) }() // what the terminal answers when it is asked
	go func() { t.ended <- t.cmd.Wait() }()
	ts.Value(terminalsKey{}).(terminals)[args[0]] = t
	ts.Defer(func() {
		_ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL)
		_ = t.ours.Close()
		_ = t.theirs.Close()
	})
}

// follow shows on the screen what the program writes.
func (t *terminal) follow() {
	b := make([]byte, 64<<10)
	for {
		n, err := t.ours.Read(b)
		t.mu.Lock()
		t.raw.Write(b[:n])
		_, _ = t.screen.Write(b[:n])
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			close(t.drained)
			return
		}
	}
}

// text is the screen as lines of text.
func (t *terminal) text() (string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.screen.String(), t.changed
}

func terminalOf(ts *testscript.TestScript, name string) *terminal {
	t := ts.Value(terminalsKey{}).(terminals)[name]
	if t == nil {
		ts.Fatalf("nobody called %q sits at a terminal", name)
	}
	return t
}

// see NAME PATTERN waits until the screen shows the pattern; ! see waits until it does not.
func see(ts *testscript.TestScript, neg bool, args []string) {
	t, pattern := terminalOf(ts, args[0]), regexp.MustCompile(args[1])
	for deadline := time.After(patience); ; {
		screen, changed := t.text()
		if pattern.MatchString(screen) != neg {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			ts.Fatalf("%s waited for %q; the screen:\n%s", args[0], args[1], screen)
		}
	}
}

// keys are the names under which a story presses what has no letter.
var keys = map[string]string{
	"enter": "\r", "esc": "\x1b", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "pgup": "\x1b[5~",
	"pgdown": "\x1b[6~", "backspace": "\x7f", "ctrl+l": "\x0c", "ctrl+c": "\x03", "ctrl+j": "\n", "ctrl+s": "\x13", "ctrl+z": "\x1a",
	"f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~", "f8": "\x1b[19~", "f9": "\x1b[20~", "alt+a": "\x1ba", "alt+u": "\x1bu", "alt+enter": "\x1b\r", "alt+n": "\x1bn", "alt+h": "\x1bh", "alt+p": "\x1bp", "alt+f": "\x1bf", "space": " ",
}

// rings NAME N: the bell has rung so often since it was counted last. ! rings: it has rung at least once.
func rings(ts *testscript.TestScript, neg bool, args []string) {
	t := terminalOf(ts, args[0])
	t.mu.Lock()
	defer t.mu.Unlock()
	all := strings.Count(osc.ReplaceAllString(t.raw.String(), ""), "\a")
	since := all - t.rung
	t.rung = all
	if len(args) > 1 && strconv.Itoa(since) != args[1] || neg && since == 0 {
		ts.Fatalf("the bell rang %d times", since)
	}
}

// osc are sequences that end as a bell does, and do not ring it.
var osc = regexp.MustCompile(`\x1b\][^\a\x1b]*\a`)

// press NAME KEY...: keys by name, single characters as they are.
func press(ts *testscript.TestScript, _ bool, args []string) {
	t, pause := terminalOf(ts, args[0]), keyTime
	for _, name := range args[1:] {
		time.Sleep(pause)
		key, ok := keys[name]
		if !ok {
			key = name
		}
		ts.Check(t.send(key))
		if pause = keyTime; name == "esc" {
			pause = escTime
		}
	}
}

// keyTime is how long a quick person takes from key to key: what comes faster is taken for a paste.
const keyTime = 60 * time.Millisecond

// escTime is how long after an escape they press another key: on a busy machine the two could else be one, as alt and a key.
const escTime = 250 * time.Millisecond

// types NAME WORDS: types, and looks at the last word before doing anything else.
func types(ts *testscript.TestScript, _ bool, args []string) {
	t := terminalOf(ts, args[0])
	for _, r := range args[1] {
		ts.Check(t.send(string(r)))
	}
	words := strings.Fields(args[1])
	if screen, _ := t.text(); strings.Contains(screen, "Passphrase: ") {
		words = []string{"*"}
	}
	see(ts, false, []string{args[0], regexp.QuoteMeta(words[len(words)-1])})
}

// paste NAME FILE: pastes what stands in a file, as a terminal does that marks a paste as one.
func paste(ts *testscript.TestScript, _ bool, args []string) {
	words := strings.ReplaceAll(strings.TrimSuffix(ts.ReadFile(args[1]), "\n"), "\n", "\r")
	ts.Check(terminalOf(ts, args[0]).send("\x1b[200~" + words + "\x1b[201~"))
}

// until NAME KEY PATTERN: presses the key again and again until the screen shows the pattern.
func until(ts *testscript.TestScript, _ bool, args []string) {
	t, pattern := terminalOf(ts, args[0]), regexp.MustCompile(args[2])
	for range 400 {
		if screen, _ := t.text(); pattern.MatchString(screen) {
			return
		}
		press(ts, false, args[:2])
	}
	screen, _ := t.text()
	ts.Fatalf("%s never sees %q; the screen:\n%s", args[0], args[2], screen)
}

// together KEY NAME...: everybody presses the key at once.
func together(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args[1:] {
		ts.Check(terminalOf(ts, name).send(args[0]))
	}
}

func (t *terminal) send(s string) error {
	_, err := io.WriteString(t.ours, s)
	return err
}

// leaves NAME: the program has ended by itself; ! leaves: by a mistake or a kill. Either way its terminal is whole.
func leaves(ts *testscript.TestScript, neg bool, args []string) {
	t := terminalOf(ts, args[0])
	select {
	case err := <-t.ended:
		if (err != nil) != neg {
			screen, _ := t.text()
			ts.Fatalf("%s's program ended with %v; the screen:\n%s", args[0], err, screen)
		}
	case <-time.After(patience):
		screen, _ := t.text()
		ts.Fatalf("%s's program does not end; the screen:\n%s", args[0], screen)
	}
	after, err := term.GetState(int(t.theirs.Fd()))
	ts.Check(err)
	ts.Check(t.theirs.Close())
	<-t.drained
	if *after != *t.before {
		ts.Fatalf("the terminal was left in another mode")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.screen.IsAltScreen() {
		ts.Fatalf("the terminal was left on the alternate screen")
	}
	raw := t.raw.String()
	for _, mode := range []string{"?7", "?25", "?2004", "?2026"} { // the first two are on by themselves, the others are not
		on, off := strings.LastIndex(raw, "\x1b["+mode+"h"), strings.LastIndex(raw, "\x1b["+mode+"l")
		if (on < off) == (mode == "?7" || mode == "?25") && on != off {
			ts.Fatalf("the terminal was left with its mode %s changed", mode)
		}
	}
}

// closable is a file whose Close ends a read that is under way, as the end of a window does.
func closable(f *os.File) (*os.File, error) {
	defer f.Close()
	syscall.ForkLock.RLock() // no program inherits it
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Dup(int(f.Fd()))
	syscall.CloseOnExec(fd)
	if err == nil {
		err = syscall.SetNonblock(fd, true) // which NewFile looks at
	}
	return os.NewFile(uintptr(fd), f.Name()), err
}

// gone NAME: nothing of the program is left, though its window or its warden was taken from it.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	t := terminalOf(ts, args[0])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); syscall.Kill(-t.cmd.Process.Pid, 0) == nil; { // its group
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("something of %s's program is left", args[0])
		}
	}
}

// pause DURATION: time in which nobody does anything, for what time alone brings about.
func pause(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(d)
}

// one PATTERN NAME...: waits until exactly one of the screens shows it.
func one(ts *testscript.TestScript, _ bool, args []string) {
	pattern, tick := regexp.MustCompile(args[0]), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); ; {
		found := 0
		for _, name := range args[1:] {
			if screen, _ := terminalOf(ts, name).text(); pattern.MatchString(screen) {
				found++
			}
		}
		if found == 1 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%q stands on %d screens", args[0], found)
		}
	}
}

// signals NAME PROFILE SIGNAL: the console itself gets a signal, or with PROFILE - its warden.
func signals(ts *testscript.TestScript, _ bool, args []string) {
	pid := terminalOf(ts, args[0]).cmd.Process.Pid
	if args[1] != "-" {
		var err error
		pid, err = strconv.Atoi(ts.ReadFile(args[1] + "/cache.db.pid"))
		ts.Check(err)
	}
	ts.Check(syscall.Kill(pid, map[string]syscall.Signal{
		"HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL, "QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM,
	}[args[2]]))
}

// hangup NAME: the window is closed: nobody reads what the program writes, and nothing more can be typed.
func hangup(ts *testscript.TestScript, _ bool, args []string) {
	t := terminalOf(ts, args[0])
	ts.Check(t.theirs.Close())
	ts.Check(t.ours.Close())
	select {
	case <-t.ended:
	case <-time.After(patience):
		ts.Fatalf("the program outlives its window")
	}
}

// resize NAME COLSxROWS.
func resize(ts *testscript.TestScript, _ bool, args []string) {
	t := terminalOf(ts, args[0])
	var cols, rows int
	if _, err := fmt.Sscanf(args[1], "%dx%d", &cols, &rows); err != nil {
		ts.Fatalf("resize: %q is no size", args[1])
	}
	t.mu.Lock()
	t.screen.Resize(cols, rows)
	t.mu.Unlock()
	ts.Check(pty.Setsize(t.ours, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}))
}

// ours are the control sequences that a console writes: movements, colours, the modes that it sets, and the window's
// title, which says how many wait, and a notice, which says that somebody does.
var ours = regexp.MustCompile(`^\x1b(\[([0-9;]*[ABCDGHJKm]|\?(7|25|1049|2004|2026|1002|1003|1006)[hl]|2[23];2t)|\]2;befree: \d+ (waiting|en espera)(, \w+)?\a|\](9;|777;notify;befree;)befree: (somebody waits|URGENT)\a|\]99;;befree: (somebody waits|URGENT)\x1b\\)$`)

// clean NAME: of all that the program ever wrote to the terminal, every control is one of befree's own.
func clean(ts *testscript.TestScript, _ bool, args []string) {
	t := terminalOf(ts, args[0])
	t.mu.Lock()
	defer t.mu.Unlock()
	raw, state := t.raw.Bytes(), byte(0)
	p := ansi.NewParser()
	for len(raw) > 0 {
		seq, _, n, next := ansi.DecodeSequence(raw, state, p)
		state, raw = next, raw[n:]
		switch first := seq[0]; {
		case first == '\r' || first == '\n' || first >= ' ' && first != 0x7f && first < 0x80:
		case first >= 0xc2 && utf8.Valid(seq) && !bytes.ContainsFunc(seq, unicode.IsControl):
		case !ours.Match(seq) && !copied.Match(seq):
			ts.Fatalf("%s's terminal got %q", args[0], seq)
		}
	}
}
