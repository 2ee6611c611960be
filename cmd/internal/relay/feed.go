package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
)

// feedMost is how many events are read from the log at once.
const feedMost = 256

// A feed is one console's connection. One goroutine reads what the console asks, one writes: whatever follows the
// console's cursor in the log, and the answers. A slow console slows itself alone.
type feed struct {
	desk      *Desk
	carrier   gateway.Gateway
	enrolment Enrolment
	ws        *websocket.Conn
	who       Member
	device    Device
	*presence
	log     *slog.Logger
	walls   *walls
	pace    *pace
	answers chan *wire.Frame // from the reader to the writer; its room bounds what a console can have open
	cursor  store.Position
	sent    atomic.Uint64 // the cursor's Seq, for others to read
	tree    Tree          // nil where the log has none
	kept    uint64        // size of the log at the last checkpoint that the console has
	owes    bool          // the one that was due could not be made
	fetches sync.WaitGroup

	draining <-chan struct{}      // closed when the relay is about to stop
	within   func() time.Duration // how long the console may stay then

	busy chan struct{} // held while a file is fetched: one at a time for a console
}

// run serves a console that has signed in until either side ends it.
func (f *feed) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	reader := make(chan error, 1)
	go func() {
		defer cancel()
		reader <- f.walls.safely("what a console asked", func() error { return f.listen(ctx) })
	}()
	err := f.write(ctx)
	cancel()
	_ = f.ws.Close() // ends the reader
	err = errors.Join(err, <-reader)
	f.fetches.Wait()
	return err
}

// write is replay and live in one loop, so that nothing falls between them.
func (f *feed) write(ctx context.Context) error {
	ping := time.NewTicker(wire.PingEvery)
	defer ping.Stop()
	session := time.NewTimer(f.session)
	defer session.Stop()
	if err := f.vouch(); err != nil {
		return err
	}
	draining, leave := f.draining, (<-chan time.Time)(nil)
	for {
		behind, err := f.forward(ctx)
		if err == nil {
			err = f.vouchAgain()
		}
		if err != nil {
			return err
		}
		changed := f.desk.Changed(f.cursor.Seq)
		if behind {
			changed = closedNow
		}
		select {
		case <-ctx.Done():
			return nil // the reader has ended
		case <-draining:
			within := f.within()
			draining, leave = nil, time.After(within)
			err = f.send(wire.Frame{Drain: &wire.Drain{Within: within}})
		case <-leave:
			return nil
		case a := <-f.answers:
			err = f.send(*a)
		case last := <-f.parting:
			return errors.Join(errNotAdmitted, f.say(last))
		case <-session.C:
			err = f.askAgain()
			session.Reset(wire.AuthTimeout)
		case <-f.proved:
			session.Reset(f.session)
		case <-ping.C:
			err = f.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(wire.WriteTimeout))
		case <-changed:
		}
		if err != nil {
			return err
		}
	}
}

// forward sends the next events after the cursor, and tells whether there are more.
func (f *feed) forward(ctx context.Context) (behind bool, err error) {
	events, head, err := f.desk.Read(ctx, f.cursor, feedMost)
	if err != nil || len(events) == 0 {
		return false, err
	}
	pieces, err := f.desk.frames.get(events, head.Seq, f.desk.View, f.who)
	if err != nil {
		return false, err
	}
	for _, piece := range pieces {
		if f.over.Load() {
			return false, f.last()
		}
		_ = f.ws.SetWriteDeadline(time.Now().Add(wire.WriteTimeout))
		if err := f.ws.WritePreparedMessage(piece); err != nil {
			return false, err
		}
	}
	f.cursor.Seq = events[len(events)-1].Seq
	f.sent.Store(f.cursor.Seq)
	return f.cursor.Seq < head.Seq, nil
}

// send says something to the console, unless it is being shown out.
func (f *feed) send(frame wire.Frame) error {
	if f.over.Load() {
		return f.last()
	}
	return f.say(frame)
}

func (f *feed) say(frame wire.Frame) error {
	b, err := wire.Encode(frame)
	if err != nil {
		return fmt.Errorf("frame for %s: %w", f.who.Name, err)
	}
	_ = f.ws.SetWriteDeadline(time.Now().Add(wire.WriteTimeout))
	return f.ws.WriteMessage(websocket.TextMessage, b)
}

