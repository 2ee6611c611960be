package config

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish. Put \"source <(PROGRAM completion bash)\" into its start-up file."`
}

// Run prints a script that needs neither the program nor the network.
func (c completionCmd) Run(std *Std, app *kong.Application) error {
	script := bash(app)
	switch c.Shell {
	case "zsh":
		script = "autoload -U +X bashcompinit && bashcompinit\n" + script
	case "fish":
		script = fish(app)
	}
	_, err := io.WriteString(std.Out, script)
	return err
}

// words are what may follow a command: its flags, those of the program, and its own commands.
func words(n *kong.Node) string {
	var all []string
	for _, child := range n.Children {
		all = append(all, child.Name)
	}
	for _, f := range slices.Concat(n.AllFlags(true)...) {
		all = append(all, "--"+f.Name)
	}
	return strings.Join(all, " ")
}

func bash(app *kong.Application) string {
	var b strings.Builder
	name := strings.ReplaceAll(app.Name, "-", "_")
	fmt.Fprintf(&b, "_%s() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= w\n", name)
	b.WriteString("  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$at $w\" in\n")
	each(app.Node, "", func(path string, _ *kong.Node) {
		if path != "" {
			fmt.Fprintf(&b, "      %q) at=%q ;;\n", path, path)
		}
	})
	b.WriteString("    esac\n  done\n  case $prev in\n")
	seen := map[string]bool{}
	for _, f := range flags(app.Node) {
		if seen[f.Name] || f.IsBool() {
			continue
		}
		seen[f.Name] = true
		if f.Enum != "" {
			fmt.Fprintf(&b, "    --%s) COMPREPLY=($(compgen -W %q -- \"$cur\")); return ;;\n", f.Name, strings.ReplaceAll(f.Enum, ",", " "))
		} else {
			fmt.Fprintf(&b, "    --%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", f.Name)
		}
	}
	b.WriteString("  esac\n  case $at in\n")
	each(app.Node, "", func(path string, n *kong.Node) {
		fmt.Fprintf(&b, "    %q) w=%q ;;\n", path, words(n))
	})
	fmt.Fprintf(&b, "  esac\n  COMPREPLY=($(compgen -W \"$w\" -- \"$cur\"))\n}\ncomplete -F _%s %s\n", name, app.Name)
	return b.String()
}

// each calls f with every command and the words that lead to it, each after a space.
func each(n *kong.Node, path string, f func(path string, n *kong.Node)) {
	f(path, n)
	for _, child := range n.Children {
		each(child, path+" "+child.Name, f)
	}
}

func fish(app *kong.Application) string {
	var b strings.Builder
	fmt.Fprintf(&b, "complete -c %s -f\n", app.Name)
	each(app.Node, "", func(path string, n *kong.Node) {
		at := "__fish_use_subcommand"
		if names := strings.Fields(path); len(names) > 0 {
			at = "__fish_seen_subcommand_from " + names[len(names)-1]
		}
		for _, child := range n.Children {
			fmt.Fprintf(&b, "complete -c %s -n %q -a %s -d %q\n", app.Name, at, child.Name, child.Help)
		}
		for _, f := range n.Flags {
			value := ""
			switch {
			case f.Enum != "":
				value = fmt.Sprintf(" -x -a %q", strings.ReplaceAll(f.Enum, ",", " "))
			case !f.IsBool():
				value = " -r -F"
			}
			where := fmt.Sprintf(" -n %q", at)
			if path == "" { // the program's, with every command
				where = ""
			}
			fmt.Fprintf(&b, "complete -c %s%s -l %s -d %q%s\n", app.Name, where, f.Name, f.Help, value)
		}
	})
	return b.String()
}
