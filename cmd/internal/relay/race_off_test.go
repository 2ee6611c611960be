//go:build !race

package relay_test

const (
	claims    = 1000 // of each racer
	cutStep   = 1    // bytes from one cut of a console's connection to the next
	cutPlans  = 5    // of callbacks, each with its own bytes at which sends are cut
	ambiguous = 1200 // sends
)

// What a busy night has.
const (
	nightTexts    = 10_000
	nightTexters  = 2500
	nightClerks   = 192
	nightDesktops = 8
)
