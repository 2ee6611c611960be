package main

import (
	"fmt"
	"os"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
)

type staffCmd struct {
	Add  staffAddCmd  `cmd:"" help:"Let somebody sign in: makes their secret file."`
	List staffListCmd `cmd:"" help:"Print names and roles."`
}

type staffAddCmd struct {
	Name   string `arg:"" help:"Name as colleagues see it: a-z, 0-9, dot, dash, underscore."`
	Role   string `help:"specialist, supervisor, reviewer or administrator." enum:"specialist,supervisor,reviewer,administrator" default:"specialist"`
	Data   string `help:"The relay's data folder." placeholder:"DIR" required:""`
	Secret string `help:"Where to put the secret file; default NAME.secret here." placeholder:"FILE"`
}

// Run makes a secret, writes it to a file that only its reader can open, and enters the public half.
func (c *staffAddCmd) Run(std *config.Std) error {
	staff := relay.StaffIn(c.Data)
	if err := staff.Free(c.Name); err != nil {
		return err
	}
	if c.Secret == "" {
		c.Secret = c.Name + ".secret"
	}
	who, err := client.NewIdentity(c.Name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := who.Save(c.Secret); err != nil {
		return err
	}
	if err := staff.Add(relay.Member{Name: c.Name, Role: desk.Role(c.Role), Key: who.Public()}); err != nil {
		return err
	}
	fmt.Fprintf(std.Out, "%s can sign in as %s with %s.\nHand that file over in person: whoever has it is %s.\n", c.Name, c.Role, c.Secret, c.Name)
	return nil
}

type staffListCmd struct {
	Data string `help:"The relay's data folder." placeholder:"DIR" required:""`
}

// Run prints who may sign in.
func (c *staffListCmd) Run(std *config.Std) error {
	members, err := relay.StaffIn(c.Data).Members()
	if err != nil {
		return err
	}
	for _, m := range members {
		fmt.Fprintf(std.Out, "%s\t%s\n", m.Name, m.Role)
	}
	return nil
}
