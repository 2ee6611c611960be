package relay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"befree.example/cmd/internal/relay"
	"befree.example/store/desk"
)

// Whoever changes the staff at the same time as others changes it after or before them.
func TestStaffIsChangedByOneAfterAnother(t *testing.T) {
	f := relay.StaffFile(filepath.Join(t.TempDir(), "data", "staff.toml"))
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			name := fmt.Sprintf("ada%d", i)
			if _, err := f.Add(name, desk.Specialist); err != nil {
				t.Error(err)
			}
			if err := f.SetRole(name, desk.Supervisor); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	members, err := f.Members()
	if err != nil || len(members) != 24 {
		t.Fatalf("%d members, %v", len(members), err)
	}
	for _, m := range members {
		if m.Role != desk.Supervisor || len(m.Codes) != 1 {
			t.Errorf("%+v", m)
		}
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(string(f)), ".staff*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if info, err := os.Stat(string(f)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// A file of an older befree, with secret files' keys, is read: nobody in it can sign in before they have a code.
func TestStaffOfAnOlderBefree(t *testing.T) {
	f := relay.StaffFile(filepath.Join(t.TempDir(), "staff.toml"))
	old := "[[staff]]\nname = 'ada'\nrole = 'specialist'\nkey = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='\n"
	if err := os.WriteFile(string(f), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := f.Read(); err != nil || len(s.Roles()) != 0 {
		t.Fatalf("%v, %v", s.Members, err)
	}
	if _, err := f.Invite("ada"); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(string(f))
	if err != nil || strings.Contains(string(raw), "AAAAAAA") || !strings.Contains(string(raw), "ada") {
		t.Fatalf("%s, %v", raw, err)
	}
}

func TestStaffFileThatCannotBeReadChangesNothing(t *testing.T) {
	f := relay.StaffFile(filepath.Join(t.TempDir(), "staff.toml"))
	if _, err := f.Add("ada", desk.Specialist); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(string(f))
	if err != nil {
		t.Fatal(err)
	}
	broken := append(raw, "[[staff]]\nname = 'ada'\nrole = 'specialist'\n"...)
	if err := os.WriteFile(string(f), broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Add("ben", desk.Specialist); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Fatalf("added to a file with a mistake: %v", err)
	}
	if after, err := os.ReadFile(string(f)); err != nil || string(after) != string(broken) {
		t.Fatal("the file was changed", err)
	}
}
