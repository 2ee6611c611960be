package relay_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/sms"
	"befree.example/store/storetest"
)

// A mole is a member of staff who asks for anything, with a console of which there is only the wire.
type mole struct {
	name, device string
	role         desk.Role
	key, certain ed25519.PrivateKey
	ws           *websocket.Conn
	hello        *wire.Hello
	n            int

	mu    sync.Mutex
	heard [][]byte
}

// A secret is something that was written: a word that stands nowhere else, and where it may be read.
type secret struct {
	word         string
	conversation string
	author       string // of notes and the like, who may have their own words; empty for a texter
	from         string // from whom a conversation was taken over with it as the reason
}

// A judge knows who may read what: written from the rules as they are told to people, not from the code. It is told
// alone what was acknowledged.
type judge struct {
	phase   map[string]string // waiting, held, closed
	owner   map[string]string // who holds it, or held it last
	claim   map[string]uint64
	secrets []secret
}

func (j *judge) mayRead(m *mole, s secret) bool {
	switch m.role {
	case desk.Supervisor:
		return true
	case desk.Specialist:
		return s.author == m.name || s.from == m.name || j.phase[s.conversation] == "waiting" || j.owner[s.conversation] == m.name
	}
	return false
}

// acked learns what a command did.
func (j *judge) acked(m *mole, c desk.Command, to string, seq uint64) {
	id := c.Conversation
	switch c.Kind {
	case desk.Claimed, desk.TakenOver:
		j.phase[id], j.owner[id], j.claim[id] = "held", m.name, seq
	case desk.Transferred:
		j.phase[id], j.owner[id], j.claim[id] = "held", to, seq
	case desk.Released:
		j.phase[id], j.owner[id], j.claim[id] = "waiting", "", 0
	case desk.Closed:
		j.phase[id] = "closed"
	}
}

// TestNobodyReadsWhatTheyMayNot has staff with any roles ask for anything, and looks for words in every byte that each of
// them is sent. Nobody is ever sent a word that they may not read at that moment, a whole number, or who looked at what.
func TestNobodyReadsWhatTheyMayNot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var found any
		synctest.Test(t, func(t *testing.T) {
			defer func() { found = recover() }()
			infiltrate(t, rt)
		})
		if found != nil { // for rapid, which makes it shorter
			panic(found)
		}
	})
}

func infiltrate(t *testing.T, rt *rapid.T) {
	h := &house{t: t, dir: t.TempDir(), log: storetest.Memory(), cable: newCable()}
	h.staff = relay.StaffFile(filepath.Join(h.dir, "staff.toml"))
	var moles []*mole
	for i := range rapid.IntRange(2, 5).Draw(rt, "staff") {
		moles = append(moles, newMole(h, fmt.Sprint("mole", i), i, rapid.SampledFrom([]desk.Role{desk.Specialist, desk.Specialist, desk.Supervisor, desk.Reviewer, desk.Administrator}).Draw(rt, "role")))
	}
	h.serve()
	defer h.stop()
	<-h.carrier.up
	for _, m := range moles {
		m.sit(t, h)
		defer m.ws.Close()
	}
	synctest.Wait() // the log says who the staff are
	j := &judge{phase: map[string]string{}, owner: map[string]string{}, claim: map[string]uint64{}}
	var ids []string
	for step := range rapid.IntRange(10, 40).Draw(rt, "steps") {
		if len(ids) == 0 || rapid.IntRange(0, 4).Draw(rt, "texter") == 0 {
			ids = j.text(rt, h, moles, ids, step)
		} else {
			m := rapid.SampledFrom(moles).Draw(rt, "who")
			m.ask(rt, j, ids, moles, step)
		}
		synctest.Wait()
		for _, m := range moles {
			j.look(rt, m)
		}
	}
	if _, err := h.staff.Add("newcomer", desk.Specialist); err != nil {
		rt.Fatal(err)
	}
	time.Sleep(time.Second) // the staff are looked at again
	synctest.Wait()
	for _, m := range moles {
		m.toldOf(rt, "newcomer")
	}
}

// toldOf fails unless who is new on the staff is told to those who have a say in it, and to others no more than that
// something was.
func (m *mole) toldOf(rt *rapid.T, newcomer string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, raw := range m.heard {
		f, err := wire.Decode(raw)
		if err != nil {
			rt.Fatal(err)
		}
		for _, e := range eventsOf(f) {
			if e.Kind != desk.StaffAdded {
				continue
			}
			n++
			if steers := m.role == desk.Supervisor || m.role == desk.Administrator; (e.Head.Staff == newcomer) != steers || (len(e.Body) > 0) != steers {
				rt.Fatalf("%s, %s, is told %+v %s", m.name, m.role, e, e.Body)
			}
		}
	}
	if n != 1 {
		rt.Fatalf("%s, %s, is told %d times of who is new", m.name, m.role, n)
	}
}

