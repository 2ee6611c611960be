package seal

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// maxFile bounds what is read of a key file, in bytes.
const maxFile = 1024

// posix tells whether files have permission bits, and folders can be synced.
const posix = runtime.GOOS != "windows"

// LoadMaster reads the key file at path. One that its group or others may read or write gives [ErrExposed], one that
// is damaged [ErrKey], none at all [io/fs.ErrNotExist].
func LoadMaster(path string) (Master, error) {
	f, err := os.Open(path)
	if err != nil {
		return Master{}, err
	}
	defer f.Close()
	if err := checkPrivate(f); err != nil {
		return Master{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return Master{}, fmt.Errorf("read key file: %w", err)
	}
	m, err := parseMaster(string(text))
	if err != nil {
		return Master{}, fmt.Errorf("%s: %w: put back your copy of it", path, err)
	}
	return m, nil
}

func checkPrivate(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w: it is not a file", f.Name(), ErrKey)
	}
	if posix && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: run chmod 600 %s", ErrExposed, f.Name())
	}
	return nil
}

// CreateMaster makes a random key and its file at path, mode 0600, which is whole and on stable storage when
// CreateMaster returns. It never replaces a file: one that is there gives [io/fs.ErrExist].
func CreateMaster(path string) (Master, error) {
	m := NewMaster()
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".befree-key-*") // mode 0600
	if err != nil {
		return Master{}, err
	}
	defer os.Remove(temp.Name())
	if err := writeSynced(temp, m.printed()+"\n"); err != nil {
		return Master{}, fmt.Errorf("write key file: %w", err)
	}
	if err := os.Link(temp.Name(), path); err != nil { // unlike a rename, it fails where path exists
		return Master{}, err
	}
	if err := syncFolder(dir); err != nil {
		return Master{}, fmt.Errorf("write key file: %w", err)
	}
	return m, nil
}

// writeSynced puts text on stable storage and closes f.
func writeSynced(f *os.File, text string) error {
	_, err := f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

func syncFolder(dir string) error {
	if !posix {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
