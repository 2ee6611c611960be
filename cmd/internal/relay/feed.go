package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// feedMost is how many events are read from the log at once.
const feedMost = 256

// heardMost is how many frames of a console wait to be dealt with. What is more waits in its connection.
const heardMost = 16

// A feed is one console's connection. One goroutine reads what the console asks, another deals with that as long as there
// is any; the crew writes whatever follows the console's cursor in the log, and the answers, whenever the feed is woken. A
// slow console slows itself alone.
type feed struct {
	*Line
	presence
	ws      *websocket.Conn
	who     Member
	device  Device
	pace    *pace
	began   time.Time
	heard   chan *arrival // from the reader to whoever deals with it
	full    time.Time     // since when things may stand in the connection for want of room there, zero if none do
	room    time.Time     // when there was room again
	dealing atomic.Bool   // somebody deals with what was heard
	dealers sync.WaitGroup
	answers chan *wire.Frame // to the crew; its room bounds what a console can have open
	pong    atomic.Pointer[string]
	cursor  store.Position
	sent    atomic.Uint64 // the cursor's Seq, for others to read
	kept    uint64        // size of the log at the last checkpoint that the console has
	owes    bool          // the one that was due could not be made
	fetches sync.WaitGroup
	busy    chan struct{} // held while a file is fetched: one at a time for a console

	ctx   context.Context // ends with the connection
	end   context.CancelCauseFunc
	woken atomic.Uint32  // how often since there was nothing to say; while it is not 0, the crew has the feed
	last  sync.WaitGroup // until the crew has it no more, where it was the crew that ended it

	clock  *time.Timer // wakes it when something is due
	next   time.Time   // that is
	pings  time.Time   // the next one
	leaves time.Time   // the console, as the relay is about to stop; zero before that
}

// run serves a console that has signed in until either side ends it.
func (f *feed) run() {
	f.ctx, f.end = context.WithCancelCause(context.WithoutCancel(f.draining))
	now := time.Now()
	f.began = now
	f.expires, f.pings = now.Add(f.session), now.Add(wire.PingEvery)
	f.clock = time.AfterFunc(wire.PingEvery, f.wake)
	f.last.Add(1)
	f.walls.crew.take(f)
	f.end(f.walls.safely("what a console said", f.listen))
	f.clock.Stop()
	_ = f.ws.Close() // ends the writing
	if f.woken.Add(1) > 1 {
		f.last.Wait()
	}
	f.fetches.Wait()
	f.gone(context.Cause(f.ctx))
}

// wake has the crew look at what there is to be said to the console, once more if it just does.
func (f *feed) wake() {
	if f.woken.Add(1) == 1 {
		f.walls.crew.take(f)
	}
}

// turn says the next of what there is to be said, and tells whether there is more. Replay and live are one, so that
// nothing falls between them.
func (f *feed) turn() (more bool, err error) {
	woken := f.woken.Load()
	if f.ctx.Err() != nil {
		return false, context.Cause(f.ctx)
	}
	head, answers := f.told.Load(), len(f.answers)
	if answers > 0 {
		head = f.desk.Head().Seq // what they are about goes before them
	}
	behind, err := f.forward(head)
	if err == nil {
		err = f.vouchAgain()
	}
	if err == nil {
		err = f.besides(time.Now(), answers)
	}
	return err == nil && (behind || !f.woken.CompareAndSwap(woken, 0)), err
}

// forward sends the next events after the cursor up to head, and tells whether there are more.
func (f *feed) forward(head uint64) (behind bool, err error) {
	if f.cursor.Seq >= head {
		return false, nil
	}
	if f.owes { // nothing new is shown before what it goes on from
		if err := f.vouch(); err != nil || f.owes {
			return false, err
		}
	}
	limit := int(min(feedMost, head-f.cursor.Seq))
	events, _, ok := f.desk.newest(f.cursor, limit)
	if !ok {
		f.walls.crew.aside(func() { events, _, err = f.desk.Read(f.ctx, f.cursor, limit) })
	}
	if err != nil || len(events) == 0 {
		return false, err
	}
	pieces, err := f.desk.frames.get(events, head, f.desk.View, f.who)
	if err != nil {
		return false, err
	}
	for _, piece := range pieces {
		if f.over() {
			return false, f.part()
		}
		_ = f.ws.SetWriteDeadline(time.Now().Add(wire.WriteTimeout))
		if err := f.ws.WritePreparedMessage(piece); err != nil {
			return false, err
		}
	}
	f.cursor.Seq = events[len(events)-1].Seq
	f.sent.Store(f.cursor.Seq)
	return f.cursor.Seq < head, nil
}

