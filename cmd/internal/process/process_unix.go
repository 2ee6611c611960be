//go:build unix

package process

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// listening is set for a process that hears the last words of another, on its standard input.
const listening = "BEFREE_LISTENS"

// saidMost is how much of the last words is heard, in bytes.
const saidMost = 4 << 20

// forbidDumps has the kernel write no image of this process to any disk.
func forbidDumps() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // less is always allowed
	setDumpable(false)
}

// Files returns how many files this process may have open at once.
func Files() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<20 {
		return 1 << 20
	}
	return int(limit.Cur)
}

// haveListener starts one, gives it what the runtime writes from now on, and returns what standard error was.
func haveListener() (*os.File, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	fd, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	stderr := os.NewFile(uintptr(fd), "/dev/stderr")
	hear, say, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer hear.Close()
	defer say.Close()
	listener := exec.Command(program) //nolint:noctx // it ends with this process, by the end of its input
	listener.Env = []string{listening + "=" + filepath.Base(os.Args[0])}
	listener.Stdin, listener.Stderr = hear, stderr
	if err := listener.Start(); err != nil {
		return nil, err
	}
	return stderr, replaceStderr(int(say.Fd()))
}

// listen waits for the end of another process and says where it broke down, if it did.
func listen() {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP)
	said, _ := io.ReadAll(io.LimitReader(os.Stdin, saidMost))
	if where := Places(said); len(where) > 0 {
		fmt.Fprintf(os.Stderr, "%s: stopped because of a mistake of its own, or on request; where, and nobody's words:\n%s",
			os.Getenv(listening), where)
	}
}
