package desk

import (
	"maps"
	"slices"
	"time"

	"befree.example/store"
)

// The kinds that tell who was on the staff when: in which role, and with which devices. They are outside all chains, and
// the clock's: who changed the staff did so in a file, perhaps while no relay ran.
const (
	StaffAdded     store.Kind = "staff added"
	StaffRemoved   store.Kind = "staff removed" // with all their devices
	RoleChanged    store.Kind = "role changed"
	DeviceEnrolled store.Kind = "device enrolled"
	DeviceRevoked  store.Kind = "device revoked"
	DeviceRemoved  store.Kind = "device removed" // it is known no more, and was not revoked
)

// ofStaff are the rules of those kinds, whose bodies are facts.
var ofStaff = map[store.Kind]rule{
	StaffAdded:     {clock, moment.changeStaff},
	StaffRemoved:   {clock, moment.changeStaff},
	RoleChanged:    {clock, moment.changeStaff},
	DeviceEnrolled: {clock, moment.changeStaff},
	DeviceRevoked:  {clock, moment.changeStaff},
	DeviceRemoved:  {clock, moment.changeStaff},
}

// AboutStaff tells whether a kind is one of those.
func AboutStaff(k store.Kind) bool {
	_, ok := ofStaff[k]
	return ok
}

// A StaffChange is the body of those kinds; whom it is about stands in the head. It holds nothing by which anybody signs
// in.
type StaffChange struct {
	Role   Role      `json:"role,omitempty"` // from now on
	Was    Role      `json:"was,omitempty"`
	Device string    `json:"device,omitempty"` // its short ID
	Since  time.Time `json:"since,omitzero"`   // of a device: when it was done, where that is known
}

// A Standing is what somebody is on the staff. Without a Role they are not on it.
type Standing struct {
	Name    string
	Role    Role
	Devices map[string]Devices // by their short IDs
}

// Devices are those of one member that have one short ID: one, or by chance more.
type Devices struct {
	In, Out        int       // that can sign in, that were revoked
	Since, Revoked time.Time // of the last one, where that is known
}

// Standing is what the log says of a member of staff.
func (s *State) Standing(name string) Standing {
	st, _ := s.standings.get(name)
	return st
}

// StaffChanges are the commands, but for their IDs, after which the log says of the staff what is so now. Devices that
// came and went unseen are told of too.
func (s *State) StaffChanges(now []Standing) (cs []Command) {
	say := func(kind store.Kind, name string, c StaffChange) {
		cs = append(cs, Command{Kind: kind, Actor: store.Clock, Head: store.Head{Staff: name}, Body: encode(c)})
	}
	there := map[string]bool{}
	for _, is := range now {
		there[is.Name] = true
		was := s.Standing(is.Name)
		switch {
		case was.Role == "":
			say(StaffAdded, is.Name, StaffChange{Role: is.Role})
		case was.Role != is.Role:
			say(RoleChanged, is.Name, StaffChange{Role: is.Role, Was: was.Role})
		}
		ids := maps.Clone(was.Devices)
		if ids == nil {
			ids = map[string]Devices{}
		}
		maps.Copy(ids, is.Devices)
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			before, d := was.Devices[id], is.Devices[id]
			revoked := max(0, d.Out-before.Out)
			more := d.In - before.In + revoked
			for range more {
				say(DeviceEnrolled, is.Name, StaffChange{Device: id, Since: d.Since})
			}
			for range revoked {
				say(DeviceRevoked, is.Name, StaffChange{Device: id, Since: d.Revoked})
			}
			for range -more {
				say(DeviceRemoved, is.Name, StaffChange{Device: id})
			}
		}
	}
	for was := range s.standings.values() {
		if was.Role != "" && !there[was.Name] {
			say(StaffRemoved, was.Name, StaffChange{Was: was.Role})
		}
	}
	return cs
}

// staffed folds one of those.
func (s *State) staffed(e store.Event) {
	name := e.Head.Staff
	if name == "" {
		return // not for this reader
	}
	c, is := Read[StaffChange](e), s.Standing(name)
	is.Name, is.Devices = name, maps.Clone(is.Devices)
	if is.Devices == nil {
		is.Devices = map[string]Devices{}
	}
	d := is.Devices[c.Device]
	switch e.Kind {
	case StaffAdded, RoleChanged:
		is.Role = c.Role
	case StaffRemoved:
		s.standings.put(name, Standing{Name: name})
		return
	case DeviceEnrolled:
		d.In++
	case DeviceRevoked:
		d.In, d.Out = max(0, d.In-1), d.Out+1
	case DeviceRemoved:
		d.In = max(0, d.In-1)
	}
	if c.Device != "" {
		is.Devices[c.Device] = d
	}
	s.standings.put(name, is)
}

// changeStaff is the clock's, which has compared.
func (m moment) changeStaff(e *store.Event) error {
	c, err := body[StaffChange](m.Command)
	if err != nil {
		return err
	}
	name := m.Head.Staff
	there, fits := m.Standing(name).Role != "", false
	switch m.Kind {
	case StaffAdded:
		fits = !there && c.Device == "" && c.Role.Known()
	case RoleChanged:
		fits = there && c.Device == "" && c.Role.Known()
	case StaffRemoved:
		fits = there && c.Device == ""
	default:
		fits = there && c.Device != ""
	}
	if name == "" || !fits {
		return refuse(CodeBad, "The log says otherwise of the staff.")
	}
	e.Conversation, e.Head = "", store.Head{Staff: name}
	return nil
}
