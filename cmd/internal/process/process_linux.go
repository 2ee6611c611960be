package process

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// setDumpable says whether other processes of the same user may read this one's memory and environment.
func setDumpable(may bool) {
	value := uintptr(0)
	if may {
		value = 1
	}
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, value, 0, 0, 0)
}

func replaceStderr(fd int) error { return unix.Dup3(fd, 2, 0) }

// scrub overwrites the value of a variable where the kernel shows it to others: in the memory that this process was
// started with.
func scrub(name string) {
	setDumpable(true) // else only root may open its own memory
	defer setDumpable(false)
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer memory.Close()
	begin, end := environment()
	block := make([]byte, end-begin)
	if _, err := memory.ReadAt(block, begin); err != nil {
		return
	}
	for at := 0; at < len(block); {
		length := bytes.IndexByte(block[at:], 0)
		if length < 0 {
			length = len(block) - at
		}
		if entry := block[at : at+length]; bytes.HasPrefix(entry, []byte(name+"=")) {
			_, _ = memory.WriteAt(bytes.Repeat([]byte{'x'}, length-len(name)-1), begin+int64(at+len(name)+1))
		}
		at += length + 1
	}
}

// memory is what the machine has, or less where a cgroup may not have as much.
func memory() uint64 {
	var machine unix.Sysinfo_t // a sandbox may not show /proc/meminfo
	if unix.Sysinfo(&machine) != nil {
		return 0
	}
	return min(uint64(machine.Totalram)*uint64(machine.Unit), cgroupMemory("/proc/self/cgroup", "/sys/fs/cgroup")) //nolint:unconvert // their types differ from machine to machine
}

// cgroupMemory is the least that the cgroup (v2) of this process, and each that it stands in, may have.
func cgroupMemory(file, root string) uint64 {
	least := uint64(math.MaxUint64)
	raw, _ := os.ReadFile(file)
	for line := range strings.Lines(string(raw)) {
		group, v2 := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for group = filepath.Clean("/" + group); v2; group = filepath.Dir(group) {
			most, _ := os.ReadFile(filepath.Join(root, group, "memory.max"))
			if n, err := strconv.ParseUint(strings.TrimSpace(string(most)), 10, 64); err == nil { // it may be "max"
				least = min(least, n)
			}
			if group == "/" {
				break
			}
		}
	}
	return least
}

// environment is where the first environment of this process stands in its memory.
func environment() (begin, end int64) {
	raw, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:]) // the third of the page proc_pid_stat(5) is the first here
	if len(fields) < 49 {
		return 0, 0
	}
	begin, _ = strconv.ParseInt(string(fields[47]), 10, 64)
	end, _ = strconv.ParseInt(string(fields[48]), 10, 64)
	return begin, max(begin, end)
}