// listen takes what the console asks, one thing after another.
func (f *feed) listen(ctx context.Context) error {
	for {
		frame, err := receive(f.ws)
		if err == nil && f.over.Load() {
			err = errNotAdmitted // what it asks for now comes too late
		}
		if err == nil {
			err = f.pace.wait(ctx, frame.Command != nil)
		}
		if err != nil {
			return err
		}
		switch {
		case frame.Command != nil:
			err = f.command(ctx, *frame.Command)
		case frame.Fetch != nil:
			err = f.whole(ctx, frame.Fetch.Conversation, f.who.holds)
		case frame.Preview != nil:
			err = f.preview(ctx, frame.Preview.Conversations)
		case frame.Collect != nil:
			f.fetches.Go(func() {
				_ = f.walls.safely("fetching a file", func() error { f.collect(ctx, *frame.Collect); return nil })
			})
		case frame.Auth != nil:
			err = f.answered(*frame.Auth)
		}
		if err != nil {
			return err
		}
	}
}

// command passes on a command under the name of who signed in, whatever it says of itself.
func (f *feed) command(ctx context.Context, c desk.Command) error {
	c.Actor, c.Role = f.who.Name, f.who.Role
	if c.Conversation == "" && c.Kind != desk.Searched && c.Kind != desk.Erased && c.Kind != desk.RetentionAllowed {
		c.Kind = "" // no other kind that a console may ask for is without one
	}
	if err := f.mayAsk(c); err != nil {
		return f.answer(ctx, wire.Frame{Refused: &wire.Refused{ID: c.ID, Code: err.Code, Text: err.Text}})
	}
	seq, err := f.desk.Patiently(ctx, c)
	var r *desk.Refusal
	switch {
	case errors.As(err, &r):
		return f.answer(ctx, wire.Frame{Refused: &wire.Refused{ID: c.ID, Code: r.Code, Text: r.Text}})
	case err != nil:
		return err // the console asks again by the same ID
	}
	if err := f.answer(ctx, wire.Frame{Ack: &wire.Ack{ID: c.ID, Seq: seq}}); err != nil {
		return err
	}
	switch c.Kind {
	case desk.Viewed, desk.Exported:
		return f.whole(ctx, c.Conversation, f.who.mayRead)
	case desk.NumberRevealed:
		return f.number(ctx, c.Conversation)
	}
	return nil
}

// number sends the whole number of a conversation, which this console has asked for and its owner may have.
func (f *feed) number(ctx context.Context, id string) error {
	n := wire.Number{Conversation: id}
	if c := f.desk.Conversation(id); c != nil && f.who.mayRead(c) {
		n.Number = c.Number
	}
	return f.answer(ctx, wire.Frame{Number: &n})
}

