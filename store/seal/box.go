package seal

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"befree.example/store"
)

// maxBody bounds a body, in bytes, far above what any text or plan needs.
const maxBody = 1 << 28

// A part of an event is what goes into one box.
type part struct {
	role  role
	class store.Class
	plain []byte // not yet set for the facts
	key   *dataKey
}

// size is that of p's plaintext.
func (p part) size() int {
	if p.role == askedRole {
		return len(store.Hash{}) + len(p.plain)
	}
	return len(p.plain)
}

// parts lists what e is sealed as; unused ones have role none.
func (r *Ring) parts(e *store.Event) (ps [maxBoxes]part) {
	ps[0] = part{role: factsRole, class: store.Facts}
	n := 1
	if e.Number != "" {
		ps[n] = part{role: numberRole, class: store.Numbers, plain: []byte(e.Number)}
		n++
	}
	if len(e.Body) > 0 {
		ps[n] = part{role: bodyRole, class: r.classOf(e.Kind), plain: e.Body}
		if !e.Command.IsZero() {
			ps[n].role = askedRole
		}
	}
	return ps
}

// scratch is working memory that holds nothing from one use to the next.
type scratch struct {
	facts bytes.Buffer
	bytes []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) release() {
	clear(s.bytes[:cap(s.bytes)])
	clear(s.facts.Bytes())
	s.facts.Reset()
	scratches.Put(s)
}

// seal gives the sealed copy of e.
func (r *Ring) seal(e *store.Event) (store.Event, error) { return r.sealUnder(e, keeper) }

// sealUnder is seal with the keys of the conversations that keeper names.
func (r *Ring) sealUnder(e *store.Event, keeper func(*store.Event, role) string) (store.Event, error) {
	if e.ID == "" {
		return store.Event{}, errors.New("an event has an ID")
	}
	if len(e.Body) > maxBody {
		return store.Event{}, errors.New("its body is too long")
	}
	ps := r.parts(e)
	for i := range ps {
		if err := r.keyOf(&ps[i], keeper(e, ps[i].role)); err != nil {
			return store.Event{}, err
		}
	}
	sealed := store.Event{
		Seq: e.Seq, Prev: e.Prev, ID: r.ClearID(e.ID), Conversation: e.Conversation, At: e.At,
		Actor: e.Actor, Kind: e.Kind,
	}
	s := scratches.Get().(*scratch)
	defer s.release()
	if err := encodeFacts(&s.facts, e, sealed.ID == e.ID); err != nil {
		return store.Event{}, err
	}
	ps[0].plain = s.facts.Bytes()
	sealed.Body = r.sealBlob(s, &sealed, e.Command, &ps)
	sealed.BodyHash = sha256.Sum256(sealed.Body)
	return sealed, nil
}

// keeper is under which conversation's key a part is sealed: under its own, and where an event of none names one that it
// is about, all but the facts under that one's. So what was said of a conversation goes with it.
func keeper(e *store.Event, of role) string {
	if e.Conversation == "" && of != factsRole {
		return e.Head.Ref
	}
	return e.Conversation
}

// keyOf sets p's key, made where it is missing.
func (r *Ring) keyOf(p *part, conversation string) (err error) {
	if p.role == none {
		return nil
	}
	if !validClass(p.class) {
		return errors.New("its kind has no class of retention")
	}
	p.key, err = r.keys.obtain(slot{conversation, p.class})
	return err
}

// sealBlob seals the parts of the event whose clear form is e.
func (r *Ring) sealBlob(s *scratch, e *store.Event, command store.Hash, ps *[maxBoxes]part) []byte {
	header, size := appendHeader(s.bytes[:0], ps)
	blob := append(make([]byte, 0, len(header)+macBytes+size), header...)
	ad := appendPlace(header, e)
	mac := r.headers.of(ad)
	blob = append(blob, mac[:]...)
	var nonces [maxBoxes * chacha20poly1305.NonceSizeX]byte
	rand.Read(nonces[:])
	for i := range ps {
		if ps[i].role == none {
			continue
		}
		nonce := nonces[i*chacha20poly1305.NonceSizeX:][:chacha20poly1305.NonceSizeX]
		ad[len(ad)-1] = byte(ps[i].role)
		blob = append(blob, nonce...)
		start := len(blob)
		if ps[i].role == askedRole {
			blob = append(blob, command[:]...)
		}
		blob = pad(append(blob, ps[i].plain...), start)
		blob = ps[i].key.aead.Seal(blob[:start], nonce, blob[start:], ad)
	}
	s.bytes = ad
	return blob
}

// appendHeader appends the header to b, and tells the size of all boxes once sealed.
func appendHeader(b []byte, ps *[maxBoxes]part) (header []byte, size int) {
	b = append(b, blobVersion, 0)
	for i := range ps {
		if ps[i].role == none {
			continue
		}
		b[1]++
		box := paddedLen(ps[i].size()) + boxExtra
		size += box
		b = appendEntry(b, entry{role: ps[i].role, class: ps[i].class, key: ps[i].key.id}, box)
	}
	return b, size
}

