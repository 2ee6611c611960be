package twiliotest

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Fault is what becomes of one request to create a message.
type Fault struct {
	Kind  string        // see the constants; none is no fault
	After time.Duration // Retry-After of TooMany (whole seconds), length of Delay, until AcceptLate
	Code  int           // of Refuse
}

// The kinds of fault. Those that begin with accept take the text first: it is sent.
const (
	TooMany         = "429"
	Fail500         = "500"
	Refuse          = "refuse"
	Delay           = "delay"
	Hang            = "hang" // until the client gives up
	AcceptThen500   = "accept-500"
	AcceptThenReset = "accept-reset"
	AcceptThenHang  = "accept-hang"
	AcceptLate      = "accept-late" // After a while, when the client may have given up; until then as Hang
	Reset           = "reset"       // the connection ends, and nothing was taken
)

var kinds = []string{TooMany, Fail500, Refuse, Delay, Hang, AcceptThen500, AcceptThenReset, AcceptThenHang, AcceptLate, Reset}

// Next adds faults: the next requests to create a message meet them, one each, in order.
func (s *Server) Next(faults ...Fault) {
	s.change(func() { s.faults = append(s.faults, faults...) })
}

// Lists says what becomes of every request for the list from now on: a fault, and how long after it came a text is not
// in the list yet.
func (s *Server) Lists(f Fault, lag time.Duration) {
	s.change(func() { s.listFault, s.lag = f, lag })
}

// UnmarshalJSON reads {"fault":KIND,"after":"2s","code":21211}.
func (f *Fault) UnmarshalJSON(raw []byte) error {
	var said struct {
		Fault, After string
		Code         int
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return err
	}
	if !slices.Contains(kinds, said.Fault) {
		return fmt.Errorf("no such fault; there are %q", kinds)
	}
	after := time.Duration(0)
	if said.After != "" {
		var err error
		if after, err = time.ParseDuration(said.After); err != nil {
			return err
		}
	}
	*f = Fault{Kind: said.Fault, After: after, Code: said.Code}
	return nil
}

// before does what comes in place of taking a text, and tells whether it is to be taken.
func (f Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case TooMany:
		if f.After > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.After/time.Second)))
		}
		fail(w, http.StatusTooManyRequests, 20429)
	case Fail500:
		fail(w, http.StatusInternalServerError, 20500)
	case Refuse:
		fail(w, http.StatusBadRequest, f.Code)
	case Hang:
		<-r.Context().Done()
	case Reset:
		reset(w)
	case Delay:
		return pause(r.Context().Done(), f.After)
	default:
		return true
	}
	return false
}

// after does what comes in place of the answer to a text that was taken, and tells whether to answer.
func (f Fault) after(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case AcceptThen500:
		fail(w, http.StatusInternalServerError, 20500)
	case AcceptThenReset:
		reset(w)
	case AcceptThenHang:
		<-r.Context().Done()
	default:
		return true
	}
	return false
}

// reset ends a connection rudely, as a crash does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// pause waits, and tells whether it waited to the end.
func pause(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return false
	case <-timer.C:
		return true
	}
}
