package client

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// ErrNoAnswer is an enrolment that may or may not have been done: the same code once more, from the same cache, tells.
var ErrNoAnswer = errors.New("the relay did not answer; run the same again, with the same code")

// Enrol has a relay enter the cache's device by a code that its owner was given, and keeps what the device must know
// then. The error says in words why it was not done.
func Enrol(ctx context.Context, c Config, code wire.Code) (desk.Role, error) {
	if err := private(c.URL); err != nil {
		return "", err
	}
	e, err := enrolment(c.Cache)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := device{URL: c.URL}
	var fits func([]byte) bool
	if code.Pinned() {
		fits = func(f []byte) bool {
			d.Pin = f
			return code.Fits(f)
		}
	}
	ws, err := c.dial(ctx, secured(c.TLS, fits))
	for ; errors.Is(err, errStarting) && ctx.Err() == nil; ws, err = c.dial(ctx, secured(c.TLS, fits)) {
		pause(ctx, backoffFirst)
	}
	if err != nil {
		return "", fmt.Errorf("%w; the code was not used up", inWords(err))
	}
	defer ws.Close()
	defer context.AfterFunc(ctx, func() { _ = ws.Close() })()
	done, err := introduce(talk{ws}, e, code, c.Cache)
	if err != nil {
		return "", inWords(err)
	}
	d.Relay, d.End = done.Relay, store.Hash(done.End)
	raw, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	return done.Role, c.Cache.SetDevice(raw)
}

func enrolment(c *bolt.Cache) (wire.Enrol, error) {
	certain, err := c.CertainKey()
	return wire.Enrol{Name: c.Owner(), Device: c.DeviceID(), Key: c.DeviceKey(), Certain: certain}, err
}

// inWords says what went wrong on the way.
func inWords(err error) error {
	var away turnedAway
	if errors.Is(err, ErrRefused) || errors.As(err, &away) || errors.Is(err, ErrNoAnswer) {
		return err
	}
	why, _ := trouble(err)
	return errors.New(why)
}

// introduce says the one thing that is to be said to a relay that does not know the device yet.
func introduce(t talk, e wire.Enrol, code wire.Code, c *bolt.Cache) (done wire.Enrolled, err error) {
	hello, channel, err := t.greeted()
	if err != nil {
		return done, err
	}
	e.At = time.Now().UTC()
	said := wire.Enrolling(e, hello.Nonce, channel)
	e.Proof, e.Own = ed25519.Sign(code.Key(), said), c.Sign(said)
	if err := t.send(wire.Frame{Enrol: &e}); err != nil {
		return done, err
	}
	f, err := t.receive()
	switch {
	case err != nil:
		why, _ := trouble(err)
		return done, fmt.Errorf("%w (%s)", ErrNoAnswer, why)
	case f.Refused != nil:
		return done, turnedAway{plain(f.Refused.Text)}
	case f.Enrolled == nil, len(f.Enrolled.End) != len(store.Hash{}), f.Enrolled.Relay != hello.Relay:
		return done, fmt.Errorf("%w: it answers as no befree relay does", ErrRefused)
	}
	return *f.Enrolled, nil
}
