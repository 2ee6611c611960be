package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/zalando/go-keyring"

	"befree.example/cmd/internal/config"
	"befree.example/store/bolt"
	"befree.example/tui/speech"
)

type passphraseCmd struct {
	profile
	New     string `help:"File with the new passphrase; default: you are asked." placeholder:"FILE"`
	KeyRing string `help:"Leave the passphrase as it is, and have this system's key ring open the cache as well when befree starts, or no more. A locked screen and dangerous acts ask for the passphrase all the same." enum:"keep,use,leave" default:"keep"`
}

// Run changes what opens the cache, and nothing of the cache itself.
func (c *passphraseCmd) Run(std *config.Std, in *speech.Speech) error {
	c.speech = in
	if err := c.there(); err != nil {
		return err
	}
	cache, old, err := c.byPassphrase(std, false)
	if err != nil {
		return err
	}
	defer cache.Close()
	switch c.KeyRing {
	case "use":
		return c.useRing(std, cache, old)
	case "leave":
		return c.leaveRing(std, cache, old)
	}
	fresh, err := newPassphrase(std, c.says(), "--new", c.New, c.says().T("New passphrase: "))
	if err != nil {
		return err
	}
	if err := cache.ChangePassphrase(old, fresh); err != nil {
		return err
	}
	fmt.Fprintln(std.Out, c.says().T("The new passphrase opens the cache; the old one opens nothing any more, except copies that were made before."))
	return nil
}

// useRing gives the key ring a secret of its own, so that the passphrase itself is nowhere.
func (c *passphraseCmd) useRing(std *config.Std, cache *bolt.Cache, passphrase []byte) error {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	if err := keyring.Set(ringService, c.ringEntry(), base64.StdEncoding.EncodeToString(secret)); err != nil {
		return fmt.Errorf("the system's key ring takes no secret: %w; the passphrase opens the cache as before", err)
	}
	if err := cache.Trust(passphrase, secret); err != nil {
		return errors.Join(err, keyring.Delete(ringService, c.ringEntry()))
	}
	fmt.Fprintln(std.Out, c.says().T("The system's key ring opens the cache from now on: whoever is signed in here as you can read it. A locked screen and dangerous acts ask for the passphrase."))
	return nil
}

func (c *passphraseCmd) leaveRing(std *config.Std, cache *bolt.Cache, passphrase []byte) error {
	if err := cache.Distrust(passphrase); err != nil {
		return err
	}
	if err := keyring.Delete(ringService, c.ringEntry()); err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return fmt.Errorf("the cache opens by the passphrase alone; what the key ring has is of no use any more, but could not be deleted: %w", err)
	}
	fmt.Fprintln(std.Out, c.says().T("The passphrase alone opens the cache."))
	return nil
}
