package tree

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"befree.example/store"
)

// A State is what a log held at one moment: its first Size events, under one root.
type State struct {
	Epoch string
	Size  uint64
	Hash  store.Hash
}

// A Checkpoint is a State that a relay stands by. A log that was restored from a backup names those that it was before,
// oldest first, each as far as it goes on from it.
type Checkpoint struct {
	State
	Before []State
}

// What is wrong with a checkpoint or a proof.
var (
	ErrSignature = errors.New("it is not signed by this relay's key")
	ErrShape     = errors.New("it was changed, or is none of befree's")
	ErrRewritten = errors.New("the log was rewritten")
)

// The text of a checkpoint, in the form that public transparency logs use:
//
//	befree/EPOCH
//	SIZE
//	base64 of the root
//	before EPOCH SIZE base64 of the root
const (
	Origin     = "befree/"
	beforeLine = "before "
	signerName = "befree"
)

func (s State) words(between string) string {
	return s.Epoch + between + strconv.FormatUint(s.Size, 10) + between + base64.StdEncoding.EncodeToString(s.Hash[:])
}

func (c Checkpoint) text() string {
	text := Origin + c.words("\n") + "\n"
	for _, b := range c.Before {
		text += beforeLine + b.words(" ") + "\n"
	}
	return text
}

func parseState(words []string) (s State, err error) {
	if len(words) != 3 || words[0] == "" {
		return s, ErrShape
	}
	s.Epoch = words[0]
	if s.Size, err = strconv.ParseUint(words[1], 10, 63); err != nil {
		return s, ErrShape
	}
	raw, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil || len(raw) != len(s.Hash) {
		return s, ErrShape
	}
	copy(s.Hash[:], raw)
	return s, nil
}

func parse(text string) (c Checkpoint, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	first, ours := strings.CutPrefix(lines[0], Origin)
	if !ours || len(lines) < 3 {
		return c, ErrShape
	}
	if c.State, err = parseState([]string{first, lines[1], lines[2]}); err != nil {
		return c, err
	}
	for _, line := range lines[3:] {
		words, ok := strings.CutPrefix(line, beforeLine)
		if !ok {
			return c, ErrShape
		}
		b, err := parseState(strings.Split(words, " "))
		if err != nil {
			return c, err
		}
		c.Before = append(c.Before, b)
	}
	if c.text() != text { // one form alone, so that no byte can be changed unseen
		return c, ErrShape
	}
	return c, nil
}

// A Key is the public half of what a relay signs with, as one word.
type Key string

// canonical tells whether k is written as keys are.
func (k Key) canonical() bool {
	parts := strings.SplitN(string(k), "+", 3)
	if len(parts) != 3 {
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return false
	}
	again, err := note.NewEd25519VerifierKey(parts[0], raw[1:])
	return err == nil && again == string(k)
}

// A Signer signs checkpoints. It prints as its public key.
type Signer struct {
	signer note.Signer
	key    Key
}

// NewSigner makes one of 32 secret bytes.
func NewSigner(seed [ed25519.SeedSize]byte) (*Signer, error) {
	public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	key, err := note.NewEd25519VerifierKey(signerName, public)
	if err != nil {
		return nil, err
	}
	const ed25519Keys = 1
	hash := strings.Split(key, "+")[1]
	secret := base64.StdEncoding.EncodeToString(append([]byte{ed25519Keys}, seed[:]...))
	signer, err := note.NewSigner("PRIVATE+KEY+" + signerName + "+" + hash + "+" + secret)
	return &Signer{signer, Key(key)}, err
}

// Key returns the public half.
func (s *Signer) Key() Key { return s.key }

// String returns the public half.
func (s *Signer) String() string { return string(s.key) }

// GoString returns the public half.
func (s *Signer) GoString() string { return string(s.key) }

// Sign returns c as it is handed on and kept: lines of text, the last one the signature.
func (s *Signer) Sign(c Checkpoint) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, s.signer)
}

// Open reads a checkpoint that was signed with key. Bytes changed in any way give [ErrSignature] or [ErrShape].
func Open(signed []byte, key Key) (Checkpoint, error) {
	verifier, err := note.NewVerifier(string(key))
	if err != nil || !key.canonical() {
		return Checkpoint{}, fmt.Errorf("key %q: %w", key, ErrShape)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if _, other := errors.AsType[*note.UnverifiedNoteError](err); other {
		return Checkpoint{}, ErrSignature
	}
	if _, bad := errors.AsType[*note.InvalidSignatureError](err); bad {
		return Checkpoint{}, ErrSignature
	}
	if err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) > 0 {
		return Checkpoint{}, ErrShape
	}
	again, err := note.Sign(&note.Note{Text: n.Text, Sigs: canonical(n.Sigs)})
	if err != nil || !bytes.Equal(again, signed) {
		return Checkpoint{}, ErrShape
	}
	return parse(n.Text)
}

// canonical gives signatures the one base64 that they have.
func canonical(sigs []note.Signature) []note.Signature {
	for i, s := range sigs {
		if raw, err := base64.StdEncoding.DecodeString(s.Base64); err == nil {
			sigs[i].Base64 = base64.StdEncoding.EncodeToString(raw)
		}
	}
	return sigs
}

// Has tells how many events of a log with this birth name c's log still goes on from: all, where it is that log, else as
// many as every restore since has left. None says that it is another log.
func (c Checkpoint) Has(epoch string) (events uint64, known bool) {
	events = c.Size
	for _, b := range slices.Backward(c.Before) {
		if known = c.Epoch == epoch; known {
			break
		}
		events = min(events, b.Size)
		if known = b.Epoch == epoch; known {
			break
		}
	}
	return events, known || c.Epoch == epoch
}

// Follows tells whether c's log is the one of an earlier state, or goes on from it.
func (c Checkpoint) Follows(earlier State) bool {
	_, known := c.Has(earlier.Epoch)
	return known
}
