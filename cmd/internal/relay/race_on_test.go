//go:build race

package relay_test

// claims of each racer: the race detector makes each take many times as long.
const claims = 100

// What a busy night has.
const (
	nightTexts    = 500
	nightTexters  = 150
	nightClerks   = 20
	nightDesktops = 2
)
