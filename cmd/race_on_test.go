//go:build race

package cmd_test

import "time"

// raceFlag has the programs of the stories built with the race detector where the stories are.
func raceFlag(packages ...string) []string { return append([]string{"-race"}, packages...) }

// kills is how often the relay is killed, which the race detector makes slow.
const kills = 20

// livesLeast is how long a relay lives that is killed, and an eighth of the longest that one does.
const livesLeast = 250 * time.Millisecond
