package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
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
func (c *consoleCmd) Run(ctx context.Context, std *config.Std) error {
	c.profile.speech = c.display.speech()
	return c.sit(ctx, std, func(ctx context.Context, show seat) error {
		cl, err := c.client(std, c.Relay)
		if err != nil {
			return err
		}
		defer cl.Cache.Close()
		o, err := c.options(cl, c.files())
		if err != nil {
			return err
		}
		return atLine(ctx, cl, o, show)
	})
}

type reviewCmd struct {
	profile
	display
	Aside bool `help:"Read what was set aside when the relay's log became another one; write nothing."`
}

// Run opens what is on this machine, without any network.
func (c *reviewCmd) Run(ctx context.Context, std *config.Std) error {
	c.profile.speech = c.display.speech()
	return c.sit(ctx, std, func(ctx context.Context, show seat) error {
		cl, err := c.end(std, client.Config{Aside: c.Aside})
		if err != nil {
			return err
		}
		defer cl.Cache.Close()
		if err := cl.Expired(); err != nil {
			return err
		}
		o, err := c.options(cl, c.files())
		if err != nil {
			return err
		}
		o.Review, o.Aside = true, c.Aside
		return show(ctx, o)
	})
}

// atLine shows the console while its client follows the line.
func atLine(ctx context.Context, cl *client.Client, o tui.Options, show seat) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- cl.Run(ctx)
		cancel() // refused for good
	}()
	err := known(ctx, cl)
	if err == nil {
		err = show(ctx, o)
	}
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

// A seat shows a console until its person leaves or the context ends.
type seat func(ctx context.Context, o tui.Options) error

// sit lets f show a console: as a screen on a terminal, or as lines.
func (d display) sit(ctx context.Context, std *config.Std, f func(context.Context, seat) error) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the window was closed
	defer stop()
	if d.Linear {
		return f(ctx, func(ctx context.Context, o tui.Options) error { return aloud(ctx, o, d.Notice, std) })
	}
	return onTerminal(ctx, std, func(ctx context.Context, in, out *os.File) error {
		return f(ctx, func(ctx context.Context, o tui.Options) error { return show(ctx, o, d.Notice, in, out) })
	})
}

// show draws a console on a terminal. notice is the name of how it calls for its person.
func show(ctx context.Context, o tui.Options, notice string, in, out *os.File) (err error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, term.Restore(int(in.Fd()), before)) }()
	s := newScreen(out)
	defer s.Close()
	o.Show, o.Call = s.Show, calling(s.write, notice, speech.For(o.Language))
	o.Copy, o.Mouse, o.Title = s.Copy, s.Mouse, s.Title
	m := tui.New(keepingPlaces(o))
	return run(ctx, m, m, func(p *tea.Program, gone <-chan struct{}) { s.Watch(p, gone) }, tea.WithInput(in), tea.WithFilter(tui.Filter))
}

// aloud has a console say lines on standard output, and hear them on standard input.
func aloud(ctx context.Context, o tui.Options, notice string, std *config.Std) error {
	o.Call = calling(func(s string) { _, _ = io.WriteString(std.Out, s) }, notice, speech.For(o.Language))
	l := tui.NewLinear(keepingPlaces(o), std.Out)
	return run(ctx, l, l.Model, func(p *tea.Program, _ <-chan struct{}) {
		in := bufio.NewReader(std.In) // a line may be of any length
		for {
			line, err := in.ReadString('\n')
			if err == nil || line != "" {
				p.Send(tui.Typed(line))
			}
			if err != nil {
				p.Send(tui.Leave{})
				return
			}
		}
	}, tea.WithInput(nil))
}

// keepingPlaces has the places of a mistake of ours kept; the console itself says that it stopped.
func keepingPlaces(o tui.Options) tui.Options {
	o.Report = func(stack []byte) { _, _ = keepPlaces(stack) }
	return o
}

// lastWish is how long a console has to keep what was being written once it is told to leave.
const lastWish = 2 * time.Second

// run runs a console, with what tells it of the world until gone is closed.
func run(ctx context.Context, whole tea.Model, m *tui.Model, tell func(p *tea.Program, gone <-chan struct{}), o ...tea.ProgramOption) error {
	p := tea.NewProgram(whole, append(o, tea.WithoutRenderer(), tea.WithoutCatchPanics(), tea.WithoutSignalHandler())...)
	gone := make(chan struct{})
	defer close(gone)
	go tell(p, gone)
	defer context.AfterFunc(ctx, func() {
		p.Send(tui.Leave{})
		time.AfterFunc(lastWish, p.Kill)
	})()
	_, err := p.Run()
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		err = nil
	}
	return errors.Join(err, m.Keep(), m.Err())
}
