package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMasterPrintsNothing(t *testing.T) {
	m := NewMaster()
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("key", "master", m)
	asJSON, err := json.Marshal(m) //nolint:staticcheck // that it gives nothing is what is tested
	if err != nil {
		t.Fatal(err)
	}
	if got := string(asJSON); got != "{}" {
		t.Errorf("JSON %s", got)
	}
	if !strings.Contains(logged.String(), `"master":"master key"`) {
		t.Errorf("log %s", logged.String())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
		if got := fmt.Sprintf(verb, m); got != masked {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if m.String() != masked || m.GoString() != masked {
		t.Error("String or GoString shows something")
	}
}

func TestCreateThenLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "befree.key")
	made, err := CreateMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadMaster(path)
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Equal(made) || loaded.Equal(NewMaster()) {
		t.Error("another key was loaded")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("in the folder: %v, %v", left, err)
	}
}

func TestCreateNeverReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "befree.key")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateMaster(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create over a file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "mine" {
		t.Errorf("it holds %q, %v", text, err)
	}
}

func TestLoadRefusesAnExposedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "befree.key")
	if _, err := CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]error{
		0o600: nil, 0o400: nil,
		0o640: ErrExposed, 0o604: ErrExposed, 0o620: ErrExposed, 0o602: ErrExposed, 0o601: ErrExposed, 0o777: ErrExposed,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadMaster(path)
		if !errors.Is(err, want) {
			t.Errorf("mode %v: %v", mode, err)
		}
		if want != nil && !strings.Contains(err.Error(), "run chmod 600 "+path) {
			t.Errorf("mode %v: %q does not say what to do", mode, err)
		}
	}
}

func TestLoadRefusesDamage(t *testing.T) {
	dir := t.TempDir()
	good := NewMaster().printed()
	cases := map[string]string{
		"empty": "", "text": "hello", "cut": good[:len(good)-1], "longer": good + "a", "no prefix": strings.TrimPrefix(good, printedPrefix), "broken": good[:30] + "\n" + good[30:],
		"twice": good + "\n" + good, "upper case": strings.ToUpper(good), "other version": strings.Replace(good, "-1-", "-2-", 1),
	}
	for i := len(printedPrefix); i < len(good); i++ {
		other := byte('a')
		if good[i] == other {
			other = 'b'
		}
		cases[fmt.Sprint("digit ", i)] = good[:i] + string(other) + good[i+1:]
	}
	for name, text := range cases {
		path := filepath.Join(dir, "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := LoadMaster(path); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, %v", name, m, err)
		} else if len(text) > 9 && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	if _, err := LoadMaster(dir); !errors.Is(err, ErrKey) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := LoadMaster(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestPrintedFormStays holds the form of files that are already out there; this one was computed by an independent
// program.
func TestPrintedFormStays(t *testing.T) {
	const printed = "befree-master-1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dyp7t2rfgnew3qug"
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	m := Master{hide(key)}
	if got := m.printed(); got != printed {
		t.Errorf("printed as %s", got)
	}
	read, err := parseMaster("\t" + printed + "\r\n")
	if err != nil || !read.Equal(m) {
		t.Errorf("read as another: %v", err)
	}
}

func TestZeroMasterSealsNothing(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the zero Master makes a ring")
		}
	}()
	NewRing(Master{}, new(MemoryKeys), classOf)
}
