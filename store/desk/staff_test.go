package desk_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"befree.example/store"
	"befree.example/store/desk"
)

// rolled has the log say what is so now of the staff, and returns what it then had to be told.
func (l *line) rolled(now ...desk.Standing) (said []string) {
	l.t.Helper()
	for _, c := range l.state.StaffChanges(now) {
		e := l.do(c)
		b := desk.Read[desk.StaffChange](e)
		words := string(e.Kind) + " " + e.Head.Staff
		for _, more := range []string{string(b.Was), string(b.Role), b.Device} {
			if more != "" {
				words += " " + more
			}
		}
		said = append(said, words)
	}
	return said
}

func TestStaffInTheLog(t *testing.T) {
	l := newLine(t)
	in, out := desk.Devices{In: 1}, desk.Devices{Out: 1}
	ada := func(r desk.Role, devices map[string]desk.Devices) desk.Standing {
		return desk.Standing{Name: "ada", Role: r, Devices: devices}
	}
	type has = map[string]desk.Devices
	for _, c := range []struct {
		now  []desk.Standing
		want []string
	}{
		{[]desk.Standing{ada(desk.Specialist, nil)}, []string{"staff added ada specialist"}},
		{[]desk.Standing{ada(desk.Specialist, has{"aaaa": in})}, []string{"device enrolled ada aaaa"}},
		{[]desk.Standing{ada(desk.Supervisor, has{"aaaa": in})}, []string{"role changed ada specialist supervisor"}},
		{[]desk.Standing{ada(desk.Supervisor, has{"aaaa": in, "bbbb": out})}, []string{"device enrolled ada bbbb", "device revoked ada bbbb"}}, // unseen
		{[]desk.Standing{ada(desk.Supervisor, has{"aaaa": {In: 1, Out: 1}, "bbbb": out})}, []string{"device enrolled ada aaaa", "device revoked ada aaaa"}},
		{[]desk.Standing{ada(desk.Supervisor, has{"aaaa": {Out: 2}, "bbbb": out})}, []string{"device revoked ada aaaa"}},
		{[]desk.Standing{ada(desk.Supervisor, has{"cccc": in})}, []string{"device enrolled ada cccc"}}, // revoked ones may leave the file
		{[]desk.Standing{ada(desk.Supervisor, nil)}, []string{"device removed ada cccc"}},
		{nil, []string{"staff removed ada supervisor"}},
		{[]desk.Standing{ada(desk.Reviewer, has{"aaaa": in})}, []string{"staff added ada reviewer", "device enrolled ada aaaa"}},
	} {
		if diff := cmp.Diff(c.want, l.rolled(c.now...)); diff != "" {
			t.Errorf("%v: %s", c.now, diff)
		}
		if again := l.rolled(c.now...); again != nil {
			t.Errorf("%v: said twice: %v", c.now, again)
		}
		recalled := desk.NewState(desk.Policy{})
		var ledger desk.Ledger
		if err := json.Unmarshal(body(l.state.Ledger()), &ledger); err != nil {
			t.Fatal(err)
		}
		recalled.Recall(ledger)
		for _, e := range l.events {
			recalled.Apply(e)
		}
		if more := recalled.StaffChanges(c.now); more != nil {
			t.Errorf("%v: not in the ledger: %v", c.now, more)
		}
	}
}

