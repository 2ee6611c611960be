package config_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"befree.example/cmd/internal/config"
)

type grammar struct {
	Config kong.ConfigFlag `env:"BEFREE_CONFIG"`
	Serve  serve           `cmd:""`
}

type serve struct {
	Listen string  `default:"default"`
	Pace   float64 `default:"1"`
	got    *serve  // where it puts what it was given
}

func (s *serve) Run(context.Context, *config.Std) error {
	*s.got = *s
	return nil
}

func quiet() *config.Std { return &config.Std{Out: io.Discard, Err: io.Discard} }

func TestWeight(t *testing.T) {
	file := filepath.Join(t.TempDir(), "befree.toml")
	if err := os.WriteFile(file, []byte("listen = \"file\"\npace = 2.5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		env  string
		args []string
		want serve
	}{
		{"default", "", []string{"serve"}, serve{"default", 1, nil}},
		{"file", "", []string{"serve", "--config", file}, serve{"file", 2.5, nil}},
		{"variable before file", "variable", []string{"--config", file, "serve"}, serve{"variable", 2.5, nil}},
		{"flag before all", "variable", []string{"serve", "--listen", "flag", "--config", file}, serve{"flag", 2.5, nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv("BEFREE_LISTEN", c.env)
			}
			var got serve
			err := config.Run(t.Context(), "test", "", c.args, quiet(), &grammar{Serve: serve{got: &got}})
			got.got = nil
			if err != nil || got != c.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestMistakesSayWhereTheyAre(t *testing.T) {
	for _, c := range []struct{ content, want string }{
		{"listen = \"a\"\n\n= 1\n", "line 3"},
		{"listn = \"a\"\n", `no setting "listn"`},
		{"pace = \"quick\"\n", "pace"},
	} {
		file := filepath.Join(t.TempDir(), "befree.toml")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		err := config.Run(t.Context(), "test", "", []string{"--config", file, "serve"}, quiet(), &grammar{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v; want one line with %q", c.content, err, c.want)
		}
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	var out bytes.Buffer
	if err := config.Run(t.Context(), "test", "", []string{"--help"}, &config.Std{Out: &out, Err: &out}, &grammar{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "serve") {
		t.Fatalf("help says %q", out.String())
	}
}
