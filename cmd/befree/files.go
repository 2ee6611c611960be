package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/adrg/xdg"

	"befree.example/cmd/internal/config"
	"befree.example/tui/speech"
	"befree.example/tui/text"
)

// A folder is the one in which befree writes what is not sealed: plans, attachments and exports. What else somebody puts
// there is theirs.
type folder string

func (p *profile) files() folder { return folder(filepath.Join(p.Profile, "files")) }

// itsNames are those that save gives.
var itsNames = regexp.MustCompile(`^(plan|attachment|export)-[a-z]+-[a-z]+-[0-9]+\.[a-z0-9]+$`)

// save writes a new file that its owner alone can read.
func (in folder) save(name, ending string, data []byte) (path string, err error) {
	whole, err := filepath.Abs(string(in))
	if err == nil {
		err = os.MkdirAll(whole, 0o700)
	}
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(whole, name+"-*"+ending) // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Close())
}

// look lists what befree made and is still there, and the names of all else.
func (in folder) look() (made, others []string, err error) {
	entries, err := os.ReadDir(string(in))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range entries {
		if e.Type().IsRegular() && itsNames.MatchString(e.Name()) {
			made = append(made, e.Name())
		} else {
			others = append(others, e.Name())
		}
	}
	return made, others, err
}

// made lists the names of what befree made and is still there, as far as that can be told.
func (in folder) made() []string {
	made, _, _ := in.look()
	return made
}

// forget writes over a file that befree made, and deletes it. What bears its name and is also somebody's under another is
// deleted under this one alone.
func forget(root *os.Root, name string) error {
	is, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if is.Mode().IsRegular() && onlyName(is) {
		err = blank(root, name, is)
	}
	return errors.Join(err, root.Remove(name))
}

// blank writes zeros over a file, if it is still the one that was looked at.
func blank(root *os.Root, name string, is fs.FileInfo) error {
	f, err := root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil || !os.SameFile(is, opened) {
		return err
	}
	if _, err := io.CopyN(f, zeros{}, opened.Size()); err != nil {
		return err
	}
	return f.Sync()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

type forgetFilesCmd struct {
	profile
	Yes bool `help:"Do not ask." env:"-"`
}

// Run deletes what befree wrote of conversations on this machine, and says what remains.
func (c *forgetFilesCmd) Run(std *config.Std, spoken *speech.Speech) error {
	c.speech = spoken
	if _, err := os.Stat(c.Profile); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no profile %s: look at --name again, nothing was deleted", c.Profile)
	}
	in := c.files()
	made, others, err := in.look()
	if err != nil {
		return err
	}
	if len(made) == 0 {
		fmt.Fprintln(std.Out, c.says().T("There is no file of befree's in {{.Folder}}.", "Folder", in))
		c.remain(std, others)
		return nil
	}
	if !c.Yes {
		if sure, err := c.sure(std, len(made)); err != nil || !sure {
			return err
		}
	}
	root, err := os.OpenRoot(string(in))
	if err != nil {
		return err
	}
	defer root.Close()
	gone := 0
	for _, name := range made {
		one := forget(root, name)
		if one == nil {
			gone++
		}
		err = errors.Join(err, one)
	}
	fmt.Fprintln(std.Out, c.says().N(gone, "{{.N}} files were deleted, and written over first unless they have another name too."))
	fmt.Fprintln(std.Out, c.says().T("What may remain: copies that somebody made, backups of this machine, and, on an SSD or a disk that never writes in place, old blocks that nobody but a laboratory reads. An encrypted disk keeps those shut."))
	c.remain(std, others)
	return err
}

// sure asks whoever sits there.
func (c *forgetFilesCmd) sure(std *config.Std, n int) (bool, error) {
	if terminal(std.In) == nil {
		return false, errors.New("there is no terminal to ask whether you are sure; say --yes")
	}
	fmt.Fprint(std.Err, c.says().N(n, "{{.N}} files in {{.Folder}} will be gone for good. Delete them? y/N", "Folder", c.files())+" ")
	answer, err := bufio.NewReader(std.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	sure := slices.Contains([]string{"y", "yes", "s", "si", "sí"}, strings.ToLower(strings.TrimSpace(answer)))
	if !sure {
		fmt.Fprintln(std.Out, c.says().T("Nothing was deleted."))
	}
	return sure, nil
}

// remain names what befree did not make and so leaves alone, and what an older one may have made in the home folder, where
// everything else of somebody's is.
func (c *forgetFilesCmd) remain(std *config.Std, others []string) {
	for _, name := range others {
		fmt.Fprintln(std.Out, c.says().T("Left, as befree did not make it: {{.File}}", "File", text.Line(filepath.Join(string(c.files()), name))))
	}
	for _, name := range folder(xdg.Home).made() {
		fmt.Fprintln(std.Out, c.says().T("Left, perhaps of an older befree, which wrote there; look whether it is, and delete it: {{.File}}", "File", text.Line(filepath.Join(xdg.Home, name))))
	}
}
