// Package client is how a console follows the line: it keeps a copy of what its owner may know in the local cache,
// goes on from there whenever there is a network, and carries to the relay what was written, with or without one.
package client

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// Time limits of the client.
const (
	dialTimeout  = 10 * time.Second
	backoffFirst = 200 * time.Millisecond
	backoffSoon  = time.Second      // at most, as long as the relay may only have been started again
	soon         = time.Minute      // ... which is so long after the connection was lost
	backoffMost  = 20 * time.Second // at most, later
)

// ErrRefused is a sign-in that the relay refused; trying again as one is does not help.
var ErrRefused = errors.New("relay refused the sign-in")

// A Config says where the relay is, and by its cache who is at the console.
type Config struct {
	URL    string // ws:// (this machine only) or wss://, with the path /line; empty for where the device was enrolled
	Cache  *bolt.Cache
	TLS    *tls.Config                                                       // nil for the system's trust
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the network
	Aside  bool                                                              // what was set aside is read, and nothing else
	Logger *slog.Logger
}

// A Client is one console's end of the line. Its methods are safe for use by many goroutines.
type Client struct {
	Config
	Identity Identity
	wall     func() time.Time       // the machine's clock as it was set, which goes on while the machine sleeps
	wake     chan struct{}          // there is something in the outbox that the connection has not looked at
	asks     chan wire.Frame        // what somebody asks of the relay and waits for
	destroy  func(why string) error // what is kept here, as the relay has revoked the device

	queuing sync.Mutex // held while a command gets its number, so that nobody takes it for one of an earlier process

	judging  sync.Mutex // held over every change of what is held against the relay
	accepted bool       // the relay's log as it is: the next checkpoint needs to go on from nothing

	mu         sync.Mutex
	state      *desk.State
	short      map[string]bool                   // closed conversations of which state has a summary alone
	summarized uint64                            // Seq up to which the cache has summaries
	loose      map[string]map[uint64]store.Event // bodies that are held in memory alone, by conversation
	aside      map[string][]store.Event          // all that there is, where what was set aside is read
	status     Status
	changed    chan struct{}
	down       chan struct{}                 // closed when the connection ends
	certain    map[string]ed25519.PrivateKey // by which dangerous commands are to be signed, until they are settled
	pressed    map[string]time.Time          // commands queued by this process, by its monotonic clock
	handed     map[string]bool               // those of them that the relay may have got
	waiting    map[string]chan answered      // who waits for them
	collected  map[string]*collecting
	numbers    map[string]chan sms.Number // who waits for one, by conversation
	wholes     map[string]chan struct{}   // closed once a conversation has come whole
	erased     chan struct{}              // something was forgotten here and is to be confirmed
}

// A Status says how the console stands to the relay.
type Status struct {
	Connected bool
	Since     time.Time // of the change to or from Connected
	Head      uint64    // the relay's newest event, as far as is known
	At        uint64    // the newest one here
	Epoch     string    // of the log that what is here is of; empty as long as there is nothing
	Role      desk.Role // as the relay said last
	Limits    wire.Limits
	Staff     []string   // who may be given a conversation, as the relay said last
	Draining  bool       // the relay said that it is about to stop
	Trouble   string     // why there is no connection, in plain words
	Wrong     bool       // somebody must do something about that: it does not pass by itself
	Renewed   bool       // the relay's log was replaced since this console started: the copy was begun anew
	Aside     bolt.Aside // what of an older copy is set aside, as of when this one was begun, or as it is read
	Alarm     bolt.Alarm // the relay's log is not the one that it was; its zero value is well
}

// Behind is by how many events the console is behind the relay.
func (s Status) Behind() uint64 {
	if s.Head < s.At {
		return 0
	}
	return s.Head - s.At
}

// InStep tells whether what is on the screen is what the relay has.
func (s Status) InStep() bool { return s.Connected && s.Behind() == 0 }

// New folds what the cache has.
func New(c Config) (*Client, error) {
	cl := bare(c)
	cl.destroy = c.Cache.Destroy
	var err error
	if cl.Identity, err = identity(c.Cache); err != nil {
		return nil, err
	}
	cl.URL = cmp.Or(c.URL, cl.Identity.URL())
	if c.Aside {
		if err := cl.recallAside(); err != nil {
			return nil, err
		}
		return cl, nil
	}
	if err := cl.recall(); err != nil {
		return nil, err
	}
	kept, err := c.Cache.Kept()
	if err != nil {
		return nil, err
	}
	at := c.Cache.Position()
	cl.status = Status{Since: time.Now(), At: at.Seq, Epoch: at.Epoch, Alarm: kept.Alarm}
	return cl, nil
}

