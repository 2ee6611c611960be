//go:build !race

package cmd_test

// raceFlag leaves the race detector out where the stories are without it.
func raceFlag(packages ...string) []string { return packages }

// kills is how often the relay is killed.
const kills = 100
