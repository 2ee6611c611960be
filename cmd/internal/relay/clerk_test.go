package relay_test

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// A clerk is a console of which there is only the wire and a memory: it goes on where it was, asks again by the same ID
// until it has an answer, and holds every event that it is sent, and the place of each, against the log.
type clerk struct {
	*mole
	night  *night
	r      *rand.Rand
	number uint64  // of the last command
	open   *errand // that has no answer yet

	mu       sync.Mutex
	position store.Position
	began    uint64              // where the snapshot stood that it began with
	outlines int                 // events that it has without their words
	parts    map[string][]uint64 // the events of the snapshot, by conversation
	part     []store.Event
	over     chan struct{} // closed when the connection is
	answers  chan wire.Frame
}

// An errand is a command, and when its key was pressed.
type errand struct {
	desk.Command
	pressed time.Time
}

// enter has a clerk let in where it was, and hears what it is told from then on. It tells whether that came about.
func (c *clerk) enter() bool {
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: patience, NetDialContext: c.night.in.console(c.breaks)}
	ws, answer, err := d.Dial(line, nil)
	if err != nil {
		return false
	}
	answer.Body.Close()
	if f, ok := frame(ws); ok && f.Hello != nil {
		c.hello = f.Hello
		auth := c.prove(c.hello, nil)
		said(ws, wire.Frame{Auth: &auth})
		if f, ok := frame(ws); ok && f.Welcome != nil {
			c.ws, c.over, c.answers = ws, make(chan struct{}), make(chan wire.Frame, 1)
			if c.position.Seq == 0 { // a snapshot that broke off is none
				c.position.Epoch, c.parts = c.hello.Epoch, map[string][]uint64{}
			}
			said(ws, wire.Frame{Resume: &wire.Resume{Epoch: c.position.Epoch, After: c.position.Seq}})
			go c.listen(c.over, c.answers)
			return true
		}
	}
	ws.Close()
	return false
}

// breaks is after how many bytes a connection breaks: one in three does.
func (c *clerk) breaks() int {
	if c.night.isOver() || c.r.IntN(3) > 0 {
		return 0
	}
	return 1 + c.r.IntN(1<<(8+c.r.IntN(11)))
}

// leave goes, with or without a word.
func (c *clerk) leave() {
	c.ws.Close()
	<-c.over
}

// gone tells whether the connection has ended.
func (c *clerk) gone() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

func (c *clerk) listen(over chan struct{}, answers chan wire.Frame) {
	defer close(over)
	defer c.ws.Close()
	alive := func() { _ = c.ws.SetReadDeadline(time.Now().Add(wire.SilenceLimit)) }
	c.ws.SetPingHandler(func(data string) error {
		alive()
		_ = c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(wire.WriteTimeout))
		return nil
	})
	for {
		alive()
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		v := c.night.verdict(raw)
		switch {
		case v.wrong != "":
			c.night.wrong("%s: %s", c.name, v.wrong)
			return
		case v.frame.Events != nil:
			c.follows(v)
		case v.frame.Part != nil:
			c.whole(*v.frame.Part)
		case v.frame.Snapshot != nil:
			c.begin(v.frame.Snapshot.Position)
		case v.frame.Ack != nil, v.frame.Refused != nil:
			answers <- v.frame // one is asked at a time
		}
	}
}

// follows takes the next events.
func (c *clerk) follows(v *verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.first != c.position.Seq+1 {
		c.night.wrong("%s is at %d and is sent %d to %d", c.name, c.position.Seq, v.first, v.last)
	}
	c.position.Seq = v.last
	c.outlines += v.outlines
}

// whole takes a conversation, of the snapshot or one that it has asked for.
func (c *clerk) whole(p wire.Part) {
	if p.First {
		c.part = nil
	}
	c.part = append(c.part, p.Events...)
	if p.More || len(c.part) == 0 {
		return
	}
	last, seqs := uint64(0), make([]uint64, 0, len(c.part))
	for _, e := range c.part {
		if e.Conversation != p.Conversation || e.Prev != last {
			c.night.wrong("%s is sent a conversation with event %d after %d", c.name, e.Seq, last)
		}
		last, seqs = e.Seq, append(seqs, e.Seq)
	}
	c.part = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.position.Seq == 0 {
		c.parts[p.Conversation] = seqs
	}
}

