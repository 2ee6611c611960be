package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// A book is a plan with its earlier versions.
type book []Plan

func (b book) newest() Plan { return b[len(b)-1] }

func (b book) version(n int) (Plan, bool) {
	if n < 0 || n >= len(b) {
		return Plan{}, false
	}
	return b[n], true
}

func (b *book) save(t interface{ Fatalf(string, ...any) }, e Edit, by string) {
	next, err := Apply(b.newest(), b.version, e, by, noon.Add(time.Duration(len(*b))*time.Minute))
	if err != nil {
		t.Fatalf("%v", err)
	}
	*b = append(*b, next)
}

// notApplying stands for a check among texts.
const notApplying = "(none)"

func texts(f Field) []string {
	all := []string{f.Text}
	if f.None {
		all[0] = notApplying
	}
	for _, a := range f.Also {
		all = append(all, texts(a.field(nil))...)
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// TestNoWordIsLost lets people save from whatever version they have on the screen. A text may go only when somebody who
// saw it wrote over it, or chose another.
func TestNoWordIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := book{{}}
		ids := []string{"leaving/bag", "leaving/money"}
		for i := range rapid.IntRange(1, 25).Draw(t, "saves") {
			base := rapid.IntRange(max(0, len(b)-4), len(b)-1).Draw(t, "base")
			id, word := rapid.SampledFrom(ids).Draw(t, "field"), fmt.Sprintf("word%d", i)
			e := Edit{Base: base, Fields: map[string]string{id: word}}
			if rapid.IntRange(0, 3).Draw(t, "choose") == 0 {
				e = Edit{Base: base, Choose: map[string]string{id: word}}
			}
			if rapid.IntRange(0, 3).Draw(t, "check") == 0 {
				for _, of := range []map[string]string{e.Fields, e.Choose} {
					if _, ok := of[id]; ok {
						of[id] = ""
					}
				}
				e.None, word = []string{id}, notApplying
			}
			if rapid.Bool().Draw(t, "seen") {
				e.Seen, e.Base = b[base].See(id), rapid.IntRange(0, len(b)-1).Draw(t, "another base")
			}
			before, was := b.newest(), clone(b.newest())
			b.save(t, e, "ada")
			if d := cmp.Diff(was, before); d != "" {
				t.Fatalf("a version was changed in place:\n%s", d)
			}
			after := b.newest()
			if after.Version != before.Version+1 || !slices.Contains(texts(after.Fields[id]), word) {
				t.Fatalf("version %d after %d, %q is there %t", after.Version, before.Version, word, slices.Contains(texts(after.Fields[id]), word))
			}
			seen := texts(b[base].Fields[id])
			for _, other := range ids {
				for _, s := range texts(before.Fields[other]) {
					if !slices.Contains(texts(after.Fields[other]), s) && (other != id || !slices.Contains(seen, s)) {
						t.Fatalf("%q is gone, though who saved had not seen it", s)
					}
				}
			}
		}
	})
}

func clone(p Plan) Plan {
	p.Fields = maps.Clone(p.Fields)
	for id, f := range p.Fields {
		f.Also = slices.Clone(f.Also)
		p.Fields[id] = f
	}
	return p
}

// TestOrderKeepsTheSameTexts: whichever of two comes first, both texts stand in the end.
func TestOrderKeepsTheSameTexts(t *testing.T) {
	one := Edit{Base: 1, Fields: map[string]string{"leaving/bag": "one", "leaving/money": "same"}}
	two := Edit{Base: 1, Fields: map[string]string{"leaving/bag": "two", "leaving/money": "same"}}
	for _, order := range [][]Edit{{one, two}, {two, one}} {
		b := book{{}}
		b.save(t, Edit{Fields: map[string]string{"leaving/bag": "zero"}}, "ada")
		b.save(t, order[0], "ada")
		b.save(t, order[1], "ben")
		got := texts(b.newest().Fields["leaving/bag"])
		slices.Sort(got)
		if d := cmp.Diff([]string{"one", "two"}, got); d != "" {
			t.Errorf("texts (-want +got):\n%s", d)
		}
		if f := b.newest().Fields["leaving/money"]; f.Text != "same" || len(f.Also) != 0 {
			t.Errorf("the same words twice count as a conflict")
		}
		if got := b.newest().Contested(); len(got) != 1 || got[0].ID != "leaving/bag" {
			t.Errorf("contested: %v", got)
		}
	}
}

func TestSavingAgainAddsNothing(t *testing.T) {
	b := book{{}}
	b.save(t, Edit{Fields: map[string]string{"leaving/bag": "one"}}, "ada")
	late := Edit{Base: 0, Fields: map[string]string{"leaving/bag": "two"}}
	b.save(t, late, "ben")
	was := b.newest().Fields
	b.save(t, late, "ben")
	if d := cmp.Diff(was, b.newest().Fields); d != "" {
		t.Errorf("the same save again changed something:\n%s", d)
	}
}

