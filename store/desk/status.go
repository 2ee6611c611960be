package desk

// A Status says how far an outbound text got. It only ever moves to a higher rank, whatever order callbacks come in.
// The exceptions wait again: a text that the carrier said it did not take, one that its list does not show, and one
// that a person has sent once more. That the carrier has a text outranks whatever was thought to have become of it.
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
	StatusWaiting: 0, StatusStarted: 1, StatusUnknown: 2, StatusRefused: 3, StatusWithdrawn: 3, StatusAccepted: 4,
	StatusScheduled: 4, StatusQueued: 5, StatusSending: 6, StatusSent: 7, StatusDelivered: 8, StatusUndelivered: 8,
	StatusFailed: 8, StatusRead: 9,
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
	return s.Rank() >= ranks[StatusAccepted] && s != StatusUndelivered && s != StatusFailed
}

// Lost tells whether the texter will not get the text.
func (s Status) Lost() bool {
	return s == StatusRefused || s == StatusWithdrawn || s == StatusUndelivered || s == StatusFailed
}
