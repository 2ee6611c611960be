package relay_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/storetest"
)

// Random people with random roles ask for random things, right and wrong, over real connections. Every word that anybody
// wrote is one of a kind, so that an oracle, which knows the events of the log and the sentences below and nothing of the
// code, can say of every word in every frame whether its reader was entitled to it:
//
//   - words of a conversation are for supervisors; for specialists while it waits, and for whoever holds it or held it at
//     its end; for nobody else
//   - what somebody wrote themselves, they may have again
//   - who looked at what, and why, is for supervisors
//   - a whole number is for nobody, nor is the hash of what was asked
//   - what was refused is for nobody
//
// A new kind of command comes in by itself, from desk's list, and a new frame, from wire's. Where an event is not for
// those who may read its conversation, or for others besides, it gets a row in rows.

// A standing is who may read a conversation from one event on, by the sentences above.
type standing struct {
	from    uint64
	waiting bool
	owner   string
}

// A word is one that somebody wrote, and where.
type word struct {
	conversation string // empty for an audit event
	kind         store.Kind
	author       string
}

// A row says who may read the words of a kind besides, or instead of, those of its conversation.
type row struct {
	own  bool                     // its author
	only func(desk.Role) bool     // nobody else than these; nil for the readers of the conversation
	whom func(store.Event) string // one more reader; nil for none
}

// rows are the kinds with a rule of their own.
var rows = map[store.Kind]row{
	"note": {own: true}, "reply queued": {own: true}, "plan saved": {own: true}, "safety record": {own: true}, "closed": {own: true},
	"erased": {only: steering}, "retention waits": {only: steering}, "retention allowed": {only: steering},
	"opt-out kept": {only: nobody}, "carrier is to forget": {only: nobody}, "redacted": {only: nobody}, "redaction refused": {only: nobody},
}

func steering(r desk.Role) bool { return r == desk.Supervisor || r == desk.Administrator }
func nobody(desk.Role) bool     { return false }

// An oracle judges what was heard.
type oracle struct {
	roles     map[string]desk.Role
	last      uint64
	standings map[string][]standing
	words     map[string]word
	extra     map[string][]string // readers besides, by word
	kinds     map[store.Kind]int
	forgotten map[string]uint64 // conversations, by which event
	revealed  map[string]bool   // who was shown the number of which conversation
}

func newOracle(roles map[string]desk.Role) *oracle {
	return &oracle{
		roles, 0, map[string][]standing{}, map[string]word{}, map[string][]string{}, map[store.Kind]int{}, map[string]uint64{}, map[string]bool{},
	}
}

var oneOfAKind = regexp.MustCompile(`zq[0-9a-f]{12}`)

// see takes in what the log has besides.
func (o *oracle) see(events []store.Event) {
	for _, e := range events {
		o.last = e.Seq
		o.kinds[e.Kind]++
		for _, w := range oneOfAKind.FindAllString(string(e.Body), -1) {
			if _, known := o.words[w]; !known {
				o.words[w] = word{e.Conversation, e.Kind, e.Actor}
			}
			if whom := rows[e.Kind].whom; whom != nil {
				o.extra[w] = append(o.extra[w], whom(e))
			}
		}
		if e.Kind == "number revealed" {
			o.revealed[e.Actor+" "+e.Head.Ref] = true
		}
		if e.Kind == "forgotten" || e.Kind == "forgotten with others" {
			o.forgotten[e.Conversation] = e.Seq
		}
		if e.Conversation == "" || strings.Contains(e.Conversation, "/carrier/") {
			continue
		}
		all := o.standings[e.Conversation]
		now := standing{waiting: true}
		if len(all) > 0 {
			now = all[len(all)-1]
		}
		closed := !now.waiting && strings.HasSuffix(now.owner, ", closed")
		switch e.Kind {
		case "received":
			if closed {
				now = standing{waiting: true}
			}
		case "claimed", "taken over":
			now = standing{owner: e.Actor}
		case "transferred":
			now = standing{owner: e.Head.Staff}
		case "released":
			now = standing{waiting: true}
		case "closed":
			now = standing{owner: now.owner + ", closed"}
		}
		now.from = e.Seq
		o.standings[e.Conversation] = append(all, now)
	}
}

// may tells whether somebody was entitled to a word at any time between two events.
func (o *oracle) may(who, w string, from, until uint64) bool {
	what, known := o.words[w]
	role := o.roles[who]
	r := rows[what.kind]
	switch {
	case !known:
		return false
	case o.forgotten[what.conversation] > 0 && o.forgotten[what.conversation] <= from:
		return false // whoever they are, and whoever wrote it
	case r.own && what.author == who, slices.Contains(o.extra[w], who):
		return true
	case r.only != nil:
		return r.only(role)
	}
	return o.reads(who, what.conversation, from, until)
}

