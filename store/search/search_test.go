package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"befree.example/store/search"
)

func TestQuery(t *testing.T) {
	for _, test := range []struct {
		query, text string
		found       bool
	}{
		{"motel", "The MOTEL on route 9", true},
		{"mot", "The motel on route 9", true},
		{"otel", "The motel on route 9", false},
		{"route motel", "The motel on route 9", true},
		{"route aunt", "The motel on route 9", false},
		{"habitacion", "en la Habitación", true},
		{"Niña", "la nina", true},
		{"hes here", "he’s here", true},
		{"he's", "hes here", true},
		{"", "anything", false},
		{"?! ...", "anything ?!", false},
		{"15yo", "she is 15 yo", true},
		{"ｍｏｔｅｌ", "motel", true},
		{"пап", "папа", true},
		{"tel mo", "motel", false},
	} {
		if got := search.Parse(test.query).In(search.ListOf(test.text)); got != test.found {
			t.Errorf("%q in %q: %t", test.query, test.text, got)
		}
	}
}

func TestLine(t *testing.T) {
	long := strings.Repeat("many words before it ", 10)
	for _, test := range []struct{ query, want string }{
		{"habitacion", "segunda: en la Habitación"},
		{"first", "first line"},
		{"nowhere", ""},
		{"needle", "... it many words before it needle and more"},
		{"more", "... words before it needle and more"},
	} {
		texts := []string{"first line\nsegunda: en la Habitación\nthird", long + "needle and more"}
		if got := search.Parse(test.query).Line(texts...); got != test.want {
			t.Errorf("%q shows %q, want %q", test.query, got, test.want)
		}
	}
}

// However an index came to be what it is, it finds what is in it and nothing else, the newest first.
func TestIndex(t *testing.T) {
	vocabulary := []string{"a", "ab", "abc", "b", "bc", "casa", "casas", "motel"}
	rapid.Check(t, func(t *rapid.T) {
		x, truth := search.New(nil), map[uint64]search.Item{}
		draw := func() []search.Item {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) search.Item {
				words := rapid.SliceOfN(rapid.SampledFrom(vocabulary), 0, 4).Draw(t, "words")
				return search.Item{
					Seq: rapid.Uint64Range(1, 60).Draw(t, "seq"), Bundle: fmt.Sprint(rapid.IntRange(1, 4).Draw(t, "bundle")),
					List: search.ListOf(strings.Join(words, " ")),
				}
			}), 0, 30).Draw(t, "items")
		}
		keep := func(items []search.Item) {
			for _, it := range items {
				truth[it.Seq] = it
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(*rapid.T) {
				items := draw()
				x.Put(items...)
				keep(items)
			},
			"new": func(*rapid.T) {
				items := draw()
				x = search.New(items)
				clear(truth)
				keep(items)
			},
			"drop": func(t *rapid.T) {
				bundle := fmt.Sprint(rapid.IntRange(1, 4).Draw(t, "bundle"))
				x.Drop(bundle)
				for seq, it := range truth {
					if it.Bundle == bundle {
						delete(truth, seq)
					}
				}
			},
			"close": func(*rapid.T) {
				x.Close()
				clear(truth)
			},
			"": func(t *rapid.T) {
				words := rapid.SliceOfN(rapid.SampledFrom(vocabulary), 1, 2).Draw(t, "query")
				q := search.Parse(strings.Join(words, " "))
				var want []uint64
				for seq, it := range truth {
					if q.In(it.List) {
						want = append(want, seq)
					}
				}
				slices.Sort(want)
				slices.Reverse(want)
				if d := cmp.Diff(want, slices.Collect(x.Find(q))); d != "" {
					t.Fatalf("%q (-want +got):\n%s", words, d)
				}
			},
		})
	})
}

// More events than one processor looks through at a time, and more out of order than may stand there.
func TestIndexOfMany(t *testing.T) {
	const many = 100_000
	x := search.New(nil)
	for _, odd := range []uint64{1, 0} {
		for seq := uint64(1); seq <= many; seq++ {
			if seq%2 == odd {
				x.Put(search.Item{Seq: seq, Bundle: "b", List: search.ListOf(fmt.Sprintf("text %d", seq%1000))})
			}
		}
	}
	for query, want := range map[string]int{"text": many, "999": many / 1000, "99": many/1000 + many/100} {
		got := slices.Collect(x.Find(search.Parse(query)))
		if len(got) != want || !slices.IsSortedFunc(got, func(a, b uint64) int { return int(b) - int(a) }) {
			t.Errorf("%q finds %d of %d", query, len(got), want)
		}
	}
	if said := fmt.Sprintf("%v %+v %#v", search.Parse("motel"), search.ListOf("motel"), x); strings.Contains(said, "motel") {
		t.Errorf("it prints %q", said)
	}
}
