package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"befree.example/client/wire"
	"befree.example/store/storetest"
)

const (
	consoles = 1000
	texts    = 200 // to all of them
)

// fanouts measures one text after another to 1,000 consoles in a process of their own, by the relay and by centrifuge
// with its memory broker, and what a connection costs each in memory. Neither keeps anything on disk.
func fanouts(ctx context.Context, _ string) error {
	r, err := start(ctx, storetest.Memory(), "127.0.0.1:0", nil)
	if err != nil {
		return err
	}
	ours, ourBurst, ourBytes, err := fan(ctx, "befree", "ws://"+r.address+"/line", func() error { return r.text(ctx, "+12025550147") })
	if err != nil {
		return err
	}
	if err := r.stop(); err != nil {
		return err
	}
	node, address, stop, err := centrifugal()
	if err != nil {
		return err
	}
	defer stop()
	body := make([]byte, 700) // what an event of befree's is as JSON
	for i := range body {
		body[i] = 'x'
	}
	theirs, theirBurst, theirBytes, err := fan(ctx, "centrifuge", address, func() error {
		_, err := node.Publish("line", []byte(`"`+string(body)+`"`))
		return err
	})
	if err != nil {
		return err
	}
	row("one text to 1,000 consoles", "%.0f deliveries/s", ours)
	row("  times centrifuge", "%.2f  (%.0f/s)", ours/theirs, theirs)
	row("200 texts at once to 1,000 consoles", "%.0f deliveries/s", ourBurst)
	row("  times centrifuge", "%.2f  (%.0f/s)", ourBurst/theirBurst, theirBurst)
	row("memory of a console's connection", "%.1f KB", ourBytes/1024)
	row("  times centrifuge", "%.2f  (%.1f KB)", ourBytes/theirBytes, theirBytes/1024)
	return nil
}

// fan lets a child process follow, and publishes one thing after another, each once all have the one before; then as many
// without waiting.
func fan(ctx context.Context, kind, address string, publish func() error) (perSecond, burst, memory float64, err error) {
	before := used()
	child, err := newChild(ctx, kind, address)
	if err != nil {
		return 0, 0, 0, err
	}
	defer child.end()
	memory = float64(int64(used())-int64(before)) / consoles
	sent := 0
	one := func() error {
		sent++
		return publish()
	}
	var took [3]time.Duration
	for part, n := range []int{10, texts, texts} { // the first to warm up
		began := time.Now()
		for range n {
			if err := one(); err != nil {
				return 0, 0, 0, err
			}
			if part < 2 {
				child.until(sent)
			}
		}
		child.until(sent)
		took[part] = time.Since(began)
	}
	return consoles * texts / took[1].Seconds(), consoles * texts / took[2].Seconds(), memory, nil
}

// used is what this process holds in heap and stacks.
func used() uint64 {
	runtime.GC()
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// A child process has the consoles; it says a line for everything that all of them have.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner

	have int // lines that it has said
}

func newChild(ctx context.Context, kind, address string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, self, "-consoles", kind, "-at", address)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.until(0) // all are there
	return c, nil
}

// until waits until all have so many things.
func (c *child) until(n int) {
	for c.have < n+1 && c.out.Scan() {
		c.have++
	}
}

func (c *child) end() {
	c.in.Close()
	_ = c.cmd.Wait()
}

