// Command befree is the specialist's side of the line.
package main

import (
	"cmp"
	"os"
	_ "time/tzdata" // safe hours need every zone on every machine

	"github.com/alecthomas/kong"

	"befree.example/cmd/internal/config"
	"befree.example/tui/speech"
)

type cli struct {
	config.Own

	Language string `help:"In which befree speaks to you; auto is what the locale says." enum:"auto,en,es" default:"auto"`

	Demo        demoCmd        `cmd:"" help:"Try it here and now: relay, scripted texters and a console, in a temporary folder."`
	Enrol       enrolCmd       `cmd:"" help:"Have a relay know this device, by the one-time code that you were told."`
	Console     consoleCmd     `cmd:"" help:"Sit down at a relay's line."`
	Review      reviewCmd      `cmd:"" help:"Read what is on this machine and write notes and plans, without any network."`
	Passphrase  passphraseCmd  `cmd:"" help:"Change the passphrase of what is kept here, or have the system's key ring open it."`
	ForgetFiles forgetFilesCmd `cmd:"" help:"Delete the plans, attachments and exports that befree wrote on this machine, having asked."`
	Script      scriptCmd      `cmd:"" help:"Work at a relay as a specialist would, from a script: for trials and training."`

	in *speech.Speech
}

// Speak has befree speak a language; where none is named, or auto, the locale's.
func (c *cli) Speak(language string) {
	if language == "auto" {
		language = ""
	}
	c.in = speech.For(cmp.Or(language, locale()))
}

func (c *cli) says() *speech.Speech {
	if c.in == nil {
		c.Speak("")
	}
	return c.in
}

// AfterApply gives commands the language.
func (c *cli) AfterApply(k *kong.Context) error { //nolint:unparam // a hook of kong's
	k.Bind(c.says())
	return nil
}

// Word says something of befree's own in the language of whoever started it.
func (c *cli) Word(english string) string { return c.says().Word(english) }

// Say says an error.
func (c *cli) Say(err error) string { return c.says().Error(err) }

// locale is the language that the system speaks.
func locale() string {
	return cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
}

const purpose = "A console for specialists who answer silent texts."

func main() { config.Main("befree", purpose, &cli{}) }
