package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"golang.org/x/term"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/store/bolt"
	"befree.example/store/desk"
)

// A profile is one person on one device: a secret file that shows who they are, and a sealed cache.
type profile struct {
	Name       string `help:"Who you are, as whoever runs the relay has entered you." required:""`
	Profile    string `help:"Folder of your sealed cache; default in your home." placeholder:"DIR"`
	Secret     string `help:"Your secret file; default NAME.secret in the profile." placeholder:"FILE"`
	Passphrase string `help:"File with the cache's passphrase; default: you are asked." placeholder:"FILE"`
}

// AfterApply fills in where the profile is.
func (p *profile) AfterApply() error { //nolint:unparam // a hook of kong's
	if p.Profile == "" {
		p.Profile = filepath.Join(xdg.DataHome, "befree", p.Name)
	}
	return nil
}

// open unlocks the profile's cache, a new one if there is none yet.
func (p *profile) open(std *config.Std) (*bolt.Cache, error) {
	if err := os.MkdirAll(p.Profile, 0o700); err != nil {
		return nil, fmt.Errorf("profile: %w; name another folder with --profile", err)
	}
	path := filepath.Join(p.Profile, "cache.db")
	_, missing := os.Stat(path)
	passphrase, err := p.passphrase(std, errors.Is(missing, fs.ErrNotExist))
	if err != nil {
		return nil, err
	}
	return bolt.OpenCache(path, bolt.CacheOptions{Owner: p.Name, Passphrase: passphrase, ClassOf: desk.ClassOf, WordsOf: desk.Words})
}

// client is the profile's end of a relay's line. Its cache is to be closed after it.
func (p *profile) client(std *config.Std, relay string) (*client.Client, error) {
	who, err := p.identity()
	if err != nil {
		return nil, err
	}
	return p.end(std, client.Config{URL: relay, Identity: who})
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

// identity reads the secret file.
func (p *profile) identity() (client.Identity, error) {
	if p.Secret == "" {
		p.Secret = filepath.Join(p.Profile, p.Name+".secret")
	}
	who, err := client.LoadIdentity(p.Secret)
	if err == nil && who.Name != p.Name {
		err = fmt.Errorf("secret file %s is %s's, not %s's", p.Secret, who.Name, p.Name)
	}
	return who, err
}

// passphrase comes from a file or from the keyboard, twice for a new cache.
func (p *profile) passphrase(std *config.Std, fresh bool) ([]byte, error) {
	if p.Passphrase != "" {
		raw, err := os.ReadFile(p.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("--passphrase: %w", err)
		}
		return bytes.TrimSpace(raw), nil
	}
	first, err := ask(std, "Passphrase: ")
	if err != nil || !fresh {
		return first, err
	}
	second, err := ask(std, "Once more, for the new cache: ")
	if err == nil && !bytes.Equal(first, second) {
		err = errors.New("the two passphrases differ; nothing was made")
	}
	return first, err
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
