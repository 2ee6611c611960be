package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/tui"
	"befree.example/tui/replies"
	"befree.example/tui/theme"
)

type consoleCmd struct {
	profile
	display
	Relay string `help:"Address of the relay, ending in /line." placeholder:"URL" default:"ws://127.0.0.1:8233/line"`
}

// Run sits its person down at the line.
func (c *consoleCmd) Run(ctx context.Context, std *config.Std) error {
	return onTerminal(ctx, std, func(ctx context.Context, in, out *os.File) error {
		who, err := c.identity()
		if err != nil {
			return err
		}
		cache, err := c.open(std)
		if err != nil {
			return err
		}
		defer cache.Close()
		cl, err := client.New(client.Config{URL: c.Relay, Identity: who, Cache: cache})
		if err != nil {
			return err
		}
		return c.atLine(ctx, cl, in, out)
	})
}

type reviewCmd struct {
	profile
	display
}

// Run opens what is on this machine, without any network.
func (c *reviewCmd) Run(ctx context.Context, std *config.Std) error {
	return onTerminal(ctx, std, func(ctx context.Context, in, out *os.File) error {
		cache, err := c.open(std)
		if err != nil {
			return err
		}
		defer cache.Close()
		cl, err := client.New(client.Config{Identity: client.Identity{Name: c.Name}, Cache: cache})
		if err != nil {
			return err
		}
		o, err := c.options(cl)
		if err != nil {
			return err
		}
		o.Review = true
		return show(ctx, o, in, out)
	})
}

// A display is how the console looks.
type display struct {
	Theme   string `help:"Colours for a dark or a light ground, or none. NO_COLOR means none." enum:"dark,light,none" default:"dark"`
	Replies string `help:"File of quick replies; default: those that befree comes with." placeholder:"FILE"`
	ASCII   bool   `help:"Draw with ASCII characters alone, as is done where the locale is not UTF-8."`
}

func (d display) options(cl *client.Client) (o tui.Options, err error) {
	themes := map[string]func() theme.Theme{"dark": theme.Dark, "light": theme.Light, "none": theme.Plain}
	if os.Getenv("NO_COLOR") != "" {
		d.Theme = "none"
	}
	o = tui.Options{Line: tui.Follow(cl), Name: cl.Identity.Name, Theme: themes[d.Theme](), ASCII: d.ASCII || !utf8Locale()}
	if d.Replies == "" {
		return o, nil
	}
	f, err := os.Open(d.Replies)
	if err != nil {
		return o, fmt.Errorf("--replies: %w", err)
	}
	defer f.Close()
	o.Replies, err = replies.Read(f)
	return o, err
}

// utf8Locale tells whether the terminal is said to show more than ASCII; where nothing is said, it is taken to.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(os.Getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}

// atLine shows the console while its client follows the line.
func (d display) atLine(ctx context.Context, cl *client.Client, in, out *os.File) error {
	o, err := d.options(cl)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- cl.Run(ctx)
		cancel() // refused for good
	}()
	err = show(ctx, o, in, out)
	cancel()
	return errors.Join(err, <-ended)
}

// lastWish is how long a console has to keep what was being written once it is told to leave.
const lastWish = 2 * time.Second

// show draws a console on a terminal until its person leaves or the context ends.
func show(ctx context.Context, o tui.Options, in, out *os.File) error {
	m := tui.New(o)
	p := tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(&screen{File: out}), tea.WithAltScreen(),
		tea.WithFilter(tui.Filter), tea.WithoutCatchPanics(), tea.WithoutSignalHandler())
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

// A screen is a terminal to which everything is written by one hand at a time, and shown at once.
type screen struct {
	*os.File
	mu sync.Mutex
}

// Write implements io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]byte, 0, len(b)+16)
	all = append(append(append(all, ansi.SetModeSynchronizedOutput...), b...), ansi.ResetModeSynchronizedOutput...)
	if n, err := s.File.Write(all); err != nil {
		return max(0, min(n-len(ansi.SetModeSynchronizedOutput), len(b))), err
	}
	return len(b), nil
}
