package client

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// Ears are all that it takes to hear from the relay while a console is locked: who its owner is there, and the one key
// by which its device signs in. Nothing that is kept here opens by them.
type Ears struct {
	Name   string             `json:"name"`
	URL    string             `json:"url"`
	Device json.RawMessage    `json:"device"`
	ID     string             `json:"id"`
	Key    ed25519.PrivateKey `json:"key"`
}

// Ears are the client's own.
func (c *Client) Ears() (Ears, error) {
	raw, err := json.Marshal(c.Identity.device)
	return Ears{c.Identity.Name, c.URL, raw, c.Cache.DeviceID(), c.Cache.SigningKey()}, err
}

// Format prints the name, whatever the verb.
func (e Ears) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(e.Name)) }

// LogValue returns the name.
func (e Ears) LogValue() slog.Value { return slog.StringValue(e.Name) }

// DeviceID implements signer.
func (e Ears) DeviceID() string { return e.ID }

// Sign implements signer.
func (e Ears) Sign(message []byte) []byte { return ed25519.Sign(e.Key, message) }

// A Listener is a console's end of the line while it is locked: it knows who waits and since when, and asks the relay
// for nobody's words. Its methods are safe for use by many goroutines.
type Listener struct {
	c    *Client
	hole bool // in what it knows
}

// Listen makes one. c is as for [New], without a cache; destroy makes what is kept here unreadable, once the relay has
// revoked the device.
func Listen(c Config, e Ears, destroy func(why string) error) (*Listener, error) {
	cl := bare(c)
	cl.URL, cl.destroy = e.URL, destroy
	cl.Identity = Identity{Name: e.Name, signs: e}
	if err := json.Unmarshal(e.Device, &cl.Identity.device); err != nil {
		return nil, err
	}
	return &Listener{c: cl}, nil
}

// Run listens until ctx ends; see [Client.Run].
func (l *Listener) Run(ctx context.Context) error { return l.c.stay(ctx, l.overhear) }

// View shows the state as the relay told it, with nobody's words.
func (l *Listener) View(f func(*desk.State)) { l.c.View(f) }

// Status returns how the console stands to the relay now.
func (l *Listener) Status() Status { return l.c.Status() }

// Changed is closed at the next change of anything that the listener shows.
func (l *Listener) Changed() <-chan struct{} { return l.c.Changed() }

// overhear is one connection from dialling to its end. It goes on from what is known, if that is of the same log and whole.
func (l *Listener) overhear(ctx context.Context) error {
	ws, err := l.c.dial(ctx, l.c.tls())
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = ws.Close() })()
	defer ws.Close()
	s := &session{Client: l.c, talk: talk{ws}}
	hello, welcome, err := s.signIn()
	if err != nil {
		return err
	}
	at := l.c.Status()
	from := wire.Resume{Epoch: at.Epoch, After: at.At, Outline: true}
	if l.hole || at.Epoch != hello.Epoch || at.At > hello.Last {
		from.Epoch, from.After = "", 0
	}
	if from.After == 0 {
		s.fresh = desk.NewState(desk.Policy{})
	}
	if err := s.send(wire.Frame{Resume: &from}); err != nil {
		return err
	}
	l.c.arrive(hello, welcome, at.At)
	for err == nil {
		var f wire.Frame
		if f, err = s.receive(); err == nil {
			err = s.heard(f)
		}
	}
	if s.fresh == nil {
		l.hole = errors.Is(err, bolt.ErrHole)
	}
	return err
}

// heard takes what the relay says. What there is already is shown once all of it is there: it is not news.
func (s *session) heard(f wire.Frame) error {
	switch {
	case f.Part != nil && f.Part.First:
		s.part = outlines(f.Part.Events)
	case f.Part != nil:
		s.part = append(s.part, outlines(f.Part.Events)...)
	}
	switch {
	case f.Part != nil && !f.Part.More && s.fresh != nil:
		if c := desk.Fold(s.part); c != nil {
			s.fresh.Replace(c)
		}
	case f.Snapshot != nil && s.fresh != nil:
		s.fresh.Apply(store.Event{Seq: f.Snapshot.Position.Seq})
		s.update(func() {
			s.state, s.fresh = s.fresh, nil
			s.status.At, s.status.Epoch = f.Snapshot.Position.Seq, f.Snapshot.Position.Epoch
			s.status.Head = max(s.status.At, s.status.Head)
		})
	case f.Events != nil:
		return s.news(*f.Events)
	case f.Prove != nil:
		auth := s.Identity.Prove(f.Prove.Nonce, s.channel)
		return s.send(wire.Frame{Auth: &auth})
	case f.Refused != nil:
		return s.refusal(*f.Refused)
	case f.Drain != nil:
		s.update(func() { s.status.Draining = true })
	}
	return nil
}

// news shows what follows. Of a hole nobody knows what was in it: the connection ends, and the next one has all there is.
func (s *session) news(in wire.Events) error {
	s.mu.Lock()
	ahead := s.state.Fork()
	s.mu.Unlock()
	for _, e := range outlines(in.Events) {
		if e.Seq > ahead.Last()+1 {
			return bolt.ErrHole
		}
		if e.Seq > ahead.Last() {
			ahead.Apply(e)
		}
	}
	s.update(func() {
		s.state.Merge(ahead)
		s.status.At, s.status.Head = s.state.Last(), max(in.Head, s.status.Head)
	})
	return nil
}

// outlines takes the words out of events, which a relay of another age may have sent all the same.
func outlines(es []store.Event) []store.Event {
	for i := range es {
		if len(es[i].Body) > 0 {
			clear(es[i].Body)
			es[i].Body, es[i].Withheld = nil, true
		}
	}
	return es
}