func (f *feed) answer(ctx context.Context, frame wire.Frame) error {
	select {
	case f.answers <- &frame:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m Member) mayRead(c *desk.Conversation) bool { return c.MayRead(m.Name, m.Role) }

// holds tells whether m may have a conversation again without opening it: who holds it, or held it to its end.
func (m Member) holds(c *desk.Conversation) bool {
	return c.Owner == m.Name && m.Role != desk.Administrator && m.Role != desk.Reviewer
}

// whole sends a conversation with all its words, if the console's owner may have it so.
func (f *feed) whole(ctx context.Context, id string, may func(*desk.Conversation) bool) error {
	c := f.desk.Conversation(id)
	if c == nil || !may(c) {
		return f.answer(ctx, wire.Frame{Part: &wire.Part{Conversation: id, First: true}})
	}
	return f.parts(ctx, id, f.desk.Head().Seq, func(frame wire.Frame) error { return f.answer(ctx, frame) })
}

// parts sends a conversation up to an event, as far as its reader may have it.
func (f *feed) parts(ctx context.Context, id string, last uint64, send func(wire.Frame) error) error {
	events, err := f.events(ctx, id, last)
	if err != nil {
		return err
	}
	pieces := wire.Split(events)
	for i, piece := range pieces {
		part := wire.Part{Conversation: id, Events: piece, First: i == 0, More: i < len(pieces)-1}
		if err := send(wire.Frame{Part: &part}); err != nil {
			return err
		}
	}
	return nil
}

// events returns one conversation's events up to last for this reader.
func (f *feed) events(ctx context.Context, id string, last uint64) ([]store.Event, error) {
	events, err := f.desk.log.Conversation(ctx, id)
	if err != nil {
		return nil, err
	}
	f.desk.View(func(s *desk.State) {
		for len(events) > 0 && events[len(events)-1].Seq > last {
			events = events[:len(events)-1]
		}
		for i := range events {
			events[i] = forReader(events[i], s, f.who)
		}
	})
	return events, nil
}

// previewMost bounds one frame of previews: rows of a tall screen.
const previewMost = 100

// preview sends the newest text of each waiting conversation that was asked for.
func (f *feed) preview(ctx context.Context, ids []string) error {
	var newest []string
	f.desk.View(func(s *desk.State) {
		for _, id := range ids[:min(len(ids), previewMost)] {
			c := s.Conversation(id)
			if c != nil && c.Phase == desk.Waiting && f.who.mayRead(c) && c.Newest() != nil {
				newest = append(newest, c.Newest().ID)
			}
		}
	})
	var events []store.Event
	for _, id := range newest {
		e, err := f.desk.log.Find(ctx, id)
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	f.desk.View(func(s *desk.State) {
		for i := range events {
			events[i] = forReader(events[i], s, f.who)
		}
	})
	for _, piece := range wire.Split(events) {
		if err := f.answer(ctx, wire.Frame{Bodies: &wire.Events{Events: piece, Head: f.desk.Head().Seq}}); err != nil {
			return err
		}
	}
	return nil
}

// A showing is what a reader gets of an event.
type showing byte

const (
	whole    showing = iota // with its words
	outline                 // without them
	happened                // no more than that there was one, of which kind and when
	nameless                // likewise, and of which conversation: the carrier's names are nobody's business
)

// shows tells what a member of staff may have of e. Words go to those who may read the conversation now, and to whoever
// wrote them. Who looked at what is for the supervisors.
func shows(e *store.Event, s *desk.State, who Member) showing {
	if e.Conversation == "" {
		if e.Kind == desk.OptOutKept || who.Role != desk.Supervisor && (who.Role != desk.Administrator || !administered(e.Kind)) {
			return happened
		}
		return whole
	}
	switch e.Kind {
	case desk.CarrierAsked, desk.Redacted, desk.RedactRefused:
		return nameless
	case desk.LeftOut: // it tells which others are of the same number
		if !who.Role.Steers() {
			return nameless
		}
		return whole
	}
	if c := s.Conversation(e.Conversation); c != nil && who.mayRead(c) || ownWords(e, who) || len(e.Body) == 0 {
		return whole
	}
	return outline
}

// of returns e as it is shown. Nobody's console is sent a whole number, nor the hash of what was asked, from which short
// words could be guessed.
func (s showing) of(e store.Event) store.Event {
	e.Number, e.Command = "", store.Hash{}
	switch s {
	case happened:
		return store.Event{Seq: e.Seq, ID: fmt.Sprintf("seq-%d", e.Seq), At: e.At, Kind: e.Kind, Withheld: true, Leaf: e.Leaf}
	case nameless:
		return store.Event{
			Seq: e.Seq, Prev: e.Prev, ID: fmt.Sprintf("seq-%d", e.Seq), Conversation: e.Conversation, At: e.At, Actor: e.Actor, Kind: e.Kind,
			Withheld: true, Leaf: e.Leaf,
		}
	case outline:
		e.Body, e.Withheld = nil, true
	}
	return e
}

// forReader returns e as a member of staff may have it.
func forReader(e store.Event, s *desk.State, who Member) store.Event {
	return shows(&e, s, who).of(withoutForgotten(e, s))
}

// administered tells whether an audit event is for administrators too: what they have a say in.
func administered(k store.Kind) bool {
	return k == desk.Erased || k == desk.RetentionWaits || k == desk.RetentionAllowed || desk.AboutStaff(k)
}

// withoutForgotten leaves out what an event says of something that is forgotten since: all of a class that it was read
// with before, and, under another key than its own, of a number its last digits and of an earlier conversation which it
// was.
func withoutForgotten(e store.Event, s *desk.State) store.Event {
	c := s.Conversation(e.Conversation)
	if c == nil || len(c.Forgettings) == 0 && e.Kind != desk.Received {
		return e
	}
	if len(e.Body) > 0 && c.Forgot(e.Seq, desk.ClassOf(e.Kind)) {
		e.Body, e.Withheld = nil, true
	}
	if c.Forgot(e.Seq, store.Facts) {
		e.Head = store.Head{}
	}
	if e.Kind != desk.Received {
		return e
	}
	if c.Forgot(e.Seq, store.Numbers) {
		e.Head.Tail = ""
	}
	if !bytes.Contains(e.Body, []byte(`"earlier"`)) {
		return e
	}
	body := desk.Read[desk.Text](e)
	if before := s.Conversation(body.Earlier); before == nil || before.Tail == "" || c.Forgot(e.Seq, store.Numbers) {
		body.Earlier = ""
		if raw, err := json.Marshal(body); err == nil {
			e.Body = raw
		}
	}
	return e
}

func ownWords(e *store.Event, who Member) bool {
	switch e.Kind {
	case desk.NoteAdded, desk.ReplyQueued, desk.PlanSaved, desk.SafetySaved, desk.Closed:
		return e.Actor == who.Name && who.Role.Answers()
	}
	return false
}

// receive reads one frame within the silence limit.
func receive(ws *websocket.Conn) (wire.Frame, error) {
	_ = ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit))
	kind, b, err := ws.ReadMessage()
	if err != nil {
		return wire.Frame{}, err
	}
	if kind != websocket.TextMessage {
		return wire.Frame{}, errors.New("binary frame")
	}
	return wire.Decode(b)
}