// appendPlace makes of a header what is authenticated with it: after it comes the place of e, and one byte for the role
// of a box.
func appendPlace(ad []byte, e *store.Event) []byte {
	for _, text := range [...]string{e.Conversation, string(e.Kind), e.ID} {
		ad = binary.AppendUvarint(ad, uint64(len(text)))
		ad = append(ad, text...)
	}
	return append(ad, byte(none))
}

// Open gives back what Seal took, all of es or none. A part whose key is destroyed stays empty and sets Withheld (of the
// facts that is Head, Command and an ID from outside, which keeps its clear form), as does an event whose sealed bytes
// are gone.
// BodyHash must be that of the sealed bytes and is kept. Bytes that do not authenticate give an error that wraps
// [store.ErrDamaged], a Master that is not theirs [ErrMaster].
func (r *Ring) Open(es ...store.Event) ([]store.Event, error) {
	if err := r.keys.fetch(r.keys.absent(named(es))); err != nil {
		return nil, err
	}
	opened := make([]store.Event, len(es))
	for i := range es {
		e, err := r.open(&es[i])
		if err != nil {
			return nil, fmt.Errorf("open event %d: %w", es[i].Seq, err)
		}
		opened[i] = e
	}
	return opened, nil
}

// named gives the slots that sealed events say they are sealed with.
func named(es []store.Event) iter.Seq[slot] {
	return func(yield func(slot) bool) {
		for i := range es {
			_, _, entries, err := parseBlob(es[i].Body)
			if err != nil {
				continue // opening it says so
			}
			for _, box := range entries {
				if box.role != none && !yield(slot{es[i].Conversation, box.class}) {
					return
				}
			}
		}
	}
}

func (r *Ring) open(e *store.Event) (store.Event, error) {
	opened := *e
	opened.Body, opened.Head, opened.Number, opened.Command = nil, store.Head{}, "", store.Hash{}
	if len(e.Body) == 0 && !e.BodyHash.IsZero() {
		opened.Withheld = true
		return opened, nil
	}
	if sha256.Sum256(e.Body) != e.BodyHash {
		return opened, fmt.Errorf("sealed bytes do not have their hash: %w", store.ErrDamaged)
	}
	header, mac, entries, err := parseBlob(e.Body)
	if err != nil {
		return opened, fmt.Errorf("%w: %w", err, store.ErrDamaged)
	}
	s := scratches.Get().(*scratch)
	defer s.release()
	s.bytes = appendPlace(append(s.bytes[:0], header...), e)
	if want := r.headers.of(s.bytes); !hmac.Equal(mac, want[:]) {
		return opened, r.notOurs(e.Conversation)
	}
	for i := range entries {
		if err := r.openBox(&opened, &entries[i], s); err != nil {
			return opened, err
		}
	}
	return opened, nil
}

// notOurs tells why a header does not authenticate: as a rule it was altered or moved, but another Master's keys say so.
func (r *Ring) notOurs(conversation string) error {
	if _, err := r.keys.find(slot{conversation, store.Facts}); err != nil && !errors.Is(err, ErrNoKey) {
		return err
	}
	return fmt.Errorf("header does not authenticate: %w", store.ErrDamaged)
}

// openBox sets in e what one box holds. The associated data stands in s.bytes; its last byte is openBox's to set.
func (r *Ring) openBox(e *store.Event, box *entry, s *scratch) error {
	if box.role == none {
		return nil
	}
	key, err := r.keyFor(e, box)
	if err != nil {
		return err
	}
	if key == nil {
		e.Withheld = true
		return nil
	}
	s.bytes[len(s.bytes)-1] = byte(box.role)
	nonce, sealed := box.sealed[:chacha20poly1305.NonceSizeX], box.sealed[chacha20poly1305.NonceSizeX:]
	padded, err := key.aead.Open(nil, nonce, sealed, s.bytes)
	if err != nil {
		return fmt.Errorf("%v box does not authenticate: %w", box.role, store.ErrDamaged)
	}
	plain, ok := unpad(padded)
	if !ok {
		return fmt.Errorf("%v box is not padded: %w", box.role, store.ErrDamaged)
	}
	return fillIn(e, box.role, plain)
}

// keyFor returns the key that a box is sealed under, nil where it is destroyed. e has its facts, unless that is their box.
func (r *Ring) keyFor(e *store.Event, box *entry) (*dataKey, error) {
	for _, conversation := range []string{keeper(e, box.role), e.Conversation} { // those of before are under the second
		key, err := r.keys.find(slot{conversation, box.class})
		if err == nil && key.id == box.key {
			return key, nil
		}
		if err != nil && !errors.Is(err, ErrNoKey) {
			return nil, err
		}
		if conversation == e.Conversation {
			break
		}
	}
	return nil, nil
}

// fillIn sets in e the plaintext of one box.
func fillIn(e *store.Event, of role, plain []byte) error {
	switch of {
	case factsRole:
		if err := decodeFacts(plain, e); err != nil {
			return fmt.Errorf("facts cannot be read: %w", store.ErrDamaged)
		}
	case numberRole:
		e.Number = string(plain)
	case bodyRole:
		e.Body = plain
	case askedRole:
		if len(plain) < len(e.Command) {
			return fmt.Errorf("command cannot be read: %w", store.ErrDamaged)
		}
		e.Command, e.Body = store.Hash(plain[:len(e.Command)]), plain[len(e.Command):]
	}
	return nil
}
