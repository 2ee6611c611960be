package gateway

import "context"

// An Eraser is a carrier that keeps texts, and deletes them when it is asked to. A Gateway that keeps nothing is none.
type Eraser interface {
	// Erase has the carrier delete a text, either way, by its ID there, and what came with it by its addresses. It returns
	// nil once none of it is there any more, or never was. An error is a *Refused (it never will), a *Later (it may be
	// asked again), or anything else: then it may be asked again as well, since asking twice does no harm.
	Erase(ctx context.Context, sid string, media []string) error
}