// follow is the child's side. Its consoles share two cores with what is measured, so they cost as little as can be: one
// loop over one epoll that counts what comes, without taking it apart.
func follow(kind, address string) error {
	dial := map[string]func(string) (*websocket.Conn, error){"befree": anew, "resumed": resumed, "centrifuge": subscribe}[kind]
	files, err := dialAll(dial, address)
	if err != nil {
		return err
	}
	poll, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	for i, f := range files {
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, int(f.Fd()), &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
			return err
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println("ready")
	marker := `"kind":"received"`
	if kind == "centrifuge" {
		marker = `"push"`
	}
	heard := time.Now()
	buf := make([]byte, 1<<20)
	seen := make([]int, len(files)) // bytes of the marker that the last reading of each ended with
	events := make([]unix.EpollEvent, len(files))
	for said, got := 0, 0; ; {
		if time.Since(heard) > wire.PingEvery {
			heard = time.Now()
			for _, f := range files {
				_, _ = unix.Write(int(f.Fd()), []byte{0x8a, 0x80, 0, 0, 0, 0}) // a masked pong, unasked
			}
		}
		n, err := unix.EpollWait(poll, events, 1000)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			before := copy(buf, marker[:seen[e.Fd]])
			k, err := unix.Read(int(files[e.Fd].Fd()), buf[before:])
			if k <= 0 {
				return fmt.Errorf("a connection ended: %w", err)
			}
			got += bytes.Count(buf[:before+k], []byte(marker))
			seen[e.Fd] = begun(buf[:before+k], marker)
		}
		for ; said < got/len(files); said++ {
			fmt.Println(said)
		}
	}
}

// begun tells how many bytes of the marker b ends with, less than all.
func begun(b []byte, marker string) int {
	for n := min(len(marker)-1, len(b)); n > 0; n-- {
		if string(b[len(b)-n:]) == marker[:n] {
			return n
		}
	}
	return 0
}

// dialAll connects the consoles, and takes their connections out of the hands of the Go runtime.
func dialAll(dial func(string) (*websocket.Conn, error), address string) ([]*os.File, error) {
	files := make([]*os.File, consoles)
	var all errgroup.Group
	all.SetLimit(64)
	for i := range files {
		all.Go(func() error {
			ws, err := dial(address)
			if err != nil {
				return err
			}
			defer ws.Close() // the file is another name for the connection
			files[i], err = ws.NetConn().(*net.TCPConn).File()
			return err
		})
	}
	return files, all.Wait()
}

// anew signs in without a copy.
func anew(address string) (*websocket.Conn, error) { return signIn(address, false) }

// resumed signs in with a copy.
func resumed(address string) (*websocket.Conn, error) { return signIn(address, true) }

// signIn returns a console's connection once it is in step, with a copy of all that the relay has or with none.
func signIn(address string, copied bool) (*websocket.Conn, error) {
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}}
	ws, answer, err := d.Dial(address, nil)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	say := func(f wire.Frame) { _ = ws.WriteMessage(websocket.TextMessage, encode(f)) }
	var resume wire.Resume
	for {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			ws.Close()
			return nil, err
		}
		var f wire.Frame
		if err := json.Unmarshal(raw, &f); err != nil {
			return nil, err
		}
		switch {
		case f.Hello != nil:
			if copied {
				resume = wire.Resume{Epoch: f.Hello.Epoch, After: f.Hello.Last}
			}
			say(wire.Frame{Auth: &wire.Auth{Name: "ada"}})
		case f.Welcome != nil:
			say(wire.Frame{Resume: &resume})
			if copied {
				return ws, nil
			}
		case f.Snapshot != nil:
			return ws, nil
		}
	}
}

func subscribe(address string) (*websocket.Conn, error) {
	ws, answer, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	for _, command := range []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"line"}}`} {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(command)); err != nil {
			return nil, err
		}
		if _, _, err := ws.ReadMessage(); err != nil {
			return nil, err
		}
	}
	return ws, nil
}

// centrifugal is a node that lets everybody in.
func centrifugal() (node *centrifuge.Node, address string, stop func(), err error) {
	node, err = centrifuge.New(centrifuge.Config{})
	if err != nil {
		return nil, "", nil, err
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{UserID: "ada"}}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return nil, "", nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", nil, err
	}
	server := &http.Server{Handler: centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{CheckOrigin: func(*http.Request) bool { return true }}), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	return node, "ws://" + l.Addr().String() + "/", func() { _ = node.Shutdown(context.Background()); _ = server.Close() }, nil
}
