package relay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/tree"
)

// A vault is a house whose log lies in a data folder, and can be shut and opened again.
type vault struct {
	*house
	data   string
	open   *relay.Data
	caches map[string]string
}

func openVault(t *testing.T) *vault {
	v := newVault(t)
	v.start()
	return v
}

func newVault(t *testing.T) *vault {
	dir := t.TempDir()
	v := &vault{house: &house{t: t, dir: dir, staff: relay.StaffFile(filepath.Join(dir, "staff.toml"))}, data: filepath.Join(dir, "data"), caches: map[string]string{}}
	t.Cleanup(v.shut)
	return v
}

// head is how many events the log has; the relay adds some by itself.
func (v *vault) head() uint64 {
	v.t.Helper()
	_, head, err := v.log.Read(v.t.Context(), store.Position{}, 0)
	if err != nil {
		v.t.Fatal(err)
	}
	return head.Seq
}

// covered waits until a console keeps a checkpoint over so many events.
func (d *desktop) covered(n uint64) tree.Checkpoint {
	d.t.Helper()
	d.until("a checkpoint over all of it", func() bool { return d.kept().Size >= n })
	return d.kept()
}

// keeps is ada at her console, which keeps a checkpoint over all that there is, her notes in a conversation among it.
func (v *vault) keeps() *desktop {
	v.t.Helper()
	ada := v.enter("ada", desk.Specialist)
	v.carrier.text(v.t, "SM1", "he took my papers")
	ada.claim()
	v.notes(ada, 0, 5)
	n := v.head()
	ada.leave()
	ada = v.back("ada", desk.Specialist)
	ada.covered(n)
	return ada
}

func (v *vault) key() relay.Key { return relay.KeyFile(v.data) }

func (v *vault) start() { v.startWith(func() relay.Tree { return v.open.Tree() }) }

// startWith is start with what the relay shows of its log's tree.
func (v *vault) startWith(tree func() relay.Tree) {
	v.t.Helper()
	var err error
	if v.open, err = relay.OpenData(context.Background(), v.data, v.key()); err != nil {
		v.t.Fatal(err)
	}
	v.log, v.tree = v.open, tree()
	v.serve()
}

func (v *vault) shut() {
	v.t.Helper()
	if v.open == nil {
		return
	}
	if err := errors.Join(v.stop(), v.open.Close()); err != nil {
		v.t.Error(err)
	}
	v.open = nil
}

// enter has somebody enrolled, and sits them down.
func (v *vault) enter(name string, role desk.Role) *desktop {
	v.t.Helper()
	d := v.sign(name, role)
	v.caches[name] = d.path
	return d
}

// back sits somebody down at their console again, and waits until they have all there is.
func (v *vault) back(name string, role desk.Role) *desktop {
	v.t.Helper()
	d := v.sit(name, role)
	d.until("to be in step", func() bool { return d.Status().InStep() })
	return d
}

func (v *vault) sit(name string, role desk.Role) *desktop {
	v.t.Helper()
	d := &desktop{t: v.t, name: name, role: role, path: v.caches[name]}
	c := client.Config{URL: v.address, Cache: openCache(v.t, d.path, name)}
	var err error
	if d.Client, err = client.New(c); err != nil {
		v.t.Fatal(err)
	}
	d.run()
	v.t.Cleanup(func() {
		d.end()
		c.Cache.Close()
	})
	return d
}

// leave gets up and goes home.
func (d *desktop) leave() {
	d.t.Helper()
	d.end()
	if err := d.Cache.Close(); err != nil {
		d.t.Error(err)
	}
}

// kept is the checkpoint that a console keeps.
func (d *desktop) kept() tree.Checkpoint {
	d.t.Helper()
	k, err := d.Cache.Kept()
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := tree.Open(k.Signed, k.Key)
	if err != nil {
		d.t.Fatalf("kept checkpoint: %v, %d bytes", err, len(k.Signed))
	}
	return c
}

