// Package config is how befree's programs take their settings: flags, BEFREE_... variables and one TOML file, in that
// order of weight.
package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

// A Program is what Run needs to know of a program beside its flags.
type Program struct {
	Name string
	Help string
	Args []string
	Out  io.Writer // for --help
	Bind any       // handed to the command's Run
}

// shown ends a program that has said what it was asked, such as its help.
type shown struct{}

// Main runs a program and returns its exit code: 0 for done, 1 for anything else, with one line on standard error.
func Main(ctx context.Context, p Program, grammar any, stderr io.Writer) int {
	if err := Run(ctx, p, grammar); err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", p.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

// Run reads the settings into grammar and runs the command that was named. Its error is one line that says what is
// wrong and what to do.
func Run(ctx context.Context, p Program, grammar any) (err error) {
	defer func() { // kong ends the program by Exit; here that only ends Run
		if r := recover(); r != nil && r != any(shown{}) {
			panic(r)
		}
	}()
	parser, err := kong.New(grammar, kong.Name(p.Name), kong.Description(p.Help), kong.DefaultEnvars("BEFREE"),
		kong.Configuration(file), kong.Writers(p.Out, p.Out), kong.Exit(func(int) { panic(shown{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return err
	}
	command, err := parser.Parse(p.Args)
	if err != nil {
		return fmt.Errorf("%w; %s --help says what there is", err, p.Name)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(p.Bind)
}

// file reads a TOML file with a key for each flag, and none besides.
func file(r io.Reader) (kong.Resolver, error) {
	var settings map[string]any
	name := "config file"
	if f, ok := r.(*os.File); ok {
		name = f.Name()
	}
	err := toml.NewDecoder(r).Decode(&settings)
	if d, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := d.Position()
		return nil, fmt.Errorf("%s: line %d: %w", name, row, err)
	}
	return &resolver{name, settings}, err
}

type resolver struct {
	name     string
	settings map[string]any
}

// Validate refuses keys that are no flags: a misspelt setting that is silently left out is worse than a program that
// does not start.
func (r *resolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			known[f.Name] = true
		}
		return next(nil)
	})
	for _, key := range slices.Sorted(maps.Keys(r.settings)) {
		if !known[key] {
			return fmt.Errorf("%s: there is no setting %q", r.name, key)
		}
	}
	return nil
}

func isSet(variable string) bool {
	_, ok := os.LookupEnv(variable)
	return ok
}

// Resolve implements kong.Resolver.
func (r *resolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	v, ok := r.settings[flag.Name]
	if !ok || slices.ContainsFunc(flag.Envs, isSet) {
		return nil, nil
	}
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, item := range list {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, ","), nil
	}
	return fmt.Sprint(v), nil
}
