package desk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"befree.example/store"
	"befree.example/store/sms"
)

// A Command asks for one event. The fields above the line come from whoever asks; those below are filled in by the
// relay, which alone knows who is asking.
type Command struct {
	ID           string          `json:"id"`
	Kind         store.Kind      `json:"kind"`
	Conversation string          `json:"conv,omitempty"`
	Ref          string          `json:"ref,omitempty"`   // ID of the message that it is about
	Claim        uint64          `json:"claim,omitempty"` // Seq of the claim that it rests on
	Seen         uint64          `json:"seen,omitempty"`  // Seq of the newest text or safety record on the screen
	Body         json.RawMessage `json:"body,omitempty"`
	Age          time.Duration   `json:"age,omitempty"`   // from the key press until it was sent, by that of the console's own clocks which says more
	Proof        []byte          `json:"proof,omitempty"` // of a [Dangerous] kind: the device's signature, its owner having shown again who they are

	Actor  string     `json:"-"` // staff, or one of store.Texter, store.Carrier, store.Clock
	Role   Role       `json:"-"` // empty for those who are not staff
	Number sms.Number `json:"-"` // the texter's, on Received
	Head   store.Head `json:"-"` // what is known already: how late on Received, state and code on Delivery
}

// Hash tells two commands apart: one ID may never stand for both. A retry has the same hash.
func (c Command) Hash() store.Hash {
	h := sha256.New()
	for _, part := range []string{string(c.Kind), c.Conversation, c.Ref, c.Actor, string(c.Number), string(c.Body)} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		_, _ = io.WriteString(h, part)
	}
	_ = binary.Write(h, binary.BigEndian, []uint64{c.Claim, c.Seen})
	return store.Hash(h.Sum(nil))
}

// A Code says why a command was refused, for programs.
type Code string

// The codes.
const (
	CodeUnknown    Code = "unknown conversation"
	CodeForbidden  Code = "forbidden"
	CodeClaimed    Code = "claimed"
	CodeYours      Code = "yours already"
	CodeNotYours   Code = "not yours"
	CodeStale      Code = "stale claim"
	CodeLimit      Code = "limit"
	CodeNewer      Code = "newer text"
	CodeTooOld     Code = "too old"
	CodeOptedOut   Code = "opted out"
	CodeGate       Code = "held"
	CodeClosed     Code = "closed"
	CodePending    Code = "reply pending"
	CodeTooLong    Code = "too long"
	CodeEmpty      Code = "empty"
	CodeBad        Code = "bad command"
	CodeNotWaiting Code = "not waiting"
	CodeInFlight   Code = "in flight"
	CodeNotYet     Code = "not yet"
	CodeIDReused   Code = "ID reused"
	CodeProof      Code = "fresh proof" // of a dangerous kind, without the passphrase having been asked for
	CodeRevoked    Code = "revoked"     // the device, or whoever it belongs to
	CodeClock      Code = "clock"       // the console's and the relay's are too far apart
	CodeWait       Code = "wait"        // too many tries
	CodeBehind     Code = "behind unknown"
	CodeOvertaken  Code = "overtaken"
	CodeForgotten  Code = "forgotten"
	CodeOpen       Code = "not closed"
	CodeLegalHold  Code = "legal hold"
	CodeAsked      Code = "asked already"
	CodeTwo        Code = "needs another person"
	CodeNoFlood    Code = "no flood"
)

// A Refusal is a command that the rules do not allow. It is not a failure: nothing was lost, and its text says what
// to do. It never holds anything that a texter or a specialist wrote.
type Refusal struct {
	Code Code
	Text string
}

func (r *Refusal) Error() string { return r.Text }

// Is matches every Refusal with the same code.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Code == r.Code
}

func refuse(code Code, format string, args ...any) error {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}
