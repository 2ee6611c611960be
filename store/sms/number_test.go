package sms

import (
	"errors"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"

	"befree.example/store/sms/smstest"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, region, want string }{
		{"+12025550147", "", "+12025550147"},
		{"(202) 555-0147", "US", "+12025550147"},
		{" 1-202-555-0147\n", "US", "+12025550147"},
		{"2025550147", "US", "+12025550147"},
		{"555-555-0147", "US", "+15555550147"},
		{"+15555550199", "", "+15555550199"},
		{"+１２０２５５５０１４７", "", "+12025550147"},
		{"233733", "US", "233733"},
		{"911", "US", "911"},
		{"12345678", "", "12345678"},
	} {
		got, err := Parse(c.in, c.region)
		if err != nil || got.Reveal() != c.want {
			t.Errorf("Parse(%q, %q) = %q, %v; want %q", c.in, c.region, got.Reveal(), err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		"", "12", "hello", "+", "+1", "+1202555014", "2025550147", "+12025550147 ext 5", "2337 33", "+120255501471",
		strings.Repeat("1", 300), "\xff\xfe", "+0",
	} {
		got, err := Parse(in, "")
		if !errors.Is(err, ErrNumber) || got != "" {
			t.Errorf("Parse(%q) = %q, %v; want ErrNumber", in, got.Reveal(), err)
		}
	}
}

func TestEveryFictionalNumberParses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		area := rapid.SampledFrom([]string{"202", "212", "305", "415", "512", "555", "713", "907"}).Draw(t, "area")
		line := rapid.StringMatching(`01[0-9]{2}`).Draw(t, "line")
		n, err := Parse("("+area+") 555-"+line, "US")
		if want := "+1" + area + "555" + line; err != nil || n.Reveal() != want {
			t.Fatalf("got %q, %v; want %q", n.Reveal(), err, want)
		}
		if n.Tail() != line || n.Short() || n.String() != "…"+line {
			t.Fatalf("tail %q, short %v, shown %q", n.Tail(), n.Short(), n)
		}
	})
}

func TestNorthAmericanNumbersAreAsTheLibraryReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`\+1[0-9]{9,11}`).Draw(t, "number")
		p, err := phonenumbers.Parse(s, "")
		possible := err == nil && phonenumbers.IsPossibleNumber(p) && phonenumbers.Format(p, phonenumbers.E164) == s
		if isNorthAmerican(s) && !possible {
			t.Fatalf("the library does not read %s so", s)
		}
	})
}

func TestTail(t *testing.T) {
	for n, want := range map[Number]string{
		"": "", "+12025550147": "0147", "233733": "233733", "+12": "12", "nonsense": "ense",
	} {
		if n.Tail() != want {
			t.Errorf("tail of %q is %q, want %q", n.Reveal(), n.Tail(), want)
		}
	}
}

// A number that was parsed parses again, to itself, and shows no more than its last four digits.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"+12025550147", "(202) 555-0147", "233733", "+52 55 5555 0147", "tel:+1-202-555-0147;ext=2"} {
		f.Add(s, "US")
	}
	f.Add("0000000000", "UY")
	for _, s := range smstest.Hostile() {
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, s, region string) {
		n, err := Parse(s, region)
		if err != nil {
			if !errors.Is(err, ErrNumber) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := Parse(n.Reveal(), "")
		if err != nil || again != n {
			t.Fatalf("%q parses to %q, that to %q, %v", s, n.Reveal(), again.Reveal(), err)
		}
		if !n.Short() && len(n.Tail()) > 4 {
			t.Fatalf("%q shows %q", n.Reveal(), n.Tail())
		}
	})
}
