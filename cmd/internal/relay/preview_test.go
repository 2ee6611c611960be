package relay_test

import (
	"path/filepath"
	"testing"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/seal"
	"befree.example/store/storetest"

	"befree.example/cmd/internal/relay"
)

// Words of who waits lie on no console's disk: after signing in again they are there once they are asked for.
func TestWordsOfWhoWaitsAfterSigningInAgain(t *testing.T) {
	h := open(t, storetest.Memory())
	who, err := client.NewIdentity("ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.staff.Add(relay.Member{Name: "ada", Role: desk.Specialist, Key: who.Public()}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ada.db")
	o := bolt.CacheOptions{Owner: "ada", Passphrase: []byte("test"), Params: seal.Params{Passes: 1, Memory: 64, Lanes: 1}, ClassOf: desk.ClassOf}
	sit := func(look func(d *desktop)) {
		cache, err := bolt.OpenCache(path, o)
		if err != nil {
			t.Fatal(err)
		}
		defer cache.Close()
		d := &desktop{t: t, name: "ada", role: desk.Specialist}
		if d.Client, err = client.New(client.Config{URL: h.address, Identity: who, Cache: cache}); err != nil {
			t.Fatal(err)
		}
		if err := d.Preview(t.Context(), nil); err == nil {
			t.Error("something was asked without a connection")
		}
		d.run()
		defer d.end()
		d.until("to be in step", func() bool { return d.Status().InStep() })
		look(d)
	}
	sit(func(d *desktop) {
		h.carrier.text(t, "SM1", "locked in")
		d.until("the text", func() bool { c := d.only(); return c != nil && c.Newest().Text == "locked in" })
	})
	sit(func(d *desktop) {
		c := d.only()
		if !c.Newest().Withheld {
			t.Fatal("words of who waits were on the disk")
		}
		if err := d.Preview(t.Context(), []string{c.ID}); err != nil {
			t.Fatal(err)
		}
		d.until("the words", func() bool { return d.only().Newest().Text == "locked in" })
	})
}
