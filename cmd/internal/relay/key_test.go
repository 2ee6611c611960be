package relay_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/seal"
)

// The same key from a command opens what was sealed with the file, and what came before is known by its ID.
func TestMasterKeyFromACommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	key := relay.KeyFile(dir)
	d, err := relay.OpenData(t.Context(), dir, key)
	if err != nil {
		t.Fatal(err)
	}
	e, err := desk.NewState(desk.Policy{}).Decide(inbound("SM1"), store.Event{}.At)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	vault := filepath.Join(t.TempDir(), "vault")
	if err := os.Rename(key.File, vault); err != nil {
		t.Fatal(err)
	}
	if _, err = relay.OpenData(t.Context(), dir, key); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Fatalf("without its key: %v", err)
	}
	d, err = relay.OpenData(t.Context(), dir, relay.Key{Command: "cat '" + vault + "'"})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := d.Find(t.Context(), "SM1"); err != nil || !strings.Contains(string(found.Body), "hello") {
		t.Fatal("what came before is not known any more", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"false", "echo tangerine", "cat '" + filepath.Join(filepath.Dir(vault), "none") + "' 2>&-", "printf %s '" + seal.NewMaster().Reveal() + "'"} {
		if d, err := relay.OpenData(t.Context(), dir, relay.Key{Command: command}); err == nil || strings.Contains(err.Error(), "tangerine") || strings.Contains(err.Error(), "befree-master") {
			t.Errorf("%s: %v, %v", command, d, err)
		}
	}
}

func TestMasterKeyIsNotKeptWithTheData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	link := filepath.Join(t.TempDir(), "elsewhere")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Symlink(dir, link)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(dir, "key"), filepath.Join(link, "key"), filepath.Join(dir, "..", "data", "a.key")} {
		if _, err := relay.OpenData(t.Context(), dir, relay.Key{File: file}); err == nil || !strings.Contains(err.Error(), "lies in the data folder") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestOwnCertificateStaysTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.tls")
	_, first, err := relay.OwnCertificate(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, again, err := relay.OwnCertificate(path); err != nil || string(again) != string(first) {
		t.Fatalf("another one the second time: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := relay.OwnCertificate(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("one that others can read: %v", err)
	}
}
