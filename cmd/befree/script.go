package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/tui/speech"
	"befree.example/tui/text"
)

type scriptCmd struct {
	profile
	Relay string  `help:"Address of the relay, ending in /line; default where you enrolled." placeholder:"URL"`
	Pace  float64 `help:"How much faster than a person to read and type; 0 for at once."`
	File  string  `arg:"" optional:"" help:"The script; default standard input."`
}

// Run plays the script and ends at its end, or at the first line that does not come true.
func (c *scriptCmd) Run(ctx context.Context, std *config.Std, in *speech.Speech) error {
	c.speech = in
	lines, err := c.script(std.In)
	if err != nil {
		return err
	}
	cl, err := c.client(std, c.Relay)
	if err != nil {
		return err
	}
	defer cl.Cache.Close()
	p := &player{client: cl, name: c.Name, out: std.Out, pace: c.Pace, in: in, passphrase: func() ([]byte, error) { return c.passphrase(std, false) }}
	return p.play(ctx, lines)
}

func (c *scriptCmd) script(in io.Reader) ([]string, error) {
	if c.File == "" {
		return readLines(in)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLines(f)
}

func readLines(r io.Reader) ([]string, error) {
	var lines []string
	s := bufio.NewScanner(r)
	for s.Scan() {
		lines = append(lines, s.Text())
	}
	return lines, s.Err()
}

// waitMost is how long a line of a script waits for what it says.
const waitMost = 30 * time.Second

// A player is a specialist who follows a script.
type player struct {
	client *client.Client
	name   string
	out    io.Writer
	pace   float64
	in     *speech.Speech

	passphrase func() ([]byte, error) // for what its owner must be there for

	conversation string
	read         uint64 // Seq of the newest message that was printed
	reply        string // words of the newest reply
	stop         func() error
}

// play follows the script line by line.
func (p *player) play(ctx context.Context, lines []string) (err error) {
	p.online(ctx)
	defer func() { err = errors.Join(err, p.stop()) }()
	for n, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		do := verbs[verb]
		if do == nil {
			return fmt.Errorf("line %d: there is no %q; there are %s", n+1, verb, verbNames())
		}
		limited, cancel := context.WithTimeout(ctx, waitMost)
		err := do(p, limited, strings.TrimSpace(rest))
		cancel()
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", n+1, verb, err)
		}
	}
	return nil
}

// online follows the line until stop is called.
func (p *player) online(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.client.Run(ctx) }()
	p.stop = func() error {
		cancel()
		err := <-ended
		ended <- nil // stop may be called again
		return err
	}
}

// until waits for something to come true. late says that it did not.
func (p *player) until(ctx context.Context, late string, is func() (bool, error)) error {
	for {
		changed := p.client.Changed()
		if ok, err := is(); ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return errors.New(late + " " + p.standing())
			}
			return ctx.Err()
		}
	}
}

func (p *player) standing() string {
	s := p.client.Status()
	switch {
	case !s.Connected && s.Trouble != "":
		return p.in.Word(s.Trouble)
	case !s.Connected:
		return p.in.T("There is no connection to the relay.")
	case !s.InStep():
		return p.in.N(int(s.Behind()), "The relay has {{.N}} more events.")
	}
	return p.in.T("The console is in step with the relay.")
}

// think takes the time that a person needs to read or type so many characters, at the player's pace.
func (p *player) think(ctx context.Context, characters int) {
	if p.pace <= 0 {
		return
	}
	const perSecond = 12
	t := time.NewTimer(time.Duration(float64(time.Second) * (0.5 + float64(characters)/perSecond) / p.pace))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// tell prints a line. Whatever is in it, from outside or from the script, is harmless to a terminal.
func (p *player) tell(who, words string) {
	fmt.Fprintf(p.out, "%s  %-10s %s\n", time.Now().Format("15:04:05"), who, text.Line(words))
}
