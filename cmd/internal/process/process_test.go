//go:build unix

package process_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"befree.example/cmd/internal/process"
)

const (
	act    = "PROCESS_TEST_ACT" // what this program, started once more, is to do
	secret = "PROCESS_TEST_SECRET"
	words  = "he has my passport"
)

func TestMain(m *testing.M) {
	if do := os.Getenv(act); do != "" || os.Getenv("BEFREE_LISTENS") != "" {
		stderr := process.Begin()
		acts[do](stderr)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var acts = map[string]func(stderr *os.File){
	"panic": func(*os.File) { breakDown(words, fmt.Errorf("text %q", words)) },
	"indented": func(*os.File) {
		breakDown(words, words+"\ngoroutine 7 [running]:\nhe.has.my.passport()\n\tpassport.go:1 +0x1")
	},
	"elsewhere": func(*os.File) {
		go breakDown(words, words)
		select {}
	},
	"nil":     func(*os.File) { breakDown(words, nil) },
	"said":    func(stderr *os.File) { fmt.Fprintln(stderr, "all is well") },
	"silence": func(*os.File) {},
	"limits": func(*os.File) {
		var core unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
		fmt.Println(core.Cur, core.Max)
	},
	"take": func(*os.File) {
		fmt.Println(process.Take(secret), process.Take("NO_"+secret) == "", os.Getenv(secret) == "")
		_, _ = io.Copy(io.Discard, os.Stdin)
	},
}

//go:noinline
func breakDown(text string, value any) {
	if value == nil {
		var none *strings.Builder
		none.WriteString(text)
	}
	panic(value)
}

func again(t *testing.T, what string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), act+"="+what)
	return c
}

func TestCrashSaysWhereAndNeverOnWhat(t *testing.T) {
	for _, what := range []string{"panic", "indented", "elsewhere", "nil"} {
		t.Run(what, func(t *testing.T) {
			c := again(t, what)
			var said bytes.Buffer
			c.Stderr = &said
			err := c.Run()
			if ended, ok := errors.AsType[*exec.ExitError](err); !ok || ended.ExitCode() != 2 {
				t.Errorf("it ended with %v", err)
			}
			if !strings.Contains(said.String(), "process_test.go:") || !strings.Contains(said.String(), "breakDown(") {
				t.Errorf("it does not say where:\n%s", said.String())
			}
			if strings.Contains(said.String(), "passport") || strings.Contains(said.String(), "0x") {
				t.Errorf("it says on what:\n%s", said.String())
			}
		})
	}
}

func TestWhatIsSaidOnPurposeIsSaid(t *testing.T) {
	for what, want := range map[string]string{"said": "all is well\n", "silence": ""} {
		c := again(t, what)
		var said bytes.Buffer
		c.Stderr = &said
		if err := c.Run(); err != nil || said.String() != want {
			t.Errorf("%s: %q, %v", what, said.String(), err)
		}
	}
}

func TestNoCoreDumps(t *testing.T) {
	out, err := again(t, "limits").Output()
	if err != nil || string(out) != "0 0\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// A variable that was read stands nowhere any more, neither for the program's children nor for others who ask the kernel.
func TestTake(t *testing.T) {
	c := again(t, "take")
	c.Env = append(c.Env, secret+"="+words, "LATER=stays")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 100)
	n, err := out.Read(said)
	if want := words + " true true\n"; err != nil || string(said[:n]) != want {
		t.Errorf("%q, %v; want %q", said[:n], err, want)
	}
	if runtime.GOOS == "linux" {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", c.Process.Pid))
		if os.Geteuid() == 0 && (err != nil || !bytes.Contains(raw, []byte(secret+"=xxx")) || !bytes.Contains(raw, []byte("LATER=stays"))) {
			t.Errorf("%v: the environment is not what it should be: %q", err, raw)
		}
		if bytes.Contains(raw, []byte("passport")) {
			t.Error("the kernel still shows it")
		}
	}
	in.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}
