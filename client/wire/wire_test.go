package wire_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms/smstest"
)

// nasty is a string each of whose characters may take six bytes of JSON.
func nasty(t *rapid.T, name string, most int) string {
	return strings.Repeat(rapid.SampledFrom([]string{"a", "\x01", "<", "é", "\u2028"}).Draw(t, name+" of"), rapid.IntRange(0, most).Draw(t, name))
}

// event is one of any size that the desk lets through.
func event(t *rapid.T) store.Event {
	return store.Event{
		Seq: rapid.Uint64().Draw(t, "seq"), Prev: rapid.Uint64().Draw(t, "prev"), ID: nasty(t, "ID", 100), Conversation: nasty(t, "conversation", 30),
		At: time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(t, "at")).UTC(), Actor: nasty(t, "actor", 32), Kind: store.Kind(nasty(t, "kind", 30)),
		Head: store.Head{
			Severity: nasty(t, "severity", 20), Language: nasty(t, "language", 10), Tail: nasty(t, "tail", 4), Keyword: nasty(t, "keyword", 10),
			Flags: []string{nasty(t, "flag", 30), nasty(t, "flag", 30)}, Staff: nasty(t, "staff", 32), Ref: nasty(t, "ref", 100),
			Delivery: nasty(t, "delivery", 20), Code: rapid.Int().Draw(t, "code"),
		},
		Number: nasty(t, "number", 20), Body: make([]byte, rapid.IntRange(0, desk.MaxBody).Draw(t, "body")),
		BodyHash: store.Hash{1}, Command: store.Hash{2}, Withheld: true,
	}
}

// TestSplitFits: whatever the events are, each piece of them can be sent, and none is left out.
func TestSplitFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.Custom(event), 1, 12).Draw(t, "events")
		n := 0
		for _, piece := range wire.Split(events) {
			n += len(piece)
			if _, err := wire.Encode(wire.Frame{Part: &wire.Part{Conversation: nasty(t, "conv", 30), Events: piece, First: true, More: true}}); err != nil {
				t.Fatal(err)
			}
		}
		if n != len(events) {
			t.Errorf("%d of %d events", n, len(events))
		}
	})
}

func TestDecode(t *testing.T) {
	if _, err := wire.Decode([]byte(strings.Repeat(" ", wire.MaxFrame) + "{}")); !errors.Is(err, wire.ErrTooLong) {
		t.Error(err)
	}
	if f, err := wire.Decode([]byte(`{"of a later version":{"words":1}}`)); err != nil || f != (wire.Frame{}) {
		t.Error(f, err)
	}
	_, err := wire.Decode([]byte(`{"ack":"he locked me in"`))
	if err == nil || strings.Contains(err.Error(), "locked") {
		t.Error("an error repeats what was said:", err)
	}
}

// FuzzDecode: whatever comes, it is a frame that can be sent on as it was read, or an error.
func FuzzDecode(f *testing.F) {
	for _, frame := range []wire.Frame{
		{Hello: &wire.Hello{Version: 1, Epoch: "e", Last: 7, Nonce: []byte("n")}},
		{Auth: &wire.Auth{Name: "ada", Proof: []byte("p")}},
		{Resume: &wire.Resume{Epoch: "e", After: 3}},
		{Command: &desk.Command{ID: "aaaaaaaaaaaaaaaa-000000000001", Kind: desk.NoteAdded, Conversation: "c", Body: []byte(`{"text":"x"}`)}},
		{Events: &wire.Events{Events: []store.Event{{Seq: 1, ID: "x", Kind: desk.Received}}, Head: 1}},
		{Collect: &wire.Collect{ID: "1", Conversation: "c", Message: "m", N: -1}},
		{Drain: &wire.Drain{Within: time.Second}},
	} {
		b, err := wire.Encode(frame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for i := range reflect.TypeFor[wire.Frame]().NumField() { // every kind of frame there is
		var frame wire.Frame
		field := reflect.ValueOf(&frame).Elem().Field(i)
		field.Set(reflect.New(field.Type().Elem()))
		b, _ := wire.Encode(frame)
		f.Add(b)
	}
	for _, k := range desk.Kinds() {
		b, _ := wire.Encode(wire.Frame{Command: &desk.Command{Kind: k}, Events: &wire.Events{Events: []store.Event{{Kind: k, Body: []byte(`{}`)}}}})
		f.Add(b)
	}
	for _, s := range smstest.Hostile() {
		b, _ := json.Marshal(map[string]any{"command": map[string]any{"kind": s, "body": s}, s: s})
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := wire.Decode(b)
		if err != nil {
			if !errors.Is(err, wire.ErrTooLong) && err.Error() != "not a frame: malformed JSON" {
				t.Fatalf("the error repeats what was said: %v", err)
			}
			return
		}
		again, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		same, err := wire.Decode(again)
		if len(again) <= wire.MaxFrame && err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if twice, _ := json.Marshal(same); len(again) <= wire.MaxFrame && string(twice) != string(again) {
			t.Errorf("%s\n%s", again, twice)
		}
	})
}

// What a console says it has written fits its frames, however much that is.
func TestResumeSplits(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 2500} {
		whole := wire.Resume{Epoch: strings.Repeat("e", 32), After: math.MaxUint64, Kept: math.MaxUint64}
		for range n {
			whole.Written = append(whole.Written, strings.Repeat("c", 40))
		}
		named, pieces := 0, whole.Split()
		for i, r := range pieces {
			if _, err := wire.Encode(wire.Frame{Resume: &r}); err != nil || r.More != (i < len(pieces)-1) || r.Epoch != whole.Epoch {
				t.Errorf("piece %d of %d: more %t, %v", i, len(pieces), r.More, err)
			}
			named += len(r.Written)
		}
		if named != n || len(pieces) == 0 {
			t.Errorf("%d of %d are named in %d pieces", named, n, len(pieces))
		}
	}
}