// besides says what there is to be said but events: of what was asked, so many answers.
func (f *feed) besides(now time.Time, answers int) error {
	if f.over() {
		return f.part()
	}
	if pong := f.pong.Swap(nil); pong != nil {
		if err := f.ws.WriteControl(websocket.PongMessage, []byte(*pong), now.Add(wire.WriteTimeout)); err != nil {
			return err
		}
	}
	if f.draining.Err() != nil && f.leaves.IsZero() {
		within := f.leaveWithin()
		f.leaves, f.next = now.Add(within), now
		if err := f.send(wire.Frame{Drain: &wire.Drain{Within: within}}); err != nil {
			return err
		}
	}
	for range answers {
		if err := f.send(*<-f.answers); err != nil {
			return err
		}
	}
	if now.Before(f.next) {
		return nil
	}
	return f.due(now)
}

// due does what it is time for, and sets the clock for what is next.
func (f *feed) due(now time.Time) error {
	if !f.leaves.IsZero() && !now.Before(f.leaves) {
		return context.Canceled
	}
	again, err := f.askAgain(now)
	if err != nil {
		return err
	}
	if !now.Before(f.pings) {
		f.pings = now.Add(wire.PingEvery)
		err = f.ws.WriteControl(websocket.PingMessage, []byte(now.Sub(f.began).String()), now.Add(wire.WriteTimeout))
	}
	f.next = again
	for _, t := range []time.Time{f.pings, f.leaves} {
		if !t.IsZero() && t.Before(f.next) {
			f.next = t
		}
	}
	f.clock.Reset(f.next.Sub(now))
	return err
}

// send says something to the console, unless it is being shown out.
func (f *feed) send(frame wire.Frame) error {
	if f.over() {
		return f.part()
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

// listen takes what the console asks, whatever becomes of that which it asked before, and returns once all is dealt with.
// What it waits on is a shallow stack: there are many.
func (f *feed) listen() error {
	defer f.dealers.Wait()
	for {
		_ = f.ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit))
		kind, r, err := f.ws.NextReader()
		if err == nil {
			err = f.hears(kind, r)
		}
		if err != nil {
			return err
		}
	}
}

// An arrival is a frame, and when it came.
type arrival struct {
	wire.Frame
	at time.Time
}

// hears notes when a frame came and sees to it that it is dealt with. What stood in the connection for want of room counts
// from when there was none: nobody knows when it came.
func (f *feed) hears(kind int, r io.Reader) error {
	frame, err := decode(kind, r)
	if err != nil {
		return err
	}
	a, stands := &arrival{frame, time.Now()}, len(f.heard) == heardMost
	if stands && f.full.IsZero() {
		f.full = a.at
	}
	if !f.full.IsZero() {
		a.at = f.full
	}
	select {
	case f.heard <- a:
	case <-f.ctx.Done():
		return context.Cause(f.ctx)
	}
	if stands {
		f.room = time.Now()
	}
	if !f.dealing.Swap(true) {
		f.dealers.Go(func() {
			if err := f.walls.safely("what a console asked", f.deal); err != nil {
				f.end(err)
				_ = f.ws.Close() // ends the reader
			}
		})
	}
	return nil
}

// ponged takes the answer to a ping: nothing older than that stands in the connection.
func (f *feed) ponged(pinged string) error {
	if after, err := time.ParseDuration(pinged); err == nil && f.began.Add(after).After(f.room) {
		f.full = time.Time{}
	}
	return f.ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit))
}

// deal deals with what was heard, one thing after another, until there is no more.
func (f *feed) deal() error {
	for {
		select {
		case a := <-f.heard:
			if err := f.asks(a); err != nil {
				return err
			}
		default:
			f.dealing.Store(false)
			if len(f.heard) == 0 || f.dealing.Swap(true) {
				return nil
			}
		}
	}
}

// asks does what a console asks for.
func (f *feed) asks(a *arrival) error {
	ctx := f.ctx
	if err := f.pace.wait(ctx, a.Command != nil); err != nil {
		return err
	}
	if f.over() { // what it asks for now comes too late
		return errNotAdmitted
	}
	switch {
	case a.Command != nil:
		a.Command.Age += elapsed(a.at, time.Now())
		return f.command(ctx, *a.Command)
	case a.Fetch != nil:
		return f.whole(ctx, a.Fetch.Conversation, f.who.holds)
	case a.Preview != nil:
		return f.preview(ctx, a.Preview.Conversations)
	case a.Collect != nil:
		f.fetches.Go(func() {
			_ = f.walls.safely("fetching a file", func() error { f.collect(ctx, *a.Collect); return nil })
		})
	case a.Auth != nil:
		return f.answered(*a.Auth)
	}
	return nil
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
		f.wake()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m Member) mayRead(c *desk.Conversation) bool { return !m.locked && c.MayRead(m.Name, m.Role) }

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
	return f.parts(ctx, id, f.desk.Head().Seq, shows, func(frame wire.Frame) error { return f.answer(ctx, frame) })
}

