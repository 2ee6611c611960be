package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"befree.example/cmd/internal/config"
	"befree.example/store/seal"
	"befree.example/tui/speech"
)

// The system's key ring opens a cache, by choice; without it, or once it is not chosen any more, the passphrase does.
func TestKeyRing(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	file := filepath.Join(dir, "pass")
	if err := os.WriteFile(file, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := profile{Name: "ada", Profile: filepath.Join(dir, "ada"), Passphrase: file}
	var said bytes.Buffer
	std := &config.Std{In: strings.NewReader(""), Out: io.Discard, Err: &said}
	open := func(p profile) error {
		said.Reset()
		c, err := p.open(std)
		if err != nil {
			return err
		}
		return c.Close()
	}
	c, err := p.begin(std)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	alone := p
	alone.Passphrase = ""
	if err := open(alone); err == nil {
		t.Fatal("opened by nothing")
	}
	if err := (&passphraseCmd{profile: p, KeyRing: "use"}).Run(std, speech.For("en")); err != nil {
		t.Fatal(err)
	}
	if err := open(alone); err != nil {
		t.Fatalf("the key ring does not open it: %v", err)
	}
	if secret, err := keyring.Get(ringService, p.ringEntry()); err != nil || strings.Contains(secret, "correct horse") {
		t.Fatalf("the key ring has %q, %v", secret, err)
	}
	keyring.MockInitWithError(errors.New("the session bus is gone"))
	if err := open(p); err != nil || !strings.Contains(said.String(), "the passphrase does as well") {
		t.Fatalf("without a key ring: %v; it said %q", err, said.String())
	}
	keyring.MockInit()
	if err := open(p); err != nil {
		t.Fatalf("with an empty key ring: %v", err)
	}
	if err := (&passphraseCmd{profile: p, KeyRing: "leave"}).Run(std, speech.For("en")); err != nil {
		t.Fatal(err)
	}
	if err := open(alone); err == nil {
		t.Fatal("the key ring opens it still")
	}
	if err := os.WriteFile(file, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(p); !errors.Is(err, seal.ErrPassphrase) {
		t.Fatal(err)
	}
}
