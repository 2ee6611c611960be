//go:build strace

package cmd_test

import (
	"fmt"
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
	bin, folder, trace := t.TempDir(), filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "trace")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin+string(filepath.Separator), "./befree-relay").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	address, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	carrier, err := twiliotest.New(twiliotest.Config{Number: number})
	if err != nil {
		t.Fatal(err)
	}
	defer carrier.Close()
	carrier.Reach(publicURL, "http://"+address)
	c := exec.CommandContext(t.Context(), "strace", "-f", "-o", trace, "-s", "64", "-e", "trace=openat,fdatasync,write",
		filepath.Join(bin, "befree-relay"), "serve", "--data", folder, "--listen", address, "--carrier", "twilio", "--number", number,
		"--public-url", publicURL, "--twilio-account", twiliotest.Account, "--twilio-api", carrier.URL())
	c.Env = append(os.Environ(), "BEFREE_TWILIO_TOKEN="+twiliotest.Token)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for n := range texts {
		d := carrier.Text(t.Context(), twiliotest.Text{From: "+12025550147", Body: fmt.Sprint("he locked me in ", n)})
		for tries := 0; d.Status != 200 && n == 0 && tries < 100; tries++ { // it is starting
			time.Sleep(50 * time.Millisecond)
			d = carrier.Text(t.Context(), twiliotest.Text{From: "+12025550147", Body: "he locked me in"})
		}
		if d.Status != 200 {
			t.Fatalf("text %d was answered %d", n, d.Status)
		}
	}
	_ = syscall.Kill(-c.Process.Pid, syscall.SIGINT) // of both; strace itself heeds none before its child has ended
	_ = c.Wait()
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	if answered := synced(t, string(raw)); answered < texts {
		t.Errorf("only %d answers are in the trace", answered)
	}
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
