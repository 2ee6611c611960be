package desk

// A Status says how far an outbound text got. It only ever moves to a higher rank, whatever order callbacks come in;
// the one exception is a text that the carrier did not take, which waits again.
type Status string

// The statuses; from StatusAccepted on they are the carrier's words.
const (
	StatusWaiting     Status = "waiting"
	StatusStarted     Status = "started"
	StatusUnknown     Status = "unknown"
	StatusAccepted    Status = "accepted"
	StatusScheduled   Status = "scheduled"
	StatusQueued      Status = "queued"
	StatusSending     Status = "sending"
	StatusSent        Status = "sent"
	StatusDelivered   Status = "delivered"
	StatusUndelivered Status = "undelivered"
	StatusFailed      Status = "failed"
	StatusRead        Status = "read"
	StatusRefused     Status = "refused"
	StatusWithdrawn   Status = "withdrawn"
)

var ranks = map[Status]int{
	StatusWaiting: 0, StatusStarted: 1, StatusUnknown: 2, StatusAccepted: 3, StatusScheduled: 3, StatusQueued: 4,
	StatusSending: 5, StatusSent: 6, StatusDelivered: 7, StatusUndelivered: 7, StatusFailed: 7, StatusRead: 8,
	StatusRefused: 9, StatusWithdrawn: 9,
}

// Rank orders the statuses; -1 for a word that is not known.
func (s Status) Rank() int {
	if r, ok := ranks[s]; ok {
		return r
	}
	return -1
}

// Taken tells whether the carrier has the text and has not given up on it.
func (s Status) Taken() bool {
	r := s.Rank()
	return r >= ranks[StatusAccepted] && r <= ranks[StatusRead] && s != StatusUndelivered && s != StatusFailed
}
