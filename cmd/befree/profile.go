package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/adrg/xdg"
	"github.com/zalando/go-keyring"
	"golang.org/x/term"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/tui/speech"
)

// A profile is one person on one device: a sealed cache, in which the device's keys are too.
type profile struct {
	Name       string `help:"Who you are, as whoever runs the relay has entered you." placeholder:"NAME" required:""`
	Profile    string `help:"Folder of your sealed cache; default in your home." placeholder:"DIR"`
	Passphrase string `help:"File with the cache's passphrase; default: you are asked." placeholder:"FILE"`

	speech *speech.Speech // in which its person is asked; nil for the locale's
}

// says is how its person is spoken to.
func (p *profile) says() *speech.Speech {
	if p.speech == nil {
		p.speech = speech.For(locale())
	}
	return p.speech
}

// AfterApply fills in where the profile is.
func (p *profile) AfterApply() error { //nolint:unparam // a hook of kong's
	if p.Profile == "" {
		p.Profile = filepath.Join(xdg.DataHome, "befree", p.Name)
	}
	return nil
}

func (p *profile) cache() string { return filepath.Join(p.Profile, "cache.db") }

// begin unlocks the profile's cache, or makes a new one if there is none yet.
func (p *profile) begin(std *config.Std) (*bolt.Cache, error) {
	if err := os.MkdirAll(p.Profile, 0o700); err != nil {
		return nil, fmt.Errorf("profile: %w; name another folder with --profile", err)
	}
	_, missing := os.Stat(p.cache())
	fresh := errors.Is(missing, fs.ErrNotExist)
	if !fresh && p.Passphrase == "" {
		fmt.Fprintln(std.Err, p.says().T("A profile of {{.Name}} is here already, in {{.Folder}}: it opens by the passphrase that it has.", "Name", p.Name, "Folder", p.Profile))
	}
	return p.unlock(std, fresh)
}

// open unlocks the profile's cache, which must be there: enrolling makes it.
func (p *profile) open(std *config.Std) (*bolt.Cache, error) {
	if err := p.there(); err != nil {
		return nil, err
	}
	return p.unlock(std, false)
}

func (p *profile) there() error {
	if _, err := os.Stat(p.cache()); errors.Is(err, fs.ErrNotExist) {
		return p.notEnrolled()
	}
	return nil
}

func (p *profile) notEnrolled() error {
	return fmt.Errorf("%w --name %s --relay wss://THE-RELAY/line", client.ErrNotEnrolled, p.Name)
}

func (p *profile) unlock(std *config.Std, fresh bool) (*bolt.Cache, error) {
	if !fresh && bolt.HasKeyRing(p.cache()) {
		secret, err := p.ring()
		if err == nil {
			return p.opened(std, bolt.CacheOptions{Secret: secret}, 0)
		}
		fmt.Fprintln(std.Err, p.says().T("The system's key ring does not give its secret ({{.Why}}); the passphrase does as well.", "Why", err))
	}
	c, _, err := p.byPassphrase(std, fresh)
	return c, err
}

// byPassphrase opens the cache by its passphrase, and gives that too. Who types it may mistype it twice.
func (p *profile) byPassphrase(std *config.Std, fresh bool) (c *bolt.Cache, passphrase []byte, err error) {
	for slips := range 3 {
		if passphrase, err = p.passphrase(std, fresh); err != nil {
			return nil, nil, err
		}
		c, err = p.opened(std, bolt.CacheOptions{Passphrase: passphrase}, slips)
		if p.Passphrase != "" || !errors.Is(err, seal.ErrPassphrase) {
			break
		}
		fmt.Fprintln(std.Err, p.says().T("That was not the passphrase."))
	}
	return c, passphrase, err
}

// opened opens the cache, and tells of wrong passphrases beside one's own slips: somebody else may have been here.
func (p *profile) opened(std *config.Std, o bolt.CacheOptions, slips int) (*bolt.Cache, error) {
	c, err := bolt.OpenCache(p.cache(), p.of(o))
	switch {
	case errors.Is(err, bolt.ErrRevoked):
		_ = keyring.Delete(ringService, p.ringEntry()) // it opens nothing any more
	case err == nil && c.Wrong() > slips:
		fmt.Fprintln(std.Err, p.says().N(c.Wrong()-slips, "{{.N}} wrong passphrases were tried since you were last here."))
	}
	return c, err
}

