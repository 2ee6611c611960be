package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/seal"
	"befree.example/store/search"
)

// cacheForWords are options under which a body is its words.
func cacheForWords() CacheOptions {
	return CacheOptions{
		Owner: "adalovelace", Passphrase: []byte("secret"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1},
		ClassOf: func(k store.Kind) store.Class { return store.Class(k) },
		WordsOf: func(e store.Event) []string {
			if len(e.Body) == 0 {
				return nil
			}
			return []string{string(e.Body)}
		},
		Forgets: func(k store.Kind) (classes []store.Class) {
			if names, ok := strings.CutPrefix(string(k), "forgets "); ok {
				for name := range strings.SplitSeq(names, " ") {
					classes = append(classes, store.Class(name))
				}
			}
			return classes
		},
	}
}

// forgets is the event by which classes of a conversation are forgotten.
func forgets(seq, prev uint64, conversation string, classes ...store.Class) store.Event {
	kind := "forgets"
	for _, c := range classes {
		kind += " " + string(c)
	}
	return store.Event{Seq: seq, Prev: prev, ID: fmt.Sprintf("SM%d", seq), Conversation: conversation, Actor: store.Clock, At: time.Unix(int64(seq), 0).UTC(), Kind: store.Kind(kind)}
}

func mustOpenCache(t interface{ Fatal(...any) }, path string) *Cache {
	c, err := OpenCache(path, cacheForWords())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// spoken are words as somebody may write them, with what they are looked for by in the model, which folds by hand.
var spoken = map[string]string{
	"casa": "casa", "Casas": "casas", "habitación": "habitacion", "Niña": "nina", "he’s": "hes", "MOTEL": "motel",
	"aunt": "aunt", "mo": "mo",
}

func words() []string {
	all := make([]string, 0, len(spoken))
	for w := range spoken {
		all = append(all, w)
	}
	slices.Sort(all)
	return all
}

// A scan is the model: all that the cache should have, looked through one by one.
type scan map[uint64]store.Event

func (s scan) find(query []string) (seqs []uint64) {
	for seq, e := range s {
		said := strings.Fields(string(e.Body))
		all := true
		for _, q := range query {
			all = all && slices.ContainsFunc(said, func(w string) bool { return strings.HasPrefix(spoken[w], spoken[q]) })
		}
		if all {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	slices.Reverse(seqs)
	return seqs
}

func drawEvent(t *rapid.T, seq, prev uint64, conversation string) store.Event {
	said := rapid.SliceOfN(rapid.SampledFrom(words()), 0, 5).Draw(t, "words")
	for i := range rapid.SampledFrom([]int{0, 0, 200}).Draw(t, "more words") { // enough to fill sheets
		said = append(said, fmt.Sprintf("x%dy%d", seq, i))
	}
	e := store.Event{
		Seq: seq, Prev: prev, ID: fmt.Sprintf("SM%d", seq), Conversation: conversation, Actor: store.Texter, At: time.Unix(int64(seq), 0).UTC(),
		Kind: rapid.SampledFrom([]store.Kind{"text", "notes", "plans", "facts"}).Draw(t, "kind"), Body: []byte(strings.Join(said, " ")), BodyHash: store.Hash{1},
	}
	if rapid.IntRange(0, 4).Draw(t, "withheld") == 0 || len(e.Body) == 0 {
		e.Body, e.Withheld = nil, true
	}
	return e
}

// Whatever comes in, is filled in, forgotten, set aside, locked or opened again: a search finds what reading everything would.
func TestSearchFindsWhatAScanFinds(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		c := mustOpenCache(t, path)
		c.db.NoSync = true // nobody pulls the plug here
		defer func() {
			c.Close()
			os.Remove(path)
		}()
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		truth, tails, order := scan{}, map[string]uint64{}, map[string][]uint64{}
		conversation := func() string {
			return rapid.SampledFrom([]string{"c1", "c2", "c3"}).Draw(t, "conversation")
		}
		t.Repeat(map[string]func(*rapid.T){
			"receive": func(t *rapid.T) {
				var es []store.Event
				for range rapid.IntRange(1, 40).Draw(t, "events") {
					id := conversation()
					seq := c.Position().Seq + uint64(len(es)) + 1
					e := drawEvent(t, seq, tails[id], id)
					tails[id], order[id] = seq, append(order[id], seq)
					es = append(es, e)
					truth[seq] = e
				}
				must(c.Receive(es...))
				must(c.Receive(es...)) // a retry
			},
			"fill": func(t *rapid.T) {
				id, prev := conversation(), uint64(0)
				var es []store.Event
				for _, seq := range order[id] {
					e := drawEvent(t, seq, prev, id)
					prev = seq
					es = append(es, e)
					truth[seq] = e
				}
				must(c.Fill(es...))
			},
			"forget": func(t *rapid.T) {
				id := conversation()
				classes := rapid.SliceOfNDistinct(rapid.SampledFrom(allClasses), 1, -1, func(c store.Class) store.Class { return c }).Draw(t, "classes")
				at := c.Position().Seq + 1
				must(c.Receive(forgets(at, tails[id], id, classes...)))
				tails[id] = at
				for _, seq := range order[id] {
					if slices.Contains(classes, store.Class(truth[seq].Kind)) {
						delete(truth, seq)
					}
				}
			},
			"reset": func(t *rapid.T) {
				if rapid.IntRange(0, 5).Draw(t, "really") == 0 {
					must(c.Reset("another"))
					truth, tails, order = scan{}, map[string]uint64{}, map[string][]uint64{}
				}
			},
			"lock": func(*rapid.T) { c.Unprepare() },
			"open again": func(t *rapid.T) {
				must(c.Close())
				c = mustOpenCache(t, path)
				c.db.NoSync = true
			},
			"lose the words": func(t *rapid.T) {
				c.Unprepare()
				must(c.update(func(tx *bbolt.Tx) error {
					return errors.Join(tx.Bucket(metaBucket).Delete(indexedKey), renew(tx, wordsBucket))
				}))
			},
			"damage a sheet": func(t *rapid.T) {
				c.Unprepare()
				must(c.update(func(tx *bbolt.Tx) error {
					words := tx.Bucket(wordsBucket)
					if key, value := words.Cursor().First(); key != nil {
						return words.Put(bytes.Clone(key), append(bytes.Clone(value), 1))
					}
					return nil
				}))
			},
			"": func(t *rapid.T) {
				query := rapid.SliceOfN(rapid.SampledFrom(words()), 1, 2).Draw(t, "query")
				es, err := c.Search(search.Parse(strings.Join(query, " ")), 1<<20)
				must(err)
				var got []uint64
				for _, e := range es {
					got = append(got, e.Seq)
				}
				if d := cmp.Diff(truth.find(query), got); d != "" {
					t.Fatalf("%q (-scan +search):\n%s", query, d)
				}
			},
		})
	})
}

func TestSearchStopsAtTheNewest(t *testing.T) {
	c := mustOpenCache(t, filepath.Join(t.TempDir(), "cache.db"))
	defer c.Close()
	receiveMany(t, c, 1, 500)
	es, err := c.Search(search.Parse("motel"), 3)
	if err != nil || len(es) != 3 || es[0].Seq != 500 || es[2].Seq != 498 {
		t.Fatalf("%v, %v", es, err)
	}
	if es, err := c.Search(search.Parse("?!"), 3); err != nil || len(es) != 0 {
		t.Fatalf("no word finds %v, %v", es, err)
	}
}

func receiveMany(t interface{ Fatal(...any) }, c *Cache, from, to uint64) {
	for seq := from; seq <= to; seq += 10 {
		var es []store.Event
		for s := seq; s < seq+10; s++ {
			prev := uint64(0)
			if s > 7 {
				prev = s - 7
			}
			es = append(es, store.Event{
				Seq: s, Prev: prev, ID: fmt.Sprintf("SM%d", s), Conversation: fmt.Sprintf("conversation%d", s%7), Kind: "text", Actor: "bartholomew",
				At: time.Unix(int64(s), 0), Body: fmt.Appendf(nil, "at the motel %d with my aunt and her tangerine blanket number %d", s, s*s), BodyHash: store.Hash{1},
			})
		}
		if err := c.Receive(es...); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCacheTellsNothing looks at every byte of the file, at every bucket's keys, and at the sizes of what stands in them.
func TestCacheTellsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	c := mustOpenCache(t, path)
	receiveMany(t, c, 1, 300)
	number := store.Event{Seq: 301, ID: "SMnumber", Conversation: "conversation1", Kind: "text", Number: "+12025550147", At: time.Unix(1, 0), Head: store.Head{Tail: "0147", Staff: "bartholomew"}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Receive(number))
	must(c.Fill(number))
	must(c.Draft("conversation1", "plan/leaving/bag", "the tangerine bag", time.Unix(1, 0)))
	_, err := c.Queue(Entry{Conversation: "conversation1", Kind: "notes", At: time.Unix(1, 0), Command: []byte(`{"body":"tangerine note"}`)})
	must(err)
	_, err = c.Search(search.Parse("tangerine"), 10)
	must(err)
	must(c.Receive(forgets(302, 0, "conversation2", store.Text)))
	_, err = c.remake()
	must(err)
	sizes(t, c)
	must(c.Close())
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	must(err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(err)
		for _, said := range []string{
			"motel", "tangerine", "blanket", "conversation", "adalovelace", "bartholomew", "5550147", "0147", "SMnumber",
			"secret", "leaving", "texter", "notes", "facts",
		} {
			if bytes.Contains(raw, []byte(said)) {
				t.Errorf("%s holds %q", filepath.Base(file), said)
			}
		}
	}
}

// sizes checks that all that is covered has one of few sizes, and that keys are of one length in each bucket.
func sizes(t *testing.T, c *Cache) {
	t.Helper()
	seen := map[int]bool{}
	err := c.view(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			length := 0
			return b.ForEach(func(key, value []byte) error {
				if !bytes.Equal(name, metaBucket) {
					if length != 0 && len(key) != length {
						t.Errorf("keys of %d and %d bytes among the %s", length, len(key), name)
					}
					length = len(key)
					seen[len(value)] = true
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) > 8 {
		t.Errorf("%d sizes in the file: %v", len(seen), seen)
	}
}

// A cache that was made before everything was covered is refused in words, and stays as it is.
func TestOlderCacheIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.db")
	older := cacheFormat
	older.version = 1
	if err := begin(path, older); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCache(path, cacheForWords()); !errors.Is(err, ErrOlder) || !strings.Contains(err.Error(), "hand over what waits") {
		t.Fatalf("it ends with %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Fatalf("the file was changed, %v", err)
	}
}

// FuzzSheet: whatever a sheet holds, reading it ends in words or in an error; and what is written is read again.
func FuzzSheet(f *testing.F) {
	f.Add([]byte{0})
	f.Add(sheet{full: 3, items: []search.Item{{Seq: 1, List: " casa"}, {Seq: 1 << 40, List: " he hes"}}}.encode())
	f.Add([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := bundle{"c", store.Text}
		s, err := decodeSheet(raw, b)
		if err != nil {
			return
		}
		again, err := decodeSheet(s.encode(), b)
		if err != nil || !cmp.Equal(s, again, cmp.AllowUnexported(sheet{}), cmpopts.EquateEmpty()) {
			t.Fatalf("%v became %v, %v", s, again, err)
		}
	})
}
