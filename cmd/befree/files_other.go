//go:build !unix

package main

import "io/fs"

// onlyName is true where nobody tells whether a file has another name.
func onlyName(fs.FileInfo) bool { return true }
