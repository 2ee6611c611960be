// Package simulate is a carrier whose texters are played from scripts. They answer what the specialist writes; it drives
// the demo, training and tests.
//
// A texter's script is one text file that a trainer can edit: see scripts/README.md. The same seed and the same replies
// give each texter the same texts in the same order with the same SIDs; only texts of different texters may come in
// another order. A relay that has been through a seed knows those SIDs for ever, so its next run needs another seed.
package simulate

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"befree.example/cmd/internal/gateway"
	"befree.example/store/sms"
)

// Fast is the pace at which texters and carrier lose no time at all. Only their patience takes time: see
// [Config.Patience].
var Fast = math.Inf(1)

// Time limits. Those of the hand-over are the carrier's and do not follow the pace.
const (
	handover     = 15 * time.Second // for one text or status in all, as Twilio has it
	patience     = 5 * time.Second  // see Config.Patience
	betweenPlays = 3 * time.Minute  // from a texter's end to the next round of its script, at a person's pace
	leastBetween = time.Second      // the same, whatever the pace
)

var retries = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} // pauses between the tries of a hand-over

// Config says how to simulate. Only Ours must be set.
type Config struct {
	Ours    sms.Number // the number or short code that texters write to
	Seed    uint64     // of SIDs and of how delays vary
	Pace    float64    // 60: sixty times faster than people; [Fast]; 0 is 1, a person's pace
	Loop    bool       // each texter's script begins again and again, from another number each time
	Scripts []*Script  // who texts; nil: everybody in [Embedded]

	// LongestGap is the longest time between two texts of one texter that is really waited for. It is how the texter
	// who comes back next day does so during a demo: the relay's clock is its own, so the simulator can only shorten
	// the wait. 0: as the script and the pace have it.
	LongestGap time.Duration

	// Patience is the least time for which a texter waits for a reply before giving up, whatever the pace (but never
	// more than the script has), so that a busy machine is not taken for a silent specialist. 0: 5 s.
	Patience time.Duration

	Log *slog.Logger // of failed hand-overs, without texts and numbers; nil: none
}

// A Carrier is the simulated carrier. It is safe for use by many goroutines at once.
type Carrier struct {
	config Config
	recv   gateway.Receiver // set by Run

	mu         sync.Mutex
	phase      phase
	waiting    []job     // for Run
	launch     func(job) // set by Run: starts a job that Run waits for
	playing    int       // texters with something left to say
	handsets   map[sms.Number]*handset
	sent       []gateway.Outgoing
	listed     []*Listed
	book       []*entry  // both directions, oldest first
	watchers   []watcher // of sent
	violations int

	work  sync.WaitGroup
	ended chan struct{}
}

type phase int

const (
	before phase = iota // Run was not called yet
	running
	after // Run is ending or has ended
)

// A job is anything that a running carrier does; it ends soon after its context.
type job func(context.Context)

// New returns a carrier that does nothing yet. A Config that makes no sense is told by [Carrier.Run].
func New(config Config) *Carrier {
	if config.Pace == 0 {
		config.Pace = 1
	}
	if config.Patience == 0 {
		config.Patience = patience
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Scripts == nil {
		config.Scripts = Embedded()
	}
	return &Carrier{
		config: config, playing: len(config.Scripts), handsets: map[sms.Number]*handset{},
		ended: make(chan struct{}),
	}
}

// Run lets the texters text and carries texts both ways until ctx ends; then it returns nil, once all that it started
// has ended. Receiver's methods get a context that ends with ctx. A carrier runs once.
func (c *Carrier) Run(ctx context.Context, recv gateway.Receiver) error {
	if err := c.config.check(); err != nil {
		return err
	}
	if err := c.begin(ctx, recv); err != nil {
		return err
	}
	<-ctx.Done()
	c.mu.Lock()
	c.phase = after
	c.mu.Unlock()
	c.work.Wait()
	return nil
}

func (c *Config) check() error {
	switch {
	case c.Ours == "":
		return errors.New("simulate: no number to text to")
	case !(c.Pace > 0):
		return errors.New("simulate: pace must be more than 0")
	case c.Patience < 0 || c.LongestGap < 0:
		return errors.New("simulate: patience and longest gap cannot be negative")
	}
	return together(c.Scripts)
}

func (c *Carrier) begin(ctx context.Context, recv gateway.Receiver) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != before {
		return errors.New("simulate: a carrier runs once")
	}
	c.phase, c.recv = running, recv
	c.launch = func(j job) { c.work.Go(func() { j(ctx) }) }
	for _, j := range c.waiting {
		c.launch(j)
	}
	c.waiting = nil
	for _, s := range c.config.Scripts {
		c.launch(func(ctx context.Context) { c.play(ctx, s) })
	}
	if c.playing == 0 {
		close(c.ended)
	}
	return nil
}

// Ended is closed once no texter has anything more to say, whatever is replied. With [Config.Loop] that is when Run ends.
func (c *Carrier) Ended() <-chan struct{} { return c.ended }
