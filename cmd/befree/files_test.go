package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What befree wrote is written over before its name goes: whoever has the file open finds nothing in it.
func TestForgottenFilesAreWrittenOver(t *testing.T) {
	in := folder(filepath.Join(t.TempDir(), "files"))
	words := bytes.Repeat([]byte("Rosa has a spare key. "), 5000)
	path, err := in.save("plan-opal-mill", ".md", words)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(string(in)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	open, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	root, err := os.OpenRoot(string(in))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if made := in.made(); len(made) != 1 || made[0] != filepath.Base(path) {
		t.Fatalf("it made %q", made)
	}
	if err := forget(root, filepath.Base(path)); err != nil {
		t.Fatal(err)
	}
	left := make([]byte, len(words)+1)
	if n, _ := open.Read(left); n != len(words) || !bytes.Equal(left[:n], make([]byte, n)) {
		t.Errorf("%d bytes are left, which begin with %q", n, left[:20])
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("its name is left: %v", err)
	}
}

// A name that came to lead elsewhere after it was listed is deleted, and nothing behind it is touched.
func TestNothingElseIsWrittenOver(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "theirs")
	for _, link := range []func(string, string) error{os.Link, os.Symlink} {
		if err := os.WriteFile(theirs, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := link(theirs, filepath.Join(dir, "plan-opal-mill-1.md")); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := forget(root, "plan-opal-mill-1.md"); err != nil {
			t.Error(err)
		}
		if raw, err := os.ReadFile(theirs); err != nil || string(raw) != "theirs" {
			t.Errorf("it became %q, %v", raw, err)
		}
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	}
}
