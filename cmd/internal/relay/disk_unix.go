//go:build unix

package relay

import "golang.org/x/sys/unix"

// diskFree returns the bytes that may still be written on the disk of a folder.
func diskFree(folder string) (uint64, bool) {
	var s unix.Statfs_t
	if folder == "" || unix.Statfs(folder, &s) != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true //nolint:unconvert // their types differ from system to system
}