// reads tells whether somebody could read a conversation at any time between two events.
func (o *oracle) reads(who, conversation string, from, until uint64) bool {
	switch role := o.roles[who]; {
	case role == desk.Supervisor:
		return true
	case role != desk.Specialist || conversation == "":
		return false
	}
	all := o.standings[conversation]
	for i, s := range all {
		ended := i+1 < len(all) && all[i+1].from <= from // before the time that is asked about
		if s.from <= until && !ended && (s.waiting || strings.TrimSuffix(s.owner, ", closed") == who) {
			return true
		}
	}
	return false
}

// An ear is a console of which there is only the wire, and that hears everything.
type ear struct {
	*mole

	mu       sync.Mutex
	frames   [][]byte
	position uint64
	answered map[string]bool
	changed  chan struct{}
	n        uint64 // commands so far
}

func (e *ear) listen() {
	for {
		_, raw, err := e.ws.ReadMessage()
		if err != nil {
			return
		}
		var f wire.Frame
		_ = json.Unmarshal(raw, &f)
		e.mu.Lock()
		e.frames = append(e.frames, raw)
		switch {
		case f.Events != nil && len(f.Events.Events) > 0:
			e.position = f.Events.Events[len(f.Events.Events)-1].Seq
		case f.Snapshot != nil:
			e.position = f.Snapshot.Position.Seq
		case f.Ack != nil:
			e.answered[f.Ack.ID] = true
		case f.Refused != nil:
			e.answered[f.Refused.ID] = true
		case f.Piece != nil && !f.Piece.More:
			e.answered[f.Piece.ID] = true
		}
		close(e.changed)
		e.changed = make(chan struct{})
		e.mu.Unlock()
	}
}

// until waits for something that is heard.
func (e *ear) until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.After(patience); ; {
		e.mu.Lock()
		ok, changed := is(), e.changed
		e.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s waited in vain for %s", e.name, what)
		}
	}
}

func (e *ear) ask(t testing.TB, f wire.Frame) { write(t, e.ws, f) }

func (e *ear) nextID() string {
	e.n++
	return store.DeviceID(e.device, e.n)
}

// A throng is the people, what there is to ask about, and chance.
type throng struct {
	t       testing.TB
	chance  *rand.Rand
	house   *house
	oracle  *oracle
	ears    []*ear
	numbers []sms.Number
	events  []store.Event
	texts   int
	heard   int // words that somebody was entitled to
}

func newThrong(t testing.TB, seed uint64) *throng {
	g := &throng{t: t, chance: rand.New(rand.NewPCG(seed, 0)), house: open(t, storetest.Memory())}
	<-g.house.carrier.up
	g.house.carrier.fetch = func(_ context.Context, m gateway.Media) ([]byte, string, error) {
		return []byte(strings.Repeat("picture ", 8000) + m.URL), "image/png", nil // its URL holds the word
	}
	roles := map[string]desk.Role{}
	all := []desk.Role{desk.Specialist, desk.Supervisor, desk.Reviewer, desk.Administrator}
	for i, name := range []string{"ada", "ben", "cid", "dot", "eve", "fay", "gil", "hal"} {
		role := all[g.chance.IntN(len(all))]
		if i < 5 { // enough of those who do most
			role = []desk.Role{desk.Specialist, desk.Specialist, desk.Supervisor, desk.Reviewer, desk.Administrator}[i]
		}
		roles[name] = role
		m := newMole(g.house, name, i, role)
		m.signIn(t, g.house.raw(t, nil))
		var snapshot wire.Frame
		for snapshot.Snapshot == nil {
			snapshot = wire.Frame{}
			read(t, m.ws, &snapshot)
		}
		e := &ear{mole: m, answered: map[string]bool{}, changed: make(chan struct{})}
		g.ears = append(g.ears, e)
		go e.listen()
	}
	g.oracle = newOracle(roles)
	for i := range 5 {
		g.numbers = append(g.numbers, sms.Number(fmt.Sprintf("+1202555015%d", i)))
	}
	return g
}

// one is a new word.
func (g *throng) one() string { return fmt.Sprintf("zq%012x", g.chance.Uint64()>>16) }

func pick[T any](g *throng, from []T) (none T) {
	if len(from) == 0 {
		return none
	}
	return from[g.chance.IntN(len(from))]
}

