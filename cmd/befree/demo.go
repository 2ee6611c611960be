package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/gateway/simulate"
	"befree.example/cmd/internal/relay"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/sms"
	"befree.example/store/triage"
	"befree.example/tui/speech"
)

type demoCmd struct {
	display
	Script bool   `help:"Play one conversation to standard output, as is done where there is no terminal."`
	Seed   uint64 `help:"Of the scripted texters." default:"1"`
}

//go:embed demo.txt
var demoScript string

const (
	demoName      = "ada"
	demoColleague = "ben"            // to whom a conversation can be handed over
	demoQuick     = 20               // how much faster than people a demo in a pipe is
	demoGap       = 30 * time.Second // that anybody at a console waits for a texter who is asleep
)

// Run lets somebody work a real console: over a real websocket, with the relay's log and the console's cache in a
// temporary folder. Where nobody looks on, a script does.
func (c *demoCmd) Run(ctx context.Context, std *config.Std, in *speech.Speech) error {
	c.in = in
	err := errNoTerminal
	if !c.Script {
		err = c.sit(ctx, std, func(ctx context.Context, show seat) error {
			return c.stage(ctx, 1, func(ctx context.Context, cl *client.Client, dir string) error {
				o, err := c.options(cl, folder(filepath.Join(dir, "files")))
				if err != nil {
					return err
				}
				o.Idle, o.Unlock, o.Tour = 0, nil, true // nobody knows its passphrase
				_, err = atLine(ctx, cl, o, show)
				return err
			})
		})
	}
	if !errors.Is(err, errNoTerminal) {
		return err
	}
	if errors.Is(err, errDumb) {
		fmt.Fprintln(std.Out, in.T("TERM is dumb: such a terminal shows no screen, so a script is played. befree demo --linear sits you down at lines."))
	}
	fmt.Fprint(std.Out, in.T("befree demo: scripted texters write to 233733; {{.Name}} answers. Nothing here is real, nothing leaves this machine.", "Name", demoName), "\n\n")
	return c.stage(ctx, demoQuick, func(ctx context.Context, cl *client.Client, _ string) error {
		p := &player{client: cl, name: demoName, out: std.Out, pace: demoQuick, in: in}
		return p.play(ctx, strings.Split(demoScript, "\n"))
	})
}

// stage runs play at a line with a relay and scripted texters of its own, all of which is gone afterwards, with what play
// puts into their folder.
func (c *demoCmd) stage(ctx context.Context, pace float64, play func(context.Context, *client.Client, string) error) (err error) {
	dir, err := os.MkdirTemp("", "befree-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	address, code, ended, err := c.serve(ctx, dir, pace)
	if err != nil {
		return err
	}
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()
	cache, err := bolt.OpenCache(filepath.Join(dir, "cache.db"), bolt.CacheOptions{
		Owner: demoName, Passphrase: []byte(rand.Text()), Params: seal.Recommended, ClassOf: desk.ClassOf, WordsOf: desk.Words, Forgets: desk.Forgets,
	})
	if err != nil {
		return err
	}
	defer cache.Close()
	conf := client.Config{URL: address, Cache: cache}
	if _, err := client.Enrol(ctx, conf, code); err != nil {
		return err
	}
	cl, err := client.New(conf)
	if err != nil {
		return err
	}
	return play(ctx, cl, dir)
}

// serve starts a relay with scripted texters, at which a device can be enrolled by the code.
func (c *demoCmd) serve(ctx context.Context, dir string, pace float64) (address string, code wire.Code, _ <-chan error, err error) {
	folder := filepath.Join(dir, "relay")
	data, err := relay.OpenData(ctx, folder, relay.KeyFile(folder))
	if err != nil {
		return "", code, nil, err
	}
	staff := relay.StaffIn(folder)
	code, err = staff.Add(demoName, desk.Specialist)
	if err == nil {
		_, err = staff.Add(demoColleague, desk.Specialist)
	}
	if err != nil {
		return "", code, nil, errors.Join(err, data.Close())
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", code, nil, errors.Join(err, data.Close())
	}
	const number = sms.Number("233733")
	texters := simulate.New(simulate.Config{Ours: number, Seed: c.Seed, Pace: pace, LongestGap: demoGap})
	ended := make(chan error, 1)
	go func() {
		err := relay.Serve(ctx, relay.Config{
			Listener: listener, Log: data, Number: number, Gateway: texters, Inbound: texters.Run,
			Enrolment: staff, Rules: triage.Default(), Logger: slog.New(slog.DiscardHandler),
		})
		ended <- errors.Join(err, data.Close())
	}()
	return "ws://" + listener.Addr().String() + "/line", code, ended, nil
}
