package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/search"
)

// The words of what is in the cache lie beside it, so that searching need not unseal and read everything: for each
// conversation and class one open sheet and full ones, each sealed under that class's key of that conversation like an
// event's body. They are written in the same transaction as the events that they are of, and destroyed with their keys.

// wordsVersion is what stands under indexedKey. Words that were folded by other rules than today's are made anew.
var wordsVersion = []byte{1}

// fullSheet is the size from which a sheet is not written into any more, in bytes: little enough to be sealed again with
// every text, and large enough that a conversation has few.
const fullSheet = 4 << 10

// kindWords begins the kind that a sheet is sealed as; its class follows.
const kindWords = "words "

// withWords adds the kinds of sheets to those of events.
func withWords(classOf func(store.Kind) store.Class) func(store.Kind) store.Class {
	return func(k store.Kind) store.Class {
		if class, ok := strings.CutPrefix(string(k), kindWords); ok {
			return store.Class(class)
		}
		return classOf(k)
	}
}

// A bundle is what is forgotten together: the words of one class of one conversation.
type bundle struct {
	conversation string
	class        store.Class
}

func (b bundle) name() string { return b.conversation + "\x00" + string(b.class) }

// sheetName is the key of a sheet: 0 for the open one, the full ones from 1 on.
func (c *Cache) sheetName(b bundle, n uint64) []byte {
	return c.cover.Name(wordsBucket, binary.AppendUvarint([]byte(b.name()+"\x00"), n))
}

// A sheet is the words of some events.
type sheet struct {
	full  uint64 // how many full ones there are besides the open one
	items []search.Item
}

func (s sheet) encode() []byte {
	raw := binary.AppendUvarint(nil, s.full)
	for _, it := range s.items {
		raw = binary.AppendUvarint(raw, it.Seq)
		raw = binary.AppendUvarint(raw, uint64(len(it.List)))
		raw = append(raw, it.List...)
	}
	return raw
}

var errSheet = errors.New("words cannot be read")

func decodeSheet(raw []byte, b bundle) (s sheet, err error) {
	number := func() (v uint64) {
		v, n := binary.Uvarint(raw)
		if n <= 0 {
			err = errSheet
			return 0
		}
		raw = raw[n:]
		return v
	}
	name := b.name()
	s.full = number()
	for len(raw) > 0 && err == nil {
		seq, size := number(), number()
		if err != nil || size > uint64(len(raw)) {
			return s, errSheet
		}
		s.items = append(s.items, search.Item{Seq: seq, Bundle: name, List: search.List(raw[:size])})
		raw = raw[size:]
	}
	return s, err
}

// items are the words of events, also of those that have none: what was known of them is known no more.
func (c *Cache) items(es []store.Event) []search.Item {
	items := make([]search.Item, 0, len(es))
	for _, e := range es {
		if e.Conversation == "" {
			continue
		}
		b := bundle{e.Conversation, c.classOf(e.Kind)}
		items = append(items, search.Item{Seq: e.Seq, Bundle: b.name(), List: search.ListOf(c.wordsOf(e)...)})
	}
	return items
}

// A wordsChange is what a transaction is to do to the words.
type wordsChange struct {
	broken bool // what is there cannot be read: it is to be made anew
	put    []stored
	beyond map[bundle]uint64 // sheets of bundles after this number are to go
}

// write does it.
func (w wordsChange) write(c *Cache, tx *bbolt.Tx) error {
	if w.broken {
		return tx.Bucket(metaBucket).Delete(indexedKey)
	}
	for _, s := range w.put {
		if err := c.put(wordsBucket, tx, s.key, s.value); err != nil {
			return err
		}
	}
	for b, n := range w.beyond {
		if err := c.dropWords(tx, b, n+1); err != nil {
			return err
		}
	}
	return nil
}

// dropWords deletes the sheets of a bundle from one on; the open one is the first.
func (c *Cache) dropWords(tx *bbolt.Tx, b bundle, from uint64) error {
	words := tx.Bucket(wordsBucket)
	for n := from; ; n++ {
		key := c.sheetName(b, n)
		if n > from && words.Get(key) == nil {
			return nil
		}
		if err := words.Delete(key); err != nil {
			return err
		}
	}
}

