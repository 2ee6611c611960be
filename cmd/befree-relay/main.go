// Command befree-relay is the relay behind the line: it takes texts from the carrier, keeps them, feeds the consoles
// and sends what specialists answer.
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

	Serve   serveCmd   `cmd:"" help:"Serve the carrier and the consoles."`
	Staff   staffCmd   `cmd:"" help:"Say who may sign in."`
	Events  eventsCmd  `cmd:"" help:"Print the log, one JSON object a line."`
	Explain explainCmd `cmd:"" help:"Say what befree makes of texts: one JSON string a line in, one JSON object a line out."`
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
		Name: "befree-relay", Help: "The relay behind the line.", Args: args, Out: std.out, Bind: &std,
	}, &cli{}, std.err)
}
