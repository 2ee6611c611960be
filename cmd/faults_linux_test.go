package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"befree.example/cmd/internal/gateway/twilio/twiliotest"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// A heard is what a process says.
type heard struct {
	mu    sync.Mutex
	words bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.words.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.words.String()
}

func (h *heard) count(words string) int {
	return strings.Count(h.String(), words)
}

// overheard is serve, and what the relay says.
func (b *besieged) overheard(under ...string) (*exec.Cmd, *heard) {
	b.Helper()
	c, said := b.command(under...), &heard{}
	c.Stderr = said
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.hears("ready")
	return c, said
}

// until waits for something.
func (b *besieged) until(what string, done func() bool) {
	b.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("waited in vain for %s", what)
		}
	}
}

// sits has ada at her console until the returned function is called.
func (b *besieged) sits() (leaves func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.ada.Run(ctx) }()
	b.until("ada to be in step", func() bool { return b.ada.Status().InStep() })
	return func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

// limit sets how much of something a process may have; 0 for as much as it likes.
func limit(t *testing.T, pid, of int, most uint64) {
	t.Helper()
	var l unix.Rlimit
	err := unix.Prlimit(pid, of, nil, &l)
	if l.Cur = l.Max; most > 0 {
		l.Cur = most
	}
	if err := errors.Join(err, unix.Prlimit(pid, of, &l, nil)); err != nil {
		t.Fatal(err)
	}
}

// A disk is one that the relay has for itself, and that a test spoils and mends.
type disk struct {
	*besieged
	relay  *exec.Cmd
	said   *heard
	images string // folder of them; empty where this machine lets none be mounted
}

// onDisk has the relay serve on a small file system of its own, which nobody else sees and which goes with it. What was on
// it then is the data folder. Where nothing may be mounted its files may be made too long for it.
func (b *besieged) onDisk() *disk {
	b.Helper()
	d := &disk{besieged: b, images: b.TempDir()}
	script := `trap : INT # which is for the relay
cp -a "$2" "$2.was" && mount -o loop "$1" "$2" && cp -a "$2.was/." "$2" || exit
data=$2; shift 2; "$@"; ended=$?
rm -r "$data.was"; cp -a "$data" "$data.was" && while umount -l "$data" 2>/dev/null; do :; done && rm -r "$data" && mv "$data.was" "$data"; exit $ended`
	image := filepath.Join(d.images, "disk")
	made := exec.CommandContext(b.Context(), "sh", "-c", `truncate -s 8M "$1" && mkfs.ext4 -q -m 0 "$1" && unshare -m mount -o loop "$1" "$2"`, "sh", image, b.TempDir())
	if out, err := made.CombinedOutput(); err != nil {
		b.Logf("nothing can be mounted here (%v: %s): a limit stands for the disk", err, out)
		d.images = ""
		d.relay, d.said = b.overheard()
		return d
	}
	d.relay, d.said = b.overheard("unshare", "-m", "sh", "-c", script, "sh", image, b.folder)
	return d
}

// has the machine's keeper do something with the disk.
func (d *disk) has(script string) {
	d.Helper()
	c := exec.CommandContext(d.Context(), "nsenter", "-m", "-t", fmt.Sprint(d.relay.Process.Pid), "sh", "-c", script, "sh", d.folder, d.images)
	if out, err := c.CombinedOutput(); err != nil {
		d.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func (d *disk) tooLong(most uint64) { limit(d.T, d.relay.Process.Pid, unix.RLIMIT_FSIZE, most) }

// end stops the relay.
func (d *disk) end() {
	d.Helper()
	pid := d.relay.Process.Pid
	if d.images != "" {
		pid = -pid
	}
	if err := errors.Join(syscall.Kill(pid, syscall.SIGINT), d.relay.Wait()); err != nil {
		d.Fatal(err)
	}
}

// TestDiskUnderTheRelay: whatever becomes of the disk of a relay that runs, it refuses texts by 503, says so, keeps its
// consoles, and goes on by itself once it can. What it acknowledged is there then, and what it refused too, once.
func TestDiskUnderTheRelay(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil, mend string
		why         string
	}{
		"full": {
			spoil: `dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null; test -s "$1/ballast"`, mend: `rm "$1/ballast"`,
			why: "no space left on device",
		},
		"read-only": {
			spoil: `mount -o remount,abort "$1"`,                                                         // as the kernel does after an error
			mend:  `cp "$2/disk" "$2/mended"; e2fsck -p "$2/mended" >&2; mount -o loop "$2/mended" "$1"`, // at no moment is there nothing
			why:   "read-only file system",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := besiege(t)
			b.once()
			d := b.onDisk()
			defer func() {
				if t.Failed() {
					t.Logf("it says:\n%s", d.said)
				}
			}()
			leaves := b.sits()
			n := 0
			text := func(sid string) twiliotest.Delivery {
				n++
				return b.carrier.Text(t.Context(), twiliotest.Text{From: "+12025550147", Body: fmt.Sprint(n, strings.Repeat(" he locked me in", 90)), SID: sid})
			}
			var taken, refused []string
			for range 5 {
				taken = append(taken, text("").SID)
			}
			if d.images == "" {
				tt.why = "file too large"
				d.tooLong(8192)
			} else {
				d.has(tt.spoil)
			}
			for len(refused) < 3 && n < 2000 { // there may be room within the log
				if got := text(""); got.Status == http.StatusServiceUnavailable {
					refused = append(refused, got.SID)
				} else if taken = append(taken, got.SID); got.Status != http.StatusOK || len(refused) > 0 {
					t.Fatalf("text %d was answered %d", n, got.Status)
				}
			}
			b.hears("no: the log cannot be written to")
			if !b.ada.Status().Connected {
				t.Error("ada's console was let go")
			}
			if d.images == "" {
				d.tooLong(0)
			} else {
				d.has(tt.mend)
			}
			b.hears("ready")
			for _, sid := range refused {
				if got := text(sid).Status; got != http.StatusOK {
					t.Errorf("what was refused is answered %d", got)
				}
			}
			b.until("ada to have them", func() bool {
				var has int
				b.ada.View(func(s *desk.State) {
					for c := range s.Conversations() {
						has += len(c.Messages)
					}
				})
				return has >= len(taken)+len(refused) && b.ada.Status().InStep()
			})
			leaves()
			d.end()
			ids := map[string]int{}
			for _, e := range b.log() {
				ids[e.ID]++
			}
			for _, sid := range append(taken, refused...) {
				if ids[sid] != 1 {
					t.Errorf("a text is in the log %d times", ids[sid])
				}
			}
			if d.said.count("the log cannot be written to; nothing that was acknowledged is lost") != 1 || d.said.count("the log can be written to again") != 1 || d.said.count(tt.why) == 0 {
				t.Error("it says something else than that")
			}
			t.Logf("%d texts taken, %d refused, on a real disk: %t", len(taken), len(refused), d.images != "")
		})
	}
}

