// Command befree is the specialist's side of the line.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // safe hours need every zone on every machine

	"github.com/alecthomas/kong"

	"befree.example/cmd/internal/config"
)

type cli struct {
	Config kong.ConfigFlag `help:"Read settings from this TOML file: a key for each flag." placeholder:"FILE" env:"BEFREE_CONFIG"`

	Demo   demoCmd   `cmd:"" help:"Play one conversation here and now: relay, scripted texters and a specialist, in a temporary folder."`
	Script scriptCmd `cmd:"" help:"Work at a relay as a specialist would, from a script: for trials and training."`
}

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// run is main with all that it touches in its hands.
func run(args []string, std stdio) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return config.Main(ctx, config.Program{
		Name: "befree", Help: "A console for specialists who answer silent texts.", Args: args, Out: std.out, Bind: &std,
	}, &cli{}, std.err)
}
