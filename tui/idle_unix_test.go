//go:build unix

package tui

import (
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// BenchmarkIdle is a console at which nobody presses a key and on whose line nothing happens: what its clocks cost, as the
// part of one core that the process takes, without the terminal. There are 10,000 in the queue and 5,000 texts in the
// conversation.
func BenchmarkIdle(b *testing.B) {
	m := busy(b, 10_000, 5000)
	frames := 0
	m.Show = func(string, bool) { frames++ }
	keyboard, _ := io.Pipe()
	p := tea.NewProgram(m, tea.WithInput(keyboard), tea.WithoutRenderer(), tea.WithFilter(Filter), tea.WithoutSignalHandler())
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run()
		ended <- err
	}()
	time.Sleep(2 * time.Second) // it begins by taking a world
	runtime.GC()                // what was made before is nobody's
	before := busyFor(b)
	for b.Loop() {
		time.Sleep(time.Second)
	}
	took := busyFor(b) - before
	p.Send(Leave{})
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if frames < 3 {
		b.Fatalf("%d frames: the clocks stood still", frames)
	}
	b.ReportMetric(100*took.Seconds()/b.Elapsed().Seconds(), "%-of-a-core")
}

// busyFor is how long the process has had a processor.
func busyFor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
