//go:build !(darwin || freebsd || linux || netbsd || openbsd)

package main

import "io"

// hush does nothing here: a lock does not end the console, which goes on hearing lines of any sort.
func hush(io.Reader) (speak func()) { return func() {} }
