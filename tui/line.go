package tui

import (
	"context"
	"time"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/sms"
)

// A Line is what the console needs of the world. Every method but View, Status and Changed may read or write a disk or
// wait for the relay, and is called from a tea.Cmd alone. All are safe for use by many goroutines at once.
type Line interface {
	View(f func(*desk.State)) // f must not block
	Status() client.Status
	Changed() <-chan struct{} // closed at the next change of anything shown here

	// Conversation returns one as it will be once what was written here has arrived, or nil; Whole returns it with all
	// the words that are on this machine, though it be closed.
	Conversation(id string) (*desk.Conversation, error)
	Whole(id string) (*desk.Conversation, error)

	// Do asks for an event; see client.Client.Do for what its errors say.
	Do(ctx context.Context, c desk.Command) (client.Outcome, error)
	// Surely is Do for a kind that is dangerous; a wrong passphrase gives seal.ErrPassphrase, and takes its time.
	Surely(ctx context.Context, c desk.Command, passphrase []byte) (client.Outcome, error)
	Open(ctx context.Context, conversation, reason string) error
	Preview(ctx context.Context, conversations []string) error // asks for the newest words of who waits
	Reveal(ctx context.Context, conversation, reason string, passphrase []byte) (sms.Number, error)
	Export(ctx context.Context, conversation string, agreed uint64, passphrase []byte) (*desk.Conversation, error)
	Attachment(ctx context.Context, conversation, message string, n int) (data []byte, kind string, err error)

	Accept() error // the relay's log as it is now; see client.Client.Accept

	// Search looks for words in all that this machine has unsealed; Prepare makes it ready for that, and Rest forgets
	// what was made ready.
	Search(ctx context.Context, words string) ([]client.Found, error)
	Prepare() error
	Rest()

	Outbox() ([]bolt.Entry, error)
	Discard(id string) error
	Draft(conversation, what, text string, at time.Time) error // on disk on return; see bolt.Cache.Draft
	Drafts() ([]bolt.Entry, error)
}

var _ Line = (*client.Client)(nil)

// Overhear is the Line of a console that is locked and whose cache is shut: it knows who waits, and nothing can be read,
// done or written by it.
func Overhear(l *client.Listener) Line { return overheard{l} }

type overheard struct{ *client.Listener }

func (overheard) Conversation(string) (*desk.Conversation, error) { return nil, nil }
func (overheard) Whole(string) (*desk.Conversation, error)        { return nil, nil }
func (overheard) Do(context.Context, desk.Command) (client.Outcome, error) {
	return client.Outcome{}, client.ErrOffline
}

func (overheard) Surely(context.Context, desk.Command, []byte) (client.Outcome, error) {
	return client.Outcome{}, client.ErrOffline
}
func (overheard) Open(context.Context, string, string) error { return client.ErrOffline }
func (overheard) Preview(context.Context, []string) error    { return nil }
func (overheard) Reveal(context.Context, string, string, []byte) (sms.Number, error) {
	return "", client.ErrOffline
}

func (overheard) Export(context.Context, string, uint64, []byte) (*desk.Conversation, error) {
	return nil, client.ErrOffline
}

func (overheard) Attachment(context.Context, string, string, int) ([]byte, string, error) {
	return nil, "", client.ErrOffline
}
func (overheard) Accept() error { return client.ErrOffline }
func (overheard) Search(context.Context, string) ([]client.Found, error) {
	return nil, client.ErrOffline
}
func (overheard) Prepare() error                                { return nil }
func (overheard) Rest()                                         {}
func (overheard) Outbox() ([]bolt.Entry, error)                 { return nil, nil }
func (overheard) Discard(string) error                          { return nil }
func (overheard) Draft(string, string, string, time.Time) error { return nil } // where its person is, which the cache knows
func (overheard) Drafts() ([]bolt.Entry, error)                 { return nil, nil }
