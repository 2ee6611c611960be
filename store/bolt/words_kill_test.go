//go:build unix

package bolt

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"befree.example/store"
	"befree.example/store/search"
)

func init() {
	roles["receiver"] = receiveUntilKilled
	roles["remaker"] = remakeUntilKilled
}

type death struct{}

func (death) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// receiveUntilKilled says up to where events are kept.
func receiveUntilKilled(args []string) {
	c := mustOpenCache(death{}, args[0])
	for {
		at := c.Position().Seq
		receiveMany(death{}, c, at+1, at+10)
		fmt.Println(at + 10)
	}
}

// remakeUntilKilled loses the words and makes them anew, again and again.
func remakeUntilKilled(args []string) {
	c := mustOpenCache(death{}, args[0])
	for {
		c.Unprepare()
		if err := c.update(func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(indexedKey) }); err != nil {
			panic(err)
		}
		fmt.Println("lost")
		if _, err := c.Prepare(); err != nil {
			panic(err)
		}
	}
}

// Whenever it is killed, while words are written with what comes in or made anew, a search finds what the cache has.
func TestSearchAfterAKill(t *testing.T) {
	for role, lines := range map[string]int{"receiver": 30, "remaker": 4} {
		t.Run(role, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cache.db")
			c := mustOpenCache(t, path)
			receiveMany(t, c, 1, 2000)
			c.Close()
			for range 6 {
				cmd, said := play(t, role, path)
				for range 1 + rand.IntN(lines) {
					said.Scan()
				}
				cmd.Process.Kill()
				for said.Scan() {
				}
				var exit *exec.ExitError
				if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("it ended by itself: %v", err)
				}
				c := mustOpenCache(t, path)
				for _, query := range []string{"motel", "aunt blank", "25", "1"} {
					want := 0
					if err := c.Each(func(e store.Event) {
						if search.Parse(query).In(search.ListOf(string(e.Body))) {
							want++
						}
					}); err != nil {
						t.Fatal(err)
					}
					es, err := c.Search(search.Parse(query), 1<<20)
					if err != nil || len(es) != want || want == 0 {
						t.Fatalf("%q finds %d of %d: %v", query, len(es), want, err)
					}
				}
				c.Close()
			}
		})
	}
}
