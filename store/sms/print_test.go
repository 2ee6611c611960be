package sms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	number = Number("+12025550147")
	words  = Text("he is here")
)

func TestPrintsMasked(t *testing.T) {
	for _, c := range []struct {
		format string
		value  any
		want   string
	}{
		{"%v", number, "…0147"},
		{"%s", number, "…0147"},
		{"%#v", number, "…0147"},
		{"%q", number, `"…0147"`},
		{"%8s|", number, "   …0147|"},
		{"%-8v|", number, "…0147   |"},
		{"%v", Number("233733"), "233733"},
		{"%v", Number(""), ""},
		{"%v", words, "text of 10 characters"},
		{"%q", words, `"text of 10 characters"`},
		{"%v", Text("ñ"), "text of 1 character"},
		{"%v", Text(""), "text of 0 characters"},
		{"%v", []Number{number}, "[…0147]"},
		{"%+v", struct{ From Number }{number}, "{From:…0147}"},
		{"%v", map[Number]Text{number: words}, "map[…0147:text of 10 characters]"},
		{"%v", &struct{ Body Text }{words}, "&{text of 10 characters}"},
	} {
		if got := fmt.Sprintf(c.format, c.value); got != c.want {
			t.Errorf("%s gives %q, want %q", c.format, got, c.want)
		}
	}
}

// leaks tells whether out, in any of the ways in which a string can be written, shows the number or the words.
func leaks(out string) bool {
	out = strings.ToLower(out)
	for _, secret := range []string{number.Reveal()[1:], "50147", words.Reveal(), "here"} {
		if strings.Contains(out, secret) || strings.Contains(out, fmt.Sprintf("%x", secret)) ||
			strings.Contains(out, fmt.Sprintf("% x", secret)) {
			return true
		}
	}
	return false
}

func TestNoVerbLeaks(t *testing.T) {
	// Without p, T and w, which fmt answers itself, asking no value; go vet refuses them for a number or a text.
	for _, verb := range "abcdefghijklmnoqrstuvxyzABCDEFGHIJKLMNOPQRSUVWXYZ!" {
		for _, flags := range []string{"", "+", "#", "-", " ", "0", "20", ".3", "#+ -040.60"} {
			format := "%" + flags + string(verb)
			for _, v := range []any{number, words, []any{number, words}, struct{ N Number }{number}, &struct{ T Text }{words}} {
				if out := fmt.Sprintf(format, v); leaks(out) {
					t.Errorf("%s of %T gives %q", format, v, out)
				}
			}
		}
	}
}

func TestNoLogOrErrorLeaks(t *testing.T) {
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		l := slog.New(h).With("from", number)
		l.Info("received", "text", words, slog.Group("to", "number", number), "err", fmt.Errorf("send %v to %v", words, number))
	}
	fmt.Fprint(&out, errors.Join(fmt.Errorf("%w: %s", ErrNumber, number)), number, words)
	fmt.Fprintln(&out, number, words)
	if leaks(out.String()) {
		t.Error(out.String())
	}
	if n := strings.Count(out.String(), "…0147"); n < 6 {
		t.Errorf("the number is shown masked %d times", n)
	}
}

func TestJSONIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type body struct {
			N Number
			T Text
		}
		in := body{Number(rapid.StringMatching(`\+1202555[0-9]{4}`).Draw(t, "number")), Text(rapid.String().Draw(t, "text"))}
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out body
		if err := json.Unmarshal(b, &out); err != nil || out != in {
			t.Fatalf("%s is not what went in (%v)", b, err)
		}
	})
}
