package relay

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/rogpeppe/go-internal/lockedfile"

	"befree.example/store"
	"befree.example/store/desk"
)

// A Member is one of the staff.
type Member struct {
	Name    string    `toml:"name"`
	Role    desk.Role `toml:"role"`
	Devices []Device  `toml:"device,omitempty"`
	Codes   []Invited `toml:"code,omitempty"`
	Secret  string    `toml:"key,omitempty"` // of a secret file, as there were once: it lets nobody in, and is dropped

	locked bool // nobody sits at this console: no words go there
}

// A Device is one that a member of staff signs in with. Its keys are public halves, in base64.
type Device struct {
	ID      string     `toml:"id"`
	Key     string     `toml:"key"`
	Certain string     `toml:"certain"` // for what its owner must be there for
	Code    string     `toml:"code"`    // by which it was enrolled
	Since   time.Time  `toml:"since"`
	Revoked *time.Time `toml:"revoked,omitempty"`
	End     string     `toml:"end"` // what the device is told when it is revoked, so that it knows who says so
}

// Invited is a code that was given out: what checks it, and when.
type Invited struct {
	Key   string    `toml:"key"`
	Since time.Time `toml:"since"`
}

// codeAge is how long a code can be used.
const codeAge = 15 * time.Minute

// A Staff is who may sign in, where, and what the relay is known by.
type Staff struct {
	Relay   string   `toml:"relay"`         // its name: random, for as long as this staff is its own
	Pin     string   `toml:"pin,omitempty"` // SHA-256 of its own certificate's key, where it serves with that one
	Members []Member `toml:"staff"`
}

// StaffFile is the Enrolment in a file. What stands in it can let nobody in elsewhere: names, roles, public keys.
type StaffFile string

