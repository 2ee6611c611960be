package cmd_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"befree.example/store/seal"
)

// remembers NAME PROFILE KNOWN: somewhere in the memory of the console, or of its warden, stand each line of the file
// KNOWN and the key by which the profile's data keys are wrapped; ! remembers waits until none of them stands anywhere,
// nor the passphrase, the master key, or the key that covers the file. Only root may look.
func remembers(ts *testscript.TestScript, neg bool, args []string) {
	if os.Geteuid() != 0 {
		ts.Logf("only root may read the memory of befree: not looked at")
		return
	}
	secrets := keysOf(ts, args[1])
	if !neg { // of these Go may have used the memory again by now
		delete(secrets, "passphrase")
		delete(secrets, "master key")
	}
	for known := range strings.Lines(ts.ReadFile(args[2])) {
		secrets["words: "+strings.TrimSpace(known)] = []byte(strings.TrimSpace(known))
	}
	console, err := strconv.Atoi(ts.ReadFile(args[1] + "/cache.db.pid"))
	ts.Check(err)
	pids := []int{console, terminalOf(ts, args[0]).cmd.Process.Pid}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		found, size := map[string]bool{}, 0
		for _, pid := range pids {
			size += inMemory(ts, pid, secrets, found)
		}
		if neg && len(found) == 0 || !neg && len(found) == len(secrets) {
			ts.Logf("%d of %d secrets in %d MB", len(found), len(secrets), size>>20)
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("of %d secrets, these stand in %d MB of memory: %v", len(secrets), size>>20, found)
		}
	}
}

// keysOf are the keys of a profile's cache, and what opens it.
func keysOf(ts *testscript.TestScript, profile string) map[string][]byte {
	passphrase := []byte(strings.TrimSpace(ts.ReadFile("pass")))
	var lock struct {
		Passphrase seal.Envelope `json:"passphrase"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(profile+"/cache.db.key")), &lock))
	master, err := lock.Passphrase.Open(passphrase)
	ts.Check(err)
	printed := master.Reveal()
	raw, err := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).DecodeString(printed[strings.LastIndex(printed, "-")+1:])
	ts.Check(err)
	secrets := map[string][]byte{"passphrase": passphrase, "master key": raw[:32]}
	for purpose, name := range map[string]string{"wrapping 1": "the key that wraps", "cover 1": "the cover's key"} {
		secrets[name], err = hkdf.Key(sha256.New, raw[:32], nil, "befree "+purpose, 32)
		ts.Check(err)
	}
	return secrets
}

// mapped is a line of what the kernel says of a process's memory.
var mapped = regexp.MustCompile(`(?m)^([0-9a-f]+)-([0-9a-f]+) r.*$`)

// inMemory marks what stands in the memory of a process, and tells how much there was to look at.
func inMemory(ts *testscript.TestScript, pid int, secrets map[string][]byte, found map[string]bool) (size int) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	ts.Check(err)
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	ts.Check(err)
	defer memory.Close()
	const piece, overlap = 1 << 20, 256
	buffer := make([]byte, piece+overlap)
	for _, m := range mapped.FindAllSubmatch(maps, -1) {
		from, _ := strconv.ParseInt(string(m[1]), 16, 64)
		to, err := strconv.ParseInt(string(m[2]), 16, 64)
		if err != nil {
			continue // the kernel's own, above what fits
		}
		for ; from < to; from += piece {
			n, err := memory.ReadAt(buffer[:min(piece+overlap, to-from)], from)
			for name, secret := range secrets {
				if bytes.Contains(buffer[:n], secret) {
					found[name] = true
				}
			}
			if size += n; err != nil && err != io.EOF {
				break // nothing lies behind it, such as beyond the end of a file
			}
		}
	}
	return size
}

// raw NAME PATTERN waits until the program has written the pattern to the terminal, control sequences and all; ! raw: it
// never has.
func raw(ts *testscript.TestScript, neg bool, args []string) {
	t, pattern := terminalOf(ts, args[0]), regexp.MustCompile(args[1])
	for deadline := time.After(patience); ; {
		t.mu.Lock()
		there, changed := pattern.Match(t.raw.Bytes()), t.changed
		t.mu.Unlock()
		switch {
		case there && neg:
			ts.Fatalf("%s's terminal got %q", args[0], args[1])
		case there || neg:
			return
		}
		select {
		case <-changed:
		case <-deadline:
			ts.Fatalf("%s's terminal never got %q", args[0], args[1])
		}
	}
}
