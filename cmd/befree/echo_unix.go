//go:build darwin || freebsd || linux || netbsd || openbsd

package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// hush has a terminal not show what is typed there, as long as lines are passphrases, until what it returns is called.
// Anything else shows nothing anyway.
func hush(in io.Reader) (speak func()) {
	f, ok := in.(*os.File)
	if !ok {
		return func() {}
	}
	was, err := unix.IoctlGetTermios(int(f.Fd()), getTerminal)
	if err != nil {
		return func() {}
	}
	quiet := *was
	quiet.Lflag &^= unix.ECHO
	_ = unix.IoctlSetTermios(int(f.Fd()), setTerminal, &quiet)
	return func() { _ = unix.IoctlSetTermios(int(f.Fd()), setTerminal, was) }
}
