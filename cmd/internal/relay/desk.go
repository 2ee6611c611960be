package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"befree.example/cmd/internal/process"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// batchMost is how many commands are decided and put on disk together.
const batchMost = 1024

// errStopping answers commands that come while the relay ends; they were not decided.
var errStopping = errors.New("relay is stopping")

// A Desk is the one door in: it decides commands, one batch after another, and is the log's only writer. Nobody is
// told of anything, and nobody can see anything, before it is on disk.
type Desk struct {
	log    store.Log
	keys   Keeper
	logger *slog.Logger
	queue  chan request
	done   chan struct{} // closed when Run has ended
	err    error         // how, once done is closed
	wrote  time.Time     // when the log last showed that it writes
	counts *Measures
	frames frames // what many consoles get alike

	mu      sync.RWMutex
	state   *desk.State
	recent  recent        // the newest events of state
	changed chan struct{} // closed and replaced after every batch
	broken  error         // why commands are turned away, nil if they are not
	mended  chan struct{} // closed when they are no more
}

type request struct {
	desk.Command
	probe  bool            // nothing is asked but whether the log writes
	at     time.Time       // when it was asked
	ctx    context.Context // of who asks, who hears no answer once it has ended
	answer chan answer
}

// errLeft answers what a console asked that has gone since: it asks again by the same ID, or has given up.
var errLeft = errors.New("who asked has gone")

// left tells whether it is a console that asked, and has gone since. What others ask is decided all the same: no text is
// lost because a carrier would not wait.
func (r request) left() bool { return r.Role != "" && r.ctx.Err() != nil }

type answer struct {
	seq uint64
	err error
}

// NewDesk folds the whole log, and destroys what the last event of it says is forgotten, where the log is a [Keeper].
func NewDesk(ctx context.Context, log store.Log, p desk.Policy, staff map[string]desk.Role) (*Desk, error) {
	keys, sealed := log.(Keeper)
	if !sealed {
		keys = noKeys{log}
	}
	s, err := fold(ctx, log, keys, p, staff)
	if err != nil {
		return nil, err
	}
	return &Desk{
		log: log, keys: keys, queue: make(chan request, batchMost), done: make(chan struct{}), state: s,
		changed: make(chan struct{}), logger: slog.New(slog.DiscardHandler),
	}, nil
}

// fold makes a state of the whole log. Keys are destroyed before anything is put after the event that says so; so what a
// crash has left undone is at the end. It is done here, and nothing newer goes with it.
func fold(ctx context.Context, log store.Log, keys Keeper, p desk.Policy, staff map[string]desk.Role) (*desk.State, error) {
	s := desk.NewState(p)
	s.Staff = staff
	s.Key = func(n sms.Number) string { return keys.ClearID("number " + n.Reveal()) }
	var last store.Event
	for at := (store.Position{}); ; {
		events, head, err := log.Read(ctx, at, 4096)
		if err != nil {
			return nil, fmt.Errorf("fold the log: %w", err)
		}
		for _, e := range events {
			s.Apply(e)
			last = e
		}
		s.Epoch = head.Epoch
		at = store.Position{Epoch: head.Epoch, Seq: s.Last()}
		if s.Last() >= head.Seq {
			return s, destroy(keys, last)
		}
	}
}

// Do asks for an event and returns its Seq once it is on disk. A *desk.Refusal says that it had no effect and never
// will; any other error does not say whether it had. The same command again, by ID, is answered as the first time.
func (d *Desk) Do(ctx context.Context, c desk.Command) (uint64, error) {
	return d.ask(ctx, request{Command: c, answer: make(chan answer, 1)})
}