// wordsWith returns what the arrival of es does to the words. Words that cannot be read never keep an event out. The
// caller holds keeping.
func (c *Cache) wordsWith(es []store.Event) (w wordsChange, err error) {
	var whole bool
	again := map[string]bool{} // conversations of which an event is replaced
	err = c.view(func(tx *bbolt.Tx) error {
		indexed, err := c.fact(tx, indexedKey)
		whole = string(indexed) == string(wordsVersion)
		events := tx.Bucket(eventsBucket)
		for _, e := range es {
			if events.Get(seqKey(e.Seq)) != nil {
				again[e.Conversation] = true
			}
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrDamaged):
		return wordsChange{broken: true}, nil
	case err != nil || !whole: // they are all made anew when somebody searches
		return w, err
	}
	sheets, anew := map[bundle]sheet{}, map[bundle]bool{}
	for conversation := range again {
		if err = c.rewritten(conversation, es, sheets); err != nil {
			break
		}
		for _, class := range allClasses {
			anew[bundle{conversation, class}] = true
		}
	}
	for _, e := range es {
		if list := search.ListOf(c.wordsOf(e)...); err == nil && list != "" && e.Conversation != "" && !again[e.Conversation] {
			err = c.enter(sheets, bundle{e.Conversation, c.classOf(e.Kind)}, e.Seq, list)
		}
	}
	if errors.Is(err, store.ErrDamaged) {
		return wordsChange{broken: true}, nil
	}
	if err != nil {
		return w, err
	}
	return c.sheets(sheets, anew)
}

// enter adds the words of an event to its sheet, which is read where it is not at hand.
func (c *Cache) enter(sheets map[bundle]sheet, b bundle, seq uint64, list search.List) error {
	s, known := sheets[b]
	if !known {
		var err error
		if s, err = c.openSheet(b); err != nil {
			return err
		}
	}
	s.items = append(s.items, search.Item{Seq: seq, List: list})
	sheets[b] = s
	return nil
}

// openSheet reads the open sheet of a bundle; one whose key is destroyed is empty.
func (c *Cache) openSheet(b bundle) (s sheet, err error) {
	err = c.view(func(tx *bbolt.Tx) error {
		key := c.sheetName(b, 0)
		covered := tx.Bucket(wordsBucket).Get(key)
		if covered == nil {
			return nil
		}
		e, err := c.event(wordsBucket, key, covered)
		if err != nil || len(e.Body) == 0 {
			return err
		}
		if s, err = decodeSheet(e.Body, b); err != nil {
			return damaged(c.path, err.Error())
		}
		return nil
	})
	return s, err
}

// rewritten makes the sheets of a conversation from its events as they will be with es.
func (c *Cache) rewritten(conversation string, es []store.Event, sheets map[bundle]sheet) error {
	known, err := c.Conversation(conversation)
	if err != nil {
		return err
	}
	bySeq := map[uint64]store.Event{}
	for _, e := range slices.Concat(known, es) {
		if e.Conversation == conversation && conversation != "" {
			bySeq[e.Seq] = e
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(bySeq)) {
		e := bySeq[seq]
		if list := search.ListOf(c.wordsOf(e)...); list != "" {
			b := bundle{conversation, c.classOf(e.Kind)}
			s := sheets[b]
			s.items = append(s.items, search.Item{Seq: seq, List: list})
			sheets[b] = s
		}
	}
	return nil
}

// sheets seals sheets, full ones apart. Of the bundles that are made anew nothing else stays.
func (c *Cache) sheets(open map[bundle]sheet, anew map[bundle]bool) (w wordsChange, err error) {
	w.beyond = map[bundle]uint64{}
	var events []store.Event
	add := func(b bundle, n uint64, s sheet) {
		w.put = append(w.put, stored{key: c.sheetName(b, n)})
		events = append(events, store.Event{
			ID: "words", Conversation: b.conversation, Kind: kindWords + store.Kind(b.class), Body: s.encode(),
		})
	}
	for b, s := range open {
		at, size := 0, 0
		for i, it := range s.items {
			if size += len(it.List) + 8; size >= fullSheet {
				s.full++
				add(b, s.full, sheet{items: s.items[at : i+1]})
				at, size = i+1, 0
			}
		}
		add(b, 0, sheet{full: s.full, items: s.items[at:]})
		if anew[b] {
			w.beyond[b] = s.full
		}
	}
	for b := range anew {
		if _, stays := open[b]; !stays {
			add(b, 0, sheet{})
			w.beyond[b] = 0
		}
	}
	records, err := c.sealed(events)
	for i, r := range records {
		w.put[i].value = r
	}
	return w, err
}

// Search returns the events that have the words, the newest first, at most so many. What it returns is as it lies in
// the cache at that moment: an event that is erased, replaced or set aside is not found by what it said.
func (c *Cache) Search(q search.Query, most int) (es []store.Event, err error) {
	index, err := c.Prepare()
	if err != nil {
		return nil, err
	}
	for seq := range index.Find(q) {
		if len(es) >= most {
			break
		}
		e, known, err := c.at(seq)
		if err != nil {
			return nil, err
		}
		if known && q.In(search.ListOf(c.wordsOf(e)...)) && (len(es) == 0 || es[len(es)-1].Seq != seq) {
			es = append(es, e)
		}
	}
	return es, nil
}

func (c *Cache) at(seq uint64) (e store.Event, known bool, err error) {
	err = c.view(func(tx *bbolt.Tx) error {
		covered := tx.Bucket(eventsBucket).Get(seqKey(seq))
		if known = covered != nil; !known {
			return nil
		}
		e, err = c.event(eventsBucket, seqKey(seq), covered)
		return err
	})
	return e, known, err
}

// Prepare unseals the words, which the first search needs and every later one has at hand until [Cache.Unprepare]. Words
// that are missing, cut short or unreadable are made anew from the events.
func (c *Cache) Prepare() (*search.Index, error) {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	if c.index != nil {
		return c.index, nil
	}
	items, err := c.readWords()
	if errors.Is(err, errSheet) || errors.Is(err, store.ErrDamaged) {
		items, err = c.remake()
	}
	if err != nil {
		return nil, err
	}
	c.index = search.New(items)
	return c.index, nil
}

// Unprepare forgets the words in memory, as is done when the screen is locked.
func (c *Cache) Unprepare() {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	c.dropIndex()
}

func (c *Cache) dropIndex() {
	if c.index != nil {
		c.index.Close()
	}
	c.index = nil
}

// readWords unseals every sheet.
func (c *Cache) readWords() (items []search.Item, err error) {
	indexed, err := c.readFact(indexedKey)
	if err != nil {
		return nil, err
	}
	if string(indexed) != string(wordsVersion) {
		return nil, errSheet
	}
	bad := error(nil)
	err = c.each(wordsBucket, nil, func(e store.Event) {
		if len(e.Body) == 0 || bad != nil { // its key is destroyed
			return
		}
		class, _ := strings.CutPrefix(string(e.Kind), kindWords)
		var s sheet
		s, bad = decodeSheet(e.Body, bundle{e.Conversation, store.Class(class)})
		items = append(items, s.items...)
	})
	return items, errors.Join(err, bad)
}

// remakeStep is how many sheets are written in one transaction.
const remakeStep = 2000

// remake makes the words anew from the events. They count as complete only once all are on disk.
func (c *Cache) remake() (items []search.Item, err error) {
	err = c.update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.Bucket(metaBucket).Delete(indexedKey), renew(tx, wordsBucket))
	})
	if err != nil {
		return nil, err
	}
	open := map[bundle]sheet{}
	err = c.Each(func(e store.Event) {
		list := search.ListOf(c.wordsOf(e)...)
		if list == "" || e.Conversation == "" {
			return
		}
		b := bundle{e.Conversation, c.classOf(e.Kind)}
		s := open[b]
		s.items = append(s.items, search.Item{Seq: e.Seq, Bundle: b.name(), List: list})
		open[b] = s
		items = append(items, s.items[len(s.items)-1])
	})
	if err != nil {
		return nil, fmt.Errorf("make the words anew: %w", err)
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(open)), remakeStep) {
		step := map[bundle]sheet{}
		for _, b := range some {
			step[b] = open[b]
		}
		w, err := c.sheets(step, nil)
		if err != nil {
			return nil, err
		}
		if err := c.update(func(tx *bbolt.Tx) error { return w.write(c, tx) }); err != nil {
			return nil, err
		}
	}
	return items, c.update(func(tx *bbolt.Tx) error { return c.setFact(tx, indexedKey, wordsVersion) })
}
