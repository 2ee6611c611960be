//go:build strace

package cmd_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"befree.example/cmd/internal/gateway/twilio/twiliotest"
)

// TestSyncedBeforeTheAnswer: what kill -9 cannot show, since the kernel keeps what was written. The relay's system calls,
// one after another, have a finished fdatasync of the log between a text and the 200 for it.
func TestSyncedBeforeTheAnswer(t *testing.T) {
	const texts = 20
	b := besiege(t)
	trace := filepath.Join(t.TempDir(), "trace")
	c := b.serve("strace", "-f", "-o", trace, "-s", "64", "-e", "trace=openat,fdatasync,write")
	b.hears("ready")
	for n := range texts {
		d := b.carrier.Text(t.Context(), twiliotest.Text{From: "+12025550147", Body: fmt.Sprint("he locked me in ", n)})
		if d.Status != 200 {
			t.Fatalf("text %d was answered %d", n, d.Status)
		}
	}
	ends(c)
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if answered := synced(t, string(raw)); answered < texts {
		t.Errorf("only %d answers are in the trace", answered)
	}
}

// ends stops a relay that runs under strace.
func ends(c *exec.Cmd) {
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGINT) // both; strace itself heeds none before its child has ended
	_ = c.Wait()
}

var (
	opened   = regexp.MustCompile(`openat\(.*"[^"]*/log\.db", O_RDWR.*= (\d+)$`)
	syncing  = regexp.MustCompile(`^(\d+) +fdatasync\((\d+)(.*)$`)
	resumed  = regexp.MustCompile(`^(\d+) +<\.\.\. fdatasync resumed>\) += 0`)
	answered = regexp.MustCompile(`write\(\d+, "HTTP/1\.1 200 OK`)
)

// synced counts the answers, each of which must have a finished fdatasync of the log since the one before.
func synced(t *testing.T, trace string) (answers int) {
	log, pending, done := map[string]bool{}, map[string]bool{}, false
	for line := range strings.SplitSeq(trace, "\n") {
		if m := opened.FindStringSubmatch(line); m != nil {
			log[m[1]] = true
		}
		if m := syncing.FindStringSubmatch(line); m != nil && log[m[2]] {
			pending[m[1]] = strings.Contains(m[3], "unfinished")
			done = done || strings.HasSuffix(m[3], "= 0")
		}
		if m := resumed.FindStringSubmatch(line); m != nil && pending[m[1]] {
			pending[m[1]], done = false, true
		}
		if answered.MatchString(line) {
			answers++
			if !done {
				t.Errorf("answer %d came before its text was on stable storage", answers)
			}
			done = false
		}
	}
	return answers
}

// TestFailedSync: after an fdatasync that failed the relay reads its log from the disk and not from memory, where it may
// be more than the disk got, and goes on by itself. Every text is in the log once: what got 200, what got 503 and came
// again, and what got 503 and was fetched.
func TestFailedSync(t *testing.T) {
	b := besiege(t)
	b.once()
	trace := filepath.Join(t.TempDir(), "trace")
	c := b.serve("strace", "-f", "-o", trace, "-e", "trace=openat,close,mmap,munmap,fadvise64,fdatasync",
		"-e", "inject=fdatasync:error=EIO:when=20") // in each thread; to start takes fewer
	b.hears("ready")
	var all, missed []string
	for n := 0; len(missed) == 0 && n < 2000; n++ {
		d := b.text(n, "")
		if d.Status == http.StatusServiceUnavailable {
			missed = append(missed, d.SID, b.text(n+1, "").SID)
		} else if d.Status != http.StatusOK {
			t.Fatalf("text %d was answered %d", n, d.Status)
		}
		all = append(all, d.SID)
	}
	if len(missed) == 0 {
		t.Fatal("nothing failed")
	}
	again := b.text(0, missed[0])
	for deadline := time.Now().Add(patience); again.Status != http.StatusOK && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		again = b.text(0, missed[0])
	}
	if again.Status != http.StatusOK {
		t.Fatalf("it does not come back: %d", again.Status)
	}
	ends(c)
	now := time.Now() // the carrier tells seconds, and what it has had for none may still be on its way
	time.Sleep(time.Until(now.Truncate(time.Second).Add(time.Second)))
	last := b.serve() // which fetches what was missed first
	b.hears("was seen whole")
	if err := errors.Join(last.Process.Signal(os.Interrupt), last.Wait()); err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for _, e := range b.log() {
		ids[e.ID]++
	}
	for _, sid := range append(all, missed...) {
		if ids[sid] != 1 {
			t.Errorf("a text is in the log %d times", ids[sid])
		}
	}
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if dropped(t, string(raw)) == 0 {
		t.Error("what is in memory of the log was never dropped after an fdatasync that failed")
	}
}

var (
	unfinished = regexp.MustCompile(`^(\d+) +(.*) <unfinished \.\.\.>$`)
	finished   = regexp.MustCompile(`^(\d+) +<\.\.\. \w+ resumed>(.*)$`)
	gives      = regexp.MustCompile(`^(?:close|munmap)\(`) // back what it names, as soon as it begins
	call       = regexp.MustCompile(`^(?:\d+ +)?(\w+)\((.*?)\)? += (\S+)(.*)$`)
)

// dropped counts how often a log whose sync had failed was mapped no more and closed, and what was in memory of it dropped;
// until then it is not mapped again. A sync that fails as the relay stops, in whichever thread, is followed by neither.
func dropped(t *testing.T, trace string) (drops int) {
	half, logs, maps := map[string]string{}, map[string]bool{}, map[string]bool{}
	due := false
	for line := range strings.SplitSeq(trace, "\n") {
		if m := unfinished.FindStringSubmatch(line); m != nil {
			half[m[1]] = m[2]
			if !gives.MatchString(m[2]) {
				continue
			}
			line = m[2] + ") = ?" // another thread may be given the same before this one is told
		} else if m := finished.FindStringSubmatch(line); m != nil {
			if line = half[m[1]] + m[2]; gives.MatchString(line) {
				continue
			}
		}
		m := call.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		args, result := strings.Split(m[2], ", "), m[3]
		switch m[1] {
		case "openat":
			logs[result] = strings.HasSuffix(args[1], "/log.db\"")
		case "close":
			delete(logs, args[0])
		case "fdatasync":
			if logs[args[0]] && result == "-1" {
				due = true
			}
		case "mmap":
			if logs[args[4]] {
				maps[result] = true
				if due {
					t.Error("the log was read from memory")
				}
			}
		case "munmap":
			delete(maps, args[0])
		case "fadvise64":
			if logs[args[0]] && args[3] == "POSIX_FADV_DONTNEED" && result == "0" {
				if len(maps) > 0 {
					t.Error("the log was still mapped")
				}
				if due {
					drops++
				}
				due = false
			}
		}
	}
	return drops
}