// TestToldTwiceToStop: a second signal ends a relay at once that waits for what is under way. What was acknowledged is on
// its disk, and nothing goes out twice.
func TestToldTwiceToStop(t *testing.T) {
	b := besiege(t)
	first := b.serve()
	leaves := b.sits()
	if err := errors.Join(first.Process.Signal(os.Interrupt), first.Wait()); err != nil {
		t.Fatal(err)
	}
	for n, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		c, _ := b.overheard()
		b.until("ada to be in step", func() bool { return b.ada.Status().InStep() })
		conversation := b.claimed(t, fmt.Sprintf("+1202555010%d", n))
		b.carrier.Next(twiliotest.Fault{Kind: twiliotest.AcceptThenHang})
		words := fmt.Sprint("I am here ", n)
		b.does(t.Context(), desk.ReplyQueued, conversation, desk.Reply{Text: sms.Text(words), Now: true}, words)
		b.until("the text to be under way", func() bool { return b.carrier.Posts() == n+1 })
		b.does(t.Context(), desk.NoteAdded, conversation, desk.Note{Text: "a note"}, "")
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		b.until("the door to be shut", func() bool {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.address)
			if err == nil {
				conn.Close()
			}
			return err != nil
		})
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		<-ended
		if s, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || !s.Signaled() || s.Signal() != signal {
			t.Errorf("after a second %v it ended with %v", signal, c.ProcessState)
		}
	}
	last := b.serve()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b.settles(ctx)
	leaves()
	if len(b.acked) < 6 {
		t.Errorf("only %d commands were acknowledged", len(b.acked))
	}
	if err := errors.Join(last.Process.Signal(os.Interrupt), last.Wait()); err != nil {
		t.Fatal(err)
	}
	if replies, _ := b.judge(); replies != 2 {
		t.Errorf("the carrier has %d replies", replies)
	}
}

// claimed is a conversation with somebody who has just texted, and that ada has claimed.
func (b *besieged) claimed(t *testing.T, from string) (c *desk.Conversation) {
	t.Helper()
	got := b.carrier.Text(t.Context(), twiliotest.Text{From: from, Body: "he locked me in"})
	if got.Status != http.StatusOK {
		t.Fatalf("a text was answered %d", got.Status)
	}
	b.sids = append(b.sids, got.SID)
	find := func() bool {
		b.ada.View(func(s *desk.State) {
			for one := range s.Conversations() {
				if one.Message(got.SID) != nil {
					c = one
				}
			}
		})
		return c != nil
	}
	b.until("the text", find)
	b.does(t.Context(), desk.Claimed, c, nil, "")
	b.until("the claim", func() bool { return find() && c.HeldBy("ada") })
	return c
}

// TestNoMoreFiles: a relay that may open no more files says so, and takes what waits at its door once it may: nobody is
// lost who could wait.
func TestNoMoreFiles(t *testing.T) {
	b := besiege(t)
	c, said := b.overheard()
	const files = 48
	limit(t, c.Process.Pid, unix.RLIMIT_NOFILE, files)
	text := func(n int) twiliotest.Delivery {
		got := b.text(n, "")
		b.sids = append(b.sids, got.SID)
		return got
	}
	if got := text(0); got.Status != http.StatusOK {
		t.Fatalf("with few files a text was answered %d", got.Status)
	}
	var crowd []net.Conn
	for range files {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.address)
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, conn)
	}
	b.until("it to say so", func() bool {
		return said.count("connections cannot be taken") == 1 && said.count("too many open files") > 0
	})
	waits := make(chan twiliotest.Delivery, 1)
	go func() { waits <- text(1) }()
	for _, conn := range crowd {
		conn.Close()
	}
	if got := <-waits; got.Status != http.StatusOK {
		t.Errorf("a text that came meanwhile was answered %d", got.Status)
	}
	if got := text(2); got.Status != http.StatusOK {
		t.Errorf("a text that came then was answered %d", got.Status)
	}
	b.hears("ready")
	if err := errors.Join(c.Process.Signal(os.Interrupt), c.Wait()); err != nil {
		t.Fatal(err)
	}
	b.judge()
}