func (g *throng) conversations() []string { return slices.Sorted(maps.Keys(g.oracle.standings)) }

// text has somebody write, with a picture now and then.
func (g *throng) text() {
	g.texts++
	in := gateway.Inbound{
		SID: fmt.Sprintf("SM%d", g.texts), From: pick(g, g.numbers), To: "233733",
		Body:   sms.Text(pick(g, []string{"he has a gun ", "he wont let me leave ", "hi ", "what is this "}) + g.one()),
		Params: map[string][]string{"FromCity": {g.one()}, "Strange": {g.one()}},
	}
	if g.chance.IntN(3) == 0 {
		in.Media = []gateway.Media{{URL: "https://x/" + g.one(), Type: "image/" + g.one()}}
	}
	if err := g.house.carrier.recv.Receive(g.t.Context(), in); err != nil {
		g.t.Fatal(err)
	}
}

// heldBy are the conversations that somebody holds.
func (g *throng) heldBy(who string) (own []string) {
	for _, id := range g.conversations() {
		if all := g.oracle.standings[id]; all[len(all)-1].owner == who {
			own = append(own, id)
		}
	}
	return own
}

// over are the conversations that are closed.
func (g *throng) over() (closed []string) {
	for _, id := range g.conversations() {
		if all := g.oracle.standings[id]; strings.HasSuffix(all[len(all)-1].owner, ", closed") && g.oracle.forgotten[id] == 0 {
			closed = append(closed, id)
		}
	}
	return closed
}

// step is what could come next on the way to forgetting a closed conversation, or to exporting it.
func (g *throng) step(conversation string) store.Kind {
	_, _, asked := g.about(conversation)
	next := []store.Kind{"forget asked", "export asked", "hold lifted", "number revealed"}
	if asked["forget asked"] > asked["forget approved"] {
		next = append(next, "forget approved")
	}
	if asked["export asked"] > asked["export approved"] {
		next = append(next, "export approved", "export approved", "export approved")
	}
	if asked["export approved"] > 0 {
		next = append(next, "exported", "exported", "exported")
	}
	return pick(g, next)
}

// about is a conversation as far as whoever asks must know it.
func (g *throng) about(conversation string) (claim uint64, messages []string, asked map[store.Kind]uint64) {
	asked = map[store.Kind]uint64{}
	for _, e := range g.events {
		if e.Conversation != conversation {
			continue
		}
		switch e.Kind {
		case "claimed", "taken over", "transferred":
			claim = e.Seq
		case "forget asked", "forget approved", "export asked", "export approved":
			asked[e.Kind] = e.Seq
		case "received", "reply queued":
			messages = append(messages, e.ID)
		}
	}
	return claim, messages, asked
}

// body has every field that a command of any kind may have, each of its words one of a kind.
func (g *throng) body() json.RawMessage {
	w := func() string { return pick(g, []string{"", "because "}) + g.one() }
	b := map[string]any{
		"text": w(), "reason": w(), "to": pick(g, g.ears).name, "severity": pick(g, []string{"imminent", "high", "standard"}),
		"disposition": w(), "summary": w(), "contact": w(), "safety": w(), "follow_up": "2026-12-24", "now": g.chance.IntN(2) == 0,
		"base": 0, "fields": map[string]string{"leaving/route": w(), "situation/numbers": w()}, "danger_word": w(), "safe_word": w(), "opening": w(),
		"query": w(), "words": w(), "classes": []string{"text"}, "why": w(), "name": pick(g, g.ears).name,
	}
	for name := range b { // some are missing
		if g.chance.IntN(8) == 0 {
			delete(b, name)
		}
	}
	raw, err := json.Marshal(b)
	if err != nil {
		g.t.Fatal(err)
	}
	return raw
}

// command is one of any kind, mostly one that could be right, by e; what was agreed to is done by whoever asked for it.
func (g *throng) command(e *ear) (*ear, desk.Command) {
	c := desk.Command{ID: e.nextID(), Kind: pick(g, desk.Kinds()), Conversation: pick(g, g.conversations()), Body: g.body()}
	if own := g.heldBy(e.name); len(own) > 0 && g.chance.IntN(2) == 0 {
		c.Conversation = pick(g, own)
	}
	if over := g.over(); len(over) > 0 && g.chance.IntN(3) > 0 {
		c.Conversation = pick(g, over)
		if c.Kind = g.step(c.Conversation); c.Kind == "exported" {
			e = g.asker(c.Conversation)
			c.ID = e.nextID()
		}
	}
	var messages []string
	var asked map[store.Kind]uint64
	c.Claim, messages, asked = g.about(c.Conversation)
	switch c.Kind { // which rest on what somebody else asked for
	case "forget approved":
		c.Claim = asked["forget asked"]
	case "export approved":
		c.Claim = asked["export asked"]
	case "exported":
		c.Claim = asked["export approved"]
	}
	c.Seen = g.oracle.last
	switch c.Kind {
	case "reply withdrawn", "send again":
		c.Ref = pick(g, messages)
	}
	if g.chance.IntN(10) == 0 {
		c.Ref = g.one()
	}
	if g.chance.IntN(10) == 0 {
		c.Claim = g.chance.Uint64N(20)
	}
	if g.chance.IntN(20) == 0 {
		c.Conversation = ""
	}
	return e, c
}

