// Package gateway says what befree needs of an SMS carrier, whichever it is.
//
// A carrier is used in two directions: the relay calls [Gateway] to send, the carrier's side calls [Receiver] with what
// came in. A carrier's own package (twilio, simulate) holds both ends and everything that is peculiar to it.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"befree.example/store/sms"
)

// A Gateway sends texts, and tells what became of them and what came in. It is safe for use by many goroutines at once.
type Gateway interface {
	// Send hands one text to the carrier and returns the carrier's ID for it. An error is a *Refused (it will never
	// be sent), a *Later (it was not taken, and may be offered again), or anything else: then it is *unknown* whether
	// the texter gets it, and it must not be sent again unseen. It never retries by itself.
	Send(ctx context.Context, m Outgoing) (sid string, err error)

	// List returns a page of the texts that the carrier keeps, the newest first. An error is a *Later or says that the
	// list is not to be had now; it names no number.
	List(ctx context.Context, q Query) (Page, error)

	// Whole returns an inbound text that List showed as the carrier would have brought it, pictures and files included.
	// Its errors are those of List.
	Whole(ctx context.Context, l Listed) (Inbound, error)

	// Fetch gets a picture or a file that came with a text, of at most MaxMedia bytes, and its MIME type as the carrier
	// says it. Its errors are fit for a specialist's eyes, and name neither address nor number.
	Fetch(ctx context.Context, m Media) (data []byte, kind string, err error)
}

// MaxMedia is how many bytes of a picture or a file are fetched; carriers take no more than 5 MB.
const MaxMedia = 5 << 20

// Why a picture or a file is not to be had.
var (
	ErrMediaGone  = errors.New("The carrier does not have it any more.")                                    //nolint:revive,staticcheck // sentences for a person
	ErrMediaLarge = errors.New("It is larger than 5 MB, which befree does not fetch.")                      //nolint:revive,staticcheck // likewise
	ErrMediaFar   = errors.New("It is not kept at our carrier; befree fetches nothing from anywhere else.") //nolint:revive,staticcheck // likewise
	ErrMediaNow   = errors.New("The carrier cannot be reached for it now. Try again later.")                //nolint:revive,staticcheck // likewise
)

// A Receiver takes what the carrier brings. Both methods return nil only once it is on stable storage or is known
// already; on an error the carrier is told to come again.
type Receiver interface {
	Receive(ctx context.Context, m Inbound) error
	Delivered(ctx context.Context, s Status) error
}

// Outgoing is one text on its way out.
type Outgoing struct {
	ID   string     // the message's own; comes back in [Status.ID]
	To   sms.Number // the texter
	From sms.Number // ours
	Body sms.Text
}

// Inbound is one text that came in.
type Inbound struct {
	SID    string // the carrier's ID (MessageSid), the same on every delivery of the same text
	From   sms.Number
	To     sms.Number
	Body   sms.Text // as it came, unclean
	Media  []Media
	Params map[string][]string // everything else that the carrier said, known or not
	At     time.Time           // when the carrier had it, zero if it does not say
}

// Media is a picture or a file that came with a text. It stays at the carrier until somebody asks for it.
type Media struct {
	URL  string `json:"url"`
	Type string `json:"type"` // MIME type, as the carrier claims
}

// Status is a change in the delivery of a text that we sent.
type Status struct {
	ID    string // Outgoing.ID, empty if the carrier did not bring it back
	SID   string
	State string // the carrier's word: queued, sending, sent, delivered, undelivered, failed, ...
	Code  int    // the carrier's error code, 0 if none
	// Reason is what Code means, in plain words fit for a specialist's eyes.
	Reason string
}

// A Query asks for the texts of one direction since a day.
type Query struct {
	Inbound bool
	Ours    sms.Number // our number
	Since   time.Time  // from the beginning of this day in UTC: the list knows days alone
	Next    string     // [Page.Next] of the page before; empty for the newest
}

// A Page is a part of the carrier's list, the newest text first.
type Page struct {
	Texts []Listed
	Next  string    // empty: this is the last one
	Now   time.Time // the carrier's own clock, at some moment while it answered

	Took time.Duration // from asking to having all of it, where whoever asked has noted that
}

// Oldest is the time of the last text on p that has one, zero if none has.
func (p Page) Oldest() time.Time {
	for _, l := range slices.Backward(p.Texts) {
		if !l.At.IsZero() {
			return l.At
		}
	}
	return time.Time{}
}

// A Listed text is one as it stands in the carrier's list.
type Listed struct {
	SID      string
	From, To sms.Number
	Body     sms.Text
	Media    int       // pictures and files that came with it
	At       time.Time // by the carrier's clock; zero if it does not say
	Status   Status    // of one that we sent; without our ID, which the list does not have
}

// Refused says that the carrier will never send a text.
type Refused struct {
	Code   int    // the carrier's error code
	Reason string // in plain words, fit for a specialist's eyes
}

func (e *Refused) Error() string { return fmt.Sprintf("carrier refused (%d): %s", e.Code, e.Reason) }

// Later says that the carrier did not take a text now and that offering it again is safe.
type Later struct {
	After time.Duration // how long to wait; zero if the carrier does not say
}

func (e *Later) Error() string { return fmt.Sprintf("carrier asks to wait %v", e.After) }

// ErrUnknown says that a text may or may not have been sent.
var ErrUnknown = errors.New("carrier did not say whether it took the text")
