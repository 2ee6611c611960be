package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"befree.example/client"
	"befree.example/cmd/internal/config"
	"befree.example/cmd/internal/process"
	"befree.example/store/bolt"
	"befree.example/tui"
)

// A lock has the program begin anew in the place of the process that it is: nothing that was in memory is in it then,
// whatever Go has copied. The new one has the terminal, keeps others out of the cache, and knows of no key but the one by
// which the device signs in, to hear who waits. The right passphrase opens the cache again, as at the start.

// lockedBy names the two files that a console hands on when it is locked: the cache's door, and one with a handing.
const lockedBy = "BEFREE_LOCKED"

// A handing is what a locked console knows.
type handing struct {
	Ears    client.Ears `json:"ears"`
	Carried tui.Carried `json:"carried"`
}

// A sitting is somebody at a console, from the passphrase to the end.
type sitting struct {
	profile *profile
	display display
	std     *config.Std
	show    seat
	conf    client.Config // of the client that the passphrase gives
	review  bool
	enter   func() (*client.Client, error) // by the passphrase
}

func (s *sitting) run(ctx context.Context) error {
	cl, carried, err := s.begin(ctx)
	if err != nil || cl == nil {
		return err
	}
	locked, err := s.work(ctx, cl, carried)
	if err != nil || locked == nil || ctx.Err() != nil {
		return errors.Join(err, cl.Cache.Close())
	}
	return s.lock(cl, *locked)
}

// begin opens the cache: as at the start, or as of a console that is locked. It gives no client where its person has left.
func (s *sitting) begin(ctx context.Context) (*client.Client, tui.Carried, error) {
	if files := process.Inherited(lockedBy); len(files) == 2 {
		return s.locked(ctx, files[0], files[1])
	}
	cl, err := s.enter()
	return cl, tui.Carried{}, err
}

// work shows the console until its person leaves or locks it.
func (s *sitting) work(ctx context.Context, cl *client.Client, carried tui.Carried) (locked *tui.Carried, err error) {
	o, err := s.display.options(cl, s.profile.files())
	if err != nil {
		return nil, err
	}
	o.Carried, o.LockEnds, o.Review, o.Aside = carried, process.Renews, s.review, s.conf.Aside
	if !s.review {
		return atLine(ctx, cl, o, s.show)
	}
	if err := cl.Expired(); err != nil {
		return nil, err
	}
	return s.show(ctx, o)
}

// lock begins the program anew. It returns only where that fails; then the cache is closed.
func (s *sitting) lock(cl *client.Client, carried tui.Carried) error {
	ears, err := cl.Ears()
	if err != nil {
		return errors.Join(err, cl.Cache.Close())
	}
	told, err := tell(handing{ears, carried})
	if err != nil {
		return errors.Join(err, cl.Cache.Close())
	}
	defer told.Close()
	door, err := cl.Cache.Leave()
	if err != nil {
		return errors.Join(err, door.Close())
	}
	defer door.Close()
	var stderr *os.File
	if s.display.Linear {
		stderr, _ = s.std.Err.(*os.File)
	} else {
		err = os.Setenv(wardedBy, "1")
	}
	return errors.Join(err, process.Again(lockedBy, stderr, door, told))
}

// mostTold is what every pipe takes before anybody reads.
const mostTold = 4 << 10

// tell gives a file from which h can be read once.
func tell(h handing) (*os.File, error) {
	raw, err := json.Marshal(h)
	if err == nil && len(raw) > mostTold {
		h.Carried.Hands, h.Carried.Typed = nil, "" // they are in the conversations as well
		raw, err = json.Marshal(h)
	}
	if err != nil {
		return nil, err
	}
	told, telling, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = telling.Write(raw)
	return told, errors.Join(err, telling.Close())
}

// locked shows that the console is locked, and calls for its person, until they give the passphrase or leave.
func (s *sitting) locked(ctx context.Context, door, told *os.File) (cl *client.Client, carried tui.Carried, err error) {
	var h handing
	raw, err := io.ReadAll(told)
	if err := errors.Join(err, told.Close(), json.Unmarshal(raw, &h)); err != nil {
		return nil, carried, errors.Join(err, door.Close())
	}
	shut, err := bolt.Hold(s.profile.cache(), door)
	if err != nil {
		return nil, carried, err
	}
	cache, err := s.wait(ctx, shut, h)
	if cache == nil {
		return nil, carried, errors.Join(err, shut.Close())
	}
	if err == nil {
		s.conf.Cache = cache
		cl, err = client.New(s.conf)
	}
	if err != nil {
		return nil, carried, errors.Join(err, cache.Close())
	}
	return cl, h.Carried, nil
}

// wait gives the cache once the passphrase opens it, nil where its person leaves.
func (s *sitting) wait(ctx context.Context, shut *bolt.Shut, h handing) (*bolt.Cache, error) {
	l, err := client.Listen(client.Config{}, h.Ears, shut.Destroy)
	if err != nil {
		return nil, err
	}
	o, err := s.display.of(tui.Overhear(l), h.Ears.Name, s.profile.files())
	if err != nil {
		return nil, err
	}
	o.Review, o.Locked = s.review, &h.Carried
	opened := make(chan *bolt.Cache, 1)
	o.Unlock = func(passphrase []byte) error {
		cache, err := shut.Open(s.profile.of(bolt.CacheOptions{Passphrase: passphrase}))
		if err == nil {
			opened <- cache
		}
		return err
	}
	show := func(ctx context.Context) error {
		_, err := s.show(ctx, o)
		return err
	}
	if s.review {
		err = show(ctx)
	} else {
		err = beside(ctx, l.Run, show)
	}
	select {
	case cache := <-opened:
		return cache, err
	default:
		return nil, err
	}
}
