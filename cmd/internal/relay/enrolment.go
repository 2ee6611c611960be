package relay

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// An Enrolment knows who may sign in. It is asked at every sign-in, so that what it knows can change while the relay
// serves. What it says to somebody who is turned away is a [dismissal].
type Enrolment interface {
	// Relay returns the name that devices know this relay by.
	Relay() (string, error)
	// Admit returns the member, and the device, who made this proof for this nonce on this channel.
	Admit(a wire.Auth, nonce, channel []byte) (Member, Device, error)
	// Enrol enters a device by its code, which is used up then.
	Enrol(e wire.Enrol, nonce, channel []byte) (wire.Enrolled, error)
	// Read returns who is on the staff now.
	Read() (Staff, error)
	// Version changes whenever any of that may have changed.
	Version() (store.Hash, error)
}

// A dismissal says to a console why it is not let in.
type dismissal wire.Refused

func (d *dismissal) Error() string { return d.Text }

// What is said to those who are turned away. Whoever shows nothing that is known here learns nothing either.
const (
	notAdmitted = "This device is not known here under this name, or somebody stands between it and the relay. Ask whoever runs the relay for a code, then: befree enrol."
	revoked     = "This device was revoked. What it kept cannot be read any more. Ask whoever runs the relay."
	wrongCode   = "This code is not known here under this name. Look at the name, and that it is the newest code that you were given."
	usedCode    = "This code was used already, for another device. If that was not you, tell whoever runs the relay at once: they can revoke that device."
	oldCode     = "This code was made more than 15 minutes ago. Ask for a new one."
	earlyCode   = "This code was made at a time that has not come yet by the relay's clock: the clock was set back. Have it set right, and ask for a new code."
)

var errNotAdmitted = errors.New("not admitted")

func hashOf(raw []byte) store.Hash { return sha256.Sum256(raw) }

// inStep refuses a console whose clock is far from the relay's.
func inStep(console, now time.Time) error {
	if d := console.Sub(now); d > wire.ClockSkew || d < -wire.ClockSkew {
		const day = "2 January 2006, 15:04 MST"
		return &dismissal{Code: desk.CodeClock, Text: fmt.Sprintf(
			"The clocks are too far apart: this machine's says %s, the relay's %s. Set right the one that is wrong; nothing was lost.",
			console.UTC().Format(day), now.UTC().Format(day))}
	}
	return nil
}

// Relay implements [Enrolment].
func (f StaffFile) Relay() (name string, err error) {
	s, err := f.Read()
	if err != nil || s.Relay != "" {
		return s.Relay, err
	}
	return name, f.Edit(func(s *Staff) error {
		name = s.Relay
		return nil
	})
}

// ServeWith notes whether the relay serves with its own certificate, of whose key this is the fingerprint: codes carry it.
func (f StaffFile) ServeWith(fingerprint []byte) error {
	return f.Edit(func(s *Staff) error {
		s.Pin = hex.EncodeToString(fingerprint)
		return nil
	})
}

// Add enters somebody new, and gives the code by which they enrol a device.
func (f StaffFile) Add(name string, role desk.Role) (code wire.Code, err error) {
	if err := CheckName(name); err != nil {
		return code, err
	}
	return code, f.Edit(func(s *Staff) error {
		if s.member(name) != nil {
			return fmt.Errorf("%s is in %s already; staff code %s makes a code for another device, or choose another name", name, f, name)
		}
		s.Members = append(s.Members, Member{Name: name, Role: role})
		code, err = s.invite(name)
		return err
	})
}

// Invite gives a code by which a member enrols one more device.
func (f StaffFile) Invite(name string) (code wire.Code, err error) {
	return code, f.Edit(func(s *Staff) error {
		if _, err := s.find(name); err != nil {
			return err
		}
		code, err = s.invite(name)
		return err
	})
}

// invite makes a code in the place of the member's old ones that cannot be used any more.
func (s *Staff) invite(name string) (wire.Code, error) {
	pin, err := hex.DecodeString(s.Pin)
	if err != nil {
		return wire.Code{}, errors.New("the pin in the staff file is damaged; start the relay again")
	}
	code, now, m := wire.NewCode(pin), time.Now().UTC().Truncate(time.Second), s.member(name)
	m.Codes = slices.DeleteFunc(m.Codes, func(c Invited) bool { return now.Sub(c.Since) > 24*time.Hour })
	m.Codes = append(m.Codes, Invited{Key: base64.StdEncoding.EncodeToString(code.Key().Public().(ed25519.PublicKey)), Since: now})
	return code, nil
}

