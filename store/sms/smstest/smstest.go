// Package smstest holds texts for tests: what a phone could send to do harm.
package smstest

import (
	_ "embed"
	"strconv"
	"strings"
)

// A name, a tab and a Go-quoted text on each line; written by hand, apart from the code that it tries.
//
//go:embed hostile.txt
var file string

// Hostile returns texts that were made to do harm.
func Hostile() (texts []string) {
	for line := range strings.Lines(file) {
		_, quoted, found := strings.Cut(strings.TrimSpace(line), "\t")
		if !found {
			continue
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			panic(err)
		}
		texts = append(texts, text)
	}
	return texts
}
