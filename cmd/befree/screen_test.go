package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// TestClipboardIsEmptied: what was copied is taken out when nothing is copied, as a lock does, and at the end; nothing
// is copied afterwards.
func TestClipboardIsEmptied(t *testing.T) {
	for name, end := range map[string]func(*screen){
		"lock": func(s *screen) { s.Copy("") },
		"end":  func(*screen) {},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Create(filepath.Join(t.TempDir(), "tty"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			said := func() string {
				b, err := os.ReadFile(f.Name())
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			s := newScreen(f, false)
			s.Copy("at my sister's")
			end(s)
			s.Close()
			s.Copy("after the end")
			if got := said(); strings.Count(got, ansi.SetSystemClipboard("at my sister's")) != 1 || strings.Count(got, ansi.ResetSystemClipboard) != 1 || strings.Contains(got, ansi.SetSystemClipboard("after the end")) {
				t.Errorf("%q", got)
			}
		})
	}
}