// TestStaffIsTheClocks: nobody else says who is on the staff, and what does not fit what is known is refused.
func TestStaffIsTheClocks(t *testing.T) {
	l := newLine(t)
	added := l.state.StaffChanges([]desk.Standing{{Name: "ada", Role: desk.Specialist}})[0]
	for _, role := range []desk.Role{desk.Specialist, desk.Supervisor, desk.Reviewer, desk.Administrator} {
		c := added
		c.Actor, c.Role = "eve", role
		if _, err := l.decide(c); err == nil {
			t.Errorf("a %s said who is on the staff", role)
		}
	}
	l.do(added)
	for _, c := range []desk.Command{
		added,
		{Kind: desk.RoleChanged, Head: store.Head{Staff: "ben"}, Body: []byte(`{"role":"supervisor"}`)},
		{Kind: desk.RoleChanged, Head: store.Head{Staff: "ada"}, Body: []byte(`{"role":"queen"}`)},
		{Kind: desk.DeviceEnrolled, Head: store.Head{Staff: "ada"}},
		{Kind: desk.StaffRemoved, Body: []byte(`{}`)},
		{Kind: desk.StaffRemoved, Head: store.Head{Staff: "ben"}},
		{Kind: desk.DeviceRevoked, Head: store.Head{Staff: "ben"}, Body: []byte(`{"device":"aaaa"}`)},
		{Kind: desk.StaffAdded, Head: store.Head{Staff: "ben"}, Body: []byte(`{"role":"supervisor","device":"aaaa"}`)},
		{Kind: desk.RoleChanged, Head: store.Head{Staff: "ada"}, Body: []byte(`{"role":"supervisor","device":"aaaa"}`)},
		{Kind: desk.StaffRemoved, Head: store.Head{Staff: "ada"}, Body: []byte(`{"device":"aaaa"}`)},
	} {
		c.Actor = store.Clock
		if _, err := l.decide(c); err == nil {
			t.Errorf("%s of %q: %s", c.Kind, c.Head.Staff, c.Body)
		}
	}
}

// TestStaffNeverDecided: what no relay of ours would say of the staff is folded all the same.
func TestStaffNeverDecided(t *testing.T) {
	for _, kind := range []store.Kind{
		desk.StaffAdded, desk.StaffRemoved, desk.RoleChanged, desk.DeviceEnrolled, desk.DeviceRevoked, desk.DeviceRemoved,
	} {
		s := desk.NewState(desk.Policy{})
		s.Apply(store.Event{Seq: 1, Kind: kind, Head: store.Head{Staff: "ada"}, Body: body(desk.StaffChange{Device: "aaaa"})})
		if is := s.Standing("ada"); is.Name != "ada" || is.Role != "" {
			t.Errorf("after %q: %+v", kind, is)
		}
	}
}

// TestStaffWhateverHappens: whatever becomes of a staff, and however seldom it is looked at, the log then says who is on
// it as what, with how many devices that sign in.
func TestStaffWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := newLine(t)
		for range 8 {
			now := map[string]desk.Standing{}
			for range rapid.IntRange(0, 4).Draw(rt, "members") {
				name := rapid.SampledFrom([]string{"ada", "ben", "eve"}).Draw(rt, "name")
				st := desk.Standing{
					Name: name, Role: rapid.SampledFrom([]desk.Role{desk.Specialist, desk.Supervisor, desk.Administrator}).Draw(rt, "role"),
					Devices: map[string]desk.Devices{},
				}
				for range rapid.IntRange(0, 3).Draw(rt, "devices") {
					st.Devices[rapid.SampledFrom([]string{"aaaa", "bbbb"}).Draw(rt, "device")] = desk.Devices{
						In: rapid.IntRange(0, 2).Draw(rt, "in"), Out: rapid.IntRange(0, 2).Draw(rt, "out"),
					}
				}
				now[name] = st
			}
			l.rolled(slices.Collect(maps.Values(now))...)
			for _, name := range []string{"ada", "ben", "eve"} {
				is := l.state.Standing(name)
				if is.Role != now[name].Role {
					rt.Fatalf("%s is %q, not %q", name, is.Role, now[name].Role)
				}
				for _, id := range []string{"aaaa", "bbbb"} {
					if is.Devices[id].In != now[name].Devices[id].In {
						rt.Fatalf("%s has %d devices %s, not %d", name, is.Devices[id].In, id, now[name].Devices[id].In)
					}
				}
			}
		}
	})
}
