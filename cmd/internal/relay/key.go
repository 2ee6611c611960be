package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"befree.example/store/seal"
)

// keyCommandMost is how long the command that prints the key may take.
const keyCommandMost = 30 * time.Second

// String says where the key comes from, not the command, in which a secret may stand.
func (k Key) String() string {
	if k.Command != "" {
		return "the master key that --key-command prints"
	}
	return "key file " + k.File
}

// master gives the key of a data folder. Only a file is made where there is none yet: what a command prints is the
// operator's, and another key than before opens nothing.
func (k Key) master(ctx context.Context, dir string, fresh bool) (m seal.Master, err error) {
	if k.Command != "" {
		return k.ask(ctx)
	}
	if within(k.File, dir) {
		return m, fmt.Errorf("key file %s lies in the data folder, where whoever copies the one has the other; name a place elsewhere", k.File)
	}
	m, err = seal.LoadMaster(k.File)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if !fresh {
		return m, fmt.Errorf("key file %s is missing: without it nothing in the data folder can be read; restore it", k.File)
	}
	return seal.CreateMaster(k.File)
}

// within tells whether a file lies in a folder, by whatever names.
func within(file, dir string) bool {
	rel, err := filepath.Rel(resolved(dir), resolved(file))
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// resolved is a path without links, as far as it is there.
func resolved(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if whole, err := filepath.EvalSymlinks(path); err == nil {
		return whole
	}
	if parent, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(parent, filepath.Base(path))
	}
	return path
}

// ask runs the command. Neither it nor what it says stands in an error.
func (k Key) ask(ctx context.Context) (m seal.Master, err error) {
	ctx, cancel := context.WithTimeout(ctx, keyCommandMost)
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", k.Command)
	if runtime.GOOS == "windows" {
		command = exec.CommandContext(ctx, "cmd", "/c", k.Command)
	}
	command.Stderr = os.Stderr // the operator's own
	said, err := command.Output()
	if err != nil {
		return m, fmt.Errorf("--key-command: %w; run it by hand to see what it says", err)
	}
	m, err = seal.ReadMaster(bytes.NewReader(said))
	if err != nil {
		err = fmt.Errorf("--key-command: %w: it must print the one line of a key file; befree-relay key makes a new one", err)
	}
	return m, err
}