func (d *Desk) ask(ctx context.Context, r request) (uint64, error) {
	r.at, r.ctx = time.Now(), ctx
	if _, broken := d.Broken(); broken != nil {
		return 0, errUnavailable
	}
	select {
	case d.queue <- r:
	case <-d.done:
		return 0, errStopping
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case a := <-r.answer:
		return a.seq, a.err
	case <-d.done:
		select { // it may have been answered in the last batch
		case a := <-r.answer:
			return a.seq, a.err
		default:
			return 0, errStopping
		}
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// View shows the committed state. What f takes out of it may be kept; f must not block.
func (d *Desk) View(f func(*desk.State)) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	f(d.state)
}

// Conversation returns a conversation as committed, or nil.
func (d *Desk) Conversation(id string) (c *desk.Conversation) {
	d.View(func(s *desk.State) { c = s.Conversation(id) })
	return c
}

// Head returns the position of the newest event that the state has.
func (d *Desk) Head() store.Position {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return store.Position{Epoch: d.state.Epoch, Seq: d.state.Last()}
}

// Changed is closed once the committed state has an event after seq.
func (d *Desk) Changed(after uint64) <-chan struct{} {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.state.Last() > after {
		return closedNow
	}
	return d.changed
}

var closedNow = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Read returns the events after the position that the committed state has: never one whose readers are not known yet.
func (d *Desk) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	events, head, ok := d.newest(after, limit)
	if ok {
		return slices.Clone(events), head, nil
	}
	events, _, err := d.log.Read(ctx, after, limit)
	for errors.Is(err, store.ErrBroken) && d.whole(ctx) {
		events, _, err = d.log.Read(ctx, after, limit)
	}
	if err != nil {
		return nil, head, err
	}
	for len(events) > 0 && events[len(events)-1].Seq > head.Seq {
		events = events[:len(events)-1]
	}
	return events, head, nil
}

// newest is Read from memory, where all of it is. What it returns is not to be changed.
func (d *Desk) newest(after store.Position, limit int) (events []store.Event, head store.Position, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	head = store.Position{Epoch: d.state.Epoch, Seq: d.state.Last()}
	events, ok = d.recent.after(after.Seq, limit)
	return events, head, ok && (after.Epoch == "" || after.Epoch == head.Epoch)
}

// Run decides until ctx ends or the log fails in a way that there is no return from. What it took from the queue is
// answered before it returns.
func (d *Desk) Run(ctx context.Context) (err error) {
	defer func() {
		d.err = err
		close(d.done)
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-d.queue:
			if err := d.commit(d.gather(r)); err != nil {
				if err := d.mend(ctx, err); err != nil {
					return err
				}
			}
		}
	}
}

