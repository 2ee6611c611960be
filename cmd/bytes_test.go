package cmd_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"
)

// nowhere KNOWN PATH...: no file below the paths, and no name of one, holds a line of the file KNOWN, in any shape in
// which bytes are commonly kept; and nobody but their owner may open them.
func nowhere(ts *testscript.TestScript, _ bool, args []string) {
	shapes := map[string][]byte{}
	for known := range strings.Lines(ts.ReadFile(args[0])) {
		if known = strings.TrimSpace(known); known != "" {
			for shape, b := range shapesOf(known) {
				shapes[fmt.Sprintf("%q as %s", known, shape)] = b
			}
		}
	}
	files, size := 0, 0
	for _, arg := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(arg), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if err := ownersAlone(path, d); err != nil {
				return err
			}
			if d.IsDir() || d.Type() == fs.ModeSocket {
				return nil
			}
			raw, err := os.ReadFile(path)
			files, size = files+1, size+len(raw)
			if found := holds(append(raw, filepath.Base(path)...), shapes); found != "" {
				return fmt.Errorf("%s holds %s", filepath.Base(path), found)
			}
			return err
		}))
	}
	if len(shapes) == 0 || files < len(args)-1 || size < 1000 {
		ts.Fatalf("%d shapes were looked for in %d files of %d bytes", len(shapes), files, size)
	}
	ts.Logf("%d shapes in %d files of %d bytes", len(shapes), files, size)
}

// ownersAlone tells that a file of befree's is for its owner alone, whatever the umask.
func ownersAlone(path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be opened by others: %v", filepath.Base(path), info.Mode())
	}
	return nil
}

// holds names the first shape that stands in raw, whatever its case.
func holds(raw []byte, shapes map[string][]byte) string {
	raw = bytes.ToLower(raw)
	for name, shape := range shapes {
		if bytes.Contains(raw, shape) {
			return name
		}
	}
	return ""
}

// shapesOf are the shapes in which words may lie about, all in lower case.
func shapesOf(known string) map[string][]byte {
	shapes := map[string][]byte{
		"it is":     []byte(known),
		"hex":       []byte(hex.EncodeToString([]byte(known))),
		"in a URL":  []byte(url.QueryEscape(known)),
		"in a path": []byte(url.PathEscape(known)),
	}
	if quoted, err := json.Marshal(known); err == nil {
		shapes["JSON"] = quoted[1 : len(quoted)-1]
	}
	var little, big []byte
	for _, u := range utf16.Encode([]rune(known)) {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	shapes["UTF-16LE"], shapes["UTF-16BE"] = little, big
	for shift := range 3 { // base64 of what it stands in the middle of: without what depends on the neighbours
		b := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), known...))
		from := []int{0, 2, 3}[shift]
		shapes[fmt.Sprintf("base64 from %d", shift)] = []byte(b[from : from+(len(b)-from)/4*4-4])
	}
	for shape, b := range shapes {
		if shapes[shape] = bytes.ToLower(b); len(b) < 4 {
			delete(shapes, shape)
		}
	}
	return shapes
}

// The search would find what it looks for.
func TestSearchFinds(t *testing.T) {
	const known = "Larkspur Lane 12"
	shapes := shapesOf(known)
	around := func(s string) string { return "\x00\x01" + s + "\xff" }
	for shape, hidden := range map[string]string{
		"as it is": known, "upper case": strings.ToUpper(known), "JSON": `{"a":"` + known + `"}`, "hex": hex.EncodeToString([]byte(known)),
		"base64": base64.StdEncoding.EncodeToString([]byte(known)), "base64 of JSON": base64.StdEncoding.EncodeToString([]byte(`{"text":"` + known + `"}`)),
		"base64 of more": base64.URLEncoding.EncodeToString([]byte(`{"text" :"` + known + `"}`)), "base64 of still more": base64.URLEncoding.EncodeToString([]byte(`{"text"  :"` + known + `"}`)),
		"form": url.Values{"Body": {known}}.Encode(), "UTF-16": "L\x00a\x00r\x00k\x00s\x00p\x00u\x00r\x00 \x00L\x00a\x00n\x00e\x00 \x001\x002\x00",
	} {
		if holds([]byte(around(hidden)), shapes) == "" {
			t.Errorf("%s: it is not found in %q", shape, hidden)
		}
	}
	if found := holds([]byte(around("somewhere else")), shapes); found != "" {
		t.Errorf("%s is found where it is not", found)
	}
}
