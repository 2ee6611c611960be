//go:build !race

package cmd_test

import "time"

// raceFlag leaves the race detector out where the stories are without it.
func raceFlag(packages ...string) []string { return packages }

// kills is how often the relay is killed.
const kills = 100

// livesLeast is how long a relay lives that is killed, and an eighth of the longest that one does.
const livesLeast = 50 * time.Millisecond
