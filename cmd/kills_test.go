package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/sms"
)

// A besieged relay is a process of its own that is killed again and again, with a carrier and a specialist around it.
type besieged struct {
	*testing.T
	bin, folder, address string
	carrier              *twiliotest.Server
	random               *rand.Rand
	ada                  *client.Client

	mu    sync.Mutex
	sids  []string         // texts that the carrier has, whether or not it got its 200
	acked map[uint64]bool  // where commands were done, as the console was told
	said  map[string]int64 // words of replies that were acknowledged
}

// TestKilledAHundredTimes: whenever the relay is killed, every text that the carrier has is in its log once, every
// command that was acknowledged had its effect once, and no reply reached the carrier twice.
func TestKilledAHundredTimes(t *testing.T) {
	b := besiege(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	busy, rest := context.WithCancel(ctx)
	var around sync.WaitGroup
	around.Go(func() { b.texts(busy) })
	around.Go(func() { b.works(busy) })
	ended := make(chan error, 1)
	online, offline := context.WithCancel(ctx)
	go func() { ended <- b.ada.Run(online) }()
	for n := range kills {
		process := b.serve()
		for n%4 == 0 && ctx.Err() == nil && !b.ada.Status().Connected { // else it may be away all the time
			time.Sleep(time.Millisecond)
		}
		time.Sleep(livesLeast + time.Duration(b.random.Int64N(int64(livesLeast)*8))) // wherever it is then
		if err := errors.Join(process.Process.Kill(), ignore(process.Wait())); err != nil {
			t.Fatal(err)
		}
	}
	rest()
	around.Wait()
	last := b.serve()
	b.settles(ctx)
	offline()
	if err := errors.Join(<-ended, last.Process.Signal(os.Interrupt), last.Wait()); err != nil {
		t.Fatal(err)
	}
	sent, kinds := b.judge()
	if sent < kills/10 || len(b.sids) < kills || kinds[desk.NoteAdded] < kills/10 {
		t.Error("too little happened")
	}
}

func ignore(error) error { return nil } // a killed process ends with one

func besiege(t *testing.T) *besieged {
	b := &besieged{T: t, bin: t.TempDir(), folder: filepath.Join(t.TempDir(), "data"), random: rand.New(rand.NewPCG(1, 2)), acked: map[uint64]bool{}, said: map[string]int64{}}
	build := exec.CommandContext(t.Context(), "go", append([]string{"build", "-o", b.bin + string(filepath.Separator)}, raceFlag("./befree-relay")...)...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var err error
	if b.address, err = freePort(); err != nil {
		t.Fatal(err)
	}
	if b.carrier, err = twiliotest.New(twiliotest.Config{Number: number}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.carrier.Close)
	b.carrier.Reach(publicURL, "http://"+b.address)
	code, err := relay.StaffIn(b.folder).Add("ada", desk.Specialist)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := bolt.OpenCache(filepath.Join(t.TempDir(), "cache.db"), bolt.CacheOptions{
		Owner: "ada", Passphrase: []byte("test"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, ClassOf: desk.ClassOf,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	first := b.serve()
	for up := false; !up; { // it listens
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.address)
		if up = err == nil; up {
			conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	conf := client.Config{URL: "ws://" + b.address + "/line", Cache: cache}
	if _, err = client.Enrol(t.Context(), conf, code); err == nil {
		b.ada, err = client.New(conf)
	}
	if err := errors.Join(err, first.Process.Kill(), ignore(first.Wait())); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve starts the relay, under another program where one is named.
func (b *besieged) serve(under ...string) *exec.Cmd {
	c := b.command(under...)
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	return c
}

func (b *besieged) command(under ...string) *exec.Cmd {
	args := append(under, filepath.Join(b.bin, "befree-relay"), "serve", "--data", b.folder, "--listen", b.address,
		"--carrier", "twilio", "--number", number, "--public-url", publicURL, "--twilio-account", twiliotest.Account, "--twilio-api", b.carrier.URL())
	c := exec.CommandContext(b.Context(), args[0], args[1:]...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: len(under) > 0}
	if len(under) > 0 {
		c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // not the one alone that it is under
	}
	c.Env = append(os.Environ(), "BEFREE_TWILIO_TOKEN="+twiliotest.Token)
	return c
}

// once has the carrier try each webhook once alone, and so tell of each attempt.
func (b *besieged) once() {
	b.Helper()
	carrier, err := twiliotest.New(twiliotest.Config{Number: number, Overrides: "rc=0"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(carrier.Close)
	carrier.Reach(publicURL, "http://"+b.address)
	b.carrier = carrier
}

// hears waits until the relay says something of itself.
func (b *besieged) hears(what string) {
	b.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, said := readyz(b.address); strings.Contains(said, what) {
			return
		}
	}
	b.Fatalf("the relay does not say %q", what)
}

// text is one of one conversation.
func (b *besieged) text(n int, sid string) twiliotest.Delivery {
	return b.carrier.Text(b.Context(), twiliotest.Text{From: "+12025550147", Body: fmt.Sprint("he locked me in ", n), SID: sid})
}

// texts has people text, each once; the carrier tries as often as it does.
func (b *besieged) texts(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		d := b.carrier.Text(ctx, twiliotest.Text{From: fmt.Sprintf("+12025550%d", 100+n%20), Body: fmt.Sprintf("he locked me in %d", n)})
		b.mu.Lock()
		b.sids = append(b.sids, d.SID)
		b.mu.Unlock()
	}
}

// holdsMost is how many conversations one of the staff may hold, as the relay has it.
const holdsMost = 3

// works claims, answers, makes notes and closes, as fast as it is let, in as many conversations as it may hold: in one, a
// reply of which a kill leaves nobody knowing holds up all after it.
func (b *besieged) works(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		var held []*desk.Conversation
		var waiting *desk.Conversation
		b.ada.View(func(s *desk.State) {
			for c := range s.Conversations() {
				if c.HeldBy("ada") {
					held = append(held, c)
				} else if c.Phase == desk.Waiting {
					waiting = c
				}
			}
		})
		if waiting != nil && len(held) < holdsMost {
			b.does(ctx, desk.Claimed, waiting, nil, "")
			continue
		}
		if len(held) == 0 {
			time.Sleep(5 * time.Millisecond) // nobody waits
			continue
		}
		switch c := held[n%len(held)]; {
		case n%7 == 6:
			b.does(ctx, desk.Closed, c, desk.Closing{Disposition: "resolved"}, "")
		case n%2 == 0:
			words := fmt.Sprintf("I am here %d", n)
			b.does(ctx, desk.ReplyQueued, c, desk.Reply{Text: sms.Text(words), Now: true}, words)
		default:
			b.does(ctx, desk.NoteAdded, c, desk.Note{Text: sms.Text(fmt.Sprint("note ", n))}, "")
		}
	}
}

func (b *besieged) does(ctx context.Context, kind store.Kind, c *desk.Conversation, body any, words string) {
	raw, err := json.Marshal(body)
	if err != nil {
		b.Error(err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	out, err := b.ada.Do(ctx, desk.Command{Kind: kind, Conversation: c.ID, Claim: c.Claim, Seen: c.Seen(), Body: raw})
	if err != nil || out.Seq == 0 {
		time.Sleep(5 * time.Millisecond) // refused, or the relay is away
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked[out.Seq] = true
	if words != "" {
		b.said[words]++
	}
}

// settles waits until the relay has fetched what it missed, and the console is in step and has nothing more to say.
func (b *besieged) settles(ctx context.Context) {
	b.Helper()
	for ctx.Err() == nil {
		outbox, err := b.ada.Cache.Outbox()
		if err != nil {
			b.Fatal(err)
		}
		open := 0
		for _, e := range outbox {
			if e.Refused == "" {
				open++
			}
		}
		known := map[string]bool{}
		b.ada.View(func(s *desk.State) {
			for c := range s.Conversations() {
				for _, m := range c.Messages {
					known[m.ID] = true
				}
			}
		})
		_, said := readyz(b.address)
		swept := strings.Contains(said, "list was seen whole") // or one that no webhook brought may be missing yet
		if s := b.ada.Status(); s.InStep() && open == 0 && swept && known[b.sids[len(b.sids)-1]] {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatalf("it does not settle; the console: %+v", b.ada.Status())
}

// log reads the log of a relay that has ended.
func (b *besieged) log() (all []store.Event) {
	data, err := relay.ReadData(b.Context(), b.folder, relay.KeyFile(b.folder))
	if err != nil {
		b.Fatal(err)
	}
	defer data.Close()
	for at := (store.Position{}); ; {
		events, head, err := data.Read(b.Context(), at, 4096)
		if err != nil {
			b.Fatal(err)
		}
		if len(events) == 0 {
			return all
		}
		all = append(all, events...)
		at = store.Position{Epoch: head.Epoch, Seq: events[len(events)-1].Seq}
	}
}

// judge reads the log over, and asks the carrier what it was given. It tells how many replies that were, and how many
// events there are of each kind.
func (b *besieged) judge() (replies int, kinds map[store.Kind]int) {
	b.Helper()
	kinds = map[store.Kind]int{}
	ids, words := map[string]int{}, map[string]int{}
	for _, e := range b.log() {
		ids[e.ID]++
		kinds[e.Kind]++
		delete(b.acked, e.Seq)
		if e.Kind == desk.ReplyQueued {
			words[desk.Read[desk.Reply](e).Text.Reveal()]++
		}
	}
	for id, n := range ids {
		if n != 1 {
			b.Errorf("%s is in the log %d times", id, n)
		}
	}
	missed := 0
	for _, sid := range b.sids {
		if ids[sid] == 0 {
			missed++
		}
	}
	if missed > 0 {
		b.Errorf("%d of %d texts that the carrier has are not in the log", missed, len(b.sids))
	}
	if len(b.acked) > 0 {
		b.Errorf("%d commands that were acknowledged are not in the log", len(b.acked))
	}
	for said, n := range b.said {
		if n != 1 || words[said] != 1 {
			b.Errorf("a reply was acknowledged %d times and stands in the log %d times", n, words[said])
		}
	}
	sent := map[string]int{}
	for _, m := range b.carrier.Sent() {
		if strings.HasPrefix(m.Body, "I am here") {
			sent[m.Body]++
		}
	}
	for body, n := range sent {
		if n > 1 {
			b.Errorf("the carrier has %q %d times", body, n)
		}
	}
	b.Logf("%d texts, %d replies at the carrier, events: %v", len(b.sids), len(sent), kinds)
	return len(sent), kinds
}