// text has a texter write: somebody new, or one of those before.
func (j *judge) text(rt *rapid.T, h *house, moles []*mole, ids []string, step int) []string {
	who := rapid.IntRange(0, len(ids)).Draw(rt, "number")
	word := fmt.Sprintf("tangerine%03dx", step)
	err := h.carrier.recv.Receive(h.t.Context(), gateway.Inbound{
		SID: fmt.Sprintf("SM%d", step), From: sms.Number(fmt.Sprintf("+1%d5550147", 202+who)), To: "233733", Body: sms.Text("help me " + word),
	})
	if err != nil {
		rt.Fatal(err)
	}
	es, _, err := h.log.Read(h.t.Context(), store.Position{}, 1<<20)
	if err != nil {
		rt.Fatal(err)
	}
	id := es[len(es)-1].Conversation
	if !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	if j.phase[id] != "held" {
		j.phase[id], j.owner[id] = "waiting", ""
	}
	j.secrets = append(j.secrets, secret{word: word, conversation: id})
	return ids
}

func newMole(h *house, name string, i int, role desk.Role) *mole {
	return enterMole(h.t, h.staff, name, i, role)
}

// strangeMole is somebody whom no relay knows.
func strangeMole(name string) *mole {
	m := &mole{name: name, device: "device0000999999"}
	_, m.key, _ = ed25519.GenerateKey(nil)
	return m
}

