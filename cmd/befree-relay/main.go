// Command befree-relay is the relay behind the line: it takes texts from the carrier, keeps them, feeds the consoles
// and sends what specialists answer.
package main

import (
	_ "time/tzdata" // safe hours need every zone on every machine

	"befree.example/cmd/internal/config"
)

type cli struct {
	config.Own

	Serve   serveCmd   `cmd:"" help:"Serve the carrier and the consoles."`
	Staff   staffCmd   `cmd:"" help:"Say who may sign in."`
	Key     keyCmd     `cmd:"" help:"Print a new master key, to be kept where --key-command finds it."`
	Events  eventsCmd  `cmd:"" help:"Print the log, one JSON object a line."`
	Explain explainCmd `cmd:"" help:"Say what befree makes of texts: one JSON string a line in, one JSON object a line out."`
}

func main() { config.Main("befree-relay", "The relay behind the line.", &cli{}) }
