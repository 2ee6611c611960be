package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
)

// Who else may have read a file.
const (
	others  fs.FileMode = 0o007
	anybody fs.FileMode = 0o077 // but its owner
)

// ReadPrivate reads a file that holds a secret, named by a flag. One that others than its owner may read is refused: it
// has to be taken for known.
func ReadPrivate(flag, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	defer f.Close()
	not := anybody
	if given := os.Getenv("CREDENTIALS_DIRECTORY"); given != "" && filepath.Dir(path) == filepath.Clean(given) {
		not = others // systemd keeps it for one service, by means that show as a group's
	}
	if err := private(f, not); err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return raw, nil
}

// CheckKey refuses the private key of a certificate where everybody on this machine may read it. A group may: what
// renews certificates leaves it so.
func CheckKey(flag, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	defer f.Close()
	if err := private(f, others); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

func private(f *os.File, not fs.FileMode) error {
	info, err := f.Stat()
	if err != nil || runtime.GOOS == "windows" { // there files have no such bits
		return err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&not != 0 {
		return fmt.Errorf("%s can be read or written by others: chmod %o it, and change what it holds if it may have been read",
			f.Name(), info.Mode().Perm()&^not)
	}
	return nil
}

// address is one with a password in it.
var address = regexp.MustCompile(`[a-z]://[^/\s"'@:]*:[^/\s"'@]+@`)

var errInArgs = errors.New("an address with a password stands in the command line, where everybody on this machine can read it; put it into the settings file or a variable")

// checkArgs refuses secrets in the command line. No flag is for one, but an address can hold one.
func checkArgs(args []string) error {
	for _, a := range args {
		if address.MatchString(a) {
			return errInArgs
		}
	}
	return nil
}
