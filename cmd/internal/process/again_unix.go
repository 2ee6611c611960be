//go:build unix

package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Renews tells whether Again can be done here.
const Renews = true

// Again begins the program anew in the place of this one: with the same number, arguments and standard files, and with a
// memory in which nothing of this one is left. It gets files by the name of a variable, see [Inherited]; stderr, if not
// nil, becomes its standard error. Again returns only where it fails.
func Again(name string, stderr *os.File, files ...*os.File) error {
	program := "/proc/self/exe" // the one that runs, though another may lie in its place by now
	if runtime.GOOS != "linux" {
		var err error
		if program, err = os.Executable(); err != nil {
			return err
		}
	}
	var numbers []string
	for _, f := range files {
		if _, err := unix.FcntlInt(f.Fd(), unix.F_SETFD, 0); err != nil {
			return err
		}
		numbers = append(numbers, strconv.Itoa(int(f.Fd())))
	}
	if stderr != nil {
		if err := replaceStderr(int(stderr.Fd())); err != nil {
			return err
		}
	}
	err := syscall.Exec(program, os.Args, append(os.Environ(), name+"="+strings.Join(numbers, ",")))
	return fmt.Errorf("begin anew: %w", err)
}

// Inherited gives, once, the files that Again has handed on by that name; none where this program was not begun so.
func Inherited(name string) (files []*os.File) {
	numbers := os.Getenv(name)
	_ = os.Unsetenv(name)
	for _, number := range strings.Split(numbers, ",") {
		if fd, err := strconv.Atoi(number); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), name))
		}
	}
	return files
}
