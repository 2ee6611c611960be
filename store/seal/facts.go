package seal

import (
	"bytes"

	"github.com/fxamacker/cbor/v2"

	"befree.example/store"
)

// facts are what a facts box holds, as CBOR. Fields are only ever added; Head goes by its names in JSON, so that a
// field added there is sealed without a change here.
type facts struct {
	ID       string     `cbor:"1,keyasint,omitempty"` // empty where the clear ID is the ID
	Head     store.Head `cbor:"2,keyasint,omitzero"`
	Command  store.Hash `cbor:"3,keyasint,omitzero"`
	BodyHash store.Hash `cbor:"4,keyasint,omitzero"` // that the event had before it was sealed here
	Withheld bool       `cbor:"5,keyasint,omitempty"`
}

var factsCBOR = func() cbor.UserBufferEncMode {
	mode, err := cbor.CoreDetEncOptions().UserBufferEncMode()
	if err != nil {
		panic(err) // the library's own options
	}
	return mode
}()

// factsReader takes text as it came, even where it is not UTF-8: an ID is the carrier's to choose.
var factsReader = func() cbor.DecMode {
	mode, err := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	if err != nil {
		panic(err) // the library's own options
	}
	return mode
}()

// encodeFacts appends the facts of e to buf. cleared tells that its ID stands in the clear.
func encodeFacts(buf *bytes.Buffer, e *store.Event, cleared bool) error {
	f := facts{Head: e.Head, Command: e.Command, BodyHash: e.BodyHash, Withheld: e.Withheld}
	if len(e.Body) > 0 {
		f.Command = store.Hash{} // it stands with the body
	}
	if !cleared {
		f.ID = e.ID
	}
	return factsCBOR.MarshalToBuffer(f, buf)
}

// decodeFacts sets in e what encodeFacts took from it.
func decodeFacts(plain []byte, e *store.Event) error {
	var f facts
	if err := factsReader.Unmarshal(plain, &f); err != nil {
		return err
	}
	if f.ID != "" {
		e.ID = f.ID
	}
	if !f.BodyHash.IsZero() {
		e.BodyHash = f.BodyHash
	}
	e.Head, e.Command, e.Withheld = f.Head, f.Command, e.Withheld || f.Withheld
	return nil
}