// asker is who asked last to export a conversation.
func (g *throng) asker(conversation string) *ear {
	for _, e := range slices.Backward(g.events) {
		if e.Conversation == conversation && e.Kind == "export asked" {
			return g.ears[slices.IndexFunc(g.ears, func(one *ear) bool { return one.name == e.Actor })]
		}
	}
	return pick(g, g.ears)
}

// frame is one of any kind, all its fields filled in by what there is.
func (g *throng) frame(e *ear) (f wire.Frame, answer string) {
	v := reflect.ValueOf(&f).Elem()
	field := v.Field(g.chance.IntN(v.NumField()))
	if field.Type() == reflect.TypeFor[*desk.Command]() {
		return f, ""
	}
	field.Set(reflect.New(field.Type().Elem()))
	conversation := pick(g, g.conversations())
	_, messages, _ := g.about(conversation)
	g.fill(field.Elem(), conversation, messages)
	if f.Collect != nil {
		f.Collect.ID, f.Collect.N = e.nextID(), g.chance.IntN(2)
		return f, f.Collect.ID
	}
	return f, ""
}

func (g *throng) fill(v reflect.Value, conversation string, messages []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			switch f := v.Type().Field(i); {
			case !f.IsExported():
			case f.Name == "Conversation" && g.chance.IntN(8) > 0:
				v.Field(i).SetString(conversation)
			case f.Name == "Message" && g.chance.IntN(8) > 0:
				v.Field(i).SetString(pick(g, messages))
			default:
				g.fill(v.Field(i), conversation, messages)
			}
		}
	case reflect.Slice:
		n := g.chance.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			g.fill(v.Index(i), pick(g, g.conversations()), messages)
		}
	case reflect.String:
		v.SetString(pick(g, []string{conversation, conversation, conversation, pick(g, messages), pick(g, g.ears).name}))
	case reflect.Int, reflect.Int64:
		v.SetInt(g.chance.Int64N(5))
	case reflect.Uint64:
		v.SetUint(g.chance.Uint64N(g.oracle.last + 2))
	case reflect.Bool:
		v.SetBool(g.chance.IntN(2) == 0)
	case reflect.Uint8:
		v.SetUint(g.chance.Uint64N(256))
	}
}

// round has a few people ask at once, waits until all is answered and everybody is in step, and judges what was heard.
func (g *throng) round() {
	from := g.oracle.last
	type asked struct {
		e  *ear
		id string
	}
	var waiting []asked
	for range 1 + g.chance.IntN(4) {
		e := pick(g, g.ears)
		switch g.chance.IntN(6) {
		case 0:
			g.text()
			continue
		case 1, 2:
			for range 5 {
				f, answer := g.frame(e)
				e.ask(g.t, f)
				if answer != "" {
					waiting = append(waiting, asked{e, answer})
				}
			}
			c := desk.Command{ID: e.nextID(), Kind: "nothing", Conversation: "x"} // answered after all that was asked before
			e.ask(g.t, wire.Frame{Command: &c})
			waiting = append(waiting, asked{e, c.ID})
		default:
			e, c := g.command(e)
			e.certainly(&c)
			e.ask(g.t, wire.Frame{Command: &c})
			waiting = append(waiting, asked{e, c.ID})
		}
	}
	for _, a := range waiting {
		a.e.until(g.t, "an answer", func() bool { return a.e.answered[a.id] })
	}
	g.catchUp()
	g.judge(from)
}

// catchUp waits until everybody has what the log has; what goes out meanwhile has had its outcome.
func (g *throng) catchUp() {
	events, head, err := g.house.log.Read(g.t.Context(), store.Position{Seq: g.oracle.last}, 10000)
	if err != nil {
		g.t.Fatal(err)
	}
	g.events = append(g.events, events...)
	g.oracle.see(events)
	for _, e := range g.ears {
		e.until(g.t, "all events", func() bool { return e.position >= head.Seq })
	}
}