// begin takes the snapshot that its copy begins with.
func (c *clerk) begin(at store.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.position.Seq != 0 {
		c.night.wrong("%s is at %d and is sent a snapshot", c.name, c.position.Seq)
	}
	c.position, c.began = at, at.Seq
}

// at is where its copy ends.
func (c *clerk) at() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.position.Seq
}

// act does one thing of those that a specialist does, if the clerk has seen all that there is.
func (c *clerk) act() {
	if c.open == nil {
		at := c.at()
		var command desk.Command
		c.night.chronicle.view(func(s *desk.State) {
			if s.Last() <= at && at > 0 {
				command = c.night.choose(c.r, s, c.name, c.role)
			}
		})
		if command.Kind == "" {
			return
		}
		c.number++
		command.ID = store.DeviceID(c.device, c.number)
		c.open = &errand{command, time.Now()}
	}
	c.finish()
}

// finish asks for what is open until there is an answer or the connection ends.
func (c *clerk) finish() {
	command := c.open.Command
	command.Age = time.Since(c.open.pressed)
	c.certainly(&command)
	if !said(c.ws, wire.Frame{Command: &command}) {
		c.ws.Close()
		return
	}
	select {
	case f := <-c.answers:
		c.answered(f)
	case <-c.over:
	}
}

func (c *clerk) answered(f wire.Frame) {
	command := c.open.Command
	switch {
	case f.Ack != nil && f.Ack.ID == command.ID:
		c.night.promises.keep(command, f.Ack.Seq)
		if command.Kind == desk.Claimed {
			said(c.ws, wire.Frame{Fetch: &wire.Fetch{Conversation: command.Conversation}})
		}
	case f.Refused != nil && f.Refused.ID == command.ID:
		c.night.promises.refuse(command)
	default:
		c.night.wrong("%s asked for %s and is answered about something else", c.name, command.ID)
	}
	c.open = nil
}

// work comes and goes until the night is over, and then comes in to stay.
func (c *clerk) work() {
	wait := time.Duration(c.r.IntN(60)) * time.Second
	if c.r.IntN(2) == 0 { // this one begins with a snapshot of the middle of the night
		wait = time.Duration(c.r.IntN(40)) * time.Minute
	}
	for c.night.pause(wait) {
		if !c.enter() {
			wait = 200*time.Millisecond + time.Duration(c.r.IntN(2000))*time.Millisecond
			continue
		}
		for stay := time.Now().Add(time.Duration(20+c.r.IntN(500)) * time.Second); time.Now().Before(stay) && !c.gone(); {
			if c.night.pause(time.Duration(5000+c.r.IntN(70_000)) * time.Millisecond) {
				c.act()
			} else {
				break
			}
		}
		c.leave()
		wait = time.Duration(1+c.r.IntN(1<<(3+c.r.IntN(6)))) * time.Second
	}
	for {
		if c.enter() {
			if c.open != nil {
				c.finish()
			}
			select {
			case <-c.over:
			case <-c.night.dawn:
				c.leave()
				return
			}
		}
		select {
		case <-c.night.dawn:
			return
		case <-time.After(time.Second):
		}
	}
}

// state is what the clerk makes of what it was sent. Each event was found to be the log's as it came; words play no part
// in it, as few of them are for this reader.
func (c *clerk) state() *desk.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, s := c.night.chronicle.all(), desk.NewState(desk.Policy{})
	outline := func(seq uint64) store.Event {
		e := all[seq-1]
		e.Body, e.Number = nil, ""
		return e
	}
	for _, seqs := range c.parts {
		var events []store.Event
		for _, seq := range seqs {
			events = append(events, outline(seq))
		}
		s.Replace(desk.Known(events))
	}
	for seq := c.began + 1; seq <= c.position.Seq; seq++ {
		s.Apply(outline(seq))
	}
	return s
}
