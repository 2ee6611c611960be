package config

import (
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// A Speaker is a grammar that speaks more than English. Word and Say return what they have no other words for as it is.
type Speaker interface {
	Speak(language string) // from now on, that of the flag or setting "language"; empty where nothing names one
	Word(english string) string
	Say(err error) string
}

func speaks(grammar any) Speaker {
	if s, ok := grammar.(Speaker); ok {
		return s
	}
	return english{}
}

type english struct{}

func (english) Speak(string)         {}
func (english) Word(s string) string { return s }
func (english) Say(err error) string { return err.Error() }

// askedFor is the language that a flag or a variable names. It is looked for before the rest is read, of which the help
// and every mistake speak it.
func askedFor(args []string) string {
	for i, a := range args {
		if language, ok := strings.CutPrefix(a, "--language="); ok {
			return language
		}
		if a == "--language" && i+1 < len(args) {
			return args[i+1]
		}
	}
	return os.Getenv("BEFREE_LANGUAGE")
}

// explain has all that a grammar says of itself speak a language: help, manual, completion and settings are made of it.
func explain(n *kong.Node, in Speaker) {
	n.Help = in.Word(n.Help)
	for _, v := range n.Positional {
		v.Help = in.Word(v.Help)
	}
	for _, f := range n.Flags {
		f.Help, f.PlaceHolder = in.Word(f.Help), in.Word(f.PlaceHolder)
	}
	for _, child := range n.Children {
		explain(child, in)
	}
}

// helpTo is where help goes. It comes line by line, and those that are the library's own are said in a language.
func helpTo(out io.Writer, in Speaker) io.Writer {
	if in == (english{}) {
		return out
	}
	return helpIn{out, in}
}

type helpIn struct {
	io.Writer

	in Speaker
}

func (h helpIn) Write(line []byte) (int, error) {
	_, err := io.WriteString(h.Writer, h.in.Word(strings.TrimSuffix(string(line), "\n"))+"\n")
	return len(line), err
}
