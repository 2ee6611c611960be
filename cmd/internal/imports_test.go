package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "befree.example/"

// rooms are the folders from the inside out: what stands later may import what stands before, never the other way. A
// package is in the room with the longest name that it begins with.
var rooms = []string{"store", "store/", "client/wire", "client", "tui", "cmd/internal/", "cmd"}

// leaves of store import nothing of befree but each other's leaves named here.
var leaves = map[string][]string{
	"store":        {},
	"store/sms":    {},
	"store/triage": {"store/sms"},
	"store/plan":   {"store/sms"},
	"store/desk":   {"store", "store/sms", "store/triage", "store/plan"},
	"store/tree":   {"store"},
	"store/seal":   {"store", "store/tree"},
	"store/search": {"store/triage"},
}

func room(path string) int {
	found := -1
	for i, name := range rooms {
		within := path == name || strings.HasPrefix(path, strings.TrimSuffix(name, "/")+"/")
		if within && (found < 0 || len(name) > len(rooms[found])) {
			found = i
		}
	}
	return found
}

func TestImportsRunOneWay(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages++
		from := strings.TrimPrefix(p.ImportPath, module)
		if room(from) < 0 {
			t.Errorf("%s stands in no room", from)
		}
		for _, path := range p.Imports {
			to, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			if room(to) > room(from) {
				t.Errorf("%s imports %s, which stands further out", from, to)
			}
			if may, leaf := leaves[from]; leaf && !slices.Contains(may, to) {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
	if packages < len(leaves) {
		t.Fatalf("only %d packages were looked at", packages)
	}
}
