// Package store holds what is true: one append-only log of events, in one order, for ever.
//
// Everything else in befree is a reader of that log or asks for something to be put at its end. Whoever understands
// [Event] and [Log] here, and Decide and Apply in package desk, understands the system.
package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// A Kind says what an event is. Kinds are only ever added; one whose meaning changes gets a new name.
type Kind string

// A Class of retention: what is sealed under one key and forgotten together.
type Class string

// The classes. A texter's number is [Numbers] wherever it stands; every Kind has one class for its body.
const (
	Numbers Class = "numbers"
	Text    Class = "text"
	Notes   Class = "notes"
	Plans   Class = "plans"
	Facts   Class = "facts"
)

// Actors who are not members of staff. No member of staff can be given one of these names.
const (
	Texter  = "texter"
	Carrier = "carrier"
	Clock   = "clock"
)

// An Event is one thing that happened in one conversation. It never changes.
//
// Its String and LogValue show the clear part alone: place, time, kind, conversation, actor.
type Event struct {
	Seq          uint64    `json:"seq,omitempty"`  // place in the log, given by Append; no holes within an epoch
	Prev         uint64    `json:"prev,omitempty"` // Seq of this conversation's event before, 0 for its first
	ID           string    `json:"id"`             // chosen by the sender (MessageSid, command ID); kept once, for ever
	Conversation string    `json:"conv,omitempty"` // random; empty for an audit event, which belongs to no chain
	At           time.Time `json:"at"`
	Actor        string    `json:"actor,omitempty"` // who did it: a member of staff, Texter, Carrier or Clock
	Kind         Kind      `json:"kind"`
	Head         Head      `json:"head,omitzero"`
	Number       string    `json:"number,omitempty"`   // the texter's, whole: on the events that bind a conversation to it; sealed apart
	Body         []byte    `json:"body,omitempty"`     // JSON; sealed at rest; empty once shredded or not for this reader
	BodyHash     Hash      `json:"hash,omitzero"`      // SHA-256 of the sealed bytes; stays after shredding
	Command      Hash      `json:"command,omitzero"`   // of the command that asked for it: one ID never means two things
	Withheld     bool      `json:"withheld,omitempty"` // Number and Body exist but are not for this reader, or are forgotten
	Leaf         Hash      `json:"leaf,omitzero"`      // of the log's tree, where the log that it was read from has one; never kept with the event
}

// A Hash is a SHA-256 sum.
type Hash [32]byte

// IsZero tells whether h was never set.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText gives 64 hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText takes 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errors.New("not a SHA-256 sum in hexadecimal")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// A Head is what everybody who is signed in may know of an event, so that every console derives the same queue:
// never words, never a whole number.
type Head struct {
	Severity string   `json:"severity,omitempty"` // of the conversation, from this event on
	Language string   `json:"language,omitempty"` // ISO 639-1, as far as it is known
	Tail     string   `json:"tail,omitempty"`     // the last four digits of the texter's number
	Keyword  string   `json:"keyword,omitempty"`  // class of carrier keyword: help, optout, optin
	Flags    []string `json:"flags,omitempty"`    // "danger word", "returned", "do not text", ...
	Staff    string   `json:"staff,omitempty"`    // the member of staff whom it is about, where that is not the actor
	Ref      string   `json:"ref,omitempty"`      // ID of the message that it is about
	Delivery string   `json:"delivery,omitempty"` // delivery status of that message
	Code     int      `json:"code,omitempty"`     // the carrier's error code, 0 if none

	Late time.Duration `json:"late,omitempty"` // how long before At the carrier had a text that it did not bring
}

// String shows the clear part of e.
func (e Event) String() string {
	return fmt.Sprintf("event %d %s of %s by %s", e.Seq, e.Kind, e.Conversation, e.Actor)
}

// GoString shows the clear part of e, so that %#v gives nothing away either.
func (e Event) GoString() string { return e.String() }

// LogValue shows the clear part of e.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.Uint64("seq", e.Seq), slog.String("kind", string(e.Kind)),
		slog.String("conversation", e.Conversation), slog.String("actor", e.Actor))
}

// A Position is a place in one log: just after the event Seq, 0 for its beginning.
type Position struct {
	Epoch string `json:"epoch"` // the log's random birth name; a restored or replaced log is never a continuation
	Seq   uint64 `json:"seq"`
}

// A Log keeps events in one order. It is safe for use by many goroutines at once.
type Log interface {
	// Append adds es, all or none, in order: each if its conversation still ends at its Prev, else ErrConflict; an ID
	// that it already keeps gives a DuplicateError with the first one's Seq, and goes before a conflict. An event with
	// no Conversation belongs to no chain and has Prev 0. Append gives each its Seq (the Seq set by the caller is
	// ignored; Prev may name an event of the same call by the Seq it will get). It returns the last Seq once all are
	// on stable storage. A ctx that ends while it waits does not say whether they were added.
	Append(ctx context.Context, es ...Event) (last uint64, err error)

	// Read returns at most limit events after the position, oldest first, and the position of the newest event. The
	// zero Epoch stands for whichever the log has; another than the log's own gives ErrEpoch, as does a Seq beyond the
	// newest. It holds no transaction open on return.
	Read(ctx context.Context, after Position, limit int) (es []Event, head Position, err error)

	// Changed is closed once there is an event after seq.
	Changed(after uint64) <-chan struct{}

	// Conversation returns one conversation's events, oldest first; none for one it does not know.
	Conversation(ctx context.Context, id string) ([]Event, error)

	// Find returns the event with this ID, or ErrNotFound.
	Find(ctx context.Context, id string) (Event, error)
}

// What a Log can answer, beside a failure of the machine.
var (
	ErrConflict  = errors.New("conversation changed")
	ErrDuplicate = errors.New("ID is already kept") // matched by every *DuplicateError
	ErrEpoch     = errors.New("position is from another log")
	ErrNotFound  = errors.New("no such event")
	ErrClosed    = errors.New("log is closed")
	ErrDamaged   = errors.New("log is damaged")
	ErrInUse     = errors.New("file is open in another befree")
	ErrBroken    = errors.New("log could not write and must be opened again") // nothing more is appended until then
)

// A DuplicateError says where an ID is already kept.
type DuplicateError struct {
	Seq uint64 // of the event that has it
}

func (e *DuplicateError) Error() string { return fmt.Sprintf("%v at %d", ErrDuplicate, e.Seq) }

// Is makes every DuplicateError match ErrDuplicate.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

// DeviceID is the ID of the n-th command of a device with this birth name (16 lower-case letters or digits). Such IDs
// say nothing about anybody, so they stand in the clear; IDs of any other shape are kept as keyed hashes.
func DeviceID(birth string, n uint64) string { return fmt.Sprintf("%s-%012d", birth, n) }

var deviceID = regexp.MustCompile(`^[a-z0-9]{16}-[0-9]{12}(/[a-z0-9/]{1,40})?$`)

// IsDeviceID tells whether id was made by [DeviceID], perhaps with a suffix such as "/send/1".
func IsDeviceID(id string) bool { return deviceID.MatchString(id) }
