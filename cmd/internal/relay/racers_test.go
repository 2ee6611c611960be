package relay_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/gorilla/websocket"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// What the racers do.
const (
	racers   = 64
	prizes   = 16 // conversations that they race for
	restarts = 10 // of the relay meanwhile, on the same file
)

// A move is what a racer asked, and what the relay answered.
type move struct {
	conversation, actor string
	claim               uint64 // that a release rests on; 0 for a claim

	seq  uint64 // where it was done
	code desk.Code
}

// A hold is who has a conversation, and by which claim.
type hold struct {
	owner string
	claim uint64
}

// hands says which answers are right: one owner at a time, and only who holds a conversation by that very claim can give
// it back.
var hands = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := map[string][]porcupine.Operation{}
		for _, op := range history {
			c := op.Input.(move).conversation
			parts[c] = append(parts[c], op)
		}
		var all [][]porcupine.Operation
		for _, p := range parts {
			all = append(all, p)
		}
		return all
	},
	Init: func() any { return hold{} },
	Step: func(state, input, output any) (bool, any) {
		now, asked, answer := state.(hold), input.(move), output.(move)
		if asked.claim == 0 {
			switch now.owner {
			case "":
				return answer.code == "", hold{asked.actor, answer.seq}
			case asked.actor:
				return answer.code == desk.CodeYours, now
			}
			return answer.code == desk.CodeClaimed, now
		}
		if now == (hold{asked.actor, asked.claim}) {
			return answer.code == "", hold{}
		}
		return answer.code == desk.CodeStale || answer.code == desk.CodeNotYours, now
	},
	Equal: func(a, b any) bool { return a == b },
}

// A track is a relay that is stopped and started again under the racers, on one data folder.
type track struct {
	*house
	folder string
	mu     sync.Mutex
	where  string
}

func (k *track) start() {
	data, err := relay.OpenData(k.t.Context(), k.folder, relay.KeyFile(k.folder))
	if err != nil {
		k.t.Fatal(err)
	}
	k.log = data
	k.serve()
	serving := k.stop
	k.stop = func() error {
		err := serving()
		data.Close()
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.where = k.address
}

func (k *track) at() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.where
}

// A racer is a console of which there is only the wire. It asks again by the same ID until it has an answer.
type racer struct {
	track *track
	who   client.Identity
	birth string
	n     uint64
	ws    *websocket.Conn
}

func (r *racer) ask(c desk.Command) (uint64, desk.Code) {
	r.n++
	c.ID = store.DeviceID(r.birth, r.n)
	for {
		if r.ws == nil {
			r.dial()
			continue
		}
		if seq, code, ok := r.once(c); ok {
			return seq, code
		}
		r.ws.Close()
		r.ws = nil
	}
}

func (r *racer) dial() {
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: patience}
	ws, answer, err := d.Dial(r.track.at(), nil)
	if err != nil {
		time.Sleep(5 * time.Millisecond) // between two relays
		return
	}
	answer.Body.Close()
	hello, ok := frame(ws)
	if !ok || hello.Hello == nil {
		ws.Close()
		return
	}
	auth := r.who.Prove(hello.Hello.Nonce, nil)
	said(ws, wire.Frame{Auth: &auth})
	if in, ok := frame(ws); !ok || in.Welcome == nil {
		ws.Close()
		return
	}
	said(ws, wire.Frame{Resume: &wire.Resume{Epoch: hello.Hello.Epoch, After: hello.Hello.Last}})
	r.ws = ws
}

func (r *racer) once(c desk.Command) (uint64, desk.Code, bool) {
	if !said(r.ws, wire.Frame{Command: &c}) {
		return 0, "", false
	}
	for {
		f, ok := frame(r.ws)
		switch {
		case !ok:
			return 0, "", false
		case f.Ack != nil && f.Ack.ID == c.ID:
			return f.Ack.Seq, "", true
		case f.Refused != nil && f.Refused.ID == c.ID:
			return 0, f.Refused.Code, true
		}
	}
}

func frame(ws *websocket.Conn) (wire.Frame, bool) {
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	_, raw, err := ws.ReadMessage()
	if err != nil {
		return wire.Frame{}, false
	}
	f, err := wire.Decode(raw)
	return f, err == nil
}

