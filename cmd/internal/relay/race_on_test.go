//go:build race

package relay_test

// Under the race detector everything takes many times as long: there is less of it.
const (
	claims    = 100 // of each racer
	cutStep   = 10  // bytes from one cut of a console's connection to the next
	cutPlans  = 2   // of callbacks, each with its own bytes at which sends are cut
	ambiguous = 300 // sends
)

// What a busy night has.
const (
	nightTexts    = 500
	nightTexters  = 150
	nightClerks   = 20
	nightDesktops = 2
)
