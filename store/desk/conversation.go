package desk

import (
	"slices"
	"time"

	"befree.example/store"
	"befree.example/store/plan"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// A Conversation is what its events so far amount to. A published one never changes: State puts a new one in its
// place, so it may be read without a lock for as long as one likes.
type Conversation struct {
	ID        string     `json:",omitzero"`
	Number    sms.Number `json:",omitzero"` // empty where it is not for this reader
	Tail      string     `json:",omitzero"` // last four digits of the number
	Earlier   string     `json:",omitzero"` // the same number's conversation before this one
	OpenedAt  time.Time  `json:",omitzero"`
	Begun     uint64     `json:",omitzero"` // Seq of its first text
	OpenedSeq uint64     `json:",omitzero"` // Seq of the text that opened it last
	Last      uint64     `json:",omitzero"` // Seq of its newest event

	Severity triage.Severity `json:",omitzero"`
	Language string          `json:",omitzero"`
	Place    string          `json:",omitzero"` // of the texter's number, as far as its carrier says
	OptedOut bool            `json:",omitzero"` // the number, as far as this conversation's events say
	Danger   bool            `json:",omitzero"` // the danger word came since somebody last answered

	Phase    Phase     `json:",omitzero"`
	Owner    string    `json:",omitzero"` // who holds it, or held it last once closed
	Claim    uint64    `json:",omitzero"` // Seq of the event that made Owner its owner
	Held     []string  `json:",omitzero"` // everybody who ever held it
	ClosedAt time.Time `json:",omitzero"`
	Settled  uint64    `json:",omitzero"` // Seq up to which nothing needs an answer: of its newest closing, or of a lone STOP since
	Closing  Closing   `json:",omitzero"`

	LastText   uint64    `json:",omitzero"` // Seq of the newest text from the texter
	LastTextAt time.Time `json:",omitzero"` // and when
	LastHeard  uint64    `json:",omitzero"` // Seq of the newest that is not of a flood
	Flood      Flood     `json:",omitzero"`
	Unanswered time.Time `json:",omitzero"` // when the oldest text came that nobody has answered; zero if all are
	SafetySeq  uint64    `json:",omitzero"` // Seq of the newest safety record
	Safety     Safety    `json:",omitzero"`

	HelpedAt  time.Time  `json:",omitzero"` // when the compliance text was last owed
	OwedAt    time.Time  `json:",omitzero"` // when any automatic text was
	Unsure    []Doubt    `json:",omitzero"` // texts without a clear outcome of which nothing has been heard since
	LegalHold LegalHold  `json:",omitzero"` // set on it, so that nothing is forgotten
	Forget    Ask        `json:",omitzero"` // what somebody asked for
	Rest      Ask        `json:",omitzero"` // what was agreed on for all of its number before it was opened again or held back itself
	LeftOut   []Omission `json:",omitzero"`
	Export    Ask        `json:",omitzero"`
	Has       Holdings   `json:",omitzero"`
	// Forgettings are what was forgotten of it, oldest first. Gone is when all of it was: then nothing else is known.
	Forgettings []Forgetting `json:",omitzero"`
	Gone        time.Time    `json:",omitzero"`

	Messages  []*Message  `json:",omitzero"` // oldest first; dropped when it closes (Log.Conversation has them)
	Notes     []*NoteLine `json:",omitzero"`
	Plans     []plan.Plan `json:",omitzero"` // every version, oldest first
	Referrals []*Referral `json:",omitzero"` // oldest first
	Turns     []*Turn     `json:",omitzero"` // oldest first; dropped when it closes
}

// A Phase says where a conversation stands.
type Phase string

// The phases.
const (
	Waiting   Phase = "waiting"
	Held      Phase = "held"
	ClosedNow Phase = "closed"
)

// A Message is one text, either way. It never changes either.
type Message struct {
	ID        string
	Seq       uint64
	At        time.Time
	Inbound   bool
	Author    string // member of staff; empty for the texter's and for automatic texts
	Automatic string // "compliance" or "optout" for a text that the system owes
	Text      sms.Text
	Withheld  bool // there are words, but not for this reader
	Media     []Media
	Flags     []string
	Reasons   []triage.Reason
	Flood     int // how many texts of a flood it is the last of that came one after another; 0 if it is of none

	Late time.Duration // how long the carrier had had an inbound one that was fetched late

	Delivery  Status    // of an outbound one
	Changed   uint64    // Seq of the event that last changed that
	Code      int       // the carrier's error code
	Trouble   string    // in plain words: why it was refused, withdrawn or not delivered
	Claim     uint64    // that a reply rests on
	Reason    string    // why it goes out although the safety record holds it
	NotBefore time.Time // until then it can be taken back, or the carrier asked to wait
	Since     time.Time // from when on it might have gone out: its age is counted from then
	Attempt   int       // sends started so far
	Again     string    // who has it sent once more: store.Carrier, whose list does not show it, or a member of staff
	SIDs      []string  // the carrier's, one for each time that it took it
}

// Written is when an inbound text was at the carrier, by the relay's clock.
func (m *Message) Written() time.Time { return m.At.Add(-m.Late) }

// longestHold is more than any text is ever held before it goes out: undo, or a carrier that asks to wait.
const longestHold = 2 * time.Minute

// DueIn returns how long m must still wait. A clock that was set back does not hold a text for as long as it was ahead.
func (m *Message) DueIn(now time.Time) time.Duration {
	if d := m.NotBefore.Sub(now); d < longestHold {
		return max(d, 0)
	}
	return 0
}

// OldIn returns how long m may still be handed to the carrier for the first time; no more than zero: it is too old. So it
// is where a clock was set back and nobody can tell its age.
func (m *Message) OldIn(now time.Time, p Policy) time.Duration {
	if m.Since.Sub(now) > longestHold {
		return 0
	}
	most := p.withDefaults().ReplyAge
	if m.Automatic != "" {
		most = p.withDefaults().AutomaticAge
	}
	return most - now.Sub(m.Since) + 1 // to the end of the last moment
}

// sender is whoever stands for m: its author, or who had it sent again.
func (m *Message) sender() string {
	if m.chosen() {
		return m.Again
	}
	return m.Author
}

// chosen tells whether a person has m sent once more.
func (m *Message) chosen() bool { return m.Again != "" && m.Again != store.Carrier }

// Ahead returns the reply that m waits for: one before it of which nobody knows whether it went out, where that was not
// known when m was queued; nil for none. An automatic text waits for nothing, nor does what a person has sent again.
func (c *Conversation) Ahead(m *Message) *Message {
	if m.Author == "" || m.chosen() {
		return nil
	}
	for _, o := range c.Messages {
		switch {
		case o.ID == m.ID:
			return nil
		case o.Delivery == StatusUnknown && o.Author != "" && o.Changed > m.Seq:
			return o
		}
	}
	return nil
}

// overtaken tells whether a reply that was queued after m has been handed to the carrier.
func (c *Conversation) overtaken(m *Message) bool {
	for i := len(c.Messages) - 1; i >= 0 && c.Messages[i].ID != m.ID; i-- {
		o := c.Messages[i]
		if o.Author != "" && (o.Delivery == StatusUnknown || o.Delivery.Rank() >= StatusAccepted.Rank()) {
			return true
		}
	}
	return false
}

// A NoteLine is one note.
type NoteLine struct {
	ID     string
	Seq    uint64
	At     time.Time
	Author string
	Text   sms.Text
}

// Plan returns the newest version of the safety plan; the zero Plan if there is none.
func (c *Conversation) Plan() plan.Plan {
	if len(c.Plans) == 0 {
		return plan.Plan{}
	}
	return c.Plans[len(c.Plans)-1]
}

func (c *Conversation) planVersion(n int) (plan.Plan, bool) {
	if n == 0 {
		return plan.Plan{}, true
	}
	i := slices.IndexFunc(c.Plans, func(p plan.Plan) bool { return p.Version == n })
	if i < 0 {
		return plan.Plan{}, false
	}
	return c.Plans[i], true
}

// Message returns the message with this ID, or nil.
func (c *Conversation) Message(id string) *Message {
	i := c.index(id)
	if i < 0 {
		return nil
	}
	return c.Messages[i]
}

// index looks from the newest, where whatever is asked for mostly is.
func (c *Conversation) index(id string) int {
	for i := len(c.Messages) - 1; i >= 0; i-- {
		if c.Messages[i].ID == id {
			return i
		}
	}
	return -1
}

// Next returns the oldest message that has yet to be handed to the carrier, nil if there is none or one is under way.
func (c *Conversation) Next() *Message {
	var next *Message
	for _, m := range c.Messages {
		switch {
		case m.Delivery == StatusStarted:
			return nil
		case m.Delivery == StatusWaiting && next == nil:
			next = m
		}
	}
	return next
}

// Newest returns the newest text from the texter, nil if there is none.
func (c *Conversation) Newest() *Message {
	for i := len(c.Messages) - 1; i >= 0; i-- {
		if c.Messages[i].Inbound {
			return c.Messages[i]
		}
	}
	return nil
}

// Seen is what a reply must carry to say that everything on the screen was read. A flood keeps nobody from being answered.
func (c *Conversation) Seen() uint64 { return max(c.LastHeard, c.SafetySeq) }

// HeldBy tells whether c is in the hands of a member of staff. A nil one is held by nobody.
func (c *Conversation) HeldBy(staff string) bool {
	return c != nil && c.Phase == Held && c.Owner == staff
}

// MayRead tells whether a member of staff may read the words of c now: waiting ones every specialist, a held one its
// owner, a closed one who held it last, and all of them the supervisors.
func (c *Conversation) MayRead(staff string, role Role) bool {
	switch role {
	case Supervisor:
		return true
	case Specialist:
		return c.Phase == Waiting || c.Owner == staff
	}
	return false
}

// unanswered is when the oldest text came that no reply the carrier took has followed.
func (c *Conversation) unanswered() time.Time {
	var since time.Time
	for i := len(c.Messages) - 1; i >= 0; i-- {
		m := c.Messages[i]
		if m.Seq <= c.Settled {
			break
		}
		if m.Inbound {
			since = m.Written()
		} else if m.Author != "" && m.Delivery.Taken() {
			break
		}
	}
	return since
}

func (c *Conversation) clone() *Conversation {
	d := *c
	d.Messages = slices.Clone(c.Messages)
	d.Notes = slices.Clip(c.Notes)
	d.Referrals = slices.Clip(c.Referrals)
	d.Plans = slices.Clip(c.Plans)
	d.Turns = slices.Clip(c.Turns)
	d.Held = slices.Clip(c.Held)
	return &d
}
