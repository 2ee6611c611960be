package main

import (
	"fmt"

	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
	"befree.example/store/sms"
)

// privacyCmd prints what /privacy serves with the same settings.
type privacyCmd struct {
	Number    string `help:"Our number or short code." default:"233733"`
	Region    string `help:"Country whose numbers are written without a prefix." default:"US"`
	Carrier   string `help:"twilio, which keeps texts, or simulate." enum:"twilio,simulate" default:"twilio" placeholder:"twilio|simulate"`
	Retention string `help:"How many days everything is kept; default the file that --days prints." placeholder:"FILE"`
	Contact   string `help:"How texters reach you about what is kept of them; default by a text." placeholder:"TEXT"`
	Language  string `help:"en or es." enum:"en,es" default:"en"`
	Days      bool   `help:"Print the retention file that befree comes with, to be changed and given to --retention."`
}

// Run prints.
func (c *privacyCmd) Run(std *config.Std) error {
	if c.Days {
		_, err := std.Out.Write(relay.RetentionFile())
		return err
	}
	number, err := sms.Parse(c.Number, c.Region)
	if err != nil {
		return fmt.Errorf("--number: %w", err)
	}
	kept, err := relay.LoadRetention(c.Retention)
	if err != nil {
		return err
	}
	if c.Retention == "" {
		fmt.Fprintln(std.Err, "These are the periods that befree comes with. What /privacy says is made of serve's settings: give the same ones here.")
	}
	p := relay.Privacy{Number: number, Retention: kept, Contact: c.Contact, Keeps: c.Carrier == "twilio"}
	_, err = fmt.Fprint(std.Out, p.Text(c.Language))
	return err
}
