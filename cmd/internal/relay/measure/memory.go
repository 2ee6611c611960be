package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/prometheus/procfs"
)

const (
	open = 10_000 // conversations
	each = 3      // texts of each
)

// memories measures what the whole process holds with 10,000 open conversations and 1,000 consoles in step: what is its
// own, which excludes pages of the log's file that the system keeps for it and takes away as it likes.
func memories(ctx context.Context, dir string) error {
	data, err := onDisk(ctx, dir)
	if err != nil {
		return err
	}
	defer data.Close()
	r, err := start(ctx, data, "127.0.0.1:0", nil)
	if err != nil {
		return err
	}
	for range each {
		for n := range open {
			if err := r.text(ctx, fmt.Sprintf("+1%03d55501%02d", 200+n/100, n%100)); err != nil {
				return err
			}
		}
	}
	alone, _, err := resident()
	if err != nil {
		return err
	}
	child, err := newChild(ctx, "resumed", "ws://"+r.address+"/line")
	if err != nil {
		return err
	}
	if err := r.text(ctx, "+12025550147"); err != nil { // reaches them all
		return err
	}
	child.until(1)
	_, most, err := resident()
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	now, _, err := resident()
	if err != nil {
		return err
	}
	child.end()
	row("memory with 10,000 open conversations", "%.0f MB", mega(alone))
	row("  and 1,000 consoles", "%.0f MB  (%.0f MB at most, with pages of the log)", mega(now), mega(most))
	return r.stop()
}

// resident is what this process holds of its own just now, and the most that it ever held of all.
func resident() (now, most uint64, err error) {
	p, err := procfs.NewProc(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	s, err := p.NewStatus()
	return s.RssAnon, s.VmHWM, err
}

func mega(b uint64) float64 { return float64(b) / (1 << 20) }
