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

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/gateway/simulate"
	"befree.example/cmd/internal/relay"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

type demoCmd struct {
	Script bool   `help:"Quickly, for a pipe, instead of at a person's pace."`
	Seed   uint64 `help:"Of the scripted texters." default:"1"`
}

//go:embed demo.txt
var demoScript string

// demoQuick is how much faster than people a demo in a pipe is.
const demoQuick = 20

// Run plays one conversation over a real websocket, with the relay's log and the console's cache in a temporary folder.
func (c *demoCmd) Run(ctx context.Context, std *config.Std) (err error) {
	dir, err := os.MkdirTemp("", "befree-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pace := 1.0
	if c.Script {
		pace = demoQuick
	}
	who, err := client.NewIdentity("ada")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	address, ended, err := c.serve(ctx, dir, who, pace)
	if err != nil {
		cancel()
		return err
	}
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()
	return c.play(ctx, std, dir, who, address, pace)
}

// serve starts a relay with scripted texters, at which who can sign in.
func (c *demoCmd) serve(ctx context.Context, dir string, who client.Identity, pace float64) (string, <-chan error, error) {
	folder := filepath.Join(dir, "relay")
	data, err := relay.OpenData(ctx, folder, relay.KeyFile(folder))
	if err != nil {
		return "", nil, err
	}
	staff := relay.StaffIn(folder)
	err = staff.Add(relay.Member{Name: who.Name, Role: desk.Specialist, Key: who.Public()})
	if err != nil {
		return "", nil, errors.Join(err, data.Close())
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, errors.Join(err, data.Close())
	}
	const number = sms.Number("233733")
	texters := simulate.New(simulate.Config{Ours: number, Seed: c.Seed, Pace: pace})
	ended := make(chan error, 1)
	go func() {
		err := relay.Serve(ctx, relay.Config{
			Listener: listener, Log: data, Number: number, Gateway: texters, Inbound: texters.Run,
			Enrolment: staff, Rules: triage.Default(), Logger: slog.New(slog.DiscardHandler),
		})
		ended <- errors.Join(err, data.Close())
	}()
	return "ws://" + listener.Addr().String() + "/line", ended, nil
}

func (c *demoCmd) play(ctx context.Context, std *config.Std, dir string, who client.Identity, address string, pace float64) error {
	cache, err := bolt.OpenCache(filepath.Join(dir, "cache.db"), bolt.CacheOptions{
		Owner:      who.Name,
		Passphrase: []byte(rand.Text()), Params: seal.Recommended, ClassOf: desk.ClassOf,
	})
	if err != nil {
		return err
	}
	defer cache.Close()
	cl, err := client.New(client.Config{URL: address, Identity: who, Cache: cache})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "befree demo: scripted texters write to 233733; %s answers. Nothing here is real, nothing leaves this machine.\n\n", who.Name)
	p := &player{client: cl, name: who.Name, out: std.Out, pace: pace}
	return p.play(ctx, strings.Split(demoScript, "\n"))
}
