package bolt

import (
	"os"
	"syscall"
)

// datasync makes a file's bytes durable as bbolt does on this system.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
