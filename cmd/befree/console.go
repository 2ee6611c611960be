package main

import (
	"context"
	"errors"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/tui"
)

type consoleCmd struct {
	profile
	display
	Relay string `help:"Address of the relay, ending in /line." placeholder:"URL" default:"ws://127.0.0.1:8233/line"`
}

// Run sits its person down at the line.
func (c *consoleCmd) Run(ctx context.Context, std *config.Std) error {
	return onTerminal(ctx, std, func(ctx context.Context, in, out *os.File) error {
		cl, err := c.client(std, c.Relay)
		if err != nil {
			return err
		}
		defer cl.Cache.Close()
		o, err := c.options(cl)
		if err != nil {
			return err
		}
		return atLine(ctx, cl, o, notices[c.Notice], in, out)
	})
}

type reviewCmd struct {
	profile
	display
}

// Run opens what is on this machine, without any network.
func (c *reviewCmd) Run(ctx context.Context, std *config.Std) error {
	return onTerminal(ctx, std, func(ctx context.Context, in, out *os.File) error {
		cl, err := c.end(std, client.Config{Identity: client.Identity{Name: c.Name}})
		if err != nil {
			return err
		}
		defer cl.Cache.Close()
		o, err := c.options(cl)
		if err != nil {
			return err
		}
		o.Review = true
		return show(ctx, o, "", in, out)
	})
}

// atLine shows the console while its client follows the line.
func atLine(ctx context.Context, cl *client.Client, o tui.Options, notice string, in, out *os.File) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- cl.Run(ctx)
		cancel() // refused for good
	}()
	err := show(ctx, o, notice, in, out)
	cancel()
	return errors.Join(err, <-ended)
}

// lastWish is how long a console has to keep what was being written once it is told to leave.
const lastWish = 2 * time.Second

// show draws a console on a terminal until its person leaves or the context ends. notice is how it calls for them; empty
// for not at all.
func show(ctx context.Context, o tui.Options, notice string, in, out *os.File) (err error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, term.Restore(int(in.Fd()), before)) }()
	s := newScreen(out)
	defer s.Close()
	o.Show = s.Show
	if notice != "" {
		o.Call = func(urgent bool) { s.Call(notice, urgent) }
	}
	o.Report = func(stack []byte) { _, _ = keepPlaces(stack) } // the console says that it stopped
	m := tui.New(o)
	p := tea.NewProgram(m, tea.WithInput(in), tea.WithoutRenderer(), tea.WithFilter(tui.Filter),
		tea.WithoutCatchPanics(), tea.WithoutSignalHandler())
	gone := make(chan struct{})
	defer close(gone)
	go s.Watch(p, gone)
	defer context.AfterFunc(ctx, func() {
		p.Send(tui.Leave{})
		time.AfterFunc(lastWish, p.Kill)
	})()
	_, err = p.Run()
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		err = nil
	}
	return errors.Join(err, m.Keep(), m.Err())
}
