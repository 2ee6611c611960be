package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// herds measures how long 1,000 consoles take to be back and in step after the relay was gone, from the moment at which
// it listens again. They come back as consoles do: after 0.2 s and a part of a wait that doubles up to a second.
func herds(ctx context.Context, dir string) error {
	data, err := onDisk(ctx, dir)
	if err != nil {
		return err
	}
	defer data.Close()
	r, err := start(ctx, data, "127.0.0.1:0", nil)
	if err != nil {
		return err
	}
	for range 1000 {
		if err := r.text(ctx, "+12025550147"); err != nil {
			return err
		}
	}
	address := "ws://" + r.address + "/line"
	var back []time.Duration
	var up time.Time
	var mu sync.Mutex
	var all, once sync.WaitGroup
	all.Add(consoles)
	once.Add(consoles)
	for range consoles {
		go func() {
			ws, err := resumed(address)
			once.Done()
			if err != nil {
				return
			}
			for err == nil {
				_, _, err = ws.ReadMessage()
			}
			_ = ws.Close()
			ws, err = again(address)
			if err != nil {
				return
			}
			mu.Lock()
			back = append(back, time.Since(up))
			mu.Unlock()
			all.Done()
			for err == nil {
				_, _, err = ws.ReadMessage()
			}
		}()
	}
	once.Wait()
	if err := r.stop(); err != nil {
		return err
	}
	time.Sleep(time.Second) // of a restart
	mu.Lock()
	up = time.Now()
	r, err = start(ctx, data, r.address, nil)
	mu.Unlock()
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		mu.Lock()
		n := len(back)
		mu.Unlock()
		return fmt.Errorf("%d of %d are back within a minute", n, consoles)
	}
	half := median(back)
	row("1,000 consoles back after a restart", "%.2f s  (half of them %.2f s)", back[len(back)-1].Seconds(), half.Seconds())
	return r.stop()
}

func again(address string) (*websocket.Conn, error) {
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		time.Sleep(200*time.Millisecond + rand.N(wait))
		if ws, err := resumed(address); err == nil {
			return ws, nil
		}
	}
}
