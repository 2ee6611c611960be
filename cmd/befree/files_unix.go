//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// onlyName tells whether a file has one name alone.
func onlyName(file fs.FileInfo) bool {
	is, ok := file.Sys().(*syscall.Stat_t)
	return ok && is.Nlink == 1
}
