package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/config"
	"befree.example/tui/speech"
)

type enrolCmd struct {
	profile
	Relay string `help:"Address of the relay, ending in /line." placeholder:"URL" required:""`
	Code  string `help:"File with the code; - for standard input; default: you are asked." placeholder:"FILE"`
}

// Run has the relay enter this device, by the code that its owner was told.
func (c *enrolCmd) Run(ctx context.Context, std *config.Std, in *speech.Speech) error {
	c.speech = in
	code, err := c.code(std)
	if err != nil {
		return err
	}
	cache, err := c.begin(std)
	if err != nil {
		return err
	}
	defer cache.Close()
	role, err := client.Enrol(ctx, client.Config{URL: c.Relay, Cache: cache}, code)
	if err != nil {
		return fmt.Errorf("not enrolled: %w", err)
	}
	fmt.Fprintln(std.Out, c.says().T("This device is enrolled: {{.Name}}, {{.Role}}. Sit down with: befree console --name {{.Name}}", "Name", c.Name, "Role", c.says().Word(string(role))))
	return nil
}

func (c *enrolCmd) code(std *config.Std) (code wire.Code, err error) {
	var text []byte
	switch c.Code {
	case "":
		text, err = askCode(std, c.says().T("The code that you were told: "))
	case "-":
		text, err = io.ReadAll(io.LimitReader(std.In, 1<<10))
	default:
		text, err = os.ReadFile(c.Code)
	}
	if err != nil {
		return code, fmt.Errorf("--code: %w", err)
	}
	return wire.ParseCode(string(text))
}

// askCode shows what is typed: it is long, and good once.
func askCode(std *config.Std, prompt string) ([]byte, error) {
	in, ok := std.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, errors.New("there is no terminal to ask for it; name a file, or - for standard input")
	}
	fmt.Fprint(std.Err, prompt)
	var typed strings.Builder
	for b := make([]byte, 1); ; { // no more than the line: what follows is the passphrase
		if _, err := in.Read(b); err != nil {
			return nil, err
		}
		if b[0] == '\n' {
			return []byte(typed.String()), nil
		}
		typed.WriteByte(b[0])
	}
}
