// Command befree is the specialist's side of the line.
package main

import (
	_ "time/tzdata" // safe hours need every zone on every machine

	"befree.example/cmd/internal/config"
	"befree.example/tui/speech"
)

type cli struct {
	config.Own

	Demo        demoCmd        `cmd:"" help:"Try it here and now: relay, scripted texters and a console, in a temporary folder."`
	Enrol       enrolCmd       `cmd:"" help:"Have a relay know this device, by the one-time code that you were told."`
	Console     consoleCmd     `cmd:"" help:"Sit down at a relay's line."`
	Review      reviewCmd      `cmd:"" help:"Read what is on this machine and write notes and plans, without any network."`
	Passphrase  passphraseCmd  `cmd:"" help:"Change the passphrase of what is kept here, or have the system's key ring open it."`
	ForgetFiles forgetFilesCmd `cmd:"" help:"Delete the plans, attachments and exports that befree wrote on this machine, having asked."`
	Script      scriptCmd      `cmd:"" help:"Work at a relay as a specialist would, from a script: for trials and training."`
}

// Say says an error in the language of whoever started the program, as far as a setting or the locale names it.
func (c *cli) Say(err error) string {
	for _, d := range []display{c.Console.display, c.Review.display, c.Demo.display} {
		if d.Language != "auto" && d.Language != "" {
			return d.speech().Error(err)
		}
	}
	return speech.For(locale()).Error(err)
}

func main() { config.Main("befree", "A console for specialists who answer silent texts.", &cli{}) }
