package relay

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// How long somebody is taken for who they showed to be.
const (
	defaultSession = 12 * time.Hour
	watchEvery     = 400 * time.Millisecond // how often the staff are looked at: a revocation counts within a second
	partingMost    = 300 * time.Millisecond // for the last word to a console that is shown out
)

// errSessionOver ends a connection on which nobody showed again who is there.
var errSessionOver = errors.New("session is over")

// A presence is what a connection knows of who is at its other end, and until when.
type presence struct {
	relay   string                     // the name that the device knows the relay by
	nonce   []byte                     // of this connection
	channel []byte                     // what binds a proof to it
	parting atomic.Pointer[wire.Frame] // the last word: it is being shown out, and nothing more is said or done but that

	asking  sync.Mutex
	asked   []byte    // the nonce that is to be answered, once the session is over
	expires time.Time // the session, or the time to answer
}

func (p *presence) over() bool { return p.parting.Load() != nil }

// askAgain asks the console who is there, if the session is over, and tells when to look again. A second time it is over:
// then the first was not answered.
func (f *feed) askAgain(now time.Time) (again time.Time, err error) {
	f.asking.Lock()
	defer f.asking.Unlock()
	if now.Before(f.expires) {
		return f.expires, nil
	}
	if f.asked != nil {
		return now, errSessionOver
	}
	f.asked, f.expires = freshNonce(), now.Add(wire.AuthTimeout)
	return f.expires, f.send(wire.Frame{Prove: &wire.Prove{Nonce: f.asked}})
}

// answered takes the answer to that.
func (f *feed) answered(a wire.Auth) error {
	f.asking.Lock()
	defer f.asking.Unlock()
	if f.asked == nil {
		return nil
	}
	who, device, err := f.enrolment.Admit(a, f.asked, f.channel)
	if err == nil && (who.Name != f.who.Name || device.ID != f.device.ID) {
		err = &dismissal{Code: desk.CodeForbidden, Text: notAdmitted}
	}
	if err != nil {
		f.showOut(f.dismissal(err))
		return nil
	}
	f.asked, f.expires = nil, time.Now().Add(f.session)
	return nil
}

// showOut ends the connection with a last word, or without if the console does not take it at once.
func (f *feed) showOut(last wire.Frame) {
	if f.parting.CompareAndSwap(nil, &last) {
		f.wake()
		time.AfterFunc(partingMost, func() { _ = f.ws.NetConn().Close() })
	}
}

// part says the last word.
func (f *feed) part() error { return errors.Join(errNotAdmitted, f.say(*f.parting.Load())) }

// mayAsk refuses a command that is not this device's, or that its owner must be there for and perhaps is not.
func (f *feed) mayAsk(c desk.Command) *desk.Refusal {
	switch {
	case !strings.HasPrefix(c.ID, f.device.ID+"-"):
		return &desk.Refusal{Code: desk.CodeBad, Text: "That command does not have this console's number."}
	case desk.Dangerous(c.Kind) && !ed25519.Verify(publicKey(f.device.Certain), wire.Certain(c, f.relay, f.device.ID, f.nonce, f.channel), c.Proof):
		return &desk.Refusal{Code: desk.CodeProof, Text: "That is done only once you have shown again that it is you. Nothing was done: try again, and give your passphrase."}
	}
	return nil
}

// watch acts on every change of the staff until ctx ends, and hands it on to be entered in the log.
func (l *Line) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for seen := (store.Hash{1}); ; {
		version, err := l.enrolment.Version()
		if err == nil && version != seen {
			if err = l.lookAgain(ctx); err == nil {
				seen = version
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			l.log.Error("staff could not be read; those known before stay", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// lookAgain shows out whoever is signed in and may not be any more, and gives back what they hold to the queue.
func (l *Line) lookAgain(ctx context.Context) error {
	staff, err := l.staff()
	if err != nil {
		return err
	}
	l.roll.enter(staff)
	l.mu.Lock()
	var open []*feed
	for f := range l.consoles {
		open = append(open, f)
	}
	l.mu.Unlock()
	for _, f := range open {
		now, err := staff.still(f.who.Name, f.device.ID)
		switch d := (*dismissal)(nil); {
		case errors.As(err, &d):
			f.showOut(f.dismissal(err))
		case err != nil:
			return err
		case now.Role != f.who.Role: // it comes back as what it is now
			f.showOut(wire.Frame{Drain: &wire.Drain{Within: time.Second}})
		}
	}
	return l.giveBack(ctx, staff.Roles())
}

// giveBack puts the conversations of those who can no longer answer back into the queue: a texter waits there.
func (l *Line) giveBack(ctx context.Context, roles map[string]desk.Role) error {
	var held []desk.Command
	body, err := json.Marshal(desk.Because{Reason: "its owner can no longer sign in"})
	if err != nil {
		return err
	}
	l.desk.View(func(s *desk.State) {
		for c := range s.Conversations() {
			if c.Phase == desk.Held && !roles[c.Owner].Answers() {
				held = append(held, desk.Command{
					ID: fmt.Sprintf("%s/%d/no owner", c.ID, c.Claim), Kind: desk.Released, Conversation: c.ID,
					Claim: c.Claim, Actor: store.Clock, Body: body,
				})
			}
		}
	})
	for _, c := range held {
		_, err := l.desk.Do(ctx, c)
		if r := (*desk.Refusal)(nil); err != nil && !errors.As(err, &r) { // refused: it has another owner by now
			return err
		}
		l.log.Warn("a conversation was given back to the queue: its owner can no longer sign in", "conversation", c.Conversation)
	}
	return nil
}