// judge looks at every word of every frame since the last time.
func (g *throng) judge(from uint64) {
	g.t.Helper()
	for _, e := range g.ears {
		e.mu.Lock()
		frames := e.frames
		e.frames = nil
		e.mu.Unlock()
		for _, raw := range frames {
			g.judgeFrame(e, raw, from)
		}
	}
}

func (g *throng) judgeFrame(e *ear, raw []byte, from uint64) {
	g.t.Helper()
	var frame any
	if err := json.Unmarshal(raw, &frame); err != nil {
		g.t.Fatal(err)
	}
	until := max(g.oracle.last, g.newest())
	var f wire.Frame
	if _ = json.Unmarshal(raw, &f); f.Number != nil {
		id := f.Number.Conversation
		if !g.oracle.revealed[e.name+" "+id] || !g.oracle.reads(e.name, id, from, until) {
			g.t.Fatalf("%s, %s, was sent the number of %s, between events %d and %d", e.name, e.role, id, from, until)
		}
		return
	}
	each(frame, func(name, s string) {
		if (name == "number" || name == "command") && s != "" {
			g.t.Fatalf("%s, %s, was sent a %s", e.name, e.role, name)
		}
		for _, n := range g.numbers {
			if strings.Contains(s, n.Reveal()[2:]) {
				g.t.Fatalf("%s, %s, was sent a whole number", e.name, e.role)
			}
		}
		for _, w := range oneOfAKind.FindAllString(s, -1) {
			if !g.oracle.may(e.name, w, from, until) {
				what := g.oracle.words[w]
				g.t.Fatalf("%s, %s, was sent words of a %q of %s by %s, between events %d and %d, in %.300s", e.name, e.role, what.kind,
					what.conversation, what.author, from, until, raw)
			}
			g.heard++
		}
	})
}

// newest takes in what came into the log while the frames were looked at: an outcome of a send is nobody's to wait for.
func (g *throng) newest() uint64 {
	events, head, err := g.house.log.Read(g.t.Context(), store.Position{Seq: g.oracle.last}, 10000)
	if err != nil {
		g.t.Fatal(err)
	}
	g.events = append(g.events, events...)
	g.oracle.see(events)
	return head.Seq
}

// each calls f with every string in a frame, and with what it is in base64.
func each(v any, f func(name, s string)) {
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				f("", name)
				walk(name, inner)
			}
		case []any:
			for _, inner := range v {
				walk(name, inner)
			}
		case string:
			f(name, v)
			if b, err := base64.StdEncoding.DecodeString(v); err == nil {
				f(name, string(b))
			}
		}
	}
	walk("", v)
}

func roles(t testing.TB, seed uint64, rounds int) *throng {
	g := newThrong(t, seed)
	for range 6 {
		g.text()
	}
	g.catchUp()
	for range rounds {
		g.round()
	}
	return g
}

// FuzzRoles: whatever random staff with random roles ask for, nobody gets a word that they are not entitled to.
func FuzzRoles(f *testing.F) {
	for seed := range uint64(3) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { roles(t, seed, 150) })
}

// The people of FuzzRoles do all there is to do, and hear a lot: a fuzzer whose commands are all refused shows nothing.
func TestRolesDoEverything(t *testing.T) {
	kinds, heard := map[store.Kind]int{}, 0
	missing := func() []store.Kind {
		return slices.DeleteFunc(slices.Clone(everything), func(k store.Kind) bool { return kinds[k] > 0 })
	}
	for seed := uint64(0); seed < 4 || len(missing()) > 0 && seed < 160; seed++ {
		t.Run("", func(t *testing.T) {
			g := roles(t, 100+seed, 300)
			for k, n := range g.oracle.kinds {
				kinds[k] += n
			}
			heard += g.heard
		})
	}
	if len(missing()) > 0 || heard < 1000 {
		t.Errorf("nobody ever brought about %q; %d words were heard", missing(), heard)
	}
	t.Log(kinds, heard)
}

// everything is what the people of FuzzRoles must have brought about.
var everything = []store.Kind{
	"received", "claimed", "released", "transferred", "taken over", "reply queued", "send accepted", "note", "safety record", "plan saved",
	"severity set", "closed", "opted out", "opted in", "viewed",
	"forget asked", "forget approved", "forgotten", "carrier is to forget", "redacted", "hold set", "hold lifted",
	"number revealed", "export asked", "export approved", "exported",
}