// of says whose cache it is, and of what.
func (p *profile) of(o bolt.CacheOptions) bolt.CacheOptions {
	o.Owner, o.ClassOf, o.WordsOf, o.Forgets = p.Name, desk.ClassOf, desk.Words, desk.Forgets
	return o
}

// client is the profile's end of a relay's line, at which it must be enrolled. Its cache is to be closed after it.
func (p *profile) client(std *config.Std, relay string) (*client.Client, error) {
	cl, err := p.end(std, client.Config{URL: relay})
	if err == nil && !cl.Identity.Enrolled() {
		err = errors.Join(p.notEnrolled(), cl.Cache.Close())
	}
	return cl, err
}

// end makes a client of the profile's cache, which is to be closed after it.
func (p *profile) end(std *config.Std, c client.Config) (_ *client.Client, err error) {
	if c.Cache, err = p.open(std); err != nil {
		return nil, err
	}
	cl, err := client.New(c)
	if err != nil {
		return nil, errors.Join(err, c.Cache.Close())
	}
	return cl, nil
}

// passphrase comes from a file or from the keyboard.
func (p *profile) passphrase(std *config.Std, fresh bool) ([]byte, error) {
	switch {
	case fresh:
		return newPassphrase(std, p.says(), "--passphrase", p.Passphrase, p.says().T("Passphrase for what is kept here: "))
	case p.Passphrase != "":
		return passphraseIn("--passphrase", p.Passphrase)
	}
	return ask(std, p.says().T("Passphrase: "))
}

// passphraseLeast is how many characters a new passphrase has at least: whoever steals a cache may guess for years.
const passphraseLeast = 12

// newPassphrase comes from a file, if one is named, or twice from the keyboard.
func newPassphrase(std *config.Std, in *speech.Speech, flag, path, prompt string) ([]byte, error) {
	if path == "" {
		fmt.Fprintln(std.Err, in.T("At least {{.Least}} characters; four words are good.", "Least", passphraseLeast))
		return askTwice(std, in, prompt)
	}
	passphrase, err := passphraseIn(flag, path)
	if err == nil {
		err = longEnough(passphrase)
	}
	return passphrase, err
}

func longEnough(passphrase []byte) error {
	if utf8.RuneCount(passphrase) < passphraseLeast {
		return fmt.Errorf("a new passphrase has at least %d characters, this one has fewer; four words are good", passphraseLeast)
	}
	return nil
}

func passphraseIn(flag, path string) ([]byte, error) {
	raw, err := config.ReadPrivate(flag, path)
	return bytes.TrimSpace(raw), err
}

// askTwice asks until a new passphrase is long enough, and the same twice.
func askTwice(std *config.Std, in *speech.Speech, prompt string) ([]byte, error) {
	for {
		first, err := ask(std, prompt)
		if err != nil {
			return nil, err
		}
		if err := longEnough(first); err != nil {
			fmt.Fprintln(std.Err, in.T("Nothing was changed: {{.Why}}.", "Why", in.Error(err)))
			continue
		}
		second, err := ask(std, in.T("Once more, to be sure: "))
		if err != nil || bytes.Equal(first, second) {
			return first, err
		}
		fmt.Fprintln(std.Err, in.T("The two differ; nothing was changed."))
	}
}

func ask(std *config.Std, prompt string) ([]byte, error) {
	in, ok := std.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, errors.New("there is no terminal to ask for the passphrase; name a file with --passphrase")
	}
	fmt.Fprint(std.Err, prompt)
	typed, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(std.Err)
	return typed, err
}

// ringService is how befree is called in the system's key ring.
const ringService = "befree"

// ringEntry is the profile's place in it: a machine may have several of one person.
func (p *profile) ringEntry() string {
	path, err := filepath.Abs(p.Profile)
	if err != nil {
		path = p.Profile
	}
	return p.Name + " in " + path
}

func (p *profile) ring() ([]byte, error) {
	text, err := keyring.Get(ringService, p.ringEntry())
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(text)
}
