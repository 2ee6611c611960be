package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Control is the door for whoever may read a data folder while the relay serves it: HTTP over a socket in the folder,
// mode 0600. The relay holds its files alone, so what is asked of them goes through it.
type Control struct {
	mux    *http.ServeMux
	server *http.Server
	path   string
	ended  chan struct{}
}

// controlSocket is its name in the data folder.
const controlSocket = "control.sock"

// OpenControl opens the door of a data folder that is d's, and has d's log and keys handed out there, and what is told of
// how long everything is kept.
func (d *Data) OpenControl(kept Retention) (*Control, error) {
	c := &Control{mux: http.NewServeMux(), path: filepath.Join(d.dir, controlSocket), ended: make(chan struct{})}
	l, err := listenPrivate(c.path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c.handle("GET /log", d.hand)
	c.handle("GET /keys", d.keys.Hand)
	c.handle("GET /retention", kept.Hand)
	c.server = &http.Server{Handler: c.mux, ReadHeaderTimeout: headerTimeout}
	go func() {
		defer close(c.ended)
		_ = c.server.Serve(l)
	}()
	return c, nil
}

// handle has f answer what is asked under a pattern. An answer that f breaks off is cut short for who asked.
func (c *Control) handle(pattern string, f func(ctx context.Context, w io.Writer) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := f(r.Context(), w); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
}

// Close closes the door; what is being answered is cut short.
func (c *Control) Close() error {
	err := c.server.Close()
	<-c.ended
	return errors.Join(err, os.RemoveAll(c.path))
}

// listenPrivate listens on a socket that nobody else could connect to at any moment: it is made in a folder of its own
// and gets its name afterwards. One that an earlier process left is replaced; whoever calls holds the folder's files.
func listenPrivate(path string) (net.Listener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".c") // mode 0700; a socket's name may have about 100 bytes
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "s")
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", made)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// ask asks the relay that serves a data folder. errNobody says that none does.
func ask(ctx context.Context, dir, what string, f func(io.Reader) error) error {
	path := filepath.Join(dir, controlSocket)
	if _, err := os.Stat(path); err != nil {
		return errNobody
	}
	web := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
			if err != nil {
				return nil, errNobody
			}
			return conn, nil
		},
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://relay/"+what, nil)
	if err != nil {
		return err
	}
	answer, err := web.Do(r)
	if errors.Is(err, errNobody) {
		return errNobody
	}
	if err != nil {
		return fmt.Errorf("ask the relay: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the relay that serves %s is another befree: %s", dir, strings.ToLower(answer.Status))
	}
	return f(answer.Body)
}

var errNobody = errors.New("no relay serves this folder")
