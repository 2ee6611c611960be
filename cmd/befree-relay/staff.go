package main

import (
	"fmt"
	"strings"
	"time"

	"befree.example/client/wire"
	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
)

type staffCmd struct {
	Add    staffAddCmd    `cmd:"" help:"Enter somebody, and print the one-time code by which they enrol their first device."`
	Code   staffCodeCmd   `cmd:"" help:"Print a code by which somebody enrols one more device."`
	Role   staffRoleCmd   `cmd:"" help:"Give somebody another role, at once."`
	Revoke staffRevokeCmd `cmd:"" help:"Shut out somebody, or one of their devices, at once; what they hold goes back to the queue."`
	List   staffListCmd   `cmd:"" help:"Print names, roles and devices."`
}

// aStaff names a data folder whose staff it is. All of these work while the relay serves.
type aStaff struct {
	Data string `help:"The relay's data folder." placeholder:"DIR" required:""`
}

func (a aStaff) file() relay.StaffFile { return relay.StaffIn(a.Data) }

type staffAddCmd struct {
	aStaff
	Name string `arg:"" help:"Name as colleagues see it: a-z, 0-9, dot, dash, underscore."`
	Role string `help:"specialist, supervisor, reviewer or administrator." enum:"specialist,supervisor,reviewer,administrator" default:"specialist"`
}

// Run enters somebody who can sign in once they have enrolled a device.
func (c *staffAddCmd) Run(std *config.Std) error {
	code, err := c.file().Add(c.Name, desk.Role(c.Role))
	if err != nil {
		return err
	}
	return tellCode(std, c.Name, code)
}

type staffCodeCmd struct {
	aStaff
	Name string `arg:"" help:"Whose device it will be."`
}

// Run makes one more code.
func (c *staffCodeCmd) Run(std *config.Std) error {
	code, err := c.file().Invite(c.Name)
	if err != nil {
		return err
	}
	return tellCode(std, c.Name, code)
}

// tellCode prints a code, which stands on a line of its own, for one pair of eyes.
func tellCode(std *config.Std, name string, code wire.Code) error {
	_, err := fmt.Fprintf(std.Out, "%s\n", code.Reveal())
	if err == nil {
		_, err = fmt.Fprintf(std.Err, "This code is good once, for 15 minutes. Tell it to %s alone, who types it after:\n"+
			"befree enrol --name %s --relay wss://THIS-RELAY/line\n"+
			"A relay without TLS is reached from its own machine alone: ws://127.0.0.1:8233/line, or where --listen says.\n", name, name)
	}
	return err
}

type staffRoleCmd struct {
	aStaff
	Name string `arg:"" help:"Whose role it is."`
	Role string `arg:"" help:"specialist, supervisor, reviewer or administrator." enum:"specialist,supervisor,reviewer,administrator"`
}

// Run changes a role.
func (c *staffRoleCmd) Run(*config.Std) error { return c.file().SetRole(c.Name, desk.Role(c.Role)) }

type staffRevokeCmd struct {
	aStaff
	Name   string `arg:"" help:"Who is shut out."`
	Device string `help:"Only this device of theirs, as staff list names it." placeholder:"ID"`
}

// Run shuts somebody out.
func (c *staffRevokeCmd) Run(std *config.Std) error {
	devices, err := c.file().Revoke(c.Name, c.Device)
	if err != nil {
		return err
	}
	if len(devices) == 0 {
		fmt.Fprintf(std.Out, "%s had no device; codes that were not used are void.\n", c.Name)
		return nil
	}
	fmt.Fprintf(std.Out, "Revoked: %s. Open consoles are shown out within a second, and what a device kept is destroyed as soon as it meets the relay.\n", strings.Join(devices, ", "))
	return nil
}

type staffListCmd struct {
	aStaff
}

// Run prints who may sign in, and with what.
func (c *staffListCmd) Run(std *config.Std) error {
	members, err := c.file().Members()
	if err != nil {
		return err
	}
	for _, m := range members {
		fmt.Fprintf(std.Out, "%s\t%s\n", m.Name, m.Role)
		for _, d := range m.Devices {
			state := "since " + d.Since.Local().Format(time.DateTime)
			if d.Revoked != nil {
				state = "revoked " + d.Revoked.Local().Format(time.DateTime)
			}
			fmt.Fprintf(std.Out, "\t%s\t%s\n", d.ID, state)
		}
	}
	return nil
}
