//go:build unix

package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"befree.example/store"
	"befree.example/store/storetest"
)

func init() {
	roles["appender"] = appendUntilKilled
	roles["filler"] = appendUntilFull
}

// play starts this test binary in another role.
func play(t *testing.T, role string, args ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// appendUntilKilled prints the ID of each event once it is acknowledged. Each goroutine has its own conversation.
func appendUntilKilled(args []string) {
	path, round := args[0], args[1]
	l, err := Open(path, Options{})
	if err != nil {
		panic(err)
	}
	for g := range 3 {
		go appendChain(l, fmt.Sprint("c", g), round)
	}
	appendChain(l, "c3", round)
}

func appendChain(l *Log, conversation, round string) {
	es, err := l.Conversation(context.Background(), conversation)
	if err != nil {
		panic(err)
	}
	prev := uint64(0)
	if len(es) > 0 {
		prev = es[len(es)-1].Seq
	}
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s/%s/%d", conversation, round, n)
		if prev, err = l.Append(context.Background(), storetest.Sample(id, conversation, prev)); err != nil {
			panic(err)
		}
		fmt.Println(id)
	}
}

// TestCrash: whatever the moment of its death, what a process has acknowledged is there, once and intact.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "befree.log")
	acknowledged := map[string]bool{}
	for round := range 25 {
		cmd, lines := play(t, "appender", path, fmt.Sprint(round))
		for left := rand.IntN(60); ; left-- {
			if left == 0 {
				cmd.Process.Kill()
			}
			if !lines.Scan() {
				break
			}
			acknowledged[lines.Text()] = true
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("round %d: appender ended by itself: %v", round, err)
		}
		checkAcknowledged(t, path, acknowledged)
	}
	if len(acknowledged) < 100 {
		t.Errorf("only %d events were acknowledged in all rounds", len(acknowledged))
	}
}

func checkAcknowledged(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	l, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mustVerify(t, l)
	es, _, err := l.Read(t.Context(), store.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, e := range es {
		want := storetest.Sample(e.ID, e.Conversation, e.Prev)
		want.Seq = e.Seq
		if diff := cmp.Diff(want, e); diff != "" || found[e.ID] {
			t.Fatalf("event %d, seen before %t (-want +got):\n%s", e.Seq, found[e.ID], diff)
		}
		found[e.ID] = true
	}
	for id := range acknowledged {
		if !found[id] {
			t.Errorf("acknowledged event %s is lost", id)
		}
	}
}

const fillerBody = 64 << 10

// appendUntilFull appends under a limit on the size of files, which stands for the end of a disk.
func appendUntilFull(args []string) {
	var limit uint64
	fmt.Sscan(args[1], &limit)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		panic(err)
	}
	l, err := Open(args[0], Options{})
	if err != nil {
		panic(err)
	}
	var group sync.WaitGroup
	for g := range 2 {
		group.Go(func() { appendUntilError(l, g) })
	}
	group.Wait()
	_, later := l.Append(context.Background(), store.Event{ID: "later"})
	es, head, err := l.Read(context.Background(), store.Position{}, 1<<20)
	fmt.Printf("later broken %t, reads %t: %v\n", errors.Is(later, store.ErrBroken), uint64(len(es)) == head.Seq, err)
	fmt.Println("closed:", l.Close())
}

func appendUntilError(l *Log, g int) {
	for n := 0; ; n++ {
		e := store.Event{ID: fmt.Sprintf("%d-%d", g, n), Body: make([]byte, fillerBody)}
		if _, err := l.Append(context.Background(), e); err != nil {
			fmt.Println("failed:", errors.Is(err, store.ErrBroken), errors.Is(err, syscall.EFBIG) || strings.Contains(err.Error(), syscall.EFBIG.Error()))
			return
		}
		fmt.Println("kept", e.ID)
	}
}

// TestFullDisk: where the disk ends, in the middle of the file or as it grows, appenders hear it, and nothing that was
// acknowledged is lost.
func TestFullDisk(t *testing.T) {
	for name, limit := range map[string]int{"no room for a page": 2 << 20, "no room to grow": 17 << 20} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "befree.log")
			l := mustOpen(t, path)
			mustAppend(t, l, store.Event{ID: "first", Body: make([]byte, fillerBody)}) // the file grows beyond 16 MB
			l.Close()
			cmd, lines := play(t, "filler", path, fmt.Sprint(limit))
			kept := []string{"first"}
			var rest []string
			for lines.Scan() {
				if id, ok := strings.CutPrefix(lines.Text(), "kept "); ok {
					kept = append(kept, id)
				} else {
					rest = append(rest, lines.Text())
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			want := []string{"failed: true true", "failed: true true", "later broken true, reads true: <nil>", "closed: <nil>"}
			if diff := cmp.Diff(want, rest); diff != "" || len(kept) < 20 {
				t.Errorf("%d events before the end (-want +got):\n%s", len(kept), diff)
			}
			checkKept(t, path, kept)
		})
	}
}

func checkKept(t *testing.T, path string, kept []string) {
	t.Helper()
	l := mustOpen(t, path)
	mustVerify(t, l)
	for _, id := range kept {
		if e, err := l.Find(t.Context(), id); err != nil || len(e.Body) != fillerBody {
			t.Errorf("acknowledged event %s: %v", id, err)
		}
	}
	mustAppend(t, l, store.Event{ID: "room again"})
	mustVerify(t, l)
}