// bare is a client that knows nothing.
func bare(c Config) *Client {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	cl := &Client{
		Config: c, wall: func() time.Time { return time.Now().Round(0) }, wake: make(chan struct{}, 1), asks: make(chan wire.Frame), collected: map[string]*collecting{}, state: desk.NewState(desk.Policy{}), short: map[string]bool{},
		loose: map[string]map[uint64]store.Event{}, changed: make(chan struct{}),
		numbers: map[string]chan sms.Number{}, wholes: map[string]chan struct{}{}, erased: make(chan struct{}, 1),
		certain: map[string]ed25519.PrivateKey{}, down: make(chan struct{}), pressed: map[string]time.Time{}, handed: map[string]bool{}, waiting: map[string]chan answered{},
	}
	close(cl.down)
	return cl
}

// View shows the state as the relay told it. What f takes out of it may be kept; f must not block.
func (c *Client) View(f func(*desk.State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c.state)
}

// Status returns how the console stands to the relay now.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Changed is closed at the next change of anything that the client shows.
func (c *Client) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// Conversation returns a conversation as it will be once what waits in the outbox has arrived, or nil. Notes and plans
// written without a network are in it; a reply never is before the relay has it.
func (c *Client) Conversation(id string) (*desk.Conversation, error) {
	ahead, err := c.ahead(id)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(ahead) == 0 {
		return c.state.Conversation(id), nil
	}
	if err := c.lengthen(c.state, id, c.state.Last()); err != nil {
		return nil, err
	}
	state := c.state.Fork()
	for _, e := range ahead {
		state.Apply(c.foreseen(e, state.Last()+1))
	}
	return state.Conversation(id), nil
}

// foreseen is the event that a command will make.
func (c *Client) foreseen(e bolt.Entry, seq uint64) store.Event {
	var command desk.Command
	_ = json.Unmarshal(e.Command, &command) // written by Do
	return store.Event{
		Seq: seq, ID: e.ID, Conversation: e.Conversation, Kind: e.Kind, At: e.At,
		Actor: c.Identity.Name, Body: command.Body,
	}
}

// Whole is Conversation with all the words that are here, though it be closed.
func (c *Client) Whole(id string) (*desk.Conversation, error) {
	if c.Aside {
		return desk.Fold(c.aside[id]), nil
	}
	ahead, err := c.ahead(id)
	if err != nil {
		return nil, err
	}
	es, err := c.Cache.Conversation(id)
	if err != nil || len(es) == 0 {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	es = c.withLoose(id, es)
	for _, e := range ahead {
		es = append(es, c.foreseen(e, es[len(es)-1].Seq+1))
	}
	return desk.Fold(es), nil
}

// ahead returns what waits in the outbox and is sure to become an event of a conversation.
func (c *Client) ahead(conversation string) ([]bolt.Entry, error) {
	outbox, err := c.Outbox()
	return slices.DeleteFunc(outbox, func(e bolt.Entry) bool {
		return e.Conversation != conversation || !Durable(e.Kind) || e.Refused != ""
	}), err
}

// Outbox returns what waits for the relay, and what that refused.
func (c *Client) Outbox() ([]bolt.Entry, error) {
	if c.Aside {
		return nil, nil
	}
	return c.Cache.Outbox()
}

// Drafts returns what is being written; see [bolt.Cache.Drafts].
func (c *Client) Drafts() ([]bolt.Entry, error) {
	if c.Aside {
		return nil, nil
	}
	return c.Cache.Drafts()
}

// withLoose puts the bodies held in memory into a conversation's events.
func (c *Client) withLoose(id string, es []store.Event) []store.Event {
	bySeq := maps.Clone(c.loose[id])
	if len(bySeq) == 0 {
		return es
	}
	for i, e := range es {
		if known, ok := bySeq[e.Seq]; ok {
			es[i] = known
			delete(bySeq, e.Seq)
		}
	}
	es = slices.AppendSeq(es, maps.Values(bySeq))
	slices.SortFunc(es, func(a, b store.Event) int { return int(int64(a.Seq) - int64(b.Seq)) })
	return es
}

// update changes what the client shows and tells whoever waits for that.
func (c *Client) update(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
}
