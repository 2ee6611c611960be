// Command measure puts the relay beside what it is judged by, in one run on one machine, and prints the ratios:
//
//	go run -C cmd/internal/relay/measure .
//
// It is a module of its own, so that what befree is compared with is no part of befree.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"time"
)

func main() {
	only := flag.String("only", "", "append, webhook, fanout, herd or memory; all where empty")
	kind, at := flag.String("consoles", "", "of the process that follows"), flag.String("at", "", "where they follow")
	profile := flag.String("cpuprofile", "", "write what took the processor's time to this `file`")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "measure:", err)
			os.Exit(1)
		}
		defer f.Close()
		_ = pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	if *kind != "" {
		if err := follow(*kind, *at); err != nil {
			fmt.Fprintln(os.Stderr, "measure:", err)
			os.Exit(1)
		}
		return
	}
	ctx := context.Background()
	for _, part := range []struct {
		name string
		run  func(context.Context, string) error
	}{{"append", appends}, {"webhook", webhooks}, {"fanout", fanouts}, {"herd", herds}, {"memory", memories}} {
		if *only != "" && *only != part.name {
			continue
		}
		dir, err := os.MkdirTemp("", "befree-measure-")
		if err == nil {
			err = part.run(ctx, dir)
			_ = os.RemoveAll(dir)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "measure: %s: %v\n", part.name, err)
			os.Exit(1)
		}
	}
}

// row prints one figure.
func row(what string, format string, values ...any) {
	fmt.Printf("%-62s %s\n", what, fmt.Sprintf(format, values...))
}

// median of some durations, which it sorts.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