// gather takes what else is queued, without waiting. What destroys keys ends a batch: what comes after it is sealed in
// new ones.
func (d *Desk) gather(first request) []request {
	batch := []request{first}
	for len(batch) < batchMost && len(desk.Destroys(batch[len(batch)-1].Kind)) == 0 {
		select {
		case r := <-d.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// commit decides a batch on a fork of the state, puts it on disk, and only then shows it and answers.
func (d *Desk) commit(batch []request) error {
	ctx := context.Background() // a batch is never abandoned half way
	p := pending{Desk: d, fork: d.fork(), byID: map[string]store.Event{}}
	answers := make([]answer, len(batch))
	asked := false
	for i, r := range batch {
		if r.probe {
			asked = true
			continue
		}
		if r.left() {
			answers[i].err = errLeft
			continue
		}
		waited := elapsed(r.at, time.Now())
		if r.Age += waited; r.Head.Late > 0 {
			r.Head.Late += waited
		}
		answers[i].seq, answers[i].err = p.decide(ctx, r.Command)
	}
	began := time.Now()
	kept, err := d.append(ctx, p.events, asked)
	d.counts.committed(p.events, answers, time.Since(began), err)
	var lost error
	forgets := false
	if err == nil && len(p.events) > 0 {
		last := p.events[len(p.events)-1]
		forgets = len(desk.Destroys(last.Kind)) > 0
		lost = destroy(d.keys, last)
	}
	if err == nil {
		if forgets { // no copy of it in memory outlives its keys
			d.publish(p.fork, nil)
			d.frames.drop(p.events[len(p.events)-1].Seq)
		} else {
			d.publish(p.fork, kept)
		}
	}
	for i, r := range batch {
		if err != nil {
			answers[i] = answer{err: fmt.Errorf("%w: append: %w", errUnclear, err)}
		}
		r.answer <- answers[i]
	}
	if err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return lost // what is left undone is done when the relay starts again
}

// destroy destroys the keys that an event on disk says are to be.
func destroy(keys Keeper, e store.Event) error {
	classes := desk.Destroys(e.Kind)
	if len(classes) == 0 {
		return nil
	}
	if err := keys.Shred(e.Conversation, classes...); err != nil {
		return fmt.Errorf("destroy the keys of what is forgotten: %w", err)
	}
	return nil
}

// append puts events on disk and returns them as the log has them: with their leaves and the hashes of what was sealed,
// which consoles hold against what the relay signs. Where these cannot be had, readers go to the log. Probed, it shows
// that the log writes where there are none.
func (d *Desk) append(ctx context.Context, events []store.Event, probed bool) (kept []store.Event, err error) {
	if len(events) == 0 {
		if probed {
			return nil, d.probe()
		}
		return nil, nil
	}
	kept, err = d.keys.Keep(ctx, events...)
	if err == nil {
		d.wrote = time.Now()
	}
	return kept, err
}

func (d *Desk) fork() *desk.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.Fork()
}

func (d *Desk) publish(fork *desk.State, events []store.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	grew := fork.Last() > d.state.Last()
	d.state.Merge(fork)
	if grew && len(events) == 0 {
		d.recent = nil // what is in it has no hole
	}
	d.recent = d.recent.add(events)
	if grew {
		close(d.changed)
		d.changed = make(chan struct{})
	}
}

// pending is a batch that nobody has seen yet.
type pending struct {
	*Desk
	fork   *desk.State
	events []store.Event
	byID   map[string]store.Event
}

func (p *pending) decide(ctx context.Context, c desk.Command) (uint64, error) {
	if seq, known, err := p.known(ctx, c); known || err != nil {
		return seq, err
	}
	e, err := p.judge(c)
	if err != nil {
		return 0, err
	}
	e.Seq = p.fork.Last() + 1
	p.fork.Apply(e)
	p.events, p.byID[e.ID] = append(p.events, e), e
	return e.Seq, nil
}

// judge is Decide. A command that it breaks down on is refused: the rules change nothing, so nothing is half done.
func (p *pending) judge(c desk.Command) (e store.Event, err error) {
	defer func() {
		if recover() != nil {
			p.logger.Error("a mistake of befree's own: deciding broke down", "kind", c.Kind, "where", process.Place())
			err = &desk.Refusal{Code: desk.CodeBad, Text: "befree made a mistake with that. Nothing was done; tell whoever runs the relay."}
		}
	}()
	return p.fork.Decide(c, time.Now())
}

// known answers a command whose ID is kept already, as the first time. One ID of a console never stands for two
// commands; what a carrier repeats under one ID is the same thing, whatever else it says.
func (p *pending) known(ctx context.Context, c desk.Command) (uint64, bool, error) {
	e, ok := p.byID[c.ID]
	if !ok {
		var err error
		if e, err = p.log.Find(ctx, c.ID); errors.Is(err, store.ErrNotFound) {
			return 0, false, nil
		} else if err != nil {
			return 0, false, err
		}
	}
	if c.Role != "" && (e.Kind != c.Kind || e.Actor != c.Actor || !e.Command.IsZero() && e.Command != c.Hash()) { // zero where it is forgotten
		return 0, true, &desk.Refusal{Code: desk.CodeIDReused, Text: "This console used one number for two commands. Restart it; nothing was done."}
	}
	return e.Seq, true, nil
}

// SetStaff says who may be handed a conversation from now on.
func (d *Desk) SetStaff(roles map[string]desk.Role) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.Staff = roles
}

// start runs d until the returned function is called, which then says how it ended.
func (d *Desk) start() (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = d.Run(ctx) }()
	return func() error {
		cancel()
		<-d.done
		return d.err
	}
}

// failed waits for d to end by itself, or for ctx.
func (d *Desk) failed(ctx context.Context) error {
	select {
	case <-d.done:
		return errors.New("the desk has stopped") // stop tells why
	case <-ctx.Done():
		return nil
	}
}
