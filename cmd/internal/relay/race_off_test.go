//go:build !race

package relay_test

// claims of each racer.
const claims = 1000