func TestChooseEmptyReviewSuicide(t *testing.T) {
	b := book{{}}
	b.save(t, Edit{Fields: map[string]string{"leaving/bag": "one"}}, "ada")
	b.save(t, Edit{Base: 0, Fields: map[string]string{"leaving/bag": "two"}}, "ben")
	b.save(t, Edit{Base: 2, Choose: map[string]string{"leaving/bag": "two"}}, "ada")
	if f := b.newest().Fields["leaving/bag"]; f.Text != "two" || len(f.Also) != 0 || f.By != "ada" {
		t.Errorf("chosen: %+v", f)
	}
	b.save(t, Edit{Base: 3, Fields: map[string]string{"leaving/bag": ""}}, "ada")
	if _, ok := b.newest().Fields["leaving/bag"]; ok {
		t.Error("an emptied field is still there")
	}
	yes, date := true, "2026-05-31"
	b.save(t, Edit{Base: 4, Suicide: &yes, Review: &date}, "ada")
	if p := b.newest(); !p.Suicide || p.Review != date || len(p.Stages()) != 4 {
		t.Errorf("suicide %t, review %q", p.Suicide, p.Review)
	}
}

func TestUnknownBaseLosesNothing(t *testing.T) {
	b := book{{}}
	b.save(t, Edit{Fields: map[string]string{"leaving/bag": "one"}}, "ada")
	b.save(t, Edit{Base: 77, Fields: map[string]string{"leaving/bag": "two"}}, "ben")
	if got := texts(b.newest().Fields["leaving/bag"]); len(got) != 2 {
		t.Errorf("texts: %q", got)
	}
}

// TestVersionsForeseenOffline: without a network ada saves twice, the second time from a version 2 that only she has.
// Meanwhile ben's save became version 2. What ada never saw stays.
func TestVersionsForeseenOffline(t *testing.T) {
	const bag = "leaving/bag"
	shared := book{{}}
	shared.save(t, Edit{Fields: map[string]string{bag: "zero"}}, "ben")

	offline := slices.Clone(shared)
	var edits []Edit
	for _, word := range []string{"ada once", "ada twice"} {
		e := Edit{Base: offline.newest().Version, Seen: offline.newest().See(bag), Fields: map[string]string{bag: word}}
		edits = append(edits, e)
		offline.save(t, e, "ada")
	}
	shared.save(t, Edit{Base: 1, Seen: shared.newest().See(bag), Fields: map[string]string{bag: "ben again"}}, "ben")
	for _, e := range edits {
		shared.save(t, e, "ada")
	}
	if got := texts(shared.newest().Fields[bag]); !slices.Contains(got, "ben again") || !slices.Contains(got, "ada twice") {
		t.Errorf("texts: %q", got)
	}
	if got := texts(offline.newest().Fields[bag]); !slices.Equal(got, []string{"ada twice"}) {
		t.Errorf("texts where nobody else wrote: %q", got)
	}
}

func TestMistakes(t *testing.T) {
	bad := "2026-13-01"
	for name, e := range map[string]Edit{
		"nothing":       {},
		"unknown field": {Fields: map[string]string{"leaving/secretword": "x"}},
		"too long":      {Fields: map[string]string{"leaving/bag": strings.Repeat("secretword", MaxText)}},
		"no text":       {Fields: map[string]string{"leaving/bag": "secretword\xff"}},
		"date":          {Review: &bad},
		"base":          {Base: -1, Fields: map[string]string{"leaving/bag": "x"}},
	} {
		_, err := Apply(Plan{}, book{{}}.version, e, "ada", noon)
		if err == nil || strings.Contains(err.Error(), "secretword") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Card(Plan{}, false); !errors.Is(err, ErrPhoneNotSafe) {
		t.Errorf("a card on a phone that is not safe: %v", err)
	}
}

func TestTwoVersionsMadeFromOneStandApart(t *testing.T) {
	b := book{{}}
	b.save(t, Edit{Fields: map[string]string{"leaving/bag": "zero"}}, "ada")
	for _, word := range []string{"one", "two", "three"} {
		b.save(t, Edit{Base: 0, Fields: map[string]string{"leaving/bag": word}}, "ben")
	}
	save := func(word string) Plan {
		p, err := Apply(b.newest(), b.version, Edit{Base: 0, Fields: map[string]string{"leaving/bag": word}}, "ben", noon)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	left, right := save("left"), save("right")
	if !slices.Contains(texts(left.Fields["leaving/bag"]), "left") || !slices.Contains(texts(right.Fields["leaving/bag"]), "right") {
		t.Error("one version wrote over the other")
	}
}
