package bolt

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// dropCached has the system drop what it keeps in memory of the file at path, which is open nowhere: after a failed
// fsync that may be more than the disk got, and counts as written. What still waits to be written stays.
func dropCached(path string) error {
	if mayOpen(path) != nil {
		return nil // opening it says why
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return &fs.PathError{Op: "fadvise", Path: path, Err: err}
	}
	return nil
}
