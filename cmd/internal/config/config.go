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
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/adrg/xdg"
	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"

	"befree.example/cmd/internal/process"
)

// Std is where a command reads and writes.
type Std struct {
	In       io.Reader
	Out, Err io.Writer
}

// ErrSaid is the end of a program that has said itself why it ends.
var ErrSaid = errors.New("said already")

// Main runs a program by its command line, until it is done or told to stop, and ends the process: with 0 for done, with
// 1 and one line on standard error for anything else, in the language of a grammar that speaks.
func Main(name, help string, grammar any) {
	stderr := process.Begin()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	std := Std{os.Stdin, os.Stdout, stderr}
	err := Run(ctx, name, help, os.Args[1:], &std, grammar)
	stop()
	if errors.Is(err, ErrSaid) {
		os.Exit(1)
	}
	if err != nil {
		_, _ = fmt.Fprintf(std.Err, "%s: %s\n", name, strings.ReplaceAll(speaks(grammar).Say(err), "\n", "; "))
		os.Exit(1)
	}
}

// shown ends a program that has said what it was asked, such as its help.
type shown struct{}

// Run reads the settings into grammar and runs the command that was named. Its error says what is wrong and what to do.
func Run(ctx context.Context, name, help string, args []string, std *Std, grammar any) (err error) {
	defer func() { // kong ends the program by Exit; here that only ends Run
		if r := recover(); r != nil && r != any(shown{}) {
			panic(r)
		}
	}()
	in := speaks(grammar)
	asked := askedFor(args)
	in.Speak(asked)
	if err := checkArgs(args); err != nil {
		return err
	}
	load := func(r io.Reader) (kong.Resolver, error) {
		settings, err := file(r)
		if err != nil {
			return nil, err
		}
		if language, ok := settings.settings["language"].(string); ok && asked == "" {
			in.Speak(language)
		}
		return settings, nil
	}
	var paths []string
	if !slices.ContainsFunc(args, func(a string) bool { return a == "--config" || strings.HasPrefix(a, "--config=") }) && !isSet("BEFREE_CONFIG") {
		paths = []string{home(name)}
	}
	parser, err := kong.New(grammar, kong.Name(name), kong.Description(help), kong.DefaultEnvars("BEFREE"),
		kong.Configuration(load, paths...), kong.Writers(helpTo(std.Out, in), std.Err), kong.Exit(func(int) { panic(shown{}) }),
		kong.Vars{"version": version()}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.BindTo(in, (*Speaker)(nil)))
	if err != nil {
		return err
	}
	explain(parser.Model.Node, in)
	command, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w; %s --help says what there is", err, name)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(std, command.Model)
}

// home is the settings file that is read where no other is named.
func home(name string) string { return filepath.Join(xdg.ConfigHome, "befree", name+".toml") }

// file reads a TOML file with a key for each flag, and none besides.
func file(r io.Reader) (*resolver, error) {
	var settings map[string]any
	name := "config file"
	raw, err := io.ReadAll(r)
	if f, ok := r.(*os.File); ok {
		name = f.Name()
		if address.Match(raw) {
			err = errors.Join(err, private(f, anybody))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("config file: %w", err)
	}
	err = toml.Unmarshal(raw, &settings)
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
	if table, ok := v.(map[string]any); ok {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(table)) {
			parts = append(parts, fmt.Sprintf("%s=%v", name, table[name]))
		}
		return strings.Join(parts, ";"), nil
	}
	return fmt.Sprint(v), nil
}

// version is the module's, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v == "(devel)" {
			v = s.Value
		}
	}
	return v + ", " + info.GoVersion
}