// A staffName can stand in a log line, a file name and a screen without doing harm anywhere.
var staffName = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,31}$`)

// deviceName is how caches are called.
var deviceName = regexp.MustCompile(`^[a-z0-9]{16}$`)

// CheckName says in words why a name cannot be given to a member of staff.
func CheckName(name string) error {
	if !staffName.MatchString(name) {
		return fmt.Errorf("name %q: use 1 to 32 of a-z, 0-9, dot, dash and underscore, a letter first", name)
	}
	if name == store.Texter || name == store.Carrier || name == store.Clock {
		return fmt.Errorf("name %q: befree uses it itself, take another", name)
	}
	return nil
}

// Read reads the file; one that is not there has nobody in it.
func (f StaffFile) Read() (s Staff, err error) {
	raw, err := os.ReadFile(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("staff file: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&s); err != nil {
		return s, fmt.Errorf("staff file %s: %w", f, tomlTrouble(err))
	}
	seen := map[string]bool{}
	for _, m := range s.Members {
		if err := m.check(); err != nil {
			return s, fmt.Errorf("staff file %s: %w", f, err)
		}
		if seen[m.Name] {
			return s, fmt.Errorf("staff file %s: %s stands in it twice; remove one", f, m.Name)
		}
		seen[m.Name] = true
	}
	return s, nil
}

// Members reads who is in the file.
func (f StaffFile) Members() ([]Member, error) {
	s, err := f.Read()
	return s.Members, err
}

func tomlTrouble(err error) error {
	var d *toml.DecodeError
	if errors.As(err, &d) {
		row, col := d.Position()
		return fmt.Errorf("line %d, column %d: %w", row, col, d)
	}
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("line %d: there is no setting called %q here", row, strict.Errors[0].Key())
	}
	return err
}

func (m Member) check() error {
	if err := CheckName(m.Name); err != nil {
		return err
	}
	if !m.Role.Known() {
		return fmt.Errorf("%s: role %q is none of specialist, supervisor, reviewer, administrator", m.Name, m.Role)
	}
	for _, d := range m.Devices {
		if !deviceName.MatchString(d.ID) || publicKey(d.Key) == nil || publicKey(d.Certain) == nil {
			return fmt.Errorf("%s: the device %q is damaged; remove it and make a code for a new one", m.Name, d.ID)
		}
	}
	return nil
}

// publicKey reads a key, nil if it is none.
func publicKey(text string) ed25519.PublicKey {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil
	}
	return key
}

// signsIn tells whether a member has a device to sign in with.
func (m Member) signsIn() bool {
	return slices.ContainsFunc(m.Devices, func(d Device) bool { return d.Revoked == nil })
}

const staffHeader = "# Who may sign in. befree-relay staff writes this file; roles may be changed by hand, and count at once.\n\n"

// Edit changes the file, all of it or nothing, on disk on return; others that edit it meanwhile come before or after.
func (f StaffFile) Edit(change func(*Staff) error) error {
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	lock, err := lockedfile.OpenFile(string(f)+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("staff file: %w", err)
	}
	defer lock.Close()
	s, err := f.Read()
	if err != nil {
		return err
	}
	if s.Relay == "" {
		s.Relay = strings.ToLower(rand.Text())
	}
	if err := change(&s); err != nil {
		return err
	}
	for i := range s.Members {
		s.Members[i].Secret = ""
		if err := s.Members[i].check(); err != nil {
			return err
		}
	}
	raw, err := toml.Marshal(s)
	if err != nil {
		return err
	}
	if err := replace(string(f), append([]byte(staffHeader), raw...)); err != nil {
		return fmt.Errorf("staff file: %w", err)
	}
	return nil
}

// replace puts raw in the place of the file at path, which its owner alone can read, on disk on return.
func replace(path string, raw []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(raw)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	_ = dir.Sync() // not every system can
	return nil
}

// member returns the one of that name, or nil.
func (s *Staff) member(name string) *Member {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Members[i]
}

// find is member, with an error in words.
func (s *Staff) find(name string) (*Member, error) {
	m := s.member(name)
	if m == nil {
		return nil, fmt.Errorf("there is no %s among the staff; staff list names them", name)
	}
	return m, nil
}

// SetRole gives a member another role.
func (f StaffFile) SetRole(name string, role desk.Role) error {
	return f.Edit(func(s *Staff) error {
		m, err := s.find(name)
		if err == nil {
			m.Role = role
		}
		return err
	})
}

// Revoke has one device of a member, or with none named all of them and their codes, never let in again. It returns
// those that were.
func (f StaffFile) Revoke(name, device string) (revoked []string, err error) {
	return revoked, f.Edit(func(s *Staff) error {
		m, err := s.find(name)
		if err != nil {
			return err
		}
		for i := range m.Devices {
			if d := &m.Devices[i]; d.Revoked == nil && (device == "" || d.ID == device) {
				now := time.Now().UTC().Truncate(time.Second)
				d.Revoked = &now
				revoked = append(revoked, d.ID)
			}
		}
		if device != "" && len(revoked) == 0 {
			return fmt.Errorf("%s has no device %q that could be revoked; staff list names them", name, device)
		}
		if device == "" {
			m.Codes = nil
		}
		return nil
	})
}

// Version changes whenever the file does.
func (f StaffFile) Version() (store.Hash, error) {
	raw, err := os.ReadFile(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return store.Hash{}, nil
	}
	return hashOf(raw), err
}

// Roles returns the role of everybody who can sign in.
func (s *Staff) Roles() map[string]desk.Role {
	roles := make(map[string]desk.Role, len(s.Members))
	for _, m := range s.Members {
		if m.signsIn() {
			roles[m.Name] = m.Role
		}
	}
	return roles
}

// shortID is how a device is called where it is told of; its whole ID stands before the numbers of its commands.
const shortID = 4

// standings tell of everybody, without anything by which they sign in.
func (s *Staff) standings() (all []desk.Standing) {
	for _, m := range s.Members {
		st := desk.Standing{Name: m.Name, Role: m.Role, Devices: map[string]desk.Devices{}}
		for _, d := range m.Devices {
			now := st.Devices[d.ID[:shortID]]
			now.Since = d.Since
			if d.Revoked == nil {
				now.In++
			} else {
				now.Out++
				now.Revoked = *d.Revoked
			}
			st.Devices[d.ID[:shortID]] = now
		}
		all = append(all, st)
	}
	return all
}
