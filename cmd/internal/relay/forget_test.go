package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"befree.example/client"
	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/cmd/internal/relay"
	"befree.example/store"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/store/sms"
)

// sealedHouse is a relay on a data folder as a real one.
func sealedHouse(t *testing.T, p desk.Policy, logged io.Writer) (*house, string) {
	t.Helper()
	dir := t.TempDir()
	h := &house{t: t, dir: dir, policy: p, logged: logged}
	h.openData()
	t.Cleanup(func() { h.log.(*relay.Data).Close() })
	return furnish(h), filepath.Join(dir, "data")
}

func (h *house) openData() {
	h.t.Helper()
	data := filepath.Join(h.dir, "data")
	d, err := relay.OpenData(h.t.Context(), data, relay.KeyFile(data))
	if err != nil {
		h.t.Fatal(err)
	}
	h.log = d
}

// restart ends the relay and begins it again on the same folder.
func (h *house) restart() {
	h.t.Helper()
	if err := h.stop(); err != nil {
		h.t.Fatal(err)
	}
	if err := h.log.(*relay.Data).Close(); err != nil {
		h.t.Fatal(err)
	}
	h.openData()
	h.serve()
	<-h.carrier.up
}

// rosas is everything that must be nowhere once it is forgotten.
var rosas = []string{"the blue door", "my aunt Rosa", "Maple Street", "5550147", "persimmon", "hang on Rosa"}

// aWhole conversation is one that has something of every class, and is closed.
func aWhole(t *testing.T, h *house, ada *desktop) *desk.Conversation {
	t.Helper()
	h.carrier.text(t, "SM1", "he waits at the blue door")
	c := ada.claim()
	ada.must(c, desk.NoteAdded, desk.Note{Text: "my aunt Rosa knows"})
	ada.must(c, desk.PlanSaved, plan.Edit{Fields: map[string]string{"leaving/bag": "Maple Street"}})
	word := sms.Text("persimmon")
	ada.must(c, desk.SafetySaved, desk.SafetyEdit{DangerWord: &word})
	c = ada.only()
	ada.must(c, desk.ReplyQueued, desk.Reply{Text: "hang on Rosa", Now: true})
	ada.until("the reply to go out", func() bool {
		m := ada.only().Messages[len(ada.only().Messages)-1]
		return m.Delivery == desk.StatusAccepted
	})
	c = ada.only()
	ada.must(c, desk.Closed, desk.Closing{Disposition: "referred", Summary: "my aunt Rosa came"})
	return ada.only()
}

// agree has one person ask and another approve, and waits until everybody knows that it is forgotten.
func agree(t *testing.T, asks, approves *desktop, number bool, all ...*desktop) {
	t.Helper()
	asks.until("the closing", func() bool { c := asks.only(); return c != nil && c.Phase == desk.ClosedNow })
	asks.must(asks.only(), desk.ForgetAsked, desk.Asking{Reason: "the texter asks for it", Number: number})
	approves.until("what is asked", func() bool { c := approves.only(); return c != nil && c.Forget.By == asks.name })
	c := approves.only()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := approves.Surely(ctx, desk.Command{Kind: desk.ForgetApproved, Conversation: c.ID, Claim: c.Forget.Seq}, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		d.until("it to be forgotten", func() bool { c := d.only(); return c != nil && !c.Gone.IsZero() })
	}
}

