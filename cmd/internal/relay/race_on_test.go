//go:build race

package relay_test

// claims of each racer: the race detector makes each take many times as long.
const claims = 100
