// Package seal keeps events unreadable at rest and makes forgetting possible.
//
// Every conversation has one random 256-bit data key per [store.Class]. An event's facts (its ID, head and command),
// its number and its body are sealed apart under those keys with XChaCha20-Poly1305, so that a class is forgotten by
// destroying one key. The data keys stand in a [KeyStore], wrapped under a [Master]: at the relay from a key file, at
// a console from an [Envelope] that the passphrase opens.
//
// What stays in the clear of a sealed event is Seq, Prev, Conversation, At, Actor, Kind and the clear form of its ID
// (see [Ring.ClearID]).
package seal

import "errors"

// What this package can answer, beside [store.ErrDamaged] and a failure of the machine.
var (
	ErrNoKey       = errors.New("no such key")                                 // never made, or destroyed
	ErrExists      = errors.New("key exists already")                          // of a KeyStore: nothing was saved
	ErrMaster      = errors.New("master key does not fit the stored keys")     // another master's, or a damaged key
	ErrKeysMissing = errors.New("the stored keys of this log are missing")     // see Ring.Check
	ErrPassphrase  = errors.New("wrong passphrase")                            // or an envelope whose seal is damaged
	ErrExposed     = errors.New("key file can be read or changed by others")   // see LoadMaster
	ErrKey         = errors.New("key is damaged or was not written by befree") // a key file or an envelope
)
