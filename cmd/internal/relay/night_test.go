package relay_test

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/storetest"
)

// A night is an hour of the line when it is busiest and everything that can go wrong does.
type night struct {
	*town
	seed      uint64
	log       *healing
	chance    *dice
	chronicle *chronicle
	promises  promises
	names     []string // of who answers
	clerks    []*clerk
	desktops  []*nightDesktop
	texts     atomic.Int64
	words     atomic.Int64 // replies so far
	mistakes  atomic.Int64

	over, dawn chan struct{}  // closed when nobody begins anything any more, and when all go home
	ending     sync.WaitGroup // what ends when the night is over: texters, what befalls, hands at whole consoles
	staying    sync.WaitGroup // clerks, until dawn

	mu       sync.Mutex
	verdicts map[uint64]*verdict
	order    []uint64
	sides    maphash.Seed
}

// TestBusyNight is an hour of a busy night: texts in bursts, staff who come and go, a network, a carrier, a log and a relay
// that fail over and over. When all of it works again, every text stands in the log once, of every reply it is known what
// became of it and none went out twice, nobody was texted after a STOP, no conversation was in two hands, and every
// console has what the relay has.
func TestBusyNight(t *testing.T) {
	for _, seed := range seeds() {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer debug.SetGCPercent(debug.SetGCPercent(300))
				n := newNight(t, seed)
				defer n.end()
				n.begin()
				time.Sleep(time.Hour)
				close(n.over)
				n.calm()
				n.ending.Wait()
				n.settle()
				n.home()
				n.judge()
			})
		})
	}
}

func newNight(t *testing.T, seed uint64) *night {
	n := &night{
		town: newTown(t, twiliotest.Config{}), seed: seed, log: &healing{FailingLog: storetest.Failing(storetest.Memory())},
		chance: newDice(seed), over: make(chan struct{}), dawn: make(chan struct{}), verdicts: map[uint64]*verdict{}, sides: maphash.MakeSeed(),
	}
	n.log.can.Store(true)
	n.town.log = n.log
	if dir, err := os.MkdirTemp("/dev/shm", "night"); err == nil { //nolint:usetesting // what a disk costs is no part of it
		n.dir = dir
		n.staff = relay.StaffFile(filepath.Join(dir, "staff.toml"))
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	n.policy = desk.Policy{Limit: 4}
	n.chronicle = newChronicle(n.log, n.policy, n.wrong)
	n.promises.made = map[string]*promise{}
	return n
}

// wrong says what must not be, as often as one can read.
func (n *night) wrong(format string, args ...any) {
	if n.mistakes.Add(1) <= 20 {
		n.t.Errorf("at %s: %s", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
	}
}

// random is chance for one of those who take part.
func (n *night) random(who uint64) *rand.Rand { return rand.New(rand.NewPCG(n.seed, 1+who)) }

func (n *night) isOver() bool {
	select {
	case <-n.over:
		return true
	default:
		return false
	}
}

// pause waits, and tells whether the night still goes on.
func (n *night) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-n.over:
		return false
	case <-timer.C:
		return true
	}
}

// begin has the staff enter and everything start.
func (n *night) begin() {
	n.hire()
	n.start()
	time.Sleep(2 * time.Second)
	for i := range nightDesktops {
		n.desktops = append(n.desktops, n.desktop(i))
	}
	n.spoils(func() int {
		if n.chance.One(8) {
			return 1 + n.chance.IntN(1500)
		}
		return -1
	})
	n.loses(func() bool { return n.chance.One(12) })
	n.cuts(func() int {
		if n.chance.One(40) {
			return n.chance.IntN(1500)
		}
		return -1
	}, func() int {
		if n.chance.One(15) {
			return n.chance.IntN(5000)
		}
		return -1
	})
	for _, c := range n.clerks {
		n.staying.Go(c.work)
	}
	for _, d := range n.desktops {
		n.ending.Go(d.work)
	}
	n.ending.Go(n.texters)
	n.ending.Go(n.hear)
	n.ending.Go(n.weather)
	n.ending.Go(n.misfortunes)
}

