package config

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	"github.com/muesli/roff"
)

// Own is what every program of befree can say of itself. Embed it in a grammar.
type Own struct {
	Config  kong.ConfigFlag  `help:"Read settings from this TOML file, a key for each flag, instead of the one in your home." placeholder:"FILE" env:"BEFREE_CONFIG"`
	Version kong.VersionFlag `help:"Say which befree this is." env:"-"`

	Settings   settingsCmd   `cmd:"" name:"config" help:"Print a settings file with every key, what it does, and its default."`
	Completion completionCmd `cmd:"" help:"Print what makes a shell complete commands and flags."`
	Man        manCmd        `cmd:"" help:"Print the manual page, for man -l or a folder of manual pages."`
}

type manCmd struct{}

// Run prints the page in roff.
func (manCmd) Run(std *Std, app *kong.Application, in Speaker) error {
	_, err := io.WriteString(std.Out, mangokong.NewManPage(1, app).Build(page{roff.NewDocument(), in}))
	return err
}

// A page is a manual page with headings in a language.
type page struct {
	*roff.Document

	in Speaker
}

func (p page) Section(name string) { p.Document.Section(p.in.Word(name)) }
func (p page) TextBold(s string)   { p.Document.TextBold(p.in.Word(s)) }
func (p page) TextItalic(s string) { p.Document.TextItalic(p.in.Word(s)) }

type settingsCmd struct{}

// Run prints a key for each flag, commented out: the file changes nothing before somebody changes it.
func (settingsCmd) Run(std *Std, app *kong.Application, in Speaker) error {
	var b strings.Builder
	comment := func(format string, args ...any) { fmt.Fprintf(&b, "# %s\n", in.Word(fmt.Sprintf(format, args...))) }
	comment("Settings of %s. It is read from %s, or from the file that --config or BEFREE_CONFIG names.", app.Name, home(app.Name))
	comment("A flag weighs more than a variable, a variable more than a key here.")
	seen := map[string]bool{}
	for _, f := range flags(app.Node) {
		if seen[f.Name] || f.Name == "help" || f.Name == "config" || f.Name == "version" {
			continue
		}
		seen[f.Name] = true
		fmt.Fprintf(&b, "\n# %s\n", f.Help)
		if len(f.Envs) > 0 {
			comment("Variable: %s.", strings.Join(f.Envs, ", "))
		}
		if f.Enum != "" {
			comment("One of: %s.", strings.ReplaceAll(f.Enum, ",", ", "))
		}
		fmt.Fprintf(&b, "# %s = %s\n", f.Name, example(f))
	}
	_, err := io.WriteString(std.Out, b.String())
	return err
}

// example is a flag's default as TOML, or something of its kind.
func example(f *kong.Flag) string {
	switch {
	case f.IsBool():
		return cmp.Or(f.Default, "false")
	case f.IsMap():
		return `{ "Notes" = "t f3" }`
	case f.IsSlice():
		return `["` + strings.ReplaceAll(f.Default, ",", `", "`) + `"]`
	case strings.HasPrefix(f.Target.Kind().String(), "float") || f.Target.Kind().String() == "uint64" || f.Target.Type().String() == "int":
		return cmp.Or(f.Default, "0")
	}
	return fmt.Sprintf("%q", f.Default)
}

// flags are those of a program and all its commands.
func flags(n *kong.Node) []*kong.Flag {
	all := append([]*kong.Flag(nil), n.Flags...)
	for _, child := range n.Children {
		all = append(all, flags(child)...)
	}
	return all
}
