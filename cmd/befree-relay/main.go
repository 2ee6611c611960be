// Command befree-relay is the relay behind the line: it takes texts from the carrier, keeps them, feeds the consoles
// and sends what specialists answer.
package main

import (
	_ "time/tzdata" // safe hours need every zone on every machine

	"github.com/alecthomas/kong"

	"befree.example/cmd/internal/config"
)

type cli struct {
	Config  kong.ConfigFlag  `help:"Read settings from this TOML file: a key for each flag." placeholder:"FILE" env:"BEFREE_CONFIG"`
	Version kong.VersionFlag `help:"Say which befree this is." env:"-"`

	Serve   serveCmd   `cmd:"" help:"Serve the carrier and the consoles."`
	Staff   staffCmd   `cmd:"" help:"Say who may sign in."`
	Events  eventsCmd  `cmd:"" help:"Print the log, one JSON object a line."`
	Explain explainCmd `cmd:"" help:"Say what befree makes of texts: one JSON string a line in, one JSON object a line out."`
}

func main() { config.Main("befree-relay", "The relay behind the line.", &cli{}) }