func (v *vault) notes(d *desktop, from, to int) {
	v.t.Helper()
	for n := from; n < to; n++ {
		d.must(d.only(), desk.NoteAdded, desk.Note{Text: "asked for no sirens"})
	}
}

// rewrite puts another history in the place of the log's, with everything right that somebody can make right who has
// the relay's files and keys: the same epoch, every seal, mark and node, and the relay's own signature.
func (v *vault) rewrite(change func(es []store.Event) []store.Event) {
	v.t.Helper()
	t, ctx := v.t, context.Background()
	d, err := relay.ReadData(ctx, v.data, v.key())
	if err != nil {
		t.Fatal(err)
	}
	es, head, err := d.Read(ctx, store.Position{}, 1<<20)
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	es = change(es)
	path := filepath.Join(v.dir, "forged.db")
	_ = os.Remove(path)
	forged, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	forged.Close()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("befree")).Put([]byte("epoch"), []byte(head.Epoch)) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	master, err := seal.LoadMaster(v.key().File)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := bolt.OpenKeys(filepath.Join(v.data, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	ring := seal.NewRing(master, keys, desk.ClassOf)
	secret, err := ring.Secret("checkpoint", false)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := tree.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	if forged, err = bolt.Open(path, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(forged.Attest(ctx, ring.Mark, false), forged.Sign(signer))
	for _, e := range es {
		if _, bad := seal.NewLog(forged, ring).Append(ctx, e); bad != nil {
			t.Fatal(bad)
		}
	}
	if err := errors.Join(err, forged.Verify(ctx), forged.Close(), os.Rename(path, filepath.Join(v.data, "log.db"))); err != nil {
		t.Fatal(err)
	}
}

// mute is a tree that shows no newer checkpoint than one.
type mute struct {
	relay.Tree
	last   tree.Checkpoint
	signed []byte
}

func (m mute) Checkpoint() (tree.Checkpoint, []byte, error) { return m.last, m.signed, nil }

// A shutTree is that of a log that cannot be opened for the moment.
type shutTree struct {
	relay.Tree
	is *atomic.Bool
}

func (s shutTree) Checkpoint() (tree.Checkpoint, []byte, error) {
	if s.is.Load() {
		return tree.Checkpoint{}, nil, store.ErrBroken
	}
	return s.Tree.Checkpoint()
}

// TestNoAlarmWhileTheLogIsShut: a console that comes back while the relay can show no checkpoint is told once it can.
func TestNoAlarmWhileTheLogIsShut(t *testing.T) {
	v := newVault(t)
	var shut atomic.Bool
	v.startWith(func() relay.Tree { return shutTree{v.open.Tree(), &shut} })
	ada := v.keeps()
	ada.leave()
	for i := range 2*wire.CheckpointEvery + 100 {
		v.carrier.text(t, fmt.Sprint("SMx", i), "hello")
	}
	shut.Store(true)
	ada = v.sit("ada", desk.Specialist)
	ada.until("the connection", func() bool { return ada.Status().Connected })
	time.Sleep(200 * time.Millisecond) // as much as can come comes
	shut.Store(false)
	ada.until("all of it", func() bool { return ada.Status().InStep() })
	if a := ada.Status().Alarm.What; a != "" {
		t.Errorf("alarm %q of an honest relay", a)
	}
}

// TestConsolesCatchARelayThatNoLongerSigns: one that has rewritten its log, and shows nothing that would tell.
func TestConsolesCatchARelayThatNoLongerSigns(t *testing.T) {
	for name, shows := range map[string]func(*vault, bolt.Kept) relay.Tree{
		"none": func(*vault, bolt.Kept) relay.Tree { return nil },
		"old": func(v *vault, k bolt.Kept) relay.Tree {
			c, err := tree.Open(k.Signed, k.Key)
			if err != nil {
				t.Fatal(err)
			}
			return mute{v.open.Tree(), c, k.Signed}
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := openVault(t)
			ada := v.keeps()
			kept, err := ada.Cache.Kept()
			if err != nil {
				t.Fatal(err)
			}
			ada.leave()
			v.shut()
			v.rewrite(func(es []store.Event) []store.Event {
				i := slices.IndexFunc(es, func(e store.Event) bool { return e.Kind == desk.NoteAdded })
				es[i].Actor = "eve"
				for n := range 2 * wire.CheckpointEvery {
					es = append(es, store.Event{ID: fmt.Sprint("swept/", n), At: es[i].At, Actor: "carrier", Kind: desk.Swept})
				}
				return es
			})
			v.startWith(func() relay.Tree { return shows(v, kept) })
			ada = v.back("ada", desk.Specialist)
			ada.until("an alarm", func() bool { return ada.Status().Alarm.What == client.AlarmKey })
		})
	}
}

// TestConsolesCatchARewrittenRelay: the relay finds nothing wrong with itself, as everything fits and is signed with
// its own key. The console that was there before does, and says so until a person has accepted it; it goes on working.
func TestConsolesCatchARewrittenRelay(t *testing.T) {
	v := openVault(t)
	ada := v.keeps()
	before := ada.kept()
	if ada.Status().Alarm.What != "" {
		t.Fatalf("kept %d, %+v", before.Size, ada.Status().Alarm)
	}
	ada.leave()
	v.shut()
	v.rewrite(func(es []store.Event) []store.Event {
		notes := 0
		for i := range es {
			if es[i].Kind == desk.NoteAdded {
				if notes++; notes == 2 {
					es[i].Actor = "eve"
				}
			}
		}
		return es
	})
	v.start()
	ada = v.back("ada", desk.Specialist)
	alarmed := func(d *desktop, what string) {
		t.Helper()
		d.until("the alarm", func() bool { return d.Status().Alarm.What == what && d.Status().InStep() })
	}
	alarmed(ada, client.AlarmRewritten)
	if a := ada.Status().Alarm; a.Size < before.Size || a.Epoch != before.Epoch {
		t.Errorf("the alarm says %+v", a)
	}
	v.notes(ada, 5, 6) // texters wait: it works on
	ben := v.enter("ben", desk.Specialist)
	if ben.Status().Alarm.What != "" {
		t.Error("a console that never saw the old log has nothing to hold against the new")
	}
	ada.leave()
	ada = v.back("ada", desk.Specialist)
	alarmed(ada, client.AlarmRewritten)
	if got := ada.kept(); got.Hash != before.Hash {
		t.Error("the checkpoint that shows it was not kept")
	}
	if err := ada.Accept(); err != nil || ada.Status().Alarm.What != "" {
		t.Fatal(err, ada.Status().Alarm)
	}
	ada.leave()
	ada = v.back("ada", desk.Specialist)
	ada.until("another checkpoint", func() bool { return ada.kept().Size > before.Size })
	if ada.Status().Alarm.What != "" {
		t.Errorf("alarm after it was accepted: %+v", ada.Status().Alarm)
	}
	if k, _ := ada.Cache.Kept(); len(k.Aside) != 1 {
		t.Errorf("%d checkpoints aside, want the one that showed it", len(k.Aside))
	}
}

// TestConsolesCatchALogCutBack: a relay that goes on from an earlier moment of itself lacks what a console had.
func TestConsolesCatchALogCutBack(t *testing.T) {
	v := openVault(t)
	ada := v.enter("ada", desk.Specialist)
	v.carrier.text(t, "SM1", "he took my papers")
	ada.claim()
	v.notes(ada, 0, 5)
	ada.leave()
	n := v.head()
	ada = v.back("ada", desk.Specialist)
	ada.covered(n)
	ada.leave()
	v.shut()
	v.rewrite(func(es []store.Event) []store.Event { return es[:4] })
	v.start()
	ada = v.back("ada", desk.Specialist)
	ada.until("the alarm", func() bool { return ada.Status().Alarm.What == client.AlarmShorter })
	if a := ada.Status().Alarm; a.Gone == 0 || a.Size < n {
		t.Errorf("the alarm says %+v", a)
	}
}

// TestAnotherRelay: one that answers in the place of the relay, and has neither its key nor its log.
func TestAnotherRelay(t *testing.T) {
	v := openVault(t)
	ada := v.enter("ada", desk.Specialist)
	v.carrier.text(t, "SM1", "he took my papers")
	ada.claim()
	ada.leave()
	v.shut()
	if err := errors.Join(os.RemoveAll(v.data), os.Remove(v.key().File)); err != nil {
		t.Fatal(err)
	}
	v.start()
	ada = v.back("ada", desk.Specialist)
	ada.until("the alarm", func() bool { return ada.Status().Alarm.What == client.AlarmKey })
}

// A liar is a log that shows its readers another event than it holds.
type liar struct {
	store.Log
	lie func(e *store.Event)
}

func (l liar) Read(ctx context.Context, after store.Position, limit int) ([]store.Event, store.Position, error) {
	es, head, err := l.Log.Read(ctx, after, limit)
	for i := range es {
		if es[i].Kind == desk.NoteAdded {
			l.lie(&es[i])
		}
	}
	return es, head, err
}

// TestConsolesHoldWhatTheyAreShownAgainstWhatWasSigned: another actor, time or hash for an event, with the leaf that the
// log has or with one made to fit.
func TestConsolesHoldWhatTheyAreShownAgainstWhatWasSigned(t *testing.T) {
	fit := func(e *store.Event) { e.Leaf = tree.HashOf(*e) }
	for name, lie := range map[string]func(*store.Event){
		"actor":         func(e *store.Event) { e.Actor = "eve" },
		"time":          func(e *store.Event) { e.At = e.At.Add(1e9) },
		"words":         func(e *store.Event) { e.BodyHash[0]++ },
		"actor and fit": func(e *store.Event) { e.Actor = "eve"; fit(e) },
	} {
		t.Run(name, func(t *testing.T) {
			v := openVault(t)
			ada := v.enter("ada", desk.Specialist)
			v.carrier.text(t, "SM1", "he took my papers")
			ada.claim()
			ada.leave()
			v.shut()
			v.start()
			_ = v.stop()
			v.log = liar{v.open, lie}
			v.serve()
			ada = v.back("ada", desk.Specialist)
			v.notes(ada, 0, 1)
			what := client.AlarmShown
			if name == "actor and fit" { // shown by the next root, which does not go on from this console's
				what = client.AlarmRewritten
				ada.leave()
				ada = v.back("ada", desk.Specialist)
			}
			ada.until("the alarm", func() bool { return ada.Status().Alarm.What == what })
		})
	}
}

// TestCheckpointsGoOn: a console that stays gets one every so many events, and its own tree keeps step with the relay's.
func TestCheckpointsGoOn(t *testing.T) {
	v := openVault(t)
	ada := v.enter("ada", desk.Specialist)
	v.carrier.text(t, "SM1", "he took my papers")
	ada.claim()
	first := ada.kept().Size
	for n := range 300 {
		v.carrier.text(t, fmt.Sprint("SMmore", n), "and my phone") // IDs from outside: leaves that it cannot make itself
	}
	sue := v.enter("sue", desk.Supervisor)
	if err := sue.Open(t.Context(), ada.only().ID, "handed over at the change of shifts"); err != nil { // an event that ada may not see
		t.Fatal(err)
	}
	ada.until("another checkpoint", func() bool { return ada.kept().Size >= first+256 })
	ada.until("all of them", func() bool { return ada.Status().At == v.head() })
	if a := ada.Status().Alarm; a.What != "" {
		t.Errorf("%+v", a)
	}
	e, known := ada.Cache.Edge()
	c, _, err := v.open.Tree().Checkpoint()
	if !known || err != nil || e.Root() != c.Hash {
		t.Errorf("the console's tree of %d events is not the relay's of %d (%t, %v)", e.Size(), c.Size, known, err)
	}
}

// TestRestoredRelay: consoles see whether it is a continuation. With all that they had it is, and they say only that
// the copy was begun anew; with less they say how much is gone.
func TestRestoredRelay(t *testing.T) {
	for name, lost := range map[string]int{"of everything": 0, "older": 4} {
		t.Run(name, func(t *testing.T) {
			v := openVault(t)
			ada := v.enter("ada", desk.Specialist)
			v.carrier.text(t, "SM1", "he took my papers")
			ada.claim()
			v.notes(ada, 0, 3)
			place := relay.Place{Log: filepath.Join(v.dir, "b", "log"), Keys: filepath.Join(v.dir, "b", "keys")}
			var size uint64
			if lost > 0 {
				title, err := serving(t, v, place)
				if err != nil {
					t.Fatal(err)
				}
				size = title.Size
				v.notes(ada, 3, 3+lost)
			}
			n := v.head()
			ada.leave()
			ada = v.back("ada", desk.Specialist)
			old := ada.covered(n)
			ada.leave()
			if lost == 0 {
				title, err := serving(t, v, place)
				if err != nil {
					t.Fatal(err)
				}
				size = title.Size
			}
			v.shut()
			head, err := relay.Restore(t.Context(), place, v.data, v.key(), false)
			if err != nil || head.Seq != size {
				t.Fatal(head, err)
			}
			v.start()
			ada = v.back("ada", desk.Specialist)
			if lost > 0 {
				ada.until("the alarm", func() bool { return ada.Status().Alarm.What == client.AlarmShorter })
				if a := ada.Status().Alarm; a.Gone != a.Size-size {
					t.Errorf("the alarm says %+v", a)
				}
				ada.until("to be in step", func() bool { return ada.Status().InStep() })
				aside, err := client.New(client.Config{Cache: ada.Cache, Aside: true})
				if err != nil {
					t.Fatal(err)
				}
				c, err := aside.Conversation(ada.only().ID)
				if err != nil || c == nil || len(c.Notes) != 3+lost || len(ada.only().Notes) != 3 {
					t.Errorf("set aside is %+v, %v; at the relay are %d notes", c, err, len(ada.only().Notes))
				}
				return
			}
			ada.until("the new epoch's checkpoint", func() bool { return ada.kept().Epoch != old.Epoch })
			k, err := ada.Cache.Kept()
			if s := ada.Status(); err != nil || s.Alarm.What != "" || !s.Renewed || len(k.Aside) != 1 {
				t.Errorf("%+v, %d aside, %v", s, len(k.Aside), err)
			}
		})
	}
}

// TestWhatIsSetAsideEndsAtWork: when its time is over, a console that is at the relay drops it by itself.
func TestWhatIsSetAsideEndsAtWork(t *testing.T) {
	v := newVault(t)
	v.change = func(c *relay.Config) { c.Offline = 2 * time.Second }
	v.start()
	ada := v.enter("ada", desk.Specialist)
	v.carrier.text(t, "SM1", "he took my papers")
	ada.claim()
	place := relay.Place{Log: filepath.Join(v.dir, "b", "log"), Keys: filepath.Join(v.dir, "b", "keys")}
	if _, err := serving(t, v, place); err != nil {
		t.Fatal(err)
	}
	ada.leave()
	v.shut()
	if _, err := relay.Restore(t.Context(), place, v.data, v.key(), false); err != nil {
		t.Fatal(err)
	}
	v.start()
	ada = v.back("ada", desk.Specialist)
	a := ada.Status().Aside
	if lasts := a.Until.Sub(a.At); lasts != 2*time.Second || len(a.Conversations) != 1 {
		t.Errorf("set aside for %v: %v", lasts, a.Conversations)
	}
	for deadline := time.Now().Add(patience); !a.Until.IsZero(); time.Sleep(50 * time.Millisecond) {
		var err error
		if a, err = ada.Cache.Aside(); err != nil || time.Now().After(deadline) {
			t.Fatalf("it is there still: %+v, %v", a, err)
		}
	}
}

// serving backs up through the relay's control socket.
func serving(t *testing.T, v *vault, p relay.Place) (bolt.Title, error) {
	t.Helper()
	c, err := v.open.OpenControl(relay.Retention{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return relay.Backup(t.Context(), v.data, v.key(), p)
}
