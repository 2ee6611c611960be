// Command befree is the specialist's side of the line.
package main

import (
	_ "time/tzdata" // safe hours need every zone on every machine

	"github.com/alecthomas/kong"

	"befree.example/cmd/internal/config"
)

type cli struct {
	Config kong.ConfigFlag `help:"Read settings from this TOML file: a key for each flag." placeholder:"FILE" env:"BEFREE_CONFIG"`

	Demo   demoCmd   `cmd:"" help:"Play one conversation here and now: relay, scripted texters and a specialist, in a temporary folder."`
	Script scriptCmd `cmd:"" help:"Work at a relay as a specialist would, from a script: for trials and training."`
}

func main() { config.Main("befree", "A console for specialists who answer silent texts.", &cli{}) }