// Enrol implements [Enrolment]. The code is used up and the device entered at one moment. The same device may ask once
// more, by the same code: it did not get the answer.
func (f StaffFile) Enrol(e wire.Enrol, nonce, channel []byte) (done wire.Enrolled, err error) {
	now := time.Now()
	if err := inStep(e.At, now); err != nil {
		return done, err
	}
	said := wire.Enrolling(e, nonce, channel)
	if s, err := f.Read(); err != nil {
		return done, err
	} else if !s.invited(e, said) { // most guesses end here, without a lock
		return done, &dismissal{Code: desk.CodeForbidden, Text: wrongCode}
	}
	if len(e.Key) != ed25519.PublicKeySize || len(e.Certain) != ed25519.PublicKeySize ||
		!deviceName.MatchString(e.Device) || !ed25519.Verify(e.Key, said, e.Own) {
		return done, &dismissal{Code: desk.CodeBad, Text: "This is not a befree console, or one of another age."}
	}
	return done, f.Edit(func(s *Staff) error {
		done, err = s.enrol(e, said, now.UTC().Truncate(time.Second))
		return err
	})
}

// invited tells whether any code of the name, used or not, made the proof.
func (s *Staff) invited(e wire.Enrol, said []byte) bool {
	m := s.member(e.Name)
	return m != nil && (slices.ContainsFunc(m.Codes, func(c Invited) bool { return signed(c.Key, said, e.Proof) }) ||
		slices.ContainsFunc(m.Devices, func(d Device) bool { return signed(d.Code, said, e.Proof) }))
}

func signed(key string, said, proof []byte) bool {
	k := publicKey(key)
	return k != nil && ed25519.Verify(k, said, proof)
}

func (s *Staff) enrol(e wire.Enrol, said []byte, now time.Time) (done wire.Enrolled, err error) {
	m := s.member(e.Name)
	if m == nil {
		return done, &dismissal{Code: desk.CodeForbidden, Text: wrongCode}
	}
	key := base64.StdEncoding.EncodeToString(e.Key)
	if i := slices.IndexFunc(m.Devices, func(d Device) bool { return signed(d.Code, said, e.Proof) }); i >= 0 {
		d := m.Devices[i]
		if d.ID != e.Device || d.Key != key {
			return done, &dismissal{Code: desk.CodeForbidden, Text: usedCode}
		}
		return s.enrolled(m.Role, d)
	}
	i := slices.IndexFunc(m.Codes, func(c Invited) bool { return signed(c.Key, said, e.Proof) })
	if i < 0 {
		return done, &dismissal{Code: desk.CodeForbidden, Text: wrongCode}
	}
	switch age := now.Sub(m.Codes[i].Since); {
	case age > codeAge:
		return done, &dismissal{Code: desk.CodeForbidden, Text: oldCode}
	case age < -time.Minute:
		return done, &dismissal{Code: desk.CodeClock, Text: earlyCode}
	}
	for _, other := range s.Members {
		if slices.ContainsFunc(other.Devices, func(d Device) bool { return d.ID == e.Device || d.Key == key }) {
			return done, &dismissal{Code: desk.CodeForbidden, Text: "This device is enrolled already. Begin a new profile to enrol another: --profile names its folder."}
		}
	}
	end := make([]byte, 16)
	_, _ = rand.Read(end) // never fails
	d := Device{
		ID: e.Device, Key: key, Certain: base64.StdEncoding.EncodeToString(e.Certain),
		Code: m.Codes[i].Key, Since: now, End: hex.EncodeToString(end),
	}
	m.Codes = slices.Delete(m.Codes, i, i+1)
	m.Devices = append(m.Devices, d)
	return s.enrolled(m.Role, d)
}

func (s *Staff) enrolled(role desk.Role, d Device) (wire.Enrolled, error) {
	end, err := hex.DecodeString(d.End)
	sum := hashOf(end)
	return wire.Enrolled{Relay: s.Relay, Role: role, End: sum[:]}, err
}

// Admit implements [Enrolment].
func (f StaffFile) Admit(a wire.Auth, nonce, channel []byte) (Member, Device, error) {
	s, err := f.Read()
	if err != nil {
		return Member{}, Device{}, err
	}
	said := wire.SignIn(a, s.Relay, nonce, channel)
	m := s.member(a.Name)
	if m == nil {
		return Member{}, Device{}, &dismissal{Code: desk.CodeForbidden, Text: notAdmitted}
	}
	i := slices.IndexFunc(m.Devices, func(d Device) bool { return d.ID == a.Device && signed(d.Key, said, a.Proof) })
	if i < 0 {
		return Member{}, Device{}, &dismissal{Code: desk.CodeForbidden, Text: notAdmitted}
	}
	d := m.Devices[i]
	if err := d.stillGood(); err != nil {
		return Member{}, Device{}, err
	}
	return *m, d, inStep(a.At, time.Now())
}

// still returns a member as they are now, if the device is still theirs.
func (s *Staff) still(name, device string) (Member, error) {
	if m := s.member(name); m != nil {
		if i := slices.IndexFunc(m.Devices, func(d Device) bool { return d.ID == device }); i >= 0 {
			return *m, m.Devices[i].stillGood()
		}
	}
	return Member{}, &dismissal{Code: desk.CodeForbidden, Text: notAdmitted}
}

// stillGood dismisses a device that was revoked, in a way that it believes.
func (d Device) stillGood() error {
	if d.Revoked == nil {
		return nil
	}
	end, err := hex.DecodeString(d.End)
	return errors.Join(err, &dismissal{Code: desk.CodeRevoked, Text: revoked, End: end})
}
