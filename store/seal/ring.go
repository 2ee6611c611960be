package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"iter"

	"befree.example/store"
)

// A Ring seals and opens events with the data keys of one KeyStore under one Master. It is safe for use by many
// goroutines at once. Several Rings may make keys in one KeyStore, but forgetting goes through the only one: another
// would go on using the keys that it holds in memory.
type Ring struct {
	keys    keyring
	classOf func(store.Kind) store.Class
	ids     macs
	headers macs
	marks   macs
}

// NewRing makes a Ring. classOf gives the class of every kind's body, also of kinds it does not know: a name without a
// slash. A class may be changed later: what is sealed stays in the class that it was sealed in.
func NewRing(m Master, ks KeyStore, classOf func(store.Kind) store.Class) *Ring {
	r := &Ring{classOf: classOf}
	r.keys = keyring{store: ks, wrapKey: hide(m.derive("wrapping 1")), opened: map[slot]*dataKey{}}
	r.ids.under(m.derive("IDs 1"))
	r.headers.under(m.derive("headers 1"))
	r.marks.under(m.derive("marks 1"))
	return r
}

// String says nothing of its keys.
func (r *Ring) String() string { return "key ring" }

// GoString says nothing of its keys.
func (r *Ring) GoString() string { return r.String() }

// Format says nothing of its keys, whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.String())) }

// proofName is where Check keeps its proof.
const proofName = "proof"

// Check proves that Master and KeyStore belong together and to the log: without it a log whose KeyStore was lost looks
// like one that was forgotten. fresh says that the log is empty; only then may the proof be missing, and is made.
// Another Master's KeyStore gives ErrMaster, an empty one for a log that is not ErrKeysMissing.
func (r *Ring) Check(fresh bool) error {
	wrapped, err := r.keys.store.Load(proofName)
	switch {
	case err != nil:
		return fmt.Errorf("load key: %w", err)
	case wrapped[0] == nil && fresh:
		return r.prove()
	case wrapped[0] == nil:
		return ErrKeysMissing
	}
	if _, ok := unwrap(r.keys.wrapKey(), wrapped[0], wrapAD(proofName)); !ok {
		return ErrMaster
	}
	return nil
}

func (r *Ring) prove() error {
	random := make([]byte, 32)
	rand.Read(random)
	err := r.keys.store.Save(map[string][]byte{proofName: wrap(r.keys.wrapKey(), random, wrapAD(proofName))})
	if errors.Is(err, ErrExists) { // somebody else was first
		return r.Check(false)
	}
	return err
}

// ClearID is the form in which an ID stands in the clear: itself for a device's, else "h" and a hash of it keyed by
// the Master. It is always the same for one Master and ID.
func (r *Ring) ClearID(id string) string {
	if store.IsDeviceID(id) {
		return id
	}
	mac := r.ids.of([]byte(id))
	return string(base32Lower.AppendEncode([]byte("h"), mac[:]))
}

// Seal returns copies of es that give nothing away: ID in its clear form; Head, Number, Command and Withheld zero; Body
// the sealed bytes and BodyHash their SHA-256. A BodyHash that the event had (a console keeps the relay's) is sealed
// within and comes back by Open. Data keys that are missing are made first, all by one Save, and are on stable storage
// when Seal returns.
func (r *Ring) Seal(es []store.Event) ([]store.Event, error) {
	if err := r.keys.ensure(r.keys.absent(r.needs(es))); err != nil {
		return nil, err
	}
	sealed := make([]store.Event, len(es))
	for i := range es {
		e, err := r.seal(&es[i])
		if err != nil {
			return nil, fmt.Errorf("seal %s: %w", es[i].Kind, err)
		}
		sealed[i] = e
	}
	return sealed, nil
}

// needs gives the slots that es are sealed with.
func (r *Ring) needs(es []store.Event) iter.Seq[slot] {
	return func(yield func(slot) bool) {
		for i := range es {
			for _, p := range r.parts(&es[i]) {
				if p.role != none && !yield(slot{keeper(&es[i], p.role), p.class}) {
					return
				}
			}
		}
	}
}

// Shred destroys the keys of these classes of one conversation, in the KeyStore and in memory; what was sealed in them
// can never be opened again. Events of these classes that are being appended meanwhile may be lost with the rest;
// those sealed later get new keys. Of an event without a conversation, which names one that it is about, all but the
// facts goes with that one.
func (r *Ring) Shred(conversation string, classes ...store.Class) error {
	return r.ShredAll([]string{conversation}, classes...)
}

// ShredAll is Shred for several conversations at once.
func (r *Ring) ShredAll(conversations []string, classes ...store.Class) error {
	var slots []slot
	for _, conversation := range conversations {
		if conversation == "" {
			return errors.New("no conversation to forget")
		}
		for _, c := range classes {
			slots = append(slots, slot{conversation, c})
		}
	}
	return r.keys.shred(slots)
}
