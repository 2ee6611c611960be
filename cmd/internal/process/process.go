// Package process is what befree does to its own process: it leaves no core dump, keeps no secret in its environment, and
// when it breaks down it says where and never on what, which may be somebody's words.
package process

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// Warded is set in the environment of a process whose last words somebody else listens to.
const Warded = "BEFREE_WARDEN"

// Begin is to be called before anything else. It returns standard error: what is written there besides by the runtime,
// when it crashes, goes to a process of our own that drops all but the places.
func Begin() *os.File {
	if os.Getenv(listening) != "" {
		listen()
		os.Exit(0)
	}
	forbidDumps()
	if os.Getenv(Warded) == "" {
		if said, err := haveListener(); err == nil {
			os.Stderr = said
		}
	}
	return os.Stderr
}

// Take returns a variable that holds a secret, and takes it out of the environment: other programs of this user can read
// that for as long as this one runs.
func Take(name string) string {
	value := os.Getenv(name)
	if value != "" {
		_ = os.Unsetenv(name)
		scrub(name)
	}
	return value
}

// Memory returns how many bytes of memory this process may come to have: GOMEMLIMIT where that is set, else three quarters
// of what there is, the rest being for the system's buffers and cache; 0 where nobody knows.
func Memory() uint64 {
	if set := debug.SetMemoryLimit(-1); set < math.MaxInt64 {
		return uint64(set)
	}
	return memory() / 4 * 3
}

// What the runtime says of a crash is the value of the panic, which may be anybody's words, then stacks. In a stack,
// arguments may be part of a text too; the names of functions and the lines of files are not.
var stackLine = regexp.MustCompile(`(?m)^(goroutine \d+|created by [^ (]\S*|\S+\(|\t.+\.go:\d+)`)

// race is what the race detector says, in a program built with it.
var race = regexp.MustCompile(`(?m)^(WARNING: DATA RACE|  \S+\(\)$|      \S+\.go:\d+)`)

// Places returns the stacks in what a runtime said, without a value.
func Places(said []byte) []byte {
	var lines [][]byte
	if bytes.Contains(said, []byte("\nWARNING: DATA RACE\n")) {
		lines = race.FindAll(said, -1)
	}
	_, stacks, found := bytes.Cut(append([]byte("\n"), said...), []byte("\ngoroutine "))
	if found {
		lines = append(lines, stackLine.FindAll(append([]byte("goroutine "), stacks...), -1)...)
	}
	if len(lines) == 0 {
		return nil
	}
	return append(bytes.Join(lines, []byte("\n")), '\n')
}

// ours begins the names of our own functions.
const ours = "befree.example/"

// placesMost is how many calls a place names.
const placesMost = 4

// Place returns where the panic that is being recovered happened, innermost call of ours first, without any value.
func Place() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	var said []string
	for panicked := false; ; {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic" || f.Function == "runtime.sigpanic":
			panicked, said = true, nil
		case panicked && strings.HasPrefix(f.Function, ours) && len(said) < placesMost:
			said = append(said, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line))
		}
		if !more {
			return strings.Join(said, " < ")
		}
	}
}
