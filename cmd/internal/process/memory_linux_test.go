package process

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestMemoryOfACgroup(t *testing.T) {
	for name, tt := range map[string]struct {
		group string
		most  map[string]string // what memory.max of each says
		want  uint64
	}{
		"its own":                {"0::/system.slice/befree.service", map[string]string{"system.slice/befree.service": "536870912", "system.slice": "max"}, 512 << 20},
		"one that it stands in":  {"0::/system.slice/befree.service", map[string]string{"system.slice/befree.service": "max", "system.slice": "1073741824"}, 1 << 30},
		"the least of all":       {"0::/a/b", map[string]string{"a/b": "3", "a": "2", "": "4"}, 2},
		"a container's":          {"0::/", map[string]string{"": "268435456"}, 256 << 20},
		"none":                   {"0::/a", map[string]string{"a": "max"}, math.MaxUint64},
		"an older kernel's kind": {"4:memory:/a", map[string]string{"a": "1"}, math.MaxUint64},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for group, most := range tt.most {
				if err := os.MkdirAll(filepath.Join(root, group), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, group, "memory.max"), []byte(most+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			file := filepath.Join(t.TempDir(), "cgroup")
			if err := os.WriteFile(file, []byte("9:name=systemd:/elsewhere\n"+tt.group+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := cgroupMemory(file, root); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}