func said(ws *websocket.Conn, f wire.Frame) bool {
	raw, err := wire.Encode(f)
	return err == nil && ws.WriteMessage(websocket.TextMessage, raw) == nil
}

// TestRacers: many race for the same conversations while the relay is stopped and started again. Nobody ever has one
// that somebody else has, and the answers can be put into one order that explains all of them.
func TestRacers(t *testing.T) {
	k := &track{house: &house{t: t, dir: t.TempDir(), change: func(c *relay.Config) { c.Policy.Limit = prizes }}}
	k.folder = filepath.Join(k.dir, "data")
	k.staff = relay.StaffFile(filepath.Join(k.dir, "staff.toml"))
	field := make([]*racer, racers)
	k.start()
	<-k.carrier.up
	for i := range field {
		cache, cl := k.enrolled(t, fmt.Sprint("racer", i), desk.Specialist)
		field[i] = &racer{track: k, who: cl.Identity, birth: cache.DeviceID()}
	}
	for i := range prizes {
		from := sms.Number(fmt.Sprintf("+1202555%04d", 100+i))
		if err := k.carrier.recv.Receive(t.Context(), gateway.Inbound{SID: fmt.Sprint("SM", i), From: from, To: "233733", Body: "he locked me in"}); err != nil {
			t.Fatal(err)
		}
	}
	var ids []string
	events, _, err := k.log.Read(t.Context(), store.Position{}, 10*prizes)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == desk.Received {
			ids = append(ids, e.Conversation)
		}
	}

	began := time.Now()
	histories := make([][]porcupine.Operation, racers)
	var running sync.WaitGroup
	var done sync.WaitGroup
	done.Add(1)
	for i, r := range field {
		running.Go(func() { histories[i] = r.race(i, ids, began) })
	}
	go func() {
		defer done.Done()
		for range restarts {
			time.Sleep(300 * time.Millisecond) // of racing
			if err := k.stop(); err != nil {
				t.Error(err)
			}
			k.start()
		}
	}()
	running.Wait()
	done.Wait()
	if answer, _ := porcupine.CheckOperationsVerbose(hands, slices.Concat(histories...), 0); answer != porcupine.Ok {
		t.Errorf("the answers cannot be explained: %s", answer)
	}
	k.oneOwner()
	if err := k.stop(); err != nil {
		t.Error(err)
	}
}

// race claims, and gives back what it holds so that others have something to claim.
func (r *racer) race(client int, ids []string, began time.Time) (history []porcupine.Operation) {
	random := rand.New(rand.NewPCG(uint64(client), 7))
	do := func(m move, c desk.Command) move {
		op := porcupine.Operation{ClientId: client, Input: m, Call: int64(time.Since(began))}
		m.seq, m.code = r.ask(c)
		op.Output, op.Return = m, int64(time.Since(began))
		history = append(history, op)
		return m
	}
	for range claims {
		id := ids[random.IntN(len(ids))]
		m := do(move{conversation: id, actor: r.who.Name}, desk.Command{Kind: desk.Claimed, Conversation: id})
		if m.code == "" {
			do(move{conversation: id, actor: r.who.Name, claim: m.seq}, desk.Command{Kind: desk.Released, Conversation: id, Claim: m.seq})
		}
	}
	return history
}

// oneOwner reads the log over: nobody took what somebody had.
func (k *track) oneOwner() {
	owner, taken := map[string]string{}, 0
	for at := (store.Position{}); ; {
		events, head, err := k.log.Read(k.t.Context(), at, 4096)
		if err != nil {
			k.t.Fatal(err)
		}
		for _, e := range events {
			switch e.Kind {
			case desk.Claimed:
				if owner[e.Conversation] != "" {
					k.t.Errorf("event %d: %s took what %s had", e.Seq, e.Actor, owner[e.Conversation])
				}
				owner[e.Conversation] = e.Actor
				taken++
			case desk.Released:
				owner[e.Conversation] = ""
			}
			at = store.Position{Epoch: head.Epoch, Seq: e.Seq}
		}
		if len(events) == 0 {
			break
		}
	}
	if taken < racers {
		k.t.Errorf("only %d claims were won", taken)
	}
}
