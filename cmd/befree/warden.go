package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/adrg/xdg"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/process"
)

// errNoTerminal is said where there is nobody to look at a console.
var errNoTerminal = errors.New("the console needs a terminal; befree script works without one")

// errDumb is said on a terminal that shows no screen.
var errDumb = fmt.Errorf("TERM is dumb: such a terminal shows no screen, --linear works on it (%w)", errNoTerminal)

// wardedBy is set for a process that a warden started. It has, besides the usual three, two open files: one to a
// person who must be asked something, and one that ends when the warden does. What the runtime says of a crash, which
// may hold somebody's words, goes to the warden.
const (
	wardedBy = process.Warded
	askFile  = 3
	lifeFile = 4
)

// leaveMost is how long a console may take to leave before it is killed.
const leaveMost = 5 * time.Second

// onTerminal runs sit in a process of its own, watched by this one: however it ends, by a panic or by SIGKILL, the
// terminal is made whole and nothing that was on the screen is printed. sit's context ends when its person's window is
// closed, when the program is told to stop, or when its warden dies.
func onTerminal(ctx context.Context, std *config.Std, sit func(ctx context.Context, in, out *os.File) error) error {
	in, out := terminal(std.In), terminal(std.Out)
	switch {
	case in == nil || out == nil:
		return errNoTerminal
	case os.Getenv("TERM") == "dumb":
		return errDumb
	}
	switch {
	case os.Getenv(wardedBy) != "":
		os.Unsetenv(wardedBy)
		std.Err = os.NewFile(askFile, "terminal")
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			_, _ = io.Copy(io.Discard, os.NewFile(lifeFile, "warden"))
			cancel()
		}()
		return sit(ctx, in, out)
	case runtime.GOOS == "windows": // no files can be handed on there
		return sit(ctx, in, out)
	}
	return watch(ctx, in, out)
}

// terminal returns f if somebody sits at its other end, else nil.
func terminal(f any) *os.File {
	file, ok := f.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return file
}

// watch runs this program once more and tidies up after it.
func watch(ctx context.Context, in, out *os.File) error {
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return err
	}
	life, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hold.Close()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	said := &bytes.Buffer{}
	child := exec.Command(program, os.Args[1:]...) //nolint:noctx // told to leave before it is killed
	child.Env = append(os.Environ(), wardedBy+"=1")
	child.Stdin, child.Stdout, child.Stderr = in, out, said
	child.ExtraFiles = []*os.File{os.Stderr, life}
	if err := child.Start(); err != nil {
		return err
	}
	life.Close()
	defer context.AfterFunc(ctx, func() {
		hold.Close()
		time.AfterFunc(leaveMost, func() { _ = child.Process.Kill() })
	})()
	err = child.Wait()
	_ = term.Restore(int(in.Fd()), before) // one that was locked does not know how it was; there is nothing better to do where this fails
	if code := child.ProcessState.ExitCode(); code == 0 || code == 1 {
		if code == 1 {
			_, _ = io.WriteString(out, "\r") // what it said last may have ended in the middle of a row
			err = config.ErrSaid
		}
		return err
	}
	_, _ = io.WriteString(out, through(ansi.ResetSystemClipboard)+whole) // nobody else knows whether words are in it
	return broken(said.Bytes())
}

// errKilled is said of a console that ended otherwise than its person wanted.
var errKilled = errors.New("befree was killed or stopped because of a mistake of its own; drafts, notes and plans are kept, start it again")

// broken keeps where a console stopped, for whoever mends it, and says that in one sentence.
func broken(said []byte) error {
	name, err := keepPlaces(said)
	if err != nil {
		return errKilled
	}
	return fmt.Errorf("%w (where it stopped, and nobody's words, is in %s)", errKilled, name)
}

// errNowhere says that a runtime named no place.
var errNowhere = errors.New("no stack")

// keepPlaces writes the stacks in what a runtime said to a new file that this user alone can read.
func keepPlaces(said []byte) (name string, err error) {
	where := process.Places(said)
	if len(where) == 0 {
		return "", errNowhere
	}
	folder := filepath.Join(xdg.StateHome, "befree")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(folder, "stopped-*.txt") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(where)
	return f.Name(), errors.Join(err, f.Close())
}