// parts sends a conversation up to an event, as far as its reader may have it.
func (f *feed) parts(ctx context.Context, id string, last uint64, to audience, send func(wire.Frame) error) error {
	events, err := f.events(ctx, id, last, to)
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
func (f *feed) events(ctx context.Context, id string, last uint64, to audience) ([]store.Event, error) {
	events, err := f.desk.log.Conversation(ctx, id)
	if err != nil {
		return nil, err
	}
	f.desk.View(func(s *desk.State) {
		for len(events) > 0 && events[len(events)-1].Seq > last {
			events = events[:len(events)-1]
		}
		for i := range events {
			events[i] = to(&events[i], s, f.who).of(withoutForgotten(events[i], s))
		}
	})
	return events, nil
}

// previewMost bounds one frame of previews: rows of a tall screen.
const previewMost = 100

// preview sends the newest text that calls for somebody of each waiting conversation that was asked for.
func (f *feed) preview(ctx context.Context, ids []string) error {
	var newest []string
	f.desk.View(func(s *desk.State) {
		for _, id := range ids[:min(len(ids), previewMost)] {
			c := s.Conversation(id)
			if c != nil && c.Phase == desk.Waiting && f.who.mayRead(c) && c.Heard() != nil {
				newest = append(newest, c.Heard().ID)
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

// An audience says what a member of staff gets of an event: shows, if they asked for it, and pushes.
type audience func(*store.Event, *desk.State, Member) showing

// shows tells what a member of staff may have of e. Words go to those who may read the conversation now, to whoever wrote
// them, and why it was taken over to whom it was taken from. Who looked at what is for the supervisors.
func shows(e *store.Event, s *desk.State, who Member) showing {
	if e.Conversation == "" {
		if who.locked || e.Kind == desk.OptOutKept || who.Role != desk.Supervisor && (who.Role != desk.Administrator || !administered(e.Kind)) {
			return happened
		}
		return whole
	}
	switch e.Kind {
	case desk.CarrierAsked, desk.Redacted, desk.RedactRefused:
		return nameless
	case desk.LeftOut: // it tells which others are of the same number
		if who.locked || !who.Role.Steers() {
			return nameless
		}
		return whole
	}
	if c := s.Conversation(e.Conversation); c != nil && who.mayRead(c) || ownWords(e, who) || len(e.Body) == 0 {
		return whole
	}
	return outline
}

// pushes tells what a member of staff gets of e unasked. The words of a flood go to whoever holds the conversation, or
// knows that it is none; who else may read them has them by opening it.
func pushes(e *store.Event, s *desk.State, who Member) showing {
	shown := shows(e, s, who)
	if shown == whole && e.Kind == desk.Received && slices.Contains(e.Head.Flags, desk.FlagFlood) {
		if c := s.Conversation(e.Conversation); c != nil && c.Owner != who.Name && !c.Flood.Lifted {
			return outline
		}
	}
	return shown
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
	c := s.Conversation(desk.About(e))
	if c == nil || len(c.Forgettings) == 0 && e.Kind != desk.Received {
		return e
	}
	if len(e.Body) > 0 && c.Forgot(e.Seq, desk.ClassOf(e.Kind)) {
		e.Body, e.Withheld = nil, true
	}
	if e.Conversation != "" && c.Forgot(e.Seq, store.Facts) {
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
	if who.locked {
		return false
	}
	switch e.Kind {
	case desk.TakenOver:
		return e.Head.Staff == who.Name && who.Role.Answers()
	case desk.NoteAdded, desk.ReplyQueued, desk.PlanSaved, desk.SafetySaved, desk.ReferralSaved, desk.Closed:
		return e.Actor == who.Name && who.Role.Answers()
	}
	return false
}

// receive reads one frame within the silence limit.
func receive(ws *websocket.Conn) (wire.Frame, error) {
	_ = ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit))
	kind, r, err := ws.NextReader()
	if err != nil {
		return wire.Frame{}, err
	}
	return decode(kind, r)
}

func decode(kind int, r io.Reader) (wire.Frame, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return wire.Frame{}, err
	}
	if kind != websocket.TextMessage {
		return wire.Frame{}, errors.New("binary frame")
	}
	return wire.Decode(b)
}
