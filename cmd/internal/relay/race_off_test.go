//go:build !race

package relay_test

// claims of each racer.
const claims = 1000

// What a busy night has.
const (
	nightTexts    = 10_000
	nightTexters  = 2500
	nightClerks   = 192
	nightDesktops = 8
)
