package relay

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/pelletier/go-toml/v2"

	"befree.example/client/wire"
	"befree.example/store"
	"befree.example/store/desk"
)

// A Member is one of the staff.
type Member struct {
	Name string    `toml:"name"`
	Role desk.Role `toml:"role"`
	Key  string    `toml:"key"` // the public half of the secret file, base64
}

// An Enrolment knows who may sign in. It is asked at every sign-in, so that what it knows can change while the relay
// serves.
type Enrolment interface {
	// Admit returns the member who made this proof for this nonce on this channel, or errNotAdmitted, which does not
	// say what was wrong.
	Admit(a wire.Auth, nonce, channel []byte) (Member, error)
	// Roles returns the role of everybody.
	Roles() (map[string]desk.Role, error)
}

var errNotAdmitted = errors.New("name or secret is not known here; ask whoever runs the relay")

// StaffFile is the Enrolment in a file: names, roles and public keys, which are no secret.
type StaffFile string

// A staffName can stand in a log line, a file name and a screen without doing harm anywhere.
var staffName = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,31}$`)

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

type staffList struct {
	Staff []Member `toml:"staff"`
}

// Members reads the file; a file that is not there has nobody in it.
func (f StaffFile) Members() ([]Member, error) {
	raw, err := os.ReadFile(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("staff file: %w", err)
	}
	var list staffList
	d := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("staff file %s: %w", f, tomlTrouble(err))
	}
	seen := map[string]bool{}
	for _, m := range list.Staff {
		if err := m.check(); err != nil {
			return nil, fmt.Errorf("staff file %s: %w", f, err)
		}
		if seen[m.Name] {
			return nil, fmt.Errorf("staff file %s: %s stands in it twice; remove one", f, m.Name)
		}
		seen[m.Name] = true
	}
	return list.Staff, nil
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
	if key, err := base64.StdEncoding.DecodeString(m.Key); err != nil || len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%s: the key is damaged; remove the entry and add %s again", m.Name, m.Name)
	}
	return nil
}

// Free says in words why a name cannot be entered.
func (f StaffFile) Free(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	members, err := f.Members()
	if err != nil {
		return err
	}
	for _, other := range members {
		if other.Name == name {
			return fmt.Errorf("%s is in %s already; choose another name or remove that entry first", name, f)
		}
	}
	return nil
}

// Add enters a member and leaves the rest of the file as it is.
func (f StaffFile) Add(m Member) error {
	if err := errors.Join(m.check(), f.Free(m.Name)); err != nil {
		return err
	}
	entry, err := toml.Marshal(staffList{Staff: []Member{m}})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(string(f), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("staff file: %w", err)
	}
	_, err = file.Write(append(entry, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}

// Admit implements [Enrolment].
func (f StaffFile) Admit(a wire.Auth, nonce, channel []byte) (Member, error) {
	members, err := f.Members()
	if err != nil {
		return Member{}, err
	}
	for _, m := range members {
		key, _ := base64.StdEncoding.DecodeString(m.Key) // checked by Members
		if m.Name == a.Name && ed25519.Verify(key, wire.Challenge(nonce, a.Name, channel), a.Proof) {
			return m, nil
		}
	}
	return Member{}, errNotAdmitted
}

// Roles implements [Enrolment].
func (f StaffFile) Roles() (map[string]desk.Role, error) {
	members, err := f.Members()
	if err != nil {
		return nil, err
	}
	roles := make(map[string]desk.Role, len(members))
	for _, m := range members {
		roles[m.Name] = m.Role
	}
	return roles, nil
}
