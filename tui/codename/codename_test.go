package codename

import "testing"

func TestStable(t *testing.T) {
	if got := Of("7f3k9m2p"); got != Of("7f3k9m2p") || got == Of("7f3k9m2q") {
		t.Errorf("%q", got)
	}
}

func TestWords(t *testing.T) {
	seen := map[string]bool{}
	for _, list := range [][64]string{qualities, things} {
		for _, w := range list {
			if w == "" || seen[w] || len(w) > 8 {
				t.Errorf("%q is missing, twice there or long", w)
			}
			seen[w] = true
		}
	}
}
