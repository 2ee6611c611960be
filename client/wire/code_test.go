package wire_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"befree.example/client/wire"
)

func TestCodeIsReadHoweverItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fingerprint []byte
		if rapid.Bool().Draw(t, "pinned") {
			sum := sha256.Sum256(rapid.SliceOf(rapid.Byte()).Draw(t, "certificate"))
			fingerprint = sum[:]
		}
		c := wire.NewCode(fingerprint)
		text := c.Reveal()
		for _, written := range []string{text, strings.ToUpper(text), strings.ReplaceAll(text, "-", " "), " " + strings.ReplaceAll(text, "-", "") + "\n", strings.NewReplacer("1", "l", "0", "O").Replace(text)} {
			back, err := wire.ParseCode(written)
			if err != nil || back != c || !back.Key().Equal(c.Key()) {
				t.Fatalf("%q is not read: %v", written, err)
			}
		}
		if c.Pinned() != (fingerprint != nil) || c.Pinned() != c.Fits(fingerprint) || c.Fits(bytes.Repeat([]byte{7}, 32)) {
			t.Fatal("the pin is not the certificate's")
		}
	})
}

// One wrong letter, or two that changed places, is told before the code is tried.
func TestSlipOfTheFingersUsesNoCodeUp(t *testing.T) {
	code, missed := wire.NewCode(nil).Reveal(), 0
	for i, r := range code {
		if r == '-' {
			continue
		}
		for _, other := range "0123456789abcdefghjkmnpqrstvwxyz" {
			if other == r {
				continue
			}
			if _, err := wire.ParseCode(code[:i] + string(other) + code[i+1:]); err == nil {
				missed++
			} else if !errors.Is(err, wire.ErrCode) {
				t.Fatal(err)
			}
		}
	}
	if missed > 1 {
		t.Errorf("%d of 744 slips were taken for another code", missed)
	}
	for _, s := range []string{"", "-", "ada", code[5:], code + "-" + code, strings.Repeat("0", 56)} {
		if _, err := wire.ParseCode(s); !errors.Is(err, wire.ErrCode) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestCodePrintsMasked(t *testing.T) {
	c := wire.NewCode(nil)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if said := fmt.Sprintf(format, c) + fmt.Sprintf(format, struct{ C wire.Code }{c}); strings.Contains(said, "[") || strings.Contains(said, c.Reveal()[:4]) {
			t.Errorf("%s gives %s", format, said)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add(wire.NewCode(nil).Reveal())
	f.Add(wire.NewCode(bytes.Repeat([]byte{1}, 32)).Reveal())
	f.Add("o-I-l")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := wire.ParseCode(text)
		if err != nil {
			return
		}
		if back, err := wire.ParseCode(c.Reveal()); err != nil || back != c {
			t.Fatalf("%q is not the same twice: %v", text, err)
		}
	})
}
