package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"befree.example/cmd/internal/config"
)

func TestPrivateFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("secret words"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode       os.FileMode
		words, key bool // are taken
	}{{0o600, true, true}, {0o400, true, true}, {0o640, false, true}, {0o644, false, false}, {0o602, false, false}} {
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		raw, err := config.ReadPrivate("--token-file", path)
		if (err == nil) != c.words || (string(raw) == "secret words") != c.words {
			t.Errorf("%o: %q, %v", c.mode, raw, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "chmod 600") && !strings.Contains(err.Error(), "chmod 6")) {
			t.Errorf("%o: %v does not say what to do", c.mode, err)
		}
		t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path))
		if _, err := config.ReadPrivate("--token-file", path); (err == nil) != c.key {
			t.Errorf("a credential of systemd's, %o: %v", c.mode, err)
		}
		t.Setenv("CREDENTIALS_DIRECTORY", "")
		if err := config.CheckKey("--tls-key", path); (err == nil) != c.key {
			t.Errorf("a key, %o: %v", c.mode, err)
		}
	}
}

// A settings file is anybody's to read, unless an address in it has a password.
func TestSettingsWithAPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "befree.toml")
	for content, want := range map[string]bool{
		"listen = \"https://relay.example.org:8443/line\"\n":   true,
		"listen = \"https://ada:secret@relay.example.org\"\n":  false,
		"listen = \"https://a b:\"\n# ada@relay.example.org\n": true,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, 0o644); err != nil { // whatever the umask
			t.Fatal(err)
		}
		var got serve
		err := config.Run(t.Context(), "test", "", []string{"serve", "--config", file}, quiet(), &grammar{Serve: serve{got: &got}})
		if (err == nil) != want || err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("%q: %v", content, err)
		}
	}
}
