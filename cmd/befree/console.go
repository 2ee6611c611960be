package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/tui"
	"befree.example/tui/speech"
)

type consoleCmd struct {
	profile
	display
	Relay string `help:"Address of the relay, ending in /line; default where you enrolled." placeholder:"URL"`
}

// Run sits its person down at the line.
func (c *consoleCmd) Run(ctx context.Context, std *config.Std, in *speech.Speech) error {
	c.speech, c.in = in, in
	return c.sit(ctx, std, func(ctx context.Context, show seat) error {
		s := sitting{
			profile: &c.profile, display: c.display, std: std, show: show, conf: client.Config{URL: c.Relay},
			enter: func() (*client.Client, error) { return c.client(std, c.Relay) },
		}
		return s.run(ctx)
	})
}

type reviewCmd struct {
	profile
	display
	Aside bool `help:"Read what was set aside when the relay's log became another one; write nothing."`
}

// Run opens what is on this machine, without any network.
func (c *reviewCmd) Run(ctx context.Context, std *config.Std, in *speech.Speech) error {
	c.speech, c.in = in, in
	return c.sit(ctx, std, func(ctx context.Context, show seat) error {
		s := sitting{
			profile: &c.profile, display: c.display, std: std, show: show, conf: client.Config{Aside: c.Aside}, review: true,
			enter: func() (*client.Client, error) { return c.end(std, client.Config{Aside: c.Aside}) },
		}
		return s.run(ctx)
	})
}

// atLine shows the console while its client follows the line.
func atLine(ctx context.Context, cl *client.Client, o tui.Options, show seat) (locked *tui.Carried, err error) {
	err = beside(ctx, cl.Run, func(ctx context.Context) error {
		err := known(ctx, cl)
		if err == nil {
			locked, err = show(ctx, o)
		}
		return err
	})
	return locked, err
}

// beside shows something while run goes on: the end of either is that of the other.
func beside(ctx context.Context, run, show func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx)
		cancel() // refused for good
	}()
	err := show(ctx)
	cancel()
	return errors.Join(err, <-ended)
}

// knownWithin is how long a console that has expired waits for the relay before it gives up.
const knownWithin = 20 * time.Second

// known waits until what a console keeps may be shown, which takes the relay where it was long away.
func known(ctx context.Context, cl *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, knownWithin)
	defer cancel()
	for {
		changed := cl.Changed()
		err := cl.Expired()
		if err == nil || !errors.Is(err, client.ErrExpired) {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return err
		}
	}
}

// A seat shows a console until its person leaves, it is locked for good, or the context ends. locked is what the next one
// is to have.
type seat func(ctx context.Context, o tui.Options) (locked *tui.Carried, err error)

// sit lets f show consoles, one after another: as a screen on a terminal, or as lines.
func (d display) sit(ctx context.Context, std *config.Std, f func(context.Context, seat) error) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the window was closed
	defer stop()
	if d.Linear {
		lines := sync.OnceValue(func() <-chan string { return linesOf(std.In) })
		return f(ctx, func(ctx context.Context, o tui.Options) (*tui.Carried, error) {
			return aloud(ctx, o, d.Notice, lines(), std)
		})
	}
	before := os.Getenv(lockedBy) != ""
	return onTerminal(ctx, std, func(ctx context.Context, in, out *os.File) error {
		w := &window{in: in, out: out, notice: d.Notice, ours: before}
		return errors.Join(f(ctx, w.show), w.close())
	})
}

// A window is a terminal on which consoles are drawn.
type window struct {
	in, out *os.File
	notice  string // the name of how a console calls for its person
	ours    bool   // this process had it before it was begun anew
	before  *term.State
	screen  *screen
}

// open takes the terminal over, if that is not done.
func (w *window) open() (err error) {
	if w.screen != nil {
		return nil
	}
	if w.before, err = term.MakeRaw(int(w.in.Fd())); err == nil {
		w.screen = newScreen(w.out, w.ours)
	}
	return err
}

// close gives the terminal back.
func (w *window) close() error {
	if w.screen == nil {
		return nil
	}
	w.screen.Close()
	w.screen = nil
	return term.Restore(int(w.in.Fd()), w.before)
}

// show draws a console. The terminal stays taken over where another one follows.
func (w *window) show(ctx context.Context, o tui.Options) (locked *tui.Carried, err error) {
	if err := w.open(); err != nil {
		return nil, err
	}
	s := w.screen
	o.Show, o.Call = s.Show, calling(s.write, w.notice, speech.For(o.Language))
	o.Copy, o.Mouse, o.Title = s.Copy, s.Mouse, s.Title
	m := tui.New(keepingPlaces(o))
	locked, err = run(ctx, m, m, func(p *tea.Program, gone <-chan struct{}) { s.Watch(p, gone) }, tea.WithInput(w.in), tea.WithFilter(tui.Filter))
	switch {
	case locked != nil:
		s.Rest()
	case o.Locked == nil:
		err = errors.Join(err, w.close())
	}
	return locked, err
}

// aloud has a console say lines on standard output, and hear lines until there are no more.
func aloud(ctx context.Context, o tui.Options, notice string, lines <-chan string, std *config.Std) (locked *tui.Carried, err error) {
	o.Call = calling(func(s string) { _, _ = io.WriteString(std.Out, s) }, notice, speech.For(o.Language))
	l := tui.NewLinear(keepingPlaces(o), std.Out)
	if o.Locked != nil {
		defer hush(std.In)()
	}
	return run(ctx, l, l.Model, func(p *tea.Program, gone <-chan struct{}) {
		for {
			select {
			case line, ok := <-lines:
				if !ok {
					p.Send(tui.Leave{})
					return
				}
				p.Send(tui.Typed(line))
			case <-gone:
				return
			}
		}
	}, tea.WithInput(nil))
}

// linesOf gives the lines of standard input, which may be of any length.
func linesOf(r io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewReader(r); ; {
			line, err := in.ReadString('\n')
			if err == nil || line != "" {
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}

// keepingPlaces has the places of a mistake of ours kept; the console itself says that it stopped.
func keepingPlaces(o tui.Options) tui.Options {
	o.Report = func(stack []byte) { _, _ = keepPlaces(stack) }
	return o
}

// lastWish is how long a console has to keep what was being written once it is told to leave.
const lastWish = 2 * time.Second

// run runs a console, with what tells it of the world until gone is closed.
func run(ctx context.Context, whole tea.Model, m *tui.Model, tell func(p *tea.Program, gone <-chan struct{}), o ...tea.ProgramOption) (locked *tui.Carried, err error) {
	p := tea.NewProgram(whole, append(o, tea.WithoutRenderer(), tea.WithoutCatchPanics(), tea.WithoutSignalHandler())...)
	gone := make(chan struct{})
	defer close(gone)
	go tell(p, gone)
	defer context.AfterFunc(ctx, func() {
		p.Send(tui.Leave{})
		time.AfterFunc(lastWish, p.Kill)
	})()
	_, err = p.Run()
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		err = nil
	}
	return m.Carry(), errors.Join(err, m.Keep(), m.Err())
}