// holding lists the files below a folder that have one of the words.
func holding(t *testing.T, dir string, words ...[]byte) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, w := range words {
			if bytes.Contains(raw, w) {
				found = append(found, filepath.Base(path))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// readable lists what can still be read of a log.
func readable(t *testing.T, log store.Log) (words []string) {
	t.Helper()
	es, _, err := log.Read(t.Context(), store.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		for _, s := range rosas {
			if strings.Contains(string(e.Body)+e.Number+strings.Join(e.Head.Flags, " "), s) {
				words = append(words, s)
			}
		}
	}
	return words
}

func secrets() (all [][]byte) {
	for _, s := range rosas {
		all = append(all, []byte(s))
	}
	return all
}

// wrappedKeys reads the key file as it lies there.
func wrappedKeys(t *testing.T, data, conversation string) (keys [][]byte) {
	t.Helper()
	from, err := os.ReadFile(filepath.Join(data, "keys.db"))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(copied, from, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := bolt.OpenKeys(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, class := range []store.Class{store.Numbers, store.Text, store.Notes, store.Plans, store.Facts} {
		values, err := k.Load(conversation + "/" + string(class))
		if err != nil || values[0] == nil {
			t.Fatalf("no key of %s: %v", class, err)
		}
		keys = append(keys, values[0])
	}
	return keys
}

// TestForgettingTakesTheReasons: why somebody opened a conversation, or wanted its number, goes with it.
func TestForgettingTakesTheReasons(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	aWhole(t, h, ada)
	sue.until("the closing", func() bool { return sue.only() != nil && sue.only().Phase == desk.ClosedNow })
	because := desk.Because{Reason: "my aunt Rosa of Maple Street called"}
	sue.must(sue.only(), desk.Viewed, because)
	body, err := json.Marshal(because)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sue.Surely(t.Context(), desk.Command{Kind: desk.NumberRevealed, Conversation: sue.only().ID, Body: body}, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	if len(readable(t, h.log)) < len(rosas) {
		t.Fatal("not all of it is in the log: this test shows nothing")
	}
	agree(t, sue, sam, false, ada, sue, sam)
	if words := readable(t, h.log); len(words) > 0 {
		t.Errorf("the log says %q", words)
	}
	for _, d := range []*desktop{ada, sue, sam} {
		err := d.Cache.Each(func(e store.Event) {
			for _, s := range rosas {
				if strings.Contains(string(e.Body), s) {
					t.Errorf("%s's cache says %q in a %q", d.name, s, e.Kind)
				}
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
	if err := h.log.(*relay.Data).Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestForgettingLeavesNothing(t *testing.T) {
	logged := &safeBuffer{}
	h, data := sealedHouse(t, desk.Policy{}, logged)
	ada, sue, sam, adm := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor), h.sign("adm", desk.Administrator)
	c := aWhole(t, h, ada)
	if err := ada.Cache.Draft(c.ID, "", "hang on Rosa, once more", time.Now()); err != nil {
		t.Fatal(err)
	}
	sue.until("the closing", func() bool { return sue.only() != nil && sue.only().Phase == desk.ClosedNow })
	if found := holding(t, h.dir, secrets()...); len(found) > 0 {
		t.Errorf("before anything is forgotten, these files hold words: %v", found)
	}
	if len(readable(t, h.log)) < len(rosas) {
		t.Error("what was said cannot be read: this test shows nothing")
	}
	keys := wrappedKeys(t, data, c.ID)
	if len(holding(t, data, keys...)) < len(keys) {
		t.Error("the keys are not in the file: this test shows nothing")
	}
	logBefore, err := os.ReadFile(filepath.Join(data, "log.db"))
	if err != nil {
		t.Fatal(err)
	}

	agree(t, sue, adm, false, ada, sue, sam, adm)
	var receipt desk.Receipt
	sam.until("everybody to confirm", func() bool {
		sam.View(func(s *desk.State) { receipt, _ = s.Receipt(c.ID) })
		return len(receipt.Consoles) >= 3 && !slices.ContainsFunc(receipt.Consoles, func(c desk.Console) bool { return !receipt.Confirmed(c) }) &&
			len(receipt.Carrier) == 1 && !receipt.Carrier[0].Ended.IsZero()
	})
	if r := receipt.Carrier[0]; r.Done != 2 || r.Refused != 0 {
		t.Errorf("the carrier: %+v", r)
	}
	if f := receipt.Forgettings; len(f) != 1 || f[0].By != "sue" || f[0].Approved != "adm" {
		t.Errorf("the forgetting: %+v", f)
	}
	if gone := h.carrier.deleted(); !slices.Equal(gone, []string{"SM1", "SMout1"}) {
		t.Errorf("the carrier was asked to delete %v", gone)
	}
	for _, d := range []*desktop{ada, sue, sam, adm} {
		d.end()
		if err := d.Cache.Each(func(e store.Event) {
			for _, s := range rosas {
				if strings.Contains(string(e.Body), s) {
					t.Errorf("%s still has %q in a %s", d.name, s, e.Kind)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if drafts, err := d.Cache.Drafts(); err != nil || len(drafts) > 0 {
			t.Errorf("%s has %d drafts, %v", d.name, len(drafts), err)
		}
		if whole, err := d.Whole(c.ID); err != nil || whole != nil && (len(whole.Messages)+len(whole.Notes)+len(whole.Plans) > 0 || whole.Tail != "") {
			t.Errorf("%s has something of it: %v", d.name, err)
		}
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if words := readable(t, h.log); len(words) > 0 {
		t.Errorf("the log still says %v", words)
	}
	if found := holding(t, h.dir, append(secrets(), keys...)...); len(found) > 0 {
		t.Errorf("these files hold words or keys: %v", found)
	}
	for _, s := range rosas {
		if strings.Contains(logged.String(), s) {
			t.Errorf("the relay's log says %q", s)
		}
	}
	opensNothing(t, data, logBefore)
}

// opensNothing looks at a copy of the log from before, with the keys that are left.
func opensNothing(t *testing.T, data string, logBefore []byte) {
	t.Helper()
	old := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(old, 0o700); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(filepath.Join(data, "keys.db"))
	if err := errors.Join(err, os.WriteFile(filepath.Join(old, "keys.db"), keys, 0o600), os.WriteFile(filepath.Join(old, "log.db"), logBefore, 0o600)); err != nil {
		t.Fatal(err)
	}
	d, err := relay.ReadData(t.Context(), old, relay.KeyFile(data))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if words := readable(t, d); len(words) > 0 {
		t.Errorf("the copy of the log from before still says %v", words)
	}
}

func TestAConsoleThatWasAwayForgetsWhenItComesBack(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	c := aWhole(t, h, ada)
	ada.end()
	if _, err := ada.Do(t.Context(), desk.Command{Kind: desk.NoteAdded, Conversation: c.ID, Body: []byte(`{"text":"my aunt Rosa again"}`)}); err != nil {
		t.Fatal(err)
	}
	agree(t, sue, sam, false, sue, sam)
	var receipt desk.Receipt
	open := func() (names []string) {
		sue.View(func(s *desk.State) { receipt, _ = s.Receipt(c.ID) })
		for _, console := range receipt.Consoles {
			if !receipt.Confirmed(console) {
				names = append(names, console.Staff)
			}
		}
		return names
	}
	sue.until("all but ada", func() bool { return slices.Equal(open(), []string{"ada"}) })
	if got, err := ada.Whole(c.ID); err != nil || len(got.Notes) != 2 {
		t.Fatalf("ada, who is away, has forgotten it already: %v", err)
	}
	ada.run()
	sue.until("ada", func() bool { return len(open()) == 0 })
	ada.until("her outbox to empty", func() bool { outbox, err := ada.Cache.Outbox(); return err == nil && len(outbox) == 0 })
	if got, err := ada.Whole(c.ID); err != nil || len(got.Notes) > 0 {
		t.Fatalf("ada still has %d notes, %v", len(got.Notes), err)
	}
}

func TestWhatComesAfterForgettingIsKept(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	c := aWhole(t, h, ada)
	agree(t, sue, sam, false, ada, sue, sam)
	_, before, err := h.log.Read(t.Context(), store.Position{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.carrier.text(t, "SM1", "he waits at the blue door") // the carrier comes again
	if _, after, err := h.log.Read(t.Context(), store.Position{}, 0); err != nil || after.Seq > before.Seq+3 {
		t.Fatalf("a replay of a forgotten text made events: %v", err)
	}
	if err := h.carrier.recv.Delivered(t.Context(), gateway.Status{SID: "SMout1", State: "delivered"}); err != nil {
		t.Fatalf("news of a forgotten text: %v", err)
	}
	h.carrier.text(t, "SM2", "are you there")
	var fresh *desk.Conversation
	ada.until("the new text", func() bool {
		fresh = nil
		ada.View(func(s *desk.State) {
			for other := range s.Conversations() {
				if other.ID != c.ID {
					fresh = other
				}
			}
		})
		return fresh != nil
	})
	if fresh.Earlier != "" || slices.Contains(fresh.Newest().Flags, desk.FlagReturned) {
		t.Error("the new conversation is linked to the forgotten one")
	}
	h.restart()
	es, err := h.log.Conversation(t.Context(), fresh.ID)
	if err != nil || len(es) != 1 || len(es[0].Body) == 0 {
		t.Fatalf("the new text is lost after a restart: %d events, %v", len(es), err)
	}
}

// A relay that dies between the event and the destruction of the keys finishes it when it starts again.
func TestForgettingOutlivesACrash(t *testing.T) {
	h, data := sealedHouse(t, desk.Policy{}, nil)
	ada := h.sign("ada", desk.Specialist)
	c := aWhole(t, h, ada)
	ada.end()
	keys := wrappedKeys(t, data, c.ID)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	es, err := h.log.Conversation(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	forgotten := store.Event{
		ID: c.ID + "/forgotten", Prev: es[len(es)-1].Seq, Conversation: c.ID, At: time.Now(), Actor: store.Clock, Kind: desk.Forgotten,
	}
	if _, err := h.log.Append(t.Context(), forgotten); err != nil {
		t.Fatal(err)
	}
	if len(readable(t, h.log)) == 0 {
		t.Fatal("nothing was left to do")
	}
	h.openAgain()
	sue := h.sign("sue", desk.Supervisor)
	if words := readable(t, h.log); len(words) > 0 {
		t.Errorf("the log still says %v", words)
	}
	sue.end()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if found := holding(t, data, keys...); len(found) > 0 {
		t.Errorf("keys lie in %v", found)
	}
}

// openAgain begins the relay on the same folder once it has stopped.
func (h *house) openAgain() {
	h.t.Helper()
	if err := h.log.(*relay.Data).Close(); err != nil {
		h.t.Fatal(err)
	}
	h.openData()
	h.serve()
	<-h.carrier.up
}

func TestAnOptOutIsKnownAfterItsNumberIsForgotten(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	c := aWhole(t, h, ada)
	h.carrier.text(t, "SM2", "STOP")
	for _, d := range []*desktop{ada, sue} {
		d.until("the confirmation", func() bool {
			_, head, err := h.log.Read(t.Context(), store.Position{}, 0)
			return err == nil && len(h.carrier.texts()) == 2 && d.only().Next() == nil && d.only().Last == head.Seq
		})
	}
	agree(t, sue, sam, true, ada, sue, sam)
	h.restart()
	<-h.carrier.up
	h.carrier.text(t, "SM3", "help me")
	es, _, err := h.log.Read(t.Context(), store.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(es, func(e store.Event) bool { return e.ID == "SM3" })
	if i < 0 || es[i].Conversation == c.ID || !slices.Contains(es[i].Head.Flags, desk.FlagOptedOut) {
		t.Fatalf("the number may be texted again: %v", es[max(i, 0)].Head.Flags)
	}
}

func TestTheCarrierIsAskedUntilItHasDone(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	tries := map[string]int{}
	h.carrier.erase = func(sid string) error {
		tries[sid]++
		switch {
		case sid == "SM1" && tries[sid] == 1:
			return &gateway.Later{}
		case sid == "SM1" && tries[sid] == 2:
			return errors.New("it answered 503")
		case sid == "SMout1":
			return &gateway.Refused{Code: 20001}
		}
		return nil
	}
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	c := aWhole(t, h, ada)
	agree(t, sue, sam, false, sue)
	var r desk.Receipt
	sue.until("the carrier's last word", func() bool {
		sue.View(func(s *desk.State) { r, _ = s.Receipt(c.ID) })
		return len(r.Carrier) == 1 && !r.Carrier[0].Ended.IsZero()
	})
	if r.Carrier[0].Done != 1 || r.Carrier[0].Refused != 1 {
		t.Fatalf("the carrier: %+v", r.Carrier[0])
	}
	if err := sue.Cache.Each(func(e store.Event) {
		if strings.Contains(e.ID, "SM") && e.Kind != desk.Received || e.Head.Ref == "SM1" {
			t.Errorf("a console knows the carrier's name by a %s", e.Kind)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	es, _, err := h.log.Read(t.Context(), store.Position{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es { // the list of its names has gone too
		if e.Kind == desk.CarrierAsked && len(e.Body) > 0 || e.Kind == desk.Redacted && e.Head.Ref != "" {
			t.Errorf("the carrier's names are still in event %d", e.Seq)
		}
	}
}

func TestABackupDoesNotBringBackWhatIsForgotten(t *testing.T) {
	h, data := sealedHouse(t, desk.Policy{}, nil)
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	aWhole(t, h, ada)
	sue.until("the closing", func() bool { return sue.only() != nil && sue.only().Phase == desk.ClosedNow })
	backup := map[string][]byte{}
	for _, name := range []string{"log.db", "keys.db"} {
		raw, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		backup[name] = raw
	}
	agree(t, sue, sam, false, ada, sue, sam)
	for _, d := range []*desktop{ada, sue, sam} {
		d.end()
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if err := h.log.(*relay.Data).Close(); err != nil {
		t.Fatal(err)
	}
	for name, raw := range backup {
		if err := os.WriteFile(filepath.Join(data, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.openData()
	if len(readable(t, h.log)) == 0 {
		t.Fatal("the backup has nothing: this test shows nothing")
	}
	h.serve()
	<-h.carrier.up
	if words := readable(t, h.log); len(words) > 0 {
		t.Errorf("the restored log says %v", words)
	}
}

// A console that was away while something was forgotten, and comes back to a relay restored from an older backup, begins
// anew behind the event that forgets it again. It drops what was written there and what it sets aside all the same, and says
// so of this log: what was said of the one before does not count.
func TestAfterARestoreConsolesForgetWhatTheyHold(t *testing.T) {
	for name, is := range map[string]struct{ early, drafted bool }{
		"it is in the backup": {drafted: true}, "it began after the backup": {early: true, drafted: true},
		"it is in the backup, and set aside alone": {}, "it began after the backup, and is set aside alone": {early: true},
	} {
		t.Run(name, func(t *testing.T) {
			early := is.early
			v := openVault(t)
			ada, sue, sam := v.enter("ada", desk.Specialist), v.enter("sue", desk.Supervisor), v.enter("sam", desk.Supervisor)
			place := relay.Place{Log: filepath.Join(v.dir, "b", "log"), Keys: filepath.Join(v.dir, "b", "keys")}
			backup := func() (head uint64) {
				title, err := serving(t, v, place)
				if err != nil {
					t.Fatal(err)
				}
				return title.Size
			}
			var head uint64
			if early {
				if _, err := ada.Do(t.Context(), desk.Command{Kind: desk.Searched, Body: []byte(`{"words":"carnival"}`)}); err != nil {
					t.Fatal(err)
				}
				head = backup()
			}
			c := aWhole(t, v.house, ada)
			if !early {
				head = backup()
			}
			for _, what := range []string{"", "note", "plan/leaving/bag", "safety"} {
				if !is.drafted {
					break
				}
				if err := ada.Draft(c.ID, what, "her aunt Rosa", time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			old := ada.Cache.Position()
			ada.leave()
			agree(t, sue, sam, false, sue, sam)
			sue.end()
			stale := desk.Erasure{Upto: head + 1, Epoch: old.Epoch} // on its way when the relay was lost
			raw, err := json.Marshal(stale)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sue.Do(t.Context(), desk.Command{Kind: desk.Erased, Body: raw}); err != nil {
				t.Fatal(err)
			}
			sue.leave()
			sam.leave()
			v.shut()
			if _, err := relay.Restore(t.Context(), place, v.data, v.key(), false); err != nil {
				t.Fatal(err)
			}
			v.start()
			ada = v.back("ada", desk.Specialist)
			v.back("sue", desk.Supervisor)
			confirmed := func(name string) bool {
				es, _, err := v.log.Read(t.Context(), store.Position{}, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				s := desk.NewState(desk.Policy{})
				for _, e := range es {
					s.Apply(e)
					if e.Kind == desk.Erased && e.Seq > head && desk.Read[desk.Erasure](e).Epoch == old.Epoch {
						t.Fatal("a word about the log before counts")
					}
				}
				r, _ := s.Receipt(c.ID)
				if r.Gone.IsZero() || r.Forgettings[0].Kind != desk.ForgottenAgain {
					t.Fatalf("it is not forgotten again: %+v", r.Forgettings)
				}
				var device string
				for _, console := range s.Ledger().Consoles {
					if console.Staff == name && r.Confirmed(console) {
						device = console.Device
					}
				}
				return device != ""
			}
			ada.until("ada and sue to confirm", func() bool { return confirmed("ada") && confirmed("sue") })
			if confirmed("sam") {
				t.Error("sam, who has not been back, has confirmed")
			}
			if drafts, err := ada.Cache.Drafts(); err != nil || len(drafts) > 0 {
				t.Errorf("ada has %d drafts, %v", len(drafts), err)
			}
			if a, err := ada.Cache.Aside(); err != nil || !slices.Contains(a.Conversations, c.ID) {
				t.Errorf("it was not set aside: %+v, %v", a, err)
			}
			if err := ada.Cache.EachAside(time.Now(), func(e store.Event) {
				if e.Conversation == c.ID && len(e.Body) > 0 {
					t.Errorf("ada has confirmed, and a %s can be read of what was set aside", e.Kind)
				}
			}); err != nil {
				t.Error(err)
			}
			if err := ada.Draft(c.ID, "", "her aunt Rosa", time.Now()); !errors.Is(err, &desk.Refusal{Code: desk.CodeForgotten}) {
				t.Errorf("a draft in it: %v", err)
			}
		})
	}
}

// The time of a conversation's words was up while a console was away, and the relay was restored since: its draft there is
// gone before it confirms.
func TestAfterARestoreConsolesForgetByClass(t *testing.T) {
	v := newVault(t)
	v.policy = desk.Policy{Retention: desk.Retention{Text: time.Millisecond, Facts: 1000 * time.Hour}}
	v.start()
	ada, sue := v.enter("ada", desk.Specialist), v.enter("sue", desk.Supervisor)
	c := aWhole(t, v.house, ada)
	if err := ada.Draft(c.ID, "", "her aunt Rosa", time.Now()); err != nil {
		t.Fatal(err)
	}
	ada.leave()
	sue.leave()
	v.shut()
	v.start()
	sue = v.back("sue", desk.Supervisor)
	sue.until("the words to be forgotten", func() bool { c := sue.only(); return c != nil && len(c.Forgettings) > 0 })
	sue.leave()
	place := relay.Place{Log: filepath.Join(v.dir, "b", "log"), Keys: filepath.Join(v.dir, "b", "keys")}
	if _, err := serving(t, v, place); err != nil {
		t.Fatal(err)
	}
	v.shut()
	if _, err := relay.Restore(t.Context(), place, v.data, v.key(), false); err != nil {
		t.Fatal(err)
	}
	v.start()
	ada = v.back("ada", desk.Specialist)
	ada.until("ada to confirm", func() bool {
		s := desk.NewState(desk.Policy{})
		for _, e := range kept(t, v.log, "") {
			s.Apply(e)
		}
		r, _ := s.Receipt(c.ID)
		return slices.ContainsFunc(s.Ledger().Consoles, func(console desk.Console) bool { return console.Staff == "ada" && r.Confirmed(console) })
	})
	if drafts, err := ada.Cache.Drafts(); err != nil || len(drafts) > 0 {
		t.Errorf("ada has confirmed, and has %d drafts, %v", len(drafts), err)
	}
}

// What a console says in several frames that it has written is heard to the end, or not at all.
func TestWhatIsWrittenTakesSeveralFrames(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	c := aWhole(t, h, ada)
	agree(t, sue, sam, false, sue)
	_, ben := h.enrolled(t, "ben", desk.Specialist)
	for _, frames := range [][]wire.Resume{{{Written: []string{c.ID}, More: true}, {}}, {{More: true}, {Written: []string{"other", c.ID}}}, {{}}} {
		r := h.raw(t, nil)
		auth := ben.Identity.Prove(r.hello.Nonce, nil)
		if f := r.say(wire.Frame{Auth: &auth}); f.Welcome == nil {
			t.Fatalf("%+v", f)
		}
		named := false
		for _, f := range frames {
			named = named || len(f.Written) > 0
			write(t, r.ws, wire.Frame{Resume: &f})
		}
		told := false
		for f := r.hear(); f.Snapshot == nil; f = r.hear() {
			told = told || f.Part != nil && f.Part.Conversation == c.ID
		}
		if told != named {
			t.Errorf("%+v: told %t", frames, told)
		}
	}
	r := h.raw(t, nil)
	auth := ben.Identity.Prove(r.hello.Nonce, nil)
	r.say(wire.Frame{Auth: &auth})
	for range 100 {
		write(t, r.ws, wire.Frame{Resume: &wire.Resume{More: true}})
	}
	if f := r.hear(); f.Refused == nil {
		t.Errorf("what was never said to the end is answered with %+v", f)
	}
}

func TestANumberIsShownToTheOneWhoAsksAlone(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	ada, ben, sue := h.sign("ada", desk.Specialist), h.sign("ben", desk.Specialist), h.sign("sue", desk.Supervisor)
	h.carrier.text(t, "SM1", "hello")
	c := ada.claim()
	n, err := ada.Reveal(t.Context(), c.ID, "the police ask", []byte(passphrase))
	if err != nil || n != texter {
		t.Fatalf("%v, %v", n, err)
	}
	ben.until("the claim", func() bool { return ben.only() != nil && ben.only().Owner == "ada" })
	for who, d := range map[string]*desktop{"a colleague": ben} {
		if n, err := d.Reveal(t.Context(), c.ID, "curious", []byte(passphrase)); !errors.Is(err, &desk.Refusal{Code: desk.CodeForbidden}) || n != "" {
			t.Errorf("%s got %v, %v", who, n, err)
		}
	}
	seen := false
	sue.until("the event", func() bool {
		_ = sue.Cache.Each(func(e store.Event) {
			seen = seen || e.Kind == desk.NumberRevealed && e.Head.Ref == c.ID && e.Actor == "ada"
		})
		return seen
	})
	for _, d := range []*desktop{ada, ben, sue} {
		if err := d.Cache.Each(func(e store.Event) {
			if strings.Contains(string(e.Body)+e.Number, "5550147") {
				t.Errorf("%s's cache has the number in a %s", d.name, e.Kind)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnExportIsWholeAndOnce(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{}, nil)
	ada, sue, adm := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("adm", desk.Administrator)
	aWhole(t, h, ada)
	sue.until("the closing", func() bool { return sue.only() != nil && sue.only().Phase == desk.ClosedNow })
	sue.must(sue.only(), desk.ExportAsked, desk.Asking{Reason: "the advocate asks"})
	adm.until("what is asked", func() bool { return adm.only() != nil && adm.only().Export.By == "sue" })
	c := adm.only()
	if _, err := adm.Surely(t.Context(), desk.Command{Kind: desk.ExportApproved, Conversation: c.ID, Claim: c.Export.Seq}, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	sue.until("the agreement", func() bool { return sue.only().Export.Approved == "adm" })
	agreed := sue.only().Export.Decided
	whole, err := sue.Export(t.Context(), c.ID, agreed, []byte(passphrase))
	if err != nil || len(whole.Messages) != 2 || whole.Messages[0].Text != "he waits at the blue door" || len(whole.Notes) != 1 || len(whole.Plans) != 1 {
		t.Fatalf("the export: %v", err)
	}
	if _, err := sue.Export(t.Context(), c.ID, agreed, []byte(passphrase)); !errors.Is(err, &desk.Refusal{Code: desk.CodeStale}) {
		t.Fatalf("a second export: %v", err)
	}
	if _, err := adm.Export(t.Context(), c.ID, agreed, []byte(passphrase)); !errors.Is(err, &desk.Refusal{Code: desk.CodeForbidden}) {
		t.Fatalf("an administrator's export: %v", err)
	}
}

// move has a console that was ended follow the relay where it is now.
func (d *desktop) move(h *house) {
	d.t.Helper()
	d.URL = h.address
	d.run()
	d.t.Cleanup(func() { d.end() })
	d.until("to be in step", func() bool { return d.Status().InStep() })
}

// twoOfANumber are two closed conversations of one person, the second linked to the first.
func twoOfANumber(t *testing.T, h *house, ada, sue *desktop) (first, second *desk.Conversation) {
	t.Helper()
	first = aWhole(t, h, ada)
	h.carrier.text(t, "SM2", "persimmon, hang on Rosa")
	look := func() bool {
		sue.View(func(s *desk.State) {
			for c := range s.Conversations() {
				if c.ID != first.ID {
					second = c
				}
			}
		})
		return second != nil
	}
	sue.until("the second conversation", look)
	if second.Earlier != first.ID {
		t.Fatal("the two are not linked: this test shows nothing")
	}
	if err := sue.ask(second, desk.ForgetAsked, desk.Asking{Number: true, Reason: "asked"}); !errors.Is(err, &desk.Refusal{Code: desk.CodeOpen}) {
		t.Fatalf("a number with an open conversation: %v", err)
	}
	sue.must(second, desk.Closed, desk.Closing{Disposition: "referred"})
	sue.until("the closing", func() bool { return look() && second.Phase == desk.ClosedNow })
	return first, second
}

// A text that comes in after two people agreed to forget a number keeps its own conversation, and every supervisor's
// receipt names that; whoever has no say in it does not learn that the two are of one number.
func TestATextSinceTheAgreementIsNotForgottenAndNamed(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{ReopenWithin: time.Nanosecond}, nil)
	ada, sue, ben := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("ben", desk.Specialist)
	first, second := twoOfANumber(t, h, ada, sue)
	sue.must(first, desk.ForgetAsked, desk.Asking{Number: true, Reason: "asked"})
	for _, d := range []*desktop{ada, sue, ben} {
		d.end()
	}
	if err := h.stop(); err != nil { // no sooner than they agree
		t.Fatal(err)
	}
	last := func(id string) uint64 {
		es, err := h.log.Conversation(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return es[len(es)-1].Seq
	}
	_, err := h.log.Append(t.Context(),
		store.Event{ID: "agreed", Prev: last(first.ID), Conversation: first.ID, At: time.Now(), Actor: "sam", Kind: desk.ForgetApproved},
		store.Event{ID: "SM3", Prev: last(second.ID), Conversation: second.ID, At: time.Now(), Actor: store.Texter, Kind: desk.Received, Number: texter.Reveal(), Body: []byte(`{"text":"help me"}`)})
	if err != nil {
		t.Fatal(err)
	}
	h.openAgain()
	sue.move(h)
	var receipt desk.Receipt
	sue.until("the receipt", func() bool {
		sue.View(func(s *desk.State) { receipt, _ = s.Receipt(first.ID) })
		return !receipt.Gone.IsZero()
	})
	if !slices.Equal(receipt.LeftOut, []string{second.ID}) {
		t.Errorf("the receipt names %v", receipt.LeftOut)
	}
	sue.View(func(s *desk.State) {
		if c := s.Conversation(second.ID); !c.Gone.IsZero() || c.Phase != desk.Waiting {
			t.Errorf("the other is %s, gone %v", c.Phase, c.Gone)
		}
	})
	ben.move(h)
	ben.View(func(s *desk.State) {
		if left := s.Conversation(second.ID).LeftOut; len(left) != 1 || left[0].Of != "" {
			t.Errorf("ben knows %+v", left)
		}
	})
	sue.end()
	again, err := client.New(client.Config{Cache: sue.Cache})
	if err != nil {
		t.Fatal(err)
	}
	again.View(func(s *desk.State) {
		if r, _ := s.Receipt(first.ID); !slices.Equal(r.LeftOut, []string{second.ID}) {
			t.Errorf("after a start the receipt names %v", r.LeftOut)
		}
	})
}

func TestForgettingANumberForgetsAllOfItsConversations(t *testing.T) {
	h, _ := sealedHouse(t, desk.Policy{ReopenWithin: time.Nanosecond}, nil)
	ada, sue, sam := h.sign("ada", desk.Specialist), h.sign("sue", desk.Supervisor), h.sign("sam", desk.Supervisor)
	_, second := twoOfANumber(t, h, ada, sue)
	sue.must(second, desk.ForgetAsked, desk.Asking{Number: true, Reason: "asked"})
	var ask desk.Ask
	sam.until("what is asked", func() bool {
		sam.View(func(s *desk.State) {
			if c := s.Conversation(second.ID); c != nil {
				ask = c.Forget
			}
		})
		return ask.By == "sue"
	})
	if _, err := sam.Surely(t.Context(), desk.Command{Kind: desk.ForgetApproved, Conversation: second.ID, Claim: ask.Seq}, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*desktop{ada, sue, sam} {
		d.until("both to be forgotten", func() bool {
			left := 0
			d.View(func(s *desk.State) {
				for c := range s.Conversations() {
					if c.Gone.IsZero() {
						left++
					}
				}
			})
			return left == 0
		})
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if words := readable(t, h.log); len(words) > 0 {
		t.Errorf("the log still says %v", words)
	}
}