func enterMole(t testing.TB, staff relay.StaffFile, name string, i int, role desk.Role) *mole {
	m := &mole{name: name, device: fmt.Sprintf("device0000%06d", i), role: role}
	var public, certain ed25519.PublicKey
	public, m.key, _ = ed25519.GenerateKey(nil)
	certain, m.certain, _ = ed25519.GenerateKey(nil)
	err := staff.Edit(func(s *relay.Staff) error {
		s.Members = append(s.Members, relay.Member{Name: m.name, Role: role, Devices: []relay.Device{{
			ID: m.device, Key: base64.StdEncoding.EncodeToString(public), Certain: base64.StdEncoding.EncodeToString(certain), Since: time.Now(),
		}}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// signIn has m let in.
func (m *mole) signIn(t testing.TB, r *raw) {
	m.ws, m.hello = r.ws, r.hello
	a := m.prove(m.hello, nil)
	if f := r.say(wire.Frame{Auth: &a}); f.Welcome == nil {
		t.Fatalf("%+v", f.Refused)
	}
	write(t, m.ws, wire.Frame{Resume: &wire.Resume{}})
}

// prove answers a hello.
func (m *mole) prove(hello *wire.Hello, channel []byte) wire.Auth {
	a := wire.Auth{Name: m.name, Device: m.device, At: time.Now().UTC()}
	a.Proof = ed25519.Sign(m.key, wire.SignIn(a, hello.Relay, hello.Nonce, channel))
	return a
}

// certainly signs a command as somebody does who is there.
func (m *mole) certainly(c *desk.Command) {
	if desk.Dangerous(c.Kind) {
		c.Proof = ed25519.Sign(m.certain, wire.Certain(*c, m.hello.Relay, m.device, m.hello.Nonce, nil))
	}
}

func (m *mole) sit(t *testing.T, h *house) {
	m.signIn(t, h.raw(t, h.cable.dial(func() int { return 0 })))
	go func() {
		for {
			_, b, err := m.ws.ReadMessage()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.heard = append(m.heard, b)
			m.mu.Unlock()
		}
	}()
}

// ask asks for anything.
func (m *mole) ask(rt *rapid.T, j *judge, ids []string, moles []*mole, step int) {
	id := rapid.SampledFrom(ids).Draw(rt, "conversation")
	switch rapid.IntRange(0, 9).Draw(rt, "read") {
	case 0:
		write(rt, m.ws, wire.Frame{Fetch: &wire.Fetch{Conversation: id}})
	case 1:
		write(rt, m.ws, wire.Frame{Preview: &wire.Preview{Conversations: ids}})
	case 2:
		write(rt, m.ws, wire.Frame{Collect: &wire.Collect{ID: "x", Conversation: id, Message: fmt.Sprintf("SM%d", step-1)}})
	default:
		m.command(rt, j, id, moles, step)
	}
}

func (m *mole) command(rt *rapid.T, j *judge, id string, moles []*mole, step int) {
	m.n++
	word := fmt.Sprintf("mandarin%03dx", step)
	to := rapid.SampledFrom(moles).Draw(rt, "to").name
	bodies := map[store.Kind]any{
		desk.Claimed: nil, desk.Released: nil, desk.Transferred: desk.Handoff{To: to, Reason: word},
		desk.TakenOver: desk.Because{Reason: word}, desk.NoteAdded: desk.Note{Text: sms.Text(word)},
		desk.ReferralSaved: desk.ReferralEdit{To: sms.Text(word), Need: "a bed", Scope: "a name", Until: "2099-12-31"},
		desk.ReplyQueued:   desk.Reply{Text: sms.Text(word), Now: true}, desk.Closed: desk.Closing{Disposition: word},
		desk.PlanSaved: plan.Edit{Fields: map[string]string{"situation/words": word}}, desk.Viewed: desk.Because{Reason: word},
		desk.SeveritySet: desk.Ruling{Severity: "high", Reason: word}, desk.Received: desk.Text{Text: sms.Text(word)},
		desk.OptedOut: nil, desk.SendStarted: nil, desk.Delivery: nil,
	}
	kinds := []store.Kind{
		desk.Claimed, desk.Claimed, desk.Claimed, desk.Released, desk.Transferred, desk.TakenOver, desk.NoteAdded, desk.ReferralSaved, desk.ReplyQueued,
		desk.Closed, desk.PlanSaved, desk.Viewed, desk.SeveritySet, desk.Received, desk.OptedOut, desk.SendStarted, desk.Delivery,
	}
	kind := rapid.SampledFrom(kinds).Draw(rt, "kind")
	body, _ := json.Marshal(bodies[kind])
	c := desk.Command{
		ID: fmt.Sprintf("%s-%012d", m.device, m.n), Kind: kind, Conversation: id, Claim: j.claim[id],
		Seen: rapid.SampledFrom([]uint64{0, 1 << 40}).Draw(rt, "seen"), Body: body,
	}
	m.certainly(&c)
	from := ""
	if kind == desk.TakenOver {
		from = j.owner[id]
	}
	j.secrets = append(j.secrets, secret{word: word, conversation: id, author: m.name, from: from})
	m.mu.Lock()
	before := len(m.heard)
	m.mu.Unlock()
	write(rt, m.ws, wire.Frame{Command: &c})
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, raw := range m.heard[before:] {
		if f, err := wire.Decode(raw); err == nil && f.Ack != nil && f.Ack.ID == c.ID {
			j.acked(m, c, to, f.Ack.Seq)
		}
	}
}

// look searches what somebody was sent since the last time.
func (j *judge) look(rt *rapid.T, m *mole) {
	m.mu.Lock()
	heard := m.heard
	m.heard = nil
	m.mu.Unlock()
	for _, raw := range heard {
		f, err := wire.Decode(raw)
		if err != nil {
			rt.Fatal(err)
		}
		readable := raw
		for _, e := range eventsOf(f) {
			readable = append(append(readable, '\n'), e.Body...)
			if e.Number != "" || !e.Command.IsZero() {
				rt.Fatalf("%s, %s, has a number or a command's hash", m.name, m.role)
			}
			staff := m.role == desk.Administrator && strings.Contains(" staff added role changed device enrolled ", " "+string(e.Kind)+" ")
			if e.Conversation == "" && m.role != desk.Supervisor && !staff && (e.Actor != "" || e.Head.Ref != "" || e.Head.Staff != "") {
				rt.Fatalf("%s, %s, is told who looked at what", m.name, m.role)
			}
		}
		if bytes.Contains(readable, []byte("5550147")) {
			rt.Fatalf("%s, %s, has a number", m.name, m.role)
		}
		for _, s := range j.secrets {
			if bytes.Contains(readable, []byte(s.word)) && !j.mayRead(m, s) {
				rt.Fatalf("%s, a %s, reads %s, of a conversation that is %s, of %q: %.300s", m.name, m.role, strings.TrimRight(s.word, "x"),
					j.phase[s.conversation], j.owner[s.conversation], raw)
			}
		}
	}
}

func eventsOf(f wire.Frame) (es []store.Event) {
	switch {
	case f.Events != nil:
		return f.Events.Events
	case f.Bodies != nil:
		return f.Bodies.Events
	case f.Part != nil:
		return f.Part.Events
	}
	return nil
}
