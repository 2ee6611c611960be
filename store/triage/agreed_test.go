package triage

import "testing"

func TestContains(t *testing.T) {
	for _, c := range []struct {
		text, agreed string
		want         bool
	}{
		{"I bought a tangerine.", "tangerine", true},
		{"TANGERÍNES today", "tangerine", true},
		{"tan\u200bgerine", "Tangerine", true},
		{"is aunt rosa home", "aunt rosa", true},
		{"is aunt  ROSA's home", "aunt rosa", true},
		{"rosa and my aunt", "aunt rosa", false},
		{"tangerinelike", "tangerine", false},
		{"mandarin", "tangerine", false},
		{"anything", "", false},
		{"...", "...", false},
		{"", "tangerine", false},
	} {
		if got := Contains(c.text, c.agreed); got != c.want {
			t.Errorf("Contains(%q, %q) = %t", c.text, c.agreed, got)
		}
	}
}