// hire enters the staff: clerks, of whom one in ten is a supervisor, and who sits at a whole console.
func (n *night) hire() {
	err := n.staff.Edit(func(s *relay.Staff) error {
		for i := range nightClerks {
			role := desk.Specialist
			if i%10 == 9 {
				role = desk.Supervisor
			}
			m := &mole{name: fmt.Sprintf("clerk%03d", i), device: fmt.Sprintf("device0000%06d", i), role: role}
			var public, certain ed25519.PublicKey
			public, m.key, _ = ed25519.GenerateKey(nil)
			certain, m.certain, _ = ed25519.GenerateKey(nil)
			s.Members = append(s.Members, relay.Member{Name: m.name, Role: role, Devices: []relay.Device{{
				ID: m.device, Key: base64.StdEncoding.EncodeToString(public), Certain: base64.StdEncoding.EncodeToString(certain), Since: time.Now(),
			}}})
			n.clerks = append(n.clerks, &clerk{mole: m, night: n, r: n.random(1000 + uint64(i)), parts: map[string][]uint64{}})
			n.names = append(n.names, m.name)
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// home has all go home. What they know can be read then.
func (n *night) home() {
	close(n.dawn)
	n.staying.Wait()
}

// end has everybody go, and everything.
func (n *night) end() {
	if !n.isOver() {
		close(n.over)
	}
	n.ending.Wait()
	select {
	case <-n.dawn:
	default:
		n.home()
	}
	for _, d := range n.desktops {
		d.end()
		d.Cache.Close()
	}
	n.close()
}

// texters text in bursts until all have, some of them again and again.
func (n *night) texters() {
	r := n.random(1)
	began := time.Now()
	for n.pause(time.Duration(r.IntN(8000)) * time.Millisecond) {
		due := int64(float64(nightTexts) * min(1, float64(time.Since(began))/float64(58*time.Minute)))
		for left := due - n.texts.Load(); left > 0; left-- {
			from := r.IntN(nightTexters)
			if r.IntN(3) == 0 {
				from = r.IntN(1 + nightTexters/50) // who writes all the time
			}
			n.text(r, person(from), n.says(r))
		}
	}
}

// says is what somebody says.
func (n *night) says(r *rand.Rand) string {
	switch k := r.IntN(100); {
	case k < 3:
		return "STOP"
	case k < 6:
		return "START"
	case k < 8:
		return "HELP"
	case k < 12:
		return fmt.Sprintf("%s %d", strings.Repeat("he took my papers and my phone, ", 10+r.IntN(35)), r.IntN(1e9))
	case k < 16:
		return fmt.Sprintf("ayúdame 😢 me encerró %d", r.IntN(1e9))
	}
	return fmt.Sprintf("he locked me in %d", r.IntN(1e9))
}

// text has somebody text, and the carrier bring it: at once, late, out of order, twice, or never.
func (n *night) text(r *rand.Rand, from, words string) {
	n.texts.Add(1)
	t := twiliotest.Text{From: from, Body: words, Times: 1 + r.IntN(10)/9}
	if r.IntN(100) == 0 {
		t.Media = []twiliotest.Media{{URL: "https://api.twilio.com/nothing", Type: "image/jpeg"}}
	}
	how, wait := r.IntN(20), time.Duration(r.IntN(14_000))*time.Millisecond
	n.ending.Go(func() {
		switch how {
		case 0:
			t.Missed = true
			n.twilio.Text(n.t.Context(), t)
		case 1, 2: // others pass it
			late := t
			t.Missed = true
			late.SID = n.twilio.Text(n.t.Context(), t).SID
			time.Sleep(wait)
			n.twilio.Text(n.t.Context(), late)
		case 3:
			t.SID = n.twilio.Text(n.t.Context(), t).SID
			time.Sleep(10 * wait)
			n.twilio.Text(n.t.Context(), t)
		default:
			n.twilio.Text(n.t.Context(), t)
		}
	})
}

// hear has texters do something about what they are sent, some of them while it is on its way.
func (n *night) hear() {
	r := n.random(2)
	soon := func(most int, from, words string) {
		wait, own := time.Duration(r.IntN(most))*time.Millisecond, n.random(r.Uint64())
		n.ending.Go(func() {
			if n.pause(wait) {
				n.text(own, from, words)
			}
		})
	}
	for seen := 0; ; {
		all := n.chronicle.all()
		for _, e := range all[seen:] {
			from := n.chronicle.numberOf(e.Conversation)
			automatic := strings.Contains(e.Head.Ref, "/")
			switch {
			case e.Kind == desk.SendStarted && !automatic && r.IntN(25) == 0:
				soon(15_000, from, "STOP")
			case e.Kind == desk.SendAccepted && automatic && r.IntN(2) == 0:
				soon(300_000, from, "START")
			case e.Kind == desk.SendAccepted && r.IntN(4) == 0:
				soon(60_000, from, n.says(r))
			}
		}
		seen = len(all)
		select {
		case <-n.over:
			return
		case <-n.log.Changed(uint64(seen)):
		}
	}
}

// weather is what the carrier is like, changing all the time.
func (n *night) weather() {
	r := n.random(3)
	plans := []string{"none", "delivered", "delivered", "early", "doubled", "reordered", "undelivered"}
	for n.pause(time.Duration(2000+r.IntN(15_000)) * time.Millisecond) {
		n.twilio.Callbacks(twiliotest.Plans[plans[r.IntN(len(plans))]])
		lists := twiliotest.Fault{}
		if r.IntN(8) == 0 {
			lists.Kind = twiliotest.Fail500
		}
		n.twilio.Lists(lists, time.Duration(r.IntN(15))*time.Second)
		var next []twiliotest.Fault
		switch r.IntN(6) {
		case 0:
			next = []twiliotest.Fault{{Kind: twiliotest.TooMany, After: time.Duration(r.IntN(15)) * time.Second}}
		case 1:
			next = []twiliotest.Fault{{Kind: twiliotest.Refuse, Code: 30005}, {Kind: twiliotest.Delay, After: time.Duration(r.IntN(10)) * time.Second}}
		case 2, 3, 4:
			next = faults(r, 1+r.IntN(4))
		}
		n.twilio.Next(next...)
	}
}

// misfortunes befall the relay and its log, one after another.
func (n *night) misfortunes() {
	r := n.random(4)
	full := errors.New("no space left on device")
	all := []func(){
		func() { // an update
			n.stop()
			time.Sleep(time.Duration(r.IntN(40)) * time.Second)
			n.start()
		},
		func() { // the power goes: whatever was under way is not on disk
			n.log.can.Store(false)
			n.log.Break(full)
			n.stop()
			n.log.FailingLog.Mend()
			n.log.can.Store(true)
			time.Sleep(time.Duration(r.IntN(20)) * time.Second)
			n.start()
		},
		func() { // the disk is full for a while
			n.log.can.Store(false)
			n.log.Break(full)
			time.Sleep(time.Duration(2+r.IntN(30)) * time.Second)
			n.log.can.Store(true)
		},
		func() { n.log.FailAppend(full) },
		func() { n.log.FailAfterAppend(full) },
	}
	for i := 0; n.pause(time.Duration(60+r.IntN(180)) * time.Second); i++ {
		if i%len(all) == 0 {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
		all[i%len(all)]()
	}
}

// calm ends all that goes wrong.
func (n *night) calm() {
	n.spoils(nil)
	n.loses(nil)
	whole := func() int { return -1 }
	n.cuts(whole, whole)
	n.twilio.Lists(twiliotest.Fault{}, 0)
	n.twilio.Callbacks(twiliotest.Plans["delivered"])
}

// choose is what somebody at a console does next, given what is on the screen; the zero Command for nothing.
func (n *night) choose(r *rand.Rand, s *desk.State, who string, role desk.Role) desk.Command {
	held := s.Holds(who)
	if len(held) == 0 || len(held) < n.policy.Limit && r.IntN(3) == 0 {
		phase := desk.Waiting
		if r.IntN(8) == 0 { // somebody was quicker
			phase = desk.Held
		}
		if c := most(r, s, func(c *desk.Conversation) bool { return c.Phase == phase && c.Owner != who }); c != nil {
			return command(c, desk.Claimed, nil)
		}
	}
	if role == desk.Supervisor && r.IntN(8) == 0 {
		if c := most(r, s, func(c *desk.Conversation) bool { return c.Phase == desk.Held && c.Owner != who }); c != nil {
			return command(c, desk.TakenOver, desk.Because{Reason: "it has waited long"})
		}
	}
	if len(held) == 0 {
		return desk.Command{}
	}
	c := s.Conversation(held[r.IntN(len(held))])
	switch k := r.IntN(100); {
	case k < 50 && !c.OptedOut:
		words := fmt.Sprintf("I am here, number %06d", n.words.Add(1))
		if r.IntN(20) == 0 {
			words += strings.Repeat(" and I stay", r.IntN(100))
		}
		return command(c, desk.ReplyQueued, desk.Reply{Text: sms.Text(words), Now: r.IntN(2) == 0})
	case k < 75:
		return command(c, desk.Closed, desk.Closing{Disposition: "safe for now"})
	case k < 82:
		return command(c, desk.Released, nil)
	case k < 92:
		return command(c, desk.Transferred, desk.Handoff{To: n.names[r.IntN(len(n.names))]})
	case k < 96:
		return command(c, desk.NoteAdded, desk.Note{Text: "asked for no sirens"})
	}
	for _, m := range c.Messages {
		if m.Author == who && m.Delivery == desk.StatusWaiting {
			w := command(c, desk.ReplyWithdrawn, nil)
			w.Ref = m.ID
			return w
		}
	}
	return desk.Command{}
}

// most is one of those conversations, mostly of those of which nothing was heard for longest.
func most(r *rand.Rand, s *desk.State, is func(*desk.Conversation) bool) *desk.Conversation {
	var all []*desk.Conversation
	for c := range s.Conversations() {
		if is(c) {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b *desk.Conversation) int { return cmp.Compare(a.Last, b.Last) })
	return all[r.IntN(1+r.IntN(len(all)))]
}

// Promises are the replies that staff were told something of.
type promises struct {
	mu   sync.Mutex
	made map[string]*promise // by the words, which are each reply's own
}

type promise struct {
	conversation string
	seq          uint64 // of its event, once it is acknowledged
	refused      bool
}

func (p *promises) about(c desk.Command, f func(*promise)) {
	if c.Kind != desk.ReplyQueued {
		return
	}
	var r desk.Reply
	_ = json.Unmarshal(c.Body, &r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made[r.Text.Reveal()] == nil {
		p.made[r.Text.Reveal()] = &promise{conversation: c.Conversation}
	}
	f(p.made[r.Text.Reveal()])
}

func (p *promises) keep(c desk.Command, seq uint64) { p.about(c, func(p *promise) { p.seq = seq }) }
func (p *promises) refuse(c desk.Command)           { p.about(c, func(p *promise) { p.refused = true }) }

// A verdict is a frame as every reader of the same bytes finds it.
type verdict struct {
	raw         string
	frame       wire.Frame
	first, last uint64 // of its events
	outlines    int
	wrong       string
}

// verdict reads a frame, unless one with the same bytes was read a moment ago.
func (n *night) verdict(raw []byte) *verdict {
	sum := maphash.Bytes(n.sides, raw)
	n.mu.Lock()
	v := n.verdicts[sum]
	n.mu.Unlock()
	if v != nil && v.raw == string(raw) {
		return v
	}
	v = n.read(raw)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.verdicts[sum] == nil {
		n.order = append(n.order, sum)
	}
	n.verdicts[sum] = v
	if len(n.order) > 256 {
		delete(n.verdicts, n.order[0])
		n.order = n.order[1:]
	}
	return v
}

func (n *night) read(raw []byte) *verdict {
	v := &verdict{raw: string(raw)}
	var err error
	if v.frame, err = wire.Decode(raw); err != nil {
		v.wrong = err.Error()
		return v
	}
	events := eventsOf(v.frame)
	for i, e := range events {
		switch how := n.chronicle.shown(e); {
		case how == "":
			v.wrong = fmt.Sprintf("event %d is not as it is in the log", e.Seq)
		case how != "whole":
			v.outlines++
		}
		if v.frame.Events != nil && e.Seq != events[0].Seq+uint64(i) {
			v.wrong = fmt.Sprintf("event %d follows after %d", e.Seq, events[0].Seq+uint64(i)-1)
		}
	}
	if f := v.frame.Events; f != nil {
		if len(events) == 0 || f.Head < events[len(events)-1].Seq {
			v.wrong = "a frame of no events, or with a head before its end"
			return v
		}
		v.first, v.last = events[0].Seq, events[len(events)-1].Seq
		v.frame.Events = &wire.Events{} // nobody keeps them
	}
	return v
}

// A nightDesktop is a whole console, its cache on disk, that is started anew now and then.
type nightDesktop struct {
	*desktop
	night *night
	conf  client.Config
	r     *rand.Rand
	late  bool
	began uint64 // from where on it has everything
}

func (n *night) desktop(i int) *nightDesktop {
	name := fmt.Sprintf("desk%02d", i)
	code, err := n.staff.Add(name, desk.Specialist)
	if err != nil {
		n.t.Fatal(err)
	}
	path := filepath.Join(n.dir, name+".db")
	d := &nightDesktop{night: n, late: i%2 == 1, r: n.random(2000 + uint64(i)), desktop: &desktop{t: n.t, name: name, role: desk.Specialist, path: path, end: func() {}}}
	d.conf = client.Config{URL: line, Cache: openCache(n.t, path, name), Dial: n.in.console(func() int {
		if n.isOver() || !n.chance.One(3) {
			return 0
		}
		return 1 + n.chance.IntN(1<<(8+n.chance.IntN(11)))
	})}
	enrol := d.conf
	enrol.Dial = n.in.console(func() int { return 0 })
	if _, err := client.Enrol(n.t.Context(), enrol, code); err != nil {
		n.t.Fatal(err)
	}
	if d.Client, err = client.New(d.conf); err != nil {
		n.t.Fatal(err)
	}
	n.names = append(n.names, name)
	return d
}

// work comes and goes until the night is over, and then comes in to stay. Every second one begins with a snapshot of the
// middle of the night.
func (d *nightDesktop) work() {
	if d.late {
		d.night.pause(time.Duration(1+d.r.IntN(40)) * time.Minute)
	}
	d.run()
	for !d.Status().InStep() {
		time.Sleep(100 * time.Millisecond)
	}
	d.began = d.Status().At
	for d.night.pause(time.Duration(2000+d.r.IntN(20_000)) * time.Millisecond) {
		if d.r.IntN(12) > 0 {
			d.act()
			continue
		}
		d.end()
		d.night.pause(time.Duration(1+d.r.IntN(300)) * time.Second)
		if d.r.IntN(2) == 0 {
			d.again()
		}
		d.run()
	}
}

// again is the program started anew, on the cache that it left.
func (d *nightDesktop) again() {
	if err := d.Cache.Close(); err != nil {
		d.night.wrong("%s: %v", d.name, err)
	}
	d.conf.Cache = openCache(d.t, d.path, d.name)
	var err error
	if d.Client, err = client.New(d.conf); err != nil {
		d.night.wrong("%s: %v", d.name, err)
	}
}

func (d *nightDesktop) act() {
	if !d.Status().InStep() {
		return
	}
	var c desk.Command
	d.View(func(s *desk.State) { c = d.night.choose(d.r, s, d.name, d.role) })
	if c.Kind == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o, err := d.Do(ctx, c)
	switch r := (*desk.Refusal)(nil); {
	case errors.As(err, &r):
		d.night.promises.refuse(c)
	case err == nil && !o.Kept:
		d.night.promises.keep(c, o.Seq)
	default:
		d.night.promises.about(c, func(*promise) {}) // it will be seen
	}
}

// settle waits until nothing is open any more: every text fetched, every reply resolved, every console in step.
func (n *night) settle() {
	late := n.whole(30 * time.Minute)
	var open []string
	for deadline := time.Now().Add(2 * time.Hour); ; time.Sleep(10 * time.Second) {
		if open = n.unresolved(); len(open) == 0 {
			break
		}
		if time.Now().After(deadline) {
			n.wrong("%d are open after two hours, such as %s", len(open), open[0])
			break
		}
	}
	n.t.Logf("%d texts, %d of them fetched", n.texts.Load(), late)
}

// unresolved says what is not settled yet.
func (n *night) unresolved() (open []string) {
	last := uint64(len(n.chronicle.all()))
	n.chronicle.view(func(s *desk.State) {
		for c := range s.Conversations() {
			for _, m := range c.Messages {
				if !m.Inbound && m.Delivery.Rank() <= desk.StatusUnknown.Rank() {
					open = append(open, fmt.Sprintf("%s, %s after %d tries", m.ID, m.Delivery, m.Attempt))
				}
			}
		}
	})
	for _, c := range n.clerks {
		if at := c.at(); at != last {
			open = append(open, fmt.Sprintf("%s, at %d of %d", c.name, at, last))
		}
	}
	for _, d := range n.desktops {
		if at := d.Cache.Position().Seq; at != last || !d.Status().InStep() {
			open = append(open, fmt.Sprintf("%s, at %d of %d", d.name, at, last))
		}
	}
	return open
}

// judge looks at everything once all is settled.
func (n *night) judge() {
	whole := map[string][]store.Event{}
	for _, e := range n.chronicle.all() {
		if e.Conversation != "" {
			whole[e.Conversation] = append(whole[e.Conversation], e)
		}
	}
	n.judgeTexts(whole)
	n.judgeReplies(whole)
	n.judgeConsoles(whole)
}

// judgeTexts: what stands in the log is what texters said.
func (n *night) judgeTexts(whole map[string][]store.Event) {
	said := map[string]twiliotest.Message{}
	for _, m := range n.twilio.Received() {
		said[m.SID] = m
	}
	for _, es := range whole {
		for _, e := range es {
			if e.Kind != desk.Received {
				continue
			}
			m, ok := said[e.ID]
			if b := desk.Read[desk.Text](e); !ok || m.Body != b.Text.Reveal() || m.From != e.Number || len(m.Media) != len(b.Media) {
				n.wrong("event %d is not what was texted, or was before", e.Seq)
			}
			delete(said, e.ID)
		}
	}
	for sid := range said {
		n.wrong("%s is not in the log", sid)
	}
}

// judgeReplies: the carrier has of each text what the log says that it has.
func (n *night) judgeReplies(whole map[string][]store.Event) {
	taken := map[string][]twiliotest.Message{} // by our ID
	for _, m := range n.twilio.Sent() {
		u, err := url.Parse(m.StatusCallback)
		if err != nil {
			n.t.Fatal(err)
		}
		id := u.Query().Get("ev")
		taken[id] = append(taken[id], m)
	}
	counts := map[desk.Status]int{}
	queued := map[string]*desk.Message{}
	for id, es := range whole {
		number := n.chronicle.numberOf(id)
		for _, m := range desk.Fold(es).Messages {
			if m.Inbound {
				continue
			}
			sent := taken[m.ID]
			delete(taken, m.ID)
			counts[m.Delivery]++
			if m.Author != "" {
				queued[m.Text.Reveal()] = m
			}
			switch has := m.Delivery.Rank() >= desk.StatusAccepted.Rank(); {
			case len(sent) > 1:
				n.wrong("%s went out %d times", m.ID, len(sent))
			case m.Delivery.Rank() <= desk.StatusUnknown.Rank():
				n.wrong("%s is %s for ever", m.ID, m.Delivery)
			case has != (len(sent) == 1):
				n.wrong("%s is %s (%s) and went out %d times", m.ID, m.Delivery, m.Trouble, len(sent))
			case has && (sent[0].To != number || sent[0].Body != m.Text.Reveal()):
				n.wrong("%s went to somebody else, or in other words", m.ID)
			}
		}
	}
	for id := range taken {
		n.wrong("%s went out, and is no text of ours", id)
	}
	n.judgePromises(queued)
	n.t.Logf("%d events; what became of texts: %v", len(n.chronicle.all()), counts)
}

// judgePromises: what was acknowledged is in the log, what was refused is not, and of the rest the author sees which.
func (n *night) judgePromises(queued map[string]*desk.Message) {
	drafts := map[string]bool{}
	for _, d := range n.desktops {
		outbox, err := d.Cache.Outbox()
		if err != nil {
			n.t.Fatal(err)
		}
		for _, e := range outbox {
			var c desk.Command
			var r desk.Reply
			_ = json.Unmarshal(e.Command, &c)
			_ = json.Unmarshal(c.Body, &r)
			if e.Refused == "" {
				n.wrong("%s has a %s that it still wants to send", d.name, e.Kind)
			}
			drafts[r.Text.Reveal()] = true
		}
	}
	acked, refused := 0, 0
	for words, p := range n.promises.made {
		m := queued[words]
		switch {
		case p.seq > 0 && (m == nil || m.Seq != p.seq):
			n.wrong("%q was acknowledged as event %d, and is not there", words, p.seq)
		case p.refused && m != nil:
			n.wrong("%q was refused, and is event %d", words, m.Seq)
		case p.seq == 0 && !p.refused && (m != nil) == drafts[words]:
			n.wrong("%q is a draft %t and queued %t", words, drafts[words], m != nil)
		case p.seq > 0:
			acked++
		default:
			refused++
		}
		delete(queued, words)
	}
	for words := range queued {
		n.wrong("%q is queued, and nobody wrote it", words)
	}
	n.t.Logf("%d replies were acknowledged, %d refused or drafts", acked, refused)
}

// judgeConsoles: everybody has what the relay has.
func (n *night) judgeConsoles(whole map[string][]store.Event) {
	for _, c := range n.clerks {
		if c.open != nil {
			n.wrong("%s has no answer to a %s", c.name, c.open.Kind)
		}
		n.chronicle.same(c.name, c.state(), c.began)
	}
	for _, d := range n.desktops {
		d.View(func(s *desk.State) { n.chronicle.same(d.name, s, d.began) })
		d.judgeCache()
		for _, id := range n.heldBy(d.name) {
			d.judgeWords(desk.Fold(whole[id]))
		}
	}
}

func (n *night) heldBy(name string) (ids []string) {
	n.chronicle.view(func(s *desk.State) { ids = s.Holds(name) })
	return ids
}

// judgeCache: the cache has every event since it began, once, as it is in the log.
func (d *nightDesktop) judgeCache() {
	last := d.began
	err := d.Cache.Each(func(e store.Event) {
		e.BodyHash = store.Hash{} // of what was sealed here
		if d.night.chronicle.shown(e) == "" {
			d.night.wrong("%s keeps event %d otherwise than the log", d.name, e.Seq)
		}
		if e.Seq > d.began && e.Seq != last+1 {
			d.night.wrong("%s keeps event %d after %d", d.name, e.Seq, last)
		}
		last = max(last, e.Seq)
	})
	if at := d.Cache.Position().Seq; err != nil || at != last {
		d.night.wrong("%s is at %d and keeps events up to %d: %v", d.name, at, last, err)
	}
}

// judgeWords: who holds a conversation has all of its words.
func (d *nightDesktop) judgeWords(want *desk.Conversation) {
	got, err := d.Whole(want.ID)
	if err != nil || len(got.Messages) != len(want.Messages) {
		d.night.wrong("%s holds a conversation, and has not all of it: %v", d.name, err)
		return
	}
	for i, m := range want.Messages {
		if g := got.Messages[i]; g.Text != m.Text || g.Withheld {
			d.night.wrong("%s holds a conversation without the words of event %d", d.name, m.Seq)
		}
	}
}
