package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"befree.example/client"
	"befree.example/store/triage"
	"befree.example/tui"
	"befree.example/tui/replies"
	"befree.example/tui/speech"
	"befree.example/tui/theme"
)

// A display is how the console looks.
type display struct {
	Theme     string            `help:"Colours: for a dark or a light ground, of high contrast, the sixteen old ones, or none. NO_COLOR means none." enum:"dark,light,contrast,16,none" default:"dark"`
	LockAfter time.Duration     `help:"Lock the screen after this time without a key; 0 for never." default:"10m"`
	Notice    string            `help:"How to call for you: by the bell, by a notice of the terminal (9, 777 and 99 are their numbers), or not." enum:"bell,osc9,osc777,osc99,off" default:"bell"`
	CallFor   string            `help:"The least severe text of somebody who waits that calls you." enum:"imminent,high,standard,information" default:"high"`
	Replies   string            `help:"File of quick replies; default: those that befree comes with." placeholder:"FILE"`
	Keys      map[string]string `help:"Other keys for commands, by their names in any language: 'Notes=t f3'; ? in the console names them all." mapsep:";" placeholder:"NAME=KEYS"`
	Linear    bool              `help:"Say everything in lines that are only added, for screen readers."`
	ASCII     bool              `help:"Draw with ASCII characters alone, as is done where the locale is not UTF-8."`

	in *speech.Speech
}

// options are those of a console that follows a client.
func (d display) options(cl *client.Client, files folder) (o tui.Options, err error) {
	o, err = d.of(cl, cl.Identity.Name, files)
	o.Device = cl.Cache.DeviceID()
	o.Unlock = cl.Cache.Check
	return o, err
}

// of are the options of a console of somebody's, all but how a lock is opened.
func (d display) of(line tui.Line, name string, files folder) (o tui.Options, err error) {
	themes := map[string]func() theme.Theme{"dark": theme.Dark, "light": theme.Light, "contrast": theme.Contrast, "16": theme.Sixteen, "none": theme.Plain}
	if os.Getenv("NO_COLOR") != "" {
		d.Theme = "none"
	}
	o = tui.Options{
		Line: line, Name: name, Theme: themes[d.Theme](), ASCII: d.ASCII || !utf8Locale(),
		Language: d.in.Spoken(), Keys: d.Keys, CallFor: triage.Severity(d.CallFor),
		Save: files.save, Files: files.made, Idle: d.LockAfter,
	}
	if err := tui.Bind(d.Keys); err != nil || d.Replies == "" {
		return o, err
	}
	f, err := os.Open(d.Replies)
	if err != nil {
		return o, fmt.Errorf("--replies: %w", err)
	}
	defer f.Close()
	o.Replies, err = replies.Read(f)
	return o, err
}

// utf8Locale tells whether the terminal is said to show more than ASCII; where nothing is said, it is taken to.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(os.Getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true
}
